"""What status, metrics and logs are told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from retentiond.domain.finding import Finding, FindingKey
from retentiond.domain.recording import (
    StoreName,
    Stream,
)
from retentiond.domain.register import DeviceKind
from retentiond.domain.run import Plan
from retentiond.ports.store import Space, Watching
from retentiond.ports.trail import Head


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """One stream as the world may see it. `overdue` leaves out what a suspension keeps.

    `overdue_since` is the first deadline that was missed by what is still there, and `refused` counts, by the reason,
    what of it could not be deleted.
    """

    stream: Stream
    recordings: int
    oldest: datetime | None
    newest: datetime | None
    overdue: int
    period_s: int | None
    overdue_since: datetime | None = None
    refused: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ScanProgress:
    """How far a scan that runs has come; `expected` is how many directories there were last time, None if unknown."""

    began: datetime
    directories: int
    expected: int | None

    def left(self, now: datetime) -> timedelta | None:
        """Return how long it takes yet if it goes on as it went, None if nothing shows that."""
        if self.expected is None or self.directories == 0:
            return None
        return max(0, self.expected - self.directories) * (now - self.began) / self.directories


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
    scan: ScanProgress | None
    space: Space | None
    watching: Watching
    waiting: Plan | None
    next_due: datetime | None
    streams: tuple[StreamStatus, ...]


@dataclass(frozen=True, slots=True)
class RoomStatus:
    """How many devices of a kind hang in a prohibited room, or see or hear into it."""

    room: str
    kind: DeviceKind
    devices: int


REGISTER = "register"
"""The source of devices that can say in which rooms they are."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """How many devices of a kind a source knows. Only the register can say that one has no room."""

    source: str
    kind: DeviceKind
    devices: int
    unassigned: int = 0


@dataclass(frozen=True, slots=True)
class HoldStatus:
    """One suspension as the world may see it: neither its reason nor who asked for it."""

    ident: str
    approved: bool
    extending: bool
    placed_at: datetime
    effective_until: datetime
    review_at: datetime


@dataclass(frozen=True, slots=True)
class IncidentStatus:
    """One incident as the world may see it: neither the room nor what was recorded, only how much."""

    ident: str
    stage: str
    found_at: datetime
    notify_by: datetime
    ends_at: datetime
    recordings: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that status, metrics and the page show, of one instant. Immutable, so that threads may share it."""

    taken_at: datetime
    started_at: datetime
    mode: str
    clock_state: str
    clock_ahead_s: float
    clock_steps: int
    synchronised: bool
    head: Head
    append_failures: int
    noted: int
    findings: tuple[Finding, ...]
    stores: tuple[StoreStatus, ...]
    rooms: tuple[RoomStatus, ...]
    inventory: tuple[Inventory, ...]
    policy_digest: str
    register_digest: str
    heartbeat_at: datetime | None
    anchors: Mapping[str, datetime] = field(default_factory=dict)
    holds: tuple[HoldStatus, ...] = ()
    incidents: tuple[IncidentStatus, ...] = ()
    acknowledged: frozenset[FindingKey] = frozenset()


class SpareRoom(Protocol):
    """Room for the state's own files, held back on its disk for the time when nothing else is left."""

    def keep(self) -> None:
        """Take room while there is plenty, give it back when there is none. Cheap; never raises."""
        ...


class Observer(Protocol):
    """Hears what happens, for metrics and logs. Never raises, never learns a path or the name of a person (I10)."""

    def deleted(self, stream: Stream, *, late_s: float, size_bytes: int, seq: int, approved: bool) -> None:
        """A recording was deleted, `late_s` seconds after it fell due; record `seq` says so (below 0: a note).

        `approved`: a person released it, since the passing of time alone did not explain it.
        """
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
