"""The walk over real trees, and the names in them."""

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from retentiond.domain.errors import StorageError
from retentiond.domain.recording import Unit
from retentiond.ports import Entry, EntryKind, Listed, Listing, Unchanged, Unlisted
from tests.integration.storage.disk import Disk, loop_disk, mounted, needs_root, place

NAMES = [b"a\nb", b"\x1b[2K", b"\xff\xfe", b"-rf", b"%s", b"x" * 255, "\u202egpj.mp4".encode()]


def walk_of(disk: Disk) -> Iterator[Listed]:
    """Yield what is listed, which is everything as long as nothing is known."""
    for step in disk.store.walk(lambda _directory, _entry: True):
        assert not isinstance(step, Unchanged)
        yield step


def walked(disk: Disk) -> list[Listed]:
    return list(walk_of(disk))


def test_parents_come_before_children_in_the_order_of_names(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store")
    for path in (b"b/x/1", b"a/y/1", b"a/x/1"):
        disk.write(path)
    assert [step.directory for step in walked(disk)] == [b"", b"a", b"a/x", b"a/y", b"b", b"b/x"]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_listed_as_its_bytes(tmp_path: Path, name: bytes) -> None:
    disk = Disk(tmp_path / "store")
    disk.write(b"cam/" + name)
    step = disk.store.list_directory(b"cam")
    assert isinstance(step, Listing)
    assert (step.files, step.others) == ((name,), ())


def test_kinds_are_told_without_following(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store")
    disk.write(b"file")
    os.mkfifo(disk.path / "fifo")
    (disk.path / "link").symlink_to("file")
    (disk.path / "directory").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(disk.path / "socket"))
        step = disk.store.list_directory(b"")
    assert isinstance(step, Listing)
    assert step.files == (b"file",)
    assert step.others == (
        Entry(b"directory", EntryKind.DIRECTORY),
        Entry(b"fifo", EntryKind.OTHER),
        Entry(b"link", EntryKind.LINK),
        Entry(b"socket", EntryKind.OTHER),
    )


def test_names_come_in_the_order_of_their_bytes(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store")
    for name in NAMES:
        disk.write(name)
        (disk.path / os.fsdecode(b"d" + name[:200])).mkdir()
    step = disk.store.list_directory(b"")
    assert isinstance(step, Listing)
    assert step.files == tuple(sorted(NAMES))
    assert [entry.name for entry in step.others] == sorted(b"d" + name[:200] for name in NAMES)


def test_our_own_directory_is_no_part_of_the_store(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store").adopt()
    (top,) = walked(disk)
    assert isinstance(top, Listing)
    assert (top.files, top.others) == ((), ())


def test_a_directory_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert Disk(tmp_path / "store").store.list_directory(b"cam") is None


def test_a_directory_that_vanishes_during_the_walk_is_passed_over(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store")
    (disk.path / "a").mkdir()
    (disk.path / "b").mkdir()
    walk = walk_of(disk)
    next(walk)
    (disk.path / "a").rmdir()
    assert [step.directory for step in walk] == [b"b"]


def test_a_directory_swapped_for_a_link_is_refused(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store")
    (disk.path / "a").mkdir()
    walk = walk_of(disk)
    next(walk)
    (disk.path / "a").rmdir()
    (disk.path / "a").symlink_to("/etc")
    (step,) = walk
    assert isinstance(step, Unlisted)


def test_another_directory_in_the_place_of_the_store_proves_nothing(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store").adopt()
    disk.path.rename(tmp_path / "unplugged")
    disk.path.mkdir()
    with pytest.raises(StorageError, match="cannot be taken for the store that was adopted"):
        disk.store.list_directory(b"")
    with pytest.raises(StorageError):
        walked(disk)
    with pytest.raises(StorageError):
        disk.store.inspect(place(b"1.mp4"), Unit.FILE)


@pytest.mark.privileged
@needs_root
@pytest.mark.parametrize("kind", ["tmpfs", "bind"])
def test_a_nested_mount_is_not_entered(tmp_path: Path, kind: str) -> None:
    disk = Disk(tmp_path / "store")
    (disk.path / "cam").mkdir()
    what = ("-t", "tmpfs", "none") if kind == "tmpfs" else ("--bind", str(disk.path / "cam"))
    with mounted(disk.path / "nested", *what):
        steps = {step.directory: step for step in walked(disk)}
    assert isinstance(steps[b"nested"], Unlisted)
    assert isinstance(steps[b"cam"], Listing)


@pytest.mark.privileged
@needs_root
@pytest.mark.parametrize("adopted", [True, False])
def test_a_disk_that_is_unmounted_after_it_was_examined_proves_nothing(tmp_path: Path, adopted: bool) -> None:
    disk = Disk(tmp_path / "store")
    with mounted(disk.path, "-t", "tmpfs", "none"):
        disk.write(b"cam/1.mp4")
        if adopted:
            disk.adopt()
        disk.store.examine()
        assert len(walked(disk)) == 2
    with pytest.raises(StorageError, match="mount the disk"):
        walked(disk)
    with pytest.raises(StorageError, match="mount the disk"):
        disk.store.list_directory(b"cam")
    with pytest.raises(StorageError, match="mount the disk"):
        disk.store.inspect(place(b"cam/1.mp4"), Unit.FILE)


@pytest.mark.privileged
@needs_root
def test_a_disk_that_is_unmounted_during_the_walk_shows_itself_to_the_end(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store")
    with mounted(tmp_path / "kept", "-t", "tmpfs", "none") as kept, mounted(disk.path, "--bind", str(kept)):
        for path in (b"a/1", b"b/1"):
            disk.write(path)
        disk.adopt()
        walk = walk_of(disk)
        next(walk)
        subprocess.run(["umount", "--lazy", disk.path], check=True)
        steps = list(walk)
        subprocess.run(["mount", "--bind", kept, disk.path], check=True)
    assert [(step.directory, len(step.files)) for step in steps if isinstance(step, Listing)] == [
        (b"a", 1),
        (b"b", 1),
    ]


def test_a_walk_leaves_no_descriptor_open(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store").adopt()
    disk.write(b"a/b/c/1")
    before = os.listdir("/proc/self/fd")
    assert len(walked(disk)) == 4
    walk = walk_of(disk)
    next(walk)
    walk.close()  # type: ignore[attr-defined]
    disk.store.inspect(place(b"a/b/c/1"), Unit.FILE)
    assert os.listdir("/proc/self/fd") == before


@pytest.mark.privileged
@needs_root
def test_a_subvolume_is_not_entered(tmp_path: Path) -> None:
    with loop_disk(tmp_path, "btrfs", 128) as point:
        disk = Disk(point / "store").adopt()
        subprocess.run(["btrfs", "subvolume", "create", disk.path / "sub"], check=True, capture_output=True)
        disk.write(b"sub/1.mp4")
        steps = {step.directory: step for step in walked(disk)}
    assert isinstance(steps[b"sub"], Unlisted)


@pytest.mark.parametrize("levels", [17, 200, 3000])
def test_a_deep_tree_ends_in_one_finding_and_the_rest_is_walked(tmp_path: Path, levels: int) -> None:
    disk = Disk(tmp_path / "store")
    dig(disk.path, b"deep", levels)
    disk.write(b"other/1")
    steps = walked(disk)
    assert [step for step in steps if isinstance(step, Unlisted)] == [steps[17]]
    assert isinstance(steps[17], Unlisted)
    assert steps[17].too_deep
    assert steps[-1].directory == b"other"
    fill_in(disk.path / "deep")


def dig(top: Path, first: bytes, levels: int) -> None:
    """Make a tree that is far deeper than any path can say."""
    current = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    for name in (first, *[b"d"] * (levels - 1)):
        os.mkdir(name, dir_fd=current)
        below = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=current)
        os.close(current)
        current = below
    os.close(current)


def fill_in(top: Path) -> None:
    """Remove a tree that `dig` made, from the top: pytest's own cleaning would recurse into it."""
    spare = top.parent / "spare"
    while (top / "d").exists():
        os.rename(top / "d", spare)
        os.rmdir(top)
        os.rename(spare, top)
    os.rmdir(top)


def test_only_a_name_that_is_not_in_a_directory_that_opens_is_gone(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store").adopt()
    disk.write(b"cam/1.mp4")
    (disk.path / "elsewhere").symlink_to(disk.path / "cam")
    assert not disk.store.is_gone(place(b"cam/1.mp4"))
    assert disk.store.is_gone(place(b"cam/2.mp4"))
    assert not disk.store.is_gone(place(b"nowhere/1.mp4")), "its directory was not looked into"
    assert not disk.store.is_gone(place(b"elsewhere/2.mp4")), "nor was this one"
    assert not disk.store.is_gone(place(b"cam/1.mp4/2.mp4"))
    assert not disk.store.is_gone(place(b"cam/" + b"x" * 300)), "an error of another kind"
    disk.path.rename(tmp_path / "unplugged")
    disk.path.mkdir()
    with pytest.raises(StorageError):
        disk.store.is_gone(place(b"cam/2.mp4"))
