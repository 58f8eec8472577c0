"""Cases of docs/reliability.md: clocks that are wrong, and times that cannot be."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from retentiond.domain.finding import FindingKind
from tests.integration.cases.told import told
from tests.integration.storage.disk import loop_disk, needs_root
from tests.world import BEGIN, World, start_of

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
PERIOD, MARGIN = 30 * DAY, timedelta(seconds=60)


def lasting(world: World, *, first: datetime = BEGIN) -> None:
    """Fill a store that has been watched for a day, so that one recording more or less is nothing."""
    world.start()
    world.scan()
    world.record_many("hall", first - 10 * HOUR, 9)
    world.scan()


def test_case_02_a_month_ahead_after_a_power_off_credits_nothing_until_synchronisation_shows_the_right_time(
    world: World,
) -> None:
    lasting(world)
    path = world.record("yard", BEGIN)
    world.scan()
    world.stop()
    world.clock.boot()
    world.clock.synchronised = False
    world.clock.step(31 * DAY)
    world.start()
    world.scan()
    world.pass_time(HOUR)
    assert path.exists()
    assert world.records("recording.deleted") == []
    assert world.records("clock.state")[-1]["state"] == "waiting"
    item = told(world, FindingKind.CLOCK_AHEAD)
    assert item.message.startswith("the system clock claims 31 days, 0:00:00 more than has certainly passed")
    assert item.remedy == "check the time, then type it: retentiond clock accept --wall TIME"
    world.clock.step(-31 * DAY)
    world.clock.synchronised = True
    world.pass_time(timedelta(minutes=15), look_every=timedelta(minutes=1))
    assert FindingKind.CLOCK_AHEAD not in world.findings()
    world.clock.pass_until(BEGIN + PERIOD - MARGIN - SECOND)
    world.record_many("hall", world.clock.wall - 10 * HOUR, 9)
    world.scan()
    assert path.exists()
    world.clock.pass_until(BEGIN + PERIOD - MARGIN)
    world.cycle.tick()
    assert not path.exists()


def test_case_04_what_was_recorded_at_a_boot_in_1970_is_two_hours_old_when_the_clock_is_right(world: World) -> None:
    lasting(world)
    world.restart(reboot=True)
    now = world.clock.wall
    world.clock.synchronised = False
    world.clock.step(datetime(1970, 1, 1, tzinfo=UTC) - now)
    world.cycle.tick()
    early = []
    for _ in range(4):
        early.append(world.record("yard", world.clock.wall))
        world.scan()
        world.pass_time(HOUR / 2, look_every=timedelta(minutes=10))
    world.clock.step(now - datetime(1970, 1, 1, tzinfo=UTC))
    world.clock.synchronised = True
    world.pass_time(timedelta(minutes=20), look_every=timedelta(minutes=1))
    world.scan()
    assert all(path.exists() for path in early)
    item = told(world, FindingKind.UNKNOWN_START)
    assert "4 recordings of camera 'yard'" in item.message
    assert item.remedy == "check the clock of the camera and of the recorder"
    world.record_many("hall", world.clock.wall + 26 * DAY, 60)
    world.clock.pass_time(29 * DAY - HOUR)
    world.scan()
    assert all(path.exists() for path in early), "early"
    world.clock.pass_time(DAY + 2 * HOUR)
    world.record_many("hall", world.clock.wall - 10 * HOUR, 9)
    world.scan()
    while world.waiting():
        world.approve()
    assert not any(path.exists() for path in early), "late"


@pytest.mark.parametrize("now", ["2038-01-19 03:14:07", "2040-02-29 12:00:00"])
def test_case_10_the_end_of_32_bits_is_an_instant_like_any(tmp_path: Path, now: str) -> None:
    begin = datetime.fromisoformat(now).replace(tzinfo=UTC)
    world = World(tmp_path, now=begin)
    lasting(world, first=begin)
    path = world.record("yard", begin - 10 * DAY)
    world.scan()
    world.clock.pass_until(begin + 20 * DAY - MARGIN - SECOND)
    world.record_many("hall", world.clock.wall - 10 * HOUR, 30, every=timedelta(minutes=9))
    world.scan()
    assert path.exists()
    world.clock.pass_time(SECOND)
    world.cycle.tick()
    assert not path.exists()
    (record,) = world.records("recording.deleted")
    assert record["deadline"] == f"{begin + 20 * DAY:%Y-%m-%dT%H:%M:%S}.000Z"
    world.stop()


@pytest.mark.privileged
@needs_root
def test_case_10_a_disk_that_cannot_hold_the_time_makes_nothing_early(tmp_path: Path) -> None:
    """ext4 with inodes of 128 bytes holds no time after 2038-01-19: a file of 2040 says 2038 there."""
    begin = datetime(2040, 2, 29, tzinfo=UTC)
    with loop_disk(tmp_path, "ext4", 16, "-I", "128") as point:
        world = World(point / "world", now=begin)
        lasting(world, first=begin)
        path = world.record("yard", begin)
        world.scan()
        world.clock.pass_until(begin + PERIOD - MARGIN - SECOND)
        world.record_many("hall", world.clock.wall - 10 * HOUR, 30, every=timedelta(minutes=9))
        world.scan()
        assert path.stat().st_mtime < 2**31
        assert path.exists(), "early"
        world.clock.pass_time(SECOND)
        world.cycle.tick()
        assert not path.exists(), "late"
        world.stop()


@pytest.mark.parametrize("named", [True, False], ids=["time in the name", "time of the file"])
@pytest.mark.parametrize("year", [2099, 2001])
def test_cases_11_and_12_a_touched_file_neither_stays_nor_goes_early(world: World, named: bool, year: int) -> None:
    """The file's time is set after it was seen. What its name told, or its first sight, stands."""
    world.layouts = (
        ("{camera}/%Y-%m-%d/%H-%M-%S.mp4",) if named else ("{camera}/%Y-%m-%d/%H-%M-%S.mp4", "{camera}/{any}.mkv")
    )
    lasting(world)
    path = world.record("yard", BEGIN)
    if not named:
        path = path.rename(path.parents[1] / "film.mkv")
    world.scan()
    stamp = datetime(year, 6, 1, tzinfo=UTC).timestamp()
    os.utime(path, (stamp, stamp))
    world.scan()
    world.clock.pass_until(BEGIN + PERIOD - MARGIN - SECOND)
    world.record_many("hall", world.clock.wall - 10 * HOUR, 30, every=timedelta(minutes=9))
    world.scan()
    assert path.exists(), "early"
    world.clock.pass_time(3 * SECOND)
    world.cycle.tick()
    assert not path.exists(), "late"


