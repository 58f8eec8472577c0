"""Looks over a store as it stands: how much is there, overdue, uncovered, waiting. Findings and status share it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from retentiond.domain.recording import StoreName, Stream
from retentiond.domain.rule import Coverage
from retentiond.domain.run import Plan
from retentiond.domain.span import Span, due_spans, in_any, within, without
from retentiond.domain.suspension import reach_of
from retentiond.ports import (
    Absent,
    Catalogue,
    CatalogueRow,
    Foreign,
    Present,
    Setback,
    StoreCondition,
    StreamStatus,
    Unadopted,
    Unlisted,
)
from retentiond.services.journal import Journal
from retentiond.services.rulebook import RuleBook

_TICK = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Survey:
    """One store at one instant. `waiting` is what waits for a person's word, and no plan that has it already."""

    store: StoreName
    condition: StoreCondition
    streams: tuple[StreamStatus, ...]
    uncovered: tuple[tuple[Stream, int], ...]
    suspended: int
    unclassified: int
    unclassified_sample: tuple[bytes, ...]
    odd: tuple[CatalogueRow, ...]
    setbacks: tuple[Setback, ...]
    waiting: Plan | None
    last_scan: datetime | None
    unlisted: tuple[Unlisted, ...]
    failing: str | None = None

    @property
    def condition_word(self) -> str:
        """The word for how the store is; `degraded` if it is there and nothing can be deleted in it."""
        there = isinstance(self.condition, Present) and not self.condition.read_only
        return "degraded" if there and self.failing is not None else condition_name(self.condition)

    @property
    def recordings(self) -> int:
        """How many recordings the store holds."""
        return sum(stream.recordings for stream in self.streams)

    @property
    def overdue(self) -> int:
        """How many recordings are on disk after their deadline and not suspended."""
        return sum(stream.overdue for stream in self.streams)


class Surveyor:
    """Makes surveys from the catalogue and the decisions."""

    def __init__(self, catalogue: Catalogue, journal: Journal) -> None:
        self._catalogue = catalogue
        self._journal = journal

    def survey(
        self,
        store: StoreName,
        condition: StoreCondition,
        book: RuleBook,
        now: datetime,
        *,
        unlisted: Sequence[Unlisted] = (),
        failing: str | None = None,
    ) -> Survey:
        """Look over one store at `now`. Costs streams and what is overdue, not what is stored.

        `failing` says why nothing can be deleted in it although it is there.
        """
        streams, uncovered, suspended = [], [], 0
        setbacks = tuple(self._catalogue.setbacks(store))
        for stream, count in self._catalogue.streams(store):
            if count == 0:
                continue
            coverage = book.coverage(stream)
            status, held = self._stream(stream, count, coverage, setbacks, now)
            streams.append(status)
            suspended += held
            if any(term.rule is None for term in coverage.terms):
                uncovered.append((stream, self._uncovered(stream, coverage, count)))
        unclassified, sample = self._catalogue.unclassified(store)
        return Survey(
            store=store,
            condition=condition,
            streams=tuple(streams),
            uncovered=tuple((stream, count) for stream, count in uncovered if count),
            suspended=suspended,
            unclassified=unclassified,
            unclassified_sample=tuple(sample),
            odd=tuple(self._catalogue.odd(store)),
            setbacks=setbacks,
            waiting=self._waiting(store, now),
            last_scan=self._catalogue.scan_state(store).last_complete,
            unlisted=tuple(unlisted),
            failing=failing,
        )

    def _waiting(self, store: StoreName, now: datetime) -> Plan | None:
        plan = self._catalogue.waiting(store)
        given = plan is not None and self._journal.decisions.approval_for(plan.digest, now) is not None
        return None if given else plan

    def _stream(
        self, stream: Stream, count: int, coverage: Coverage, setbacks: Sequence[Setback], now: datetime
    ) -> tuple[StreamStatus, int]:
        past = due_spans(coverage, timedelta(milliseconds=-1), now)
        reach = reach_of(self._journal.decisions.stopping, now)
        late = without(past, reach)
        periods = [term.rule.deletion_period for term in coverage.terms if term.rule is not None]
        status = StreamStatus(
            stream=stream,
            recordings=count,
            oldest=self._catalogue.oldest(stream, None, None),
            newest=self._catalogue.newest(stream),
            overdue=self._catalogue.count(late),
            overdue_since=self._overdue_since(late),
            period_s=int(min(periods).total_seconds()) if periods else None,
            refused=_refused(stream, setbacks, late),
        )
        return status, self._catalogue.count(within(past, reach))

    def _overdue_since(self, late: Sequence[Span]) -> datetime | None:
        """Return the first deadline that was missed by what is still there."""
        deadlines = (
            oldest + span.rule.deletion_period
            for span in late
            if (oldest := self._catalogue.oldest(span.stream, span.after + _TICK, span.until + _TICK)) is not None
        )
        return min(deadlines, default=None)

    def _uncovered(self, stream: Stream, coverage: Coverage, count: int) -> int:
        """Count the recordings of a stream that no rule covers: all, or those under terms without a rule."""
        if all(term.rule is None for term in coverage.terms):
            return count
        bare = [term for term in coverage.terms if term.rule is None]
        return sum(self._catalogue.oldest(stream, term.since, term.until) is not None for term in bare)


def _refused(stream: Stream, setbacks: Sequence[Setback], late: Sequence[Span]) -> tuple[tuple[str, int], ...]:
    """Count, by the reason, the overdue recordings of a stream that could not be deleted."""
    of_stream = (item for item in setbacks if item.recording.stream == stream)
    return tuple(Counter(item.error for item in of_stream if in_any(late, item.recording.start)).most_common())


def condition_name(condition: StoreCondition) -> str:
    """Return the word for a condition that status and metrics use."""
    match condition:
        case Present(read_only=True):
            return "read_only"
        case Present():
            return "present"
        case Unadopted():
            return "unadopted"
        case Absent():
            return "absent"
        case Foreign():
            return "foreign"
