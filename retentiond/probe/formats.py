"""Which format a file has, by its first bytes, and what it says of itself. A name says nothing here."""

from retentiond.domain.media import Looked, Opaque, OpaqueReason
from retentiond.probe.avi import is_avi, read_avi
from retentiond.probe.matroska import is_matroska, read_matroska
from retentiond.probe.mp4 import is_mp4, read_mp4
from retentiond.probe.mpegts import is_mpegts, read_mpegts
from retentiond.probe.window import BeyondLimitsError, MalformedError, Window

_READERS = (
    (is_mp4, read_mp4),
    (is_matroska, read_matroska),
    (is_avi, read_avi),
    (is_mpegts, read_mpegts),
)
_HEAD = 1024


def read_media(window: Window) -> Looked:
    """Return what a file says of itself. Raises only what its `read_at` raises."""
    try:
        head = window.read_up_to(0, _HEAD)
        for fits, read in _READERS:
            if fits(head):
                return read(window) or Opaque(OpaqueReason.NO_TRACK_TABLE)
    except BeyondLimitsError:
        return Opaque(OpaqueReason.BEYOND_LIMITS)
    except MalformedError:
        return Opaque(OpaqueReason.NO_TRACK_TABLE)
    return Opaque(OpaqueReason.NOT_UNDERSTOOD if window.size else OpaqueReason.NO_TRACK_TABLE)
