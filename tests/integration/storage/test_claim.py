"""Deleting real files: what goes, what stays, and what is put back."""

import ctypes
import os
import resource
import socket
import stat
import subprocess
import sys
from contextlib import suppress
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from retentiond.domain.errors import StorageError
from retentiond.domain.recording import Unit
from retentiond.ports import Absent, Failed, Pinned, PinRefused, Present, Refusal, Removed, Voided
from retentiond.storage.beneath import with_components
from retentiond.storage.claim import ClaimDirectory
from retentiond.storage.syscalls import load_system_calls
from tests.integration.storage.disk import Disk, flagged, mounted, needs_root, place
from tests.integration.storage.test_walk import NAMES

_EXCHANGE = 2


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "store").adopt()


def exchange(one: bytes, other: bytes) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.renameat2(-100, one, -100, other, _EXCHANGE) == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_recording_of_any_name_goes(disk: Disk, name: bytes) -> None:
    path = disk.write(b"cam/" + name)
    removal = disk.delete(b"cam/" + name)
    assert isinstance(removal, Removed)
    assert removal.links_left == 0
    assert not os.path.lexists(path)
    assert os.listdir(disk.claimed) == []


def test_the_size_is_what_the_disk_gets_back(disk: Disk) -> None:
    path = disk.write(b"cam/1", b"x" * 100_000)
    blocks = os.stat(path).st_blocks
    removal = disk.delete(b"cam/1")
    assert isinstance(removal, Removed)
    assert removal.size_bytes == blocks * 512


def test_a_recording_that_is_not_there_is_gone(disk: Disk) -> None:
    with disk.store.chunk() as chunk:
        assert chunk.pin(place(b"cam/1"), Unit.FILE) == PinRefused(Refusal.GONE)


@pytest.mark.parametrize("kind", ["fifo", "socket", "link", "directory"])
def test_only_a_regular_file_is_a_recording(disk: Disk, kind: str) -> None:
    path = disk.path / "1.mp4"
    disk.write(b"victim")
    with socket.socket(socket.AF_UNIX) as server:
        match kind:
            case "fifo":
                os.mkfifo(path)
            case "socket":
                server.bind(str(path))
            case "link":
                path.symlink_to("victim")
            case _:
                path.mkdir()
        with disk.store.chunk() as chunk:
            refused = chunk.pin(place(b"1.mp4"), Unit.FILE)
    assert isinstance(refused, PinRefused)
    assert refused.refusal is Refusal.NOT_A_RECORDING
    assert os.path.lexists(path)


def test_a_link_to_a_directory_is_no_event_directory(disk: Disk) -> None:
    disk.write(b"real/1")
    (disk.path / "event").symlink_to("real")
    with disk.store.chunk() as chunk:
        assert isinstance(chunk.pin(place(b"event"), Unit.DIRECTORY), PinRefused)
    assert (disk.path / "real" / "1").exists()


def test_only_our_name_of_a_hard_linked_file_goes(disk: Disk, tmp_path: Path) -> None:
    outside = tmp_path / "system.conf"
    outside.write_bytes(b"precious")
    outside.chmod(0o604)
    os.link(outside, disk.path / "1.mp4")
    removal = disk.delete(b"1.mp4")
    assert isinstance(removal, Removed)
    assert removal.links_left == 1
    assert outside.read_bytes() == b"precious"
    assert outside.stat().st_mode & 0o777 == 0o604


@pytest.mark.privileged
@needs_root
@pytest.mark.parametrize("flag", ["i", "a"])
@pytest.mark.parametrize("what", ["cam/1.mp4", "cam"])
def test_a_flag_on_a_recording_or_its_directory_keeps_it_and_stays(disk: Disk, flag: str, what: str) -> None:
    path = disk.write(b"cam/1.mp4")
    with flagged(disk.path / what, flag):
        assert disk.delete(b"cam/1.mp4") == Failed("IMMUTABLE")
        listed = subprocess.run(["lsattr", "-d", disk.path / what], check=True, capture_output=True).stdout
        assert flag.encode() in listed.split()[0]
    assert os.path.exists(path)


