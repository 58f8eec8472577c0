"""The catalogue in plain dicts: slow, and so simple that one sees that it is right."""

import copy
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from operator import attrgetter

from retentiond.domain import instants, names
from retentiond.domain.recording import CameraName, Place, Recording, StoreName, Stream
from retentiond.domain.run import Plan, StoreCensus
from retentiond.domain.span import Span
from retentiond.domain.starts import Arrival
from retentiond.ports import (
    Arrived,
    CatalogueRow,
    Comparison,
    DirectoryStamp,
    Listing,
    ScanState,
    Setback,
    Sheaf,
    Stamps,
    StreamBases,
)

SAMPLES = 100

Key = tuple[Stream, Place, datetime]
Directory = tuple[StoreName, bytes]


class MemoryCatalogue:
    """`Catalogue`; what it answers is what the real one has to answer."""

    def __init__(self) -> None:
        self._streams: dict[Stream, StreamBases] = {}
        self._rows: dict[Key, CatalogueRow] = {}
        self._seen: dict[Key, datetime] = {}
        self._setbacks: dict[Key, Setback] = {}
        self._unclassified: dict[Directory, int] = {}
        self._stamps: dict[Directory, DirectoryStamp | None] = {}
        self._sample: dict[Directory, list[bytes]] = {}
        self._scans: dict[StoreName, ScanState] = {}
        self._plans: dict[StoreName, Plan] = {}
        self._members: dict[StoreName, set[Key]] = {}
        self._trail = 0

    @contextmanager
    def together(self) -> Iterator[None]:
        before = copy.deepcopy(self.__dict__)
        try:
            yield
        except BaseException:
            self.__dict__.update(before)
            raise

    # --- streams ------------------------------------------------------------------------------------------------

    def streams(self, store: StoreName) -> Sequence[tuple[Stream, int]]:
        return [(stream, len(self._starts(stream))) for stream in self._streams if stream.store == store]

    def census(self, store: StoreName) -> StoreCensus:
        by_camera: dict[CameraName, int] = {}
        for stream, count in self.streams(store):
            if count:
                by_camera[stream.camera] = by_camera.get(stream.camera, 0) + count
        starts = [start for stream, _ in self.streams(store) for start in self._starts(stream)]
        return StoreCensus(len(starts), by_camera, max(starts, default=None))

    def oldest(self, stream: Stream, since: datetime | None, until: datetime | None) -> datetime | None:
        return min(
            (
                start
                for start in self._starts(stream)
                if (since is None or whole_ms(since) <= start) and (until is None or start < whole_ms(until))
            ),
            default=None,
        )

    def newest(self, stream: Stream) -> datetime | None:
        return max(self._starts(stream), default=None)

    def bases(self, stream: Stream) -> StreamBases:
        return self._streams.get(stream, StreamBases(None, None))

    def set_bases(self, stream: Stream, bases: StreamBases) -> None:
        self._streams[stream] = bases

    # --- listings -----------------------------------------------------------------------------------------------

    def compare(
        self, store: StoreName, listing: Listing, seen: Mapping[Stream, Mapping[bytes, int | None]]
    ) -> Comparison:
        known: dict[tuple[Stream, bytes], CatalogueRow] = {}
        gone = []
        rows = (
            row for key, row in self._rows.items() if (key[0].store, key[1].directory) == (store, listing.directory)
        )
        for row in sorted(rows, key=_oldest_first):
            stream, name = row.recording.stream, row.recording.place.name
            if name not in seen.get(stream, {}) or known.setdefault((stream, name), row) is not row:
                gone.append(row.recording)
        unknown: dict[Stream, tuple[bytes, ...]] = {}
        for stream, told in seen.items():
            new = [name for name in told if (stream, name) not in known]
            moved = [
                name
                for (owner, name), row in known.items()
                if owner == stream and row.doubt is None
                if told[name] not in (None, instants.to_ms(row.recording.start))
            ]
            if new or moved:
                unknown[stream] = (*new, *moved)
        return Comparison(unknown, tuple(gone))

    def update(
        self,
        store: StoreName,
        listing: Listing,
        arrived: Sequence[Arrived],
        vanished: Sequence[Recording],
        unclassified: Sequence[bytes],
        *,
        sheaves: Sequence[Sheaf] = (),
    ) -> None:
        self._drop([key_of(item) for item in vanished])
        coming = [*arrived, *(item for sheaf in sheaves for item in arrivals_of(sheaf, listing.directory))]
        taken = {(store, item.recording.place) for item in coming}
        keys = {key_of(item.recording) for item in coming}
        self._drop([key for key in self._rows if (key[0].store, key[1]) in taken and key not in keys])
        for item in coming:
            self._add(item)
        directory = store, listing.directory
        self._stamps[directory] = listing.stamp if listing.settled else None
        self._unclassified[directory] = len(unclassified)
        self._sample.pop(directory, None)
        self._sample[directory] = list(unclassified[: SAMPLES - len(self.unclassified(store)[1])])

    def knows_directory(self, store: StoreName, directory: bytes) -> bool:
        return (store, directory) in self._unclassified

    def count_directories(self, store: StoreName) -> int:
        return len(self.stamps(store))

    def stamps(self, store: StoreName) -> Stamps:
        return {path: stamp for (owner, path), stamp in self._stamps.items() if owner == store}

    def distrust(self, store: StoreName, directory: bytes) -> None:
        if (store, directory) in self._stamps:
            self._stamps[store, directory] = None

    def forget_directories(self, store: StoreName, parent: bytes, children: Iterable[bytes]) -> Sequence[Recording]:
        kept = set(children)

        def is_gone(path: bytes) -> bool:
            prefix = parent + b"/" if parent else b""
            below = path != b"" and path.startswith(prefix)
            return below and path[len(prefix) :].split(b"/")[0] not in kept

        gone = [key for key in self._rows if key[0].store == store and is_gone(key[1].directory)]
        lost = [self._rows[key].recording for key in gone]
        self._drop(gone)
        for directory in [item for item in self._unclassified if item[0] == store and is_gone(item[1])]:
            del self._unclassified[directory]
            del self._stamps[directory]
            del self._sample[directory]
        return lost

    def unclassified(self, store: StoreName) -> tuple[int, Sequence[bytes]]:
        count = sum(number for (owner, _), number in self._unclassified.items() if owner == store)
        sample = [
            names.join(path, name) for (owner, path), found in self._sample.items() if owner == store for name in found
        ]
        return count, sample

    # --- recordings ---------------------------------------------------------------------------------------------

    def find(self, spans: Sequence[Span], limit: int | None = None) -> Iterator[CatalogueRow]:
        found = self._found(spans)
        yield from found if limit is None else found[:limit]

    def count(self, spans: Sequence[Span]) -> int:
        return len(self._found(spans))

    def first_seen(self, recording: Recording) -> datetime | None:
        seen = self._seen.get(key_of(recording))
        if seen is None or self._rows[key_of(recording)].doubt is not None:
            return None
        start = whole_ms(recording.start)
        return start + timedelta(minutes=math.ceil((whole_ms(seen) - start) / timedelta(minutes=1)))

    def odd(self, store: StoreName) -> Sequence[CatalogueRow]:
        return [row for key, row in self._rows.items() if key[0].store == store and row != CatalogueRow(row.recording)]

    def forget(self, recordings: Sequence[Recording], *, trail_seq: int | None = None) -> None:
        self._drop([key_of(item) for item in recordings])
        self._trail = self._trail if trail_seq is None else trail_seq

    def restart(self, former: Recording, again: Arrived) -> None:
        self._drop([key_of(former)])
        self._add(again)

    def trail_position(self) -> int:
        return self._trail

    def setbacks(self, store: StoreName) -> Sequence[Setback]:
        return [setback for key, setback in self._setbacks.items() if key[0].store == store]

    def note_setback(self, setback: Setback) -> None:
        key = key_of(setback.recording)
        if key in self._rows:
            recording = self._rows[key].recording
            self._setbacks[key] = Setback(recording, setback.attempts, setback.error, whole_ms(setback.retry_at))

    # --- scans and plans ----------------------------------------------------------------------------------------

    def scan_state(self, store: StoreName) -> ScanState:
        return self._scans.get(store, ScanState(None, None))

    def set_scan_state(self, store: StoreName, state: ScanState) -> None:
        last = None if state.last_complete is None else whole_ms(state.last_complete)
        self._scans[store] = ScanState(last, state.resume_after)

    def gather(self, store: StoreName, members: Sequence[Recording]) -> None:
        self._plans.pop(store, None)
        self._members.setdefault(store, set()).update({key_of(item) for item in members} & self._rows.keys())

    def freeze(self, plan: Plan) -> None:
        self._plans[plan.store] = Plan(plan.store, plan.digest, plan.count, plan.why, whole_ms(plan.created))

    def waiting(self, store: StoreName) -> Plan | None:
        return self._plans.get(store)

    def members(self, store: StoreName) -> Iterator[CatalogueRow]:
        if store in self._plans:
            yield from sorted((self._rows[key] for key in self._members.get(store, ())), key=_oldest_first)

    def left_of_plan(self, store: StoreName) -> int:
        return len(list(self.members(store)))

    def thaw(self, store: StoreName) -> None:
        self._plans.pop(store, None)
        self._members.pop(store, None)

    # --- rows ---------------------------------------------------------------------------------------------------

    def _starts(self, stream: Stream) -> list[datetime]:
        return [start for owner, _, start in self._rows if owner == stream]

    def _found(self, spans: Sequence[Span]) -> list[CatalogueRow]:
        return [
            row
            for stream in dict.fromkeys(span.stream for span in spans)
            for row in sorted(self._rows.values(), key=_oldest_first)
            if row.recording.stream == stream
            if any(
                span.stream == stream and whole_ms(span.after) < row.recording.start <= whole_ms(span.until)
                for span in spans
            )
        ]

    def _add(self, item: Arrived) -> None:
        recording = item.recording
        start = whole_ms(recording.start)
        self._streams.setdefault(recording.stream, StreamBases(None, None))
        row = CatalogueRow(Recording(recording.stream, recording.place, start, recording.unit))
        if item.doubt is not None or item.arrival is not Arrival.ORDINARY:
            row = CatalogueRow(row.recording, whole_ms(item.first_seen), item.doubt, item.arrival)
        if self._rows.setdefault(key_of(recording), row) is row:
            self._seen[key_of(recording)] = item.first_seen

    def _drop(self, keys: Iterable[Key]) -> None:
        for key in keys:
            if self._rows.pop(key, None) is not None:
                self.distrust(key[0].store, key[1].directory)
            self._seen.pop(key, None)
            self._setbacks.pop(key, None)
            for members in self._members.values():
                members.discard(key)


def arrivals_of(sheaf: Sheaf, directory: bytes) -> list[Arrived]:
    """Return what a sheaf says, said of each of its recordings."""
    return [
        Arrived(Recording(sheaf.stream, Place(directory, name), instants.from_ms(start)), sheaf.first_seen)
        for name, start in sheaf.starts_ms.items()
    ]


def key_of(recording: Recording) -> Key:
    return recording.stream, recording.place, whole_ms(recording.start)


def whole_ms(instant: datetime) -> datetime:
    """Return the instant as the catalogue keeps it: in whole milliseconds, rounded down."""
    return instants.from_ms(instants.to_ms(instant))


_oldest_first = attrgetter("recording.start", "recording.stream", "recording.place")
