"""Findings are opened and closed, each once."""

import pytest

from retentiond.domain.finding import SEVERITY, FindingChanges, FindingKind, Severity, compare_findings, finding
from tests.builders import a_finding

OVERDUE = (FindingKind.OVERDUE, "main", "it is", "do")


def test_a_finding_that_is_new_is_opened() -> None:
    found = a_finding()
    assert compare_findings([], [found]) == FindingChanges((found,), ())


def test_a_finding_that_is_gone_is_closed() -> None:
    assert compare_findings([a_finding()], []) == FindingChanges((), (a_finding().key,))


def test_a_finding_that_stays_is_neither_whatever_its_message_says_now() -> None:
    before, now = a_finding(message="3 are overdue"), a_finding(message="4 are overdue")
    assert compare_findings([before], [now]) == FindingChanges((), ())


def test_a_finding_whose_facts_are_others_is_opened_again() -> None:
    before, now = finding(*OVERDUE, facts="since Monday"), finding(*OVERDUE, facts="since Tuesday")
    assert compare_findings([before], [now]) == FindingChanges((now,), ())


def test_the_same_kind_about_another_subject_and_another_kind_about_the_same_are_other_findings() -> None:
    here, there = a_finding(subject="main"), a_finding(subject="archive")
    other = a_finding(FindingKind.UNCOVERED, "main")
    changes = compare_findings([here], [there, other])
    assert changes == FindingChanges((there, other), (here.key,))


def test_a_finding_found_twice_is_opened_once() -> None:
    changes = compare_findings([], [a_finding(message="first"), a_finding(message="second")])
    assert len(changes.opened) == 1


def test_closed_findings_come_in_a_stable_order() -> None:
    found = [a_finding(kind, subject) for kind in FindingKind for subject in ("b", "a")]
    assert compare_findings(found, []).closed == compare_findings(reversed(found), []).closed
    assert len(compare_findings(found, []).closed) == len(found)


@pytest.mark.parametrize("kind", FindingKind)
def test_every_kind_has_a_severity_and_a_warning_where_none_is_named(kind: FindingKind) -> None:
    assert finding(kind, "x", "m", "r").severity is SEVERITY.get(kind, Severity.WARNING)


@pytest.mark.parametrize(
    "kind",
    [
        FindingKind.PROHIBITED_ASSIGNMENT,
        FindingKind.PROHIBITED_COVERAGE,
        FindingKind.UNREGISTERED_DEVICE,
        FindingKind.OVERDUE,
        FindingKind.UNCOVERED,
        FindingKind.AUDIT_DAMAGED,
    ],
)
def test_a_broken_promise_is_a_breach(kind: FindingKind) -> None:
    assert a_finding(kind).severity is Severity.BREACH