@pytest.mark.privileged
@needs_root
@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK])
def test_a_device_is_no_recording(disk: Disk, kind: int) -> None:
    os.mknod(disk.path / "1.mp4", kind | 0o600, os.makedev(1, 3))
    with disk.store.chunk() as chunk:
        assert chunk.pin(place(b"1.mp4"), Unit.FILE) == PinRefused(Refusal.NOT_A_RECORDING)


@pytest.mark.parametrize("path", [b".retentiond/store.json", b".retentiond/claimed/run-0", b".retentiond"])
def test_nothing_of_ours_is_a_recording(disk: Disk, path: bytes) -> None:
    disk.write(b".retentiond/claimed/run-0")
    with disk.store.chunk() as chunk:
        assert isinstance(chunk.pin(place(path), Unit.FILE), PinRefused)
        assert chunk.pin(place(path), Unit.DIRECTORY) == PinRefused(Refusal.NOT_A_RECORDING)


@pytest.mark.parametrize("path", [b"/etc/passwd", b"../x", b"cam/../1.mp4", b"cam/.", b"cam/..", b"cam\0/1.mp4", b""])
def test_no_path_that_leads_elsewhere_is_pinned(disk: Disk, path: bytes) -> None:
    disk.write(b"cam/1.mp4")
    with disk.store.chunk() as chunk:
        for unit in Unit:
            assert isinstance(chunk.pin(place(path), unit), PinRefused)


@pytest.mark.privileged
@needs_root
@pytest.mark.parametrize("unit", Unit)
def test_a_recording_that_is_a_mount_is_not_reached(disk: Disk, tmp_path: Path, unit: Unit) -> None:
    outside, point = tmp_path / "outside", disk.path / "1.mp4"
    for path in (outside, point):
        path.mkdir() if unit is Unit.DIRECTORY else path.write_bytes(b"precious")
    with mounted(point, "--bind", str(outside)), disk.store.chunk() as chunk:
        refused = chunk.pin(place(b"1.mp4"), unit)
    assert refused == PinRefused(Refusal.UNREACHABLE, "EXDEV")


def test_a_recording_that_is_being_written_is_put_back(disk: Disk) -> None:
    path = disk.write(b"1.mp4")
    with open(path, "ab"):
        assert disk.delete(b"1.mp4") == Voided("still_written")
    assert os.listdir(disk.claimed) == []
    assert os.path.exists(path)


def test_a_recording_that_is_being_read_goes_and_it_is_said(disk: Disk) -> None:
    path = disk.write(b"1.mp4")
    with open(path, "rb"):
        removal = disk.delete(b"1.mp4")
    assert isinstance(removal, Removed)
    assert removal.open_elsewhere is True


def test_a_file_swapped_after_the_pin_is_put_back(disk: Disk) -> None:
    old, fresh = disk.write(b"1.mp4", b"old"), disk.write(b"2.mp4", b"fresh!")
    with disk.store.chunk() as chunk:
        pinned = chunk.pin(place(b"1.mp4"), Unit.FILE)
        assert isinstance(pinned, Pinned)
        exchange(old, fresh)
        chunk.remove(pinned, "run-0")
        assert chunk.settle() == {"run-0": Voided("changed")}
    assert Path(os.fsdecode(old)).read_bytes() == b"fresh!"
    assert Path(os.fsdecode(fresh)).read_bytes() == b"old"


def test_a_file_that_grew_after_the_pin_is_put_back(disk: Disk) -> None:
    path = disk.write(b"1.mp4")
    with disk.store.chunk() as chunk:
        pinned = chunk.pin(place(b"1.mp4"), Unit.FILE)
        assert isinstance(pinned, Pinned)
        with open(path, "ab") as file:
            file.write(b"more")
        chunk.remove(pinned, "run-0")
        assert chunk.settle() == {"run-0": Voided("changed")}
    assert os.path.exists(path)


