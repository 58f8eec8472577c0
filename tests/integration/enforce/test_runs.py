"""Invariants of a deletion run in the whole house: between chunks, beside another store, and where it is refused."""

import os
import shutil
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from retentiond.daemon import Daemon, Surroundings
from retentiond.domain.errors import StorageError
from retentiond.domain.finding import FindingKind
from retentiond.domain.recording import Sighting, StoreName, Stream
from retentiond.domain.run import CHUNK
from retentiond.ports import FilesRead
from retentiond.recorders.plain import Plain
from retentiond.services.cycle import Cycle
from retentiond.services.keep_store import StoreKeeper
from retentiond.storage.store import DirectoryStore
from tests.fakes.observer import RememberingObserver, WatchOff
from tests.world import BEGIN, World, hold_request

DAY = timedelta(days=1)
DUE = 2 * CHUNK + 50


class Interrupting(RememberingObserver):
    """Does something when the first recording of a run is gone: its chunk is through, the next has not begun."""

    def __init__(self, act: Callable[[], None]) -> None:
        super().__init__()
        self._act = act

    def deleted(self, stream: Stream, *, late_s: float, size_bytes: int, seq: int, approved: bool) -> None:
        super().deleted(stream, late_s=late_s, size_bytes=size_bytes, seq=seq, approved=approved)
        if len(self.late_s) == 1:
            self._act()


def backlog(world: World, act: Callable[[], None]) -> None:
    """Let more than two chunks fall due while the daemon is down, and start it: `act` comes after the first chunk."""
    world.start()
    world.scan()
    world.record_many("hall", BEGIN - 20 * DAY, DUE, every=timedelta(minutes=1))
    world.record_many("hall", BEGIN - 2 * DAY, 2 * DUE, every=timedelta(seconds=45))
    world.scan()
    world.stop()
    world.clock.pass_time(15 * DAY)
    world.observer = Interrupting(act)
    world.start()
    world.scan()


def deleted(world: World) -> int:
    return len(world.records("recording.deleted"))


def test_l4_a_store_that_goes_between_two_chunks_ends_the_run(world: World) -> None:
    away = world.root / "away"

    def unmount() -> None:
        shutil.move(world.store_path, away)

    backlog(world, unmount)
    assert deleted(world) == CHUNK
    shutil.move(away, world.store_path)
    world.cycle.tick()
    world.pass_time(timedelta(hours=2))
    assert deleted(world) == DUE
    assert world.observer.by_others == 0


def test_l4_another_store_in_its_place_between_two_chunks_is_not_touched(world: World) -> None:
    def swap() -> None:
        shutil.move(world.store_path, world.root / "right")
        shutil.copytree(world.root / "right", world.store_path)

    backlog(world, swap)
    assert deleted(world) == CHUNK
    assert len(world.files()) == 3 * DUE - CHUNK


def test_l4_a_clock_that_falls_back_between_two_chunks_ends_what_is_due(world: World) -> None:
    def back() -> None:
        world.clock.step(-14 * DAY)  # the time service says that it is two weeks earlier

    backlog(world, back)
    assert deleted(world) == CHUNK


def test_l4_a_stop_ends_the_run_between_two_chunks_and_the_next_start_goes_on(world: World) -> None:
    backlog(world, lambda: setattr(world, "stopping", True))
    assert deleted(world) == CHUNK
    world.stop()
    world.stopping = False
    world.start()
    world.cycle.tick()
    assert deleted(world) == DUE


def test_i6_a_suspension_counts_from_the_moment_it_is_placed(world: World) -> None:
    def suspend() -> None:
        world.hold(BEGIN - 99 * DAY, BEGIN, cameras=["hall"])

    backlog(world, suspend)
    assert deleted(world) == CHUNK
    world.pass_time(DAY)
    assert deleted(world) == CHUNK


