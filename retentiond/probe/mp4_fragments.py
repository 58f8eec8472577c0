"""How long a fragmented MP4 file is: from the begin of its first fragment to the end of its last.

The last is found from the end of the file, by the index there (`mfra`) or by its own header, so that a few reads do for
an hour of fragments. Where neither is to be seen, all headers are walked, within the limits of a window.
"""

import struct
from collections.abc import Mapping

from retentiond.probe.mp4_boxes import Box, boxes, seconds_of, versioned
from retentiond.probe.window import BeyondLimitsError, MalformedError, Window

_TAILS = (16 << 10, 256 << 10, 4 << 20)
_FOLLOWING = frozenset(
    (
        b"moof",
        b"mdat",
        b"styp",
        b"sidx",
        b"ssix",
        b"emsg",
        b"prft",
        b"free",
        b"skip",
        b"uuid",
        b"mfra",
        b"udta",
        b"meta",
    )
)
_MAX_RUN = 4 << 20
_MAX_BEHIND = 256
_MAX_TRIED = 256


def span_of_fragments(window: Window, first: Box, scales: Mapping[int, int]) -> float:
    """Return the seconds from the begin of fragment `first` to the end of the last one; 0 if they do not tell.

    Args:
        window: the file.
        first: its first `moof`.
        scales: units a second for each track.

    Raises:
        MalformedError, BeyondLimitsError: a fragment cannot be read.
    """
    begins, ends = _runs(window, first), _runs(window, _last_fragment(window, first))
    both = begins.keys() & ends.keys()
    if both:
        return max(seconds_of(ends[track][1] - begins[track][0], scales.get(track, 0)) for track in both)
    # Some writers give each track fragments of its own. All tracks have one clock.
    starts = [begins[track][0] / scales[track] for track in begins if scales.get(track, 0) > 0]
    stops = [ends[track][1] / scales[track] for track in ends if scales.get(track, 0) > 0]
    return max(0.0, max(stops) - min(starts)) if starts and stops else 0.0


def _last_fragment(window: Window, first: Box) -> Box:
    begin = _by_index(window, first)
    if begin is None:
        begin = _by_header(window, first)
    last = first
    for box in boxes(window, first.begin - 8 if begin is None else begin, window.size, top=True):
        if box.kind == b"moof":
            last = box
    return last


def _by_index(window: Window, first: Box) -> int | None:
    """Return where the last fragment begins that the index at the end of the file names."""
    size = window.number(window.size - 4, 4)
    at = window.size - size
    if size < 24 or at < first.end or window.read(at + 4, 4) != b"mfra" or window.read(window.size - 12, 4) != b"mfro":
        return None
    places = [_last_entry(window, box) for box in boxes(window, at + 8, window.size) if box.kind == b"tfra"]
    begin = max((place for place in places if place is not None), default=None)
    return begin if begin is not None and _is_fragment(window, begin, first) else None


def _last_entry(window: Window, tfra: Box) -> int | None:
    lengths, count = window.number(tfra.begin + 8, 4), window.number(tfra.begin + 12, 4)
    field = 8 if window.number(tfra.begin, 1) == 1 else 4
    step = 2 * field + 3 + sum(lengths >> shift & 3 for shift in (0, 2, 4))
    at = tfra.begin + 16 + (count - 1) * step
    return window.number(at + field, field) if count and at + step <= tfra.end else None


def _by_header(window: Window, first: Box) -> int | None:
    """Return where the last fragment begins, by its header near the end of the file.

    Pictures may hold the same four letters: what follows has to be boxes to the end of the file.
    """
    for length in _TAILS:
        base = max(first.begin - 8, window.size - length)
        tail = window.read(base, window.size - base)
        at = len(tail)
        for _ in range(_MAX_TRIED):
            at = tail.rfind(b"moof", 0, at)
            if at < 4:
                break
            begin = base + at - 4
            if _is_fragment(window, begin, first) and _leads_to_the_end(window, begin):
                return begin
        if base == first.begin - 8:
            break
    return None


def _is_fragment(window: Window, begin: int, first: Box) -> bool:
    """Tell whether a box of that type begins there, with its own header in it and a track."""
    if not first.begin - 8 <= begin <= window.size - 32:
        return False
    head = window.read(begin, 32)
    return head[4:8] == b"moof" and head[12:16] == b"mfhd" and head[28:32] == b"traf"


def _leads_to_the_end(window: Window, begin: int) -> bool:
    try:
        for number, box in enumerate(boxes(window, begin, window.size, top=True)):
            if box.kind not in _FOLLOWING or number > _MAX_BEHIND:
                return False
    except MalformedError:
        return False
    return True


def _runs(window: Window, moof: Box) -> dict[int, tuple[int, int]]:
    """Return for each track of a fragment when it begins and ends there, in the track's own units."""
    found: dict[int, tuple[int, int]] = {}
    for traf in boxes(window, moof.begin, moof.end):
        if traf.kind != b"traf":
            continue
        ident, begin, each, length = 0, 0, 0, 0
        for box in boxes(window, traf.begin, traf.end):
            if box.kind == b"tfhd":
                ident, each = _track_header(window, box)
            elif box.kind == b"tfdt":
                begin = versioned(window, box, 0)
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
    fields = sum(bool(flags & bit) for bit in (0x100, 0x200, 0x400, 0x800))
    length = 4 * fields * count
    if at + length > trun.end:
        raise MalformedError("a run is longer than its box")
    if length > _MAX_RUN:
        raise BeyondLimitsError("a run has more samples than are read of any")
    return sum(struct.unpack(f">{fields * count}I", window.read(at, length))[::fields]) if count else 0
