"""Whatever happens to clock, disk and daemon: nothing goes early, and once all is well again nothing is late.

A history is a list of events. The truth is kept beside it: when each recording was really made. The recorder names
its files by the wall clock, right or wrong, and the watcher sees them as they come.
"""

import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.world import BEGIN, World

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
PERIOD = timedelta(days=30)
EARLY = timedelta(seconds=60 + 120 + 1)
"""The margin, what C4 lets the clock drift forward, and a second."""
LONG_DOUBT = timedelta(days=40)
"""Beyond this the end of a history is not waited for: it takes too long, and shows nothing new."""


@dataclass
class History:
    """A world, and what is true of it."""

    world: World
    off_by: timedelta = timedelta()
    doubt: timedelta = timedelta()
    made: dict[Path, datetime] = field(default_factory=dict)
    away: Path | None = None

    @property
    def true_now(self) -> datetime:
        return self.world.clock.wall - self.off_by

    def check(self) -> None:
        """Fail if anything went early."""
        if self.away is not None:
            return
        for path, made in list(self.made.items()):
            if not path.exists():
                age = self.true_now - made
                assert age >= PERIOD - EARLY, f"{path.parent.parent.name} {made} went {PERIOD - age} early"
                del self.made[path]

    def elapse(self, length: timedelta, *, every: timedelta = 6 * HOUR) -> None:
        end = self.world.clock.since_boot + length
        while self.world.clock.since_boot < end:
            self.world.clock.pass_time(min(every, end - self.world.clock.since_boot))
            self.world.cycle.tick()
            self.check()

    # --- events -------------------------------------------------------------------------------------------------

    def run(self, hours: int) -> None:
        """Time passes, and each camera records each quarter of it."""
        for _ in range(4):
            self.elapse(hours * HOUR / 4)
            for camera in ("hall", "yard"):
                self.record(camera)

    def record(self, camera: str) -> None:
        if self.away is not None:
            return
        name = self.world.clock.wall.replace(microsecond=0)
        path = self.world.path(camera, name)
        if path.exists():
            return
        self.world.record(camera, name)
        self.made[path] = self.true_now
        self.world.cycle.look_again(self.world.keeper.name, f"{camera}/{name:%Y-%m-%d}".encode())
        self.world.cycle.look_again(self.world.keeper.name, camera.encode())

    def step(self, hours: int) -> None:
        """Somebody sets the clock, or its battery fails: it is off by so much from now on."""
        self.world.clock.synchronised = False
        self.world.clock.step(hours * HOUR - self.off_by)
        self.off_by = hours * HOUR
        self.doubt += abs(self.off_by)
        self.world.cycle.tick()
        self.check()

    def synchronise(self) -> None:
        """The time service finds its servers: the wall clock is true, and after a while that is proven."""
        self.world.clock.step(-self.off_by)
        self.off_by = timedelta()
        self.world.clock.synchronised = True
        self.elapse(timedelta(minutes=12), every=timedelta(minutes=1))

    def lose_servers(self) -> None:
        self.world.clock.synchronised = False

    def power_off(self, hours: int) -> None:
        """The machine is off for a while, and boots with a clock that went on."""
        self.world.clock.synchronised = False
        self.world.restart(away=hours * HOUR, reboot=True)
        self.doubt += hours * HOUR
        self.check()

    def power_off_without_clock(self, hours: int) -> None:
        """The same on a board whose clock goes on from where it was switched off."""
        self.world.clock.synchronised = False
        self.world.stop()
        self.world.clock.boot()
        self.off_by -= hours * HOUR
        self.doubt += 2 * hours * HOUR
        self.world.start()
        self.world.scan()
        self.check()

    def restart(self, hours: int) -> None:
        """The daemon is down for a while."""
        self.world.restart(away=hours * HOUR)
        self.check()

    def scan(self) -> None:
        self.world.scan()
        self.check()

    def approve(self) -> None:
        """A person who approves whatever is asked."""
        if self.world.waiting() is not None and not self.world.is_approved():
            self.world.approve()
        self.check()

    def unmount(self) -> None:
        if self.away is None:
            self.away = self.world.root / "away"
            shutil.move(self.world.store_path, self.away)
            self.world.store_path.mkdir()
        self.world.cycle.tick()

    def mount(self) -> None:
        if self.away is not None:
            self.world.store_path.rmdir()
            shutil.move(self.away, self.world.store_path)
            self.away = None
        self.world.cycle.tick()
        self.scan()


def event(name: str, *arguments: int) -> tuple[str, tuple[int, ...]]:
    return name, arguments


hours = st.sampled_from([1, 3, 8, 30, 100, 260])
offsets = st.sampled_from([-8000, -500, -30, -1, 1, 2, 30, 500, 9000])
events = st.one_of(
    st.builds(event, st.just("run"), hours),
    st.builds(event, st.just("run"), hours),
    st.builds(event, st.just("step"), offsets),
    st.builds(event, st.sampled_from(["power_off", "power_off_without_clock", "restart"]), hours),
    st.builds(event, st.sampled_from(["synchronise", "lose_servers", "scan", "approve", "unmount", "mount"])),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(events, max_size=14))
@example([event("power_off", 100), event("run", 8), event("step", 500), event("run", 8), event("synchronise")])
@example([event("power_off_without_clock", 100), event("run", 8), event("synchronise"), event("run", 260)])
@example([event("lose_servers"), event("step", -500), event("run", 30), event("restart", 8), event("run", 30)])
@example([event("unmount"), event("restart", 8), event("step", 30), event("mount"), event("run", 8)])
def test_nothing_goes_early_and_in_the_end_nothing_is_late(told: list[tuple[str, tuple[int, ...]]]) -> None:
    with tempfile.TemporaryDirectory() as root:
        history = History(World(Path(root), now=BEGIN))
        world = history.world
        world.start()
        world.scan()
        try:
            for name, arguments in told:
                getattr(history, name)(*arguments)
            history.mount()
            history.synchronise()
            if history.doubt > LONG_DOUBT:
                return
            world.cycle.accept_clock(world.clock.wall, "op-test")
            history.elapse(PERIOD + history.doubt + DAY)
            for _ in range(3):
                history.approve()
                history.elapse(2 * DAY)
            assert history.made == {}, "late"
            assert world.files() == set()
        finally:
            world.stop()