class Silent:
    """The service manager and the log of a daemon that nobody listens to."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


def test_i6_a_hold_that_is_asked_for_during_a_run_is_in_force_before_its_next_chunk(world: World) -> None:
    answers: list[dict[str, Any]] = []
    threads: list[threading.Thread] = []

    def ask() -> None:
        daemon = Daemon(world.cycle, around)
        world.between_chunks = daemon.stopping
        fields = hold_request(BEGIN - 99 * DAY, BEGIN)
        asking = threading.Thread(target=lambda: answers.append(daemon.ask(fields, "op-test")))
        threads.append(asking)
        asking.start()
        while daemon._urgent.empty():
            time.sleep(0.001)

    silent: Any = Silent()
    around = Surroundings(
        watch=WatchOff(),
        anchorage=silent,
        devices=silent,
        observer=RememberingObserver(),
        manager=silent,
        log=silent,
        reload=lambda: world.book,
        scan_interval=DAY,
        scan_rate=None,
        give_way=lambda: None,
        report_interval=DAY,
        watchdog_s=None,
    )
    backlog(world, ask)
    assert deleted(world) == CHUNK
    threads[0].join(60)
    assert [answer["hold"] for answer in answers] == ["H-1"]
    kinds = [line["type"] for line in world.records("hold.placed", "recording.deleted", "run.completed")]
    assert kinds == ["recording.deleted"] * CHUNK + ["hold.placed", "run.completed"]


class Failing(Plain):
    """A recorder that cannot say anything about any name."""

    kind = "failing"
    ready = True
    trouble = None

    def classify(self, directory: bytes, entries: object) -> list[Sighting]:
        raise StorageError("this recorder is broken")

    def read_files(self, directory: bytes, names: object) -> FilesRead:
        raise StorageError("this recorder is broken")

    def is_past(self, directory: bytes, now: object) -> bool:
        return False

    def devices(self) -> list[object]:
        raise StorageError("this recorder is broken")


@pytest.mark.parametrize("broken_first", [True, False])
def test_i9_a_store_that_fails_delays_no_other(world: World, broken_first: bool) -> None:
    world.start()
    other = world.root / "srv" / "other"
    other.mkdir()
    store = DirectoryStore(StoreName("other"), str(other), expected=lambda: None)
    failing = StoreKeeper(store, Failing(), world.parts, enforcing=True)  # type: ignore[arg-type]
    keepers = [failing, world.keeper] if broken_first else [world.keeper, failing]
    world.cycle = Cycle(keepers, world.parts, world.book, mode=world.mode, watch=WatchOff())
    world.cycle.start()
    world.scan()
    path = world.record("hall", BEGIN)
    world.scan()
    world.pass_time(30 * DAY, look_every=DAY)
    assert not path.exists()
    assert FindingKind.STORE_UNREADABLE in world.findings()


def test_a_run_in_which_everything_is_refused_says_why(world: World) -> None:
    world.start()
    world.scan()
    path = world.record("hall", BEGIN)
    world.scan()
    path.unlink()
    path.mkdir()  # a directory in its place: no recording
    world.pass_time(30 * DAY, look_every=timedelta(hours=6))
    world.pass_time(timedelta(hours=1), look_every=timedelta(minutes=5))
    assert path.is_dir()
    runs = world.records("run.completed")
    assert runs[0]["failed"] == 1
    assert runs[0]["reasons"] == [{"why": "not_a_recording", "count": 1}]
    assert FindingKind.CANNOT_DELETE in world.findings()


def test_a_recording_with_another_name_is_gone_from_its_own_and_the_other_is_told(world: World) -> None:
    world.start()
    world.scan()
    path = world.record("hall", BEGIN)
    kept = world.root / "kept.mp4"
    os.link(path, kept)
    world.scan()
    world.pass_time(30 * DAY, look_every=DAY)
    assert not path.exists()
    assert kept.exists()
    (record,) = world.records("recording.deleted")
    assert record["links_left"] == 1
    assert FindingKind.LINKS_LEFT in world.findings()


def test_removals_by_others_are_a_finding_until_the_next_scan(world: World) -> None:
    world.start()
    world.scan()
    paths: list[Path] = world.record_many("hall", BEGIN - timedelta(hours=9), 5)
    world.scan()
    paths[0].unlink()
    world.scan()
    assert FindingKind.REMOVED_BY_OTHERS in world.findings()
    world.scan()
    assert FindingKind.REMOVED_BY_OTHERS not in world.findings()
