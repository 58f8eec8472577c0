"""Where ZoneMinder puts its events: a directory for each, below the directory of its monitor, by one of three schemes.

Deep      <monitor>/26/09/18/10/41/10        and beside the hours a link .<event> that says 10/41/10
Medium    <monitor>/2026-09-18/<event>       the usual one
Shallow   <monitor>/<event>

An event is one recording as a whole. Names are in the server's local time; Medium names tell the day only, Shallow ones
no time at all, so that ZoneMinder's own rows say when an event began.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

_ID = re.compile(rb"[1-9][0-9]{0,18}")
_DAY = re.compile(rb"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])")
_TWO = re.compile(rb"[0-9]{2}")
_DEEP_LEVELS = 6
_EVENT_LINK = re.compile(rb"\.[1-9][0-9]{0,18}")


class Scheme(StrEnum):
    """How a storage area lays out its events, as ZoneMinder calls it."""

    DEEP = "Deep"
    MEDIUM = "Medium"
    SHALLOW = "Shallow"


@dataclass(frozen=True, slots=True)
class EventPlace:
    """What the path of an event's directory tells. `fields` are those of a local time, empty where there is none."""

    scheme: Scheme
    monitor: int
    ident: int | None
    fields: tuple[tuple[str, bytes], ...]


def parse_event(path: bytes) -> EventPlace | None:
    """Return what the path of a directory below the store tells, None if it is no event's."""
    monitor, *rest = path.split(b"/")
    if not _ID.fullmatch(monitor):
        return None
    if len(rest) == 1 and _ID.fullmatch(rest[0]):
        return EventPlace(Scheme.SHALLOW, int(monitor), int(rest[0]), ())
    if len(rest) == 2 and _DAY.fullmatch(rest[0]) and _ID.fullmatch(rest[1]):
        year, month, day = rest[0].split(b"-")
        fields = (("Y", year), ("m", month), ("d", day))
        return EventPlace(Scheme.MEDIUM, int(monitor), int(rest[1]), fields)
    if len(rest) == _DEEP_LEVELS and all(_TWO.fullmatch(part) for part in rest):
        return EventPlace(Scheme.DEEP, int(monitor), None, tuple(zip("ymdHMS", rest, strict=True)))
    return None


def leads_to_events(path: bytes) -> bool:
    """Tell whether events can lie below a directory that is no event itself."""
    monitor, *rest = path.split(b"/")
    if not _ID.fullmatch(monitor):
        return False
    if not rest or (len(rest) == 1 and _DAY.fullmatch(rest[0])):
        return True
    return len(rest) < _DEEP_LEVELS and all(_TWO.fullmatch(part) for part in rest)


def is_event_link(directory: bytes, name: bytes) -> bool:
    """Tell whether a link beside the hours of a day belongs to an event of the Deep scheme."""
    return directory.count(b"/") == 3 and leads_to_events(directory) and _EVENT_LINK.fullmatch(name) is not None


def link_of(path: bytes) -> tuple[bytes, bytes] | None:
    """Return the directory of an event's link and what the link says, None where the scheme has no links."""
    place = parse_event(path)
    if place is None or place.scheme is not Scheme.DEEP:
        return None
    parts = path.split(b"/")
    return b"/".join(parts[:4]), b"/".join(parts[4:])


def path_of(scheme: str, monitor: int, ident: int, start: datetime | None) -> bytes | None:
    """Return where ZoneMinder looks for an event, by its row; None where the row does not say."""
    if scheme == Scheme.SHALLOW:
        return b"%d/%d" % (monitor, ident)
    if start is None:
        return None
    if scheme == Scheme.DEEP:
        return b"%d/" % monitor + start.strftime("%y/%m/%d/%H/%M/%S").encode()
    return b"%d/%s/%d" % (monitor, start.strftime("%Y-%m-%d").encode(), ident)
