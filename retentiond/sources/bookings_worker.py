"""Works out the bookings of one calendar, in a process of its own: `python -m retentiond.sources.bookings_worker`.

The first line of the input is what is asked, the rest the calendar. Of an event its categories, its place, its time
and its state are looked at. Who it is for, or with, what it is called and what is written about it are parsed with the
rest, as the grammar demands, and touched by nothing here. What recurs may be written so that it is never done: the time
of a processor and the memory are limited, and whoever asked has no answer then.
"""

import json
import re
import resource
import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from retentiond.domain import instants
from retentiond.domain.names import folded
from retentiond.sources.bookings_series import UnfitError, of_one_uid, read_calendars, series_of

if TYPE_CHECKING:
    from icalendar import Component

CPU_S = 10
"""Unless the first argument says otherwise."""

MEMORY_BYTES = 1 << 30
MOST_BOOKINGS = 10_000
AROUND = timedelta(days=31)
"""So far back and ahead bookings are of interest: what is older was deleted with its recordings."""

_FLOODS = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})
_FINE = ("BYSECOND", "BYMINUTE", "BYHOUR")
_SHORTEST = timedelta(minutes=1)
_LONGEST_PLACE = 1000
_BETWEEN = re.compile("[,;]")
_UNREADABLE = "\N{REPLACEMENT CHARACTER}"


class _Reading:
    """One calendar, read for one question."""

    def __init__(self, categories: list[str], zone: ZoneInfo, now: datetime) -> None:
        self._wanted = {folded(item) for item in categories}
        self._zone = zone
        self._now = now
        self.bad = 0
        self.booked: dict[tuple[str, int, int], None] = {}

    def take(self, data: bytes) -> None:
        """Work out what is booked. An event that cannot be understood is counted, and hides no other."""
        calendars = read_calendars(data)
        zones = [zone for calendar in calendars for zone in calendar.walk("VTIMEZONE")]
        for events in of_one_uid(event for calendar in calendars for event in calendar.walk("VEVENT")):
            if any(self._is_wanted(event) for event in events):
                self._take_all(zones, events)
            elif any(_UNREADABLE in name for event in events for name in _categories(event)):
                self.bad += 1
            if len(self.booked) > MOST_BOOKINGS:
                raise UnfitError(f"the calendar has more than {MOST_BOOKINGS} bookings within two months")

    def _take_all(self, zones: "list[Component]", events: "list[Component]") -> None:
        """Take what is wanted of the events of one UID: an exception may have other categories than the rule."""
        try:
            for series in series_of(events):
                for event in self._occurrences(zones, series):
                    self.booked[self._booking(event)] = None
        except Exception:  # noqa: BLE001  a library over a text that anybody may have written
            self.bad += 1

    def _occurrences(self, zones: "list[Component]", series: "list[Component]") -> "Iterator[Component]":
        from icalendar import Calendar
        from recurring_ical_events import of

        alone = Calendar()
        for event in series:
            _require_fit(event)
        for part in (*zones, *series):
            alone.add_component(part)
        for event in of(alone).between(self._now - AROUND, self._now + AROUND):
            if self._is_wanted(event) and str(event.get("STATUS", "")).upper() != "CANCELLED":
                yield event

    def _is_wanted(self, event: "Component") -> bool:
        """Tell whether one of its categories is meant, be it among others that a program wrote as one."""
        return any(
            not self._wanted.isdisjoint(map(folded, (name, *_BETWEEN.split(name)))) for name in _categories(event)
        )

    def _booking(self, event: "Component") -> tuple[str, int, int]:
        """Return place, begin and end. Where clocks change meanwhile the longer of both readings of a length counts."""
        first = _told(event.get("DTSTART"))
        last = _told(event.get("DTEND")) if "DTEND" in event else first
        begin = self._instant(first)
        end = max(self._instant(last), begin + _SHORTEST)
        if isinstance(first, datetime) and isinstance(last, datetime):
            end = max(
                end, begin + (last.replace(tzinfo=None) - first.replace(tzinfo=None)) * (first.tzinfo == last.tzinfo)
            )
        return str(event.get("LOCATION", ""))[:_LONGEST_PLACE], instants.to_ms(begin), instants.to_ms(end)

    def _instant(self, told: date) -> datetime:
        if not isinstance(told, datetime):
            told = datetime.combine(told, time())  # a day from its first minute, in the zone of the place
        return (told if told.tzinfo is not None else told.replace(tzinfo=self._zone)).astimezone(ZoneInfo("UTC"))


def _categories(event: "Component") -> list[str]:
    return [str(item) for entry in _listed(event.get("CATEGORIES")) for item in getattr(entry, "cats", [entry])]


def _told(value: object) -> date:
    told = getattr(value, "dt", None)
    if not isinstance(told, date):
        raise UnfitError("it has no time")
    return told


def _require_fit(event: "Component") -> None:
    """Refuse an event without a time, of a zone that nobody knows, or that recurs within a day, which none does."""
    for key in ("DTSTART", "DTEND", "RECURRENCE-ID"):
        if key in event:
            told = _told(event.get(key))
            named = "TZID" in getattr(event.get(key), "params", {})
            if named and isinstance(told, datetime) and told.tzinfo is None:
                raise UnfitError("its zone is not known")
    if "DTSTART" not in event or any(_recurs_within_a_day(rule) for rule in _listed(event.get("RRULE"))):
        raise UnfitError("it has no time, or recurs within a day")


def _recurs_within_a_day(rule: object) -> bool:
    if not isinstance(rule, dict):
        return True
    often = {str(item).upper() for item in _listed(rule.get("FREQ"))} & _FLOODS
    return bool(often) or any(len(_listed(rule.get(key))) > 1 for key in _FINE)


def _listed(value: object) -> list[object]:
    """Return what stands once, several times or not at all as a list."""
    return [] if value is None else value if isinstance(value, list) else [value]


def _answer(about: dict[str, Any], data: bytes) -> dict[str, object]:
    reading = _Reading(about["categories"], ZoneInfo(about["zone"]), instants.from_text(about["now"]))
    try:
        reading.take(data)
    except UnfitError as error:
        return {"why": str(error)}
    except Exception as error:  # noqa: BLE001  as above
        return {"why": f"the calendar cannot be understood ({type(error).__name__})"}
    return {"booked": list(reading.booked), "bad": reading.bad}


def main() -> None:
    """Answer one question in one line of JSON."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else CPU_S
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    asked, _, data = sys.stdin.buffer.read().partition(b"\n")
    sys.stdout.write(json.dumps(_answer(json.loads(asked), data)))


if __name__ == "__main__":
    main()
