"""Inotify over the directories of a store: which are watched, and what the kernel tells of them (inotify(7)).

The directories are found by the walk that scans use: without recursion, 16 levels deep at most, following no link and
entering no other mount. No descriptor of the store stays open, so a disk that is watched can be unmounted.
"""

import errno
import os
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from retentiond.domain.names import join
from retentiond.ports import Entry
from retentiond.storage.beneath import OpenBeneath, choose_opener, components_of, open_absolute
from retentiond.storage.identity import CLAIMED, OWN
from retentiond.storage.syscalls import SystemCalls
from retentiond.storage.walk import MAX_DEPTH, walk

_CLOSE_WRITE = 0x08
_MOVED_FROM = 0x40
_MOVED_TO = 0x80
_CREATE = 0x100
_DELETE = 0x200
_Q_OVERFLOW = 0x4000
_IGNORED = 0x8000
_ONLYDIR = 0x01000000
_ISDIR = 0x40000000
_MASK = _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _ONLYDIR
_HEADER = struct.Struct("=iIII")
_BUFFER = 65536
_OTHER_HALF_S = 0.001
_OWN_CLAIMED = OWN + b"/" + CLAIMED
_FULL = frozenset({errno.ENOSPC, errno.ENOMEM, errno.EMFILE, errno.ENFILE})


class What(StrEnum):
    """What happened to a name."""

    CREATED = "created"
    CLOSED = "closed"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Change:
    """Something happened to a name in a directory of the store."""

    what: What
    directory: bytes
    name: bytes
    is_directory: bool


@dataclass(frozen=True, slots=True)
class _Event:
    """One event as the kernel tells it."""

    watch: int
    mask: int
    cookie: int
    name: bytes


class TreeWatch:
    """Watches the directories of one store, those that come later too, until `close`. Used from one thread at a time.

    `complete` is false once a directory could not be watched because the kernel allows no more watches: then silence
    no longer means that nothing changed. Links, other mounts and what is too deep do not count: no scan goes there.
    """

    def __init__(self, calls: SystemCalls, path: str) -> None:
        self._calls = calls
        self._path = path
        self._directories: dict[int, bytes] = {}
        self.descriptor = -1
        self.complete = True
        self.losses = 0

    @property
    def watched(self) -> int:
        """How many directories are watched, our own included."""
        return len(self._directories)

    def open(self) -> None:
        """Begin to watch. Raises OSError if not even the store's own directory can be watched."""
        self.descriptor = self._calls.inotify_init()
        try:
            self._add_tree(b"")
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """End all watches."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
        self.descriptor = -1

    def read(self) -> list[Change]:
        """Return what changed since the last call, without waiting. Claims of our own are left out. Raises OSError."""
        events = self._read()
        if events and events[-1].mask & _MOVED_FROM:  # the other half of the move is just coming
            time.sleep(_OTHER_HALF_S)
            events += self._read()
        claimed = {item.cookie for item in events if item.mask & _MOVED_TO and self._lies_in(item, _OWN_CLAIMED)}
        return [change for event in events if (change := self._take(event, claimed)) is not None]

    def _read(self) -> list[_Event]:
        try:
            return list(_parse(os.read(self.descriptor, _BUFFER)))
        except BlockingIOError:
            return []

    def _lies_in(self, event: _Event, directory: bytes) -> bool:
        return self._directories.get(event.watch) == directory

    def _take(self, event: _Event, claimed: set[int]) -> Change | None:
        """Keep the watches in step with an event; return what it tells, None if that is nothing."""
        if event.mask & _Q_OVERFLOW:  # something was lost, and perhaps new directories with it
            self.losses += 1
            self._add_tree(b"")
            return Change(What.CREATED, b"", b"", is_directory=True)
        if event.mask & _IGNORED:
            self._directories.pop(event.watch, None)
            return None
        directory = self._directories.get(event.watch)
        if directory is None:
            return None
        is_directory = bool(event.mask & _ISDIR)
        if event.mask & (_MOVED_FROM | _DELETE):
            if is_directory:
                self._drop_tree(join(directory, event.name))
            ours = bool(event.mask & _MOVED_FROM) and event.cookie in claimed
            return None if ours else Change(What.DELETED, directory, event.name, is_directory)
        if event.mask & _CLOSE_WRITE:
            return Change(What.CLOSED, directory, event.name, is_directory)
        if is_directory:
            self._add_tree(join(directory, event.name))
        return Change(What.CREATED, directory, event.name, is_directory)

    # --- which directories are watched ------------------------------------------------------------------------

    def _add_tree(self, top: bytes) -> None:
        """Watch a directory and all below it. Raises OSError only for the store's own directory.

        Each is watched before it is listed, so that what is made in between is told by the watch or seen in the list.
        """
        store = open_absolute(self._path)
        try:
            open_beneath = choose_opener(self._calls, store)
            if not top:
                self._add(store, open_beneath, b"")
                self._add_or_note(store, open_beneath, OWN)
            if top in (b"", OWN):
                self._add_or_note(store, open_beneath, _OWN_CLAIMED)

            def descend(directory: bytes, entry: Entry) -> bool:
                return self._add_or_note(store, open_beneath, join(directory, entry.name))

            if not top or self._add_or_note(store, open_beneath, top):
                for _ in walk(store, open_beneath, descend, top):
                    pass
        finally:
            os.close(store)

    def _add_or_note(self, store: int, open_beneath: OpenBeneath, directory: bytes) -> bool:
        """Watch a directory if it can be watched. Tells whether it is worth to look below it."""
        if len(components_of(directory)) > MAX_DEPTH:
            return False
        try:
            self._add(store, open_beneath, directory)
        except OSError as error:
            self.complete = self.complete and error.errno not in _FULL
            return False
        return True

    def _add(self, store: int, open_beneath: OpenBeneath, directory: bytes) -> None:
        descriptor = open_beneath(store, directory)
        try:
            watch = self._calls.inotify_add_watch(self.descriptor, b"/proc/self/fd/%d" % descriptor, _MASK)
        finally:
            os.close(descriptor)
        self._directories[watch] = directory

    def _drop_tree(self, top: bytes) -> None:
        """Forget a directory that was moved away, with all below it; in its new place it is met as a new one."""
        for watch, directory in list(self._directories.items()):
            if directory == top or directory.startswith(top + b"/"):
                del self._directories[watch]
                try:
                    self._calls.inotify_rm_watch(self.descriptor, watch)
                except OSError:  # it was deleted, and the kernel has ended the watch by itself
                    continue


def _parse(buffer: bytes) -> Iterator[_Event]:
    at = 0
    while at < len(buffer):
        watch, mask, cookie, length = _HEADER.unpack_from(buffer, at)
        at += _HEADER.size
        yield _Event(watch, mask, cookie, buffer[at : at + length].rstrip(b"\0"))
        at += length
