"""What no command and no page lists, and what is told of it: how much there is, for those who read without a daemon."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from retentiond.domain.decisions import Decisions
from retentiond.domain.finding import Finding
from retentiond.domain.incident import Incident
from retentiond.domain.instants import LATEST
from retentiond.domain.recording import CameraName, StoreName, Stream
from retentiond.domain.register import Register
from retentiond.domain.rule import DeletionRule, RoomId
from retentiond.domain.span import BEGINNING, Span, within, without
from retentiond.domain.suspension import Reach
from retentiond.domain.validity import ANY_TIME, Validity
from retentiond.domain.violation import Violation, before_prohibition, outside, prohibited_since, violations
from retentiond.ports import Catalogue
from retentiond.services.find_incidents import earlier_findings, incident_findings, unopened_findings

_ALL = DeletionRule("all", frozenset(), timedelta())
_TICK = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Suspected:
    """An incident, and how much of each camera it covers now: never which recordings."""

    incident: Incident
    recordings: tuple[tuple[StoreName, CameraName, int], ...]

    @property
    def count(self) -> int:
        """How much it covers of all cameras."""
        return sum(count for _, _, count in self.recordings)


class Unlisted:
    """The footage of incidents, and what would be one as soon as a daemon looks."""

    def __init__(
        self, catalogue: Catalogue, stores: Sequence[StoreName], decisions: Decisions, register: Register
    ) -> None:
        self._catalogue = catalogue
        self._stores = stores
        self._decisions = decisions
        self._register = register

    @cached_property
    def reach(self) -> tuple[Reach, ...]:
        """What is listed nowhere."""
        return (*self._decisions.unlisted, *(part.reach for part in self._unopened))

    def count(self, names: frozenset[str] | None, span: Validity) -> int:
        """Count what starts in a span and is listed nowhere, of cameras with these names, of all for None."""
        return sum(count for _, count in self._counts(self.reach, names, span))

    def incidents(self) -> list[Suspected]:
        """Return the incidents that are not closed, in the order in which they were found."""
        found = []
        for item in self._decisions.incidents.values():
            counts: Counter[tuple[StoreName, CameraName]] = Counter()
            for stream, count in self._counts(item.reach):
                counts[stream.store, stream.camera] += count
            found.append(Suspected(item, tuple((*key, count) for key, count in sorted(counts.items()))))
        return found

    def findings(self, now: datetime) -> Iterator[Finding]:
        """Yield what a person has to know of incidents, of what should be one, and of what was before a prohibition."""
        yield from incident_findings(self._decisions.incidents.values(), self._count, now)
        rooms: dict[RoomId, list[Reach]] = {}
        for part in self._unopened:
            rooms.setdefault(part.room, []).append(part.reach)
        counts = ((room, self._count(reach)) for room, reach in rooms.items())
        yield from unopened_findings((room, count) for room, count in counts if count)
        yield from earlier_findings(self._earlier(now))

    def _earlier(self, now: datetime) -> Iterator[tuple[RoomId, datetime, int]]:
        since = prohibited_since(self._register, now)
        for room, begun, reach in before_prohibition(self._register, since):
            count = sum(
                self._catalogue.count(without(within((Span(stream, BEGINNING, LATEST, _ALL),), reach), self.reach))
                for stream in self._streams(reach)
            )
            if count:
                yield room, begun, count

    @cached_property
    def _unopened(self) -> tuple[Violation, ...]:
        """What the register calls a violation and no incident is about; what two persons dismissed is none."""
        held = [part for item in self._decisions.incidents.values() for part in item.held]
        cameras = {
            (stream.store, stream.camera) for store in self._stores for stream, _ in self._catalogue.streams(store)
        }
        return tuple(
            part
            for stated in violations(self._register, cameras)
            for part in outside(
                stated, [*held, *(item for item in self._decisions.dismissed if item.origin == stated.origin)]
            )
        )

    def _count(self, reach: Iterable[Reach]) -> int:
        return sum(count for _, count in self._counts(tuple(reach)))

    def _counts(
        self, reach: Sequence[Reach], names: frozenset[str] | None = None, span: Validity = ANY_TIME
    ) -> Iterator[tuple[Stream, int]]:
        first, last = max(span.since, BEGINNING + _TICK) - _TICK, min(span.until, LATEST) - _TICK
        for stream in self._streams(reach) if first < last else ():
            if names is None or stream.camera in names:
                count = self._catalogue.count(within((Span(stream, first, last, _ALL),), reach))
                if count:
                    yield stream, count

    def _streams(self, reach: Sequence[Reach]) -> Iterator[Stream]:
        for store in self._stores:
            for stream, count in self._catalogue.streams(store):
                if count and any(part.selects(stream) for part in reach):
                    yield stream
