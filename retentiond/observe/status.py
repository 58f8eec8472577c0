"""The status of the daemon as JSON: one shape for HTTP, the command line and `state/status.json`.

Light to import, without the classes that it only names: `retentiond status` answers in 150 ms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from retentiond.domain import instants

if TYPE_CHECKING:
    from datetime import datetime

    from retentiond.domain.finding import Finding
    from retentiond.domain.run import Plan
    from retentiond.ports import HoldStatus, IncidentStatus, ScanProgress, Snapshot, StoreStatus, StreamStatus

SCHEMA = "retentiond.status/1"

REACHABLE = frozenset({"present", "read_only", "degraded"})
"""Conditions of a store in which it is there and is the one that was adopted."""


def status_json(snapshot: Snapshot) -> dict[str, Any]:
    """Return `snapshot` as a JSON object. Names in it are a contract; instants are UTC text, spans are seconds.

    Findings carry their whole text, with paths. That is for the operator, on the control socket; what leaves this
    machine or can be read by everybody on it goes through `observe.discretion.for_everybody` first (I10).
    """
    return {
        "schema": SCHEMA,
        "taken_at": instants.to_text(snapshot.taken_at),
        "started_at": instants.to_text(snapshot.started_at),
        "mode": snapshot.mode,
        "overdue": overdue(snapshot),
        "ready": is_ready(snapshot),
        "clock": {
            "state": snapshot.clock_state,
            "ahead_s": snapshot.clock_ahead_s,
            "synchronised": snapshot.synchronised,
        },
        "audit": {
            "size": snapshot.head.size,
            "root": snapshot.head.root.hex(),
            "signed": snapshot.head.signed,
            "heartbeat_at": _text(snapshot.heartbeat_at),
        },
        "policy_digest": snapshot.policy_digest,
        "register_digest": snapshot.register_digest,
        "holds": [_hold(item) for item in snapshot.holds],
        "incidents": [_incident(item) for item in snapshot.incidents],
        "findings": [
            {**_finding(item), "acknowledged": item.key in snapshot.acknowledged} for item in snapshot.findings
        ],
        "stores": [_store(item, snapshot.taken_at) for item in snapshot.stores],
    }


def overdue(snapshot: Snapshot) -> int:
    """Return how many recordings are on disk after their deadline, in all stores."""
    return sum(stream.overdue for store in snapshot.stores for stream in store.streams)


def is_ready(snapshot: Snapshot) -> bool:
    """Tell whether every store that is there has been scanned completely at least once.

    A store that is absent does not count: it is a finding, and waiting for it would hide that all else works.
    """
    return all(store.last_scan is not None for store in snapshot.stores if store.condition in REACHABLE)


def _store(store: StoreStatus, now: datetime) -> dict[str, Any]:
    return {
        "name": store.name,
        "condition": store.condition,
        "recordings": store.recordings,
        "overdue": sum(stream.overdue for stream in store.streams),
        "unclassified": store.unclassified,
        "uncovered": store.uncovered,
        "suspended": store.suspended,
        "last_scan": _text(store.last_scan),
        "scanning": store.scan is not None,
        "scan": None if store.scan is None else _scan(store.scan, now),
        "watch_proven": store.watching.proven,
        "free_bytes": None if store.space is None else store.space.free_bytes,
        "waiting": None if store.waiting is None else _plan(store.waiting),
        "next_due": _text(store.next_due),
        "streams": [_stream(item) for item in store.streams],
    }


def _scan(scan: ScanProgress, now: datetime) -> dict[str, Any]:
    left = scan.left(now)
    return {
        "since": instants.to_text(scan.began),
        "directories": scan.directories,
        "expected": scan.expected,
        "left_s": None if left is None else round(left.total_seconds(), 3),
    }


def _stream(status: StreamStatus) -> dict[str, Any]:
    return {
        "camera": status.stream.camera,
        "category": status.stream.category.value,
        "recordings": status.recordings,
        "oldest": _text(status.oldest),
        "newest": _text(status.newest),
        "overdue": status.overdue,
        "overdue_since": _text(status.overdue_since),
        "refused": [{"why": why, "count": count} for why, count in status.refused],
        "period_s": status.period_s,
    }


def _hold(hold: HoldStatus) -> dict[str, Any]:
    return {
        "hold": hold.ident,
        "approved": hold.approved,
        "extending": hold.extending,
        "placed": instants.to_text(hold.placed_at),
        "until": instants.to_text(hold.effective_until),
        "review": instants.to_text(hold.review_at),
    }


def _incident(incident: IncidentStatus) -> dict[str, Any]:
    return {
        "incident": incident.ident,
        "stage": incident.stage,
        "found": instants.to_text(incident.found_at),
        "notify_by": instants.to_text(incident.notify_by),
        "until": instants.to_text(incident.ends_at),
        "recordings": incident.recordings,
    }


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "run": plan.run,
        "store": plan.store,
        "count": plan.count,
        "digest": plan.digest,
        "why": plan.why.value,
        "created": instants.to_text(plan.created),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.key.kind.value,
        "severity": finding.severity.value,
        "subject": finding.key.subject,
        "message": finding.message,
        "remedy": finding.remedy,
    }


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instants.to_text(instant)