@pytest.mark.parametrize("start", ["1970-01-01 00:00:00", "1999-12-31 23:59:59", "2099-01-01 00:00:00"])
def test_case_13_a_name_by_a_camera_that_lost_its_clock_counts_from_its_arrival(world: World, start: str) -> None:
    lasting(world)
    path = world.record("yard", datetime.fromisoformat(start).replace(tzinfo=UTC))
    world.scan()
    item = told(world, FindingKind.UNKNOWN_START)
    assert item.key.subject == "main / yard"
    assert "1 recording of camera 'yard'" in item.message
    world.clock.pass_until(BEGIN + PERIOD - MARGIN - SECOND)
    world.record_many("hall", world.clock.wall - 10 * HOUR, 30, every=timedelta(minutes=9))
    world.scan()
    assert path.exists(), "early"
    world.clock.pass_time(3 * SECOND)
    world.cycle.tick()
    while world.waiting():
        world.approve()
    assert not path.exists(), "late"


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        ("0", FindingKind.UNKNOWN_START),
        ("1772323", FindingKind.UNKNOWN_START),  # thousands of seconds: January 1970
        ("17723232000", FindingKind.UNKNOWN_START),  # tenths: the year 2531
        ("1772323200000", FindingKind.UNCLASSIFIED_FILES),  # milliseconds
        ("1772323200000000", FindingKind.UNCLASSIFIED_FILES),  # microseconds
    ],
)
def test_case_14_seconds_that_are_something_else_are_unknown_and_never_very_old(
    world: World, number: str, kind: FindingKind
) -> None:
    world.layouts = ("{camera}/%Y-%m-%d/%H-%M-%S.mp4", "{camera}/%s.mkv")
    lasting(world)
    path = world.store_path / "yard" / f"{number}.mkv"
    path.parent.mkdir()
    path.write_bytes(b"x")
    world.scan()
    says = {
        FindingKind.UNKNOWN_START: "camera 'yard' without a plausible time, counted from first sight",
        FindingKind.UNCLASSIFIED_FILES: "files in store 'main' that match no layout and are never deleted: 1",
    }
    assert says[kind] in told(world, kind).message
    world.pass_time(29 * DAY, look_every=DAY)
    assert path.exists()


def test_case_35_after_three_months_off_a_person_accepts_the_clock_and_then_the_plan(world: World) -> None:
    world.start()
    world.scan()
    world.record_many("hall", BEGIN - 20 * DAY, 200, every=2 * HOUR)
    world.scan()
    world.clock.synchronised = False
    world.restart(away=90 * DAY, reboot=True)
    assert told(world, FindingKind.CLOCK_AHEAD).message.startswith("the system clock claims 90 days")
    assert world.records("recording.deleted") == []
    world.cycle.accept_clock(world.clock.wall, "op-test")
    world.cycle.tick()
    world.scan()
    assert world.records("recording.deleted") == [], "more than half of the store waits, whatever explains it"
    item = told(world, FindingKind.WAITING_FOR_APPROVAL)
    assert "store 'main' has 200 recordings due and waiting: more than half of the store is due" in item.message
    assert world.approve() == 200
    assert world.files() == set()


def test_case_35_ten_thousand_that_fell_due_while_the_daemon_was_down_need_nobodys_word(world: World) -> None:
    """A tenth of it here: two chunks of 500, and as many young ones that stay."""
    world.start()
    world.scan()
    world.record_many("hall", BEGIN - 28 * DAY, 1000, every=timedelta(minutes=4))
    world.record_many("hall", BEGIN - 20 * DAY, 1100, every=timedelta(minutes=4))
    world.scan()
    world.restart(away=5 * DAY)
    assert world.waiting() is None
    assert len(world.records("recording.deleted")) == 1000
    assert all(world.clock.wall - start_of(path) < PERIOD for path in world.files())
    assert sum(run["deleted"] for run in world.records("run.completed")) == 1000
