"""What the services need from the outside: small protocols, each docstring is the contract.

Adapters implement them, fakes in tests/fakes implement them, and one contract suite runs against both.
Anything an adapter raises is a `RetentiondError`; an `OSError` never passes a port.
"""

from retentiond.ports.catalogue import (
    Arrived,
    Catalogue,
    CatalogueRow,
    Comparison,
    ScanState,
    Seen,
    Setback,
    StreamBases,
)
from retentiond.ports.clock import ClockMemory, SystemClock
from retentiond.ports.recorder import Entry, EntryKind, Recorder
from retentiond.ports.store import (
    Absent,
    ClaimChunk,
    DirectoryStamp,
    Failed,
    Foreign,
    Listing,
    Pinned,
    PinRefused,
    Present,
    Refusal,
    Removal,
    Removed,
    Store,
    StoreCondition,
    StoreIdentity,
    Unadopted,
    Unlisted,
    Voided,
    WalkStep,
    Watch,
)
from retentiond.ports.trail import AuditTrail, DecisionCache, Head
from retentiond.ports.world import Observer, Snapshot, SpareRoom, StoreStatus, StreamStatus

__all__ = [
    "Absent",
    "Arrived",
    "AuditTrail",
    "Catalogue",
    "CatalogueRow",
    "ClaimChunk",
    "ClockMemory",
    "Comparison",
    "DecisionCache",
    "DirectoryStamp",
    "Entry",
    "EntryKind",
    "Failed",
    "Foreign",
    "Head",
    "Listing",
    "Observer",
    "PinRefused",
    "Pinned",
    "Present",
    "Recorder",
    "Refusal",
    "Removal",
    "Removed",
    "ScanState",
    "Seen",
    "Setback",
    "Snapshot",
    "SpareRoom",
    "Store",
    "StoreCondition",
    "StoreIdentity",
    "StoreStatus",
    "StreamBases",
    "StreamStatus",
    "SystemClock",
    "Unadopted",
    "Unlisted",
    "Voided",
    "WalkStep",
    "Watch",
]
