"""A walk that knows what was there before: it passes over what has not changed, and over nothing else."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from retentiond.ports import DirectoryStamp, Listing, Stamps, Unchanged, Unlisted
from retentiond.storage import unchanged
from retentiond.storage.unchanged import SETTLED_NS, KnownTree, Same, is_settled
from tests.integration.storage.disk import Disk, loop_disk, mounted, needs_root
from tests.integration.storage.stamped import needs_stamps, wait_for_stamps

TREE = (b"2026-03-01/10/ward/1", b"2026-03-01/10/lobby/1", b"2026-03-01/11/ward/1", b"2026-03-02/10/ward/1")
WARD = "2026-03-01/10/ward"
DIRECTORIES = 10


@pytest.fixture
def disk(tmp_path: Path, at_once: None) -> Disk:
    """Return a store whose file system keeps stamps that are believed."""
    needs_stamps(tmp_path)
    disk = Disk(tmp_path / "store")
    for path in TREE:
        disk.write(path)
    return disk


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a stamp count at once, which takes two seconds otherwise; `walk` waits for the clock of the disk."""
    monkeypatch.setattr(unchanged, "SETTLED_NS", 0)


def walk(disk: Disk, known: Stamps | None) -> tuple[Stamps, set[bytes], int]:
    """Return the stamps after a walk, what was listed in it, and how many directories were passed over."""
    wait_for_stamps(disk.path.parent)
    stamps = dict(known or {})
    listed, count = set(), 0
    for step in disk.store.walk(lambda _directory, _entry: True, known):
        match step:
            case Listing(directory, stamp):
                assert step.settled
                stamps[directory] = stamp
                listed.add(directory)
            case Unlisted(directory):
                stamps |= {directory: None, directory.rpartition(b"/")[0]: None}
                listed.add(directory)
            case Unchanged(directories):
                count += directories
    return stamps, listed, count


def test_nothing_is_listed_where_nothing_changed(disk: Disk) -> None:
    stamps, listed, count = walk(disk, None)
    assert (len(listed), count) == (DIRECTORIES, 0)
    assert walk(disk, stamps) == (stamps, set(), DIRECTORIES)


def a_new_file(top: Path) -> set[str]:
    (top / WARD / "2").touch()
    return {WARD}


def a_removed_file(top: Path) -> set[str]:
    (top / WARD / "1").unlink()
    return {WARD}


def a_renamed_file(top: Path) -> set[str]:
    (top / WARD / "1").rename(top / WARD / "2")
    return {WARD}


def a_file_over_another(top: Path) -> set[str]:
    (top / "new").touch()
    (top / "new").rename(top / WARD / "1")
    return {"", WARD}


def a_new_directory(top: Path) -> set[str]:
    (top / WARD / "below").mkdir()
    return {WARD, WARD + "/below"}


def a_removed_directory(top: Path) -> set[str]:
    shutil.rmtree(top / WARD)
    return {"2026-03-01/10"}


def a_renamed_directory(top: Path) -> set[str]:
    (top / "2026-03-01").rename(top / "2026-03-03")
    return {"", "2026-03-03", "2026-03-03/10", "2026-03-03/11"} | {
        f"2026-03-03/{below}" for below in ("10/ward", "10/lobby", "11/ward")
    }


def exchanged_directories(top: Path) -> set[str]:
    (top / WARD).rename(top / "spare")
    (top / "2026-03-01/11/ward").rename(top / WARD)
    (top / "spare").rename(top / "2026-03-01/11/ward")
    return {"", "2026-03-01/10", "2026-03-01/11", WARD, "2026-03-01/11/ward"}


def another_directory_of_the_name(top: Path) -> set[str]:
    (top / WARD).rename(top.parent / "old")
    shutil.copytree(top.parent / "old", top / WARD, copy_function=shutil.copy2)
    return {"2026-03-01/10", WARD}


def a_mark_of_another_time(top: Path) -> set[str]:
    """Nobody can put a change time back, whatever is done to the other one."""
    times = os.stat(top / WARD)
    (top / WARD / "2").touch()
    os.utime(top / WARD, ns=(times.st_atime_ns, times.st_mtime_ns))
    return {WARD}


@pytest.mark.parametrize(
    "change",
    [
        a_new_file,
        a_removed_file,
        a_renamed_file,
        a_file_over_another,
        a_new_directory,
        a_removed_directory,
        a_renamed_directory,
        exchanged_directories,
        another_directory_of_the_name,
        a_mark_of_another_time,
    ],
)
def test_what_changed_is_listed_and_nothing_else(disk: Disk, change: Callable[[Path], set[str]]) -> None:
    stamps, _, _ = walk(disk, None)
    wait_for_stamps(disk.path.parent)
    changed = {os.fsencode(path) for path in change(disk.path)}
    stamps, listed, count = walk(disk, stamps)
    assert listed == changed
    assert count == 1 + sum(path.is_dir() for path in disk.path.rglob("*")) - len(listed)


