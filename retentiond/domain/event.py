"""What goes on the record: the types of audit records and their fields. A file format: names never change.

The audit trail adds `v`, `seq`, `ts`, `run`, `prev` and `salt` to each (docs/audit-format.md). Values are strings,
integers below 2^53, booleans, None, lists and objects; no floats, no names of persons.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from retentiond.domain import instants
from retentiond.domain.finding import Finding, FindingKey
from retentiond.domain.names import readable
from retentiond.domain.recording import Identity, Recording, StoreName
from retentiond.domain.run import DueRecording, Plan

Fields = Mapping[str, Any]

INTENT_BYTES = 7000
"""An intent lists recordings until its line would grow beyond about this; the trail's lines stay below 8 KiB."""


class EventType(StrEnum):
    """Every type of record, as named in design/interfaces."""

    AUDIT_OPEN = "audit.open"
    AUDIT_SEGMENT = "audit.segment"
    AUDIT_RECOVERED = "audit.recovered"
    AUDIT_GAP = "audit.gap"
    AUDIT_PRUNED = "audit.pruned"
    AUDIT_FORKED = "audit.forked"
    AUDIT_LOSS_ACCEPTED = "audit.loss_accepted"
    KEY_ROTATED = "key.rotated"
    POLICY_LOADED = "policy.loaded"
    REGISTER_LOADED = "register.loaded"
    STORE_ADOPTED = "store.adopted"
    SCAN_COMPLETED = "scan.completed"
    RUN_STARTED = "run.started"
    DELETION_INTENT = "deletion.intent"
    RECORDING_DELETED = "recording.deleted"
    DELETION_FAILED = "deletion.failed"
    DELETION_VOID = "deletion.void"
    RUN_COMPLETED = "run.completed"
    APPROVAL_GIVEN = "approval.given"
    HOLD_PLACED = "hold.placed"
    HOLD_APPROVED = "hold.approved"
    HOLD_EXTENDED = "hold.extended"
    HOLD_RELEASED = "hold.released"
    HOLD_LAPSED = "hold.lapsed"
    FINDING_OPENED = "finding.opened"
    FINDING_ACKNOWLEDGED = "finding.acknowledged"
    FINDING_CLOSED = "finding.closed"
    INCIDENT_OPENED = "incident.opened"
    INCIDENT_CHANGED = "incident.changed"
    INCIDENT_DECIDED = "incident.decided"
    INCIDENT_APPROVED = "incident.approved"
    INCIDENT_RETURNED = "incident.returned"
    INCIDENT_LAPSED = "incident.lapsed"
    INCIDENT_CLOSED = "incident.closed"
    CLOCK_STATE = "clock.state"
    CLOCK_ACCEPTED = "clock.accepted"
    HEARTBEAT = "heartbeat"


OUTCOMES = frozenset({EventType.RECORDING_DELETED, EventType.DELETION_FAILED, EventType.DELETION_VOID})


@dataclass(frozen=True, slots=True)
class Event:
    """Something to be put on the record."""

    type: EventType
    fields: Fields


@dataclass(frozen=True, slots=True)
class Record:
    """Something that is on the record: line `seq` of the trail, written at `at` by the wall clock."""

    seq: int
    at: datetime
    type: str
    fields: Fields


@dataclass(frozen=True, slots=True)
class Intended:
    """A recording that is about to be claimed under the name `claim`, and what it looked like when it was pinned."""

    claim: str
    due: DueRecording
    identity: Identity


_MARKS = 8
"""Of each field in a line: four quotation marks, a colon, a comma; and a little more."""


def intents(store: StoreName, run: str, items: Sequence[Intended]) -> list[Event]:
    """Return the `deletion.intent` events that list `items`, in order, as few as the line limit allows (I1)."""
    events: list[Event] = []
    batch: list[dict[str, str]] = []
    size = 0
    for item in items:
        entry = _intent_entry(item)
        cost = _size_bytes(entry)
        if batch and size + cost > INTENT_BYTES:
            events.append(_intent(store, run, batch))
            batch, size = [], 0
        batch.append(entry)
        size += cost
    if batch:
        events.append(_intent(store, run, batch))
    return events


def _size_bytes(entry: Mapping[str, str]) -> int:
    """Return how long an entry is in a line, or a little more; most consist of texts that stand there as they are."""
    if all(value.isascii() and value.isprintable() and '"' not in value for value in entry.values()):
        backslashes = sum(value.count("\\") for value in entry.values())
        return sum(map(len, entry)) + sum(map(len, entry.values())) + backslashes + _MARKS * len(entry)
    return len(json.dumps(entry, ensure_ascii=False).encode())


