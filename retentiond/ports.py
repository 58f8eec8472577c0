"""What the services need from the outside: small protocols, each docstring is the contract.

Adapters implement them, fakes in tests/fakes implement them, and one contract suite runs against both.
Anything an adapter raises is a `RetentiondError`; an `OSError` never passes a port.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, TypeAlias

from retentiond.domain.clock import ClockAnchor, ClockReading
from retentiond.domain.decisions import Decisions, OpenIntent
from retentiond.domain.event import Event, Record
from retentiond.domain.finding import Finding
from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import (
    Identity,
    Place,
    Recording,
    Sighting,
    StoreName,
    Stream,
    Unit,
)
from retentiond.domain.run import Plan, StoreCensus
from retentiond.domain.span import Basis, Span
from retentiond.domain.starts import Arrival, Doubt

# --- time -----------------------------------------------------------------------------------------------------


class SystemClock(Protocol):
    """The machine's clocks. The only reader of time in the program."""

    def read(self) -> ClockReading:
        """Return all clocks at one instant. Never raises."""
        ...


class ClockMemory(Protocol):
    """Where trusted time survives a restart."""

    def load(self) -> ClockAnchor | None:
        """Return the anchor saved last, None if there never was one.

        Raises:
            StorageError: there is one and it cannot be read; a damaged anchor is no fresh start.
        """
        ...

    def save(self, anchor: ClockAnchor) -> None:
        """Replace the anchor durably. Raises StorageError."""
        ...


# --- recorders ------------------------------------------------------------------------------------------------


class EntryKind(StrEnum):
    """What a directory entry is, without following it."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a directory."""

    name: bytes
    kind: EntryKind


class Recorder(Protocol):
    """What is known of one recorder at one store: its layout, its cameras. Pure but for `devices`."""

    @property
    def kind(self) -> str:
        """The recorder's name in the configuration, such as `motion`."""
        ...

    def classify(self, directory: bytes, entries: Sequence[Entry]) -> Sequence[Sighting]:
        """Say of each entry, in order, what it is; directories included.

        `Recognised` with unit DIRECTORY is one recording as a whole; every other directory is walked. Links and
        special files are never `Recognised`. A name never yields another camera's recording.
        """
        ...

    def made_directory(self, directory: bytes) -> bool:
        """Tell whether the layout itself makes this directory, so that it may be pruned when empty."""
        ...

    def devices(self) -> Sequence[SeenDevice]:
        """Return the cameras in the recorder's own configuration. Raises StorageError if it cannot be read."""
        ...


# --- the store ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoreIdentity:
    """What a store is known by: the UUID in its marker, and the file system it lies on."""

    uuid: str
    fsid: int
    inode: int
    fs_type: str


@dataclass(frozen=True, slots=True)
class Present:
    """The store is there and is the one that was adopted."""

    identity: StoreIdentity
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Unadopted:
    """A directory is there that carries no marker and was never adopted under this name."""


@dataclass(frozen=True, slots=True)
class Absent:
    """Nothing is there, or not the disk that should be. `why` is for people."""

    why: str


@dataclass(frozen=True, slots=True)
class Foreign:
    """Something else is there than what was adopted. `why` is for people."""

    why: str


StoreCondition: TypeAlias = Present | Unadopted | Absent | Foreign


@dataclass(frozen=True, slots=True)
class DirectoryStamp:
    """What changes when a directory's list of names does."""

    inode: int
    mtime_ns: int
    ctime_ns: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A directory that was listed completely. Only here does a missing name prove that a file is gone."""

    directory: bytes
    stamp: DirectoryStamp
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A directory that was not listed: unreadable, too deep, another mount. It proves nothing."""

    directory: bytes
    why: str
    too_deep: bool = False


WalkStep: TypeAlias = Listing | Unlisted


class Refusal(StrEnum):
    """Why a recording could not be pinned."""

    GONE = "gone"
    NOT_A_RECORDING = "not_a_recording"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class PinRefused:
    """The recording is not there, or not what the layout promised. `error` is an errno name or empty."""

    refusal: Refusal
    error: str = ""


