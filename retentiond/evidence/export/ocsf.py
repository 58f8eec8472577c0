"""OCSF 1.6.0 (schema.ocsf.io). The profile `record_integrity` is not used: its fingerprint is over the OCSF event.

What can be verified is the line, which is carried as `raw_data`; `unmapped.leaf_hash` is what the tree knows it by.
"""

import hashlib
from typing import Any

from retentiond import __version__
from retentiond.domain import instants
from retentiond.evidence.export.source import Exported
from retentiond.evidence.export.words import DELETIONS, FINDINGS, level, message, name_of, outcome, without_none

VERSION = "1.6.0"
_SHA256 = 3
_SERVER = 1
_OTHER = 99
_FILE_TYPES = {"file": 1, "directory": 2}
_FINDING_STEPS = {"finding.opened": (1, 1), "finding.acknowledged": (2, 2), "finding.closed": (3, 4)}
"""Activity (create, update, close) and status (new, in progress, resolved) of a finding."""

_OWN_PLACE = frozenset({"v", "seq", "ts", "type", "outcome", "prev", "salt"})


def to_ocsf(item: Exported) -> dict[str, Any]:
    """Return a record as an OCSF event."""
    category, event_class, activity, more = _classified(item)
    raw = item.line.encode()
    return {
        "category_uid": category,
        "class_uid": event_class,
        "activity_id": activity,
        "activity_name": item.fields["type"],
        "type_uid": event_class * 100 + activity,
        "severity_id": level(item),
        "time": _milliseconds(item.fields["ts"]),
        "message": message(item),
        "metadata": {
            "version": VERSION,
            "product": {"name": "retentiond", "vendor_name": "retentiond", "version": __version__},
            "uid": item.uid,
            "sequence": item.fields["seq"],
            "log_name": item.origin,
            "original_time": item.fields["ts"],
        },
        **_status(item),
        **more,
        "raw_data": item.line,
        "raw_data_hash": {"algorithm_id": _SHA256, "value": hashlib.sha256(raw).hexdigest()},
        "raw_data_size": len(raw),
        "unmapped": {
            "leaf_hash": item.leaf,
            "prev": item.fields["prev"],
            **{key: value for key, value in item.fields.items() if key not in _OWN_PLACE},
        },
    }


def _classified(item: Exported) -> tuple[int, int, int, dict[str, Any]]:
    """Return the category, class and activity of a record, and what its class has further."""
    kind = item.fields["type"]
    if kind in DELETIONS:
        return 1, 1001, 4, {"device": _device(item), "actor": {"app_name": "retentiond"}, "file": _file(item)}
    if kind in FINDINGS:
        activity, _ = _FINDING_STEPS[kind]
        return 2, 2003, activity, {"device": _device(item), **_finding(item)}
    if kind == "scan.completed":
        scan = {"name": f"scan of store {item.fields.get('store')}", "type_id": 2}
        counts = {"num_files": item.fields.get("recordings"), "num_folders": item.fields.get("directories")}
        return 6, 6007, 2, without_none({"scan": scan, **counts})
    if kind == "audit.open":
        app = without_none({"name": "retentiond", "version": item.fields.get("version")})
        return 6, 6002, 3, {"app": app}
    return 0, 0, _OTHER, {}


def _status(item: Exported) -> dict[str, Any]:
    kind = item.fields["type"]
    if kind in FINDINGS:
        return {"status_id": _FINDING_STEPS[kind][1]}
    found, why = outcome(item), item.fields.get("why")
    if found is None:
        return {}
    return without_none({"status_id": 1 if found == "success" else 2, "status_code": why})


def _file(item: Exported) -> dict[str, Any]:
    path = item.about("path")
    return without_none(
        {
            "name": name_of(path),
            "path": path,
            "volume": item.fields.get("store"),
            "size": item.about("bytes"),
            "type_id": _FILE_TYPES.get(str(item.about("unit")), 0),
            "is_deleted": item.fields["type"] == "recording.deleted",
        }
    )


def _finding(item: Exported) -> dict[str, Any]:
    fields = item.fields
    info = {"uid": f"{fields.get('kind')}: {fields.get('subject')}", "title": fields.get("kind")}
    remedy, why = fields.get("remedy"), fields.get("why")
    return without_none(
        {
            "finding_info": without_none({**info, "desc": fields.get("message")}),
            "compliance": {"control": fields.get("kind")},
            "remediation": None if remedy is None else {"desc": remedy},
            "comment": why,
        }
    )


def _device(item: Exported) -> dict[str, Any]:
    return {"hostname": item.host, "type_id": _SERVER}


def _milliseconds(text: str) -> int:
    return round(instants.from_text(text).timestamp() * 1000)
