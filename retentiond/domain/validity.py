"""Half-open spans of time, as entries of the register carry them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

ALWAYS = datetime(1, 1, 1, tzinfo=UTC)
FOREVER = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Validity:
    """A half-open span of time, `since <= t < until`."""

    since: datetime = ALWAYS
    until: datetime = FOREVER

    def holds_at(self, instant: datetime) -> bool:
        """Tell whether `instant` lies in the span."""
        return self.since <= instant < self.until

    def overlaps(self, other: "Validity") -> bool:
        """Tell whether some instant lies in both spans."""
        return self.since < other.until and other.since < self.until

    def ends(self) -> tuple[datetime, ...]:
        """Return its ends, without the open ones."""
        return tuple(end for end in (self.since, self.until) if end not in (ALWAYS, FOREVER))


ANY_TIME = Validity()


def common(spans: Iterable[Validity]) -> Validity | None:
    """Return the span that lies in all of them, None if there is none."""
    listed = tuple(spans)
    since = max((span.since for span in listed), default=ALWAYS)
    until = min((span.until for span in listed), default=FOREVER)
    return Validity(since, until) if since < until else None


def day_text(instant: datetime) -> str:
    """Return an instant for people, in UTC: the minute, since the zone of the register is not known here."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%MZ}"


def span_text(span: Validity) -> str:
    """Return a span for people: `always`, `since 2026-01-01 00:00Z`, `until …`, or both."""
    begin = "" if span.since == ALWAYS else f"since {day_text(span.since)}"
    end = "" if span.until == FOREVER else f"until {day_text(span.until)}"
    return f"{begin} {end}".strip() or "always"
