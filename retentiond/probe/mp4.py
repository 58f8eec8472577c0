"""MP4 and its fragmented form: boxes within boxes (ISO/IEC 14496-12).

Only headers and a few small boxes are read. What is in `mdat` is never looked at.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from retentiond.domain.media import Media
from retentiond.probe.window import BeyondLimitsError, MalformedError, Window

_FIRST = frozenset(
    (b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"pnot", b"sidx", b"emsg", b"prft")
)
_EPOCH = datetime(1904, 1, 1, tzinfo=UTC)
_PLAUSIBLE = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
_MAX_CHILDREN = 512
_LONGEST_S = 10 * 86_400


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its type, and where its content begins and ends."""

    kind: bytes
    begin: int
    end: int


@dataclass(slots=True)
class _Track:
    ident: int = 0
    handler: bytes = b""
    scale: int = 0
    duration: int = 0


@dataclass(slots=True)
class _Movie:
    """What was gathered so far."""

    there: bool = False
    tracks: list[_Track] = field(default_factory=list)
    created: datetime | None = None
    duration_s: float = 0.0
    scale: int = 0
    fragments: list[Box] = field(default_factory=list)


def is_mp4(head: bytes) -> bool:
    """Tell whether a file that begins so is one."""
    return head[4:8] in _FIRST


def read_mp4(window: Window) -> Media | None:
    """Return what the file says of itself; None without a table of tracks, as in a fragment that stands alone.

    Raises:
        MalformedError: the table of tracks cannot be read.
        BeyondLimitsError: it lies beyond what is read of a file.
    """
    movie = _Movie()
    try:
        _gather(window, movie)
    except (MalformedError, BeyondLimitsError):
        if not movie.there:
            raise  # what comes after the table of tracks tells the duration at most
    if not movie.there:
        return None
    return Media(
        container="mp4",
        video=any(track.handler == b"vide" for track in movie.tracks),
        audio=any(track.handler == b"soun" for track in movie.tracks),
        duration=_duration(window, movie),
        created=movie.created,
    )


def _gather(window: Window, movie: _Movie) -> None:
    for box in _boxes(window, 0, window.size, top=True):
        if box.kind == b"moov":
            movie.there = False
            _read_movie(window, box, movie)
            movie.there = True
            if movie.duration_s:
                return
        elif box.kind == b"moof":
            movie.fragments[1:] = [box]  # the first and the last so far


def _boxes(window: Window, begin: int, end: int, *, top: bool = False) -> Iterator[Box]:
    """Yield the boxes of a stretch in order; one that goes on beyond its parent is cut off there."""
    left = _MAX_CHILDREN
    while begin + 8 <= end:
        if not top and not left:
            raise BeyondLimitsError("a box holds more than is read of any")
        left -= 1
        size, kind, content = window.number(begin, 4), window.read(begin + 4, 4), begin + 8
        if size == 1:
            size, content = window.number(begin + 8, 8), begin + 16
        elif size == 0:
            size = end - begin
        if size < content - begin:
            raise MalformedError("a box is smaller than its own header")
        yield Box(kind, content, min(begin + size, end))
        begin += size


def _read_movie(window: Window, moov: Box, movie: _Movie) -> None:
    for box in _boxes(window, moov.begin, moov.end):
        if box.kind == b"mvhd":
            created, movie.scale, duration = _header(window, box)
            movie.duration_s = _seconds(duration, movie.scale)
            movie.created = _instant(created)
        elif box.kind == b"mvex":
            for inner in _boxes(window, box.begin, box.end):
                if inner.kind == b"mehd" and not movie.duration_s:
                    movie.duration_s = _seconds(_versioned(window, inner, 0), movie.scale)
        elif box.kind == b"trak":
            movie.tracks.append(_read_track(window, box))
        elif box.kind == b"cmov":
            raise MalformedError("its table of tracks is compressed")


def _read_track(window: Window, trak: Box) -> _Track:
    track = _Track()
    for box in _boxes(window, trak.begin, trak.end):
        if box.kind == b"tkhd":
            track.ident = window.number(box.begin + (20 if window.number(box.begin, 1) else 12), 4)
        elif box.kind == b"mdia":
            for inner in _boxes(window, box.begin, box.end):
                if inner.kind == b"hdlr":
                    track.handler = window.read(inner.begin + 8, 4)
                elif inner.kind == b"mdhd":
                    _, track.scale, track.duration = _header(window, inner)
    return track


