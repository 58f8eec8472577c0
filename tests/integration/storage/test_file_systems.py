"""The same deletions on the file systems that a recording server has, and on disks that are full, closed or broken."""

import fcntl
import os
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from retentiond.domain.errors import StorageError
from retentiond.domain.recording import Unit
from retentiond.ports import Failed, Foreign, Pinned, Present, Removed, Voided
from tests.integration.storage.disk import Disk, an_intent, loop_disk, mounted, needs, needs_root, place
from tests.integration.storage.test_walk import NAMES

pytestmark = [pytest.mark.privileged, needs_root]

SIZES = {"ext4": 16, "xfs": 400, "btrfs": 128}
_EXT4_SHUTDOWN = 0x8004587D
_WITHOUT_FLUSHING = 2


@contextmanager
def file_system(kind: str, directory: Path) -> Iterator[Path]:
    if kind == "tmpfs":
        with mounted(directory / "tmpfs", "-t", "tmpfs", "none") as point:
            yield point
    elif kind == "overlay":
        with mounted(directory / "layers", "-t", "tmpfs", "none") as layers:
            for name in ("lower", "upper", "work"):
                (layers / name).mkdir()
            options = f"lowerdir={layers}/lower,upperdir={layers}/upper,workdir={layers}/work"
            with mounted(directory / "overlay", "-t", "overlay", "-o", options, "overlay") as point:
                yield point
    elif kind in ("bindfs", "mergerfs"):
        with fuse(kind, directory) as point:
            yield point
    else:
        with loop_disk(directory, kind, SIZES[kind]) as point:
            yield point


