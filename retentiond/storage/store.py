"""A store in a directory: ties identity, walk and deletion together behind the port."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from retentiond.domain.errors import StorageError
from retentiond.domain.recording import Identity, Place, StoreName, Unit
from retentiond.ports import ClaimChunk, Entry, StoreCondition, StoreIdentity, WalkStep
from retentiond.storage import identity, walk
from retentiond.storage.beneath import checked_name, choose_opener
from retentiond.storage.claim import DirectoryChunk, identity_of
from retentiond.storage.identity import StorePath
from retentiond.storage.syscalls import SystemCalls, load_system_calls


class DirectoryStore:
    """`Store` over a directory tree. `expected` says what the record names as adopted, asked anew each time."""

    def __init__(self, name: StoreName, path: str, *, expected: Callable[[], StoreIdentity | None]) -> None:
        self._name = name
        self._where = StorePath(path)
        self._expected = expected
        self._calls: SystemCalls = load_system_calls()

    @property
    def name(self) -> StoreName:
        return self._name

    def examine(self) -> StoreCondition:
        return identity.examine(self._where, self._expected())

    def adopt(self) -> StoreIdentity:
        return identity.adopt(self._where)

    def walk(self, descend: Callable[[bytes, Entry], bool]) -> Iterator[WalkStep]:
        store = self._open()
        try:
            yield from walk.walk(store, choose_opener(self._calls, store), descend)
        except OSError as error:
            raise StorageError(f"{self._where.path}: cannot be walked ({error.strerror})") from error
        finally:
            os.close(store)

    def list_directory(self, directory: bytes) -> WalkStep | None:
        store = self._open()
        try:
            return walk.list_directory(store, choose_opener(self._calls, store), directory)
        except OSError as error:
            raise StorageError(f"{self._where.path}: a directory cannot be listed ({error.strerror})") from error
        finally:
            os.close(store)

    def inspect(self, place: Place, unit: Unit) -> Identity | None:
        store = self._open()
        try:
            directory = choose_opener(self._calls, store)(store, place.directory)
            try:
                descriptor = os.open(
                    checked_name(place.name), os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory
                )
                try:
                    return identity_of(self._calls, descriptor, unit)
                finally:
                    os.close(descriptor)
            finally:
                os.close(directory)
        except OSError:
            return None
        finally:
            os.close(store)

    def chunk(self) -> AbstractContextManager[ClaimChunk]:
        return DirectoryChunk(self._where, self._calls)

    def _open(self) -> int:
        try:
            return self._where.open()
        except OSError as error:
            raise StorageError(f"{self._where.path}: cannot be opened ({error.strerror}); mount the disk") from error
