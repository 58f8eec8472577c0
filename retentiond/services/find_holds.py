"""What a person has to know about suspensions: who still has to agree, who has to look again, what ends soon."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.domain.suspension import APPROVE_WITHIN, ENDS_SOON, Suspension
from retentiond.ports import HoldStatus


def hold_findings(suspensions: Iterable[Suspension], now: datetime) -> tuple[Finding, ...]:
    """Return the findings about the suspensions that are in force at `now`."""
    return tuple(found for item in suspensions if item.in_force(now) for found in _findings(item, now))


def hold_status(suspensions: Iterable[Suspension], now: datetime) -> tuple[HoldStatus, ...]:
    """Return what status and metrics show of the suspensions that are in force at `now`."""
    return tuple(
        HoldStatus(
            ident=item.ident,
            approved=item.approved_by is not None,
            extending=item.extension is not None,
            placed_at=item.placed_at,
            effective_until=item.effective_until,
            review_at=item.review_at,
        )
        for item in suspensions
        if item.in_force(now)
    )


def _findings(item: Suspension, now: datetime) -> Iterator[Finding]:
    ident = item.ident
    approve = f"another person has to type: retentiond hold approve {ident}"
    if item.approved_by is None:
        lapses = item.placed_at + APPROVE_WITHIN
        yield finding(
            FindingKind.HOLD_UNAPPROVED,
            ident,
            f"hold {ident} stands on one person's word and lapses at {_text(lapses)}; what it keeps is deleted then",
            approve,
        )
    elif item.extension is not None:
        yield finding(
            FindingKind.HOLD_UNAPPROVED,
            ident,
            f"the extension of hold {ident} to {_text(item.extension.until)} stands on one person's word and lapses at "
            f"{_text(item.extension.lapses_at)}",
            approve,
        )
    if now >= item.review_at:
        yield finding(
            FindingKind.HOLD_REVIEW_DUE,
            ident,
            f"hold {ident} was to be looked at again by {_text(item.review_at)}",
            f"retentiond hold release {ident} --why TEXT, or, if it is still needed: "
            f"retentiond hold extend {ident} --review TIME",
        )
    if item.approved_by is not None and item.effective_until - now <= ENDS_SOON:
        yield finding(
            FindingKind.HOLD_ENDING,
            ident,
            f"hold {ident} ends at {_text(item.effective_until)}; what it keeps and is due is deleted then",
            f"if it is still needed: retentiond hold extend {ident} --until TIME",
        )


def _text(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
