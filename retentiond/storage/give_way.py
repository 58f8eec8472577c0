"""Lets the disk serve everybody else first: what a walk reads can wait, what a recorder writes cannot."""

import ctypes
import platform

from retentiond.storage.syscalls import SystemCalls

_IOPRIO_SET = {"x86_64": 251, "aarch64": 30, "riscv64": 30, "loongarch64": 30, "armv7l": 314, "armv6l": 314}
_THIS_THREAD = (1, 0)
"""IOPRIO_WHO_PROCESS, which means a thread, and 0, which means this one (ioprio_set(2))."""

_IDLE = 3 << 13


def give_way(calls: SystemCalls, machine: str = platform.machine()) -> bool:
    """Put the disk access of the calling thread, and of no other, behind everything else; tell whether that is so.

    A scheduler that knows no priorities, as of most flash, does as before.
    """
    number = _IOPRIO_SET.get(machine)
    if number is None:
        return False
    done: int = calls.libc.syscall(ctypes.c_long(number), *(ctypes.c_int(part) for part in (*_THIS_THREAD, _IDLE)))
    return done == 0
