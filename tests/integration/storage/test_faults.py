"""System calls that lie, fail or are missing: strace puts the faults in, and the store is looked at afterwards."""

import ctypes
import errno
import itertools
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from retentiond.domain.recording import Unit
from retentiond.ports import Failed, Pinned, Removed, Voided
from retentiond.storage.beneath import with_openat2
from retentiond.storage.claim import ClaimDirectory, remove_if_empty
from retentiond.storage.syscalls import SystemCalls, load_system_calls
from tests.integration.storage.disk import Disk, an_intent, place, run_python

BEGIN = """
import os
from retentiond.domain.recording import Place, StoreName, Unit
from retentiond.storage.store import DirectoryStore
path = sys.argv[1]
adopted = DirectoryStore(StoreName("main"), path, expected=lambda: None).adopt()
store = DirectoryStore(StoreName("main"), path, expected=lambda: adopted)
with store.chunk() as chunk:
    pinned = chunk.pin(Place(b"", b"1.mp4"), Unit.DIRECTORY if os.path.isdir(path + "/1.mp4") else Unit.FILE)
"""
END = """
    chunk.remove(pinned, "run-0")
    print(chunk.settle()["run-0"])
"""
EXCHANGE = """
    for one, other in (("1", "x"), ("2", "1"), ("x", "2")):
        os.rename(f"{path}/{one}.mp4", f"{path}/{other}.mp4")
"""
WITHOUT_NOREPLACE = "renameat2:error=EINVAL"


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "store").adopt()


def delete(disk: Disk, *injections: str, meanwhile: str = "") -> str:
    return run_python(BEGIN + meanwhile + END, str(disk.path), injections=injections)


def test_an_unlink_that_lies_is_not_recorded_as_deleted(disk: Disk) -> None:
    path = disk.write(b"1.mp4")
    assert delete(disk, "unlink,unlinkat:retval=0") == str(Failed("UNLINK_LIED"))
    assert os.path.exists(path)
    assert os.listdir(disk.claimed) == []


def test_an_unlink_that_lies_in_a_directory_is_not_recorded_as_deleted(disk: Disk) -> None:
    path = disk.write(b"1.mp4/1.jpg")
    assert delete(disk, "unlink,unlinkat:retval=0").startswith("Failed")
    assert os.path.exists(path)
    assert os.listdir(disk.claimed) == []


def test_a_failing_unlink_puts_the_recording_back(disk: Disk) -> None:
    path = disk.write(b"1.mp4")
    assert delete(disk, "unlink,unlinkat:error=EIO") == str(Failed("EIO"))
    assert os.path.exists(path)


HIDE = """
    os.unlink = lambda name, dir_fd: os.rename(name, path + "/hidden", src_dir_fd=dir_fd)
"""


def test_a_name_that_is_gone_while_its_file_is_not_is_not_recorded_as_deleted(disk: Disk) -> None:
    disk.write(b"1.mp4")
    assert delete(disk, meanwhile=HIDE) == str(Failed("UNLINK_LIED"))


BLIND = """
    chunk.remove(pinned, "run-0")
    def fstat(descriptor):
        raise OSError(5, os.strerror(5))
    os.fstat = fstat
    print(chunk.settle())
"""


def test_a_deletion_that_cannot_be_verified_is_not_said_to_be_one(disk: Disk) -> None:
    disk.write(b"1.mp4")
    with pytest.raises(AssertionError, match=r"StorageError.*cannot be verified \(Input/output error\)"):
        run_python(BEGIN + BLIND, str(disk.path))


LINK_MORE = """
    os.link(path + "/kept.mp4", path + "/kept-too.mp4")
    chunk.remove(pinned, "run-0")
    os.link(path + "/kept.mp4", path + "/kept-three.mp4")
    print(chunk.settle()["run-0"].links_left)
"""


def test_a_link_that_somebody_makes_meanwhile_is_no_lie(disk: Disk) -> None:
    os.link(disk.write(b"1.mp4"), disk.path / "kept.mp4")
    assert run_python(BEGIN + LINK_MORE, str(disk.path)) == "3"


def test_what_is_put_back_after_a_lie_is_made_durable_too(disk: Disk) -> None:
    disk.write(b"1.mp4")
    with pytest.raises(AssertionError, match=r"StorageError.*cannot be synced"):
        delete(disk, "unlink,unlinkat:retval=0", "fsync:error=EIO:when=3+")


