"""Clocks that a test moves."""

from datetime import datetime, timedelta

from retentiond.domain.clock import ClockAnchor, ClockReading


class FakeClock:
    """`SystemClock` whose time passes when the test says so."""

    def __init__(self, wall: datetime, *, boot_id: str = "boot-1", synchronised: bool = True) -> None:
        self.wall = wall
        self.since_boot = timedelta(hours=1)
        self.boot_id = boot_id
        self.synchronised = synchronised

    def read(self) -> ClockReading:
        return ClockReading(self.wall, self.since_boot, self.boot_id, self.synchronised)

    def pass_time(self, length: timedelta) -> None:
        """Let real time pass: both clocks move."""
        self.wall += length
        self.since_boot += length

    def pass_until(self, instant: datetime) -> None:
        """Let real time pass until the wall clock shows `instant`."""
        self.pass_time(instant - self.wall)

    def boot(self) -> None:
        """Boot the machine anew; how long it was off is for `step` to say, on a clock that knows."""
        self.boot_id = f"{self.boot_id}+"
        self.since_boot = timedelta()

    def step(self, length: timedelta) -> None:
        """Step the wall clock alone, as somebody with `date -s` does."""
        self.wall += length


class FakeClockMemory:
    """`ClockMemory` in memory."""

    def __init__(self) -> None:
        self.anchor: ClockAnchor | None = None

    def load(self) -> ClockAnchor | None:
        return self.anchor

    def save(self, anchor: ClockAnchor) -> None:
        self.anchor = anchor
