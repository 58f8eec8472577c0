"""The fold of the trail, kept beside it so that a start need not read all of it. It is only a cache.

It is believed only where the trail has, at its last record, the very line that the cache was made after.
"""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from itertools import islice
from typing import Any

from retentiond.audit.line import MAX_BYTES, parse_line
from retentiond.audit.segment import Segment, list_segments, read_lines
from retentiond.domain import instants, names
from retentiond.domain.decisions import Acknowledgement, Approval, Decisions, OpenIntent
from retentiond.domain.errors import AuditDamagedError, StorageError
from retentiond.domain.finding import Finding, FindingKey, FindingKind
from retentiond.domain.recording import CameraName, Category, Place, Recording, StoreName, Stream, Unit
from retentiond.domain.suspension import Suspension
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
            # A cache of nothing saves nothing, and no line would vouch for it.
            if fields["schema"] != SCHEMA or fields["leaf"] is None or fields["seq"] < 1:
                return None
            return _from_fields(fields) if self._leaf_before(fields["seq"]) == fields["leaf"] else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            return None

    def _leaf_before(self, seq: int) -> str | None:
        """Return the leaf hash of record `seq` - 1 as the trail has it on disk."""
        with suppress(StorageError, AuditDamagedError):
            for segment in reversed(list_segments(self._log)):
                if segment.first < seq:
                    line = _last_line(segment.path, seq - 1) or _line_at(segment, seq - 1)
                    return None if line is None else leaf_hash(line).hex()
        return None


def _last_line(path: str, seq: int) -> bytes | None:
    """Return the last line of a segment if it is record `seq`: nearly always the one that is asked for."""
    size = 2 * MAX_BYTES
    try:
        with open(path, "rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - size, 0))
            *lines, _ = file.read(size).split(b"\n")
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror})") from error
    return lines[-1] if lines and _is_record(lines[-1], seq) else None


def _line_at(segment: Segment, seq: int) -> bytes | None:
    """Return the line of record `seq` of a segment, None if that has not so many."""
    index = seq - segment.first
    found = list(islice(read_lines(segment.path), index, index + 2))
    # The very last item stands after the last LF; it is no line.
    return found[0] if len(found) == 2 and _is_record(found[0], seq) else None


def _is_record(line: bytes, seq: int) -> bool:
    try:
        return bool(parse_line(line)["seq"] == seq)
    except AuditDamagedError:
        return False


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
        "suspensions": [_suspension_to_fields(item) for item in decisions.suspensions.values()],
        "findings": [_finding_to_fields(decisions, item) for item in decisions.findings.values()],
        "acknowledged": [
            {"kind": key.kind.value, "subject": key.subject, "why": item.why, "until": instants.to_text(item.until)}
            for key, item in decisions.acknowledged.items()
        ],
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
    for item in fields["suspensions"]:
        decisions.suspensions[item["ident"]] = _suspension_from_fields(item)
    for item in fields["findings"]:
        key = FindingKey(FindingKind(item["kind"]), item["subject"])
        decisions.findings[key] = Finding(key, item["message"], item["remedy"])
        decisions.opened_at[key] = instants.from_text(item["opened"])
    for item in fields["acknowledged"]:
        key = FindingKey(FindingKind(item["kind"]), item["subject"])
        decisions.acknowledged[key] = Acknowledgement(item["why"], instants.from_text(item["until"]))
    return decisions


def _suspension_to_fields(item: Suspension) -> dict[str, Any]:
    return {
        "ident": item.ident,
        "cameras": sorted(item.cameras),
        "categories": sorted(category.value for category in item.categories),
        "begin": instants.to_text(item.begin),
        "end": instants.to_text(item.end),
        "effective_until": instants.to_text(item.effective_until),
    }


def _suspension_from_fields(fields: Mapping[str, Any]) -> Suspension:
    return Suspension(
        ident=fields["ident"],
        cameras=frozenset(CameraName(camera) for camera in fields["cameras"]),
        categories=frozenset(Category(category) for category in fields["categories"]),
        begin=instants.from_text(fields["begin"]),
        end=instants.from_text(fields["end"]),
        effective_until=instants.from_text(fields["effective_until"]),
    )


def _finding_to_fields(decisions: Decisions, item: Finding) -> dict[str, Any]:
    return {
        "kind": item.key.kind.value,
        "subject": item.key.subject,
        "message": item.message,
        "remedy": item.remedy,
        "opened": instants.to_text(decisions.opened_at[item.key]),
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
