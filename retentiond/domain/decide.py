"""Whether a recording may go: the one function that can make a recording deletable."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

from retentiond.domain.recording import Recording
from retentiond.domain.rule import DeletionRule
from retentiond.domain.suspension import Stopping


class KeepReason(StrEnum):
    """Why a recording stays."""

    NOT_DUE = "not_due"
    SUSPENDED = "suspended"
    UNCOVERED = "uncovered"


@dataclass(frozen=True, slots=True)
class Keep:
    """The recording stays, for this reason."""

    reason: KeepReason


@dataclass(frozen=True, slots=True)
class Delete:
    """The recording is due, by this rule, and has to be gone at `deadline`."""

    deadline: datetime
    rule: DeletionRule


Decision: TypeAlias = Keep | Delete


def is_due(start: datetime, period: timedelta, margin: timedelta, now: datetime) -> bool:
    """Tell whether a recording that starts at `start` is due at `now`: now - start >= period - margin.

    The period runs from the first frame, in UTC (ADR 0001); the margin makes it gone *by* its deadline (ADR 0002).
    """
    return now - start >= period - margin


def latest_due_start(period: timedelta, margin: timedelta, now: datetime) -> datetime:
    """Return the latest start that is due at `now`; the same comparison as `is_due`, solved for the start."""
    return now - (period - margin)


def deadline_of(start: datetime, rule: DeletionRule) -> datetime:
    """Return the instant after which the recording is overdue."""
    return start + rule.deletion_period


def decide(
    recording: Recording,
    rule: DeletionRule | None,
    *,
    margin: timedelta,
    suspensions: Collection[Stopping],
    now: datetime,
) -> Decision:
    """Decide what happens to `recording` at the trusted instant `now`. A suspension always wins."""
    if any(suspension.covers(recording, now) for suspension in suspensions):
        return Keep(KeepReason.SUSPENDED)
    if rule is None:
        return Keep(KeepReason.UNCOVERED)
    if not is_due(recording.start, rule.deletion_period, margin, now):
        return Keep(KeepReason.NOT_DUE)
    return Delete(deadline_of(recording.start, rule), rule)
