"""Elastic Common Schema 8.11 (elastic.co/guide/en/ecs). Fields without a place there are below `retentiond`."""

from typing import Any

from retentiond.evidence.export.source import Exported
from retentiond.evidence.export.words import DELETIONS, FINDINGS, level, message, name_of, outcome, without_none

VERSION = "8.11.0"
_ALREADY = frozenset({"v", "seq", "ts", "type", "outcome", "salt"})
_CATEGORIES = {
    **dict.fromkeys(DELETIONS, ("event", ["file"], ["deletion"])),
    **dict.fromkeys(FINDINGS, ("event", ["configuration"], ["info"])),
    "finding.opened": ("alert", ["configuration"], ["info"]),
    "policy.loaded": ("event", ["configuration"], ["change"]),
    "register.loaded": ("event", ["configuration"], ["change"]),
    "audit.open": ("event", ["process"], ["start"]),
    "heartbeat": ("state", ["host"], ["info"]),
    "scan.completed": ("state", ["host"], ["info"]),
}


def to_ecs(item: Exported) -> dict[str, Any]:
    """Return a record as an ECS document."""
    fields = item.fields
    kind, category, types = _CATEGORIES.get(fields["type"], ("event", ["configuration"], ["info"]))
    event = {
        "kind": kind,
        "category": category,
        "type": [*types, "error"] if outcome(item) == "failure" else types,
        "action": fields["type"],
        "outcome": outcome(item) or "unknown",
        "id": item.uid,
        "sequence": fields["seq"],
        "provider": "retentiond",
        "dataset": "retentiond.audit",
        "module": "retentiond",
        "severity": level(item),
        "reason": fields.get("why"),
        "original": item.line,
        "hash": item.leaf,
    }
    actor, rule = fields.get("actor"), fields.get("rule")
    return without_none(
        {
            "@timestamp": fields["ts"],
            "ecs": {"version": VERSION},
            "event": without_none(event),
            "message": message(item),
            "host": {"name": item.host},
            "file": _file(item) if fields["type"] in DELETIONS else None,
            "rule": None if rule is None else {"name": rule},
            "user": None if actor is None else {"id": actor},
            "retentiond": {
                "origin": item.origin,
                **{key: value for key, value in fields.items() if key not in _ALREADY},
            },
        }
    )


def _file(item: Exported) -> dict[str, Any]:
    path, unit = item.about("path"), item.about("unit")
    return without_none(
        {
            "path": path,
            "name": name_of(path),
            "size": item.about("bytes"),
            "type": "dir" if unit == "directory" else unit,
        }
    )