def test_a_directory_swapped_for_a_link_leads_nowhere(disk: Disk, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "1.mp4").write_bytes(b"precious")
    (disk.path / "cam").symlink_to(victim)
    with disk.store.chunk() as chunk:
        refused = chunk.pin(place(b"cam/1.mp4"), Unit.FILE)
    assert isinstance(refused, PinRefused)
    assert (victim / "1.mp4").exists()


def test_a_chunk_of_500_recordings_in_500_directories_fits_1024_descriptors(disk: Disk) -> None:
    paths = [b"cam%d/1.mp4" % number for number in range(500)]
    for path in paths:
        disk.write(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        with disk.store.chunk() as chunk:
            pins = [chunk.pin(place(path), Unit.FILE) for path in paths]
            refused = [pin for pin in pins if isinstance(pin, PinRefused)]
            for number, pin in enumerate(pins):
                if isinstance(pin, Pinned):
                    chunk.remove(pin, f"run-{number}")
            outcomes = chunk.settle()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert refused == []
    assert all(isinstance(outcome, Removed) for outcome in outcomes.values())


def test_every_descriptor_is_closed_with_the_chunk(disk: Disk) -> None:
    for number in range(20):
        disk.write(b"cam%d/1.mp4" % number)
    before = len(os.listdir("/proc/self/fd"))
    with disk.store.chunk() as chunk:
        for number in range(20):
            pinned = chunk.pin(place(b"cam%d/1.mp4" % number), Unit.FILE)
            assert isinstance(pinned, Pinned)
            if number % 2:
                chunk.remove(pinned, f"run-{number}")
        chunk.settle()
    assert len(os.listdir("/proc/self/fd")) == before


def test_only_empty_directories_are_pruned_and_never_the_store(disk: Disk) -> None:
    disk.write(b"full/1")
    (disk.path / "empty" / "below").mkdir(parents=True)
    with disk.store.chunk() as chunk:
        assert not chunk.prune(b"full")
        assert not chunk.prune(b"nothing")
        assert not chunk.prune(b"")
        assert not chunk.prune(b"..")
        assert chunk.prune(b"empty/below")
        assert chunk.prune(b"empty")
    assert disk.path.is_dir()


def test_what_lies_in_our_own_directory_is_not_pruned(disk: Disk) -> None:
    with disk.store.chunk() as chunk:
        assert not chunk.prune(b".retentiond/claimed")
    assert disk.claimed.is_dir()


def test_a_link_made_after_the_pin_is_a_link_left(disk: Disk, tmp_path: Path) -> None:
    path = disk.write(b"1.mp4")
    with disk.store.chunk() as chunk:
        pinned = chunk.pin(place(b"1.mp4"), Unit.FILE)
        assert isinstance(pinned, Pinned)
        os.link(path, tmp_path / "kept.mp4")
        chunk.remove(pinned, "run-0")
        removal = chunk.settle()["run-0"]
    assert isinstance(removal, Removed)
    assert removal.links_left == 1
    assert not os.path.exists(path)


def test_a_claim_whose_name_is_taken_replaces_nothing(disk: Disk) -> None:
    path = disk.write(b"1.mp4", b"old")
    (disk.claimed / "run-0").write_bytes(b"claimed before")
    assert disk.delete(b"1.mp4") == Failed("EEXIST")
    assert os.path.exists(path)
    assert (disk.claimed / "run-0").read_bytes() == b"claimed before"


def test_a_recording_that_vanished_after_the_pin_is_not_called_deleted(disk: Disk) -> None:
    path = disk.write(b"1.mp4")
    with disk.store.chunk() as chunk:
        pinned = chunk.pin(place(b"1.mp4"), Unit.FILE)
        assert isinstance(pinned, Pinned)
        os.unlink(path)
        chunk.remove(pinned, "run-0")
        assert chunk.settle() == {"run-0": Voided("vanished")}


def test_a_claim_directory_that_vanished_after_the_pin_is_a_failure(disk: Disk) -> None:
    path = disk.write(b"1.mp4")
    with disk.store.chunk() as chunk:
        pinned = chunk.pin(place(b"1.mp4"), Unit.FILE)
        assert isinstance(pinned, Pinned)
        disk.claimed.rmdir()
        chunk.remove(pinned, "run-0")
        assert chunk.settle() == {"run-0": Failed("ENOENT")}
    assert os.path.exists(path)


def test_the_claim_directory_is_a_value() -> None:
    calls = load_system_calls()
    held = ClaimDirectory(calls, with_components(calls), 3)
    with pytest.raises(FrozenInstanceError):
        held.descriptor = 4  # type: ignore[misc]
    assert not hasattr(held, "__dict__")


# --- the store under it --------------------------------------------------------------------------------------------


def test_nothing_is_deleted_in_a_store_that_was_never_adopted(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store")
    with pytest.raises(StorageError, match="never adopted"), disk.store.chunk():
        pass


def test_nothing_is_deleted_in_another_directory_than_the_one_adopted(disk: Disk, tmp_path: Path) -> None:
    """The store is exchanged between the look at it and the chunk, for one that looks just like it."""
    assert isinstance(disk.store.examine(), Present)
    disk.path.rename(tmp_path / "unplugged")
    subprocess.run(["cp", "-a", tmp_path / "unplugged", disk.path], check=True)
    with pytest.raises(StorageError, match="cannot be taken for the store that was adopted"), disk.store.chunk():
        pass


def test_a_link_on_the_way_to_the_store_leads_nowhere(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "disks" / "store").adopt()
    (tmp_path / "disks").rename(tmp_path / "elsewhere")
    (tmp_path / "disks").symlink_to(tmp_path / "elsewhere")
    assert isinstance(disk.store.examine(), Absent)
    with pytest.raises(StorageError), disk.store.chunk():
        pass
    with pytest.raises(StorageError):
        disk.store.list_directory(b"")


def test_a_chunk_that_cannot_be_opened_leaves_no_descriptor(disk: Disk) -> None:
    disk.claimed.chmod(0o755)
    before = os.listdir("/proc/self/fd")
    for _ in range(3):
        with pytest.raises(StorageError), disk.store.chunk():
            pass
    assert os.listdir("/proc/self/fd") == before


_EXCHANGE_ALWAYS = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
one, other = (os.fsencode(path) for path in sys.argv[1:])
print("ready", flush=True)
while os.getppid() == PARENT:
    libc.renameat2(-100, one, -100, other, 2)
"""


@pytest.mark.privileged
@needs_root
def test_nobody_has_recordings_moved_into_a_directory_of_his_own(disk: Disk) -> None:
    """Whoever owns the store can exchange .retentiond at any moment, for one that looks like ours."""
    subprocess.run(["cp", "-a", disk.path / ".retentiond", disk.path / "evil"], check=True)
    disk.write(b"evil/claimed/evil")
    os.chown(disk.path / "evil" / "claimed", 65534, 65534)
    code = _EXCHANGE_ALWAYS.replace("PARENT", str(os.getpid()))
    paths = [str(disk.path / name) for name in (".retentiond", "evil")]
    attacker = subprocess.Popen([sys.executable, "-c", code, *paths], stdout=subprocess.PIPE)
    seen = []
    try:
        assert attacker.stdout is not None
        attacker.stdout.readline()
        for _ in range(3000):
            with suppress(StorageError), disk.store.chunk() as chunk:
                seen.append(tuple(chunk.unexplained(())))
    finally:
        attacker.kill()
        attacker.communicate()
    assert set(seen) == {()}
