"""The boxes of an MP4 file: their headers, and the numbers in them."""

from collections.abc import Iterator
from dataclasses import dataclass

from retentiond.probe.window import BeyondLimitsError, MalformedError, Window

LONGEST_S = 10 * 86_400
"""What is longer than that by its own account tells nothing."""

_MAX_CHILDREN = 512
_MAX_TOP = 50_000


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its type, and where its content begins and ends."""

    kind: bytes
    begin: int
    end: int


def boxes(window: Window, begin: int, end: int, *, top: bool = False) -> Iterator[Box]:
    """Yield the boxes of a stretch in order; one that goes on beyond its parent is cut off there.

    Raises:
        MalformedError: there is no box where one should be.
        BeyondLimitsError: there are more than are read of any file, or of any box if not `top`.
    """
    left = _MAX_TOP if top else _MAX_CHILDREN
    while begin + 8 <= end:
        if not left:
            raise BeyondLimitsError("there are more boxes than are read of any")
        left -= 1
        header = window.read(begin, 8)
        size, kind, content = int.from_bytes(header[:4], "big"), header[4:], begin + 8
        if size == 1:
            size, content = window.number(begin + 8, 8), begin + 16
        elif size == 0:
            size = end - begin
        if size < content - begin:
            raise MalformedError("a box is smaller than its own header")
        yield Box(kind, content, min(begin + size, end))
        begin += size


def versioned(window: Window, box: Box, after: int) -> int:
    """Return a number that is of 8 bytes in version 1 of a box and of 4 in version 0."""
    return window.number(box.begin + 4 + after, 8 if window.number(box.begin, 1) == 1 else 4)


def seconds_of(duration: int, scale: int) -> float:
    """Return how long `duration` is at `scale` units a second; 0 if that tells nothing."""
    return duration / scale if scale > 0 and 0 < duration <= scale * LONGEST_S else 0.0