@contextmanager
def fuse(kind: str, directory: Path, *options: str) -> Iterator[Path]:
    """Mount a file system that lives in another process, as many home servers do."""
    needs(kind)
    point, below = directory / kind, [directory / "first", directory / "second"]
    for path in (point, *below):
        path.mkdir(exist_ok=True)
    source = str(below[0]) if kind == "bindfs" else ":".join(map(str, below))
    run = subprocess.run([kind, *options, source, str(point)], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        pytest.skip(f"{kind} cannot mount here: {run.stderr.strip()}")
    try:
        yield point
    finally:
        subprocess.run(["umount", str(point)], check=True)


@pytest.fixture(params=["ext4", "xfs", "btrfs", "tmpfs", "overlay", "bindfs", "mergerfs"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    with file_system(request.param, tmp_path) as point:
        disk = Disk(point / "store").adopt()
        assert disk.adopted is not None
        assert disk.adopted.fs_type in {request.param, "fuse", f"fuse.{request.param}"}
        yield disk


def test_everything_works_on_every_file_system(disk: Disk) -> None:
    _a_recording_goes(disk)
    _a_name_goes_and_another_stays(disk)
    _an_event_directory_goes(disk)
    _what_is_written_is_put_back(disk)
    _another_file_is_put_back(disk)
    _what_vanished_is_not_called_deleted(disk)
    _a_crash_is_settled(disk)
    assert os.listdir(disk.claimed) == []


def _a_recording_goes(disk: Disk) -> None:
    for name in NAMES:
        path = disk.write(b"cam/" + name, b"x" * 10_000)
        removal = disk.delete(b"cam/" + name)
        assert isinstance(removal, Removed)
        assert (removal.links_left, removal.open_elsewhere) == (0, False)
        assert not os.path.lexists(path)


def _a_name_goes_and_another_stays(disk: Disk) -> None:
    path = disk.write(b"cam/twice.mp4")
    os.link(path, disk.path / "other")
    removal = disk.delete(b"cam/twice.mp4")
    assert isinstance(removal, Removed)
    assert removal.links_left == 1
    assert (disk.path / "other").read_bytes() == b"footage"


def _an_event_directory_goes(disk: Disk) -> None:
    disk.write(b"event/sub/1.jpg")
    assert isinstance(disk.delete(b"event", Unit.DIRECTORY), Removed)
    assert not (disk.path / "event").exists()


def _what_is_written_is_put_back(disk: Disk) -> None:
    with open(disk.write(b"1.mp4"), "ab"):
        assert disk.delete(b"1.mp4") == Voided("still_written")
    assert isinstance(disk.delete(b"1.mp4"), Removed)


def _another_file_is_put_back(disk: Disk) -> None:
    path = disk.write(b"1.mp4", b"old")
    with disk.store.chunk() as chunk:
        pinned = chunk.pin(place(b"1.mp4"), Unit.FILE)
        assert isinstance(pinned, Pinned)
        os.rename(disk.write(b"2.mp4", b"fresh!"), path)
        chunk.remove(pinned, "run-0")
        assert chunk.settle() == {"run-0": Voided("changed")}
    assert Path(os.fsdecode(path)).read_bytes() == b"fresh!"


def _what_vanished_is_not_called_deleted(disk: Disk) -> None:
    """On btrfs and some others a directory that is there counts one link, and not one for each that lies in it."""
    path = disk.write(b"4.mp4")
    with disk.store.chunk() as chunk:
        pinned = chunk.pin(place(b"4.mp4"), Unit.FILE)
        assert isinstance(pinned, Pinned)
        os.unlink(path)
        chunk.remove(pinned, "run-0")
        assert chunk.settle() == {"run-0": Voided("vanished")}


def _a_crash_is_settled(disk: Disk) -> None:
    path = disk.write(b"3.mp4")
    identity = disk.store.inspect(place(b"3.mp4"), Unit.FILE)
    assert identity is not None
    os.rename(path, disk.claimed / "run-0")
    with disk.store.chunk() as chunk:
        removal = chunk.recover(an_intent(b"3.mp4", identity.mark))
    assert isinstance(removal, Removed)
    assert removal.observed == "finished_at_recovery"


def test_a_file_system_that_numbers_its_files_anew_is_told_so(tmp_path: Path) -> None:
    """Its inodes may be anything: here they have 64 bits, of which a record holds 53."""
    with fuse("mergerfs", tmp_path, "-o", "use_ino") as point:
        disk = Disk(point / "store").adopt()
        assert os.stat(disk.path).st_ino >= 2**53
        assert disk.adopted is not None
        assert disk.adopted.inode < 2**53
    with fuse("mergerfs", tmp_path, "-o", "use_ino"):
        assert isinstance(disk.store.examine(), Present)
    with fuse("mergerfs", tmp_path):
        condition = disk.store.examine()
        assert isinstance(condition, Foreign)
        assert "mergerfs: -o use_ino" in condition.why


@contextmanager
def small_ext4(tmp_path: Path) -> Iterator[Disk]:
    with loop_disk(tmp_path, "ext4", 8) as point:
        yield Disk(point / "store")


def fill(disk: Disk) -> None:
    """Leave not one free block, for root either."""
    with open(disk.path / "fill", "wb", buffering=0) as file:
        for size in (1 << 16, 1 << 10, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    os.sync()


def test_a_full_disk_is_no_reason_not_to_delete(tmp_path: Path) -> None:
    with small_ext4(tmp_path) as disk:
        disk.adopt()
        disk.write(b"cam/1.mp4", b"x" * 100_000)
        disk.write(b"event/sub/1.jpg", b"x" * 100_000)
        fill(disk)
        with pytest.raises(OSError, match="No space left"):
            disk.write(b"cam/2.mp4", b"x" * 5000)
        assert isinstance(disk.delete(b"cam/1.mp4"), Removed)
        assert isinstance(disk.delete(b"event", Unit.DIRECTORY), Removed)
        assert isinstance(disk.store.examine(), Present)


def test_a_full_disk_is_adopted_whole_or_not_at_all(tmp_path: Path) -> None:
    with small_ext4(tmp_path) as disk:
        fill(disk)
        with pytest.raises(StorageError, match="No space left"):
            disk.store.adopt()
        assert not isinstance(disk.store.examine(), Present)
        (disk.path / "fill").unlink()
        disk.adopt()
        assert isinstance(disk.store.examine(), Present)


def test_a_disk_that_is_remounted_read_only_keeps_everything_and_says_so(tmp_path: Path) -> None:
    with small_ext4(tmp_path) as disk:
        disk.adopt()
        path = disk.write(b"cam/1.mp4")
        subprocess.run(["mount", "-o", "remount,ro", disk.path.parent], check=True)
        condition = disk.store.examine()
        assert isinstance(condition, Present)
        assert condition.read_only
        assert disk.delete(b"cam/1.mp4") == Failed("EROFS")
        assert os.path.exists(path)
        subprocess.run(["mount", "-o", "remount,rw", disk.path.parent], check=True)
        assert isinstance(disk.delete(b"cam/1.mp4"), Removed)


def test_a_disk_that_is_pulled_out_proves_nothing(tmp_path: Path) -> None:
    with small_ext4(tmp_path) as disk:
        disk.adopt()
        disk.write(b"cam/1.mp4")
        os.sync()
        descriptor = os.open(disk.path, os.O_RDONLY)
        fcntl.ioctl(descriptor, _EXT4_SHUTDOWN, struct.pack("I", _WITHOUT_FLUSHING))
        os.close(descriptor)
        with pytest.raises(StorageError, match="Input/output error"):
            disk.delete(b"cam/1.mp4")
        for directory in (b"", b"cam"):
            with pytest.raises(StorageError, match="Input/output error"):
                disk.store.list_directory(directory)
