"""Names that a wrong clock gave, as the record remembers them (ADR 0015)."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from retentiond.domain import instants
from retentiond.domain.misnamed import (
    MOST_REMEMBERED,
    ClockDoubts,
    Misnamed,
    Spell,
    doubts_from_fields,
    doubts_to_fields,
)
from tests.builders import at

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
NOON = at("2026-03-10 12:00")
TOLERANCE = 5 * MINUTE


def doubted(ahead: timedelta, *, since: datetime, last: datetime) -> dict[str, Any]:
    """A record: from now on the wall clock is `ahead` in doubt."""
    text = instants.to_text
    return {"unsettled_s": round(ahead.total_seconds()), "from": text(since), "last": text(last), "leap_s": None}


def settled(leap: timedelta, *, last: datetime) -> dict[str, Any]:
    return {"unsettled_s": None, "from": None, "last": instants.to_text(last), "leap_s": round(leap.total_seconds())}


def told(*records: dict[str, Any]) -> ClockDoubts:
    doubts = ClockDoubts()
    for fields in records:
        doubts = doubts.after(fields)
    return doubts


# A clock that fell back by 100 hours at noon and ran so for 10 hours. Trusted time was right.
BEHIND = doubted(-100 * HOUR, since=NOON - 100 * HOUR, last=NOON)
MENDED = settled(timedelta(), last=NOON + 10 * HOUR)


def test_names_of_a_clock_that_was_behind_may_be_as_much_younger() -> None:
    doubts = told(BEHIND, MENDED)
    assert doubts.spells == ()
    assert doubts.misnamed == (Misnamed(NOON - 100 * HOUR, NOON - 90 * HOUR, 100 * HOUR),)


@pytest.mark.parametrize(
    ("named", "later"),
    [
        (NOON - 100 * HOUR - TOLERANCE, 100 * HOUR),
        (NOON - 100 * HOUR - TOLERANCE - MINUTE, timedelta()),
        (NOON - 95 * HOUR, 100 * HOUR),
        (NOON - 90 * HOUR + TOLERANCE, 100 * HOUR),
        (NOON - 90 * HOUR + TOLERANCE + MINUTE, timedelta()),
        (NOON, timedelta()),
    ],
)
def test_only_names_that_it_gave_are_doubted(named: datetime, later: timedelta) -> None:
    assert told(BEHIND, MENDED).later_by(named) == later


@pytest.mark.parametrize(
    ("named", "ahead"),
    [
        (NOON - 100 * HOUR - TOLERANCE - MINUTE, None),
        (NOON - 100 * HOUR - TOLERANCE, -100 * HOUR),
        (NOON - 90 * HOUR + TOLERANCE, -100 * HOUR),
        (NOON - 90 * HOUR + TOLERANCE + MINUTE, None),
    ],
)
def test_a_spell_may_have_given_the_names_from_its_first_to_its_last_minutes(
    named: datetime, ahead: timedelta | None
) -> None:
    doubts = told(BEHIND, doubted(50 * HOUR, since=NOON + 60 * HOUR, last=NOON + 10 * HOUR))
    assert doubts.ahead_at(named) == ahead


def test_a_clock_that_was_right_and_trusted_time_ahead_named_well() -> None:
    assert told(doubted(-5 * HOUR, since=NOON, last=NOON), settled(-5 * HOUR, last=NOON + HOUR)).misnamed == ()


@pytest.mark.parametrize(("by", "remembered"), [(TOLERANCE, 0), (TOLERANCE + MINUTE, 1)])
def test_what_is_five_minutes_off_is_not_remembered(by: timedelta, remembered: int) -> None:
    for leap in (timedelta(), -HOUR):
        assert len(told(doubted(-by, since=NOON, last=NOON), settled(leap, last=NOON + HOUR)).misnamed) == remembered
    ahead = told(doubted(5 * HOUR, since=NOON, last=NOON), settled(5 * HOUR + by, last=NOON + HOUR))
    assert len(ahead.misnamed) == remembered


def test_where_two_wrong_clocks_gave_one_name_the_later_counts() -> None:
    again = doubted(-30 * HOUR, since=NOON - 95 * HOUR, last=NOON - 65 * HOUR)
    doubts = told(BEHIND, MENDED, again, settled(timedelta(), last=NOON - 60 * HOUR))
    assert doubts.later_by(NOON - 94 * HOUR) == 100 * HOUR


def test_a_clock_that_turned_out_right_named_well() -> None:
    """After a power-off trusted time was behind, and leapt to where the wall clock had been."""
    power_off = doubted(5 * HOUR, since=NOON, last=NOON - 5 * HOUR)
    assert told(power_off, settled(5 * HOUR, last=NOON)).misnamed == ()


def test_a_board_that_goes_on_from_where_it_was_switched_off_named_behind_although_both_clocks_agreed() -> None:
    off = doubted(timedelta(), since=NOON, last=NOON)
    assert told(off, settled(30 * HOUR, last=NOON + HOUR)).misnamed == (Misnamed(NOON, NOON + HOUR, 30 * HOUR),)


def test_names_in_the_future_are_no_danger_and_are_not_remembered() -> None:
    ahead = doubted(100 * HOUR, since=NOON + 100 * HOUR, last=NOON)
    assert told(ahead, settled(timedelta(), last=NOON + HOUR)) == ClockDoubts()


def test_while_the_doubt_goes_on_a_name_tells_how_far_the_clock_was_off() -> None:
    doubts = told(BEHIND, doubted(50 * HOUR, since=NOON + 60 * HOUR, last=NOON + 10 * HOUR))
    assert doubts.spells == (
        Spell(NOON - 100 * HOUR, NOON - 90 * HOUR, -100 * HOUR),
        Spell(NOON + 60 * HOUR, None, 50 * HOUR),
    )
    assert doubts.ahead_at(NOON - 95 * HOUR) == -100 * HOUR
    assert doubts.ahead_at(NOON) is None
    assert doubts.ahead_at(NOON + 500 * HOUR) == 50 * HOUR


def test_the_same_doubt_told_again_is_the_same_spell() -> None:
    for by in (TOLERANCE, MINUTE, -MINUTE, -TOLERANCE):
        again = doubted(-100 * HOUR + by, since=NOON - 95 * HOUR, last=NOON + 5 * HOUR)
        assert told(BEHIND, again) == told(BEHIND)
    other = doubted(-100 * HOUR - TOLERANCE - MINUTE, since=NOON - 95 * HOUR, last=NOON + 5 * HOUR)
    assert len(told(BEHIND, other).spells) == 2


def test_two_faults_in_one_doubt_are_each_told_by_the_same_leap() -> None:
    doubts = told(
        BEHIND,
        doubted(-10 * HOUR, since=NOON, last=NOON + 10 * HOUR),
        settled(2 * HOUR, last=NOON + 12 * HOUR),
    )
    assert [item.later for item in doubts.misnamed] == [102 * HOUR, 12 * HOUR]


def test_a_settled_clock_that_was_never_in_doubt_says_nothing() -> None:
    assert told(settled(timedelta(), last=NOON)) == ClockDoubts()


def test_records_of_other_versions_say_nothing() -> None:
    assert told({"state": "behind", "ahead_s": -5}) == ClockDoubts()


def test_a_doubt_is_compared_with_the_last_spell() -> None:
    """Two spells, of which the first is off by as much as the third: the third is another one."""
    first = doubted(-100 * HOUR, since=NOON - 100 * HOUR, last=NOON)
    second = doubted(-50 * HOUR, since=NOON - 40 * HOUR, last=NOON + 10 * HOUR)
    third = doubted(-100 * HOUR, since=NOON - 80 * HOUR, last=NOON + 20 * HOUR)
    assert [spell.ahead for spell in told(first, second, third).spells] == [-100 * HOUR, -50 * HOUR, -100 * HOUR]
    assert len(told(first, second, doubted(-50 * HOUR, since=NOON, last=NOON + 20 * HOUR)).spells) == 2


def test_five_hundred_are_remembered() -> None:
    assert MOST_REMEMBERED == 500


def test_not_more_is_remembered_than_a_machine_can_have_had() -> None:
    doubts = ClockDoubts()
    for number in range(MOST_REMEMBERED + 20):
        begun = NOON + number * 200 * HOUR
        doubts = doubts.after(doubted(-100 * HOUR, since=begun - 100 * HOUR, last=begun))
        doubts = doubts.after(settled(timedelta(), last=begun + HOUR))
    assert len(doubts.misnamed) == MOST_REMEMBERED
    assert doubts.misnamed[-1].since > NOON + (MOST_REMEMBERED + 10) * 200 * HOUR


def test_what_is_known_comes_back_as_it_was() -> None:
    doubts = told(BEHIND, MENDED, BEHIND, doubted(50 * HOUR, since=NOON + 60 * HOUR, last=NOON + 10 * HOUR))
    assert doubts.spells
    assert doubts.misnamed
    assert doubts_from_fields(doubts_to_fields(doubts)) == doubts
