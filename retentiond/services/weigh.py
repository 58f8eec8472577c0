"""Weighs what is due in a store: counts it, asks the limit, and gives out what goes and what waits (design rule 4).

There may be hundreds of thousands of either, after an outage or at a first adoption. So none of it is kept in memory:
the limit is asked with counts, and what goes is read while it is carried out.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from retentiond.domain.recording import CameraName, Recording, StoreName, Stream
from retentiond.domain.run import CHUNK, DueRecording, Plan, Release, Sorted, WaitReason, digest_of, hold_to_limit
from retentiond.domain.span import Span, in_any, outside, within
from retentiond.domain.starts import Arrival
from retentiond.ports import Catalogue, CatalogueRow
from retentiond.services.journal import Journal
from retentiond.services.plan import Planner, Share, StoreSpans
from retentiond.services.rulebook import RuleBook

PLAN_STAYS = timedelta(hours=1)
"""A plan that waits is not replaced earlier than this, so that a person can read its digest and type it."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """What is due in a store at `now`: how many recordings go, how many wait and of which streams, and why."""

    store: StoreName
    now: datetime
    margin: timedelta
    spans: StoreSpans
    release: Release
    why: WaitReason | None
    going: int
    waiting: int
    waiting_of: frozenset[Stream]

    def goes(self, share: Share) -> bool:
        """Tell whether this share of what is due goes by itself."""
        match share:
            case Share.EXPLAINED:
                return self.release.explained
            case Share.UNEXPLAINED:
                return self.release.unexplained
            case Share.DISPUTED:
                return False


@dataclass(slots=True)
class _Tally:
    """How many due recordings of each stream have which share."""

    counts: dict[Share, Counter[Stream]] = field(default_factory=lambda: {share: Counter() for share in Share})

    def add(self, share: Share, stream: Stream, count: int) -> None:
        if count:
            self.counts[share][stream] += count

    def move(self, stream: Stream, former: Share, share: Share) -> None:
        self.add(former, stream, -1)
        self.add(share, stream, 1)

    def by_camera(self, share: Share) -> Counter[CameraName]:
        found: Counter[CameraName] = Counter()
        for stream, count in self.counts[share].items():
            if count:
                found[stream.camera] += count
        return found

    def streams(self, share: Share) -> frozenset[Stream]:
        return frozenset(stream for stream, count in self.counts[share].items() if count)


class Weigher:
    """Reads the catalogue and the record; changes nothing but the plan that waits.

    `pause` is called again and again while much is read, for what cannot wait; it may change the catalogue.
    """

    def __init__(
        self, planner: Planner, catalogue: Catalogue, journal: Journal, *, pause: Callable[[], object]
    ) -> None:
        self._planner = planner
        self._catalogue = catalogue
        self._journal = journal
        self._pause = pause

    def weigh(self, store: StoreName, book: RuleBook, now: datetime, *, clock_proven: bool) -> Weighed:
        """Count everything that is due, and ask the limit. Costs streams and oddities, not what is due."""
        margin = book.policy.margin
        spans = self._planner.spans(store, book, now)
        tally = self._tally(store, spans, margin, now)
        release = hold_to_limit(
            tally.by_camera(Share.EXPLAINED),
            tally.by_camera(Share.UNEXPLAINED),
            self._planner.census(store),
            adopting=self._planner.is_adopting(tally.streams(Share.UNEXPLAINED)),
            clock_proven=clock_proven,
            now=now,
        )
        disputed = tally.streams(Share.DISPUTED)
        why = release.why or (WaitReason.DISPUTED if disputed else None)
        weighed = Weighed(store, now, margin, spans, release, why, 0, 0, frozenset())
        counts = {share: sum(tally.counts[share].values()) for share in Share}
        going = sum(count for share, count in counts.items() if weighed.goes(share))
        waiting_of = frozenset().union(*(tally.streams(share) for share in Share if not weighed.goes(share)))
        waiting = sum(counts.values()) - going
        return Weighed(store, now, margin, spans, release, why, going, waiting, waiting_of)

    def sort(self, store: StoreName, book: RuleBook, now: datetime, *, clock_proven: bool) -> Sorted:
        """Return everything that is due, one by one; for people."""
        weighed = self.weigh(store, book, now, clock_proven=clock_proven)
        return Sorted(tuple(self.going(weighed)), tuple(self.waiting(weighed)), weighed.why)

    def going(self, weighed: Weighed) -> Iterator[DueRecording]:
        """Yield what goes by itself, the oldest first. The catalogue may be changed meanwhile."""
        if not weighed.release.explained:
            return iter(())
        spans = weighed.spans
        meant = spans.due if weighed.release.unexplained else (*spans.explained, *self._kept_until_now(spans))
        return (due for share, due in self._shares(weighed, meant) if weighed.goes(share))

    def waiting(self, weighed: Weighed) -> Iterator[DueRecording]:
        """Yield what waits for a person, the oldest first. The catalogue may be changed meanwhile."""
        if not weighed.waiting:
            return
        for number, (share, due) in enumerate(self._shares(weighed, weighed.spans.due), start=1):
            if not weighed.goes(share):
                yield due
            if number % CHUNK == 0:
                self._pause()

    def freeze(self, weighed: Weighed, uuid: str, *, keep: Plan | None, still_holds: Callable[[], bool]) -> Plan | None:
        """Keep what waits under its digest and return its plan; `keep` is a plan that is not to be replaced yet.

        Where a pause showed that something else holds by now, nothing is kept: the store is weighed again.
        """
        if keep is not None:
            return keep
        if not weighed.waiting or weighed.why is None:
            self._catalogue.thaw(weighed.store)
            return None
        count = 0

        def members() -> Iterator[Recording]:
            nonlocal count
            for due in self.waiting(weighed):
                count += 1
                yield due.recording

        digest = digest_of(uuid, members())
        standing = self._catalogue.waiting(weighed.store)
        if standing is not None and standing.digest == digest and still_holds():
            return standing
        plan = Plan(weighed.store, digest, count, weighed.why, weighed.now)
        return plan if self._gather(plan, weighed, still_holds) else None

    def _gather(self, plan: Plan, weighed: Weighed, still_holds: Callable[[], bool]) -> bool:
        """Put everything that waits into the set of a plan, in parts; tell whether the plan stands."""
        self._catalogue.thaw(plan.store)
        waiting = self.waiting(weighed)
        while part := [due.recording for due in islice(waiting, CHUNK)]:
            self._catalogue.gather(plan.store, part)
        if not still_holds():
            self._catalogue.thaw(plan.store)
            return False
        self._catalogue.freeze(plan)
        return True

    def _tally(self, store: StoreName, spans: StoreSpans, margin: timedelta, now: datetime) -> _Tally:
        """Count by spans, then move what its span says wrongly: the odd ones, and what a suspension kept until now."""
        tally = _Tally()
        due, explained = _by_stream(spans.due), _by_stream(spans.explained)
        for stream, parts in due.items():
            by_time = self._catalogue.count(explained[stream]) if stream in explained else 0
            tally.add(Share.EXPLAINED, stream, by_time)
            tally.add(Share.UNEXPLAINED, stream, self._catalogue.count(parts) - by_time)
        for row in self._catalogue.odd(store):
            stream = row.recording.stream
            span = next((part for part in due.get(stream, ()) if in_any((part,), row.recording.start)), None)
            if row.arrival is not Arrival.ORDINARY and span is not None:
                by_time = in_any(explained.get(stream, ()), row.recording.start)
                former = Share.EXPLAINED if by_time else Share.UNEXPLAINED
                item = DueRecording(row.recording, span.rule)
                tally.move(stream, former, self._planner.share_of(row, item, margin, now, by_time=by_time))
        for row, item in self._rows(self._kept_until_now(spans)):
            share = self._planner.share_of(row, item, margin, now, by_time=False)
            if share is Share.EXPLAINED:
                tally.move(row.recording.stream, Share.UNEXPLAINED, share)
        return tally

    def _kept_until_now(self, spans: StoreSpans) -> tuple[Span, ...]:
        """Return the spans of which a suspension that is over may explain something, and time alone does not."""
        ended = self._journal.decisions.ended_suspensions.values()
        reach = tuple(part for item in ended for part in item.reach)
        return within(outside(spans.due, spans.explained), reach) if reach else ()

    def _shares(self, weighed: Weighed, spans: Sequence[Span]) -> Iterator[tuple[Share, DueRecording]]:
        explained = _by_stream(weighed.spans.explained)
        for row, due in self._rows(spans):
            by_time = in_any(explained.get(row.recording.stream, ()), row.recording.start)
            yield self._planner.share_of(row, due, weighed.margin, weighed.now, by_time=by_time), due

    def _rows(self, spans: Iterable[Span]) -> Iterator[tuple[CatalogueRow, DueRecording]]:
        """Yield what lies in spans that do not overlap, the oldest of all streams first."""
        streams = [self._rows_of(parts) for parts in _by_stream(spans).values()]
        return heapq.merge(*streams, key=lambda found: found[0].recording.start)

    def _rows_of(self, spans: Iterable[Span]) -> Iterator[tuple[CatalogueRow, DueRecording]]:
        for span in sorted(spans, key=lambda span: span.after):
            for row in self._catalogue.find((span,)):
                yield row, DueRecording(row.recording, span.rule)


def _by_stream(spans: Iterable[Span]) -> dict[Stream, list[Span]]:
    found: dict[Stream, list[Span]] = {}
    for span in spans:
        found.setdefault(span.stream, []).append(span)
    return found