@dataclass(frozen=True, slots=True)
class Pinned:
    """A recording that is held by a descriptor until its chunk is closed."""

    place: Place
    identity: Identity
    handle: int


@dataclass(frozen=True, slots=True)
class Removed:
    """Name removed, directory synced, name verified gone. `observed` is set when recovery found it so."""

    size_bytes: int
    links_left: int = 0
    open_elsewhere: bool | None = None
    observed: str | None = None


@dataclass(frozen=True, slots=True)
class Voided:
    """Nothing was deleted: the file was another, or is still being written, and is back under its name."""

    why: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The system refused. `error` is an errno name; the recording is where it was."""

    error: str


Removal: TypeAlias = Removed | Voided | Failed


class ClaimChunk(Protocol):
    """Deletes the recordings of one chunk: pin, (intent), remove, settle. The only way to delete.

    Between `pin` and `remove` the caller puts the intent on the record; outcomes are known only after `settle`.
    """

    def pin(self, place: Place, unit: Unit) -> Pinned | PinRefused:
        """Open the recording without following any link or leaving the file system, and say what it is."""
        ...

    def remove(self, pinned: Pinned, claim: str) -> None:
        """Claim the recording under the name `claim`, verify that it is what was pinned, and unlink it."""
        ...

    def settle(self) -> Mapping[str, Removal]:
        """Sync every directory touched, verify, and return what became of each claim since the last settle.

        Raises:
            StorageError: a directory could not be synced; nothing is known, and the intents stay open (I2).
        """
        ...

    def recover(self, intent: OpenIntent) -> Removal:
        """Finish or undo what a crash left of `intent` (I4). Raises StorageError as `settle` does."""
        ...

    def unexplained(self, claims: Iterable[str]) -> Sequence[str]:
        """Return names in the claim directory that are none of `claims`. They are left alone."""
        ...

    def prune(self, directory: bytes) -> bool:
        """Remove an empty directory, never the store itself. False if it is not empty or not there."""
        ...


class Store(Protocol):
    """One store: its identity, a walk over it, and deletion in it."""

    @property
    def name(self) -> StoreName:
        """The operator's name."""
        ...

    def examine(self) -> StoreCondition:
        """Look whether the store is there and the one adopted. Cheap; called before each run and chunk."""
        ...

    def adopt(self) -> StoreIdentity:
        """Write the marker and the claim directory, or take up a marker that is there. Raises StorageError."""
        ...

    def walk(self, descend: Callable[[bytes, Entry], bool]) -> Iterator[WalkStep]:
        """Yield every directory, parents before children, in the order of names, without following links.

        `descend` is asked for each subdirectory. Never raises for a directory that cannot be listed: that is an
        `Unlisted` step. Depth is limited to 16.
        """
        ...

    def list_directory(self, directory: bytes) -> WalkStep | None:
        """List one directory; None if it does not exist."""
        ...

    def inspect(self, place: Place, unit: Unit) -> Identity | None:
        """Look at one recording without opening its content; None if it is gone or cannot be reached."""
        ...

    def chunk(self) -> AbstractContextManager[ClaimChunk]:
        """Open the store for one chunk of deletions. Raises StorageError."""
        ...


class Watch(Protocol):
    """Tells early that directories changed. A hint: nothing is decided by it, and it may lose anything (I8)."""

    def start(self, wake: Callable[[StoreName, bytes], None]) -> None:
        """Begin to call `wake(store, directory)` from a thread of its own. Never raises."""
        ...

    def proven(self, store: StoreName) -> bool:
        """Tell whether the canary was seen lately, so that silence means no change."""
        ...

    def probe(self) -> None:
        """Touch the canary of each store and renew watches that have died. Never raises."""
        ...

    def stop(self) -> None:
        """End the threads."""
        ...


