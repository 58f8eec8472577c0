"""Valid snapshots; a test overrides only what it is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.domain.recording import CameraName, Category, StoreName, Stream
from retentiond.domain.register import DeviceKind
from retentiond.domain.run import Plan, WaitReason
from retentiond.ports import (
    Head,
    HoldStatus,
    Inventory,
    RoomStatus,
    Snapshot,
    Space,
    StoreStatus,
    StreamStatus,
    Watching,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ROOT = bytes(range(100, 132))


def a_stream(camera: str = "reception", category: Category = Category.VIDEO, *, store: str = "main") -> Stream:
    return Stream(StoreName(store), CameraName(camera), category)


def a_stream_status(stream: Stream | None = None, **changes: Any) -> StreamStatus:
    status = StreamStatus(
        stream=stream or a_stream(),
        recordings=10,
        oldest=NOW - timedelta(days=29),
        newest=NOW - timedelta(minutes=1),
        overdue=0,
        period_s=30 * 86_400,
    )
    return replace(status, **changes)


def a_store_status(**changes: Any) -> StoreStatus:
    status = StoreStatus(
        name=StoreName("main"),
        condition="present",
        recordings=10,
        unclassified=0,
        uncovered=0,
        suspended=0,
        last_scan=NOW - timedelta(hours=1),
        scan=None,
        space=Space(1 << 40, 1 << 38),
        watching=Watching(proven=True, directories=93, losses=0),
        waiting=None,
        next_due=NOW + timedelta(days=1),
        streams=(a_stream_status(),),
    )
    return replace(status, **changes)


def a_snapshot(**changes: Any) -> Snapshot:
    snapshot = Snapshot(
        taken_at=NOW,
        started_at=NOW - timedelta(days=2),
        mode="enforce",
        clock_state="trusted",
        clock_ahead_s=0.25,
        clock_steps=0,
        synchronised=True,
        head=Head(42, ROOT, signed=True, origin="nvr.example/retentiond"),
        anchors={"witness": NOW - timedelta(minutes=2)},
        append_failures=0,
        noted=0,
        findings=(),
        stores=(a_store_status(),),
        rooms=(RoomStatus("procedure-2", DeviceKind.CAMERA, 0),),
        inventory=(Inventory("register", DeviceKind.CAMERA, 4, 1),),
        policy_digest="aa" * 32,
        register_digest="bb" * 32,
        heartbeat_at=NOW - timedelta(minutes=5),
    )
    return replace(snapshot, **changes)


def a_hold(ident: str = "H-1", **changes: Any) -> HoldStatus:
    hold = HoldStatus(ident, False, False, NOW, NOW + timedelta(hours=72), NOW + timedelta(days=30))
    return replace(hold, **changes)


def a_plan(count: int = 7) -> Plan:
    return Plan(StoreName("main"), "cc" * 32, count, WaitReason.ADOPTION, NOW)


def a_finding(kind: FindingKind = FindingKind.OVERDUE, subject: str = "main/reception") -> Finding:
    return finding(kind, subject, "one recording is overdue", "look at `retentiond findings`")
