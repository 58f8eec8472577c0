"""Directories that need no listing: the stamps of an earlier walk, held against the disk (ADR 0031).

A directory's change time is set by the kernel whenever a name comes, goes or changes, and by nobody else. One that is
as it was, on the same inode, therefore has the names it had; what lies in it is known, and is looked at in turn.
"""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass

from retentiond.domain.names import join
from retentiond.ports import DirectoryStamp, Stamps

FILE_SYSTEMS = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "tmpfs"})
"""Where stamps are believed: local file systems of this kernel, which keep the times of a directory themselves."""

SETTLED_NS = 2_000_000_000
"""A stamp that is as old as this when a directory is listed is not given to it again: no clock counts in such steps."""


@dataclass(frozen=True, slots=True)
class Same:
    """A directory with the names it had.

    `directories` counts it, and those in it that are shown to be so as well; those `below` are still to be looked at.
    """

    directories: int
    below: Sequence[bytes]


class KnownTree:
    """The directories that were listed before, by the directory they lie in."""

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps
        self._below: dict[bytes, list[bytes]] = {}
        for path in stamps:
            if path:
                parent, _, name = path.rpartition(b"/")
                self._below.setdefault(parent, []).append(name)

    def look(self, directory: bytes, descriptor: int, status: os.stat_result) -> Same | None:
        """Tell whether an open directory has the names it had; None if it has to be listed.

        Those in it that have no directories themselves are looked at at once, which opens none of them.
        """
        if not self._is_same(directory, status):
            return None
        same, left = 1, []
        for name in sorted(self._below.get(directory, ())):
            path = join(directory, name)
            if path not in self._below and self._is_same_leaf(path, name, descriptor, status.st_dev):
                same += 1
            else:
                left.append(path)
        return Same(same, left)

    def _is_same_leaf(self, path: bytes, name: bytes, parent: int, device: int) -> bool:
        try:
            status = os.stat(name, dir_fd=parent, follow_symlinks=False)
        except OSError:
            return False
        return status.st_dev == device and self._is_same(path, status)

    def _is_same(self, directory: bytes, status: os.stat_result) -> bool:
        return stat.S_ISDIR(status.st_mode) and self._stamps.get(directory) == stamp_of(status)


def stamp_of(status: os.stat_result) -> DirectoryStamp:
    """Return the stamp of a directory."""
    return DirectoryStamp(status.st_ino, status.st_mtime_ns, status.st_ctime_ns)


def is_settled(stamp: DirectoryStamp, now_ns: int) -> bool:
    """Tell whether a change after `now_ns`, in ns since 1970 by the clock that gives stamps, gives another stamp."""
    return max(stamp.mtime_ns, stamp.ctime_ns) + SETTLED_NS < now_ns
