"""Rules S2 to S6 in the whole house: what names and file times may say, and what they can never do."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from retentiond.domain.finding import FindingKind
from tests.world import BEGIN, World

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
PERIOD = 30 * DAY
UNDATED = "{camera}/clip-{any}.mp4"


@pytest.fixture
def watched(world: World) -> World:
    """A store whose cameras name some films by their time and number others."""
    world.layouts = (*world.layouts, UNDATED)
    world.winding_down = True
    world.start()
    world.scan()
    return world


def clip(world: World, number: int, written: datetime | None) -> Path:
    """Write a film whose name says nothing about its time; None leaves it with the time 0."""
    path = world.store_path / "hall" / f"clip-{number}.mp4"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x")
    touch(path, written)
    return path


def touch(path: Path, written: datetime | None) -> None:
    stamp = 0 if written is None else written.timestamp()
    os.utime(path, (stamp, stamp))


def goes_at(world: World, path: Path, instant: datetime) -> None:
    """Fail unless a recording is there just before an instant less the margin, and gone at it."""
    world.pass_time(instant - 2 * MINUTE - world.clock.wall, look_every=6 * HOUR)
    assert path.exists(), "early"
    world.pass_time(MINUTE + timedelta(seconds=1), look_every=MINUTE)
    assert not path.exists(), "late"


def test_s2_a_film_without_a_time_in_its_name_counts_from_its_last_write(watched: World) -> None:
    path = clip(watched, 1, BEGIN - 5 * DAY)
    watched.scan()
    goes_at(watched, path, BEGIN - 5 * DAY + PERIOD)


@pytest.mark.parametrize("written", [None, BEGIN - 30 * 365 * DAY, BEGIN + 2 * DAY, datetime(2106, 2, 7, tzinfo=UTC)])
def test_s3_an_impossible_time_counts_from_first_sight_and_is_never_very_old(
    watched: World, written: datetime | None
) -> None:
    path = clip(watched, 1, written)
    watched.scan()
    assert FindingKind.UNKNOWN_START in watched.findings()
    goes_at(watched, path, BEGIN + PERIOD)


@pytest.mark.parametrize(
    "named", ["1970-01-01/00-20-00", "1999-12-31/23-59-59", "2038-01-19/03-14-08", "2099-01-01/00-00-00"]
)
def test_s3_a_camera_that_lost_its_clock_neither_loses_nor_keeps_its_films(watched: World, named: str) -> None:
    path = watched.store_path / "hall" / f"{named}.mp4"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"x")
    touch(path, BEGIN)
    watched.scan()
    assert FindingKind.UNKNOWN_START in watched.findings()
    goes_at(watched, path, BEGIN + PERIOD)


def test_s4_a_name_in_the_future_pins_nothing(watched: World) -> None:
    path = watched.record("hall", BEGIN + 20 * HOUR)
    watched.scan()
    assert FindingKind.UNKNOWN_START in watched.findings()
    goes_at(watched, path, BEGIN + PERIOD)


def test_s4_a_clock_some_minutes_ahead_is_no_future(watched: World) -> None:
    path = watched.record("hall", BEGIN + 4 * MINUTE)
    watched.scan()
    assert FindingKind.UNKNOWN_START not in watched.findings()
    goes_at(watched, path, BEGIN + 4 * MINUTE + PERIOD)


@pytest.mark.parametrize("to", [BEGIN - 400 * DAY, BEGIN + 12 * HOUR, datetime(2099, 1, 1, tzinfo=UTC)])
def test_s6_a_file_time_that_somebody_changes_later_moves_no_deadline(watched: World, to: datetime) -> None:
    path = clip(watched, 1, BEGIN)
    watched.scan()
    watched.pass_time(5 * DAY, look_every=DAY)
    touch(path, to)
    watched.scan()
    goes_at(watched, path, BEGIN + PERIOD)


def test_s6_a_film_that_still_grows_counts_from_when_it_was_met(watched: World) -> None:
    path = clip(watched, 1, BEGIN - HOUR)
    watched.scan()
    for hour in range(10):
        watched.pass_time(HOUR)
        touch(path, BEGIN + hour * HOUR)
        watched.scan()
    goes_at(watched, path, BEGIN - HOUR + PERIOD)
