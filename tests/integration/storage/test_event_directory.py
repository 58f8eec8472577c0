"""Deleting an event directory: it goes whole or stays whole, and nothing behind a mount or a link is touched."""

import ctypes
import errno
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from retentiond.domain.recording import Unit
from retentiond.ports import Failed, Pinned, Removal, Removed, Voided
from retentiond.storage.beneath import OpenBeneath, with_components, with_openat2
from retentiond.storage.claim import ClaimDirectory, Emptied
from retentiond.storage.contents import DEEPEST
from retentiond.storage.syscalls import load_system_calls
from tests.integration.storage.disk import (
    Disk,
    few_descriptors,
    flagged,
    loop_disk,
    mounted,
    needs_root,
    place,
    run_python,
)
from tests.integration.storage.test_walk import NAMES, dig, fill_in

CALLS = load_system_calls()
WAYS: dict[str, OpenBeneath] = {"openat2": with_openat2(CALLS), "components": with_components(CALLS)}


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "store").adopt()


def delete(disk: Disk) -> Removal:
    return disk.delete(b"event", Unit.DIRECTORY)


def names_below(top: Path) -> list[str]:
    return sorted(str(path.relative_to(top)) for path in top.rglob("*"))


def test_an_event_directory_goes_whole(disk: Disk, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(b"not ours")
    for name in (b"event/1.jpg", b"event/sub/2.jpg", b"event/sub/deep/3.jpg"):
        disk.write(name)
    (disk.path / "event" / "link").symlink_to(outside / "precious")
    (disk.path / "event" / "sub" / "link").symlink_to(outside)
    assert isinstance(delete(disk), Removed)
    assert names_below(disk.path) == [".retentiond", ".retentiond/claimed", ".retentiond/store.json"]
    assert (outside / "precious").read_bytes() == b"not ours"


@pytest.mark.parametrize("name", NAMES)
def test_an_event_directory_with_any_name_in_it_goes(disk: Disk, name: bytes) -> None:
    disk.write(b"event/" + name + b"/" + name)
    assert isinstance(delete(disk), Removed)
    assert os.listdir(disk.claimed) == []


def test_what_is_no_file_goes_with_it_and_is_never_opened(disk: Disk) -> None:
    disk.write(b"event/1.jpg")
    os.mkfifo(disk.path / "event" / "fifo")  # opening it would block
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(disk.path / "event" / "socket"))
        if os.getuid() == 0:
            os.mknod(disk.path / "event" / "null", stat.S_IFCHR | 0o600, os.makedev(1, 3))
        assert isinstance(delete(disk), Removed)


def test_the_size_is_that_of_all_that_is_in_it(disk: Disk) -> None:
    paths = [disk.write(b"event/1.jpg", b"x" * 100_000), disk.write(b"event/sub/2.jpg", b"x" * 50_000)]
    blocks = sum(os.stat(path).st_blocks for path in [*paths, os.fsencode(disk.path / "event")])
    removal = delete(disk)
    assert isinstance(removal, Removed)
    assert removal.size_bytes == blocks * 512


# --- other mounts -------------------------------------------------------------------------------------------------