@pytest.mark.parametrize("error", ["EXDEV", "EBUSY", "EROFS", "EACCES", "ENOSPC", "EIO"])
def test_a_recording_that_cannot_be_claimed_stays_under_its_name(disk: Disk, error: str) -> None:
    path = disk.write(b"1.mp4")
    assert delete(disk, f"renameat2:error={error}") == str(Failed(error))
    assert os.path.exists(path)


def test_a_directory_that_cannot_be_synced_leaves_the_intent_open(disk: Disk) -> None:
    disk.write(b"1.mp4")
    with pytest.raises(AssertionError, match=r"StorageError.*cannot be synced"):
        delete(disk, "fsync:error=EIO")


RECOVER = """
from retentiond.domain.recording import StoreName
from retentiond.storage.store import DirectoryStore
from tests.integration.storage.disk import an_intent
path, mark = sys.argv[1:]
adopted = DirectoryStore(StoreName("main"), path, expected=lambda: None).adopt()
with DirectoryStore(StoreName("main"), path, expected=lambda: adopted).chunk() as chunk:
    print(chunk.recover(an_intent(b"cam/1.mp4", mark)))
"""


@pytest.mark.parametrize("claimed", [True, False])
@pytest.mark.parametrize("which", [1, 2])
def test_recovery_makes_both_directories_durable(disk: Disk, claimed: bool, which: int) -> None:
    path = disk.write(b"cam/1.mp4")
    identity = disk.store.inspect(place(b"cam/1.mp4"), Unit.FILE)
    assert identity is not None
    os.rename(path, disk.claimed / "run-0")
    if not claimed:
        (disk.claimed / "run-0").unlink()
    with pytest.raises(AssertionError, match=r"StorageError.*cannot be synced"):
        run_python(RECOVER, str(disk.path), identity.mark, injections=(f"fsync:error=EIO:when={which}",))


# --- file systems that know no NOREPLACE ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", [b"1.mp4", b"1.mp4/1.jpg"])
def test_without_noreplace_a_recording_goes_all_the_same(disk: Disk, name: bytes) -> None:
    disk.write(name)
    assert delete(disk, WITHOUT_NOREPLACE).startswith("Removed")
    assert os.listdir(disk.path) == [".retentiond"]
    assert os.listdir(disk.claimed) == []


def test_without_noreplace_a_claim_is_never_replaced(disk: Disk) -> None:
    path = disk.write(b"1.mp4", b"old")
    (disk.claimed / "run-0").write_bytes(b"claimed before")
    assert delete(disk, WITHOUT_NOREPLACE) == str(Failed("EEXIST"))
    assert Path(os.fsdecode(path)).read_bytes() == b"old"
    assert (disk.claimed / "run-0").read_bytes() == b"claimed before"


@pytest.mark.parametrize("name", [b"", b"/1.jpg"])
def test_without_noreplace_another_recording_is_put_back(disk: Disk, name: bytes) -> None:
    disk.write(b"1.mp4" + name, b"old")
    disk.write(b"2.mp4" + name, b"fresh!")
    assert delete(disk, WITHOUT_NOREPLACE, meanwhile=EXCHANGE) == str(Voided("changed"))
    assert (disk.path / os.fsdecode(b"1.mp4" + name)).read_bytes() == b"fresh!"
    assert (disk.path / os.fsdecode(b"2.mp4" + name)).read_bytes() == b"old"
    assert os.listdir(disk.claimed) == []


GIVE_BACK = """
import os
from retentiond.storage.beneath import with_openat2
from retentiond.storage.claim import ClaimDirectory
from retentiond.storage.syscalls import load_system_calls
calls = load_system_calls()
store, claimed = (os.open(path, os.O_RDONLY) for path in (sys.argv[1], sys.argv[1] + "/.retentiond/claimed"))
try:
    ClaimDirectory(calls, with_openat2(calls), claimed).give_back(b"run-0", store, b"1.mp4")
    print("given back")
except FileExistsError:
    print("taken")
except OSError as error:
    print(error.strerror)
"""


