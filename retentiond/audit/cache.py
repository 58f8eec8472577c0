"""The fold of the trail, kept beside it so that a start need not read all of it. It is only a cache.

It is believed only where the trail has, at its last record, the very line that the cache was made after.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from retentiond.audit.line import parse_line
from retentiond.audit.segment import list_segments, read_lines
from retentiond.domain import instants, names
from retentiond.domain.decisions import Acknowledgement, Approval, Decisions, OpenIntent
from retentiond.domain.errors import AuditDamagedError, StorageError
from retentiond.domain.finding import Finding, FindingKey, FindingKind
from retentiond.domain.recording import CameraName, Category, Place, Recording, StoreName, Stream, Unit
from retentiond.durable import replace_file
from retentiond.ports import AuditTrail
from retentiond.tlog.tree import leaf_hash

SCHEMA = "retentiond.decisions/1"


class DecisionFile:
    """`DecisionCache` as one JSON file beside the trail in the directory `log`."""

    def __init__(self, path: str, log: str) -> None:
        self._path = path
        self._log = log

    def load(self, trail: AuditTrail) -> Decisions:
        decisions = self._read() or Decisions()
        decisions.apply_all(trail.records(decisions.seq))
        return decisions

    def save(self, decisions: Decisions) -> None:
        leaf = self._leaf_before(decisions.seq)
        if leaf is None:
            return
        with suppress(StorageError):
            replace_file(self._path, json.dumps(_to_fields(decisions, leaf)).encode(), 0o640)

    def _read(self) -> Decisions | None:
        try:
            with open(self._path, "rb") as file:
                fields = json.loads(file.read())
            if fields["schema"] != SCHEMA or self._leaf_before(fields["seq"]) != fields["leaf"]:
                return None
            return _from_fields(fields)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def _leaf_before(self, seq: int) -> str | None:
        """Return the leaf hash of record `seq` - 1 as the trail has it on disk."""
        try:
            for segment in reversed(list_segments(self._log)):
                if segment.first < seq:
                    return _leaf_in(segment.path, segment.first, seq - 1)
        except StorageError:
            pass
        return None


def _leaf_in(path: str, first: int, seq: int) -> str | None:
    """Return the leaf hash of a record; a line says of the one before what its leaf hash is, so few are parsed."""
    held: bytes | None = None
    number = first
    for line in read_lines(path):
        if held is not None:
            if number == seq:
                with suppress(AuditDamagedError):
                    return leaf_hash(held).hex() if parse_line(held)["seq"] == seq else None
                return None
            number += 1
        held = line
    return None


def _to_fields(decisions: Decisions, leaf: str) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "seq": decisions.seq,
        "leaf": leaf,
        "policy_digest": decisions.policy_digest,
        "register_digest": decisions.register_digest,
        "adopted": {store: dict(fields) for store, fields in decisions.adopted.items()},
        "intents": [_intent_to_fields(item) for item in decisions.intents.values()],
        "approvals": [
            {"digest": item.digest, "store": item.store, "count": item.count, "expires": instants.to_text(item.expires)}
            for item in decisions.approvals.values()
        ],
        "findings": [_finding_to_fields(decisions, item) for item in decisions.findings.values()],
    }


def _from_fields(fields: Mapping[str, Any]) -> Decisions:
    decisions = Decisions(
        seq=fields["seq"],
        policy_digest=fields["policy_digest"],
        register_digest=fields["register_digest"],
        adopted={StoreName(store): dict(item) for store, item in fields["adopted"].items()},
    )
    for item in fields["intents"]:
        intent = _intent_from_fields(item)
        decisions.intents[intent.claim] = intent
    for item in fields["approvals"]:
        expires = instants.from_text(item["expires"])
        decisions.approvals[item["digest"]] = Approval(item["digest"], StoreName(item["store"]), item["count"], expires)
    for item in fields["findings"]:
        key = FindingKey(FindingKind(item["kind"]), item["subject"])
        decisions.findings[key] = Finding(key, item["message"], item["remedy"])
        decisions.opened_at[key] = instants.from_text(item["opened"])
        if item["until"] is not None:
            decisions.acknowledged[key] = Acknowledgement(item["why"], instants.from_text(item["until"]))
    return decisions


def _finding_to_fields(decisions: Decisions, item: Finding) -> dict[str, Any]:
    noted = decisions.acknowledged.get(item.key)
    return {
        "kind": item.key.kind.value,
        "subject": item.key.subject,
        "message": item.message,
        "remedy": item.remedy,
        "opened": instants.to_text(decisions.opened_at[item.key]),
        "why": None if noted is None else noted.why,
        "until": None if noted is None else instants.to_text(noted.until),
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
