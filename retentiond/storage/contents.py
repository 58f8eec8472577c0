"""What is in a claimed event directory: whether all of it may go, and a way to stand in it however deep it is."""

import errno
import os
import stat
from dataclasses import dataclass, field

from retentiond.ports import IMMUTABLE
from retentiond.storage.beneath import OpenBeneath, mount_of
from retentiond.storage.extents import shares_extents
from retentiond.storage.open_files import (
    InodeKey,
    Usage,
    gravest,
    open_to_read,
    usage_by_proc,
    usage_of,
    usage_of_open,
)
from retentiond.storage.syscalls import Statx, SystemCalls

DEEPEST = 4096
"""An event directory with more levels is not emptied. No recorder makes such a thing."""

_HELD = 32
"""So many descriptors at most are held for one tree."""

MOUNT_INSIDE = "MOUNT_INSIDE"
"""The outcome of an event directory that holds another mount or subvolume, which is not ours to empty."""

_OBSTACLES = {errno.EXDEV: MOUNT_INSIDE, errno.ENAMETOOLONG: "TOO_DEEP"}

_PIECE = 15
"""So many names of 255 bytes each fit the 4,096 bytes of a path."""


class Descent:
    """A place in a tree of directories; a context manager.

    Never goes up by `..`: somebody who still stands in the tree could move a directory away meanwhile. Only the deepest
    levels are held open; those above are opened anew from the top, by their names, when they are come back to.
    """

    def __init__(self, open_beneath: OpenBeneath, top: int) -> None:
        self._open_beneath = open_beneath
        self._top = top
        self._names: list[bytes] = []
        self._held: list[int] = []

    def __enter__(self) -> "Descent":
        return self

    def __exit__(self, *_: object) -> None:
        while self._held:
            os.close(self._held.pop())

    @property
    def here(self) -> int:
        """The descriptor of the directory stood in."""
        return self._held[-1] if self._names else self._top

    def down(self, name: bytes) -> None:
        """Go into a directory. Raises OSError: a link, another mount (EXDEV), too many levels (ENAMETOOLONG)."""
        if len(self._names) >= DEEPEST:
            raise OSError(errno.ENAMETOOLONG, f"deeper than {DEEPEST} levels")
        self._held.append(self._open_beneath(self.here, name))
        self._names.append(name)
        if len(self._held) > _HELD:
            os.close(self._held.pop(0))

    def up(self) -> bytes:
        """Go out of the directory stood in; return its name. Raises OSError."""
        os.close(self._held.pop())
        name = self._names.pop()
        if self._names and not self._held:
            self._open_again()
        return name

    def _open_again(self) -> None:
        depth = max(0, len(self._names) - _HELD // 2)
        pieces = [b"/".join(self._names[at : min(at + _PIECE, depth)]) for at in range(0, depth, _PIECE)]
        current = self._open_beneath(self._top, b"")
        try:
            for piece in pieces:
                below = self._open_beneath(current, piece)
                os.close(current)
                current = below
            self._held.append(self._open_beneath(current, self._names[depth]))
        finally:
            os.close(current)
        for name in self._names[depth + 1 :]:
            self._held.append(self._open_beneath(self._held[-1], name))


@dataclass(frozen=True, slots=True)
class Contents:
    """What a recording holds: who has any of it open, why it cannot go whole, if it cannot, and what lives on."""

    usage: Usage
    obstacle: str | None
    shared_extents: bool | None


@dataclass(slots=True)
class _Looking:
    """What has been met so far on the way through an event directory."""

    mount: int
    usages: set[Usage] = field(default_factory=set)
    unanswered: set[InodeKey] = field(default_factory=set)
    shared: set[bool | None] = field(default_factory=set)
    obstacle: str | None = None


def look_into(calls: SystemCalls, open_beneath: OpenBeneath, directory: int, name: bytes) -> Contents:
    """Look through the event directory `name` before anything in it is removed, so that it goes whole or stays whole.

    Nothing is opened that is not a directory or a regular file, and nothing on another mount. Raises OSError.
    """
    looking = _Looking(mount_of(calls, directory))
    try:
        _look_through(calls, open_beneath, directory, name, looking)
    except OSError as error:
        if error.errno not in _OBSTACLES:
            raise
        looking.obstacle = _OBSTACLES[error.errno]
    if looking.unanswered and looking.obstacle is None:
        looking.usages.add(usage_by_proc(looking.unanswered))
    return Contents(gravest(looking.usages), looking.obstacle, _of_all(looking.shared))


def _of_all(shared: set[bool | None]) -> bool | None:
    """Say of several files together whether any shares its blocks; None if that is not known of all of them."""
    return True if True in shared else None if None in shared else False


def _look_through(
    calls: SystemCalls, open_beneath: OpenBeneath, directory: int, name: bytes, looking: _Looking
) -> None:
    with Descent(open_beneath, directory) as place:
        place.down(name)
        pending = [_look_at_level(calls, place.here, looking)]
        while pending and looking.obstacle is None:
            if pending[-1]:
                place.down(pending[-1].pop())
                pending.append(_look_at_level(calls, place.here, looking))
            else:
                pending.pop()
                place.up()


def _look_at_level(calls: SystemCalls, directory: int, looking: _Looking) -> list[bytes]:
    """Take in one directory; return the directories in it."""
    below = []
    for name in names_in(directory):
        try:
            found = calls.statx(directory, name)
        except FileNotFoundError:
            continue
        looking.obstacle = looking.obstacle or _obstacle(directory, name, found, looking.mount)
        if looking.obstacle is not None:
            break
        if stat.S_ISDIR(found.mode):
            below.append(name)
        elif stat.S_ISREG(found.mode):
            _look_at_file(calls, directory, name, looking)
    return below


def _obstacle(directory: int, name: bytes, found: Statx, mount: int) -> str | None:
    if found.mount not in (None, mount):
        return MOUNT_INSIDE
    if found.locked:
        return IMMUTABLE
    if stat.S_ISDIR(found.mode) and not os.access(
        name, os.R_OK | os.W_OK | os.X_OK, dir_fd=directory, effective_ids=True
    ):
        return "EACCES"
    return None


def look_at_file(calls: SystemCalls, directory: int, name: bytes, *, may_share: bool = True) -> Contents:
    """Say who has a file open, and whether its blocks are shared, where the file system knows that at all.

    Nothing stands against removing it. Never raises.
    """
    descriptor = open_to_read(directory, name)
    shared = False if not may_share else None if descriptor is None else shares_extents(calls, descriptor)
    return Contents(usage_of(directory, name, descriptor), None, shared)


def _look_at_file(calls: SystemCalls, directory: int, name: bytes, looking: _Looking) -> None:
    descriptor = open_to_read(directory, name)
    looking.shared.add(None if descriptor is None else shares_extents(calls, descriptor))
    usage = None if descriptor is None else usage_of_open(descriptor)
    if usage is not None:
        looking.usages.add(usage)
        return
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    looking.unanswered.add((status.st_dev, status.st_ino))


def names_in(directory: int) -> list[bytes]:
    """Return the names in the directory behind a descriptor. Raises OSError."""
    return [os.fsencode(text) for text in os.listdir(directory)]
