"""A store in a directory: ties identity, walk and deletion together behind the port."""

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack

from retentiond.domain.errors import StorageError
from retentiond.domain.recording import Identity, Place, StoreName, Unit
from retentiond.ports import (
    Absent,
    ClaimChunk,
    Copies,
    Entry,
    Listed,
    Present,
    Space,
    Stamps,
    StoreCondition,
    StoreIdentity,
    WalkStep,
)
from retentiond.storage import identity, walk
from retentiond.storage.beneath import checked_name, choose_opener
from retentiond.storage.chunk import DirectoryChunk
from retentiond.storage.copies import look_for_copies
from retentiond.storage.identity import StorePath
from retentiond.storage.pins import PIN, identity_of
from retentiond.storage.syscalls import SystemCalls, load_system_calls
from retentiond.storage.unchanged import FILE_SYSTEMS

_Root = tuple[int, int, int]
"""Device, inode and file system of a store's directory."""


class DirectoryStore:
    """`Store` over a directory tree. `expected` says what the record names as adopted, asked anew each time.

    `owner` is the user id of the daemon, which our names in the store have to belong to; None for whoever runs this.
    Root at the command line passes the daemon's, and so both agree on what is adopted.

    Listings and looks are below a descriptor of the very directory that was adopted, or, before there is an adoption,
    of the one that was examined last. Anything else raises StorageError: it would show that all recordings are gone.
    """

    def __init__(
        self, name: StoreName, path: str, *, expected: Callable[[], StoreIdentity | None], owner: int | None = None
    ) -> None:
        self._name = name
        self._where = StorePath(path, os.geteuid() if owner is None else owner)
        self._expected = expected
        self._calls: SystemCalls = load_system_calls()
        self._examined: _Root | None = None
        self._known: _Root | None = None

    @property
    def name(self) -> StoreName:
        return self._name

    def examine(self) -> StoreCondition:
        try:
            store = self._where.open()
        except OSError as error:
            return Absent(f"its directory cannot be opened ({error.strerror})")
        try:
            self._examined, self._known = self._root(store), None
            condition = identity.examine(self._where, self._calls, store, self._expected())
            if isinstance(condition, Present):
                self._known = self._examined
            return condition
        except OSError as error:
            return Absent(f"it cannot be examined ({error.strerror})")
        finally:
            os.close(store)

    def space(self) -> Space | None:
        try:
            store = self._where.open()
        except OSError:
            return None
        try:
            status = os.fstatvfs(store)
        except OSError:
            return None
        finally:
            os.close(store)
        return Space(status.f_blocks * status.f_frsize, status.f_bavail * status.f_frsize)

    def adopt(self) -> StoreIdentity:
        return identity.adopt(self._where, self._calls)

    def walk(self, descend: Callable[[bytes, Entry], bool], known: Stamps | None = None) -> Iterator[WalkStep]:
        store = self._open()
        try:
            if known is not None and identity.fs_type_of(self._calls, store) not in FILE_SYSTEMS:
                known = None
            yield from walk.walk(store, choose_opener(self._calls, store), descend, known=known)
        except OSError as error:
            raise StorageError(f"{self._where.path}: cannot be walked ({error.strerror})") from error
        finally:
            os.close(store)

    def list_directory(self, directory: bytes) -> Listed | None:
        store = self._open()
        try:
            return walk.list_directory(store, choose_opener(self._calls, store), directory)
        except OSError as error:
            raise StorageError(f"{self._where.path}: a directory cannot be listed ({error.strerror})") from error
        finally:
            os.close(store)

    def inspect(self, place: Place, unit: Unit) -> Identity | None:
        with ExitStack() as held:
            store = self._open(again=False)
            held.callback(os.close, store)
            try:
                directory = choose_opener(self._calls, store)(store, place.directory)
                held.callback(os.close, directory)
                descriptor = os.open(checked_name(place.name), PIN, dir_fd=directory)
                held.callback(os.close, descriptor)
                return identity_of(self._calls, descriptor, unit)
            except OSError:
                return None

    def is_gone(self, place: Place) -> bool:
        with ExitStack() as held:
            store = self._open(again=False)
            held.callback(os.close, store)
            try:
                directory = choose_opener(self._calls, store)(store, place.directory)
                held.callback(os.close, directory)
            except OSError:
                return False
            try:
                os.stat(checked_name(place.name), dir_fd=directory, follow_symlinks=False)
            except OSError as error:
                return error.errno == errno.ENOENT
            return False

    def copies(self, places: Sequence[tuple[Place, Unit]]) -> Copies:
        try:
            store = self._open()
        except StorageError:
            return Copies()
        try:
            return look_for_copies(self._calls, choose_opener(self._calls, store), store, places)
        except OSError:
            return Copies()
        finally:
            os.close(store)

    def chunk(self) -> AbstractContextManager[ClaimChunk]:
        return DirectoryChunk(self._where, self._calls, self._expected)

    def _open(self, *, again: bool = True) -> int:
        """Open the store, and make sure that it is the one known. Raises StorageError.

        Its marker is read `again`, or, for what is asked of each of many files, only if this is not the very directory
        that was found to be the adopted one when it was examined last.
        """
        try:
            store = self._where.open()
        except OSError as error:
            raise StorageError(f"{self._where.path}: cannot be opened ({error.strerror}); mount the disk") from error
        try:
            if again or self._known is None or self._known != self._root(store):
                self._require_known(store)
        except BaseException:
            os.close(store)
            raise
        return store

    def _require_known(self, store: int) -> None:
        expected = self._expected()
        if expected is not None:
            identity.require_adopted(self._where, self._calls, store, expected)
        elif self._examined is not None and self._examined != self._root(store):
            raise StorageError(
                f"{self._where.path}: another directory lies there than the one that was examined; mount the disk"
            )

    def _root(self, store: int) -> _Root:
        """Return what tells one directory from another. Raises OSError."""
        status = os.fstat(store)
        return status.st_dev, status.st_ino, identity.fsid_of(self._calls, store)
