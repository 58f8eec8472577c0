"""What a hint lets the daemon meet falls due as punctually as what a scan met, and costs no look at the rest."""

import os
from datetime import timedelta

import pytest

from retentiond.domain.recording import StoreName
from tests.world import BEGIN, World

DAY = timedelta(days=1)
MONTH = 30 * DAY
MINUTE = timedelta(minutes=1)
MAIN = StoreName("main")
MARGIN = timedelta(seconds=60)


@pytest.fixture
def quiet(world: World) -> World:
    """A store in which nothing falls due for days, scanned and weighed."""
    world.start()
    world.scan()
    for camera in ("hall", "yard"):
        world.record_many(camera, BEGIN - 5 * DAY, 4, every=MINUTE)
    world.scan()
    world.pass_time(timedelta(minutes=10))
    return world


def come(world: World, camera: str, age: timedelta) -> bytes:
    """Let a recording of this age come, and the watcher hint at it."""
    start = world.clock.wall - age
    path = world.record(camera, start)
    directory = os.fsencode(path.parent.relative_to(world.store_path))
    world.cycle.look_again(MAIN, directory)
    return directory


def deleted(world: World) -> list[str]:
    return [line["rec"]["camera"] for line in world.records("recording.deleted")]


def test_what_is_due_when_it_comes_goes_at_the_next_look(quiet: World) -> None:
    come(quiet, "yard", MONTH - MARGIN / 2)
    quiet.cycle.tick()
    assert deleted(quiet) == ["yard"], "it came within the margin before its deadline"


@pytest.mark.parametrize("camera", ["yard", "lane"])
def test_what_comes_is_what_falls_due_next(quiet: World, camera: str) -> None:
    come(quiet, camera, MONTH - MARGIN - MINUTE)
    quiet.cycle.tick()
    assert deleted(quiet) == []
    quiet.clock.pass_time(MINUTE)
    quiet.cycle.tick()
    assert deleted(quiet) == [camera], "of a camera that was there, and of one that was not"


def test_what_falls_due_later_leaves_the_next_deadline_as_it_was(quiet: World) -> None:
    come(quiet, "yard", MONTH - MARGIN - MINUTE)
    come(quiet, "hall", timedelta())
    quiet.clock.pass_time(MINUTE)
    quiet.cycle.tick()
    assert deleted(quiet) == ["yard"]


def test_what_came_since_the_last_look_goes_between_the_chunks_of_a_run_as_well(quiet: World) -> None:
    quiet.cycle.keep_on_time()
    come(quiet, "yard", MONTH - MARGIN - MINUTE)
    quiet.clock.pass_time(MINUTE)
    quiet.cycle.keep_on_time()
    assert deleted(quiet) == ["yard"]
