"""Trusted time under steps, reboots, power-offs and lost synchronisation, while the time service tells the truth.

The machine has a real time that nobody in the program can see. Synchronised means that the wall clock shows it, to
within the 16 s that the kernel's word allows.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from retentiond.domain.clock import (
    GAP_LIMIT,
    SYNC_AFTER,
    TOLERANCE,
    ClockAnchor,
    ClockReading,
    ClockState,
    Credible,
    NotCredible,
    judge,
)
from tests.builders import NOW

SECOND = timedelta(seconds=1)
SYNC_ERROR = 16 * SECOND
EPOCH_WALL = NOW.replace(year=1970)


@dataclass(slots=True)
class World:
    """A recording server and its clocks. `offset` is how far the wall clock is ahead of real time."""

    real: datetime = NOW
    offset: timedelta = timedelta()
    up: timedelta = timedelta(hours=1)
    boots: int = 0
    synchronised: bool = False
    anchor: ClockAnchor | None = None
    saved: ClockAnchor | None = None
    synchronised_since: timedelta | None = None

    def reading(self) -> ClockReading:
        return ClockReading(self.real + self.offset, self.up, f"boot {self.boots}", self.synchronised)

    def run(self, passed: timedelta) -> None:
        self.real += passed
        self.up += passed

    def step(self, by: timedelta) -> None:
        self.offset += by
        self.synchronised = False

    def synchronise(self, error: timedelta) -> None:
        self.offset = error
        self.synchronised = True

    def lose_synchronisation(self) -> None:
        self.synchronised = False

    def reboot(self, off: timedelta, rtc: timedelta | None) -> None:
        """Power off and on; `rtc` is how far the hardware clock is off, None where it starts in 1970."""
        self.real += off
        self.boots += 1
        self.up = 30 * SECOND
        self.real += self.up
        self.offset = EPOCH_WALL - self.real if rtc is None else rtc
        self.synchronised = False
        self.anchor = self.saved
        self.synchronised_since = None

    def restart_daemon(self) -> None:
        self.anchor = self.saved
        self.synchronised_since = None

    def save(self) -> None:
        self.saved = self.anchor

    def look(self) -> Credible | NotCredible:
        """Judge the clocks, and check everything that has to hold after any look."""
        reading = self.reading()
        judged = judge(self.anchor, reading, synchronised_since=self.synchronised_since)
        match judged:
            case NotCredible():
                assert self.anchor is None
                self.synchronised_since = judged.synchronised_since
            case Credible():
                self._check(judged, reading)
                self.anchor = judged.anchor
        return judged

    def _check(self, judged: Credible, reading: ClockReading) -> None:
        assert judged.now <= self.real + TOLERANCE + SYNC_ERROR
        assert judged.anchor.trusted == judged.now
        if judged.state is ClockState.TRUSTED:
            assert abs(reading.wall - judged.now) <= TOLERANCE
        if self.anchor is None:
            return
        same_boot = self.anchor.boot_id == reading.boot_id
        passed = reading.since_boot - self.anchor.since_boot if same_boot else reading.since_boot
        if judged.now < self.anchor.trusted + passed:
            assert reading.synchronised
            assert judged.now == reading.wall


# Times are drawn at the scales that matter: seconds, the tolerance, the sync wait, hours, and days.
passings = st.sampled_from([1, 59, 60, 119, 121, 300, 600, 3_600, 6 * 3_600, 86_400, 3 * 86_400]).map(
    lambda s: s * SECOND
)
steps = st.one_of(
    st.sampled_from([1, 60, 119, 120, 121, 3_600, 3_601, 86_400, 31 * 86_400, 5 * 365 * 86_400]),
    st.integers(min_value=1, max_value=200),
).flatmap(lambda s: st.sampled_from([s * SECOND, -s * SECOND]))
errors = st.integers(min_value=-16, max_value=16).map(lambda s: s * SECOND)
offs = st.sampled_from([0, 60, 3_600, 86_400, 6 * 86_400, 8 * 86_400, 90 * 86_400]).map(lambda s: s * SECOND)

actions = st.one_of(
    st.tuples(st.just("run"), passings),
    st.tuples(st.just("run"), passings),
    st.tuples(st.just("step"), steps),
    st.tuples(st.just("sync"), errors),
    st.tuples(st.just("lose")),
    st.tuples(st.just("save")),
    st.tuples(st.just("restart")),
    st.tuples(st.just("reboot"), offs, st.one_of(st.none(), steps, st.just(timedelta()))),
)


def act(world: World, action: tuple[object, ...]) -> None:
    match action:
        case ("run", timedelta() as passed):
            world.run(passed)
        case ("step", timedelta() as by):
            world.step(by)
        case ("sync", timedelta() as error):
            world.synchronise(error)
        case ("lose",):
            world.lose_synchronisation()
        case ("save",):
            world.save()
        case ("restart",):
            world.restart_daemon()
        case ("reboot", timedelta() as off, (None | timedelta()) as rtc):
            world.reboot(off, rtc)
        case _:
            raise AssertionError(action)


def anchored() -> World:
    """Return a world whose daemon has known the time, and saved it."""
    world = World(anchor=ClockAnchor(NOW, timedelta(hours=1), "boot 0"))
    world.save()
    return world


@settings(max_examples=1_000)
@given(st.lists(actions, max_size=40), st.booleans())
def test_trusted_time_never_runs_ahead_never_loses_time_and_never_fails(
    happened: list[tuple[object, ...]], known: bool
) -> None:
    world = anchored() if known else World()
    for action in happened:
        act(world, action)
        world.look()


@given(st.lists(actions, max_size=20), passings)
def test_time_that_passes_while_running_is_always_credited(
    happened: list[tuple[object, ...]], passed: timedelta
) -> None:
    world = anchored()
    for action in happened:
        act(world, action)
        world.look()
    world.lose_synchronisation()
    before = world.look()
    assert isinstance(before, Credible)
    world.run(passed)
    after = world.look()
    assert isinstance(after, Credible)
    assert after.now == before.now + passed or after.now == world.reading().wall > before.now + passed


@given(st.lists(actions, max_size=20), errors)
def test_a_clock_that_stays_synchronised_is_adopted_or_the_difference_is_said(
    happened: list[tuple[object, ...]], error: timedelta
) -> None:
    world = anchored()
    for action in happened:
        act(world, action)
        world.look()
    world.synchronise(error)
    world.look()
    world.run(SYNC_AFTER)
    judged = world.look()
    assert isinstance(judged, Credible)
    wall = world.reading().wall
    if judged.now != wall:
        assert wall > judged.now
        assert judged.state in {ClockState.AHEAD, ClockState.WAITING, ClockState.TRUSTED}
        assert judged.state is not ClockState.TRUSTED or wall - judged.now <= TOLERANCE


@given(st.lists(offs.filter(lambda off: off <= GAP_LIMIT - timedelta(hours=1)), min_size=1, max_size=5), errors)
def test_a_server_that_was_off_for_less_than_a_week_is_right_ten_minutes_after_it_synchronised(
    powered_off: list[timedelta], error: timedelta
) -> None:
    world = anchored()
    for off in powered_off:
        world.reboot(off, timedelta())
        world.look()
        world.synchronise(error)
        world.look()
        world.run(SYNC_AFTER)
        judged = world.look()
        assert isinstance(judged, Credible)
        assert judged.now == world.reading().wall
        assert judged.state is ClockState.TRUSTED
        world.save()


@given(st.lists(st.tuples(steps, passings), max_size=30))
def test_without_synchronisation_trusted_time_and_the_boot_clock_never_part_by_more_than_the_tolerance(
    happened: list[tuple[timedelta, timedelta]],
) -> None:
    world = anchored()
    for by, passed in happened:
        world.step(by)
        world.look()
        world.run(passed)
        judged = world.look()
        assert isinstance(judged, Credible)
        assert timedelta() <= judged.now - world.real <= TOLERANCE


@given(st.lists(actions, max_size=15))
def test_looking_twice_at_one_instant_changes_nothing_that_matters(happened: list[tuple[object, ...]]) -> None:
    world = anchored()
    for action in happened:
        act(world, action)
        world.look()
    first, second = world.look(), world.look()
    assert isinstance(first, Credible)
    assert isinstance(second, Credible)
    assert second.now == first.now


@given(st.integers(min_value=-(2**31), max_value=2**33), st.booleans())
def test_no_reading_of_the_clocks_makes_it_fail(seconds: int, synchronised: bool) -> None:
    world = anchored()
    wall = NOW.replace(year=1970) + seconds * SECOND
    for up in (timedelta(), timedelta(hours=1), timedelta(days=3_650)):
        for boot in ("boot 0", "another"):
            judged = judge(
                world.anchor,
                replace(world.reading(), wall=wall, since_boot=up, boot_id=boot, synchronised=synchronised),
            )
            assert isinstance(judged, Credible)
