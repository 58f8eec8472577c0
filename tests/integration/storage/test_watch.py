"""The watcher over real directories. It may lose anything, so it must say when it does."""

import os
import shutil
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from retentiond.domain.recording import StoreName
from retentiond.storage.watch import InotifyWatch, NoWatch
from tests.integration.storage.disk import Disk
from tests.integration.storage.test_walk import dig, fill_in

MAIN = StoreName("main")


class Woken:
    """What the watcher hinted at."""

    def __init__(self) -> None:
        self.seen: list[tuple[StoreName, bytes]] = []
        self._lock = threading.Lock()

    def __call__(self, store: StoreName, directory: bytes) -> None:
        with self._lock:
            self.seen.append((store, directory))


def soon(condition: Callable[[], bool], seconds: float = 5) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "store").adopt()


@pytest.fixture
def watch(disk: Disk) -> Iterator[InotifyWatch]:
    watch = InotifyWatch({MAIN: str(disk.path)})
    yield watch
    watch.stop()


def test_a_new_recording_wakes_its_directory(disk: Disk, watch: InotifyWatch) -> None:
    (disk.path / "cam").mkdir()
    woken = Woken()
    watch.start(woken)
    disk.write(b"cam/\xff.mp4")
    assert soon(lambda: (MAIN, b"cam") in woken.seen)


def test_a_new_directory_is_watched_too(disk: Disk, watch: InotifyWatch) -> None:
    woken = Woken()
    watch.start(woken)
    (disk.path / "cam").mkdir()
    assert soon(lambda: (MAIN, b"cam") in woken.seen)
    woken.seen.clear()
    disk.write(b"cam/1.mp4")
    assert soon(lambda: (MAIN, b"cam") in woken.seen)


def test_our_own_directory_wakes_nobody(disk: Disk, watch: InotifyWatch) -> None:
    woken = Woken()
    watch.start(woken)
    (disk.claimed / "run-0").write_bytes(b"x")
    assert soon(lambda: watch.proven(MAIN))
    assert [directory for _, directory in woken.seen if directory.startswith(b".retentiond")] == []


def test_the_canary_proves_that_events_flow(disk: Disk, watch: InotifyWatch) -> None:
    assert not watch.proven(MAIN)
    watch.start(Woken())
    watch.probe()
    assert soon(lambda: watch.proven(MAIN))


def test_a_failing_listener_does_not_end_the_watch(disk: Disk, watch: InotifyWatch) -> None:
    seen = threading.Event()

    def fail(_store: StoreName, _directory: bytes) -> None:
        seen.set()
        raise RuntimeError("a bug")

    watch.start(fail)
    disk.write(b"1.mp4")
    assert seen.wait(5)
    seen.clear()
    disk.write(b"2.mp4")
    assert seen.wait(5)


def test_a_store_that_is_replaced_is_watched_anew(disk: Disk, watch: InotifyWatch, tmp_path: Path) -> None:
    woken = Woken()
    watch.start(woken)
    disk.path.rename(tmp_path / "old")
    shutil.copytree(tmp_path / "old", disk.path)
    watch.probe()
    disk.write(b"1.mp4")
    assert soon(lambda: (MAIN, b"") in woken.seen)


def test_a_store_that_is_not_there_harms_nobody(disk: Disk, tmp_path: Path) -> None:
    other = StoreName("other")
    watch = InotifyWatch({other: str(tmp_path / "nothing"), MAIN: str(disk.path)})
    try:
        woken = Woken()
        watch.start(woken)
        watch.probe()
        assert not watch.proven(other)
        disk.write(b"1.mp4")
        assert soon(lambda: (MAIN, b"") in woken.seen)
    finally:
        watch.stop()


def test_a_tree_that_is_too_deep_for_watchdog_harms_nobody(disk: Disk, watch: InotifyWatch) -> None:
    dig(disk.path, b"deep", sys.getrecursionlimit() + 200)
    try:
        watch.start(Woken())
        watch.probe()
    finally:
        fill_in(disk.path / "deep")


def test_a_watch_that_is_off_proves_nothing() -> None:
    watch = NoWatch()
    watch.start(Woken())
    watch.probe()
    assert not watch.proven(MAIN)
    watch.stop()


def test_a_store_needs_no_watchdog() -> None:
    code = "import sys, retentiond.storage.store; sys.exit('watchdog' in sys.modules)"
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-B", "-c", code]) == 0
