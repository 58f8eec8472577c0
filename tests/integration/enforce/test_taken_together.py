"""Directories are taken in together, and one with which something is wrong keeps no other from being known."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from retentiond.domain.errors import StorageError
from retentiond.domain.finding import FindingKind
from retentiond.ports import FilesRead, Recorder
from retentiond.services.scan import TOGETHER
from tests.world import BEGIN, MAIN, World

HOUR = timedelta(hours=1)
CAMERAS = tuple(f"cam-{number:02}" for number in range(10))
BAD = b"cam-04"


class FailingAt:
    """A recorder that cannot say anything about the names in one directory, while it is `broken`."""

    def __init__(self, inner: Recorder) -> None:
        self._inner = inner
        self.broken = True

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def read_files(self, directory: bytes, names: Sequence[bytes]) -> FilesRead:
        if self.broken and directory.startswith(BAD + b"/"):
            raise StorageError("this directory cannot be read")
        return self._inner.read_files(directory, names)


@pytest.fixture
def failing(world: World) -> FailingAt:
    """A world that knows two recordings of each camera, and whose recorder fails at one of them from now on."""
    for camera in CAMERAS:
        world.record_many(camera, BEGIN - 30 * HOUR, 2)
    world.start()
    world.scan()
    assert world.catalogue.census(MAIN).recordings == 2 * len(CAMERAS)
    recorder = FailingAt(world.keeper.recorder)
    world.keeper.recorder = recorder  # type: ignore[assignment]
    return recorder


def test_more_than_one_directory_is_taken_in_at_a_time(world: World) -> None:
    for camera in CAMERAS:
        world.record(camera, BEGIN - HOUR)
    world.start()
    world.scan()
    commits: list[str] = []
    world.catalogue._db._connection.set_trace_callback(lambda text: commits.append(text) if text == "COMMIT" else None)
    world.keeper.list_all()
    for camera in CAMERAS:
        world.record(camera, BEGIN - 2 * HOUR)
    world.scan()
    assert 1 + 2 * len(CAMERAS) <= 2 * TOGETHER
    assert 2 <= len(commits) < len(CAMERAS), "one for each group, one for the state of the scan, and those of new rules"


def test_what_came_in_the_other_directories_is_known(world: World, failing: FailingAt) -> None:
    for camera in CAMERAS:
        world.record(camera, BEGIN - 10 * HOUR)
    world.keeper.list_all()
    world.scan()
    assert world.catalogue.census(MAIN).by_camera == {camera: 2 if camera.encode() == BAD else 3 for camera in CAMERAS}
    assert FindingKind.STORE_UNREADABLE in world.findings()


def test_a_scan_with_such_a_directory_is_no_whole_scan(world: World, failing: FailingAt) -> None:
    whole = len(world.records("scan.completed"))
    world.keeper.list_all()
    world.scan()
    assert len(world.records("scan.completed")) == whole
    failing.broken = False
    world.scan()
    done = world.records("scan.completed")[whole:]
    assert [line["directories"] for line in done] == [1 + 2 * len(CAMERAS)]
    assert FindingKind.STORE_UNREADABLE not in world.findings()


def test_what_others_removed_is_counted_once(world: World, failing: FailingAt) -> None:
    for camera in (CAMERAS[1], CAMERAS[8]):
        world.path(camera, BEGIN - 30 * HOUR).unlink()
    world.keeper.list_all()
    world.scan()
    assert world.observer.by_others == 2
    assert world.catalogue.census(MAIN).recordings == 2 * len(CAMERAS) - 2


def test_each_of_them_counts_once_on_the_record(world: World, failing: FailingAt) -> None:
    """What was counted before it went wrong is not counted again."""
    world.keeper.list_all()
    ((_, scan),) = world.cycle.begin_scans()
    world.cycle.take(world.keeper, *world.keeper.store.walk(scan.descends, scan.known))
    assert scan.result.directories == 1 + 2 * len(CAMERAS) - 1
    assert scan.result.recordings == 2 * (len(CAMERAS) - 1)
