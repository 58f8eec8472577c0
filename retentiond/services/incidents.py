"""Keeps incidents in step with register and disk: opens, widens, ends and closes them (ADR 0024).

Used from the thread that deletes, and before anything is deleted, so that footage that came up is suspended first.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from retentiond.domain.event import Event
from retentiond.domain.incident import Change, Incident, Stage, digest_of
from retentiond.domain.incident_event import (
    Footage,
    incident_changed,
    incident_closed,
    incident_lapsed,
    incident_opened,
    incident_returned,
)
from retentiond.domain.instants import LATEST
from retentiond.domain.recording import Recording, StoreName
from retentiond.domain.register import Register
from retentiond.domain.rule import DeletionRule, RoomId
from retentiond.domain.run import DueRecording
from retentiond.domain.span import BEGINNING, Span, within, without
from retentiond.domain.starts import MAX_RECORDING
from retentiond.domain.suspension import Reach, only
from retentiond.domain.violation import Violation, before_prohibition, outside, prohibited_since, violations
from retentiond.ports import Catalogue, Present, Store, Unadopted
from retentiond.services.journal import Journal
from retentiond.services.measure_hold import HoldMeasure
from retentiond.services.rulebook import RuleBook

_ANY = DeletionRule("any", frozenset(), timedelta())
_Part = tuple[tuple[RoomId, str, object, object], datetime]
_Earlier = tuple[tuple[RoomId, datetime, tuple[Reach, ...]], ...]


class IncidentKeeper:
    """The incidents of all stores."""

    def __init__(self, journal: Journal, catalogue: Catalogue, stores: Mapping[StoreName, Store]) -> None:
        self._journal = journal
        self._catalogue = catalogue
        self._stores = stores
        self._measure = HoldMeasure(catalogue, stores)
        self._known: tuple[Register, tuple[Violation, ...]] | None = None
        self._earlier: tuple[Register, tuple[tuple[RoomId, datetime], ...], _Earlier] | None = None
        self._begun: set[_Part] = set()

    # --- a look -----------------------------------------------------------------------------------------------

    def look(self, book: RuleBook, now: datetime) -> bool:
        """Put on the record what is found at `now`; tell whether footage is suspended, or is no longer, because of it.

        Costs the violations that the register states, not the recordings. Raises StorageError.
        """
        events = [*self._over(now), *self._met(book, now)]
        self._journal.write(events)
        return bool(events)

    def stated(self, register: Register) -> tuple[Violation, ...]:
        """Return the violations that a register states; worked out once for each register."""
        if self._known is None or self._known[0] is not register:
            self._known = register, violations(register)
        return self._known[1]

    def expire(self, now: datetime) -> bool:
        """Put on the record what came to its end without a decision; tell whether an incident did."""
        over = [item for item in self._incidents() if item.undecided and now >= item.ends_at]
        self._journal.write([incident_lapsed(item, self.count(item.reach)) for item in over])
        return bool(over)

    def next_end(self) -> datetime | None:
        """Return when the next incident comes to its end without a decision."""
        return min((item.ends_at for item in self._incidents() if item.undecided), default=None)

    def _over(self, now: datetime) -> Iterator[Event]:
        """Close what is decided or lapsed and of which nothing is left."""
        for item in self._incidents():
            dismissed = item.stage is Stage.DELETING and not item.goes
            if dismissed or (not item.undecided and not self.count(item.reach) and self._is_known(item.reach)):
                yield incident_closed(item, now)

    def _met(self, book: RuleBook, now: datetime) -> Iterator[Event]:
        """Open or widen incidents where there is footage, and end the parts that are over."""
        stated = self.stated(book.register)
        for item in self._incidents():
            if item.undecided:
                ended = [cut for part in item.parts if (cut := _cut(part, stated, now)) != part]
                yield from incident_changed(item.ident, Change.REGISTER, (), ended, now)
        found: dict[RoomId, list[Violation]] = {}
        for violation in stated:
            if violation.reach.since <= now and self._is_known((violation.reach,)):
                found.setdefault(violation.room, []).extend(self._new(violation, now))
        opened = self._journal.decisions.incidents_opened
        for room, parts in found.items():
            if not parts:
                continue
            standing = next((item for item in self._incidents() if item.undecided and item.room == room), None)
            if standing is not None:
                yield from incident_changed(standing.ident, Change.FOOTAGE, parts, (), now)
            else:
                opened += 1
                item = Incident(f"I-{opened}", room, now, now + book.incident_period, tuple(parts))
                yield from incident_opened(item, self.footage(item.reach))

    def _new(self, violation: Violation, now: datetime) -> Iterator[Violation]:
        """Yield the parts of a violation that no incident is about yet and of which there is footage."""
        decisions = self._journal.decisions
        held = [part for item in decisions.incidents.values() for part in item.held]
        settled = [part for part in decisions.dismissed if part.origin == violation.origin and part.begins]
        taken = [*held, *settled]
        known = any(part.key == violation.key for part in settled)
        ran_into = [] if known else [item for item in self._running(violation, now) if item not in held]
        for part in outside(violation, taken):
            if part.reach.since <= now and (self.count((part.reach,)) or (part.begins and ran_into)):
                yield part
        yield from ran_into

    def _running(self, violation: Violation, now: datetime) -> Iterator[Violation]:
        """Yield what was being recorded when a violation began, as long as more of that may come up."""
        seen = (violation.key, violation.origin)
        if not violation.begins or seen in self._begun or not self._is_there(violation.reach):
            return
        for recording in self._measure.running_at_begin((violation.reach,), unseen=False):
            yield replace(violation, reach=only(recording))
        if now >= violation.origin + 2 * MAX_RECORDING and self._is_known((violation.reach,)):
            self._begun.add(seen)

    # --- what is decided --------------------------------------------------------------------------------------

    def due(self, store: StoreName, margin: timedelta, now: datetime) -> Iterator[tuple[str, Sequence[DueRecording]]]:
        """Yield what two persons decided to delete and is still in `store`, with the digest of their decision.

        Where it cannot be what they decided about, it is suspended again, and somebody has to decide anew. Raises
        StorageError.
        """
        for item in self._incidents():
            if not item.goes or item.ruling is None:
                continue
            rows = self.recordings(item.reach)
            if not item.still_agrees(len(rows), digest_of(rows) if len(rows) == item.ruling.count else ""):
                self._journal.write([incident_returned(item, footage_of(rows), now)])
                continue
            yield (
                item.ruling.digest,
                [
                    DueRecording(recording, rule)
                    for recording in rows
                    if recording.stream.store == store and (rule := item.rule_for(recording, margin)) is not None
                ],
            )

    # --- before a room was prohibited ---------------------------------------------------------------------------

    def earlier(self, register: Register, now: datetime) -> Iterator[tuple[RoomId, datetime, int]]:
        """Yield the rooms that are prohibited, since when, and how much is left that was recorded of them before."""
        since = prohibited_since(register, now)
        if self._earlier is None or self._earlier[0] is not register or self._earlier[1] != since:
            self._earlier = register, since, before_prohibition(register, since)
        apart = self._journal.decisions.unlisted
        for room, begun, reach in self._earlier[2]:
            count = self._catalogue.count(without(self._spans(reach), apart))
            if count:
                yield room, begun, count

    # --- what there is ----------------------------------------------------------------------------------------

    def recordings(self, reach: Iterable[Reach]) -> list[Recording]:
        """Return what of a reach the catalogue knows."""
        return [row.recording for row in self._catalogue.find(self._spans(reach))]

    def footage(self, reach: Iterable[Reach]) -> Footage:
        """Return what of a reach is on the disk."""
        return footage_of(self.recordings(reach))

    def count(self, reach: Iterable[Reach]) -> int:
        """Count what of a reach is on the disk."""
        return self._catalogue.count(self._spans(reach))

    def _spans(self, reach: Iterable[Reach]) -> tuple[Span, ...]:
        parts = tuple(reach)
        streams = (
            stream
            for store in self._stores
            for stream, count in self._catalogue.streams(store)
            if count and any(part.selects(stream) for part in parts)
        )
        return within((Span(stream, BEGINNING, LATEST, _ANY) for stream in streams), parts)

    def _is_known(self, reach: Iterable[Reach]) -> bool:
        """Tell whether the catalogue knows the stores that are meant: each was scanned whole."""
        named = {part.store for part in reach}
        meant = [store for store in self._stores if store in named or None in named]
        return all(self._catalogue.scan_state(store).last_complete is not None for store in meant)

    def _is_there(self, reach: Reach) -> bool:
        """Tell whether files can be looked at in the stores that are meant."""
        meant = [store for name, store in self._stores.items() if reach.store in (None, name)]
        return all(isinstance(store.examine(), Present | Unadopted) for store in meant)

    def _incidents(self) -> tuple[Incident, ...]:
        return tuple(self._journal.decisions.incidents.values())


def footage_of(rows: Sequence[Recording]) -> Footage:
    """Return what records say of recordings: how many, from when, and their digest."""
    starts = [recording.start for recording in rows]
    return Footage(len(rows), min(starts, default=None), max(starts, default=None), digest_of(rows))


def _cut(part: Violation, stated: Iterable[Violation], now: datetime) -> Violation:
    """Return a part of an incident up to where the violation ends by the register, and not before now."""
    if part.reach.until <= now:
        return part
    until = next(
        (item.reach.until for item in stated if item.key == part.key and item.reach.since <= now < item.reach.until),
        now,
    )
    return replace(part, reach=replace(part.reach, until=min(part.reach.until, until)))
