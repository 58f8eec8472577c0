"""Says again, once a day, what waits for a person: a finding that was opened a month ago is not read any more."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from retentiond.domain.decisions import Decisions
from retentiond.domain.finding import Finding, FindingKind

REMIND_EVERY = timedelta(hours=24)

REPEATED = frozenset(
    {
        FindingKind.WAITING_FOR_APPROVAL,
        FindingKind.HOLD_UNAPPROVED,
        FindingKind.OVERDUE,
        FindingKind.INCIDENT_OPEN,
        FindingKind.INCIDENT_LAPSED,
    }
)
"""What somebody has to do something about before it is too late, or is too late already."""


def reminders(decisions: Decisions, found: Iterable[Finding], wall: datetime) -> tuple[Finding, ...]:
    """Return which of the findings that are open are to be said again at `wall`, as they are now.

    Not those that a person has acknowledged for this long. The wall clock counts, as on the record; where it was set
    back, a reminder comes early rather than never.
    """
    return tuple(
        item
        for item in found
        if item.key.kind in REPEATED
        and (last := decisions.told_at.get(item.key)) is not None
        and abs(wall - last) >= REMIND_EVERY
        and not decisions.is_acknowledged(item.key, wall)
    )
