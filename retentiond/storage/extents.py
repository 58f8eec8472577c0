"""Whether the blocks of a recording live on elsewhere when its last name is gone: reflinks and snapshots."""

import os

from retentiond.storage.syscalls import SystemCalls

_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


def shares_extents(calls: SystemCalls, directory: int, name: bytes) -> bool | None:
    """Tell whether a regular file has blocks in common with another file or a snapshot on its file system.

    None where that cannot be told: no right to read the file, or a file system that does not say. Snapshots of the
    device below (LVM, a virtual machine) and backups are seen by nobody in here. Does not raise.
    """
    try:
        descriptor = os.open(name, _READ, dir_fd=directory)
    except OSError:
        return None
    try:
        return calls.shares_extents(descriptor)
    except OSError:
        return None
    finally:
        os.close(descriptor)
