"""Our own files on the disk of the state: a crash leaves each of them whole, and room is held back for them."""

import ctypes
import os
from contextlib import suppress

from retentiond.domain.errors import StorageError

SPARE_BYTES = 8 << 20

_KEEP_SIZE = 1


def replace_file(path: str, data: bytes, mode: int) -> None:
    """Put `data` at `path` durably: a new file beside it, synced, renamed over it, and the directory synced.

    Raises:
        StorageError: it could not be done; what was at `path` is still there.
    """
    draft = f"{path}.new-{os.getpid()}"
    try:
        try:
            _write_new(draft, data, mode)
            os.replace(draft, path)
        except OSError:
            with suppress(OSError):
                os.unlink(draft)  # noqa: TID251  our own draft, never a recording
            raise
        sync_directory(os.path.dirname(path) or ".")
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror}); look at its disk and rights") from error


def sync_directory(path: str) -> None:
    """Make the names in a directory durable. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def hold_room(descriptor: int, offset: int, length: int) -> int:
    """Hold blocks of the disk for what is written to a file from `offset` on, without making it longer.

    Returns:
        0, or the errno: the disk has no such room, or its file system holds none (fallocate(2), KEEP_SIZE).
    """
    libc = ctypes.CDLL(None, use_errno=True)
    fallocate = getattr(libc, "fallocate64", None) or libc.fallocate
    done = fallocate(descriptor, _KEEP_SIZE, ctypes.c_int64(offset), ctypes.c_int64(length))
    return 0 if done == 0 else ctypes.get_errno()


def _write_new(path: str, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class SpareFile:
    """Room on a disk that is taken by a file while there is plenty, and given back when there is none.

    Where recordings and state share a disk, a recorder fills it to the last block. Only deletion makes room then, and
    a deletion has to write a little first: the catalogue's journal, the clock.
    """

    def __init__(self, path: str, size_bytes: int = SPARE_BYTES) -> None:
        self._path = path
        self._size_bytes = size_bytes

    def keep(self) -> None:
        """Give the room back if hardly any other is left; take it again once four times as much is free.

        Never raises: room that cannot be held back is no reason to stop.
        """
        with suppress(OSError):
            status = os.statvfs(os.path.dirname(self._path))
            free_bytes = status.f_bavail * status.f_frsize
            held_bytes = self._held_bytes()
            if held_bytes and free_bytes < self._size_bytes // 4:
                self._give_back()
            elif held_bytes < self._size_bytes and free_bytes >= 4 * self._size_bytes:
                self._take()

    def _held_bytes(self) -> int:
        try:
            return os.stat(self._path, follow_symlinks=False).st_size
        except FileNotFoundError:
            return 0

    def _give_back(self) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC)
        os.close(descriptor)

    def _take(self) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o640)
        try:
            os.posix_fallocate(descriptor, 0, self._size_bytes)
        finally:
            os.close(descriptor)
