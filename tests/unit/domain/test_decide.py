"""The one function that can make a recording deletable."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from retentiond.domain.decide import Delete, Keep, KeepReason, deadline_of, decide, is_due, latest_due_start
from retentiond.domain.rule import DeletionRule
from tests.builders import a_recording, a_rule, a_suspension, at

START = at("2026-03-01 02:00")
PERIOD = timedelta(days=30)
MARGIN = timedelta(seconds=60)
DUE = at("2026-03-31 01:59")
DEADLINE = at("2026-03-31 02:00")
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (DUE - TICK, False),
        (DUE, True),
        (DUE + TICK, True),
        (DEADLINE - TICK, True),
        (DEADLINE, True),
        (DEADLINE + timedelta(days=365), True),
        (START, False),
        (START - timedelta(days=365 * 50), False),
    ],
    ids=["a tick before", "exactly", "a tick after", "before the deadline", "deadline", "a year on", "start", "past"],
)
def test_due_is_exactly_when_the_age_reaches_the_period_less_the_margin(now: datetime, due: bool) -> None:
    assert is_due(START, PERIOD, MARGIN, now) is due


def test_without_a_margin_thirty_days_are_due_and_a_microsecond_less_is_not() -> None:
    assert is_due(START, PERIOD, timedelta(), DEADLINE)
    assert not is_due(START, PERIOD, timedelta(), DEADLINE - TICK)


def test_the_latest_due_start_is_due_and_the_next_is_not() -> None:
    latest = latest_due_start(PERIOD, MARGIN, DUE)
    assert latest == START
    assert is_due(latest, PERIOD, MARGIN, DUE)
    assert not is_due(latest + TICK, PERIOD, MARGIN, DUE)


@pytest.mark.parametrize("zone", ["Europe/Tallinn", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("local", ["2026-03-08T01:30", "2026-03-28T12:00", "2026-10-10T12:00", "2026-10-31T12:00"])
def test_a_change_to_or_from_summer_time_moves_no_deadline(zone: str, local: str) -> None:
    start = at(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).isoformat())
    assert deadline_of(start, a_rule(period="30d")) == start + timedelta(seconds=30 * 86_400)
    assert is_due(start, PERIOD, timedelta(), start + timedelta(hours=720))
    assert not is_due(start, PERIOD, timedelta(), start + timedelta(hours=720) - TICK)


def test_both_readings_of_a_repeated_hour_are_two_starts_an_hour_apart() -> None:
    tallinn = ZoneInfo("Europe/Tallinn")
    earlier, later = (at(datetime(2026, 10, 25, 3, 30, tzinfo=tallinn, fold=fold).isoformat()) for fold in (0, 1))
    assert deadline_of(later, a_rule()) - deadline_of(earlier, a_rule()) == timedelta(hours=1)


def test_a_due_recording_is_deleted_by_the_rule_that_says_so_with_its_deadline() -> None:
    rule = a_rule(period="30d")
    decision = decide(a_recording(START), rule, margin=MARGIN, suspensions=(), now=DUE)
    assert decision == Delete(DEADLINE, rule)


def test_the_deadline_does_not_depend_on_the_margin() -> None:
    rule = a_rule()
    decision = decide(a_recording(START), rule, margin=timedelta(hours=1), suspensions=(), now=DEADLINE)
    assert decision == Delete(DEADLINE, rule)


def test_what_is_not_due_stays() -> None:
    decision = decide(a_recording(START), a_rule(), margin=MARGIN, suspensions=(), now=DUE - TICK)
    assert decision == Keep(KeepReason.NOT_DUE)


def test_what_no_rule_covers_stays_however_old() -> None:
    decision = decide(a_recording(START), None, margin=MARGIN, suspensions=(), now=at("2050-01-01"))
    assert decision == Keep(KeepReason.UNCOVERED)


@pytest.mark.parametrize("rule", [a_rule(), None], ids=["covered", "uncovered"])
def test_a_suspension_always_wins(rule: DeletionRule | None) -> None:
    held = decide(a_recording(START), rule, margin=MARGIN, suspensions=[a_suspension()], now=DEADLINE)
    assert held == Keep(KeepReason.SUSPENDED)


def test_one_suspension_among_many_is_enough() -> None:
    others = [a_suspension(cameras=["entrance"]), a_suspension(effective_until=START), a_suspension()]
    held = decide(a_recording(START), a_rule(), margin=MARGIN, suspensions=others, now=DEADLINE)
    assert held == Keep(KeepReason.SUSPENDED)


def test_a_suspension_that_has_ended_leaves_the_recording_due() -> None:
    ended = a_suspension(effective_until=DEADLINE)
    decision = decide(a_recording(START), a_rule(), margin=MARGIN, suspensions=[ended], now=DEADLINE)
    assert isinstance(decision, Delete)
