"""Measures what a suspension covers at the moment at which it is placed: how much, how much too much, what is missing.

A person who keeps footage for somebody else has to know at once what is not there, and an inspector has to be able to
see that nothing of it went later. Files are looked at, never opened.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeAlias, TypeGuard

from retentiond.domain import instants
from retentiond.domain.errors import StorageError
from retentiond.domain.recording import CameraName, Category, Identity, Place, Recording, StoreName, Stream, Unit
from retentiond.domain.rule import DeletionRule
from retentiond.domain.span import BEGINNING, Span, within
from retentiond.domain.starts import MAX_RECORDING
from retentiond.domain.suspension import Reach
from retentiond.ports import Catalogue, Listing, Store, WalkStep
from retentiond.services.arrive import written_of

MOST_LOOKED_AT = 10_000
"""So many files at most are looked at for one suspension: nothing else is done meanwhile."""

SHORTEST_GAP = timedelta(seconds=60)
GAPS_LISTED = 50

_TIMED = frozenset({Category.VIDEO, Category.AUDIO})
"""Categories in which a time without a recording is a gap; images are single moments."""

_BACK = (timedelta(minutes=10), timedelta(hours=2), MAX_RECORDING)
_TICK = timedelta(milliseconds=1)
_ANY = DeletionRule("any", frozenset(), timedelta())

Camera: TypeAlias = tuple[StoreName | None, CameraName | None]


@dataclass(frozen=True, slots=True)
class Interval:
    """A half-open span of time."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """A time of which there is no recording. Without a store the camera is in none; without a camera there is none."""

    store: StoreName | None
    camera: CameraName | None
    since: datetime
    until: datetime


@dataclass(slots=True)
class Covered:
    """What a suspension covers. Bytes, overshoot and gaps are of the `looked_at` files; the digest is of all.

    `overshoot` is what is kept beyond what was asked, because recordings are kept whole.
    """

    recordings: int = 0
    looked_at: int = 0
    size_bytes: int = 0
    first: datetime | None = None
    last: datetime | None = None
    overshoot: timedelta = timedelta()
    digest: str | None = None
    gaps: Sequence[Gap] = ()

    @property
    def missing(self) -> timedelta:
        """How much is missing of all cameras together."""
        return sum((gap.until - gap.since for gap in self.gaps), timedelta())

    def fields(self) -> dict[str, Any]:
        """Return it as the record and the answer have it; `digest` is null where not every file was looked at."""
        return {
            "recordings": self.recordings,
            "looked_at": self.looked_at,
            "bytes": self.size_bytes,
            "first": _text(self.first),
            "last": _text(self.last),
            "overshoot_s": int(self.overshoot.total_seconds()),
            "digest": self.digest,
            "gaps": len(self.gaps),
            "missing_s": int(self.missing.total_seconds()),
            "missing": [
                {"store": gap.store, "camera": gap.camera, "from": _text(gap.since), "to": _text(gap.until)}
                for gap in self.gaps[:GAPS_LISTED]
            ],
        }


@dataclass(slots=True)
class _Camera:
    """What was asked for of one camera, and what is there of it."""

    asked: list[Interval] = field(default_factory=list)
    there: list[Interval] = field(default_factory=list)
    complete: bool = True


class HoldMeasure:
    """Looks over what a suspension reaches, in all stores."""

    def __init__(self, catalogue: Catalogue, stores: Mapping[StoreName, Store]) -> None:
        self._catalogue = catalogue
        self._stores = stores

    def running_at_begin(self, reach: Sequence[Reach], *, unseen: bool = True) -> list[Recording]:
        """Return the recordings that began before what is reached and that were still being recorded when it began.

        The look goes back from there until nothing runs any more, at most as far as a recording may be long. One that
        cannot be looked at may have run on: it counts unless `unseen` is false.
        """
        found = {}
        for part in reach:
            for stream in self._streams(part):
                for recording in self._running(stream, part.since, unseen=unseen):
                    found[recording.stream, recording.place] = recording
        return list(found.values())

    def measure(self, wanted: Sequence[Reach], running: Sequence[Reach], now: datetime) -> Covered:
        """Return what is covered at `now`: what is wanted, and what was running when that began.

        Costs what is covered, and looks at some thousand files at most.
        """
        covered, lines = Covered(), []
        reach = (*wanted, *running)
        cameras: dict[Camera, _Camera] = {}
        for part in wanted:
            self._ask(part, now, cameras)
        for stream in dict.fromkeys(stream for part in reach for stream in self._streams(part)):
            spans = within((Span(stream, BEGINNING, now + MAX_RECORDING, _ANY),), reach)
            camera = cameras.get((stream.store, stream.camera), _Camera())
            asked = [Interval(part.since, part.until) for part in wanted if part.selects(stream)]
            covered.recordings += self._catalogue.count(spans)
            for row in self._catalogue.find(spans, MOST_LOOKED_AT - covered.looked_at):
                ended = self._look(row.recording, asked, covered)
                lines.append(_line_of(row.recording))
                if stream.category in _TIMED:
                    camera.there.append(Interval(row.recording.start, ended))
            camera.complete = camera.complete and covered.recordings <= MOST_LOOKED_AT
        covered.digest = _digest(lines) if covered.recordings == covered.looked_at else None
        covered.gaps = [gap for key, camera in cameras.items() if camera.complete for gap in _gaps(key, camera)]
        return covered

    def _streams(self, part: Reach) -> Iterator[Stream]:
        for store in self._stores:
            for stream, count in self._catalogue.streams(store):
                if count and part.selects(stream):
                    yield stream

    def _ask(self, part: Reach, now: datetime, cameras: dict[Camera, _Camera]) -> None:
        """Note of which cameras a recording should be there."""
        if part.categories and part.categories.isdisjoint(_TIMED):
            return
        keys: set[Camera] = {(stream.store, stream.camera) for stream in self._streams(part)}
        interval = Interval(part.since, min(part.until, now))
        for key in keys or {(part.store, part.camera)}:
            if interval.since < interval.until:
                cameras.setdefault(key, _Camera()).asked.append(interval)

    def _running(self, stream: Stream, begin: datetime, *, unseen: bool) -> Iterator[Recording]:
        until = begin - _TICK
        for back in _BACK:
            after = begin - back
            rows = [row.recording for row in self._catalogue.find((Span(stream, after, until, _ANY),))]
            looked = [(item, self._inspect(item)) for item in rows]
            running = [item for item, seen in looked if (unseen or seen is not None) and _ended(item, seen) > begin]
            yield from running
            if rows and not running:
                return
            until = after

    def _look(self, recording: Recording, asked: Iterable[Interval], covered: Covered) -> datetime:
        """Add one recording to what is covered, and return when it ended."""
        looked = self._inspect(recording)
        ended = _ended(recording, looked)
        covered.looked_at += 1
        covered.size_bytes += self._size(recording, looked)
        covered.first = min(covered.first or recording.start, recording.start)
        covered.last = max(covered.last or ended, ended)
        covered.overshoot += _beyond(Interval(recording.start, ended), asked)
        return ended

    def _inspect(self, recording: Recording) -> Identity | None:
        """Look at a recording; one that cannot be seen now is held all the same."""
        try:
            return self._stores[recording.stream.store].inspect(recording.place, recording.unit)
        except StorageError:
            return None

    def _size(self, recording: Recording, looked: Identity | None) -> int:
        if looked is None or recording.unit is Unit.FILE:
            return 0 if looked is None else looked.size_bytes
        store, directory = self._stores[recording.stream.store], recording.place.path
        try:
            listing = store.list_directory(directory)
            files = listing.files if _listed(listing) else ()
            sizes = [store.inspect(Place(directory, name), Unit.FILE) for name in files]
        except StorageError:
            return 0
        return sum(item.size_bytes for item in sizes if item is not None)


def _listed(step: WalkStep | None) -> TypeGuard[Listing]:
    return isinstance(step, Listing)


def _ended(recording: Recording, looked: Identity | None) -> datetime:
    """Return when a recording ended: when it was written last. Where that says nothing, it may be as long as any."""
    written, longest = written_of(looked), recording.start + MAX_RECORDING
    return longest if written is None or written < recording.start else min(written, longest)


def _line_of(recording: Recording) -> str:
    """Return a recording as a JSON list on one line, as the digest of a plan has it, with its store."""
    stream, start = recording.stream, instants.to_ms(recording.start)
    fields = [stream.store, start, recording.unit, stream.camera, stream.category, str(recording.place)]
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(["retentiond hold v1", *sorted(lines), ""]).encode()).hexdigest()


def _beyond(there: Interval, asked: Iterable[Interval]) -> timedelta:
    """Return how much of a recording lies outside of what was asked for."""
    inside = _merged(
        Interval(max(there.since, item.since), min(there.until, item.until))
        for item in asked
        if max(there.since, item.since) < min(there.until, item.until)
    )
    return (there.until - there.since) - sum((item.until - item.since for item in inside), timedelta())


def _gaps(key: Camera, camera: _Camera) -> Iterator[Gap]:
    there = _merged(camera.there)
    for asked in _merged(camera.asked):
        reached = asked.since
        for item in there:
            if item.until <= reached:
                continue
            if item.since >= asked.until:
                break
            if item.since - reached >= SHORTEST_GAP:
                yield Gap(*key, reached, item.since)
            reached = item.until
        if asked.until - reached >= SHORTEST_GAP:
            yield Gap(*key, reached, asked.until)


def _merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Return intervals in order, those that touch made one."""
    merged: list[Interval] = []
    for item in sorted(intervals, key=lambda item: item.since):
        if merged and item.since <= merged[-1].until:
            merged[-1] = Interval(merged[-1].since, max(merged[-1].until, item.until))
        else:
            merged.append(item)
    return merged


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instants.to_text(instant)
