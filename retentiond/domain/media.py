"""What a media file says of itself: its tracks, how long it is, when it was made."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Media:
    """A file that was understood.

    Attributes:
        container: `mp4`, `matroska`, `mpegts` or `avi`.
        video: whether it has a track of pictures.
        audio: whether it has a track of sound, however short or silent.
        duration: how long it is by its own account, if it gives one.
        created: when it was made by its own account. Many recorders leave this out.
    """

    container: str
    video: bool
    audio: bool
    duration: timedelta | None = None
    created: datetime | None = None


class OpaqueReason(StrEnum):
    """Why nothing can be said of what is in a file."""

    GONE = "gone"
    UNREADABLE = "unreadable"
    NOT_UNDERSTOOD = "not_understood"
    NO_TRACK_TABLE = "no_track_table"
    BEYOND_LIMITS = "beyond_limits"
    NO_ANSWER = "no_answer"


OPAQUE_TEXT = {
    OpaqueReason.GONE: "it was gone",
    OpaqueReason.UNREADABLE: "the daemon may not read it, or the disk fails",
    OpaqueReason.NOT_UNDERSTOOD: "it is of a format that is not known here",
    OpaqueReason.NO_TRACK_TABLE: "its table of tracks is missing, as while it is being written",
    OpaqueReason.BEYOND_LIMITS: "its table of tracks goes beyond what is read of a file",
    OpaqueReason.NO_ANSWER: "the process that looks into files did not answer",
}


@dataclass(frozen=True, slots=True)
class Opaque:
    """A file of which nothing can be said. It proves neither sound nor silence."""

    reason: OpaqueReason


Looked: TypeAlias = Media | Opaque
