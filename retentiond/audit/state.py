"""The fold of the trail as JSON: what `decisions.json` caches, and what is kept where records were pruned."""

import hashlib
from collections.abc import Mapping
from typing import Any

from retentiond.audit.line import canonical
from retentiond.domain import instants, names
from retentiond.domain.decisions import Acknowledgement, Approval, Decisions, OpenIntent
from retentiond.domain.finding import Finding, FindingKey, FindingKind
from retentiond.domain.hold_event import (
    ended_from_fields,
    ended_to_fields,
    suspension_from_fields,
    suspension_to_fields,
)
from retentiond.domain.incident_event import (
    dismissed_from_fields,
    dismissed_to_fields,
    incident_from_fields,
    incident_to_fields,
)
from retentiond.domain.misnamed import doubts_from_fields, doubts_to_fields
from retentiond.domain.recording import CameraName, Category, Place, Recording, StoreName, Stream, Unit

NOT_A_STATE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


def digest_of(fields: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a state in RFC 8785 form, in hex: what a record vouches for."""
    return hashlib.sha256(canonical(fields)).hexdigest()


def state_to_fields(decisions: Decisions) -> dict[str, Any]:
    """Return the state as values that JSON has, and the profile of the trail's lines allows."""
    return {
        "seq": decisions.seq,
        "policy_digest": decisions.policy_digest,
        "register_digest": decisions.register_digest,
        "register_facts": sorted(decisions.register_facts),
        "lost": decisions.lost,
        "adopted": {store: dict(fields) for store, fields in decisions.adopted.items()},
        "intents": [_intent_to_fields(item) for item in decisions.intents.values()],
        "approvals": [
            {"digest": item.digest, "store": item.store, "count": item.count, "expires": instants.to_text(item.expires)}
            for item in decisions.approvals.values()
        ],
        "suspensions": [suspension_to_fields(item) for item in decisions.suspensions.values()],
        "ended_suspensions": [ended_to_fields(item) for item in decisions.ended_suspensions.values()],
        "suspensions_placed": decisions.suspensions_placed,
        "incidents": [incident_to_fields(item) for item in decisions.incidents.values()],
        "incidents_opened": decisions.incidents_opened,
        "dismissed": dismissed_to_fields(decisions.dismissed),
        "clock_doubts": doubts_to_fields(decisions.clock_doubts),
        "findings": [_finding_to_fields(decisions, item) for item in decisions.findings.values()],
        "acknowledged": [_acknowledgement_to_fields(key, item) for key, item in decisions.acknowledged.items()],
    }


def state_from_fields(fields: Mapping[str, Any]) -> Decisions:
    """Return the state that `state_to_fields` wrote. What is none raises one of `NOT_A_STATE`."""
    decisions = Decisions(
        seq=fields["seq"],
        policy_digest=fields["policy_digest"],
        register_digest=fields["register_digest"],
        register_facts=set(fields["register_facts"]),
        lost=fields.get("lost", 0),
        adopted={StoreName(store): dict(item) for store, item in fields["adopted"].items()},
        suspensions_placed=fields["suspensions_placed"],
        incidents_opened=fields.get("incidents_opened", 0),
        dismissed=dismissed_from_fields(fields.get("dismissed", ())),
        clock_doubts=doubts_from_fields(fields["clock_doubts"]),
    )
    for item in fields["intents"]:
        intent = _intent_from_fields(item)
        decisions.intents[intent.claim] = intent
    for item in fields["approvals"]:
        expires = instants.from_text(item["expires"])
        decisions.approvals[item["digest"]] = Approval(item["digest"], StoreName(item["store"]), item["count"], expires)
    for item in fields["suspensions"]:
        suspension = suspension_from_fields(item)
        decisions.suspensions[suspension.ident] = suspension
    for item in fields["ended_suspensions"]:
        ended = ended_from_fields(item)
        decisions.ended_suspensions[ended.ident] = ended
    for item in fields.get("incidents", ()):  # a state that an earlier version kept has none
        incident = incident_from_fields(item)
        decisions.incidents[incident.ident] = incident
    for item in fields["findings"]:
        _take_finding(decisions, item)
    for item in fields["acknowledged"]:
        key = FindingKey(FindingKind(item["kind"]), item["subject"])
        decisions.acknowledged[key] = Acknowledgement(item["why"], instants.from_text(item["until"]), item["actor"])
    return decisions


def _take_finding(decisions: Decisions, item: Mapping[str, Any]) -> None:
    key = FindingKey(FindingKind(item["kind"]), item["subject"])
    decisions.findings[key] = Finding(key, item["message"], item["remedy"], item["facts"])
    decisions.opened_at[key] = instants.from_text(item["opened"])
    decisions.told_at[key] = instants.from_text(item["told"])
    if item.get("record") is not None:  # a state that an earlier version kept has none
        decisions.opened_in[key] = item["record"]


def _acknowledgement_to_fields(key: FindingKey, item: Acknowledgement) -> dict[str, Any]:
    until = instants.to_text(item.until)
    return {"kind": key.kind.value, "subject": key.subject, "why": item.why, "until": until, "actor": item.actor}


def _finding_to_fields(decisions: Decisions, item: Finding) -> dict[str, Any]:
    return {
        "kind": item.key.kind.value,
        "subject": item.key.subject,
        "message": item.message,
        "remedy": item.remedy,
        "facts": item.facts,
        "opened": instants.to_text(decisions.opened_at[item.key]),
        "record": decisions.opened_in.get(item.key),
        "told": instants.to_text(decisions.told_at[item.key]),
    }


def _intent_to_fields(item: OpenIntent) -> dict[str, Any]:
    recording = item.recording
    return {
        "seq": item.seq,
        "claim": item.claim,
        "deletion_run": item.deletion_run,
        "store": recording.stream.store,
        "camera": recording.stream.camera,
        "category": recording.stream.category.value,
        "directory": names.readable(recording.place.directory) if recording.place.directory else "",
        "name": names.readable(recording.place.name),
        "start": instants.to_text(recording.start),
        "unit": recording.unit.value,
        "identity": item.identity_mark,
        "rule": item.rule,
        "deadline": instants.to_text(item.deadline),
    }


def _intent_from_fields(fields: Mapping[str, Any]) -> OpenIntent:
    stream = Stream(StoreName(fields["store"]), CameraName(fields["camera"]), Category(fields["category"]))
    place = Place(names.from_readable(fields["directory"]), names.from_readable(fields["name"]))
    return OpenIntent(
        seq=fields["seq"],
        claim=fields["claim"],
        deletion_run=fields["deletion_run"],
        recording=Recording(stream, place, instants.from_text(fields["start"]), Unit(fields["unit"])),
        identity_mark=fields["identity"],
        rule=fields["rule"],
        deadline=instants.from_text(fields["deadline"]),
    )
