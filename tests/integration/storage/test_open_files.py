"""Who has a file open: by leases, and by /proc where leases do not answer."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from retentiond.storage.open_files import Usage, gravest, open_to_read, usage_by_lease, usage_by_proc, usage_of
from tests.integration.storage.disk import needs_root, run_python

HOLD = """
import os, sys
descriptor = os.open(sys.argv[1], int(sys.argv[2]))
print("open", flush=True)
sys.stdin.read()
"""
MODES = {Usage.READER: os.O_RDONLY, Usage.WRITER: os.O_RDWR, Usage.NOBODY: os.O_PATH}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "1.mp4"
    path.write_bytes(b"footage")
    return path


@contextmanager
def held_open(path: Path, flags: int) -> Iterator[None]:
    """Have another process hold the file open."""
    command = [sys.executable, "-c", HOLD, str(path), str(flags)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.communicate(b"")


@contextmanager
def directory_of(path: Path) -> Iterator[int]:
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def key_of(path: Path) -> set[tuple[int, int]]:
    status = path.stat()
    return {(status.st_dev, status.st_ino)}


@pytest.mark.parametrize("usage", MODES)
def test_leases_tell_who_has_a_file_open(path: Path, usage: Usage) -> None:
    with held_open(path, MODES[usage]), directory_of(path) as directory:
        assert usage_by_lease(directory, b"1.mp4") is usage
        assert usage_of(directory, b"1.mp4", open_to_read(directory, b"1.mp4")) is usage


def sees_everything() -> bool:
    """Tell whether this user may look at what every process of the machine has open."""
    if os.stat("/proc/self/ns/pid").st_ino != 0xEFFFFFFC:
        return False
    processes = [entry for entry in os.listdir("/proc") if entry.isdigit()]
    try:
        for descriptor in (f"/proc/{process}/fd/{name}" for process in processes for name in _descriptors(process)):
            with suppress(FileNotFoundError):
                os.stat(descriptor)
    except PermissionError:
        return False
    return True


def _descriptors(process: str) -> list[str]:
    with suppress(FileNotFoundError, ProcessLookupError):
        return os.listdir(f"/proc/{process}/fd")
    return []


@pytest.mark.parametrize("usage", [Usage.READER, Usage.WRITER])
def test_proc_tells_who_has_a_file_open(path: Path, usage: Usage) -> None:
    with held_open(path, MODES[usage]):
        assert usage_by_proc(key_of(path)) is usage
        assert usage_by_proc(key_of(path) | {(1, 2)}) is usage


def test_proc_tells_that_nobody_has_a_file_open_only_if_it_shows_everything(path: Path) -> None:
    with held_open(path, os.O_PATH):
        assert usage_by_proc(key_of(path)) is (Usage.NOBODY if sees_everything() else Usage.UNKNOWN)


ASK = """
import os
from retentiond.storage.open_files import open_to_read, usage_by_lease, usage_of
directory = os.open(os.path.dirname(sys.argv[1]), os.O_RDONLY)
name = os.fsencode(os.path.basename(sys.argv[1]))
print(usage_by_lease(directory, name), usage_of(directory, name, open_to_read(directory, name)))
"""


@pytest.mark.privileged
@needs_root
def test_who_may_see_only_his_own_processes_says_that_he_does_not_know(path: Path) -> None:
    assert run_python(ASK, str(path), user=65534) == "None unknown"


HIDDEN = """
import ctypes, os
from retentiond.storage.open_files import usage_by_proc
assert ctypes.CDLL(None).unshare(0x20000) == 0  # mounts of its own
assert ctypes.CDLL(None).mount(b"none", b"/", None, 1 << 18 | 1 << 14, None) == 0  # private
assert ctypes.CDLL(None).mount(b"proc", b"/proc", b"proc", 0, b"hidepid=invisible") == 0
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
print(sorted(entry == str(os.getpid()) for entry in os.listdir("/proc") if entry.isdigit()), usage_by_proc({(1, 2)}))
"""


@pytest.mark.privileged
@needs_root
def test_hidden_processes_are_not_taken_for_none(path: Path) -> None:
    """As under ProtectProc=invisible: /proc shows our own process only, and no error at all."""
    assert run_python(HIDDEN) == "[True] unknown"


BREAK = """
import os
from retentiond.storage.open_files import usage_by_lease
directory = os.open(os.path.dirname(sys.argv[1]), os.O_RDONLY)
for _ in range(20):
    usage_by_lease(directory, os.fsencode(os.path.basename(sys.argv[1])))
print("alive")
"""


def test_who_opens_a_file_while_it_is_leased_does_not_end_the_process(path: Path) -> None:
    """The kernel tells the holder of a lease by a signal; SIGIO, its default, ends a process."""
    assert signal.getsignal(signal.SIGIO) is signal.SIG_DFL
    refused = threading.Event()
    done = threading.Event()

    def open_again_and_again() -> None:
        while not done.is_set():
            try:
                os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
            except BlockingIOError:  # there was a lease, and its holder has been told
                refused.set()
            done.wait(0.001)

    opener = threading.Thread(target=open_again_and_again)
    opener.start()
    try:
        assert run_python(BREAK, str(path), injections=("fcntl:delay_exit=10000",)) == "alive"
    finally:
        done.set()
        opener.join()
    assert refused.is_set()


def test_one_writer_is_a_writer_of_all() -> None:
    assert gravest(()) is Usage.NOBODY
    assert gravest((Usage.NOBODY, Usage.UNKNOWN)) is Usage.UNKNOWN
    assert gravest((Usage.UNKNOWN, Usage.READER, Usage.NOBODY)) is Usage.READER
    assert gravest((Usage.READER, Usage.WRITER, Usage.UNKNOWN)) is Usage.WRITER
