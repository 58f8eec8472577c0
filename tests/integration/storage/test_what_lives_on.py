"""What a deletion cannot reach is said: blocks that a snapshot or a copy shares, and inodes that are used again."""

import os
import subprocess
from pathlib import Path

import pytest

from retentiond.domain.recording import Unit
from retentiond.ports import Removed, Voided
from tests.integration.storage.disk import Disk, an_intent, loop_disk, mounted, needs_root, place

pytestmark = [pytest.mark.privileged, needs_root]

SIZES = {"ext4": 16, "xfs": 400, "btrfs": 128}
FILM = b"footage." * 100_000


def deleted(disk: Disk, path: bytes, unit: Unit = Unit.FILE) -> bool | None:
    """Delete a recording and return what is said of its blocks."""
    removal = disk.delete(path, unit)
    assert isinstance(removal, Removed)
    return removal.shared_extents


@pytest.mark.parametrize("kind", SIZES)
def test_a_recording_of_its_own_shares_nothing(tmp_path: Path, kind: str) -> None:
    with loop_disk(tmp_path, kind, SIZES[kind]) as point:
        disk = Disk(point / "store").adopt()
        disk.write(b"cam/1.mp4", FILM)
        disk.write(b"cam/empty.mp4", b"")
        os.sync()
        assert deleted(disk, b"cam/1.mp4") is False
        assert deleted(disk, b"cam/empty.mp4") is False


@pytest.mark.parametrize("kind", ["xfs", "btrfs"])
@pytest.mark.parametrize("unit", Unit)
def test_a_recording_that_a_reflink_keeps_is_told(tmp_path: Path, kind: str, unit: Unit) -> None:
    with loop_disk(tmp_path, kind, SIZES[kind]) as point:
        disk = Disk(point / "store").adopt()
        name = b"" if unit is Unit.FILE else b"/2.jpg"
        path = disk.write(b"cam/1.mp4" + name, FILM)
        if name:
            disk.write(b"cam/1.mp4/1.jpg")
        subprocess.run(["cp", "--reflink=always", path, point / "copy"], check=True)
        os.sync()
        assert deleted(disk, b"cam/1.mp4", unit) is True
        assert (point / "copy").read_bytes() == FILM


def test_one_block_among_many_is_enough(tmp_path: Path) -> None:
    """More extents than are asked for at once, and only the last of them is shared."""
    with loop_disk(tmp_path, "xfs", SIZES["xfs"]) as point:
        disk = Disk(point / "store").adopt()
        path = disk.write(b"cam/1.mp4", b"")
        with open(path, "r+b") as film:  # every other block is a hole
            for number in range(300):
                film.seek(number * 8192)
                film.write(b"x" * 4096)
        lone = disk.write(b"cam/2.mp4", b"")
        subprocess.run(["cp", "--sparse=always", "--reflink=never", path, lone], check=True)
        os.sync()
        block = ["xfs_io", "-f", "-c", f"reflink {os.fsdecode(path)} {299 * 8192} 0 4096", str(point / "copy")]
        subprocess.run(block, check=True, capture_output=True)
        os.sync()
        assert deleted(disk, b"cam/2.mp4") is False
        assert deleted(disk, b"cam/1.mp4") is True


def test_a_recording_in_a_snapshot_is_told(tmp_path: Path) -> None:
    with loop_disk(tmp_path, "btrfs", SIZES["btrfs"]) as point:
        subprocess.run(["btrfs", "subvolume", "create", point / "store"], check=True, capture_output=True)
        disk = Disk(point / "store").adopt()
        disk.write(b"cam/1.mp4", FILM)
        snapshot = point / "snapshot"
        command = ["btrfs", "subvolume", "snapshot", "-r", str(disk.path), str(snapshot)]
        subprocess.run(command, check=True, capture_output=True)
        disk.write(b"cam/2.mp4", FILM)
        os.sync()
        assert deleted(disk, b"cam/1.mp4") is True
        assert deleted(disk, b"cam/2.mp4") is False
        assert (snapshot / "cam" / "1.mp4").read_bytes() == FILM


def test_where_the_file_system_does_not_tell_nothing_is_claimed(tmp_path: Path) -> None:
    with mounted(tmp_path / "tmpfs", "-t", "tmpfs", "none") as point:
        disk = Disk(point / "store").adopt()
        disk.write(b"cam/1.mp4", FILM)
        assert deleted(disk, b"cam/1.mp4") is None


# --- inodes that are used again ------------------------------------------------------------------------------------


def test_without_birth_times_the_generation_tells_two_files_of_one_inode_apart(tmp_path: Path) -> None:
    """Inodes of 128 bytes, as file systems of old recorders have them: ext4 keeps no birth time in those."""
    with loop_disk(tmp_path, "ext4", SIZES["ext4"], "-I", "128") as point:
        disk = Disk(point / "store").adopt()
        path = disk.write(b"cam/1.mp4", b"old")
        before = disk.store.inspect(place(b"cam/1.mp4"), Unit.FILE)
        assert before is not None
        assert before.birth_ns is None
        stamp = before.mtime_ns
        for _ in range(50):
            os.unlink(path)
            disk.write(b"cam/1.mp4", b"new")
            os.utime(path, ns=(stamp, stamp))
            after = disk.store.inspect(place(b"cam/1.mp4"), Unit.FILE)
            assert after is not None
            if after.inode == before.inode:
                break
        else:
            pytest.skip("this file system did not use the inode again")
        assert (after.size_bytes, after.mtime_ns) == (before.size_bytes, before.mtime_ns)
        assert after.mark != before.mark
        with disk.store.chunk() as chunk:
            removal = chunk.recover(an_intent(b"cam/1.mp4", before.mark))
        assert removal == Removed(len(b"old"), observed="replaced_at_recovery")
        assert os.path.exists(path)


def test_without_birth_times_a_recording_goes_and_a_broken_off_deletion_is_settled(tmp_path: Path) -> None:
    with loop_disk(tmp_path, "ext4", SIZES["ext4"], "-I", "128") as point:
        disk = Disk(point / "store").adopt()
        disk.write(b"cam/1.mp4")
        assert isinstance(disk.delete(b"cam/1.mp4"), Removed)
        path = disk.write(b"cam/2.mp4")
        identity = disk.store.inspect(place(b"cam/2.mp4"), Unit.FILE)
        assert identity is not None
        with disk.store.chunk() as chunk:
            assert chunk.recover(an_intent(b"cam/2.mp4", identity.mark)) == Voided("never_claimed")
        os.rename(path, disk.claimed / "run-0")
        with disk.store.chunk() as chunk:
            removal = chunk.recover(an_intent(b"cam/2.mp4", identity.mark))
        assert isinstance(removal, Removed)
        assert removal.observed == "finished_at_recovery"
