"""Matroska and WebM: elements within elements (RFC 8794, RFC 9559). Frames are never looked at."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from retentiond.domain.media import Media
from retentiond.probe.window import BeyondLimitsError, MalformedError, Window

_EBML = 0x1A45DFA3
_SEGMENT = 0x18538067
_INFO = 0x1549A966
_TRACKS = 0x1654AE6B
_TRACK_ENTRY = 0xAE
_TRACK_TYPE = 0x83
_SCALE = 0x2AD7B1
_DURATION = 0x4489
_DATE = 0x4461
_CLUSTER = 0x1F43B675
_VIDEO, _AUDIO, _COMPLEX = 1, 2, 3

_EPOCH = datetime(2001, 1, 1, tzinfo=UTC)
_LAST = datetime(2200, 1, 1, tzinfo=UTC)
_MAX_CHILDREN = 512
_MAX_TOP = 4_096
_LONGEST_S = 10 * 86_400


@dataclass(frozen=True, slots=True)
class _Element:
    ident: int
    begin: int
    end: int
    open_ended: bool = False


@dataclass(slots=True)
class _Segment:
    there: bool = False
    video: bool = False
    audio: bool = False
    scale_ns: int = 1_000_000
    duration: float = 0.0
    created: datetime | None = None


def is_matroska(head: bytes) -> bool:
    """Tell whether a file that begins so is one."""
    return head[:4] == _EBML.to_bytes(4, "big")


def read_matroska(window: Window) -> Media | None:
    """Return what the file says of itself; None without a table of tracks. Raises as `read_mp4`."""
    found = _Segment()
    try:
        for element in _elements(window, 0, window.size, _MAX_CHILDREN):
            if element.ident == _SEGMENT:
                _read_segment(window, element, found)
    except (MalformedError, BeyondLimitsError):
        if not found.there:
            raise
    if not found.there:
        return None
    seconds = found.duration * found.scale_ns / 1e9
    plausible = 0 < seconds <= _LONGEST_S
    return Media("matroska", found.video, found.audio, timedelta(seconds=seconds) if plausible else None, found.created)


def _read_segment(window: Window, segment: _Element, found: _Segment) -> None:
    for element in _elements(window, segment.begin, segment.end, _MAX_TOP):
        if element.ident == _INFO:
            _read_info(window, element, found)
        elif element.ident == _TRACKS:
            _read_tracks(window, element, found)
        elif element.ident == _CLUSTER and (found.there or element.open_ended):
            return  # as a rule the tables come first; behind a cluster without an end nothing is found


def _read_info(window: Window, info: _Element, found: _Segment) -> None:
    for element in _elements(window, info.begin, info.end, _MAX_CHILDREN):
        if element.ident == _SCALE:
            found.scale_ns = _number(window, element)
        elif element.ident == _DURATION:
            found.duration = _float(window, element)
        elif element.ident == _DATE:
            found.created = _date(window, element)


def _read_tracks(window: Window, tracks: _Element, found: _Segment) -> None:
    found.there = False
    for entry in _elements(window, tracks.begin, tracks.end, _MAX_CHILDREN):
        if entry.ident != _TRACK_ENTRY:
            continue
        for element in _elements(window, entry.begin, entry.end, _MAX_CHILDREN):
            if element.ident == _TRACK_TYPE:
                kind = _number(window, element)
                found.video |= kind in {_VIDEO, _COMPLEX}
                found.audio |= kind in {_AUDIO, _COMPLEX}
    found.there = True


def _elements(window: Window, begin: int, end: int, limit: int) -> Iterator[_Element]:
    """Yield the elements of a stretch. One of unknown size goes on to the end of its parent."""
    while begin + 2 <= end:
        if not limit:
            raise BeyondLimitsError("it has more elements than are read of any file")
        limit -= 1
        ident, begin = _vint(window, begin, end, keep_marker=True)
        size, begin = _vint(window, begin, end, keep_marker=False)
        until = end if size is None else begin + size
        yield _Element(ident or 0, begin, min(until, end), size is None)
        begin = until


def _vint(window: Window, at: int, end: int, *, keep_marker: bool) -> tuple[int | None, int]:
    """Return a number of variable length and where it ends; None where all of its bits are set."""
    first = window.number(at, 1)
    length = 9 - first.bit_length()
    if length > (4 if keep_marker else 8) or at + length > end:
        raise MalformedError("an element has no header")
    value = window.number(at, length)
    if keep_marker:
        return value, at + length
    value &= (1 << 7 * length) - 1
    return None if value == (1 << 7 * length) - 1 else value, at + length


def _number(window: Window, element: _Element) -> int:
    length = element.end - element.begin
    if length > 8:
        raise MalformedError("a number is longer than 8 bytes")
    return window.number(element.begin, length) if length else 0


def _float(window: Window, element: _Element) -> float:
    data = window.read(element.begin, min(element.end - element.begin, 9))
    if len(data) not in {4, 8}:
        return 0.0
    value: float = struct.unpack(">f" if len(data) == 4 else ">d", data)[0]
    return value if 0 < value < 1e18 else 0.0


def _date(window: Window, element: _Element) -> datetime | None:
    if element.end - element.begin != 8:
        return None
    nanoseconds = int.from_bytes(window.read(element.begin, 8), "big", signed=True)
    instant = _EPOCH + timedelta(microseconds=nanoseconds // 1000)
    return instant if _EPOCH < instant < _LAST else None