def _header(window: Window, box: Box) -> tuple[int, int, int]:
    """Return creation time, time scale and duration of an `mvhd` or `mdhd`."""
    if window.number(box.begin, 1) == 1:
        created, scale, duration = (window.number(box.begin + at, size) for at, size in ((4, 8), (20, 4), (24, 8)))
        return created, scale, 0 if duration == 0xFFFF_FFFF_FFFF_FFFF else duration
    created, scale, duration = (window.number(box.begin + at, 4) for at in (4, 12, 16))
    return created, scale, 0 if duration == 0xFFFF_FFFF else duration


def _versioned(window: Window, box: Box, after: int) -> int:
    """Return a number that is of 8 bytes in version 1 of a box and of 4 in version 0."""
    return window.number(box.begin + 4 + after, 8 if window.number(box.begin, 1) == 1 else 4)


def _duration(window: Window, movie: _Movie) -> timedelta | None:
    seconds = movie.duration_s or max((_seconds(item.duration, item.scale) for item in movie.tracks), default=0.0)
    if not seconds and movie.fragments:
        try:
            seconds = _span_of_fragments(window, movie)
        except (MalformedError, BeyondLimitsError):
            return None
    return timedelta(seconds=seconds) if 0 < seconds <= _LONGEST_S else None


def _span_of_fragments(window: Window, movie: _Movie) -> float:
    """Return how long it is from the begin of the first fragment to the end of the last."""
    scales = {track.ident: track.scale for track in movie.tracks}
    begins = _runs(window, movie.fragments[0])
    ends = _runs(window, movie.fragments[-1])
    return max(
        (_seconds(ends[ident][1] - begins[ident][0], scales.get(ident, 0)) for ident in begins.keys() & ends.keys()),
        default=0.0,
    )


def _runs(window: Window, moof: Box) -> dict[int, tuple[int, int]]:
    """Return for each track of a fragment when it begins and ends there, in the track's own units."""
    found: dict[int, tuple[int, int]] = {}
    for traf in _boxes(window, moof.begin, moof.end):
        if traf.kind != b"traf":
            continue
        ident, begin, each, length = 0, 0, 0, 0
        for box in _boxes(window, traf.begin, traf.end):
            if box.kind == b"tfhd":
                ident, each = _track_header(window, box)
            elif box.kind == b"tfdt":
                begin = _versioned(window, box, 0)
            elif box.kind == b"trun":
                length += _run_length(window, box, each)
        found[ident] = (begin, begin + length)
    return found


def _track_header(window: Window, tfhd: Box) -> tuple[int, int]:
    """Return the track's number and how long each of its samples is unless it says so itself."""
    flags = window.number(tfhd.begin + 1, 3)
    at = tfhd.begin + 8 + 8 * bool(flags & 0x01) + 4 * bool(flags & 0x02)
    return window.number(tfhd.begin + 4, 4), window.number(at, 4) if flags & 0x08 else 0


def _run_length(window: Window, trun: Box, each: int) -> int:
    flags, count = window.number(trun.begin + 1, 3), window.number(trun.begin + 4, 4)
    if not flags & 0x100:
        return count * each
    at = trun.begin + 8 + 4 * bool(flags & 0x01) + 4 * bool(flags & 0x04)
    step = 4 * sum(bool(flags & bit) for bit in (0x100, 0x200, 0x400, 0x800))
    if at + count * step > trun.end:
        raise MalformedError("a run is longer than its box")
    return sum(window.number(at + number * step, 4) for number in range(count))


def _seconds(duration: int, scale: int) -> float:
    return duration / scale if scale > 0 and 0 < duration <= scale * _LONGEST_S else 0.0


def _instant(seconds: int) -> datetime | None:
    if not 0 < seconds < 1 << 40:
        return None
    try:
        instant = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return instant if _PLAUSIBLE[0] <= instant < _PLAUSIBLE[1] else None
