"""A file behind limits: what a reader may see of it, and how much altogether."""

from collections.abc import Callable
from typing import TypeAlias

MAX_READS = 12_000
"""Reads of one file. An hour of fragments of one second has 7,200 boxes."""

MAX_BYTES = 64 << 20
"""Bytes of one file, counted in blocks as they are fetched."""

_BLOCK = 4096

ReadAt: TypeAlias = Callable[[int, int], bytes]
"""Returns up to so many bytes (first: how many, second: from where), as `os.pread` does."""


class BeyondLimitsError(Exception):
    """A reader wanted more of a file than is read of any."""


class MalformedError(Exception):
    """A file does not hold what its own structure promises."""


class Window:
    """The bytes of one file. Keeps one block, since structures lie together."""

    def __init__(self, read_at: ReadAt, size: int) -> None:
        self.size = size
        self._read_at = read_at
        self._block = b""
        self._from = 0
        self._reads = 0
        self._bytes = 0

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly `length` bytes at `offset`.

        Raises:
            MalformedError: the file ends before that.
            BeyondLimitsError: too much of the file was asked for.
        """
        begin = offset - self._from
        if begin >= 0 and begin + length <= len(self._block):
            return self._block[begin : begin + length]
        if offset < 0 or offset + length > self.size:
            raise MalformedError("it ends before what it promises")
        self._fetch(offset, max(length, _BLOCK))
        if len(self._block) < length:
            raise MalformedError("it is shorter than it was")
        return self._block[:length]

    def read_up_to(self, offset: int, length: int) -> bytes:
        """Return `length` bytes at `offset`, or what there is. Raises as `read`."""
        return self.read(offset, max(0, min(length, self.size - offset)))

    def number(self, offset: int, length: int) -> int:
        """Return an unsigned number of `length` bytes, the greatest first. Raises as `read`."""
        return int.from_bytes(self.read(offset, length), "big")

    def _fetch(self, offset: int, length: int) -> None:
        self._reads += 1
        self._bytes += length
        if self._reads > MAX_READS or self._bytes > MAX_BYTES:
            raise BeyondLimitsError("more was asked for than is read of any file")
        self._block = self._read_at(length, offset)
        self._from = offset