@pytest.mark.parametrize("claimed", [b"run-0", b"run-0/1.jpg"])
@pytest.mark.parametrize("taken", [b"1.mp4", b"1.mp4/2.jpg", b"1.mp4/"])
def test_without_noreplace_nothing_is_replaced_by_what_is_put_back(disk: Disk, claimed: bytes, taken: bytes) -> None:
    ours = disk.write(b".retentiond/claimed/" + claimed, b"old")
    theirs = None if taken.endswith(b"/") else disk.write(taken, b"newest")
    if theirs is None:
        (disk.path / "1.mp4").mkdir()
    assert run_python(GIVE_BACK, str(disk.path), injections=(WITHOUT_NOREPLACE,)) == "taken"
    assert Path(os.fsdecode(ours)).read_bytes() == b"old"
    assert (disk.path / "1.mp4").exists()
    assert theirs is None or Path(os.fsdecode(theirs)).read_bytes() == b"newest"


@pytest.mark.parametrize("claimed", [b"run-0", b"run-0/1.jpg"])
def test_without_noreplace_a_free_name_is_taken_again(disk: Disk, claimed: bytes) -> None:
    disk.write(b".retentiond/claimed/" + claimed, b"old")
    assert run_python(GIVE_BACK, str(disk.path), injections=(WITHOUT_NOREPLACE,)) == "given back"
    assert [path.read_bytes() for path in disk.path.glob("1.mp4*/*" if b"/" in claimed else "1.mp4")] == [b"old"]
    assert os.listdir(disk.claimed) == []


@pytest.mark.parametrize("leads_to", ["file", "directory", "nowhere"])
def test_without_noreplace_a_link_that_was_claimed_is_put_back_as_the_link_that_it_is(
    disk: Disk, tmp_path: Path, leads_to: str
) -> None:
    (tmp_path / "file").write_bytes(b"somebody else's")
    (tmp_path / "directory").mkdir()
    outside = tmp_path / leads_to
    (disk.claimed / "run-0").symlink_to(outside)
    assert run_python(GIVE_BACK, str(disk.path), injections=(WITHOUT_NOREPLACE,)) == "given back"
    assert os.readlink(disk.path / "1.mp4") == str(outside)
    assert (tmp_path / "file").stat().st_nlink == 1
    assert os.listdir(disk.claimed) == []


def test_without_noreplace_a_link_to_the_claim_is_not_taken_for_the_recording(disk: Disk) -> None:
    """Whoever follows it believes that the recording has its name again, and unlinks its only one."""
    disk.write(b".retentiond/claimed/run-0", b"old")
    (disk.path / "1.mp4").symlink_to(".retentiond/claimed/run-0")
    assert run_python(GIVE_BACK, str(disk.path), injections=(WITHOUT_NOREPLACE,)) == "taken"
    assert (disk.claimed / "run-0").read_bytes() == b"old"


def test_a_link_that_leads_nowhere_is_held_like_anything_else(disk: Disk) -> None:
    (disk.claimed / "run-0").symlink_to("nowhere")
    calls = load_system_calls()
    descriptor = os.open(disk.claimed, os.O_RDONLY)
    try:
        claims = ClaimDirectory(calls, with_openat2(calls), descriptor)
        assert claims.holds(b"run-0")
        assert not claims.holds(b"run-1")
        assert claims.holds(b"x" * 300), "what cannot be looked at may be there"
    finally:
        os.close(descriptor)


def test_without_noreplace_a_directory_that_cannot_be_put_back_leaves_nothing_in_its_place(disk: Disk) -> None:
    disk.write(b".retentiond/claimed/run-0/1.jpg", b"old")
    refused = (WITHOUT_NOREPLACE, "rename,renameat:error=EIO")
    assert run_python(GIVE_BACK, str(disk.path), injections=refused) == "Input/output error"
    assert not (disk.path / "1.mp4").exists()
    assert (disk.claimed / "run-0" / "1.jpg").read_bytes() == b"old"


def test_only_an_empty_directory_is_removed_and_the_answer_is_true(disk: Disk) -> None:
    disk.write(b"full/1.mp4")
    (disk.path / "empty").mkdir()
    descriptor = os.open(disk.path, os.O_RDONLY)
    try:
        told = {name: remove_if_empty(descriptor, name) for name in (b"full", b"empty", b"nowhere", b"full/1.mp4")}
    finally:
        os.close(descriptor)
    assert told == {b"full": False, b"empty": True, b"nowhere": False, b"full/1.mp4": False}
    assert sorted(os.listdir(disk.path)) == [".retentiond", "full"]


