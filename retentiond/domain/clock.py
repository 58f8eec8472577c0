"""Trusted time: the daemon's own credible `now` (design rule 3, C1 to C6).

The wall clock of a recording server steps: a flat battery boots it in 1970, a lying time server moves it ahead.
A deletion cannot be taken back, so time that the daemon did not see pass does not count until the clock is
known to be right. Time that it did see pass always counts, so nothing gets late either.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

TOLERANCE = timedelta(seconds=120)
FORWARD_LIMIT = timedelta(hours=1)
GAP_LIMIT = timedelta(days=7)
SYNC_AFTER = timedelta(minutes=10)
REFILL_PER_DAY = timedelta(hours=1)
ACCEPT_WITHIN = timedelta(minutes=5)
_DAY = timedelta(days=1)


class ClockState(StrEnum):
    """How trusted time stands to the wall clock."""

    TRUSTED = "trusted"
    BEHIND = "behind"
    AHEAD = "ahead"
    WAITING = "waiting"
    UNANCHORED = "unanchored"


@dataclass(frozen=True, slots=True)
class ClockReading:
    """One look at the machine's clocks. `synchronised` is the kernel's word at this instant (maxerror < 16 s)."""

    wall: datetime
    since_boot: timedelta
    boot_id: str
    synchronised: bool


@dataclass(frozen=True, slots=True)
class ClockAnchor:
    """What is remembered of the last look, durably: trusted time and the boot-time clock beside it.

    `gap` is set while an uncredited power-off lies between this boot and the last known time. `drifted` is what
    small forward steps without synchronisation have used up (C4), `advanced` what synchronised ones have (C1).
    """

    trusted: datetime
    since_boot: timedelta
    boot_id: str
    gap: bool = False
    drifted: timedelta = timedelta()
    advanced: timedelta = timedelta()
    synchronised_since: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Credible:
    """Deletion may go on by `now`. `state` says how it came about, `ahead` what the wall clock claims beyond it.

    `adopted` says that the wall clock was taken over at this look, and trusted time leapt by `ahead`.
    """

    now: datetime
    state: ClockState
    ahead: timedelta
    anchor: ClockAnchor
    adopted: bool = False

    @property
    def unsettled(self) -> timedelta | None:
        """How far the wall clock is ahead, or behind if negative, while nothing shows what time it is (C2, C5).

        After a power-off even a clock that agrees shows nothing: many boards go on from where they were switched off.
        """
        settled = self.adopted or (self.state is ClockState.TRUSTED and not self.anchor.gap)
        return None if settled else self.ahead


@dataclass(frozen=True, slots=True)
class NotCredible:
    """C6: no time is known yet. Nothing is deleted until the clock is synchronised or accepted by a person."""

    reading: ClockReading
    synchronised_since: timedelta | None


TrustedTime: TypeAlias = Credible | NotCredible


def judge(
    anchor: ClockAnchor | None, reading: ClockReading, *, synchronised_since: timedelta | None = None
) -> TrustedTime:
    """Return trusted time by rules C1 to C6.

    Args:
        anchor: the last known time, None before the first.
        reading: the clocks now.
        synchronised_since: boot time since when the clock has been synchronised without a break; carried by the
            caller only while there is no anchor to carry it.
    """
    carried = anchor.synchronised_since if anchor and anchor.boot_id == reading.boot_id else synchronised_since
    since = _synchronised_since(carried, reading)
    in_sync = since is not None and reading.since_boot - since >= SYNC_AFTER
    if anchor is None:
        if not in_sync:
            return NotCredible(reading, since)
        fresh = ClockAnchor(reading.wall, reading.since_boot, reading.boot_id, synchronised_since=since)
        return Credible(reading.wall, ClockState.TRUSTED, timedelta(), fresh)
    return _judge_anchored(_carry(anchor, reading, since), reading, in_sync=in_sync)


def accept(reading: ClockReading, typed: datetime) -> ClockAnchor:
    """Return the anchor after an operator has typed the time (C6).

    Raises:
        ValueError: the typed time and the wall clock differ by more than 5 minutes; one of them is wrong.
    """
    if abs(reading.wall - typed) > ACCEPT_WITHIN:
        raise ValueError("the time typed and the system clock differ by more than 5 minutes; set the clock first")
    return ClockAnchor(reading.wall, reading.since_boot, reading.boot_id)


def _synchronised_since(carried: timedelta | None, reading: ClockReading) -> timedelta | None:
    if not reading.synchronised:
        return None
    return reading.since_boot if carried is None else carried


def _carry(anchor: ClockAnchor, reading: ClockReading, since: timedelta | None) -> ClockAnchor:
    """Move the anchor on by the time that has certainly passed; the time of a power-off is not credited."""
    if anchor.boot_id == reading.boot_id:
        passed = max(reading.since_boot - anchor.since_boot, timedelta())
        refilled = max(anchor.advanced - REFILL_PER_DAY * (passed / _DAY), timedelta())
        return replace(
            anchor,
            trusted=anchor.trusted + passed,
            since_boot=reading.since_boot,
            advanced=refilled,
            synchronised_since=since,
        )
    return replace(
        anchor,
        trusted=anchor.trusted + reading.since_boot,
        since_boot=reading.since_boot,
        boot_id=reading.boot_id,
        gap=True,
        advanced=timedelta(),
        synchronised_since=since,
    )


def _judge_anchored(anchor: ClockAnchor, reading: ClockReading, *, in_sync: bool) -> Credible:
    ahead = reading.wall - anchor.trusted
    adopted = replace(anchor, trusted=reading.wall)
    if in_sync and ahead < -TOLERANCE:  # C3: going back is safe, but deletions may have been early
        return Credible(reading.wall, ClockState.BEHIND, ahead, replace(adopted, gap=False), adopted=True)
    if in_sync and ahead <= (GAP_LIMIT if anchor.gap else FORWARD_LIMIT - anchor.advanced):  # C1
        spent = timedelta() if anchor.gap else max(ahead, timedelta())
        settled = replace(adopted, gap=False, drifted=timedelta(), advanced=anchor.advanced + spent)
        return Credible(reading.wall, ClockState.TRUSTED, ahead, settled, adopted=True)
    if ahead < -TOLERANCE:  # C2: time that passed stays passed
        return Credible(anchor.trusted, ClockState.BEHIND, ahead, anchor)
    if ahead <= timedelta():
        return Credible(anchor.trusted, ClockState.TRUSTED, ahead, anchor)
    if not anchor.gap and anchor.drifted + ahead <= TOLERANCE:  # C4
        drifted = replace(adopted, drifted=anchor.drifted + ahead)
        return Credible(reading.wall, ClockState.TRUSTED, ahead, drifted, adopted=True)
    state = ClockState.WAITING if anchor.gap else ClockState.AHEAD
    return Credible(anchor.trusted, state, ahead, anchor)  # C5
