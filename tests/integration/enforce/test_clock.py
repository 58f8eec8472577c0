"""Rule 3 in the whole house: whatever the wall clock says, nothing goes early and nothing goes late."""

from datetime import timedelta

import pytest

from retentiond.domain import instants
from retentiond.domain.finding import FindingKind
from tests.world import BEGIN, World

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
PERIOD = timedelta(days=30)
MARGIN = timedelta(seconds=60)


def lasting(world: World) -> None:
    """Fill a store that has been watched for a day, so that one recording more or less is nothing."""
    world.start()
    world.scan()
    world.record_many("hall", BEGIN - 10 * HOUR, 9)
    world.scan()


def elapse(world: World, length: timedelta) -> None:
    world.pass_time(length, look_every=DAY)


def test_without_a_credible_clock_nothing_is_even_judged(world: World) -> None:
    world.memory.anchor = None
    world.clock.synchronised = False
    files = set(world.record_many("hall", BEGIN - 60 * DAY, 30))
    world.start()
    world.scan()
    elapse(world, 40 * DAY)
    assert world.files() == files
    assert world.waiting() is None
    assert FindingKind.CLOCK_NOT_CREDIBLE in world.findings()
    world.cycle.accept_clock(world.clock.wall, "op-test")
    world.scan()
    assert world.waiting() is not None
    assert len(world.records("clock.accepted")) == 1


@pytest.mark.parametrize("ahead", [timedelta(hours=2), timedelta(days=20), timedelta(days=365), timedelta(days=4000)])
def test_a_clock_that_leaps_ahead_makes_nothing_early_and_nothing_late(world: World, ahead: timedelta) -> None:
    world.clock.synchronised = False
    lasting(world)
    path = world.record("yard", BEGIN)
    world.scan()
    elapse(world, 10 * DAY)
    world.clock.step(ahead)
    elapse(world, 20 * DAY - MARGIN - timedelta(seconds=1))
    assert path.exists()
    assert FindingKind.CLOCK_AHEAD in world.findings()
    world.clock.synchronised = False
    world.record("hall", world.clock.wall - HOUR)  # the recorder goes on, by the clock that leapt
    world.scan()
    world.pass_time(timedelta(seconds=2))
    assert not path.exists()


def test_a_clock_that_falls_back_makes_nothing_late(world: World) -> None:
    world.clock.synchronised = False
    lasting(world)
    path = world.record("yard", BEGIN)
    world.scan()
    elapse(world, 10 * DAY)
    world.clock.step(-20 * HOUR)
    elapse(world, 20 * DAY - timedelta(hours=1))
    world.record("hall", world.clock.wall)
    world.scan()
    assert path.exists()
    assert FindingKind.CLOCK_BEHIND in world.findings()
    world.pass_time(HOUR)
    assert not path.exists()


@pytest.mark.parametrize("proven", [True, False], ids=["the wall was right", "the wall was wrong"])
def test_what_comes_while_the_clock_is_in_doubt_goes_on_time_once_it_is_settled(world: World, proven: bool) -> None:
    """A server was off for five days, or its clock says so. What it records until the clock is settled is judged
    twice: by what was seen passing at first, and by the wall clock once that is proven."""
    lasting(world)
    world.clock.synchronised = False
    world.restart(away=5 * DAY, reboot=True) if proven else world.restart(reboot=True)
    if not proven:
        world.clock.step(5 * DAY)
        world.cycle.tick()
    path = world.record("yard", world.clock.wall)
    world.scan()
    if not proven:
        world.clock.step(-5 * DAY)
    world.clock.synchronised = True
    world.pass_time(20 * 60 * timedelta(seconds=1), look_every=timedelta(minutes=1))
    recorded_at = world.clock.wall - timedelta(minutes=20)
    assert FindingKind.CLOCK_AHEAD not in world.findings()
    for day in range(29):
        world.record_many("hall", recorded_at + DAY * day - HOUR, 9, every=timedelta(minutes=6))
        world.clock.pass_until(recorded_at + DAY * day + HOUR)
        world.scan()
    world.clock.pass_until(recorded_at + PERIOD - MARGIN - timedelta(seconds=2))
    world.cycle.tick()
    assert path.exists(), "early"
    world.clock.pass_until(recorded_at + PERIOD)
    world.cycle.tick()
    assert not path.exists(), "late"


def test_an_accepted_clock_settles_what_came_in_doubt_too(world: World) -> None:
    lasting(world)
    world.clock.synchronised = False
    world.restart(away=20 * DAY, reboot=True)
    began = world.clock.wall
    path = world.record("yard", began)
    world.scan()
    world.cycle.accept_clock(world.clock.wall, "op-test")
    world.cycle.tick()
    world.pass_time(8 * DAY, look_every=DAY)
    assert path.exists(), "the wall was right: twenty days of power-off are no days of this recording"
    for day in range(8, 30):
        world.record("hall", began + DAY * day)
        world.clock.pass_until(began + DAY * day + HOUR)
        world.scan()
        if world.waiting():
            world.approve()
    assert path.exists()
    world.clock.pass_until(began + PERIOD)
    world.cycle.tick()
    assert not path.exists()