def test_without_links_either_a_file_stays_claimed_and_its_intent_open(disk: Disk) -> None:
    disk.write(b"1.mp4", b"old")
    disk.write(b"2.mp4", b"fresh!")
    with pytest.raises(AssertionError, match=r"StorageError.*neither deleted nor can they be put back"):
        delete(disk, WITHOUT_NOREPLACE, "link,linkat:error=EPERM", meanwhile=EXCHANGE)
    assert [path.read_bytes() for path in disk.claimed.iterdir()] == [b"fresh!"]


# --- a crash at any point ------------------------------------------------------------------------------------------

CHANGES = ("unlink", "rmdir", "rename", "link", "mkdir", "fsync")


@dataclass
class Libc:
    """The C library, of which renameat2 may not know NOREPLACE, and may be the last call of the process."""

    noreplace: bool
    before: Callable[[], None] = lambda: None
    real: ctypes.CDLL = field(default_factory=lambda: ctypes.CDLL(None, use_errno=True))

    def renameat2(self, *arguments: Any) -> int:
        self.before()
        if self.noreplace:
            return int(self.real.renameat2(*arguments))
        ctypes.set_errno(errno.EINVAL)
        return -1

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


@pytest.mark.parametrize("noreplace", [True, False])
@pytest.mark.parametrize("unit", Unit)
@pytest.mark.parametrize("exchanged", [False, True])
def test_a_crash_before_any_change_is_settled_by_recovery(
    tmp_path: Path, noreplace: bool, unit: Unit, exchanged: bool
) -> None:
    """The process is killed before each of its changes. The fresh recording is never lost, the old one never kept."""
    name = b"" if unit is Unit.FILE else b"/1.jpg"
    for k in itertools.count(1):
        disk = Disk(tmp_path / f"store-{k}").adopt()
        disk.store._calls = SystemCalls(cast("ctypes.CDLL", Libc(noreplace)))
        paths = [disk.write(b"1.mp4" + name, b"old"), disk.write(b"2.mp4" + name, b"fresh!")]
        identity = disk.store.inspect(place(b"1.mp4"), unit)
        assert identity is not None
        if not _dies(disk, unit, k, exchanged=exchanged):
            break
        with disk.store.chunk() as chunk:
            removal = chunk.recover(an_intent(b"1.mp4", identity.mark, unit))
        assert os.listdir(disk.claimed) == []
        left = sorted(path.read_bytes() for path in disk.path.glob("[!.]*" + ("/*" if name else "")))
        deleted = isinstance(removal, Removed) and not exchanged
        assert left == ([b"fresh!"] if deleted else [b"fresh!", b"old"]), (k, removal)
        assert all(os.stat(path).st_nlink == 1 for path in paths if os.path.exists(path))
    assert k > 4


def _dies(disk: Disk, unit: Unit, k: int, *, exchanged: bool) -> bool:
    """Delete a recording in a child process that is killed before its k-th change; tell whether it got so far."""
    child = os.fork()
    if child == 0:
        try:
            _delete_and_die(disk, unit, k, exchanged=exchanged)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def _delete_and_die(disk: Disk, unit: Unit, k: int, *, exchanged: bool) -> None:
    number = itertools.count(1)

    def before() -> None:
        if next(number) == k:
            os.kill(os.getpid(), signal.SIGKILL)

    def dying(call: Callable[..., Any]) -> Callable[..., Any]:
        def call_or_die(*arguments: Any, **named: Any) -> Any:
            before()
            return call(*arguments, **named)

        return call_or_die

    with disk.store.chunk() as chunk:
        pinned = chunk.pin(place(b"1.mp4"), unit)
        assert isinstance(pinned, Pinned)
        if exchanged:
            for one, other in (("1", "x"), ("2", "1"), ("x", "2")):
                os.rename(disk.path / f"{one}.mp4", disk.path / f"{other}.mp4")
        for call in CHANGES:
            setattr(os, call, dying(getattr(os, call)))
        cast("Libc", disk.store._calls.libc).before = before
        chunk.remove(pinned, "run-0")
        chunk.settle()