def test_a_directory_exchanged_for_a_link_is_not_passed_over(disk: Disk) -> None:
    stamps, _, _ = walk(disk, None)
    shutil.move(disk.path / WARD, disk.path.parent / "aside")
    (disk.path / WARD).symlink_to(disk.path.parent / "aside")
    _, listed, _ = walk(disk, stamps)
    assert listed == {b"2026-03-01/10"}, "a link is nothing that a walk enters"


def test_a_directory_without_a_stamp_is_listed_with_what_is_new_in_it(disk: Disk) -> None:
    stamps, _, _ = walk(disk, None)
    without = {**stamps, b"2026-03-01/10": None}
    assert walk(disk, without) == (stamps, {b"2026-03-01/10"}, DIRECTORIES - 1)
    never_seen = {path: stamp for path, stamp in without.items() if path != os.fsencode(WARD)}
    assert walk(disk, never_seen) == (stamps, {b"2026-03-01/10", os.fsencode(WARD)}, DIRECTORIES - 2)


@needs_root
def test_a_mount_over_a_directory_is_no_directory_that_is_known(disk: Disk) -> None:
    stamps, _, _ = walk(disk, None)
    with mounted(disk.path / WARD, "-t", "tmpfs", "nothing"):
        steps = list(disk.store.walk(lambda _directory, _entry: True, stamps))
    assert [step.directory for step in steps if isinstance(step, Unlisted)] == [os.fsencode(WARD)]


@needs_root
def test_a_snapshot_in_the_place_of_a_directory_is_not_that_directory(tmp_path: Path, at_once: None) -> None:
    """On btrfs it has the inode and the times of what it was made of, and is told by its device alone."""
    with loop_disk(tmp_path, "btrfs", 128) as top:
        disk = Disk(top / "store")
        disk.path.rmdir()
        subprocess.run(["btrfs", "-q", "subvolume", "create", disk.path], check=True)
        disk.write(b"ward/1")
        stamps, _, _ = walk(disk, None)
        subprocess.run(["btrfs", "-q", "subvolume", "snapshot", disk.path, top / "snapshot"], check=True)
        stamps, _, _ = walk(disk, stamps)
        with mounted(disk.path / "ward", "--bind", str(top / "snapshot" / "ward")):
            steps = list(disk.store.walk(lambda _directory, _entry: True, stamps))
    assert [step.directory for step in steps if isinstance(step, Unlisted)] == [b"ward"]


@pytest.mark.parametrize("other", [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_a_directory_is_the_same_by_inode_and_both_times(tmp_path: Path, other: tuple[int, int, int]) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        status = os.fstat(descriptor)
        stamp = DirectoryStamp(status.st_ino, status.st_mtime_ns, status.st_ctime_ns)
        fields = (stamp.inode + other[0], stamp.mtime_ns + other[1], stamp.ctime_ns + other[2])
        assert KnownTree({b"": stamp}).look(b"", descriptor, status) == Same(1, [])
        assert KnownTree({b"": DirectoryStamp(*fields)}).look(b"", descriptor, status) is None
    finally:
        os.close(descriptor)


@pytest.fixture
def fuse(tmp_path: Path, at_once: None) -> Iterator[Disk]:
    if os.getuid() != 0 or shutil.which("bindfs") is None:
        pytest.skip("a file system in user space needs root and bindfs")
    below, top = tmp_path / "below", tmp_path / "top"
    below.mkdir()
    top.mkdir()
    subprocess.run(["bindfs", below, top], check=True)
    try:
        disk = Disk(top / "store")
        disk.write(TREE[0])
        yield disk
    finally:
        subprocess.run(["umount", top], check=True)


def test_where_stamps_are_not_believed_everything_is_listed(fuse: Disk) -> None:
    stamps, listed, _ = walk(fuse, None)
    assert walk(fuse, stamps) == (stamps, listed, 0)


def test_a_stamp_counts_when_it_is_old_enough() -> None:
    now = 10 * SETTLED_NS
    for changed in (DirectoryStamp(1, now - SETTLED_NS, 0), DirectoryStamp(1, 0, now - SETTLED_NS)):
        assert not is_settled(changed, now)
        assert is_settled(changed, now + 1)
    assert not is_settled(DirectoryStamp(1, 0, now + 1), now), "given by a clock that was ahead"


def test_one_listed_alone_stands_for_nothing(disk: Disk) -> None:
    step = disk.store.list_directory(b"")
    assert isinstance(step, Listing)
    assert not step.settled
