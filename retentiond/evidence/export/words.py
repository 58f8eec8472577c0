"""What several forms say alike: sentences, levels, and which record is about what."""

from typing import Any

from retentiond.domain.names import visible
from retentiond.evidence.export.source import Exported
from retentiond.evidence.page import headline

DELETIONS = frozenset({"recording.deleted", "deletion.failed", "deletion.void"})
FINDINGS = frozenset({"finding.opened", "finding.acknowledged", "finding.closed"})
_LEVELS = {"breach": 4, "warning": 3, "notice": 1}


def message(item: Exported) -> str:
    """Return what a record says, in one line."""
    fields = item.fields
    if fields["type"] in FINDINGS:
        return visible(f"{fields['type']}: {fields.get('message') or fields.get('subject')}")
    return visible(headline(fields))


def level(item: Exported) -> int:
    """Return how much a record matters, as OCSF counts it: 1 informational, 2 low, 3 medium, 4 high."""
    match item.fields["type"]:
        case "finding.opened":
            return _LEVELS.get(str(item.fields.get("severity")), 3)
        case "deletion.failed" | "audit.gap" | "audit.recovered":
            return 3
        case "deletion.void":
            return 2
        case "audit.forked" | "incident.opened":
            return 4
        case _:
            return 1


def outcome(item: Exported) -> str | None:
    """Return `success` or `failure` where a record tells one."""
    found = item.fields.get("outcome")
    return found if found in {"success", "failure"} else None


def name_of(path: Any) -> str | None:  # noqa: ANN401  a field of a record
    """Return the last part of a path; None where there is no path."""
    return path.rpartition("/")[2] if isinstance(path, str) else None


def without_none(fields: dict[str, Any]) -> dict[str, Any]:
    """Return `fields` without those that are None or empty objects: what is not known is absent."""
    return {key: value for key, value in fields.items() if value is not None and value != {}}
