"""What an incident suspends, until when, and when what two persons decided is due."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from retentiond.domain.decide import Delete, Keep, KeepReason, decide
from retentiond.domain.incident import Incident, Stage, Verdict, digest_of, returned
from tests.builders import a_recording, a_rule, a_ruling, a_violation, an_incident, at

SINCE = at("2026-03-01 12:00")
TICK = timedelta(milliseconds=1)
MARGIN = timedelta(seconds=60)


DECIDED = an_incident(ruling=a_ruling())
AGREED = an_incident(ruling=a_ruling(), approved_at=at("2026-03-12"))


@pytest.mark.parametrize(
    ("item", "stage", "suspends"),
    [
        (an_incident(), Stage.OPEN, True),
        (DECIDED, Stage.DECIDED, True),
        (AGREED, Stage.DELETING, False),
        (an_incident(lapsed_at=at("2026-04-09")), Stage.LAPSED, False),
    ],
)
def test_it_suspends_as_long_as_two_persons_have_not_decided(item: Incident, stage: Stage, suspends: bool) -> None:
    assert item.stage is stage
    assert item.in_force(at("2026-03-20")) is suspends


def test_it_suspends_up_to_its_end_and_no_instant_longer() -> None:
    recording = a_recording(at("2026-03-02"))
    assert an_incident().covers(recording, at("2026-04-09") - TICK)
    assert not an_incident().covers(recording, at("2026-04-09"))


def test_what_it_suspends_is_not_deleted_whatever_a_rule_says() -> None:
    decision = decide(
        a_recording(at("2026-03-02")),
        a_rule(period="1h"),
        margin=MARGIN,
        suspensions=(an_incident(),),
        now=at("2026-03-20"),
    )
    assert decision == Keep(KeepReason.SUSPENDED)


@pytest.mark.parametrize(("now", "due"), [(at("2026-03-12") - TICK, False), (at("2026-03-12"), True)])
def test_what_two_persons_gave_up_is_due_from_the_second_word_on(now: datetime, due: bool) -> None:
    recording = a_recording(at("2026-03-02"))
    rule = AGREED.rule_for(recording, MARGIN)
    assert rule is not None
    assert rule.name == "incident I-1"
    decision = decide(recording, rule, margin=MARGIN, suspensions=(AGREED,), now=now)
    assert isinstance(decision, Delete) is due
    if isinstance(decision, Delete):
        assert decision.deadline == at("2026-03-12") + MARGIN


def test_nothing_is_due_by_one_word_nor_by_a_dismissal() -> None:
    recording = a_recording(at("2026-03-02"))
    assert DECIDED.rule_for(recording, MARGIN) is None
    dismissed = replace(AGREED, ruling=a_ruling(Verdict.DISMISS))
    assert dismissed.rule_for(recording, MARGIN) is None
    assert not dismissed.goes


@pytest.mark.parametrize(
    ("found", "digest", "deleted", "agrees"),
    [
        (2, "ab", 0, True),
        (2, "cd", 0, False),
        (3, "ab", 0, False),
        (1, "", 0, True),
        (1, "", 1, True),
        (2, "ab", 1, False),
    ],
)
def test_what_is_left_is_never_more_than_was_decided_about(found: int, digest: str, deleted: int, agrees: bool) -> None:
    assert replace(AGREED, deleted=deleted).still_agrees(found, digest) is agrees


def test_the_decision_reaches_up_to_when_it_was_made() -> None:
    assert [part.reach.until for part in AGREED.held] == [at("2026-03-11")]
    assert AGREED.reach == a_ruling().scope
    assert DECIDED.reach == (a_violation().reach,), "while another has to agree all of it is suspended"


def test_one_that_comes_back_suspends_again_for_72_hours_at_least() -> None:
    again = returned(AGREED, at("2026-04-08"))
    assert (again.stage, again.ends_at) == (Stage.OPEN, at("2026-04-11"))
    assert returned(AGREED, at("2026-03-12")).ends_at == AGREED.ends_at


@pytest.mark.parametrize(
    ("start", "written", "reached"),
    [
        ("2026-03-01 11:50", "2026-03-01 12:10", True),
        ("2026-03-01 11:50", "2026-03-01 12:00", False),
        ("2026-03-01 12:00", "2026-03-01 12:10", False),
        ("2026-02-28 11:50", "2026-03-01 12:10", False),
    ],
)
def test_it_covers_what_began_before_and_ran_into_it(start: str, written: str, reached: bool) -> None:
    assert an_incident().runs_into(a_recording(at(start)), at(written), at("2026-03-20")) is reached


def test_a_later_part_of_a_violation_is_run_into_by_nothing() -> None:
    cut = an_incident(parts=(replace(a_violation(), origin=SINCE - timedelta(days=1)),))
    assert not cut.runs_into(a_recording(at("2026-03-01 11:50")), at("2026-03-01 12:10"), at("2026-03-20"))


def test_the_digest_names_a_set_whatever_its_order_and_no_other() -> None:
    one, two = a_recording(at("2026-03-02")), a_recording(at("2026-03-03"))
    assert digest_of([one, two]) == digest_of([two, one])
    assert len({digest_of([one, two]), digest_of([one]), digest_of([])}) == 3
