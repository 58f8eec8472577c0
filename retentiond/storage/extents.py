"""Whether the blocks of a recording live on elsewhere when its last name is gone: reflinks and snapshots."""

from retentiond.storage.syscalls import SystemCalls

NEVER_SHARE = frozenset({"ext2", "ext3", "ext4"})
"""File systems that know neither reflinks nor snapshots of their own: no file of theirs need be asked."""


def shares_extents(calls: SystemCalls, descriptor: int) -> bool | None:
    """Tell whether a file, open for reading, has blocks in common with another file or a snapshot on its file system.

    None where the file system does not say. Snapshots of the device below (LVM, a virtual machine) and backups are
    seen by nobody in here. Does not raise.
    """
    try:
        return calls.shares_extents(descriptor)
    except OSError:
        return None
