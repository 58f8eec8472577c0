"""The dates that entries of the register carry, and what of two entries at one time is wrong."""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from retentiond.domain.validity import ALWAYS, FOREVER, Validity
from retentiond.settings import scalars
from retentiond.settings.fields import Section, Value
from retentiond.settings.nodes import Scalar


@dataclass(frozen=True, slots=True)
class Dates:
    """Reads dates; one means midnight in the register's zone."""

    zone: ZoneInfo
    _known: dict[str, datetime] = field(default_factory=dict)
    _spans: dict[tuple[datetime, datetime], Validity] = field(default_factory=dict)

    def moment(self, text: str) -> datetime:
        """Return the instant that a text names. Raises ValueError.

        A register has many entries and few days, so that each is worked out once.
        """
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = scalars.parse_when(text, self.zone)
        return known

    def read(self, section: Section, key: str, default: datetime) -> datetime:
        """Return the instant of an optional key; `default` where it is not there or wrong."""
        node = section.values.get(key)
        if node is None:
            return default
        known = self._known.get(node.text) if isinstance(node, Scalar) else None
        return section.read(key, self.moment, default, dates=True) if known is None else known

    def span(
        self, section: Section, begin: str, end: str, default: datetime = ALWAYS, lasts: timedelta | None = None
    ) -> Validity:
        """Return the span of two optional keys; a wrong one is noted, and the whole of time is returned.

        It begins at `default` where no beginning is written, and `lasts` so long where no end is.
        """
        since = self.read(section, begin, default)
        until = self.read(section, end, FOREVER if lasts is None else since + min(lasts, FOREVER - since))
        if since < until:
            known = self._spans.get((since, until))
            if known is None:
                known = self._spans[since, until] = Validity(since, until)
            return known
        if section.get(end) is None:
            section.wrong(begin, "is the end of time; write when it began")
        else:
            after = f"`{begin}`" if section.get(begin) is not None else "its beginning"
            section.wrong(end, f"is not after {after}; write a later one, or leave it out while it lasts")
        return Validity()


@dataclass(slots=True)
class Taken:
    """Who has something, such as a name, at which time. No two may have it at the same time."""

    _spans: list[tuple[datetime, datetime, str]] = field(default_factory=list)

    def take(self, span: Validity, owner: str) -> str | None:
        """Note that `owner` has it during the span; return who has it then already, and note nothing in that case."""
        place = bisect.bisect_left(self._spans, (span.since,))
        for since, until, other in self._spans[max(place - 1, 0) : place + 1]:
            if span.overlaps(Validity(since, until)):
                return other
        self._spans.insert(place, (span.since, span.until, owner))
        return None


def refuse_hidden(entries: Sequence[tuple[Value, Validity]]) -> None:
    """Note entries that hide one named before them from its beginning on: of two that overlap, the last holds.

    In the order of time that is what people mean: each lasts until the next begins, or the next is an exception within
    it. In another order, an entry that was forgotten could end the care of a room. So could one that begins before the
    end that is written of another, and outlasts it: both cannot be true, and nobody can say which is.
    """
    begins: list[tuple[datetime, int]] = []
    for number, (item, validity) in enumerate(entries):
        other = _contradicted(validity, entries[:number])
        if other is not None:
            item.wrong(
                f"begins before {other.key} ends, and outlasts it; end that one where this one begins, or correct it"
            )
        place = bisect.bisect_left(begins, (validity.since, -1))
        if place < len(begins) and begins[place][0] < validity.until:
            hidden = entries[begins[place][1]][0].key
            item.wrong(f"begins no later than {hidden} and hides it; put them in the order of time")
        bisect.insort(begins, (validity.since, number))


def _contradicted(validity: Validity, earlier: Sequence[tuple[Value, Validity]]) -> Value | None:
    """Return the entry whose written end lies within a span that begins later."""
    for item, other in earlier:
        if other.since < validity.since < other.until < validity.until:
            return item
    return None
