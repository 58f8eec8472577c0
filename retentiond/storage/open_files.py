"""Whether somebody has a recording open, and for writing (reliability of promise 2).

Leases are asked first: the kernel answers for the whole machine in 10 µs and leaves no gap. They need the file's owner
or CAP_LEASE, and a local file system; elsewhere one look through /proc has to do, which never proves that nobody has a
file open if it hides a process.
"""

import errno
import fcntl
import os
import signal
import stat
from collections.abc import Collection, Iterable
from enum import StrEnum

_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_FIRST_PID_NAMESPACE = 0xEFFFFFFC
"""The kernel's own number of the namespace that all processes of the machine are in."""

InodeKey = tuple[int, int]
"""Device and inode."""


class Usage(StrEnum):
    """Who has a file open besides us."""

    NOBODY = "nobody"
    READER = "reader"
    WRITER = "writer"
    UNKNOWN = "unknown"


_GRAVITY = (Usage.NOBODY, Usage.UNKNOWN, Usage.READER, Usage.WRITER)


def gravest(usages: Iterable[Usage]) -> Usage:
    """Return what is to be said of several files together: a writer of one is a writer of all."""
    return max(usages, key=_GRAVITY.index, default=Usage.NOBODY)


def open_to_read(directory: int, name: bytes) -> int | None:
    """Open a regular file to look at it, None if that is refused; whoever asks closes it."""
    try:
        return os.open(name, _READ, dir_fd=directory)
    except OSError:
        return None


def usage_of(directory: int, name: bytes, descriptor: int | None) -> Usage:
    """Say who has a regular file open besides `descriptor`, which is closed: by leases, or by /proc without them."""
    usage = None if descriptor is None else usage_of_open(descriptor)
    if usage is not None:
        return usage
    try:
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    except OSError:
        return Usage.UNKNOWN
    return usage_by_proc({(status.st_dev, status.st_ino)})


def usage_by_lease(directory: int, name: bytes) -> Usage | None:
    """Ask the kernel by leases; None if they do not answer: no right, or a file system without them."""
    descriptor = open_to_read(directory, name)
    return None if descriptor is None else usage_of_open(descriptor)


def usage_of_open(descriptor: int) -> Usage | None:
    """Ask the kernel by leases who else has an open file open, and close it; None if they do not answer."""
    try:
        # Whoever opens the file in the moment that we hold a lease has us told by a signal, by default SIGIO, which
        # ends a process that does not expect it. SIGURG is ignored by default. It is set on our descriptor, not on the
        # process. Giving a lease up would reset it; closing the descriptor does that for both leases.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        if _may_lease(descriptor, fcntl.F_WRLCK):
            return Usage.NOBODY
        return Usage.READER if _may_lease(descriptor, fcntl.F_RDLCK) else Usage.WRITER
    except OSError:
        return None
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
    return True


def usage_by_proc(wanted: Collection[InodeKey]) -> Usage:
    """Look once through the open files of all other processes; the gravest usage of any of the `wanted` files."""
    try:
        processes = [entry for entry in os.listdir("/proc") if entry.isdigit() and int(entry) != os.getpid()]
    except OSError:
        return Usage.UNKNOWN
    found = Usage.NOBODY if _sees_everybody(processes) else Usage.UNKNOWN
    for process in processes:
        found = gravest((found, _usage_by(process, wanted)))
        if found is Usage.WRITER:
            break
    return found


def _sees_everybody(processes: Collection[str]) -> bool:
    """Tell whether /proc shows the whole machine.

    Where it hides the processes of others (hidepid, ProtectProc=invisible), the first one is not to be seen either. In
    a container it shows those of the container, whose files others may have open.
    """
    try:
        return "1" in processes and os.stat("/proc/self/ns/pid").st_ino == _FIRST_PID_NAMESPACE
    except OSError:
        return False


def _usage_by(process: str, wanted: Collection[InodeKey]) -> Usage:
    try:
        descriptors = os.listdir(f"/proc/{process}/fd")
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return Usage.NOBODY
    except OSError:
        return Usage.UNKNOWN
    return gravest(_usage_through(process, descriptor, wanted) for descriptor in descriptors)


def _usage_through(process: str, descriptor: str, wanted: Collection[InodeKey]) -> Usage:
    try:
        status = os.stat(f"/proc/{process}/fd/{descriptor}")
        if not stat.S_ISREG(status.st_mode) or (status.st_dev, status.st_ino) not in wanted:
            return Usage.NOBODY
        with open(f"/proc/{process}/fdinfo/{descriptor}", encoding="ascii") as file:
            flags = next((int(line.split()[1], 8) for line in file if line.startswith("flags:")), os.O_RDONLY)
    except (FileNotFoundError, ProcessLookupError):  # closed by now
        return Usage.NOBODY
    except (OSError, ValueError):  # whoever may list the descriptors may not always look at them
        return Usage.UNKNOWN
    if flags & os.O_PATH:
        return Usage.NOBODY
    return Usage.READER if flags & os.O_ACCMODE == os.O_RDONLY else Usage.WRITER
