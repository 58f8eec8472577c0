"""Deleting real files: what goes, what stays, and what is put back."""

import ctypes
import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from retentiond.domain.recording import Unit
from retentiond.ports import Failed, Pinned, PinRefused, Refusal, Removed, Voided
from tests.integration.storage.disk import Disk, mounted, needs, needs_root, place
from tests.integration.storage.test_walk import NAMES, dig, fill_in

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
def test_an_immutable_recording_stays_and_so_does_the_flag(disk: Disk) -> None:
    needs("chattr")
    path = disk.write(b"1.mp4")
    if subprocess.run(["chattr", "+i", path], check=False, capture_output=True).returncode != 0:
        pytest.skip("this file system knows no immutable flag")
    try:
        assert disk.delete(b"1.mp4") == Failed("EPERM")
        listed = subprocess.run(["lsattr", path], check=True, capture_output=True).stdout
        assert b"i" in listed.split()[0]
    finally:
        subprocess.run(["chattr", "-i", path], check=True)


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


def test_an_event_directory_goes_whole(disk: Disk) -> None:
    for name in (b"event/1.jpg", b"event/sub/2.jpg", b"event/sub/deep/3.jpg"):
        disk.write(name)
    (disk.path / "event" / "link").symlink_to("/etc/passwd")
    assert isinstance(disk.delete(b"event", Unit.DIRECTORY), Removed)
    assert not (disk.path / "event").exists()
    assert os.path.exists("/etc/passwd")


@pytest.mark.privileged
@needs_root
@pytest.mark.parametrize("kind", ["tmpfs", "bind"])
def test_emptying_an_event_directory_never_enters_a_mount(disk: Disk, tmp_path: Path, kind: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(b"not ours")
    disk.write(b"event/1.jpg")
    point = disk.path / "event" / "mount"
    what = ("-t", "tmpfs", "none") if kind == "tmpfs" else ("--bind", str(outside))
    point.mkdir()
    with disk.store.chunk() as chunk:
        pinned = chunk.pin(place(b"event"), Unit.DIRECTORY)
        assert isinstance(pinned, Pinned)
        with mounted(point, *what):
            if kind == "tmpfs":
                (point / "precious").write_bytes(b"not ours")
            chunk.remove(pinned, "run-0")
            outcome = chunk.settle()["run-0"]
            inside = next((path for path in disk.path.rglob("precious")), None)
            survived = inside is not None and inside.read_bytes() == b"not ours"
            back = disk.path / "event"
            if not back.exists():
                next(disk.claimed.iterdir()).rename(back)  # or the mount could not be taken away
    assert isinstance(outcome, Failed)
    assert survived


def test_an_event_directory_that_is_being_written_is_put_back(disk: Disk) -> None:
    path = disk.write(b"event/1.jpg")
    with open(path, "ab"):
        assert disk.delete(b"event", Unit.DIRECTORY) == Voided("still_written")
    assert os.path.exists(path)


def test_links_left_by_an_event_directory_are_counted(disk: Disk, tmp_path: Path) -> None:
    path = disk.write(b"event/1.jpg")
    os.link(path, tmp_path / "kept.jpg")
    removal = disk.delete(b"event", Unit.DIRECTORY)
    assert isinstance(removal, Removed)
    assert removal.links_left == 1


def test_an_event_directory_of_3000_levels_goes(disk: Disk) -> None:
    dig(disk.path, b"event", 3000)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, limits[1]))  # what systemd gives a service
    try:
        assert isinstance(disk.delete(b"event", Unit.DIRECTORY), Removed)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for left in (disk.path / "event", disk.claimed / "run-0"):
            if left.exists():
                fill_in(left)


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


LYING = """
import sys
sys.path.insert(0, sys.argv[2])
from retentiond.domain.recording import Place, StoreName, Unit
from retentiond.storage.store import DirectoryStore
adopted = DirectoryStore(StoreName("main"), sys.argv[1], expected=lambda: None).adopt()
store = DirectoryStore(StoreName("main"), sys.argv[1], expected=lambda: adopted)
with store.chunk() as chunk:
    chunk.remove(chunk.pin(Place(b"", b"1.mp4"), Unit.FILE), "run-0")
    print(chunk.settle()["run-0"])
"""


def _under_strace(disk: Disk, *injections: str) -> str:
    needs("strace")
    root = str(Path(__file__).parents[3])
    arguments = [item for injection in injections for item in ("-e", f"inject={injection}")]
    command = ["strace", "-f", "-o", "/dev/null", *arguments, sys.executable, "-B", "-c", LYING, str(disk.path), root]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if "PTRACE" in run.stderr or "ptrace" in run.stderr:
        pytest.skip("strace may not trace here")
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


def test_an_unlink_that_lies_is_not_recorded_as_deleted(disk: Disk) -> None:
    path = disk.write(b"1.mp4")
    assert _under_strace(disk, "unlink,unlinkat:retval=0") == str(Failed("UNLINK_LIED"))
    assert os.path.exists(path)
    assert os.listdir(disk.claimed) == []


def test_a_failing_unlink_puts_the_recording_back(disk: Disk) -> None:
    path = disk.write(b"1.mp4")
    assert _under_strace(disk, "unlink,unlinkat:error=EIO") == str(Failed("EIO"))
    assert os.path.exists(path)


def test_without_noreplace_a_recording_goes_all_the_same(disk: Disk) -> None:
    path = disk.write(b"1.mp4")
    assert _under_strace(disk, "renameat2:error=EINVAL").startswith("Removed")
    assert not os.path.exists(path)
