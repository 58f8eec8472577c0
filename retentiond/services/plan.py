"""Works out what is due in a store, what of it goes by itself, and what waits for a person (design rule 4)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from retentiond.domain.decide import latest_due_start
from retentiond.domain.recording import CameraName, Recording, StoreName, Stream
from retentiond.domain.rule import Coverage
from retentiond.domain.run import DueRecording, Plan, Sorted, StoreCensus, WaitReason, apply_limit, digest_of, too_much
from retentiond.domain.span import Basis, Span, due_spans, explained_spans, in_any, intersect, within, without
from retentiond.domain.starts import Arrival
from retentiond.domain.suspension import reach_of
from retentiond.ports import Catalogue, CatalogueRow, StreamBases
from retentiond.services.journal import Journal
from retentiond.services.rulebook import RuleBook

PLAN_STAYS = timedelta(hours=1)
"""A plan that waits is not replaced earlier than this, so that a person can read its digest and type it."""

_OF_THE_UNEXPLAINED = frozenset({WaitReason.ADOPTION, WaitReason.UNEXPLAINED, WaitReason.DISPUTED})


@dataclass(frozen=True, slots=True)
class StoreSpans:
    """The spans of one store at one instant.

    What a suspension or an incident keeps is in `held`, and in none of the others. What two persons decided to delete
    is in none: it goes by their word.
    """

    due: tuple[Span, ...]
    explained: tuple[Span, ...]
    held: tuple[Span, ...] = ()


class Planner:
    """Reads the catalogue and sorts what is due. Changes nothing but the bases of streams and frozen plans."""

    def __init__(
        self, catalogue: Catalogue, journal: Journal, *, dispute_grace: timedelta, winding_down: frozenset[StoreName]
    ) -> None:
        self._catalogue = catalogue
        self._journal = journal
        self._dispute_grace = dispute_grace
        self._winding_down = winding_down

    def settle_bases(self, store: StoreName, book: RuleBook, now: datetime, *, adopting: bool = False) -> None:
        """Begin a new basis for every stream of a store that is new or whose rules have changed (ADR 0010).

        The rules of a new stream count as accepted, unless the store is being adopted: then what lies there already
        waits for a person, however little it is (ADR 0009).
        """
        self.settle_bases_of((stream for stream, _ in self._catalogue.streams(store)), book, now, adopting=adopting)

    def settle_bases_of(
        self, streams: Iterable[Stream], book: RuleBook, now: datetime, *, adopting: bool = False
    ) -> None:
        """Do the same for some streams, into which something came."""
        margin = book.policy.margin
        for stream in streams:
            bases = self._catalogue.bases(stream)
            fresh = Basis(now, margin, book.coverage(stream))
            if bases.current is not None and _alike(bases.current, fresh):
                continue
            if bases.accepted is not None and _alike(bases.accepted, fresh):
                fresh = bases.accepted
            accepted = fresh if bases.current is None and not adopting else bases.accepted
            self._catalogue.set_bases(stream, StreamBases(fresh, accepted))

    def spans(self, store: StoreName, book: RuleBook, now: datetime) -> StoreSpans:
        """Return which starts of the store's streams are due at `now`, and which of those are explained."""
        due: list[Span] = []
        explained: list[Span] = []
        held: list[Span] = []
        reach = reach_of(self._journal.decisions.stopping, now)
        apart = (*reach, *self._journal.decisions.given_up)
        for stream, _ in self._catalogue.streams(store):
            fallen_due = due_spans(book.coverage(stream), book.policy.margin, now)
            of_stream = without(fallen_due, apart)
            held += within(fallen_due, reach)
            bases = self._catalogue.bases(stream)
            known = [basis for basis in (bases.accepted, bases.current) if basis is not None]
            due += of_stream
            explained += intersect(of_stream, explained_spans(known, now))
        return StoreSpans(tuple(due), tuple(explained), tuple(held))

    def ordinary(self, spans: StoreSpans) -> list[DueRecording]:
        """Return the due recordings that the passing of time explains; costs what is due."""
        return [due for row, due in self._rows(spans.explained) if row.arrival is Arrival.ORDINARY]

    def is_too_much(self, store: StoreName, spans: StoreSpans) -> bool:
        """Tell whether L2 lets all that the passing of time explains wait; counts it, and reads none of it."""
        by_camera: Counter[CameraName] = Counter()
        for span in spans.explained:
            by_camera[span.stream.camera] += self._catalogue.count((span,))
        return too_much(by_camera, self.census(store)) is not None

    def fallen_due_since(self, spans: StoreSpans, since: datetime, margin: timedelta) -> list[DueRecording]:
        """Return those of the same that were not due yet at `since`; costs these only, whatever else is due."""
        late = [
            replace(span, after=max(span.after, latest_due_start(span.rule.deletion_period, margin, since)))
            for span in spans.explained
        ]
        return [
            due
            for row, due in self._rows([span for span in late if span.after < span.until])
            if row.arrival is Arrival.ORDINARY
        ]

    def sort(self, store: StoreName, book: RuleBook, now: datetime, *, clock_proven: bool) -> Sorted:
        """Sort everything that is due; looks at every due recording, so it is for scans, reloads and people."""
        spans = self.spans(store, book, now)
        explained: list[DueRecording] = []
        unexplained: list[DueRecording] = []
        disputed: list[DueRecording] = []
        explained_of: dict[Stream, list[Span]] = {}
        for span in spans.explained:
            explained_of.setdefault(span.stream, []).append(span)
        for row, due in self._rows(spans.due):
            explaining = explained_of.get(due.recording.stream, ())
            if row.arrival is Arrival.DISPUTED and not self._grace_over(row, now):
                disputed.append(due)
            elif row.arrival is Arrival.ORDINARY and (
                in_any(explaining, due.recording.start) or self._kept_until_now(due, book.policy.margin)
            ):
                explained.append(due)
            else:
                unexplained.append(due)
        sorted_ = apply_limit(
            explained,
            unexplained,
            self.census(store),
            adopting=self._adopting(unexplained),
            clock_proven=clock_proven,
            now=now,
        )
        if not disputed:
            return sorted_
        waiting = tuple(sorted((*sorted_.waiting, *disputed), key=lambda due: due.recording.start))
        return Sorted(sorted_.go, waiting, sorted_.why or WaitReason.DISPUTED)

    def reason_of(self, row: CatalogueRow, explained: Sequence[Span], why: WaitReason, now: datetime) -> WaitReason:
        """Say why one recording waits, in a set that waits because of `why`."""
        if row.arrival is Arrival.DISPUTED and not self._grace_over(row, now):
            return WaitReason.DISPUTED
        stream = row.recording.stream
        by_time = in_any((span for span in explained if span.stream == stream), row.recording.start)
        if why not in _OF_THE_UNEXPLAINED or (by_time and row.arrival is Arrival.ORDINARY):
            return why
        if row.arrival is not Arrival.ORDINARY:
            return WaitReason.LATE
        bases = self._catalogue.bases(stream)
        if bases.accepted is None:
            return WaitReason.ADOPTION
        return WaitReason.RULES_CHANGED if bases.accepted != bases.current else WaitReason.UNEXPLAINED

    def census(self, store: StoreName) -> StoreCensus:
        """Return the counts that the limit needs."""
        return replace(self._catalogue.census(store), winding_down=store in self._winding_down)

    def freeze(self, store: StoreName, uuid: str, sorted_: Sorted, now: datetime, *, keep: Plan | None) -> Plan | None:
        """Keep the waiting set under its digest and return its plan; `keep` is a plan not to be replaced yet."""
        if keep is not None:
            return keep
        if not sorted_.waiting or sorted_.why is None:
            self._catalogue.thaw(store)
            return None
        members = [due.recording for due in sorted_.waiting]
        plan = Plan(store, digest_of(uuid, members), len(members), sorted_.why, now)
        standing = self._catalogue.waiting(store)
        if standing is not None and standing.digest == plan.digest:
            return standing
        self._catalogue.freeze(plan, members)
        return plan

    def accept_bases(self, store: StoreName, unexplained: Iterable[Recording]) -> None:
        """Take the current rules of every stream for accepted where nothing unexplained is left."""
        pending = {recording.stream for recording in unexplained}
        for stream, _ in self._catalogue.streams(store):
            bases = self._catalogue.bases(stream)
            if stream not in pending and bases.current is not None and bases.accepted != bases.current:
                self._catalogue.set_bases(stream, StreamBases(bases.current, bases.current))

    def next_due(self, store: StoreName, book: RuleBook, now: datetime) -> datetime | None:
        """Return when the next recording of a store falls due that is not due yet."""
        return self.next_due_of((stream for stream, _ in self._catalogue.streams(store)), book, now)

    def next_due_of(self, streams: Iterable[Stream], book: RuleBook, now: datetime) -> datetime | None:
        """Return the same of some streams."""
        instants = []
        for stream in streams:
            for term in book.coverage(stream).terms:
                if term.rule is None:
                    continue
                wait = term.rule.deletion_period - book.policy.margin
                begin = now - wait + timedelta(milliseconds=1)
                begin = begin if term.since is None else max(begin, term.since)
                oldest = self._catalogue.oldest(stream, begin, term.until)
                if oldest is not None:
                    instants.append(oldest + wait)
        return min(instants, default=None)

    def due_of(self, recordings: Iterable[Recording], book: RuleBook) -> list[DueRecording]:
        """Pair recordings with the rules that decide about them now, leaving out what no rule covers."""
        coverages: dict[Stream, Coverage] = {}
        due = []
        for recording in recordings:
            stream = recording.stream
            coverage = coverages.get(stream) or coverages.setdefault(stream, book.coverage(stream))
            rule = coverage.rule_for(recording.start)
            if rule is not None:
                due.append(DueRecording(recording, rule))
        return due

    def _rows(self, spans: Sequence[Span]) -> Iterable[tuple[CatalogueRow, DueRecording]]:
        for span in spans:
            for row in self._catalogue.find((span,)):
                yield row, DueRecording(row.recording, span.rule)

    def _kept_until_now(self, due: DueRecording, margin: timedelta) -> bool:
        """Tell whether a recording fell due while a suspension kept it, which is over now: that explains it."""
        ended = self._journal.decisions.ended_suspensions.values()
        return any(item.explains(due.recording, due.rule.deletion_period, margin) for item in ended)

    def _grace_over(self, row: CatalogueRow, now: datetime) -> bool:
        return row.first_seen is None or now >= row.first_seen + self._dispute_grace

    def _adopting(self, unexplained: Sequence[DueRecording]) -> bool:
        streams = {due.recording.stream for due in unexplained}
        return any(self._catalogue.bases(stream).accepted is None for stream in streams)


def _alike(basis: Basis, other: Basis) -> bool:
    return basis.margin == other.margin and basis.coverage == other.coverage
