"""MP4 and its fragmented form: boxes within boxes (ISO/IEC 14496-12).

Only headers and a few small boxes are read. What is in `mdat` is never looked at. The table of tracks (`moov`) is
looked for to the end of the file; the first counts, since a file has one. Fragments behind it add no tracks: they are
looked at for the duration alone, the first and the last of them.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from retentiond.domain.media import Media
from retentiond.probe.mp4_boxes import LONGEST_S, Box, boxes, seconds_of, versioned
from retentiond.probe.mp4_fragments import span_of_fragments
from retentiond.probe.window import BeyondLimitsError, MalformedError, Window

_FIRST = frozenset(
    (b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"pnot", b"sidx", b"emsg", b"prft")
)
_EPOCH = datetime(1904, 1, 1, tzinfo=UTC)
_PLAUSIBLE = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))


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
    fragment: Box | None = None


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
    for box in boxes(window, 0, window.size, top=True):
        if box.kind == b"moov":
            if movie.there:
                return
            _read_movie(window, box, movie)
            movie.there = True
        elif box.kind == b"moof" and movie.fragment is None:
            movie.fragment = box
        if movie.there and (movie.duration_s or movie.fragment is not None):
            return


def _read_movie(window: Window, moov: Box, movie: _Movie) -> None:
    for box in boxes(window, moov.begin, moov.end):
        if box.kind == b"mvhd":
            created, movie.scale, duration = _header(window, box)
            movie.duration_s = seconds_of(duration, movie.scale)
            movie.created = _instant(created)
        elif box.kind == b"mvex":
            for inner in boxes(window, box.begin, box.end):
                if inner.kind == b"mehd" and not movie.duration_s:
                    movie.duration_s = seconds_of(versioned(window, inner, 0), movie.scale)
        elif box.kind == b"trak":
            movie.tracks.append(_read_track(window, box))
        elif box.kind == b"cmov":
            raise MalformedError("its table of tracks is compressed")


def _read_track(window: Window, trak: Box) -> _Track:
    track = _Track()
    for box in boxes(window, trak.begin, trak.end):
        if box.kind == b"tkhd":
            track.ident = window.number(box.begin + (20 if window.number(box.begin, 1) else 12), 4)
        elif box.kind == b"mdia":
            for inner in boxes(window, box.begin, box.end):
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


def _duration(window: Window, movie: _Movie) -> timedelta | None:
    seconds = movie.duration_s or max((seconds_of(item.duration, item.scale) for item in movie.tracks), default=0.0)
    if not seconds and movie.fragment is not None:
        scales = {track.ident: track.scale for track in movie.tracks}
        try:
            seconds = span_of_fragments(window, movie.fragment, scales)
        except (MalformedError, BeyondLimitsError):
            return None
    return timedelta(seconds=seconds) if 0 < seconds <= LONGEST_S else None


def _instant(seconds: int) -> datetime | None:
    if not 0 < seconds < 1 << 40:
        return None
    try:
        instant = _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None
    return instant if _PLAUSIBLE[0] <= instant < _PLAUSIBLE[1] else None
