"""Recordings held by a descriptor, and what makes each of them the very same file (rule S7)."""

import errno
import os
import stat
from dataclasses import dataclass

from retentiond.domain.recording import Identity, Place, Unit
from retentiond.storage.syscalls import Statx, SystemCalls

PIN = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
"""Holds anything, link or device, without opening it: nothing is read, and nothing happens to it."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A recording held by an O_PATH descriptor."""

    descriptor: int
    place: Place
    identity: Identity


def identity_of(calls: SystemCalls, descriptor: int, unit: Unit) -> Identity:
    """Return what makes the file behind a descriptor the very same file (rule S7). Raises OSError."""
    return identity_from(calls, descriptor, calls.statx(descriptor), unit)


def identity_from(calls: SystemCalls, descriptor: int, status: Statx, unit: Unit) -> Identity:
    """Return the same of a descriptor that was looked at already. Raises OSError."""
    return Identity(
        inode=status.inode,
        size_bytes=status.size_bytes,
        mtime_ns=status.mtime_ns,
        birth_ns=status.birth_ns,
        links=status.links,
        unit=unit,
        handle=calls.handle(descriptor) if status.birth_ns is None else None,
    )


def is_unit(mode: int, unit: Unit) -> bool:
    """Tell whether a file of this mode can be a recording of this unit: nothing but files and directories can."""
    return stat.S_ISREG(mode) if unit is Unit.FILE else stat.S_ISDIR(mode)


def is_intended(found: Identity, mark: str) -> bool:
    """Tell whether a claimed file is, untouched, the one whose identity an intent names.

    Of a directory only inode and birth are held against it: it may be half emptied.
    """
    return found.mark == mark if found.unit is Unit.FILE else is_same_inode(found, mark)


def is_same_inode(found: Identity, mark: str) -> bool:
    """Tell whether a mark is of this inode, whatever was written to it since.

    A number that is used again has another birth, or another handle.
    """
    ours, intended = found.mark.split(":"), mark.split(":")
    return (ours[0], ours[3]) == (intended[0], intended[3])


def size_in(mark: str) -> int:
    """Return the size in bytes that a mark names."""
    return int(mark.split(":")[1])


def error_name(error: OSError) -> str:
    """Return the name of an errno, such as `EACCES`."""
    return errno.errorcode.get(error.errno or 0, "EUNKNOWN")
