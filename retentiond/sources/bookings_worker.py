"""Works out the bookings of one calendar, in a process of its own: `python -m retentiond.sources.bookings_worker`.

The first line of the input is what is asked, the rest the calendar. Of an event its categories, its place, its time
and its state are looked at. Who it is for, or with, what it is called and what is written about it are parsed with the
rest, as the grammar demands, and touched by nothing here. What recurs may be written so that it is never done: the time
of a processor and the memory are limited, and whoever asked has no answer then.
"""

import json
import resource
import sys
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from retentiond.domain import instants

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
_LONGEST_PLACE = 200


class _UnfitError(Exception):
    """The calendar, or an event of it, is not one that is read, with the reason."""


class _Reading:
    """One calendar, read for one question."""

    def __init__(self, categories: list[str], zone: ZoneInfo, now: datetime) -> None:
        self._wanted = {item.strip().casefold() for item in categories}
        self._zone = zone
        self._now = now
        self.bad = 0
        self.booked: list[tuple[str, int, int]] = []

    def take(self, data: bytes) -> None:
        """Work out what is booked. An event that cannot be understood is counted, and hides no other."""
        from icalendar import Calendar

        calendar = Calendar.from_ical(data)
        if str(calendar.get("METHOD", "")).upper() == "CANCEL":
            raise _UnfitError("the calendar only says what is cancelled")
        zones = calendar.walk("VTIMEZONE")
        for series in self._series(calendar):
            try:
                for event in self._occurrences(zones, series):
                    self.booked.append(self._booking(event))
            except Exception:  # noqa: BLE001  a library over a text that anybody may have written
                self.bad += 1
            if len(self.booked) > MOST_BOOKINGS:
                raise _UnfitError(f"the calendar has more than {MOST_BOOKINGS} bookings within two months")

    def _series(self, calendar: "Component") -> "list[list[Component]]":
        """Return the events that belong together, if one of them is wanted: an exception may have other categories."""
        series: dict[str, list[Component]] = {}
        for number, event in enumerate(calendar.walk("VEVENT")):
            series.setdefault(str(event.get("UID", f"\0{number}")), []).append(event)
        return [events for events in series.values() if any(self._is_wanted(event) for event in events)]

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
        found = (item for entry in _listed(event.get("CATEGORIES")) for item in getattr(entry, "cats", [entry]))
        return any(str(item).strip().casefold() in self._wanted for item in found)

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


def _told(value: object) -> date:
    told = getattr(value, "dt", None)
    if not isinstance(told, date):
        raise _UnfitError("it has no time")
    return told


def _require_fit(event: "Component") -> None:
    """Refuse an event without a time, of a zone that nobody knows, or that recurs within a day, which none does."""
    for key in ("DTSTART", "DTEND", "RECURRENCE-ID"):
        if key in event:
            told = _told(event.get(key))
            named = "TZID" in getattr(event.get(key), "params", {})
            if named and isinstance(told, datetime) and told.tzinfo is None:
                raise _UnfitError("its zone is not known")
    if "DTSTART" not in event or any(_recurs_within_a_day(rule) for rule in _listed(event.get("RRULE"))):
        raise _UnfitError("it has no time, or recurs within a day")


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
    except _UnfitError as error:
        return {"why": str(error)}
    except Exception as error:  # noqa: BLE001  as above
        return {"why": f"the calendar cannot be understood ({type(error).__name__})"}
    return {"booked": reading.booked, "bad": reading.bad}


def main() -> None:
    """Answer one question in one line of JSON."""
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else CPU_S
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    asked, _, data = sys.stdin.buffer.read().partition(b"\n")
    sys.stdout.write(json.dumps(_answer(json.loads(asked), data)))


if __name__ == "__main__":
    main()
