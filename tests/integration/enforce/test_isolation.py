"""I9 with real faults: what fails in one place leaves everything else on time, is told, and mends itself."""

import errno
import fcntl
import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from retentiond.domain.finding import Finding, FindingKind
from retentiond.domain.recording import StoreName
from retentiond.services.store_health import DEGRADED_AFTER, LONGEST_REST
from tests.integration.storage.disk import flagged, loop_disk, needs_root
from tests.world import BEGIN, World

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
LIMIT = 30 * DAY - timedelta(seconds=60)
SECOND = StoreName("second")

_EXT4_SHUTDOWN = 0x8004587D
_WITHOUT_FLUSHING = 2


def pull_out(path: Path) -> None:
    """Let every access to the disk fail from now on, as one that was pulled out does."""
    descriptor = os.open(path, os.O_RDONLY)
    fcntl.ioctl(descriptor, _EXT4_SHUTDOWN, struct.pack("I", _WITHOUT_FLUSHING))
    os.close(descriptor)


def put_back(point: Path, directory: Path) -> None:
    subprocess.run(["umount", point], check=True)
    subprocess.run(["mount", "-o", "loop", directory / "ext4.img", point], check=True)


def record_in(world: World, root: Path, camera: str, count: int) -> None:
    """Put recordings into a store, a minute apart, from BEGIN on."""
    main, world.store_path = world.store_path, root
    try:
        world.record_many(camera, BEGIN, count, every=MINUTE)
    finally:
        world.store_path = main


def finding(world: World, kind: FindingKind) -> Finding:
    return next(item for item in world.cycle.report().findings if item.key.kind is kind)


def age_of(line: dict[str, int]) -> timedelta:
    return timedelta(seconds=line["age_s"])


def fill_both(world: World, second: Path) -> None:
    """Start the program over two stores, with forty recordings in each."""
    world.others[SECOND] = second
    world.winding_down = True
    world.start()
    world.scan()
    world.clock.pass_time(HOUR)
    record_in(world, world.store_path, "hall", 40)
    record_in(world, second, "yard", 40)
    world.scan()


@contextmanager
def two_stores(world: World, tmp_path: Path) -> Iterator[Path]:
    """A world with a second store on a disk of its own, and forty recordings in each."""
    with loop_disk(tmp_path, "ext4", 8) as point:
        second = point / "store"
        second.mkdir()
        fill_both(world, second)
        os.sync()
        yield point


@needs_root
@pytest.mark.privileged
def test_a_disk_that_fails_delays_no_other_and_is_used_again_when_it_is_back(world: World, tmp_path: Path) -> None:
    with two_stores(world, tmp_path) as point:
        pull_out(point / "store")
        world.pass_time(LIMIT - 2 * HOUR, look_every=6 * HOUR)
        world.pass_time(3 * HOUR, look_every=timedelta(seconds=30))
        deleted = world.records("recording.deleted")
        assert {line["store"] for line in deleted} == {"main"}
        assert len(deleted) == 40
        assert all(LIMIT <= age_of(line) <= LIMIT + MINUTE for line in deleted)
        assert FindingKind.STORE_ABSENT in world.findings()
        assert finding(world, FindingKind.OVERDUE).message.endswith("past the deadline: the store is absent")
        world.crash()
        put_back(point, tmp_path)
        world.start()
        world.pass_time(10 * MINUTE, look_every=MINUTE)
        assert len(world.records("recording.deleted")) == 80
        assert FindingKind.STORE_ABSENT not in world.findings()
        world.stop()


@needs_root
@pytest.mark.privileged
def test_a_store_recovers_without_a_restart(world: World, tmp_path: Path) -> None:
    with two_stores(world, tmp_path) as point:
        pull_out(point / "store")
        world.pass_time(LIMIT + HOUR, look_every=6 * HOUR)
        world.pass_time(HOUR, look_every=MINUTE)
        assert finding(world, FindingKind.OVERDUE).key.subject == "second / yard / video"
        put_back(point, tmp_path)
        world.pass_time(10 * MINUTE, look_every=MINUTE)
        assert len([line for line in world.records("recording.deleted") if line["store"] == "second"]) == 40
        assert FindingKind.OVERDUE not in world.findings()
        assert FindingKind.STORE_ABSENT not in world.findings()
        world.stop()