@pytest.mark.parametrize("step", [HOUR, -HOUR, 2 * timedelta(seconds=1)])
def test_a_clock_that_is_set_is_counted(world: World, step: timedelta) -> None:
    lasting(world)
    elapse(world, HOUR)
    assert world.cycle.report().clock_steps == 0
    world.clock.step(step)
    elapse(world, HOUR)
    assert world.cycle.report().clock_steps == 1


def test_a_clock_that_a_time_service_slews_is_not_counted(world: World) -> None:
    lasting(world)
    for _ in range(5):
        world.clock.step(timedelta(milliseconds=400))
        elapse(world, timedelta(minutes=1))
    assert world.cycle.report().clock_steps == 0


def test_names_that_a_wrong_clock_gave_are_not_believed_by_a_catalogue_that_is_made_anew(world: World) -> None:
    """A board without a clock was off for 30 hours. What it recorded until the time service came is named so early."""
    world.clock.synchronised = False
    world.start()
    world.scan()
    world.stop()
    world.clock.boot()
    off_by = timedelta(hours=30)
    world.start()
    world.scan()
    paths = [world.record("hall", world.clock.wall + timedelta(minutes=number)) for number in range(3)]
    world.scan()
    world.pass_time(timedelta(minutes=5), look_every=timedelta(minutes=1))
    world.clock.step(off_by)
    world.clock.synchronised = True
    world.pass_time(timedelta(minutes=15), look_every=timedelta(minutes=1))
    world.restart(without_catalogue=True)
    made = world.clock.wall - timedelta(minutes=20)
    world.clock.pass_until(made + timedelta(days=30) - timedelta(minutes=3))
    world.cycle.tick()
    assert all(path.exists() for path in paths)
    world.pass_time(timedelta(hours=1), look_every=timedelta(minutes=1))
    assert not any(path.exists() for path in paths)


def test_a_catalogue_that_is_made_anew_during_the_doubt_believes_no_name_of_it(world: World) -> None:
    world.start()
    world.scan()
    world.clock.synchronised = False
    world.clock.step(timedelta(hours=-500))
    world.cycle.tick()
    path = world.record("hall", world.clock.wall)
    made = world.clock.since_boot
    world.restart(without_catalogue=True)
    world.pass_time(timedelta(days=30, minutes=-3), look_every=timedelta(hours=6))
    assert path.exists()
    world.clock.step(timedelta(hours=500))
    world.clock.synchronised = True
    world.pass_time(timedelta(hours=1), look_every=timedelta(minutes=1))
    assert world.clock.since_boot - made > timedelta(days=30)
    assert not path.exists()


def test_the_record_says_since_when_a_clock_may_have_been_wrong_that_went_so_while_the_daemon_was_down(
    world: World,
) -> None:
    """The machine stayed up, and cameras recorded: their names are in doubt since the last look before."""
    world.start()
    world.scan()
    world.stop()
    world.clock.synchronised = False
    world.clock.step(timedelta(hours=-500))
    wrong_since = world.clock.wall
    world.clock.pass_time(timedelta(hours=10))
    world.start()
    world.scan()
    told = world.records("clock.state")[-1]
    assert told["unsettled_s"] == timedelta(hours=-500).total_seconds()
    assert wrong_since - timedelta(minutes=5) <= instants.from_text(told["from"]) <= wrong_since


@pytest.mark.parametrize("without_catalogue", [True, False])
def test_what_came_while_the_daemon_was_down_and_the_clock_ahead_of_trusted_time_is_in_doubt_too(
    world: World, without_catalogue: bool
) -> None:
    """Off for an hour, then for thirty that the clock forgot: it is ahead of trusted time, and both are behind.

    Trusted time catches up with what was named meanwhile, and nothing of that looks like the future any more.
    """
    world.start()
    world.record("hall", BEGIN - timedelta(hours=1))
    world.scan()
    world.clock.synchronised = False
    world.stop()
    world.clock.pass_time(timedelta(hours=1))
    world.clock.boot()
    world.start()
    world.scan()
    world.stop()
    world.clock.boot()
    behind = timedelta(hours=30)
    made = {}
    for _ in range(4):
        world.clock.pass_time(timedelta(minutes=20))
        made[world.record("hall", world.clock.wall)] = world.clock.wall + behind
    world.clock.pass_time(timedelta(hours=8))
    if without_catalogue:
        for path in world.state.glob("catalogue.db*"):
            path.unlink()
    world.start()
    world.scan()
    world.clock.step(behind)
    world.clock.synchronised = True
    world.pass_time(timedelta(minutes=12), look_every=timedelta(minutes=1))
    while world.clock.wall < BEGIN + timedelta(days=36):
        world.pass_time(timedelta(hours=1))
        world.approve()
        for path, start in made.items():
            assert path.exists() or world.clock.wall - start >= timedelta(days=30) - timedelta(minutes=4), path
    assert not [path for path in made if path.exists()]
