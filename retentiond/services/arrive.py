"""Judges recordings that are seen for the first time: when they start, and how they came to be there (rule 2)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from retentiond.domain import instants
from retentiond.domain.clock import Credible
from retentiond.domain.decide import deadline_of, is_due, latest_due_start
from retentiond.domain.instants import EARLIEST
from retentiond.domain.misnamed import ClockDoubts
from retentiond.domain.recording import Identity, Place, Recognised, Recording, Stream, TimeSource, Unit
from retentiond.domain.rule import Coverage
from retentiond.domain.starts import (
    ARRIVAL_TOLERANCE,
    Doubt,
    Start,
    classify_arrival,
    settle_again,
    settle_in_doubt,
    settle_start,
)
from retentiond.ports import Arrived, Catalogue, CatalogueRow, Entry, EntryKind, Recorder, Sheaf, Store
from retentiond.services.rulebook import RuleBook


@dataclass(frozen=True, slots=True)
class Moment:
    """When a look is taken. `unsettled` is how far the wall clock is off while nothing shows which is right."""

    now: datetime
    unsettled: timedelta | None = None
    doubts: ClockDoubts = field(default_factory=ClockDoubts)

    @classmethod
    def of(cls, trusted: Credible, doubts: ClockDoubts) -> "Moment":
        """Return the moment that trusted time tells, with what the record knows of wrong clocks."""
        return cls(trusted.now, trusted.unsettled, doubts)


@dataclass(frozen=True, slots=True)
class Met:
    """What a listing shows in one directory.

    Attributes:
        starts: for each stream the start in ms that each name tells, None where names carry no time.
        wholes: the directories among these names, each of which is one recording as a whole.
        unclassified: names that no layout explains.
    """

    directory: bytes
    starts: Mapping[Stream, Mapping[bytes, int | None]]
    wholes: Mapping[bytes, Recognised]
    unclassified: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class _Look:
    """What is the same for all recordings that are judged together."""

    moment: Moment
    margin: timedelta
    last_scan: datetime | None

    def plain_after(self, coverage: Coverage) -> int:
        """Return the start in ms from which on a name says all there is to say, if it says nothing of the future.

        Up to there a recording may be due already, which asks how it came to be there; and no time is as early.
        """
        due = [
            latest_due_start(term.rule.deletion_period, self.margin, self.moment.now)
            for term in coverage.terms
            if term.rule is not None and self.last_scan is not None
        ]
        return max([instants.to_ms(EARLIEST) - 1, *map(instants.to_ms, due)])

    @property
    def plain_before(self) -> int:
        """The start in ms from which on a name may be in doubt, for it tells a time to come (S4)."""
        if self.moment.unsettled is not None and self.last_scan is not None:
            return instants.to_ms(EARLIEST)  # all of them: by rule 3 the wall clock decides what counts
        return instants.to_ms(self.moment.now + ARRIVAL_TOLERANCE)

    def undoubted(self, starts_ms: dict[bytes, int]) -> dict[bytes, int]:
        """Return the names that no wrong clock can have given, which are all of them where there was none."""
        doubts = self.moment.doubts
        if not doubts.spells and not doubts.misnamed:
            return starts_ms
        named = {name: instants.from_ms(start) for name, start in starts_ms.items()}
        return {
            name: start
            for name, start in starts_ms.items()
            if doubts.ahead_at(named[name]) is None and not doubts.later_by(named[name])
        }


class Arrivals:
    """Recordings of one store as they arrive. A file is looked at only where its name does not say enough."""

    def __init__(self, store: Store, recorder: Recorder, catalogue: Catalogue) -> None:
        self._store = store
        self._recorder = recorder
        self._catalogue = catalogue

    def judge(
        self, met: Met, unknown: Mapping[Stream, Sequence[bytes]], book: RuleBook, moment: Moment
    ) -> tuple[list[Arrived], list[Sheaf]]:
        """Return the recordings at the `unknown` names, less those that are gone again.

        Those of which their names say everything come in sheaves. They are nearly all, and need no look at any file.
        """
        look = _Look(moment, book.policy.margin, self._catalogue.scan_state(self._store.name).last_complete)
        arrived: list[Arrived] = []
        sheaves = []
        for stream, names in unknown.items():
            coverage = book.coverage(stream)
            after, before, starts = look.plain_after(coverage), look.plain_before, met.starts[stream]
            plain = {
                name: start
                for name in names
                if (start := starts[name]) is not None and after < start < before and name not in met.wholes
            }
            plain = look.undoubted(plain)
            sheaves.append(Sheaf(stream, moment.now, plain))
            if len(plain) < len(names):
                careful = [name for name in names if name not in plain]
                arrived += self._judge_each(met, careful, coverage, look)
        return arrived, [sheaf for sheaf in sheaves if sheaf.starts_ms]

    def _judge_each(self, met: Met, names: Sequence[bytes], coverage: Coverage, look: _Look) -> Iterable[Arrived]:
        files = [Entry(name, EntryKind.FILE) for name in names if name not in met.wholes]
        read = dict(zip((item.name for item in files), self._recorder.classify(met.directory, files), strict=True))
        for name in names:
            sighting = met.wholes.get(name) or read[name]
            item = None
            if isinstance(sighting, Recognised):
                item = self._judge(Place(met.directory, name), sighting, coverage, look)
            if item is not None:
                yield item

    def judge_again(self, leap: timedelta, moment: Moment) -> None:
        """Settle the starts that were left open while the clock was unsettled; trusted time leapt by `leap`."""
        for row in self._catalogue.odd(self._store.name):
            if row.doubt is Doubt.CLOCK_UNSETTLED and row.first_seen is not None:
                self._judge_again(row, row.first_seen - row.recording.start, leap, moment)

    def _judge_again(self, row: CatalogueRow, unsettled: timedelta, leap: timedelta, moment: Moment) -> None:
        recording = row.recording
        place = recording.place
        kind = EntryKind.FILE if recording.unit is Unit.FILE else EntryKind.DIRECTORY
        (sighting,) = self._recorder.classify(place.directory, (Entry(place.name, kind),))
        if not isinstance(sighting, Recognised):
            return  # the next scan drops it
        looked = self._store.inspect(place, recording.unit) if sighting.start is None else None
        written = written_of(looked)
        start = _corrected(
            settle_again(recording.start, sighting.start, written, unsettled=unsettled, leap=leap, now=moment.now),
            moment,
        )
        again = Recording(recording.stream, place, _whole_ms(start), recording.unit)
        self._catalogue.restart(recording, Arrived(again, again.start, start.doubt, row.arrival))

    def _judge(self, place: Place, sighting: Recognised, coverage: Coverage, look: _Look) -> Arrived | None:
        now = look.moment.now
        looked: Identity | None = None
        if sighting.start is None:
            looked = self._store.inspect(place, sighting.unit)
            if looked is None and self._store.is_gone(place):
                return None  # one that is there and cannot be looked at counts from now, and is told when it falls due
        named = _corrected(settle_start(sighting.start, written_of(looked), first_seen=now, now=now), look.moment)
        start, first_seen = self._counted(named, look)
        recording = Recording(coverage.stream, place, _whole_ms(start), sighting.unit)
        rule = coverage.rule_for(recording.start)
        if look.last_scan is None or rule is None:
            return Arrived(recording, first_seen, start.doubt)
        if not is_due(recording.start, rule.deletion_period, look.margin, now):
            return Arrived(recording, first_seen, start.doubt)
        looked = looked or self._store.inspect(place, sighting.unit)
        if looked is None and self._store.is_gone(place):  # deleted since the listing was made
            return None
        arrival = classify_arrival(
            recording.start,
            deadline_of(recording.start, rule),
            birth=None if looked is None else birth_of(looked),
            first_seen=now,
            last_scan=look.last_scan,
        )
        return Arrived(replace(recording, start=_whole_ms(named)), now, named.doubt, arrival)

    def _counted(self, named: Start, look: _Look) -> tuple[Start, datetime]:
        """Return the start that counts for now, and the first sight: by the wall clock while that is unsettled."""
        now, unsettled = look.moment.now, look.moment.unsettled
        if unsettled is not None and named.source is not TimeSource.FIRST_SEEN:
            unsettled = _in_doubt(named.instant, unsettled, look)
        if unsettled is None:
            return named, now
        start = settle_in_doubt(named, unsettled=unsettled, first_seen=now)
        return start, _whole_ms(start) + unsettled if start.doubt is Doubt.CLOCK_UNSETTLED else now


def _in_doubt(named: datetime, unsettled: timedelta, look: _Look) -> timedelta | None:
    """Return how far off the clock was that gave a name, None if nothing speaks for its having been off.

    A store that is looked at for the first time was mostly written while the clock was right, and so was what looks
    old to a clock that is ahead: in both only names that were given during the doubt are doubted.
    """
    given = look.moment.doubts.ahead_at(named)
    if given is not None:
        return given
    return None if look.last_scan is None or unsettled > ARRIVAL_TOLERANCE else unsettled


def _corrected(named: Start, moment: Moment) -> Start:
    """Let a recording count later if its name may be one that a clock gave which was behind."""
    later = timedelta() if named.source is TimeSource.FIRST_SEEN else moment.doubts.later_by(named.instant)
    if not later:
        return named
    return Start(min(named.instant + later, moment.now), TimeSource.FIRST_SEEN, Doubt.NAMED_BEHIND)


def written_of(identity: Identity | None) -> datetime | None:
    """Return the file's mtime, None where it is beyond what a datetime can hold."""
    return None if identity is None else _instant(identity.mtime_ns)


def birth_of(identity: Identity) -> datetime | None:
    """Return the file's birth time where the file system keeps it."""
    return None if identity.birth_ns is None else _instant(identity.birth_ns)


def _instant(nanoseconds: int) -> datetime | None:
    try:
        return instants.from_ns(nanoseconds)
    except OverflowError:
        return None


def _whole_ms(start: Start) -> datetime:
    return start.instant - timedelta(microseconds=start.instant.microsecond % 1000)
