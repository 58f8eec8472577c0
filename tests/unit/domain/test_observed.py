"""Recordings that only their recorder may delete: what is past its deadline, and what no rule covers."""

from datetime import datetime, timedelta

import pytest

from retentiond.domain.finding import FindingKind
from retentiond.domain.observed import Observed, observed_findings
from retentiond.domain.recording import CameraName, Category
from retentiond.domain.rule import DeletionRule
from tests.builders import NOW, STORE, a_rule

PERIOD = timedelta(days=30)
TICK = timedelta(microseconds=1)


def seen(oldest: datetime, *starts: datetime) -> Observed:
    return Observed(CameraName("yard"), Category.VIDEO, oldest, "set `retain`", starts=starts)


def told(oldest: datetime, rule: DeletionRule | None) -> list[tuple[FindingKind, str, str, str]]:
    found = observed_findings(STORE, "moonfire", [(seen(oldest), rule)], NOW)
    return [(item.key.kind, item.key.subject, item.message, item.remedy) for item in found]


def test_what_is_past_its_deadline_is_told_with_what_to_set() -> None:
    assert told(NOW - PERIOD - timedelta(days=1), a_rule("general")) == [
        (
            FindingKind.OVERDUE,
            "main / yard / video",
            "camera 'yard' (video) has recordings past the deadline, which nobody but moonfire may delete: the oldest "
            "begins 2026-02-28T12:00:00.000Z, and rule 'general' ends it after 30d",
            "set `retain`",
        )
    ]


@pytest.mark.parametrize(("age", "overdue"), [(PERIOD - TICK, False), (PERIOD, False), (PERIOD + TICK, True)])
def test_it_is_past_it_when_the_period_has_gone_by(age: timedelta, *, overdue: bool) -> None:
    assert bool(told(NOW - age, a_rule())) is overdue
    assert seen(NOW - age, NOW - age).overdue(a_rule(), NOW) == overdue


def test_those_that_are_past_it_are_counted() -> None:
    starts = [NOW - PERIOD - TICK, NOW - PERIOD - TICK, NOW - PERIOD, NOW]
    assert seen(starts[0], *starts).overdue(a_rule(), NOW) == 2
    assert seen(starts[0]).overdue(a_rule(), NOW) == 0


def test_what_no_rule_covers_is_told_however_new_it_is() -> None:
    assert told(NOW, None) == [
        (
            FindingKind.UNCOVERED,
            "main / yard / video",
            "no deletion rule covers what moonfire has of camera 'yard' (video)",
            "add a rule to `deletion_rules` that selects it",
        )
    ]


def test_how_many_there_are_is_not_known_unless_somebody_says_so() -> None:
    assert (seen(NOW).recordings, seen(NOW).newest, seen(NOW).starts) == (0, None, ())
