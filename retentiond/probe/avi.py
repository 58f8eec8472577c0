"""AVI, as Motion may write it: chunks within lists (RIFF). Only the list of headers is read."""

from collections.abc import Iterator

from retentiond.domain.media import Media
from retentiond.probe.window import MalformedError, Window

_MAX_CHUNKS = 256


def is_avi(head: bytes) -> bool:
    """Tell whether a file that begins so is one."""
    return head[:4] == b"RIFF" and head[8:12] == b"AVI "


def read_avi(window: Window) -> Media | None:
    """Return what the file says of itself; None without headers of streams. Raises as `read_mp4`."""
    for kind, form, begin, end in _chunks(window, 12, window.size):
        if kind == b"LIST" and form == b"hdrl":
            streams = [
                _stream(window, at, until) for _, name, at, until in _chunks(window, begin, end) if name == b"strl"
            ]
            return Media("avi", b"vids" in streams, b"auds" in streams) if streams else None
    return None


def _stream(window: Window, begin: int, end: int) -> bytes:
    """Return the type of a stream by its header."""
    for kind, _, at, _ in _chunks(window, begin, end):
        if kind == b"strh":
            return window.read(at, 4)
    raise MalformedError("a stream has no header")


def _chunks(window: Window, begin: int, end: int) -> Iterator[tuple[bytes, bytes, int, int]]:
    """Yield each chunk of a stretch: its type, the form of a list, and where its content begins and ends."""
    for _ in range(_MAX_CHUNKS):
        if begin + 8 > end:
            return
        kind, size = window.read(begin, 4), int.from_bytes(window.read(begin + 4, 4), "little")
        is_list = kind == b"LIST" and size >= 4
        form = window.read(begin + 8, 4) if is_list else b""
        yield kind, form, begin + (12 if is_list else 8), min(begin + 8 + size, end)
        begin += 8 + size + size % 2