class Faulty:
    """Lets a system call fail in one directory tree while it is `on`, as a dying disk does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, call: str, root: Path, error: int) -> None:
        self.on = True
        self._real = getattr(os, call)
        self._root = str(root)
        self._error = error
        self._call = call
        monkeypatch.setattr(os, call, self)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        descriptor = named.get("dir_fd", arguments[0])
        inside = isinstance(descriptor, int) and os.readlink(f"/proc/self/fd/{descriptor}").startswith(self._root)
        if self.on and inside:
            raise OSError(self._error, os.strerror(self._error))
        return self._real(*arguments, **named)


@pytest.mark.parametrize(
    ("call", "error"),
    [("unlink", errno.EIO), ("unlink", errno.ESTALE), ("unlink", errno.EMFILE), ("fsync", errno.EIO)],
)
def test_a_store_in_which_nothing_can_be_deleted_is_degraded_and_tried_gently(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: int
) -> None:
    second = tmp_path / "srv" / "second"
    second.mkdir()
    fill_both(world, second)
    fault = Faulty(monkeypatch, call, second, error)
    world.pass_time(LIMIT - 2 * HOUR, look_every=6 * HOUR)
    waits = []
    for _ in range(4 * 60):
        world.clock.pass_time(MINUTE)
        waits.append(world.cycle.tick())
    deleted = world.records("recording.deleted")
    assert {line["store"] for line in deleted} == {"main"}
    assert all(LIMIT <= age_of(line) <= LIMIT + MINUTE for line in deleted)
    assert len(deleted) == 40
    snapshot = world.cycle.report()
    assert {store.name: store.condition for store in snapshot.stores} == {"main": "present", "second": "degraded"}
    (overdue,) = [item for item in snapshot.findings if item.key.kind is FindingKind.OVERDUE]
    assert overdue.key.subject == "second / yard / video"
    assert overdue.message.endswith("the store is degraded")
    opened = [line["kind"] for line in world.records("finding.opened")]
    assert opened.count("store_degraded") == 1
    tried = [line for line in world.records("run.started") if line["store"] == "second"]
    assert 1 <= len(tried) <= DEGRADED_AFTER + 4 * HOUR // LONGEST_REST
    assert max(waits[-60:]) > timedelta(seconds=1), "it does not spin"

    fault.on = False
    world.pass_time(LONGEST_REST + MINUTE, look_every=MINUTE)
    assert len(world.records("recording.deleted")) == 80
    assert not {FindingKind.OVERDUE, FindingKind.STORE_DEGRADED, FindingKind.STORE_UNREADABLE} & world.findings()


def test_one_recording_that_cannot_be_deleted_delays_no_other(world: World) -> None:
    """The same camera, the same directory: a directory lies where one recording was."""
    world.winding_down = True
    world.start()
    world.scan()
    world.clock.pass_time(HOUR)
    paths = world.record_many("hall", BEGIN, 40, every=MINUTE)
    world.scan()
    with paths[7].open("ab"):
        world.pass_time(LIMIT - 2 * HOUR, look_every=6 * HOUR)
        world.pass_time(3 * HOUR, look_every=MINUTE)
        assert world.files() == {paths[7]}
        assert all(age_of(line) <= LIMIT + MINUTE for line in world.records("recording.deleted"))
        overdue = finding(world, FindingKind.OVERDUE)
        assert overdue.message.endswith("1 are still being written")
        voids = world.records("deletion.void")
        assert 3 < len(voids) < 12, "it is tried again, less and less often"
    world.pass_time(HOUR, look_every=MINUTE)
    assert world.files() == set()
    assert FindingKind.OVERDUE not in world.findings()


@needs_root
@pytest.mark.privileged
def test_a_locked_camera_directory_delays_no_other_camera_and_says_why(world: World) -> None:
    world.winding_down = True
    world.start()
    world.scan()
    world.clock.pass_time(HOUR)
    locked = world.record_many("hall", BEGIN, 5, every=MINUTE)
    world.record_many("yard", BEGIN, 40, every=MINUTE)
    world.scan()
    with flagged(locked[0].parent, "i"):
        world.pass_time(LIMIT - 2 * HOUR, look_every=6 * HOUR)
        world.pass_time(3 * HOUR, look_every=MINUTE)
        assert world.files() == set(locked)
        overdue = finding(world, FindingKind.OVERDUE)
        assert overdue.key.subject == "main / hall / video"
        assert overdue.message.endswith("5 are marked immutable or append-only (chattr +i, +a)")
        assert world.cycle.report().stores[0].condition == "present"
    world.pass_time(HOUR, look_every=MINUTE)
    assert world.files() == set()


def test_what_cannot_be_tried_does_not_let_the_loop_spin(world: World) -> None:
    """A retry whose time has come, of a recording that is held by then."""
    world.winding_down = True
    world.start()
    world.scan()
    world.clock.pass_time(HOUR)
    path = world.record("hall", BEGIN)
    world.scan()
    with path.open("ab"):
        world.pass_time(LIMIT, look_every=6 * HOUR)
        assert world.records("deletion.void")
    world.hold(BEGIN - DAY, BEGIN + DAY)
    world.ask("hold_approve", hold="H-1", actor="op-other")
    world.pass_time(2 * HOUR, look_every=10 * MINUTE)
    assert path.exists()
    assert world.cycle.tick() > timedelta(seconds=1)
