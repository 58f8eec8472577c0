"""The source `bookings`: an iCalendar file (RFC 5545) of procedures, from the system that books rooms.

Of an event its categories, its place, its time and its state are read. Who it is for, or with, what it is called and
what is written about it are not: they are parsed with the rest, and looked at by nobody here.
"""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from retentiond.domain.bookings import Booking
from retentiond.domain.recording import StoreName
from retentiond.ports import SourceReading, Unreached

if TYPE_CHECKING:
    from icalendar import Component

MOST_BYTES = 4 << 20
MOST_BOOKINGS = 10_000
AROUND = timedelta(days=31)
"""So far back and ahead bookings are of interest: what is older was deleted with its recordings."""

_FLOODS = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})
_FINE = ("BYSECOND", "BYMINUTE", "BYHOUR")
_SHORTEST = timedelta(minutes=1)
_OPEN = os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


class _UnfitError(Exception):
    """The calendar is not one that is read, with the reason."""


@dataclass(frozen=True, slots=True)
class BookingSource:
    """`DeviceSource` that knows no devices, but when which room is booked for an intimate procedure.

    Such are the events of one of `categories`, in capitals or not. Times without a zone are of `zone`.
    """

    name: StoreName
    path: str
    categories: Sequence[str]
    zone: ZoneInfo
    now: Callable[[], datetime]

    @property
    def kind(self) -> str:
        return "bookings"

    def read(self) -> SourceReading:
        try:
            return SourceReading(bookings=tuple(self._bookings(_contents(self.path))))
        except OSError as error:
            why = f"the calendar cannot be read ({error.strerror}); write its path, or let the daemon read it"
        except _UnfitError as error:
            why = f"{error}; have the calendar written anew"
        except Exception as error:  # noqa: BLE001  a library over a text that anybody may have written
            why = f"the calendar cannot be understood ({type(error).__name__}); have it written anew"
        return SourceReading(unreached=(Unreached("calendar", why),))

    def _bookings(self, data: bytes) -> Iterator[Booking]:
        from icalendar import Calendar
        from recurring_ical_events import of

        calendar = Calendar.from_ical(data)
        wanted = {item.casefold() for item in self.categories}
        kept = self._series(calendar, wanted)
        now = self.now()
        alone = Calendar()
        for part in (*calendar.walk("VTIMEZONE"), *kept):
            alone.add_component(part)
        for number, event in enumerate(of(alone).between(now - AROUND, now + AROUND)):
            if number >= MOST_BOOKINGS:
                raise _UnfitError(f"it has more than {MOST_BOOKINGS} bookings within two months")
            if _is_of(event, wanted) and str(event.get("STATUS", "")).upper() != "CANCELLED":
                yield self._booking(event)

    def _series(self, calendar: "Component", wanted: set[str]) -> list["Component"]:
        """Return the events of the series in which some event is wanted: an exception may have other categories."""
        events = calendar.walk("VEVENT")
        series = {str(event.get("UID", id(event))) for event in events if _is_of(event, wanted)}
        kept = [event for event in events if str(event.get("UID", id(event))) in series]
        for event in kept:
            if any(_recurs_within_a_day(rule) for rule in _listed(event.get("RRULE"))):
                raise _UnfitError("it has a booking that recurs within a day, which no procedure does")
        return kept

    def _booking(self, event: "Component") -> Booking:
        begin = self._instant(event.get("DTSTART"))
        end = self._instant(event.get("DTEND")) if "DTEND" in event else begin
        return Booking(str(event.get("LOCATION", "")), begin, max(end, begin + _SHORTEST))

    def _instant(self, value: object) -> datetime:
        told = getattr(value, "dt", None)
        if not isinstance(told, date):
            raise _UnfitError("it has a booking without a time")
        if not isinstance(told, datetime):
            told = datetime.combine(told, time())  # a day from its first minute, in the zone of the place
        return (told if told.tzinfo is not None else told.replace(tzinfo=self.zone)).astimezone(ZoneInfo("UTC"))


def _contents(path: str) -> bytes:
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | _OPEN)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise _UnfitError("the calendar is no file")
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise _UnfitError(f"the calendar has more than {MOST_BYTES >> 20} MiB")
    return data


def _is_of(event: "Component", wanted: set[str]) -> bool:
    found = (item for entry in _listed(event.get("CATEGORIES")) for item in getattr(entry, "cats", [entry]))
    return any(str(item).strip().casefold() in wanted for item in found)


def _recurs_within_a_day(rule: object) -> bool:
    if not isinstance(rule, dict):
        return True
    often = {str(item).upper() for item in _listed(rule.get("FREQ"))} & _FLOODS
    return bool(often) or any(len(_listed(rule.get(key))) > 1 for key in _FINE)


def _listed(value: object) -> list[object]:
    """Return what stands once, several times or not at all as a list."""
    return [] if value is None else value if isinstance(value, list) else [value]