# --- the catalogue --------------------------------------------------------------------------------------------


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
class Seen:
    """A recording as a listing shows it. `start` is what its name tells, None where names carry no time."""

    stream: Stream
    place: Place
    start: datetime | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A listed directory beside what the catalogue has of it."""

    unknown: tuple[Place, ...]
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

    def streams(self, store: StoreName) -> Sequence[tuple[Stream, int]]:
        """Return the streams of a store with the count of their recordings."""
        ...

    def census(self, store: StoreName) -> StoreCensus:
        """Return counts and the newest start. Costs streams, not recordings."""
        ...

    def compare(self, store: StoreName, listing: Listing, seen: Iterable[Seen]) -> Comparison:
        """Compare the recordings seen in a listed directory with those known.

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
    ) -> None:
        """Take in what a listing showed, and remember the directory's stamp."""
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

    def odd(self, store: StoreName) -> Sequence[CatalogueRow]:
        """Return the rows that had something odd at first sight."""
        ...

    def knows_directory(self, store: StoreName, directory: bytes) -> bool:
        """Tell whether a directory of this path was listed before."""
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

    def freeze(self, plan: Plan, members: Sequence[Recording]) -> None:
        """Keep the exact set that waits for approval, replacing the store's former one."""
        ...

    def waiting(self, store: StoreName) -> Plan | None:
        """Return the plan of a store that waits for approval."""
        ...

    def members(self, store: StoreName) -> Iterator[CatalogueRow]:
        """Yield what is left of the set that waits, oldest first."""
        ...

    def thaw(self, store: StoreName) -> None:
        """Drop the set that waits."""
        ...

    def trail_position(self) -> int:
        """Return how many records of the trail the catalogue reflects."""
        ...


# --- the audit trail ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Head:
    """Size and root of the trail, over durable lines only (I3)."""

    size: int
    root: bytes
    signed: bool


class AuditTrail(Protocol):
    """The append-only record. One writer."""

    def append(self, events: Sequence[Event]) -> Sequence[Record]:
        """Write the events in order; they are durable when this returns.

        Raises:
            StorageError: the trail cannot be written. Nothing of the batch counts, nothing may be deleted on it.
        """
        ...

    def head(self) -> Head:
        """Return the newest head that covers durable lines only."""
        ...

    def records(self, since: int = 0) -> Iterator[Record]:
        """Yield the records from index `since` on. Raises AuditDamagedError at a line that is none."""
        ...


class DecisionCache(Protocol):
    """A copy of the fold beside the trail. It may be missing or old; it may not lie."""

    def load(self, trail: AuditTrail) -> Decisions:
        """Return the fold of the whole trail, from the cache where it agrees with the trail."""
        ...

    def save(self, decisions: Decisions) -> None:
        """Keep the fold. Never raises: it is only a cache."""
        ...


# --- to the world ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """One stream as the world may see it."""

    stream: Stream
    recordings: int
    oldest: datetime | None
    newest: datetime | None
    overdue: int
    period_s: int | None


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """One store as the world may see it."""

    name: StoreName
    condition: str
    recordings: int
    unclassified: int
    uncovered: int
    suspended: int
    last_scan: datetime | None
    scanning: bool
    watch_proven: bool
    waiting: Plan | None
    next_due: datetime | None
    streams: tuple[StreamStatus, ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that status, metrics and the page show, of one instant. Immutable, so that threads may share it."""

    taken_at: datetime
    started_at: datetime
    mode: str
    clock_state: str
    clock_ahead_s: float
    synchronised: bool
    head: Head
    findings: tuple[Finding, ...]
    stores: tuple[StoreStatus, ...]
    policy_digest: str
    register_digest: str
    heartbeat_at: datetime | None


class Observer(Protocol):
    """Hears what happens, for metrics and logs. Never raises, never learns a path or the name of a person (I10)."""

    def deleted(self, stream: Stream, *, late_s: float, size_bytes: int, seq: int) -> None:
        """A recording was deleted, `late_s` seconds after it fell due; record `seq` says so."""
        ...

    def not_deleted(self, store: StoreName, reason: str) -> None:
        """A deletion failed with this errno name, or was void for this reason."""
        ...

    def removed_by_others(self, store: StoreName, count: int) -> None:
        """Recordings vanished that this program did not delete."""
        ...

    def task(self, name: str, *, ok: bool, seconds: float, at: datetime) -> None:
        """A piece of work ended."""
        ...

    def publish(self, snapshot: Snapshot) -> None:
        """A newer snapshot replaces the last."""
        ...
