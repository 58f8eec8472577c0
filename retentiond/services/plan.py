"""Works out what is due in a store, when, and how it came to be due (design rule 4)."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from itertools import islice

from retentiond.domain.decide import latest_due_start
from retentiond.domain.recording import CameraName, Recording, StoreName, Stream
from retentiond.domain.rule import Coverage
from retentiond.domain.run import DueRecording, StoreCensus, WaitReason, too_much
from retentiond.domain.span import Basis, Span, due_spans, explained_spans, in_any, intersect, within, without
from retentiond.domain.starts import Arrival
from retentiond.domain.suspension import reach_of
from retentiond.ports import Catalogue, CatalogueRow, StreamBases
from retentiond.services.journal import Journal
from retentiond.services.rulebook import RuleBook

_OF_THE_UNEXPLAINED = frozenset({WaitReason.ADOPTION, WaitReason.UNEXPLAINED, WaitReason.DISPUTED})


class Share(Enum):
    """What is known of how a recording fell due: by the passing of time, otherwise, or it was old when it arrived."""

    EXPLAINED = auto()
    UNEXPLAINED = auto()
    DISPUTED = auto()


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
    """Reads the catalogue and sorts what is due. Changes nothing but the bases of streams."""

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

    def ordinary(self, spans: StoreSpans, most: int) -> list[DueRecording] | None:
        """Return the due recordings that the passing of time explains, None if more than `most` rows are due."""
        rows = list(islice(self._rows(spans.explained), most + 1))
        return None if len(rows) > most else [due for row, due in rows if row.arrival is Arrival.ORDINARY]

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

    def share_of(
        self, row: CatalogueRow, due: DueRecording, margin: timedelta, now: datetime, *, by_time: bool
    ) -> Share:
        """Return the share that a due recording has; `by_time` if it lies in an explained span."""
        if row.arrival is Arrival.DISPUTED and not self._grace_over(row, now):
            return Share.DISPUTED
        explained = row.arrival is Arrival.ORDINARY and (by_time or self._kept_until_now(due, margin))
        return Share.EXPLAINED if explained else Share.UNEXPLAINED

    def is_adopting(self, streams: Iterable[Stream]) -> bool:
        """Tell whether no rules were ever accepted for one of these streams, of which something is unexplained."""
        return any(self._catalogue.bases(stream).accepted is None for stream in streams)

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

    def accept_bases(self, store: StoreName, pending: frozenset[Stream]) -> None:
        """Take the current rules of every stream for accepted where nothing waits, as it does in those `pending`."""
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

    def due_of(self, recordings: Iterable[Recording], book: RuleBook) -> Iterator[DueRecording]:
        """Pair recordings with the rules that decide about them now, leaving out what no rule covers."""
        coverages: dict[Stream, Coverage] = {}
        for recording in recordings:
            stream = recording.stream
            coverage = coverages.get(stream) or coverages.setdefault(stream, book.coverage(stream))
            rule = coverage.rule_for(recording.start)
            if rule is not None:
                yield DueRecording(recording, rule)

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


def _alike(basis: Basis, other: Basis) -> bool:
    return basis.margin == other.margin and basis.coverage == other.coverage
