"""The events of an iCalendar file that belong together, whoever wrote it and however many calendars are in it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from icalendar import Calendar, Component

_FOLD = re.compile(rb"\r?\n[ \t]")
_BEGIN = re.compile(rb"^(?=BEGIN:VCALENDAR[ \t]*\r?$)", re.MULTILINE | re.IGNORECASE)
_MARK = b"\xef\xbb\xbf"


class UnfitError(Exception):
    """The calendar, or an event of it, is not one that is read, with the reason."""


def read_calendars(data: bytes) -> "list[Calendar]":
    """Return the calendars of a file, one after another: what is cancelled by one of them is marked as that.

    Each is read by itself: two may call different zones by one name. Lines are joined before they are decoded, since
    some programs fold them within a letter.

    Raises:
        UnfitError: it has none, a part of one, or only such as cancel something.
    """
    parts = [part for part in _BEGIN.split(_FOLD.sub(b"", data.removeprefix(_MARK))) if part.strip()]
    found = [_read(part) for part in parts or [b""]]
    cancelling = [calendar for calendar in found if str(calendar.get("METHOD", "")).strip().upper() == "CANCEL"]
    if len(cancelling) == len(found):
        raise UnfitError("the calendar only says what is cancelled")
    for calendar in cancelling:
        for event in calendar.walk("VEVENT"):
            event["STATUS"] = "CANCELLED"
    return found


def _read(part: bytes) -> "Calendar":
    from icalendar import Calendar
    from icalendar.timezone import tzp

    tzp.use_default()  # forgets the zones of the calendar before
    try:
        return Calendar.from_ical(part)
    except ValueError as error:
        why = "the calendar cannot be understood: the file is no calendar, or only a part of one"
        raise UnfitError(why) from error


def of_one_uid(events: "Iterable[Component]") -> "list[list[Component]]":
    """Return the events of each UID; one without a UID stands alone."""
    found: dict[str, list[Component]] = {}
    for number, event in enumerate(events):
        found.setdefault(str(event.get("UID", f"\0{number}")), []).append(event)
    return list(found.values())


def series_of(events: "Sequence[Component]") -> "Iterator[list[Component]]":
    """Yield the series among the events of one UID: what recurs, and what is otherwise about single times of it.

    Of several versions the newest counts. Several of the same version are one meeting in several rooms, as a system
    writes it that keeps a calendar for each: none hides another. What a single time does not say of its category and
    place is as in the series; it is not taken for harmless because a program left it out.
    """
    single = [event for event in events if "RECURRENCE-ID" in event]
    whole = [event for event in events if "RECURRENCE-ID" not in event]
    newest = max((_version(event) for event in whole), default=0)
    whole = [event for event in whole if _version(event) == newest]
    places = {_place(event) for event in whole}
    for event in whole:
        here = {None, _place(event)}
        yield [event, *(_filled(item, event) for item in single if _place(item) in here or _place(item) not in places)]
    if not whole:
        yield single


def _version(event: "Component") -> int:
    return int(event.get("SEQUENCE", 0))


def _place(event: "Component") -> str | None:
    return str(event["LOCATION"]) if "LOCATION" in event else None


def _filled(item: "Component", series: "Component") -> "Component":
    told = item.copy(recursive=True)
    for key in ("CATEGORIES", "LOCATION"):
        if key not in told and key in series:
            told[key] = series[key]
    return told
