"""Whether somebody has a recording open, and for writing (reliability of promise 2)."""

import errno
import fcntl
import os
import stat
from enum import StrEnum


class Usage(StrEnum):
    """Who has a file open besides us."""

    NOBODY = "nobody"
    READER = "reader"
    WRITER = "writer"
    UNKNOWN = "unknown"


def usage_of(directory: int, name: bytes) -> Usage:
    """Ask the kernel by leases, which cost 10 µs and leave no gap; look through /proc where they are not allowed."""
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    except OSError:
        return _by_proc(directory, name)
    try:
        if not _may_lease(descriptor, fcntl.F_RDLCK):
            return Usage.WRITER
        return Usage.NOBODY if _may_lease(descriptor, fcntl.F_WRLCK) else Usage.READER
    except OSError:  # not our file and no CAP_LEASE, or a file system without leases
        return _by_proc(directory, name)
    finally:
        os.close(descriptor)


def _may_lease(descriptor: int, kind: int) -> bool:
    """Try a lease: a read lease is refused while a writer has the file open, a write lease while anybody has."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, kind)
    except OSError as error:
        if error.errno == errno.EAGAIN:
            return False
        raise
    fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return True


def _by_proc(directory: int, name: bytes) -> Usage:
    """Look through the open files of all processes that this user may see; of others nothing is known."""
    try:
        wanted = os.stat(name, dir_fd=directory, follow_symlinks=False)
        processes = [entry for entry in os.listdir("/proc") if entry.isdigit() and int(entry) != os.getpid()]
    except OSError:
        return Usage.UNKNOWN
    found, blind = Usage.NOBODY, False
    for process in processes:
        try:
            descriptors = os.listdir(f"/proc/{process}/fd")
        except FileNotFoundError:
            continue
        except OSError:
            blind = True
            continue
        for descriptor in descriptors:
            usage = _usage_by(process, descriptor, wanted)
            if usage is Usage.WRITER:
                return usage
            found = usage if usage is Usage.READER else found
    return Usage.UNKNOWN if blind and found is Usage.NOBODY else found


def _usage_by(process: str, descriptor: str, wanted: os.stat_result) -> Usage:
    try:
        status = os.stat(f"/proc/{process}/fd/{descriptor}")
        if not stat.S_ISREG(status.st_mode) or not os.path.samestat(status, wanted):
            return Usage.NOBODY
        with open(f"/proc/{process}/fdinfo/{descriptor}", encoding="ascii") as file:
            flags = next((int(line.split()[1], 8) for line in file if line.startswith("flags:")), os.O_RDONLY)
    except (OSError, ValueError):
        return Usage.NOBODY
    if flags & os.O_PATH:
        return Usage.NOBODY
    return Usage.READER if flags & os.O_ACCMODE == os.O_RDONLY else Usage.WRITER
