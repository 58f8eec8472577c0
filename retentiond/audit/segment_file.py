"""The file that is being written: bytes are durable when `append` returns, or the file is as it was."""

import errno
import os
from contextlib import suppress

from retentiond.domain.errors import DurabilityLostError, StorageError
from retentiond.durable import hold_room, sync_directory

RESERVE_BYTES = 1 << 20
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_MAKE_ROOM = "make room on its disk"


class SegmentFile:
    """A segment, open for appending by its only writer. `size_bytes` is where its last durable line ends."""

    def __init__(self, path: str, descriptor: int, size_bytes: int) -> None:
        self.path = path
        self.size_bytes = size_bytes
        self._descriptor = descriptor
        self._reserved_to = 0
        self._lost = ""

    def append(self, data: bytes, *, ahead: int = 0) -> None:
        """Write `data` with one call and make it durable, once there is room for it and for `ahead` bytes after it.

        Raises:
            StorageError: it is not written, and the file is as it was. It may be tried again.
            DurabilityLostError: a sync failed, now or earlier. It is not tried again (rule 7).
        """
        self.check()
        if not self._reserve(len(data) + ahead) and ahead:
            raise StorageError(f"{self.path}: has no room for what follows on what is to be written; {_MAKE_ROOM}")
        try:
            if os.write(self._descriptor, data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._cut_back()
            raise StorageError(f"{self.path}: cannot be written ({error.strerror}); {_MAKE_ROOM}") from error
        try:
            os.fdatasync(self._descriptor)
        except OSError as error:
            raise self.lose(f"{self.path}: a sync failed ({error.strerror}); look at its disk") from error
        self.size_bytes += len(data)

    def check(self) -> None:
        """Refuse to go on writing into a file that was deleted, replaced or changed under its name.

        Raises:
            StorageError: it was, or the file is closed.
            DurabilityLostError: a sync failed earlier.
        """
        if self._lost:
            raise DurabilityLostError(f"{self._lost}; nothing more is written, restart the daemon")
        if self._descriptor < 0:
            raise StorageError(f"{self.path}: the audit trail is closed; open it again to write")
        try:
            ours = os.fstat(self._descriptor)
            named = os.lstat(self.path) if os.path.lexists(self.path) else None
        except OSError as error:
            raise StorageError(f"{self.path}: cannot be looked at ({error.strerror})") from error
        if named is None or ours.st_nlink == 0 or not os.path.samestat(ours, named):
            raise StorageError(
                f"{self.path}: was deleted or replaced while it was written; until this process ends, its lines can "
                f"be copied from /proc/{os.getpid()}/fd/{self._descriptor}. Restore them, and restart the daemon"
            )
        if ours.st_size != self.size_bytes:
            raise StorageError(
                f"{self.path}: somebody else changed its length from {self.size_bytes} to {ours.st_size} bytes; "
                "keep a copy, restart the daemon, and run: retentiond audit verify"
            )

    def lose(self, why: str) -> DurabilityLostError:
        """Write nothing more from now on, because nobody knows what is on the disk. Returns what to raise."""
        self._lost = why
        return DurabilityLostError(f"{why}; nothing more is written, restart the daemon")

    def finish(self) -> None:
        """Let go of the file for good; the room that was held for it goes back to the disk."""
        with suppress(OSError):
            os.ftruncate(self._descriptor, self.size_bytes)
        self.close()

    def close(self) -> None:
        """Let go of the file. What is held for it stays, so that the next start can write on a full disk."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _cut_back(self) -> None:
        """Take off what a write that failed has left, so that the next one begins at a line."""
        self._reserved_to = 0
        try:
            os.ftruncate(self._descriptor, self.size_bytes)
        except OSError as error:
            raise self.lose(f"{self.path}: half a write cannot be taken back ({error.strerror})") from error

    def _reserve(self, size_bytes: int) -> bool:
        """Hold room beyond the end of the file for what comes next, so that a full disk does not stop deletion.

        Returns whether there is room for `size_bytes`. Where the file system cannot say, the write itself tells.
        """
        if self.size_bytes + size_bytes + RESERVE_BYTES // 2 <= self._reserved_to:
            return True
        for length in (size_bytes + RESERVE_BYTES, size_bytes):
            failure = self._allocate(length)
            if failure == 0:
                self._reserved_to = self.size_bytes + length
                return True
            if failure not in _NO_ROOM:
                return True
        return False

    def _allocate(self, length: int) -> int:
        """Hold `length` bytes beyond the end without changing the length of the file; return 0 or an errno.

        Room that is held already, by an earlier run too, counts and costs nothing.
        """
        return hold_room(self._descriptor, self.size_bytes, length)


def open_segment_file(path: str, size_bytes: int, *, create: bool) -> SegmentFile:
    """Open a segment for appending behind its first `size_bytes` bytes.

    Raises:
        StorageError: it cannot be opened.
        DurabilityLostError: its name in the directory may not last.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if create else 0)
    try:
        descriptor = os.open(path, flags, 0o640)
    except OSError as error:
        raise StorageError(f"{path}: cannot be opened for writing ({error.strerror}); look at its rights") from error
    try:
        if create:
            sync_directory(os.path.dirname(path))
    except OSError as error:
        os.close(descriptor)
        raise DurabilityLostError(f"{path}: its directory cannot be synced ({error.strerror})") from error
    return SegmentFile(path, descriptor, size_bytes)
