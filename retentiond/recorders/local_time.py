"""From the fields of a time in a name to an instant in UTC (design rule S1).

A local time that occurs twice, or never, takes the earlier of its two readings: keeping too long is the breach.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

from retentiond.domain.instants import EPOCH

_LAST_SECOND = timedelta(minutes=59, seconds=59)
_SIXTIETH = 59
"""`:60` is a leap second, or a recorder that rounds; it reads as the second before."""


@dataclass(frozen=True, slots=True)
class LocalTime:
    """Reads times as a recorder in `zone` writes them."""

    zone: tzinfo

    def earliest(self, local: datetime) -> datetime:
        """Return the instant of a naive local time, the earlier one where there are two readings.

        Raises:
            OverflowError: it lies outside the years a datetime can hold.
        """
        first = local.replace(tzinfo=self.zone, fold=0).astimezone(UTC)
        second = local.replace(tzinfo=self.zone, fold=1).astimezone(UTC)
        return min(first, second)

    def hour(self, values: Mapping[str, bytes]) -> "Hour | None":
        """Return the hour that the fields Y, y, m, d, j, H and z name; None if there is no such hour."""
        try:
            local = _hour_of(values)
            if local is None:
                return None
            if "z" in values:
                return Hour((local - _offset(values["z"])).replace(tzinfo=UTC), even=True)
            begin = self.earliest(local)
            return Hour(begin, even=self.earliest(local + _LAST_SECOND) - begin == _LAST_SECOND)
        except (ValueError, OverflowError):
            return None

    def instant(self, values: Mapping[str, bytes]) -> datetime | None:
        """Return the instant that all fields together name; None if there is none, or two that disagree."""
        try:
            if "s" in values:
                return self._epoch(values)
            local = _hour_of(values)
            if local is None:
                return None
            local += within_hour(values)
            if "z" in values:
                return (local - _offset(values["z"])).replace(tzinfo=UTC)
            return self.earliest(local)
        except (ValueError, OverflowError):
            return None

    def _epoch(self, values: Mapping[str, bytes]) -> datetime | None:
        instant = EPOCH + timedelta(seconds=int(values["s"]), microseconds=int(values.get("f", b"0")))
        zone = self.zone if "z" not in values else UTC
        local = instant.astimezone(zone) if "z" not in values else instant + _offset(values["z"])
        for letter, value in values.items():
            if letter not in "sfz" and int(local.strftime(f"%{letter}")) != int(value):
                return None
        return instant


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of local time. `even` means that no change of the clock falls into it, so that one may add."""

    begin: datetime
    even: bool


def within_hour(values: Mapping[str, bytes]) -> timedelta:
    """Return how far into the hour the fields M, S and f point."""
    return timedelta(
        minutes=int(values.get("M", b"0")),
        seconds=min(int(values.get("S", b"0")), _SIXTIETH),
        microseconds=int(values.get("f", b"0")),
    )


@lru_cache(maxsize=8)
def within_hour_table(letters: tuple[str, ...]) -> Mapping[object, timedelta]:
    """Return `within_hour` for every value of M, S or both, by what `re.Match.group(*letters)` gives.

    A look-up takes a fraction of parsing two numbers, and there is one for each name of a scan.
    """
    texts = [b"%02d" % number for number in range(61)]
    if len(letters) == 1:
        return {text: within_hour({letters[0]: text}) for text in texts}
    return {
        (minute, second): within_hour(dict(zip(letters, (minute, second), strict=True)))
        for minute in texts
        for second in texts
    }


def _hour_of(values: Mapping[str, bytes]) -> datetime | None:
    day = _day_of(values)
    if day is None:
        return None
    return datetime(day.year, day.month, day.day, int(values.get("H", b"0")))  # noqa: DTZ001 - wall time of the zone


def _day_of(values: Mapping[str, bytes]) -> date | None:
    """Return the day, None where two fields of it disagree. Raises ValueError if the calendar has no such day."""
    year = int(values["Y"]) if "Y" in values else 2000 + int(values["y"])
    if "y" in values and year % 100 != int(values["y"]):
        return None
    if "j" not in values:
        return date(year, int(values["m"]), int(values["d"]))
    day = date(year, 1, 1) + timedelta(days=int(values["j"]) - 1)
    agrees = int(values.get("m", day.month)) == day.month and int(values.get("d", day.day)) == day.day
    return day if agrees and day.year == year else None


def _offset(text: bytes) -> timedelta:
    if text == b"Z":
        return timedelta()
    size = timedelta(hours=int(text[1:3]), minutes=int(text[3:5]))
    return -size if text.startswith(b"-") else size