@pytest.mark.privileged
@needs_root
@pytest.mark.parametrize("kind", ["tmpfs", "bind"])
@pytest.mark.parametrize("below", ["", "sub/deep"])
def test_emptying_an_event_directory_never_enters_a_mount(disk: Disk, tmp_path: Path, kind: str, below: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(b"not ours")
    disk.write(b"event/1.jpg")
    disk.write(b"event/sub/2.jpg")
    point = disk.path / "event" / below / "mount"
    point.mkdir(parents=True)
    with mounted(point, *(("-t", "tmpfs", "none") if kind == "tmpfs" else ("--bind", str(outside)))):
        (point / "precious").write_bytes(b"not ours")
        before = names_below(disk.path)
        outcome = delete(disk)
        survived = [path.read_bytes() for path in disk.path.rglob("precious")]
        after = names_below(disk.path)
        if not point.exists():
            next(disk.claimed.iterdir()).rename(disk.path / "event")  # or the mount could not be taken away
    assert outcome == Failed("MOUNT_INSIDE")
    assert survived == [b"not ours"]
    assert after == before


@pytest.mark.privileged
@needs_root
def test_a_file_that_is_a_mount_keeps_the_directory_whole(disk: Disk, tmp_path: Path) -> None:
    outside = tmp_path / "precious"
    outside.write_bytes(b"not ours")
    points = [disk.write(b"event/%d.jpg" % number) for number in range(5)]
    with mounted(Path(os.fsdecode(points[-1])), "--bind", str(outside)):
        outcome = delete(disk)
        left = names_below(disk.path / "event")
    assert outcome == Failed("MOUNT_INSIDE")
    assert len(left) == 5
    assert outside.read_bytes() == b"not ours"


@pytest.mark.privileged
@needs_root
def test_a_subvolume_in_it_is_not_emptied(tmp_path: Path) -> None:
    with loop_disk(tmp_path, "btrfs", 128) as point:
        disk = Disk(point / "store").adopt()
        disk.write(b"event/1.jpg")
        subprocess.run(["btrfs", "subvolume", "create", point / "store/event/sub"], check=True, capture_output=True)
        disk.write(b"event/sub/precious")
        assert delete(disk) == Failed("MOUNT_INSIDE")
        assert names_below(disk.path / "event") == ["1.jpg", "sub", "sub/precious"]


@pytest.mark.privileged
@needs_root
@pytest.mark.parametrize("way", WAYS)
def test_a_mount_made_after_the_look_is_not_entered_either(disk: Disk, tmp_path: Path, way: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_bytes(b"not ours")
    point = disk.claimed / "run-0" / "sub" / "mount"
    emptied = Emptied()
    with mounted(point, "--bind", str(outside)):
        with pytest.raises(OSError) as caught:
            remove_claimed(disk, WAYS[way], emptied)
        survived = (outside / "precious").exists()
    assert caught.value.errno == errno.EXDEV
    assert survived


def remove_claimed(disk: Disk, open_beneath: OpenBeneath, emptied: Emptied) -> None:
    descriptor = os.open(disk.claimed, os.O_RDONLY | os.O_DIRECTORY)
    try:
        ClaimDirectory(CALLS, open_beneath, descriptor).remove_directory(b"run-0", emptied)
    finally:
        os.close(descriptor)


# --- what keeps it -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [b"event/1.jpg", b"event/sub/deep/1.jpg"])
def test_an_event_directory_that_is_being_written_is_put_back(disk: Disk, name: bytes) -> None:
    disk.write(b"event/0.jpg")
    path = disk.write(name)
    with open(path, "ab"):
        assert delete(disk) == Voided("still_written")
    assert os.path.exists(path)
    assert (disk.path / "event" / "0.jpg").exists()
    assert os.listdir(disk.claimed) == []


@pytest.mark.parametrize("is_read", [True, False])
def test_readers_of_what_is_in_it_are_told(disk: Disk, is_read: bool) -> None:
    path = disk.write(b"event/sub/1.jpg")
    disk.write(b"event/2.jpg")
    reader = open(path, "rb") if is_read else None  # noqa: SIM115
    removal = delete(disk)
    if reader is not None:
        reader.close()
    assert isinstance(removal, Removed)
    assert removal.open_elsewhere is is_read


WITH_A_WRITER = """
import os, subprocess
hold = "import os, sys; os.open(sys.argv[1], os.O_RDWR); print('open', flush=True); sys.stdin.read()"
command = [sys.executable, "-c", hold, sys.argv[1] + "/event/sub/1.jpg"]
writer = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
writer.stdout.readline()
"""


@pytest.mark.privileged
@needs_root
@pytest.mark.parametrize("is_written", [True, False])
def test_without_leases_writers_are_looked_for_in_proc(tmp_path: Path, is_written: bool) -> None:
    """Files of another user cannot be leased. Of his processes nothing is known, of our own everything."""
    disk = Disk(tmp_path / "store")
    path = disk.write(b"event/sub/1.jpg")
    os.chmod(path, 0o666)
    for directory in (disk.path, disk.path / "event", disk.path / "event" / "sub"):
        os.chown(directory, 65534, 65534)
    code = (WITH_A_WRITER if is_written else "") + AS_USER + ("writer.communicate(b'')\n" if is_written else "")
    outcome = run_python(code, str(disk.path), user=65534)
    assert outcome == str(Voided("still_written")) if is_written else "open_elsewhere=None" in outcome
    assert os.path.exists(path) is is_written


@pytest.mark.parametrize("way", WAYS)
def test_a_file_that_somebody_began_to_write_after_the_look_stays(disk: Disk, way: str) -> None:
    path = disk.claimed / "run-0" / "sub" / "1.jpg"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"fresh")
    with open(path, "ab"), pytest.raises(OSError) as caught:
        remove_claimed(disk, WAYS[way], Emptied())
    assert caught.value.errno == errno.ETXTBSY
    assert path.read_bytes() == b"fresh"


@pytest.mark.privileged
@needs_root
@pytest.mark.parametrize("flag", ["i", "a"])
@pytest.mark.parametrize("what", ["event/sub/2.jpg", "event/sub"])
def test_a_flag_on_anything_in_it_keeps_all_of_it(disk: Disk, flag: str, what: str) -> None:
    for name in (b"event/1.jpg", b"event/sub/2.jpg", b"event/z.jpg"):
        disk.write(name)
    with flagged(disk.path / what, flag):
        before = names_below(disk.path)
        assert delete(disk) == Failed("IMMUTABLE")
        assert names_below(disk.path) == before
        listed = subprocess.run(["lsattr", "-d", disk.path / what], check=True, capture_output=True).stdout
        assert flag.encode() in listed.split()[0]


AS_USER = """
from retentiond.domain.recording import Place, StoreName, Unit
from retentiond.storage.store import DirectoryStore
adopted = DirectoryStore(StoreName("main"), sys.argv[1], expected=lambda: None).adopt()
store = DirectoryStore(StoreName("main"), sys.argv[1], expected=lambda: adopted)
with store.chunk() as chunk:
    chunk.remove(chunk.pin(Place(b"", b"event"), Unit.DIRECTORY), "run-0")
    print(chunk.settle()["run-0"])
"""


@pytest.mark.privileged
@needs_root
def test_a_directory_in_it_that_may_not_be_written_keeps_all_of_it(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store")
    for name in (b"event/1.jpg", b"event/sub/2.jpg"):
        disk.write(name)
    os.chown(disk.path, 65534, 65534)
    os.chown(disk.path / "event", 65534, 65534)
    before = names_below(disk.path)
    assert run_python(AS_USER, str(disk.path), user=65534) == str(Failed("EACCES"))
    assert names_below(disk.path / "event") == [name.removeprefix("event/") for name in before if "/" in name]


def test_what_could_not_be_finished_says_so_and_is_put_back(disk: Disk) -> None:
    for number in range(4):
        disk.write(b"event/%d.jpg" % number)
    assert run_python(AS_USER, str(disk.path), injections=("unlinkat:error=EIO:when=3",)) == str(
        Failed("EIO_PARTLY_REMOVED")
    )
    assert len(names_below(disk.path / "event")) == 2
    assert os.listdir(disk.claimed) == []


def test_what_lost_but_a_directory_says_so_too(disk: Disk) -> None:
    (disk.path / "event" / "sub").mkdir(parents=True)
    refused = run_python(AS_USER, str(disk.path), injections=("unlinkat:error=EIO:when=2",))
    assert refused == str(Failed("EIO_PARTLY_REMOVED"))
    assert names_below(disk.path / "event") == []
    assert (disk.path / "event").is_dir()


def test_a_failure_before_anything_went_leaves_all_of_it(disk: Disk) -> None:
    for number in range(4):
        disk.write(b"event/%d.jpg" % number)
    assert run_python(AS_USER, str(disk.path), injections=("unlinkat:error=EIO",)) == str(Failed("EIO"))
    assert len(names_below(disk.path / "event")) == 4


# --- links ---------------------------------------------------------------------------------------------------------


def test_links_left_by_an_event_directory_are_counted(disk: Disk, tmp_path: Path) -> None:
    path = disk.write(b"event/1.jpg")
    os.link(path, tmp_path / "kept.jpg")
    os.link(path, disk.path / "event" / "twin.jpg")
    second = disk.write(b"event/sub/2.jpg")
    for name in ("kept-too.jpg", "kept-thrice.jpg", "kept-again.jpg"):
        os.link(second, tmp_path / name)
    removal = delete(disk)
    assert isinstance(removal, Removed)
    assert removal.links_left == 4


def test_names_that_all_lie_in_it_leave_no_links(disk: Disk) -> None:
    path = disk.write(b"event/1.jpg")
    os.mkdir(disk.path / "event" / "sub")
    for name in ("twin.jpg", "sub/1.jpg"):
        os.link(path, disk.path / "event" / name)
    removal = delete(disk)
    assert isinstance(removal, Removed)
    assert removal.links_left == 0


# --- depth ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("levels", [200, 3000])
def test_an_event_directory_of_many_levels_goes_with_few_descriptors(disk: Disk, levels: int) -> None:
    dig(disk.path, b"event", levels)
    with few_descriptors(80):
        outcome = delete(disk)
    for left in (disk.path / "event", disk.claimed / "run-0"):
        if left.exists():
            fill_in(left)
    assert isinstance(outcome, Removed)


def test_an_event_directory_that_is_deeper_than_anything_real_is_put_back(disk: Disk) -> None:
    dig(disk.path, b"event", DEEPEST + 1)
    outcome = delete(disk)
    assert os.listdir(disk.claimed) == []
    fill_in(disk.path / "event")
    assert outcome == Failed("TOO_DEEP")


def test_no_descriptor_is_left_open(disk: Disk) -> None:
    dig(disk.path, b"event", 100)
    before = os.listdir("/proc/self/fd")
    assert isinstance(delete(disk), Removed)
    dig(disk.path, b"event", DEEPEST + 1)
    delete(disk)
    fill_in(disk.path / "event")
    assert os.listdir("/proc/self/fd") == before


# --- somebody who stands in it -------------------------------------------------------------------------------------

_EXCHANGE = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
inside = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECTORY)
print("ready", flush=True)
while os.getppid() == PARENT:
    libc.renameat2(inside, b"sub", inside, b"link", 2)
"""


def test_somebody_who_exchanges_a_directory_in_it_for_a_link_leads_nowhere(disk: Disk, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.mkdir()
    for number in range(20):
        (victim / f"{number}").write_bytes(b"precious")
    outcomes = []
    for _ in range(25):
        for number in range(20):
            disk.write(b"event/sub/%d" % number)
        (disk.path / "event" / "link").symlink_to(victim)
        outcomes.append(_while_exchanging(disk.path / "event", lambda: delete(disk)))
        assert len(list(victim.iterdir())) == 20
        for left in (disk.path / "event", disk.claimed / "run-0"):
            subprocess.run(["rm", "-rf", "--one-file-system", left], check=True)
    assert all(isinstance(outcome, Removed | Failed | Voided) for outcome in outcomes)


def _while_exchanging(inside: Path, work: Callable[[], Removal]) -> Removal:
    code = _EXCHANGE.replace("PARENT", str(os.getpid()))
    attacker = subprocess.Popen([sys.executable, "-c", code, str(inside)], stdout=subprocess.PIPE)
    try:
        assert attacker.stdout is not None
        attacker.stdout.readline()
        return work()
    finally:
        attacker.kill()
        attacker.communicate()


def test_a_directory_swapped_after_the_pin_is_put_back_with_what_is_in_it(disk: Disk) -> None:
    disk.write(b"event/1.jpg", b"old")
    disk.write(b"other/2.jpg", b"fresh")
    with disk.store.chunk() as chunk:
        pinned = chunk.pin(place(b"event"), Unit.DIRECTORY)
        assert isinstance(pinned, Pinned)
        libc = ctypes.CDLL(None)
        assert libc.renameat2(-100, os.fsencode(disk.path / "event"), -100, os.fsencode(disk.path / "other"), 2) == 0
        chunk.remove(pinned, "run-0")
        assert chunk.settle() == {"run-0": Voided("changed")}
    assert (disk.path / "event" / "2.jpg").read_bytes() == b"fresh"
    assert (disk.path / "other" / "1.jpg").read_bytes() == b"old"
