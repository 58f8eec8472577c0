"""Keeps one store to its rules: adoption, recovery, scans, and the deletions that are due."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timedelta

from retentiond.domain.errors import RetentiondError, StoreFailedError
from retentiond.domain.event import Event, EventType
from retentiond.domain.finding import Finding
from retentiond.domain.recording import StoreName
from retentiond.domain.run import DueRecording, Plan, Sorted, apply_limit
from retentiond.ports import (
    Absent,
    Present,
    Recorder,
    ScanProgress,
    ScanState,
    Store,
    StoreCondition,
    StreamBases,
    Unadopted,
    Unlisted,
    WalkStep,
)
from retentiond.services.arrive import Arrivals, Moment
from retentiond.services.carry_out import StoreRuns
from retentiond.services.delete import Order
from retentiond.services.find import links_left, removed_by_others, shared_extents
from retentiond.services.find_copies import find_copies
from retentiond.services.parts import Parts
from retentiond.services.pass_over import PassOver
from retentiond.services.recover import recover_store
from retentiond.services.report import scan_completed
from retentiond.services.rulebook import RuleBook
from retentiond.services.scan import Omitted, ScanResult, StoreScan
from retentiond.services.store_health import StoreHealth
from retentiond.services.survey import Survey
from retentiond.services.weigh import PLAN_STAYS, Weighed

WEIGH_SOON = timedelta(seconds=5)
"""So long after a hint that shows something a person has to decide about; more of it may be on the way."""

HOLD_OFF = timedelta(seconds=60)
"""A store whose due recordings wait as a whole is weighed again after this, not at every tick."""

AT_ONCE = 2000
"""What falls due is read as a whole up to so many; more is an outage or a backlog, and weighed."""


class StoreKeeper:
    """One store and what is known of its state between ticks. Used from one thread."""

    def __init__(self, store: Store, recorder: Recorder, parts: Parts, *, enforcing: bool) -> None:
        self.store = store
        self.recorder = recorder
        self.condition: StoreCondition = Absent("not looked at yet")
        self.next_due: datetime | None = None
        self.scan: StoreScan | None = None
        self.scan_wanted = True
        self.scan_is_sound = True
        self._pass_over = PassOver()
        self._parts = parts
        self._enforcing = enforcing
        self._recovered = False
        self._weigh_at: datetime | None = None
        self._due_unknown = True
        self._leap: timedelta | None = None
        self._looked_at: datetime | None = None
        self._falls_due_at: datetime | None = None
        self._unlisted: tuple[Unlisted, ...] = ()
        self._unexplained: tuple[Finding, ...] = ()
        self._copies: tuple[Finding, ...] = ()
        self._removed_by_others = 0
        self._health = StoreHealth()
        self._runs = StoreRuns(parts.deleter, parts.catalogue, parts.journal, self._health)

    @property
    def name(self) -> StoreName:
        """The operator's name of the store."""
        return self.store.name

    def examine(self) -> None:
        """Look whether the store is there. When it comes (back), what was begun in it is settled first (I4)."""
        was, was_there = self.condition, isinstance(self.condition, Present | Unadopted)
        self.condition = self.store.examine()
        if self.condition != was:
            self._health.note_success()
            self.rules_changed()  # what fell due meanwhile goes now, and not when the store is next weighed
        self.scan_wanted = self.scan_wanted or (not was_there and isinstance(self.condition, Present | Unadopted))
        if not was_there:
            self._pass_over.forget()
        if not isinstance(self.condition, Present):
            self._recovered = False
            return
        parts = self._parts
        if not self._recovered and not self.condition.read_only and not self._health.rests(self._now()):
            self._unexplained = recover_store(self.store, parts.journal, parts.catalogue, parts.timekeeper)
            self._recovered = True

    def _now(self) -> datetime:
        return self._parts.timekeeper.now_or_wall()

    def adopt_at_first_start(self) -> None:
        """Adopt the store if the daemon enforces and it has never been adopted (rule 5)."""
        new = self.name not in self._parts.journal.decisions.adopted
        if self._enforcing and new and isinstance(self.condition, Unadopted):
            self.adopt("retentiond")

    def adopt(self, actor: str) -> None:
        """Take the directory as it stands for the store, on the record. What is due in it then waits (rule 4)."""
        identity = self.store.adopt()
        former = self._parts.journal.decisions.adopted.get(self.name)
        fields = {"store": self.name, "actor": actor, **asdict(identity)}
        self._parts.journal.write([Event(EventType.STORE_ADOPTED, fields)])
        if former is not None and former.get("uuid") != identity.uuid:
            self._forget_explanations()
            self.scan_wanted = True
        self.rules_changed()
        self.examine()

    def rules_changed(self) -> None:
        """Weigh the store again at the next tick: rules, approvals or its content changed."""
        self._weigh_at = None
        self._due_unknown = True

    def hold_placed(self, now: datetime) -> None:
        """Weigh the store again without the plan that waits: it may hold what is suspended now."""
        standing = self._parts.catalogue.waiting(self.name)
        if standing is not None and self._parts.journal.decisions.approval_for(standing.digest, now) is None:
            self._parts.catalogue.thaw(self.name)
        self.rules_changed()

    def distrust(self) -> None:
        """Settle open intents again before anything else: the last piece of work broke off in the middle."""
        self._recovered = False
        self.next_due = None
        self.rules_changed()

    def failed(self, error: RetentiondError) -> None:
        """Trust nothing that was begun, and let the store rest if it was its fault."""
        self.distrust()
        if isinstance(error, StoreFailedError):
            self._health.note_failure(str(error), self._now())

    @property
    def failing(self) -> bool:
        """Whether the last that was tried in the store failed because of the store."""
        return self._health.failures > 0

    def clock_settled(self, leap: timedelta) -> None:
        """Judge again, before anything else, what came while the wall clock was ahead of trusted time."""
        self._leap = leap

    def enforce(self, book: RuleBook, now: datetime) -> None:
        """Delete what is due and may go; freeze what waits. Costs what is due, not what is stored."""
        self._judge_again(now)
        if not self._was_scanned():
            return
        if self._health.rests(now):
            self.next_due = self._health.retry_at
            return
        if self._weigh_at is None or now >= self._weigh_at:
            self._weigh(book, now)
        elif self._due_unknown or (self.next_due is not None and now >= self.next_due):
            self._delete_ordinary(book, now)
        else:
            return
        self.next_due = self._next_look(book, now)
        self._due_unknown = self._parts.journal.trouble is not None  # what waits for the trail is looked at again soon

    def keep_on_time(self, book: RuleBook, now: datetime) -> None:
        """Delete what has fallen due since the last look, while a long run goes on, of this store or of another.

        Only what the passing of time explains, and only if the limit would let all of that go.
        """
        self._judge_again(now)
        if not self._was_scanned() or self._health.rests(now):
            return
        planner = self._parts.planner
        looked_at = self._looked_at = self._looked_at or now
        if self._falls_due_at is None:
            self._falls_due_at = planner.next_due(self.name, book, looked_at) or now + HOLD_OFF
        if now < self._falls_due_at or not self._may_delete():
            return
        spans = planner.spans(self.name, book, now)
        fresh = planner.fallen_due_since(spans, looked_at, book.policy.margin)
        if self._limited(fresh, now).waiting or planner.is_too_much(self.name, spans):
            return
        self._note_look(now)
        self._delete(fresh, len(fresh), book, now)

    def _judge_again(self, now: datetime) -> None:
        """Judge what came while the wall clock was ahead of trusted time, once that is known."""
        if self._leap is not None and isinstance(self.condition, Present | Unadopted):
            moment = Moment(now, None, self._parts.journal.decisions.clock_doubts)
            Arrivals(self.store, self.recorder, self._parts.catalogue).judge_again(self._leap, moment)
            self._leap = None
            self.rules_changed()

    def _note_look(self, now: datetime) -> None:
        self._looked_at, self._falls_due_at = now, None

    def _was_scanned(self) -> bool:
        return self._parts.catalogue.scan_state(self.name).last_complete is not None and not self.scan_is_first()

    def scan_is_first(self) -> bool:
        """Tell whether the scan that is running is the store's first."""
        return self.scan is not None and self._parts.catalogue.scan_state(self.name).last_complete is None

    @property
    def progress(self) -> ScanProgress | None:
        """How far the scan that is running has come."""
        return None if self.scan is None else self.scan.progress

    def list_all(self) -> None:
        """Let the next scan list every directory, whatever its stamp says."""
        self._pass_over.forget()

    def begin_scan(self) -> StoreScan | None:
        """Begin a scan, unless one is running or there is nothing to scan."""
        if self.scan is not None or not isinstance(self.condition, Present | Unadopted):
            return None
        with suppress(RetentiondError):  # the room check says what is wrong with it
            self.recorder.devices()  # a scan reads names by what the recorder says now
        if not self.recorder.ready:
            return None
        parts = self._parts
        self.scan_wanted = False
        self.scan_is_sound = True
        resume_after = parts.catalogue.scan_state(self.name).resume_after
        passing = self._pass_over.begin(self.recorder.reading, self._now(), resumed=resume_after is not None)
        omitted = Omitted(resume_after, parts.catalogue.stamps(self.name) if passing else None)
        self.scan = StoreScan(self.store, self.recorder, parts.catalogue, parts.observer, omitted=omitted)
        self.scan.begin(self._now())
        return self.scan

    def take(self, steps: Sequence[WalkStep], book: RuleBook, moment: Moment) -> None:
        """Take in some steps of the running scan."""
        if self.scan is not None:
            self._due_unknown = True
            self.scan.take_together(steps, book, moment)

    def complete_scan(self, book: RuleBook, now: datetime, *, whole: bool) -> None:
        """End the running scan. If it walked the `whole` store, say on the record what was seen."""
        scan, self.scan = self.scan, None
        if scan is None or not whole:
            return
        first = self._parts.catalogue.scan_state(self.name).last_complete is None
        self._parts.planner.settle_bases(self.name, book, now, adopting=first)
        result = scan.complete(now)
        self._pass_over.complete()
        self._unlisted = tuple(result.unlisted)
        self._removed_by_others = result.removed_by_others
        self._copies = find_copies(self.store, self._parts.catalogue)
        self._parts.journal.write([scan_completed(self.survey(book, now), result, book)])
        self.rules_changed()

    def look_again(self, directory: bytes, book: RuleBook, moment: Moment) -> None:
        """List one directory, because the watcher hinted at it."""
        if self._parts.catalogue.scan_state(self.name).last_complete is None or not self.recorder.ready:
            return
        glance = StoreScan(self.store, self.recorder, self._parts.catalogue, self._parts.observer)
        pending = [directory]
        while pending:
            step = self.store.list_directory(pending.pop())
            if step is None:
                continue
            glance.take(step, book, moment)
            if not isinstance(step, Unlisted):
                pending += glance.unknown_directories(step)
        self._removed_by_others += glance.result.removed_by_others
        self._parts.planner.settle_bases_of(glance.result.streams, book, moment.now)
        self._came(glance.result, book, moment.now)
        if glance.result.unexplained and self._weigh_at is not None:
            self._weigh_at = min(self._weigh_at, moment.now + WEIGH_SOON)

    def _came(self, met: ScanResult, book: RuleBook, now: datetime) -> None:
        """Take note that something may fall due sooner, or be due already, because of what a look met."""
        self._falls_due_at = None
        if met.perhaps_due:
            self._due_unknown = True
        upcoming = self._parts.planner.next_due_of(met.streams, book, now)
        self.next_due = min((at for at in (self.next_due, upcoming) if at is not None), default=None)

    def survey(self, book: RuleBook, now: datetime) -> Survey:
        """Look the store over."""
        failing = self._health.why if self._health.degraded else None
        return self._parts.surveyor.survey(
            self.name, self.condition, book, now, unlisted=self._unlisted, failing=failing
        )

    def findings(self) -> tuple[Finding, ...]:
        """Return what only the keeper knows."""
        name = self.name
        return (
            *self._unexplained,
            *self._copies,
            *removed_by_others(name, self._removed_by_others),
            *links_left(name, self._runs.links_left),
            *shared_extents(name, self._runs.shared_extents),
        )

    def _weigh(self, book: RuleBook, now: datetime) -> None:
        """Weigh everything that is due, freeze what waits, delete what goes."""
        planner, weigher = self._parts.planner, self._parts.weigher
        self._note_look(now)
        planner.settle_bases(self.name, book, now)
        weighed = weigher.weigh(self.name, book, now, clock_proven=self._parts.timekeeper.synchronised())
        self._weigh_at = again = now + (HOLD_OFF if weighed.waiting else PLAN_STAYS)
        if self._may_delete() and isinstance(self.condition, Present):
            plan = weigher.freeze(
                weighed,
                self.condition.identity.uuid,
                keep=self._standing(weighed, now),
                still_holds=lambda: self._weigh_at == again,
            )
            self._delete(weigher.going(weighed), weighed.going, book, now)
            self._delete_approved(plan, book, now)
        planner.accept_bases(self.name, weighed.waiting_of)

    def _standing(self, weighed: Weighed, now: datetime) -> Plan | None:
        """Return the plan that waits if it stays: a person may be reading its digest, or has approved it."""
        standing = self._parts.catalogue.waiting(self.name)
        if standing is None:
            return None
        approved = self._parts.journal.decisions.approval_for(standing.digest, now) is not None
        fresh = weighed.waiting > 0 and now < standing.created + PLAN_STAYS
        return standing if approved or fresh else None

    def _delete_ordinary(self, book: RuleBook, now: datetime) -> None:
        """Delete what the passing of time explains; anything else waits for the next weighing."""
        if not self._may_delete():
            return
        planner = self._parts.planner
        self._note_look(now)
        ordinary = planner.ordinary(planner.spans(self.name, book, now), AT_ONCE)
        sorted_ = None if ordinary is None else self._limited(ordinary, now)
        if sorted_ is None or sorted_.waiting:
            self._weigh(book, now)
        else:
            self._delete(sorted_.go, len(sorted_.go), book, now)

    def _limited(self, explained: Sequence[DueRecording], now: datetime) -> Sorted:
        census, proven = self._parts.planner.census(self.name), self._parts.timekeeper.synchronised()
        return apply_limit(explained, (), census, adopting=False, clock_proven=proven, now=now)

    def _may_delete(self) -> bool:
        return self._enforcing and isinstance(self.condition, Present) and not self.condition.read_only

    def _delete_approved(self, plan: Plan | None, book: RuleBook, now: datetime) -> None:
        parts = self._parts
        if plan is None or parts.journal.decisions.approval_for(plan.digest, now) is None:
            return
        members = (row.recording for row in parts.catalogue.members(self.name))
        count = parts.catalogue.left_of_plan(self.name)
        self._delete(parts.planner.due_of(members, book), count, book, now, approval=plan.digest)
        if not parts.catalogue.left_of_plan(self.name):
            parts.catalogue.thaw(self.name)
            self._weigh_at = None

    def delete_decided(self, due: Sequence[DueRecording], digest: str, book: RuleBook, now: datetime) -> None:
        """Delete what two persons decided to delete (ADR 0024), with every look that a run takes at it."""
        if self._may_delete() and not self.scan_is_first() and not self._health.rests(now):
            self._delete(due, len(due), book, now, approval=digest)

    def _delete(
        self, due: Iterable[DueRecording], count: int, book: RuleBook, now: datetime, *, approval: str | None = None
    ) -> None:
        order = Order(self.store, self.recorder, due, count, book.policy.margin, approval)
        self._runs.carry_out(order, now)

    def _next_look(self, book: RuleBook, now: datetime) -> datetime | None:
        """Return when there is something to do again: the next deadline, or the next retry.

        A retry whose time has come and that was not made is stopped by something else, which is noticed when it ends.
        """
        if self._health.rests(now):
            return self._health.retry_at
        instants = [item.retry_at for item in self._parts.catalogue.setbacks(self.name) if item.retry_at > now]
        upcoming = self._parts.planner.next_due(self.name, book, now)
        return min((*instants, *([upcoming] if upcoming is not None else [])), default=None)

    def _forget_explanations(self) -> None:
        """Another store lies under this name now: nothing that time explained of the old one holds for it."""
        catalogue = self._parts.catalogue
        for stream, _ in catalogue.streams(self.name):
            catalogue.set_bases(stream, StreamBases(None, None))
        catalogue.set_scan_state(self.name, ScanState(None, None))
        catalogue.thaw(self.name)
