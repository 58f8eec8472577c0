"""Rule 4: the limit on a run. What time explains goes; what it does not waits, loudly."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from retentiond.domain.finding import FindingKind
from retentiond.domain.run import WaitReason
from tests.world import BEGIN, World, start_of

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def test_a_backlog_from_time_the_daemon_was_down_goes_at_once(world: World) -> None:
    world.start()
    world.scan()
    world.record_many("hall", BEGIN - 25 * DAY, 300, every=2 * HOUR)
    world.scan()
    world.restart(away=10 * DAY)
    left = {path for path in world.files() if world.clock.wall - start_of(path) < 30 * DAY}
    assert world.waiting() is None
    assert world.files() == left
    assert len(left) == 300 - 61


def test_recordings_made_and_fallen_due_while_the_daemon_was_down_are_explained(tmp_path: Path) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    world = World(tmp_path, now=now)
    world.start()
    world.scan()
    seen = set(world.record_many("hall", now - timedelta(minutes=1), 10, every=timedelta(seconds=1)))
    world.scan()
    world.stop()
    born_while_down = {world.record("yard", now + timedelta(seconds=number)) for number in range(5)}
    world.clock.pass_time(31 * DAY)
    young = set(world.record_many("stairs", world.clock.wall - DAY, 60, every=timedelta(seconds=9)))
    world.start()
    world.scan()
    assert world.waiting() is None
    assert world.files() == young
    assert not (seen | born_while_down) & world.files()
    world.stop()


def test_many_files_that_arrive_old_wait(world: World) -> None:
    world.start()
    world.scan()
    world.record_many("hall", BEGIN - 3 * DAY, 200, every=timedelta(minutes=20))
    world.scan()
    old = set(world.record_many("yard", BEGIN - 31 * DAY, 60, every=timedelta(seconds=10)))
    young = world.record("yard", BEGIN)
    world.scan()
    world.pass_time(30 * HOUR)
    assert old <= world.files()
    plan = world.waiting()
    assert plan is not None
    assert plan.count == 60
    world.approve()
    assert not old & world.files()
    assert young.exists()


def test_few_files_that_arrive_old_go_after_the_grace(world: World) -> None:
    """S5: a camera lost its clock. Its recordings stay a day, so that somebody can look; then they go."""
    world.start()
    world.scan()
    world.record_many("hall", BEGIN - 3 * DAY, 100, every=timedelta(minutes=40))
    old = set(world.record_many("yard", BEGIN - 60 * DAY, 10))
    world.record("yard", BEGIN)
    world.scan()
    world.pass_time(23 * HOUR)
    assert old <= world.files()
    assert FindingKind.DISPUTED_START in world.findings()
    world.pass_time(3 * HOUR)
    assert not old & world.files()


def test_what_arrives_old_is_put_before_a_person_soon_after_the_watcher_saw_it(world: World) -> None:
    world.start()
    world.scan()
    world.record_many("hall", BEGIN - 3 * DAY, 100, every=timedelta(minutes=40))
    world.scan()
    old = world.record("yard", BEGIN - 60 * DAY)
    world.cycle.look_again(world.keeper.name, b"yard")
    world.pass_time(timedelta(seconds=10), look_every=timedelta(seconds=5))
    plan = world.waiting()
    assert plan is not None
    assert plan.why is WaitReason.DISPUTED
    world.approve()
    assert not old.exists()


def test_more_than_half_of_a_store_waits_even_when_time_explains_it(world: World) -> None:
    world.start()
    world.scan()
    files = set(world.record_many("hall", BEGIN - 2 * DAY, 40))
    world.scan()
    world.restart(away=35 * DAY)
    assert world.files() == files
    plan = world.waiting()
    assert plan is not None
    assert plan.why is WaitReason.HALF_OF_STORE
    world.approve()
    assert world.files() == set()


def test_all_recordings_of_a_camera_wait_even_when_time_explains_it(world: World) -> None:
    world.start()
    world.scan()
    gone_camera = set(world.record_many("yard", BEGIN - 2 * DAY, 25))
    world.scan()
    world.pass_time(25 * DAY, look_every=DAY)
    world.record_many("hall", BEGIN + 16 * DAY, 200)
    world.restart(away=10 * DAY)
    assert gone_camera <= world.files()
    plan = world.waiting()
    assert plan is not None
    assert plan.why is WaitReason.ALL_OF_CAMERA


def test_a_store_that_is_winding_down_is_emptied_without_asking(world: World) -> None:
    world.winding_down = True
    world.start()
    world.scan()
    world.record_many("hall", BEGIN - 2 * DAY, 40)
    world.scan()
    world.restart(away=35 * DAY)
    assert world.files() == set()


def test_a_store_that_nobody_writes_waits_while_the_clock_is_not_proven(world: World) -> None:
    world.clock.synchronised = False
    world.start()
    world.scan()
    world.record_many("hall", BEGIN - 3 * DAY, 10)
    world.record_many("hall", BEGIN - DAY, 10)
    world.scan()
    world.pass_time(28 * DAY, look_every=DAY)
    assert len(world.files()) == 20
    plan = world.waiting()
    assert plan is not None
    assert plan.why is WaitReason.CLOCK_UNPROVEN
    world.clock.synchronised = True
    world.pass_time(2 * HOUR, look_every=timedelta(minutes=5))
    assert len(world.files()) == 10
