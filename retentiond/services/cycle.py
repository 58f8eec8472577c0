"""Ties the use cases together: what is done at a start, at each tick, and when somebody asks.

All of it happens on one thread. Each store is worked on behind a guard of its own, so that one store's failure never
stops another's work (I9).
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from retentiond.domain.clock import Credible, TrustedTime
from retentiond.domain.errors import MustRestartError, RetentiondError, TryAgainError, UsageError
from retentiond.domain.event import Event, EventType, finding_acknowledged
from retentiond.domain.finding import Finding, FindingKey, FindingKind, finding
from retentiond.domain.instants import EPOCH
from retentiond.domain.recording import StoreName
from retentiond.domain.register_event import register_loaded
from retentiond.domain.run import Plan
from retentiond.ports import AnchorStatus, Present, Snapshot, Told, Unadopted, WalkStep, Watch
from retentiond.services.approve import Consent, approve
from retentiond.services.arrive import Moment
from retentiond.services.check_placement import check_rooms
from retentiond.services.check_recorders import check_recorders
from retentiond.services.decide_incident import IncidentCourt
from retentiond.services.find import failed_store, record_findings
from retentiond.services.incidents import IncidentKeeper
from retentiond.services.keep_store import StoreKeeper
from retentiond.services.lost_records import accept_loss
from retentiond.services.overview import Mode, Overview, Situation
from retentiond.services.parts import Parts
from retentiond.services.prune_trail import TrailPruning
from retentiond.services.recover import catch_up
from retentiond.services.report import heartbeat
from retentiond.services.rulebook import RuleBook
from retentiond.services.sample import Answer
from retentiond.services.scan import StoreScan
from retentiond.services.survey import Survey
from retentiond.services.suspend import Placed, Suspender, Terms
from retentiond.services.unanswered import unanswered

LONGEST_WAIT = timedelta(seconds=5)
"""No wait is longer, so that a step of the clock is noticed soon (rule 3)."""

RETRY_WAIT = timedelta(seconds=1)

HEARTBEAT_EVERY = timedelta(hours=1)

UNPRUNED = FindingKey(FindingKind.AUDIT_UNPRUNED, "audit trail")
CLOCK_UNSAVED = FindingKey(FindingKind.STATE_UNWRITABLE, "clock")


class Cycle:
    """The daemon's work, without threads, timers or signals."""

    def __init__(
        self, keepers: Sequence[StoreKeeper], parts: Parts, book: RuleBook, *, mode: Mode, watch: Watch
    ) -> None:
        self.keepers = tuple(keepers)
        self.book = book
        self._parts = parts
        self.mode = mode
        stores = {keeper.name: keeper.store for keeper in self.keepers}
        self.holds = Suspender(parts.journal, parts.catalogue, parts.timekeeper, stores)
        self.pruning = TrailPruning(parts.journal, parts.pruner, parts.timekeeper)
        self._incidents = IncidentKeeper(parts.journal, parts.catalogue, stores)
        self.court = IncidentCourt(parts.journal, self._incidents, parts.timekeeper)
        self._overview = Overview(self.keepers, parts, watch, mode, self._incidents)
        self._something_came = True
        self._interrupting = False
        self._started_at = EPOCH
        self._heartbeat_at: datetime | None = None
        self._failures: dict[tuple[StoreName, str], Finding] = {}
        self._standing: dict[FindingKey, Finding] = {}
        self.reminded: tuple[Finding, ...] = ()
        self.anchors = AnchorStatus()
        self.told: Told = ()

    # --- life -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Settle what the last run left, then say on the record which rules are in force. Raises StorageError."""
        parts = self._parts
        self._started_at = parts.timekeeper.wall()
        parts.timekeeper.look()
        catch_up(parts.trail, parts.catalogue)
        self._record_book()
        self.holds.follow(self.book)
        for keeper in self.keepers:
            self._guarded(keeper, "work", keeper.examine)

    def now(self) -> datetime:
        """Return trusted time, or the wall clock while there is none: for what is shown, not for what is decided."""
        return self._parts.timekeeper.now_or_wall()

    def tick(self) -> timedelta:
        """Do what is due now, and return how long there is nothing to do, at most 5 s."""
        parts = self._parts
        trusted = parts.timekeeper.look()
        parts.spare.keep()
        self._noting(CLOCK_UNSAVED, "the next start will know less of the clock", parts.timekeeper.persist)
        self._on_record(parts.journal.give_back)
        self._on_record(partial(parts.timekeeper.record_state, parts.journal))
        if isinstance(trusted, Credible):
            self._on_record(partial(self._end_holds, trusted.now))
            self._on_record(partial(self._look_for_incidents, trusted.now))
        leap = parts.timekeeper.settled()
        if leap is not None:
            for keeper in self.keepers:
                keeper.clock_settled(leap)
        for keeper in self.keepers:
            self._guarded(keeper, "work", partial(self._work_on, keeper, trusted))
        parts.trail.keep_head()
        return self._wait(trusted.now) if isinstance(trusted, Credible) else LONGEST_WAIT

    def keep_on_time(self) -> None:
        """Let nothing that falls due wait for the end of a long run; called between two chunks of one.

        What this deletes has chunks too, which are not interrupted again.
        """
        trusted = self._parts.timekeeper.look()
        if self._interrupting or not isinstance(trusted, Credible) or self._parts.journal.decisions.lost:
            return
        self._interrupting = True
        try:
            for keeper in self.keepers:
                self._guarded(keeper, "work", partial(keeper.keep_on_time, self.book, trusted.now))
        finally:
            self._interrupting = False

    def _end_holds(self, now: datetime) -> None:
        """Let suspensions and incidents end whose time has come; what they kept is due at once (rule 8)."""
        ended = self.holds.expire(now)
        if self._incidents.expire(now) or ended:
            self._rules_changed()

    def _look_for_incidents(self, now: datetime) -> None:
        """Suspend what was recorded where none may be, before anything else is deleted (rule 9)."""
        if self._something_came:
            if self._incidents.look(self.book, now):
                self.weigh_again()
            self._something_came = False

    def weigh_again(self) -> None:
        """Let every store be weighed again, since something else is suspended now, or decided."""
        self._something_came = True
        for keeper in self.keepers:
            keeper.hold_placed(self.now())

    def _rules_changed(self) -> None:
        for keeper in self.keepers:
            keeper.rules_changed()

    def _work_on(self, keeper: StoreKeeper, trusted: TrustedTime) -> None:
        keeper.examine()
        if self._parts.journal.decisions.lost:
            return  # a record that is lost may have placed a hold
        keeper.adopt_at_first_start()
        if isinstance(trusted, Credible):
            keeper.enforce(self.book, trusted.now)
            for digest, due in self._incidents.due(keeper.name, self.book.policy.margin, trusted.now):
                keeper.delete_decided(due, digest, self.book, trusted.now)
                self._something_came = True

    def finish(self) -> None:
        """Make durable what is only in memory, before a clean stop."""
        self._parts.timekeeper.persist(force=True)
        self._parts.journal.save()

    # --- scans ------------------------------------------------------------------------------------------------

    def begin_scans(self, *, only_wanted: bool = False) -> list[tuple[StoreKeeper, StoreScan]]:
        """Begin a scan of every store that can be scanned, or only of those that were not since they came.

        Without a credible clock no name can be judged, so nothing is scanned.
        """
        if not isinstance(self._parts.timekeeper.look(), Credible):
            return []
        keepers = [keeper for keeper in self.keepers if keeper.scan_wanted or not only_wanted]
        return [(keeper, scan) for keeper in keepers if (scan := keeper.begin_scan()) is not None]

    def take(self, keeper: StoreKeeper, *steps: WalkStep) -> None:
        """Take in some steps of a running scan."""
        trusted = self._parts.timekeeper.look()
        self._something_came = True
        if isinstance(trusted, Credible):
            keeper.scan_is_sound &= self._guarded(
                keeper, "listing", partial(keeper.take, steps, self.book, self._moment(trusted))
            )

    def complete_scan(self, keeper: StoreKeeper, *, whole: bool) -> None:
        """End a running scan; one that did not walk the `whole` store proves nothing."""
        trusted = self._parts.timekeeper.look()
        self._something_came = True
        if isinstance(trusted, Credible):
            whole = whole and keeper.scan_is_sound
            done = self._guarded(keeper, "scan", partial(keeper.complete_scan, self.book, trusted.now, whole=whole))
            if done and whole:
                self._failures.pop((keeper.name, "listing"), None)

    def look_again(self, store: StoreName, directory: bytes) -> None:
        """List a directory that the watcher hinted at."""
        trusted = self._parts.timekeeper.look()
        self._something_came = True
        for keeper in self.keepers:
            if keeper.name == store and isinstance(trusted, Credible):
                self._guarded(keeper, "hint", partial(keeper.look_again, directory, self.book, self._moment(trusted)))

    def _moment(self, trusted: Credible) -> Moment:
        return Moment.of(trusted, self._parts.journal.decisions.clock_doubts)

    # --- samples ----------------------------------------------------------------------------------------------

    def samples_wanted(self) -> Callable[[], Sequence[Answer]] | None:
        """Return what looks, in another thread, into recordings that are to be looked into now; None if none are."""
        there = [item for item in self.keepers if isinstance(item.condition, Present | Unadopted)]
        recorders = [(keeper.name, keeper.recorder) for keeper in there]
        wanted = self._parts.sampler.wanted(recorders, self.book.register, self.now())
        return partial(self._parts.sampler.look, wanted) if wanted else None

    def take_samples(self, answers: Sequence[Answer]) -> None:
        """Take in what was seen in recordings."""
        self._parts.sampler.take(answers, self.now())

    # --- what people ask --------------------------------------------------------------------------------------

    def approve(self, consent: Consent) -> Plan:
        """Release a plan. Raises UsageError, TryAgainError."""
        if not self.mode.enforcing:
            raise TryAgainError("the daemon observes only, so an approval would do nothing; set mode: enforce first")
        trusted = self._parts.timekeeper.look()
        if not isinstance(trusted, Credible):
            raise TryAgainError("the clock is not credible yet; first: retentiond clock accept --wall TIME")
        names = tuple(keeper.name for keeper in self.keepers)
        plan = approve(self._parts.catalogue, self._parts.journal, names, consent, trusted.now)
        self._keeper(plan.store).rules_changed()
        return plan

    def accept_clock(self, typed: datetime, actor: str) -> None:
        """Take the clock for true. Raises TryAgainError."""
        self._parts.timekeeper.accept(typed, actor, self._parts.journal)

    def adopt(self, store: StoreName, actor: str) -> None:
        """Adopt a store as it stands. Raises UsageError, StorageError."""
        self._keeper(store).adopt(actor)

    def accept_loss(self, count: int, actor: str, why: str) -> int:
        """Go on though records are lost. Raises UsageError, StorageError."""
        accepted = accept_loss(self._parts.journal, count, actor, why)
        self._rules_changed()
        return accepted

    def acknowledge(self, key: FindingKey, actor: str, why: str, until: datetime) -> None:
        """Note that a person knows of an open finding. Raises UsageError."""
        if key not in self._parts.journal.decisions.findings:
            raise UsageError(f"no finding {key.kind} about {key.subject!r} is open; see: retentiond findings list")
        self._parts.journal.write([finding_acknowledged(key, actor, why, until)])

    def place_hold(self, terms: Terms, actor: str) -> Placed:
        """Suspend deletion. Raises as `Suspender.place`."""
        placed = self.holds.place(terms, actor, self.book)
        self.weigh_again()
        return placed

    def release_hold(self, ident: str, actor: str, why: str) -> int:
        """End a suspension; what it kept goes at the next tick. Raises as `Suspender.release`."""
        due = self.holds.release(ident, actor, why, self.book)
        self._rules_changed()
        return due

    def replace_book(self, book: RuleBook) -> None:
        """Put another policy or register in force; what it makes due at once waits for approval (ADR 0010)."""
        self.book = book
        self._something_came = True
        self._record_book()
        self.holds.follow(book)
        for keeper in self.keepers:
            keeper.rules_changed()
            keeper.scan_wanted = True  # the recorder may have been set up anew as well
            keeper.list_all()

    def raise_finding(self, item: Finding) -> None:
        """Keep a finding that no survey would notice, such as a broken configuration, until it is lowered."""
        self._standing[item.key] = item

    def lower_finding(self, key: FindingKey) -> None:
        """Drop a finding that `raise_finding` keeps."""
        self._standing.pop(key, None)

    # --- evidence ---------------------------------------------------------------------------------------------

    def report(self) -> Snapshot:
        """Look everything over, keep the record of findings in step, publish and return what was seen.

        `reminded` is what was said again, once a day, because it waits for a person.
        """
        parts = self._parts
        self.reminded = ()
        self._something_came = True  # a violation may begin with the hour, and nothing else
        now = self.now()
        surveys = [keeper.survey(self.book, now) for keeper in self.keepers]
        recorders = [(keeper.name, keeper.recorder) for keeper in self.keepers]
        on_disk = [status for survey in surveys for status in survey.streams]
        rooms = check_rooms(self.book.register, recorders, on_disk, now, self.told)
        drift = check_recorders(
            recorders, {(item.stream.store, item.stream.camera) for item in on_disk}, self.book, now
        )
        noted = (*self._standing.values(), *self._failures.values())
        kept = unanswered(rooms.silent, parts.journal.decisions.findings.values(), self.book.register, now)
        checked = (*kept, *rooms.findings, *drift, *parts.sampler.findings(self.book.register))
        found = self._overview.findings(surveys, noted, checked, self._situation(now))
        self._on_record(partial(self._record_evidence, surveys, found, now))
        snapshot = self._overview.snapshot(surveys, rooms, found, self._situation(now))
        parts.observer.publish(snapshot)
        return snapshot

    def _situation(self, now: datetime) -> Situation:
        return Situation(now, self._started_at, self.book, self._heartbeat_at, self.anchors)

    def note_pruning(self, trouble: str) -> None:
        """Keep what stood in the way of the last pruning as a finding, until one goes well."""
        self.lower_finding(UNPRUNED)
        if trouble:
            message = f"the audit trail keeps records for longer than it has to: {trouble}"
            self.raise_finding(finding(UNPRUNED.kind, UNPRUNED.subject, message, "check it: retentiond audit verify"))

    def _record_evidence(self, surveys: Sequence[Survey], found: tuple[Finding, ...], now: datetime) -> None:
        self.reminded = record_findings(self._parts.journal, found, self._parts.timekeeper.wall())
        if self._heartbeat_at is None or now - self._heartbeat_at >= HEARTBEAT_EVERY:
            beat = heartbeat(surveys, self.book, mode=str(self.mode), findings=len(found))
            self._parts.journal.write([beat])
            self._heartbeat_at = now
            self._parts.journal.save()

    def _guarded(self, keeper: StoreKeeper, part: str, work: Callable[[], None]) -> bool:
        """Do a part of a store's work; what goes wrong in it is a finding about that store and no other's (I9).

        The finding stays until the same part goes well again. One listing of a scan that does shows nothing: it takes
        a whole scan.
        """
        try:
            work()
        except MustRestartError:
            raise
        except RetentiondError as error:
            self._failures[keeper.name, part] = failed_store(keeper.name, str(error))
            keeper.failed(error)
            return False
        if part != "listing" and not (part == "work" and keeper.failing):
            self._failures.pop((keeper.name, part), None)
        return True

    def _on_record(self, write: Callable[[], None]) -> None:
        """Write to the trail; that it takes nothing is a finding as long as it does, and ends nothing."""
        try:
            write()
        except MustRestartError:
            raise
        except RetentiondError:
            if self._parts.journal.trouble is None:
                raise

    def _noting(self, key: FindingKey, what: str, write: Callable[[], None]) -> None:
        """Write something; a failure is a finding until the next time that it goes well."""
        try:
            write()
        except MustRestartError:
            raise
        except RetentiondError as error:
            remedy = "make room on its disk, or mend it"
            self._standing[key] = finding(key.kind, key.subject, f"{what}: {error}", remedy)
        else:
            self._standing.pop(key, None)

    def _wait(self, now: datetime) -> timedelta:
        upcoming = [keeper.next_due - now for keeper in self.keepers if keeper.next_due is not None]
        ending = (self.holds.next_end(), self._incidents.next_end())
        upcoming += [instant - now for instant in ending if instant is not None and instant > now]
        # What is due and cannot be done is tried again soon, and not without end.
        shortest = RETRY_WAIT if self._failures or self._parts.journal.trouble is not None else timedelta()
        return max(min((LONGEST_WAIT, *upcoming)), shortest)

    def _keeper(self, store: StoreName) -> StoreKeeper:
        for keeper in self.keepers:
            if keeper.name == store:
                return keeper
        names = ", ".join(keeper.name for keeper in self.keepers)
        raise UsageError(f"no store {store!r} in the configuration; there are: {names}")

    def _record_book(self) -> None:
        """Put the rules in force on the record, whenever they are not the ones recorded last."""
        decisions, book = self._parts.journal.decisions, self.book
        events = []
        if decisions.policy_digest != book.policy_digest:
            fields = {"digest": book.policy_digest, "policy": book.policy.canonical(), "mode": str(self.mode)}
            events.append(Event(EventType.POLICY_LOADED, fields))
        if decisions.register_digest != book.register_digest:
            events += register_loaded(book.register, book.register_digest, frozenset(decisions.register_facts))
        self._parts.journal.write(events)
