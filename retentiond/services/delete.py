"""Carries out a deletion run: look again, intend, claim and unlink, confirm, in chunks (design rule 6).

The order is the promise: an intent is durable before a name disappears (I1), and "deleted" is written only after
the directory is synced and the name verified gone (I2).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import assert_never

from retentiond.domain.audit_failure import going_without_trail
from retentiond.domain.clock import Credible
from retentiond.domain.decide import Delete, decide
from retentiond.domain.errors import MustRestartError, StorageError, StoreFailedError
from retentiond.domain.event import (
    Event,
    EventType,
    Intended,
    Record,
    intents,
    not_deleted,
    recording_deleted,
    run_completed,
    run_started,
)
from retentiond.domain.hold_event import Widening, hold_widened
from retentiond.domain.incident import Change
from retentiond.domain.incident_event import incident_changed
from retentiond.domain.recording import Identity, Recording, StoreName
from retentiond.domain.run import CHUNK, DueRecording
from retentiond.domain.starts import MAX_RECORDING, Arrival, Doubt, is_rewritten
from retentiond.domain.suspension import only
from retentiond.ports import (
    Arrived,
    Catalogue,
    ClaimChunk,
    Failed,
    Observer,
    Pinned,
    PinRefused,
    Present,
    Recorder,
    Refusal,
    Removal,
    Removed,
    Setback,
    Store,
    Voided,
)
from retentiond.services.arrive import birth_of, written_of
from retentiond.services.journal import Journal
from retentiond.services.keep_time import Timekeeper
from retentiond.services.store_health import is_of_the_store

FIRST_RETRY = timedelta(minutes=1)
LAST_RETRY = timedelta(hours=1)


@dataclass(slots=True)
class RunResult:
    """What a run did. `finished` is false when it was stopped between chunks and has more to do."""

    deleted: int = 0
    failed: int = 0
    void: int = 0
    skipped: int = 0
    left_out: int = 0
    links_left: int = 0
    shared_extents: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    finished: bool = True

    @property
    def nothing_works(self) -> bool:
        """Whether all that was tried failed, and none of it because of itself."""
        return self.deleted == 0 and self.void == 0 and self.failed > 0 and is_of_the_store(self.reasons)

    @property
    def used_up(self) -> bool:
        """Whether nothing is left of what the run was about."""
        return self.finished and self.failed + self.void + self.skipped + self.left_out == 0

    def counts(self) -> Mapping[str, int]:
        """Return the counts for the record."""
        return {"deleted": self.deleted, "failed": self.failed, "void": self.void, "skipped": self.skipped}


@dataclass(frozen=True, slots=True)
class Order:
    """A run to carry out: where, what and by whose word. `approval` is a digest, None where time explains it.

    `due` is read as the run goes on; `count` says for the record how many recordings it is about. Those of them that
    have to wait are left out; `wait` tells which. A `part` of what was approved uses no approval up.
    """

    store: Store
    recorder: Recorder
    due: Iterable[DueRecording]
    count: int
    margin: timedelta
    approval: str | None = None
    part: bool = False
    wait: Callable[[DueRecording], bool] = lambda _: False


@dataclass(slots=True)
class _Chunk:
    """What one chunk has pinned, and what it will tell the catalogue.

    `opening` is what begins the run on the record; it goes with the first intents, and is empty afterwards.
    """

    order: Order
    run: str
    first: int
    result: RunResult
    opening: list[Event]
    intended: list[Intended] = field(default_factory=list)
    pins: dict[str, Pinned] = field(default_factory=dict)
    gone: list[Recording] = field(default_factory=list)
    failures: list[tuple[Recording, str]] = field(default_factory=list)


class Deleter:
    """Deletes what it is given, if it still may. Knows nothing of plans and limits."""

    def __init__(
        self,
        journal: Journal,
        catalogue: Catalogue,
        timekeeper: Timekeeper,
        observer: Observer,
        *,
        new_id: Callable[[], str],
        stopping: Callable[[], bool],
    ) -> None:
        self._journal = journal
        self._catalogue = catalogue
        self._timekeeper = timekeeper
        self._observer = observer
        self._new_id = new_id
        self._stopping = stopping

    def run(self, order: Order) -> RunResult:
        """Delete the recordings of `order.due` in that order, and put all of it on the record.

        Between chunks the store, trusted time, suspensions and a stop request are looked at again (L4).

        Raises:
            StorageError: the trail or a directory could not be made durable; open intents are settled by recovery.
        """
        result = RunResult()
        run, name = self._new_id(), order.store.name
        opening = [run_started(name, run, order.count, approval=order.approval)]
        chunks = _chunks(order, result)
        due = next(chunks, None)
        if due is None:
            return result
        first = 0
        while due is not None:
            now = self._may_go_on(order.store)
            if now is None:
                result.finished = False
                break
            self._delete_chunk(_Chunk(order, run, first, result, opening), self._still_due(order, due, now, result))
            if result.nothing_works:
                result.finished = False
                break
            self._prune(order, due)
            first += len(due)
            due = next(chunks, None)
        used_up = order.approval if result.used_up and not order.part else None
        completed = run_completed(name, run, result.counts(), result.reasons, approval=used_up)
        self._journal.write_or_note([*opening, completed])
        return result

    def _may_go_on(self, store: Store) -> datetime | None:
        """Return trusted time if the next chunk may begin, None if the run has to stop here."""
        condition = store.examine()
        if self._stopping() or not isinstance(condition, Present) or condition.read_only:
            return None
        trusted = self._timekeeper.look()
        return trusted.now if isinstance(trusted, Credible) else None

    def _still_due(
        self, order: Order, due: Iterable[DueRecording], now: datetime, result: RunResult
    ) -> list[DueRecording]:
        """Ask the rules again, with the suspensions as they stand right now (I6)."""
        suspensions = self._journal.decisions.stopping
        still = []
        for item in due:
            decision = decide(item.recording, item.rule, margin=order.margin, suspensions=suspensions, now=now)
            if isinstance(decision, Delete):
                still.append(item)
            else:
                result.skipped += 1
        return still

    def _given_up(self, chunk: _Chunk, due: Sequence[DueRecording]) -> Sequence[DueRecording]:
        """Ask the recorder what it does not give up. That stays, and is a finding until it goes (ADR 0018)."""
        withheld = chunk.order.recorder.withheld([item.recording for item in due]) if due else {}
        for recording, why in withheld.items():
            chunk.result.failed += 1
            self._note_failure(chunk, recording, why)
        return [item for item in due if item.recording not in withheld] if withheld else due

    def _delete_chunk(self, chunk: _Chunk, due: Sequence[DueRecording]) -> None:
        given_up = self._given_up(chunk, due)
        if given_up:
            self._delete_given_up(chunk, given_up)
        name = chunk.order.store.name
        self._set_back(name, chunk.failures)
        if chunk.gone:
            self._catalogue.forget(chunk.gone)
            self._observer.removed_by_others(name, len(chunk.gone))

    def _delete_given_up(self, chunk: _Chunk, due: Sequence[DueRecording]) -> None:
        store = chunk.order.store
        with ExitStack() as held:
            with blaming_the_store():
                claims = held.enter_context(store.chunk())
            self._pin(chunk, claims, due)
            if chunk.intended:
                intent_of = self._intend(chunk)
                chunk.order.recorder.announce([item.due.recording for item in chunk.intended])
                for item in chunk.intended:
                    claims.remove(chunk.pins[item.claim], item.claim)
                with blaming_the_store():
                    removals = claims.settle()
                self._confirm(chunk, removals, intent_of)

    def _intend(self, chunk: _Chunk) -> Mapping[str, int]:
        """Put on the record what is about to go; return the number of the intent of each claim (I1).

        While the trail takes nothing, only what goes all the same stays intended, and is noted elsewhere (rule 7).

        Raises:
            StorageError: the trail takes nothing, and all of it can wait.
        """
        try:
            records = self._journal.write([*chunk.opening, *self._intents(chunk)])
        except MustRestartError:
            raise
        except StorageError as error:
            due = [item.due for item in chunk.intended]
            going = frozenset(going_without_trail(due, self._journal.on_failure, self._now()))
            if not going:
                raise
            chunk.result.skipped += len(due) - len(going)
            chunk.intended = [item for item in chunk.intended if item.due in going]
            records = self._journal.note([*chunk.opening, *self._intents(chunk)], str(error))
        chunk.opening.clear()
        return {entry["claim"]: record.seq for record in records for entry in record.fields.get("recordings", ())}

    def _intents(self, chunk: _Chunk) -> Sequence[Event]:
        return intents(chunk.order.store.name, chunk.run, chunk.intended)

    def _pin(self, chunk: _Chunk, claims: ClaimChunk, due: Sequence[DueRecording]) -> None:
        for number, item in enumerate(due, start=chunk.first):
            recording = item.recording
            match claims.pin(recording.place, recording.unit):
                case Pinned() as pinned if self._ran_into_a_hold(recording, pinned.identity):
                    chunk.result.skipped += 1
                case Pinned() as pinned if self._rewritten(recording, pinned.identity):
                    chunk.result.skipped += 1
                case Pinned() as pinned:
                    claim = f"{chunk.run}-{number}"
                    chunk.intended.append(Intended(claim, item, pinned.identity))
                    chunk.pins[claim] = pinned
                case PinRefused(refusal=Refusal.GONE):
                    chunk.gone.append(recording)
                case PinRefused() as refused:
                    chunk.result.failed += 1
                    self._note_failure(chunk, recording, refused.error or refused.refusal.value)

    def _ran_into_a_hold(self, recording: Recording, identity: Identity) -> bool:
        """Let a suspension, or an incident, cover a recording that was still running when its time began (ADR 0016)."""
        decisions = self._journal.decisions
        if not decisions.suspensions and not decisions.incidents:
            return False
        now, written, events = self._now(), written_of(identity), []
        for item in decisions.suspensions.values():
            if item.runs_into(recording, written, now):
                events += hold_widened(item.ident, [only(recording)], Widening.RUNNING, now)
        for incident in decisions.incidents.values():
            met = incident.reached_by(recording, written, now)
            if met is not None:
                part = replace(met, reach=only(recording))
                events += incident_changed(incident.ident, Change.RUNNING, [part], (), now)
        self._journal.write_or_note(events)
        return bool(events)

    def _rewritten(self, recording: Recording, identity: Identity) -> bool:
        """S7: a file written again long after its start begins a new period from its last write."""
        written = written_of(identity)
        if written is None or written - recording.start <= MAX_RECORDING:
            return False
        now = self._now()
        latest = max(now, self._timekeeper.wall())  # files are stamped by the wall clock, right or wrong
        seen = self._catalogue.first_seen(recording)
        if not is_rewritten(recording.start, written, birth_of(identity), first_seen=seen, now=latest):
            return False
        again = Recording(recording.stream, recording.place, min(written, now), recording.unit)
        self._catalogue.restart(recording, Arrived(again, again.start, Doubt.REWRITTEN, Arrival.ORDINARY))
        return True

    def _confirm(self, chunk: _Chunk, removals: Mapping[str, Removal], intent_of: Mapping[str, int]) -> None:
        now = self._timekeeper.wall()
        events = [
            outcome_event(intent_of[item.claim], item.claim, item.due, removals[item.claim], now=now)
            for item in chunk.intended
        ]
        records = self._journal.write_or_note(events)
        deleted = [item.due.recording for item in chunk.intended if isinstance(removals[item.claim], Removed)]
        self._catalogue.forget(deleted, trail_seq=after(records))
        chunk.order.recorder.tell_deleted(deleted)
        gone_by = self._now()
        for item, record in zip(chunk.intended, records, strict=True):
            self._tell(chunk, item.due, removals[item.claim], record.seq, gone_by)

    def _tell(self, chunk: _Chunk, due: DueRecording, removal: Removal, seq: int, gone_by: datetime) -> None:
        recording = due.recording
        match removal:
            case Removed():
                chunk.result.deleted += 1
                chunk.result.links_left += removal.links_left > 0
                chunk.result.shared_extents += removal.shared_extents is True
                late = (gone_by - (due.deadline - chunk.order.margin)).total_seconds()
                self._observer.deleted(
                    recording.stream,
                    late_s=late,
                    size_bytes=removal.size_bytes,
                    seq=seq,
                    approved=chunk.order.approval is not None,
                )
            case Voided(why=why):
                chunk.result.void += 1
                self._note_failure(chunk, recording, why)
            case Failed(error=error):
                chunk.result.failed += 1
                self._note_failure(chunk, recording, error)
            case _:
                assert_never(removal)

    def _note_failure(self, chunk: _Chunk, recording: Recording, why: str) -> None:
        chunk.failures.append((recording, why))
        chunk.result.reasons[why] += 1
        self._observer.not_deleted(recording.stream.store, why)

    def _now(self) -> datetime:
        return self._timekeeper.now_or_wall()

    def _set_back(self, store: StoreName, failures: Sequence[tuple[Recording, str]]) -> None:
        """Remember failures and when to try again: after 1 minute, then twice as long each time, at most 1 hour."""
        if not failures:
            return
        attempts_of = {item.recording: item.attempts for item in self._catalogue.setbacks(store)}
        now = self._now()
        for recording, why in failures:
            attempts = attempts_of.get(recording, 0) + 1
            wait = min(FIRST_RETRY * 2 ** min(attempts - 1, 10), LAST_RETRY)
            self._catalogue.note_setback(Setback(recording, attempts, why, now + wait))

    def _prune(self, order: Order, due: Sequence[DueRecording]) -> None:
        """Remove links that lead nowhere now, and empty directories that the layout made, from the deepest up."""
        now = self._now()
        directories = {item.recording.place.directory for item in due}
        links = order.recorder.links_to([item.recording for item in due])
        # A store that has gone since is noticed by the next look at it; nothing is lost with an empty directory.
        with suppress(StorageError), order.store.chunk() as claims:
            for beside, said in links.items():
                claims.prune_links(beside, said)
            for directory in sorted(directories, reverse=True):
                current = directory
                while current and order.recorder.is_past(current, now) and claims.prune(current):
                    current = current.rpartition(b"/")[0]


def _chunks(order: Order, result: RunResult) -> Iterator[list[DueRecording]]:
    """Yield what does not have to wait, in parts of at most CHUNK (L4), read no sooner than it is asked for."""
    part: list[DueRecording] = []
    for item in order.due:
        if order.wait(item):
            result.left_out += 1
            continue
        part.append(item)
        if len(part) == CHUNK:
            yield part
            part = []
    if part:
        yield part


@contextmanager
def blaming_the_store() -> Iterator[None]:
    """Tell a failure of the store from one of the trail, which is no store's fault."""
    try:
        yield
    except MustRestartError:
        raise
    except StorageError as error:
        raise StoreFailedError(str(error)) from error


def after(records: Sequence[Record]) -> int | None:
    """Return how far the trail is reflected once these are; None for what was only noted."""
    return records[-1].seq + 1 if records[-1].seq >= 0 else None


def outcome_event(intent: int, claim: str, due: DueRecording, removal: Removal, *, now: datetime) -> Event:
    """Return the record that settles an intent."""
    match removal:
        case Removed():
            facts = {
                "bytes": removal.size_bytes,
                "links_left": removal.links_left or None,
                "open_elsewhere": removal.open_elsewhere or None,
                "shared_extents": removal.shared_extents or None,
                "observed": removal.observed,
            }
            return recording_deleted(intent, claim, due, facts, now=now)
        case Voided(why=why):
            return not_deleted(EventType.DELETION_VOID, intent, claim, due.recording, why)
        case Failed(error=error):
            return not_deleted(EventType.DELETION_FAILED, intent, claim, due.recording, error)
        case _:
            assert_never(removal)
