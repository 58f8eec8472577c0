"""The index over the stores, and the values that go in and out of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from retentiond.domain.recording import Recording, StoreName, Stream
from retentiond.domain.run import Plan, StoreCensus
from retentiond.domain.span import Basis, Span
from retentiond.domain.starts import Arrival, Doubt
from retentiond.ports.store import Listing, Stamps


@dataclass(frozen=True, slots=True)
class Arrived:
    """A recording that is new to the catalogue, with what was odd about it when it was first seen."""

    recording: Recording
    first_seen: datetime
    doubt: Doubt | None = None
    arrival: Arrival = Arrival.ORDINARY


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """A recording in the catalogue. The last three say what was odd at first sight; most rows have nothing."""

    recording: Recording
    first_seen: datetime | None = None
    doubt: Doubt | None = None
    arrival: Arrival = Arrival.ORDINARY


@dataclass(frozen=True, slots=True)
class Sheaf:
    """Files of one stream in one directory that are new to the catalogue, with nothing odd about any of them.

    What `Arrived` says of each of them it says of all at once: a first scan meets millions.
    """

    stream: Stream
    first_seen: datetime
    starts_ms: Mapping[bytes, int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A listed directory beside what the catalogue has of it: names that are new, recordings that are gone."""

    unknown: Mapping[Stream, Sequence[bytes]]
    vanished: tuple[Recording, ...]


@dataclass(frozen=True, slots=True)
class ScanState:
    """How far the scanning of a store has come."""

    last_complete: datetime | None
    resume_after: bytes | None


@dataclass(frozen=True, slots=True)
class StreamBases:
    """What explains deletions of a stream: the accepted rules, and newer ones that still wait for approval."""

    current: Basis | None
    accepted: Basis | None


@dataclass(frozen=True, slots=True)
class Setback:
    """A recording that could not be deleted so far."""

    recording: Recording
    attempts: int
    error: str
    retry_at: datetime


class Catalogue(Protocol):
    """An index over the stores; rebuildable, never the truth. Each method is one transaction."""

    def together(self) -> AbstractContextManager[None]:
        """Let all that is done within happen at the end of it; nothing of it happens if an error leaves it."""
        ...

    def streams(self, store: StoreName) -> Sequence[tuple[Stream, int]]:
        """Return the streams of a store with the count of their recordings."""
        ...

    def census(self, store: StoreName) -> StoreCensus:
        """Return counts and the newest start. Costs streams, not recordings."""
        ...

    def compare(
        self, store: StoreName, listing: Listing, seen: Mapping[Stream, Mapping[bytes, int | None]]
    ) -> Comparison:
        """Compare the recordings seen in a listed directory with those known.

        `seen` has, for each stream, the start in ms that each name tells, None where names carry no time.

        One whose name is read as another start than the catalogue has, without a doubt that explains it, counts as
        unknown: the layout was corrected, and `update` replaces its row.
        """
        ...

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
        """Take in what a listing showed, and remember the directory's stamp if it is settled (ADR 0031).

        What arrived is in `arrived`, or in `sheaves` where nothing is odd about it.
        """
        ...

    def forget(self, recordings: Sequence[Recording], *, trail_seq: int | None = None) -> None:
        """Drop rows; with `trail_seq`, remember that the trail is reflected up to there."""
        ...

    def restart(self, former: Recording, again: Arrived) -> None:
        """Replace a row by one of the same place with another start: the file was written again (S7)."""
        ...

    def forget_directories(self, store: StoreName, parent: bytes, children: Iterable[bytes]) -> Sequence[Recording]:
        """Drop directories directly below `parent` that are not among `children`, with their rows; return those."""
        ...

    def find(self, spans: Sequence[Span], limit: int | None = None) -> Iterator[CatalogueRow]:
        """Yield the rows of the spans, oldest first within each span, without duplicates between spans of a stream."""
        ...

    def count(self, spans: Sequence[Span]) -> int:
        """Count the rows of the spans."""
        ...

    def oldest(self, stream: Stream, since: datetime | None, until: datetime | None) -> datetime | None:
        """Return the oldest start of a stream with `since <= start < until`."""
        ...

    def newest(self, stream: Stream) -> datetime | None:
        """Return the newest start of a stream."""
        ...

    def first_seen(self, recording: Recording) -> datetime | None:
        """Return when a recording was first met, up to a minute later.

        None if it is not in the catalogue, or if its start was in doubt: the clocks may have disagreed then.
        """
        ...

    def odd(self, store: StoreName) -> Sequence[CatalogueRow]:
        """Return the rows that had something odd at first sight."""
        ...

    def knows_directory(self, store: StoreName, directory: bytes) -> bool:
        """Tell whether a directory of this path was listed before."""
        ...

    def count_directories(self, store: StoreName) -> int:
        """Count the directories that were listed."""
        ...

    def stamps(self, store: StoreName) -> Stamps:
        """Return every directory that was listed, with its stamp while that can be trusted.

        It can be no more once a row of the directory was dropped other than by `update`: the file may be there.
        """
        ...

    def distrust(self, store: StoreName, directory: bytes) -> None:
        """Trust the stamp of a directory no more."""
        ...

    def unclassified(self, store: StoreName) -> tuple[int, Sequence[bytes]]:
        """Return how many names no layout explains, and a sample of their paths."""
        ...

    def scan_state(self, store: StoreName) -> ScanState:
        """Return how far scanning has come."""
        ...

    def set_scan_state(self, store: StoreName, state: ScanState) -> None:
        """Remember how far scanning has come."""
        ...

    def bases(self, stream: Stream) -> StreamBases:
        """Return what explains deletions of a stream."""
        ...

    def set_bases(self, stream: Stream, bases: StreamBases) -> None:
        """Remember what explains deletions of a stream."""
        ...

    def setbacks(self, store: StoreName) -> Sequence[Setback]:
        """Return the recordings that could not be deleted so far."""
        ...

    def note_setback(self, setback: Setback) -> None:
        """Remember a failure. Forgotten with the row."""
        ...

    def gather(self, store: StoreName, members: Sequence[Recording]) -> None:
        """Add to the set that is to wait for approval; it counts for nothing until it is frozen.

        A plan that waits is dropped by that: what was approved never grows.
        """
        ...

    def freeze(self, plan: Plan) -> None:
        """Let what was gathered since the last `thaw` wait for approval under this plan."""
        ...

    def waiting(self, store: StoreName) -> Plan | None:
        """Return the plan of a store that waits for approval."""
        ...

    def members(self, store: StoreName) -> Iterator[CatalogueRow]:
        """Yield what is left of the set that waits, oldest first. Nothing waits without a plan."""
        ...

    def left_of_plan(self, store: StoreName) -> int:
        """Count what is left of the set that waits."""
        ...

    def thaw(self, store: StoreName) -> None:
        """Drop the set that waits, and what was gathered for another."""
        ...

    def trail_position(self) -> int:
        """Return how many records of the trail the catalogue reflects."""
        ...
