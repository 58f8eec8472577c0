"""The thread that walks a store asks for an idle disk, and only that thread."""

import ctypes
import platform
import threading

import pytest

from retentiond.storage.give_way import give_way
from retentiond.storage.syscalls import load_system_calls

_IOPRIO_GET = {"x86_64": 252, "aarch64": 31}
IDLE = 3


def io_class() -> int:
    number = _IOPRIO_GET[platform.machine()]
    told = ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), ctypes.c_int(1), ctypes.c_int(0))
    assert told >= 0
    return int(told) >> 13


@pytest.mark.skipif(platform.machine() not in _IOPRIO_GET, reason="this test knows the call on x86_64 and aarch64 only")
def test_only_the_calling_thread_gives_way() -> None:
    seen: list[tuple[bool, int]] = []

    def walk() -> None:
        done = give_way(load_system_calls())
        seen.append((done, io_class()))

    before = io_class()
    thread = threading.Thread(target=walk)
    thread.start()
    thread.join(60)
    ((done, own),) = seen
    assert done is (own == IDLE)
    if not done:
        pytest.skip("a filter of this host refuses ioprio_set")
    assert io_class() == before != IDLE


def test_a_machine_whose_number_is_not_known_goes_on_as_before() -> None:
    before = io_class() if platform.machine() in _IOPRIO_GET else None
    assert give_way(load_system_calls(), "vax") is False
    assert before == (io_class() if platform.machine() in _IOPRIO_GET else None)
