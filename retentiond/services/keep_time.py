"""Keeps trusted time: reads the clocks, remembers the anchor, puts changes of state on the record."""

from datetime import datetime, timedelta
from typing import Any

from retentiond.domain import instants
from retentiond.domain.clock import (
    ClockAnchor,
    ClockReading,
    ClockState,
    Credible,
    NotCredible,
    TrustedTime,
    accept,
    judge,
)
from retentiond.domain.errors import TryAgainError
from retentiond.domain.event import Event, EventType
from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.domain.starts import ARRIVAL_TOLERANCE
from retentiond.ports import ClockMemory, SystemClock
from retentiond.services.journal import Journal

PERSIST_EVERY = timedelta(seconds=60)

STEP = timedelta(seconds=1)
"""A clock that is moved by more between two looks was set; a time service that slews it does not come near."""


class Timekeeper:
    """The one source of trusted time for all services."""

    def __init__(self, clock: SystemClock, memory: ClockMemory, anchor: ClockAnchor | None) -> None:
        self._clock = clock
        self._memory = memory
        self._anchor = anchor
        self._synchronised_since: timedelta | None = None
        self._saved_at: timedelta | None = None
        self._recorded: ClockState | None = None
        self._latest: TrustedTime | None = None
        self._in_doubt = True  # nobody knows whether the clock was settled when the last run ended
        self._leap: timedelta | None = None
        self._leapt = timedelta()
        self._doubt: timedelta | None = None
        self._turned_at: datetime | None = None
        self._read: ClockReading | None = None
        self.steps = 0

    def look(self) -> TrustedTime:
        """Read the clocks and return trusted time; remembered in memory, made durable by `persist`."""
        reading = self._clock.read()
        self._count_step(reading)
        before = None if self._anchor is None else self._anchor.trusted
        judged = judge(self._anchor, reading, synchronised_since=self._synchronised_since)
        match judged:
            case Credible():
                self._anchor = judged.anchor
                self._note_leap(judged)
            case NotCredible():
                self._synchronised_since = judged.synchronised_since
        self._latest = judged
        if self._turned_at is None and not _alike(self._unsettled(), self._doubt):
            self._turned_at = before
        return judged

    def _unsettled(self) -> timedelta | None:
        """Return how far the wall clock is off while that is in doubt, None while it is not."""
        return self._latest.unsettled if isinstance(self._latest, Credible) else None

    def _count_step(self, reading: ClockReading) -> None:
        """Count when the wall clock was set: it moved by another span than has passed since the last look."""
        last, self._read = self._read, reading
        if last is not None and last.boot_id == reading.boot_id:
            passed = reading.since_boot - last.since_boot
            self.steps += abs(reading.wall - last.wall - passed) > STEP

    def _note_leap(self, judged: Credible) -> None:
        if judged.unsettled is not None:
            self._in_doubt = True
        elif self._in_doubt:
            self._in_doubt = False
            self._leap = self._leapt = judged.ahead if judged.adopted else timedelta()

    def settled(self) -> timedelta | None:
        """Return, once, how far trusted time leapt when it came to agree with the wall clock again; else None."""
        leap, self._leap = self._leap, None
        return leap

    def now_or_wall(self) -> datetime:
        """Return trusted time, or the wall clock while there is none: for what is shown, not for what is decided."""
        trusted = self.look()
        return trusted.now if isinstance(trusted, Credible) else self.wall()

    def wall(self) -> datetime:
        """Return the wall clock, for what is not decided by time: records and pages."""
        return self._clock.read().wall

    def synchronised(self) -> bool:
        """Tell whether the kernel says the clock is synchronised."""
        return self._clock.read().synchronised

    def persist(self, *, force: bool = False) -> None:
        """Make the anchor durable if a minute has passed since the last time, or if `force`. Raises StorageError."""
        if self._anchor is None:
            return
        since_boot = self._anchor.since_boot
        if force or self._saved_at is None or abs(since_boot - self._saved_at) >= PERSIST_EVERY:
            self._memory.save(self._anchor)
            self._saved_at = since_boot

    def accept(self, typed: datetime, actor: str, journal: Journal) -> None:
        """Take the wall clock for true because a person typed the time (C6), on the record.

        Raises:
            TryAgainError: the typed time and the system clock disagree.
        """
        reading = self._clock.read()
        try:
            anchor = accept(reading, typed)
        except ValueError as error:
            raise TryAgainError(f"clock accept: {error}") from error
        journal.write(
            [
                Event(
                    EventType.CLOCK_ACCEPTED,
                    {"wall": instants.to_text(reading.wall), "typed": instants.to_text(typed), "actor": actor},
                )
            ]
        )
        before = self.look()
        if isinstance(before, Credible):
            self._turned_at = before.now
        self._anchor = anchor
        self.look()
        if isinstance(before, Credible):
            self._leap = self._leapt = before.ahead
        self.persist(force=True)

    def record_state(self, journal: Journal) -> None:
        """Put the clock's state on the record when it, or what is in doubt, differs from what was recorded last."""
        state, ahead = self.state()
        unsettled = self._unsettled()
        if state is self._recorded and _alike(unsettled, self._doubt):
            return
        fields = {"state": state.value, "ahead_s": round(ahead.total_seconds())}
        journal.write([Event(EventType.CLOCK_STATE, {**fields, **self._doubt_fields(unsettled)})])
        self._recorded, self._doubt, self._turned_at = state, unsettled, None

    def _doubt_fields(self, unsettled: timedelta | None) -> dict[str, Any]:
        """Say since when names are in doubt, or by how far trusted time leapt when the doubt ended.

        The clock may have gone wrong at any time since the look before, which another run of the daemon may have
        taken; and a recorder may have begun with the machine, before the daemon did.
        """
        anchor = self._anchor
        if anchor is None:
            return {}
        reading, last = self._clock.read(), self._turned_at or anchor.trusted
        wrong_for = reading.since_boot if anchor.gap else anchor.trusted - last
        return {
            "unsettled_s": None if unsettled is None else round(unsettled.total_seconds()),
            "from": None if unsettled is None else instants.to_text(reading.wall - wrong_for),
            "last": instants.to_text(last),
            "leap_s": round(self._leapt.total_seconds()) if unsettled is None else None,
        }

    def state(self) -> tuple[ClockState, timedelta]:
        """Return the state seen last, and how far the wall clock is ahead of trusted time."""
        match self._latest:
            case Credible(state=state, ahead=ahead):
                return state, ahead
            case _:
                return ClockState.UNANCHORED, timedelta()

    def findings(self) -> tuple[Finding, ...]:
        """Return what a person has to know about the clock."""
        state, ahead = self.state()
        accept_remedy = "check the time, then type it: retentiond clock accept --wall TIME"
        match state:
            case ClockState.UNANCHORED:
                message = (
                    "the clock has not been synchronised for 10 minutes and nobody has accepted it: nothing is deleted"
                )
                return (finding(FindingKind.CLOCK_NOT_CREDIBLE, "clock", message, accept_remedy),)
            case ClockState.AHEAD | ClockState.WAITING:
                message = (
                    f"the system clock claims {ahead} more than has certainly passed; deletion goes on by trusted time"
                )
                return (finding(FindingKind.CLOCK_AHEAD, "clock", message, accept_remedy),)
            case ClockState.BEHIND:
                message = (
                    f"the system clock is {-ahead} behind the time that has passed; deletion goes on by trusted time"
                )
                return (
                    finding(FindingKind.CLOCK_BEHIND, "clock", message, "set the clock, or start its time service"),
                )
            case ClockState.TRUSTED:
                return ()


def _alike(doubt: timedelta | None, other: timedelta | None) -> bool:
    """Tell whether a clock is off by about as much as before, or is not in doubt as before."""
    if doubt is None or other is None:
        return doubt is other
    return abs(doubt - other) <= ARRIVAL_TOLERANCE
