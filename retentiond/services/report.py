"""What the world is told: snapshots for status and metrics, and the positive evidence on the record."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from retentiond.domain import instants
from retentiond.domain.event import Event, EventType
from retentiond.ports import ScanProgress, Space, StoreStatus, StreamStatus, Watching
from retentiond.services.rulebook import RuleBook
from retentiond.services.scan import ScanResult
from retentiond.services.survey import Survey

STREAMS_LISTED = 150
"""Beyond so many streams a record sums up per store, so that no line outgrows the trail."""


def store_status(
    survey: Survey,
    *,
    scan: ScanProgress | None,
    space: Space | None,
    watching: Watching,
    next_due: datetime | None,
    observed: tuple[StreamStatus, ...] = (),
) -> StoreStatus:
    """Return what status and metrics show of a store; `observed` is what only its recorder may delete."""
    return StoreStatus(
        name=survey.store,
        condition=survey.condition_word,
        recordings=survey.recordings,
        unclassified=survey.unclassified,
        uncovered=sum(count for _, count in survey.uncovered),
        suspended=survey.suspended,
        last_scan=survey.last_scan,
        scan=scan,
        space=space,
        watching=watching,
        waiting=survey.waiting,
        next_due=next_due,
        streams=(*survey.streams, *observed),
    )


def scan_completed(survey: Survey, result: ScanResult, book: RuleBook) -> Event:
    """The positive evidence after a scan: what was looked at, how old the oldest is, and what is over its time."""
    return Event(
        EventType.SCAN_COMPLETED,
        {
            **_evidence(survey),
            "directories": result.directories,
            "unchanged": result.unchanged,
            "arrived": result.arrived,
            "removed_by_others": result.removed_by_others,
            "unlisted": len(result.unlisted),
            "policy": book.policy_digest,
            "register": book.register_digest,
        },
    )


def heartbeat(surveys: Sequence[Survey], book: RuleBook, *, mode: str, findings: int) -> Event:
    """The hourly evidence that the daemon lives and what it sees; silence becomes provable."""
    return Event(
        EventType.HEARTBEAT,
        {
            "mode": mode,
            "stores": [_evidence(survey) for survey in surveys],
            "findings": findings,
            "policy": book.policy_digest,
            "register": book.register_digest,
        },
    )


def _evidence(survey: Survey) -> dict[str, Any]:
    oldest = min((status.oldest for status in survey.streams if status.oldest is not None), default=None)
    evidence: dict[str, Any] = {
        "store": survey.store,
        "condition": survey.condition_word,
        "recordings": survey.recordings,
        "oldest": _text(oldest),
        "overdue": survey.overdue,
        "suspended": survey.suspended,
        "uncovered": sum(count for _, count in survey.uncovered),
        "unclassified": survey.unclassified,
        "waiting": survey.waiting.count if survey.waiting is not None else 0,
    }
    if len(survey.streams) <= STREAMS_LISTED:
        evidence["streams"] = [
            {
                "camera": status.stream.camera,
                "category": status.stream.category.value,
                "recordings": status.recordings,
                "oldest": _text(status.oldest),
                "overdue": status.overdue,
            }
            for status in survey.streams
        ]
    return evidence


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instants.to_text(instant)