def _intent(store: StoreName, run: str, batch: list[dict[str, str]]) -> Event:
    return Event(EventType.DELETION_INTENT, {"store": store, "deletion_run": run, "recordings": batch})


def _intent_entry(item: Intended) -> dict[str, str]:
    recording = item.due.recording
    return {
        "claim": item.claim,
        "identity": item.identity.mark,
        "unit": recording.unit.value,
        "rule": item.due.rule.name,
        "deadline": instants.to_text(item.due.deadline),
        **describe(recording),
    }


def describe(recording: Recording) -> dict[str, str]:
    """Return the fields by which a record names a recording. Paths are relative to the store."""
    return {
        "camera": recording.stream.camera,
        "category": recording.stream.category.value,
        "path": readable(recording.place.path),
        "start": instants.to_text(recording.start),
    }


def run_started(store: StoreName, run: str, count: int, *, approval: str | None) -> Event:
    """A deletion run begins; `approval` is the digest that a person approved, None where time explains the run."""
    return Event(EventType.RUN_STARTED, {"store": store, "deletion_run": run, "count": count, "approval": approval})


def run_completed(
    store: StoreName, run: str, counts: Mapping[str, int], reasons: Mapping[str, int], *, approval: str | None
) -> Event:
    """A deletion run ends, with the count of each outcome, and of each reason why a recording was not deleted.

    `approval` is set when the run leaves nothing of the set that was approved: the consent is used up then. A run
    that was stopped half way keeps it, so that a restart changes nothing.
    """
    told = [{"why": why, "count": count} for why, count in reasons.items()]
    fields = {"store": store, "deletion_run": run, "approval": approval, **counts, "reasons": told}
    return Event(EventType.RUN_COMPLETED, fields)


def recording_deleted(
    intent: int, claim: str, due: DueRecording, removed: Mapping[str, Any], *, now: datetime
) -> Event:
    """A recording is gone: unlinked, its directory synced, its name verified gone (I2)."""
    recording = due.recording
    return Event(
        EventType.RECORDING_DELETED,
        {
            "outcome": "success",
            "intent": intent,
            "claim": claim,
            "store": recording.stream.store,
            "rec": {**describe(recording), "bytes": removed.get("bytes", 0)},
            "rule": due.rule.name,
            "deadline": instants.to_text(due.deadline),
            "age_s": int((now - recording.start).total_seconds()),
            **{key: value for key, value in removed.items() if key != "bytes" and value is not None},
        },
    )


def not_deleted(kind: EventType, intent: int, claim: str, recording: Recording, why: str) -> Event:
    """A recording was not deleted: `deletion.failed` with an errno name, or `deletion.void` with a reason."""
    return Event(
        kind,
        {
            "outcome": "failure",
            "intent": intent,
            "claim": claim,
            "store": recording.stream.store,
            "rec": describe(recording),
            "why": why,
        },
    )


def approval_given(plan: Plan, actor: str, expires: datetime) -> Event:
    """A person released exactly this set, once, until `expires`."""
    return Event(
        EventType.APPROVAL_GIVEN,
        {
            "store": plan.store,
            "plan": plan.run,
            "digest": plan.digest,
            "count": plan.count,
            "why": plan.why.value,
            "actor": actor,
            "expires": instants.to_text(expires),
        },
    )


def loss_accepted(count: int, actor: str, why: str) -> Event:
    """A person goes on though so many records of the trail are lost, and with them what was decided."""
    return Event(EventType.AUDIT_LOSS_ACCEPTED, {"lost": count, "actor": actor, "why": why})


def finding_opened(item: Finding, *, reminder: bool = False) -> Event:
    """A finding is there that was not before, or its facts are others; or, as a `reminder`, it is still there."""
    return Event(
        EventType.FINDING_OPENED,
        {
            "kind": item.key.kind.value,
            "subject": item.key.subject,
            "severity": item.severity.value,
            "message": item.message,
            "remedy": item.remedy,
            **({"facts": item.facts} if item.facts else {}),
            **({"reminder": True} if reminder else {}),
        },
    )


def finding_closed(key: FindingKey) -> Event:
    """A finding is there no longer."""
    return Event(EventType.FINDING_CLOSED, {"kind": key.kind.value, "subject": key.subject})


def finding_acknowledged(key: FindingKey, actor: str, why: str, until: datetime) -> Event:
    """A person has seen a finding and says why it stays for now."""
    return Event(
        EventType.FINDING_ACKNOWLEDGED,
        {
            "kind": key.kind.value,
            "subject": key.subject,
            "actor": actor,
            "why": why,
            "until": instants.to_text(until),
        },
    )
