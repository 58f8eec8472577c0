"""The start of a recording by rules S1 to S6, and how it arrived."""

from datetime import datetime, timedelta

import pytest

from retentiond.domain.recording import TimeSource
from retentiond.domain.starts import (
    Arrival,
    Doubt,
    Start,
    arrival_of,
    classify_arrival,
    is_disputed,
    is_plausible,
    is_rewritten,
    settle_again,
    settle_in_doubt,
    settle_start,
)
from tests.builders import NOW, at

TICK = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


# --- S1, S2 -------------------------------------------------------------------------------------------------------


def test_s1_the_name_decides_whatever_the_file_time_says() -> None:
    named = NOW - HOUR
    for written in (None, NOW, at("2001-01-01"), at("2099-01-01")):
        assert settle_start(named, written, first_seen=NOW, now=NOW) == Start(named, TimeSource.NAME)


def test_s2_without_a_time_in_the_name_the_file_time_decides() -> None:
    assert settle_start(None, NOW - HOUR, first_seen=NOW, now=NOW) == Start(NOW - HOUR, TimeSource.MTIME)


def test_s2_with_neither_the_first_sight_decides_and_says_so() -> None:
    expected = Start(NOW, TimeSource.FIRST_SEEN, Doubt.UNKNOWN_TIME)
    assert settle_start(None, None, first_seen=NOW, now=NOW) == expected


# --- S3 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("instant", "plausible"),
    [
        (at("1970-01-01"), False),
        (at("1970-01-21 12:00"), False),  # milliseconds read as seconds
        (at("1999-12-31 23:59:59.999999"), False),
        (at("2000-01-01"), True),
        (NOW, True),
        (NOW + DAY, True),
        (NOW + DAY + TICK, False),
        (at("2099-01-01"), False),
    ],
)
def test_s3_a_time_lies_between_2000_and_a_day_from_now(instant: datetime, plausible: bool) -> None:
    assert is_plausible(instant, NOW) is plausible


@pytest.mark.parametrize("wrong", [at("1970-01-01"), at("1999-12-31"), at("2099-01-01"), at("9999-12-31")])
def test_s3_an_impossible_time_is_unknown_and_never_very_old(wrong: datetime) -> None:
    expected = Start(NOW, TimeSource.FIRST_SEEN, Doubt.UNKNOWN_TIME)
    assert settle_start(wrong, None, first_seen=NOW, now=NOW) == expected
    assert settle_start(None, wrong, first_seen=NOW, now=NOW) == expected


def test_s3_an_impossible_name_is_not_replaced_by_the_file_time() -> None:
    settled = settle_start(at("1970-01-01"), NOW - DAY * 40, first_seen=NOW, now=NOW)
    assert settled == Start(NOW, TimeSource.FIRST_SEEN, Doubt.UNKNOWN_TIME)


def test_a_recording_made_while_the_camera_believed_in_1970_counts_from_its_first_sight() -> None:
    """Acceptance case 4: two hours of film under 1970 names are two hours old, not 56 years."""
    settled = settle_start(at("1970-01-01 01:30"), None, first_seen=NOW - HOUR, now=NOW)
    assert settled.instant == NOW - HOUR


# --- S4 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("minutes", [-60, 0, 5])
def test_s4_a_start_up_to_five_minutes_after_the_first_sight_stands(minutes: int) -> None:
    named = NOW + timedelta(minutes=minutes)
    assert settle_start(named, None, first_seen=NOW, now=NOW) == Start(named, TimeSource.NAME)


@pytest.mark.parametrize("ahead", [timedelta(minutes=5) + TICK, HOUR, DAY])
def test_s4_a_later_start_counts_as_the_first_sight_and_pins_nothing(ahead: timedelta) -> None:
    expected = Start(NOW, TimeSource.FIRST_SEEN, Doubt.FUTURE_TIME)
    assert settle_start(NOW + ahead, None, first_seen=NOW, now=NOW) == expected
    assert settle_start(None, NOW + ahead, first_seen=NOW, now=NOW) == expected


def test_s4_measures_from_the_first_sight_and_not_from_now() -> None:
    settled = settle_start(NOW, None, first_seen=NOW - HOUR, now=NOW)
    assert settled == Start(NOW - HOUR, TimeSource.FIRST_SEEN, Doubt.FUTURE_TIME)


# --- S5 -----------------------------------------------------------------------------------------------------------


def test_the_arrival_is_the_birth_or_the_first_sight_whichever_is_earlier() -> None:
    assert arrival_of(NOW - HOUR, NOW) == NOW - HOUR
    assert arrival_of(NOW + HOUR, NOW) == NOW
    assert arrival_of(None, NOW) == NOW


@pytest.mark.parametrize(
    ("age", "period", "disputed"),
    [
        (timedelta(hours=48), HOUR, False),
        (timedelta(hours=48) + TICK, HOUR, True),
        (DAY * 30 - TICK, DAY * 30, False),
        (DAY * 30, DAY * 30, True),
        (DAY * 3, DAY * 30, False),
        (HOUR, HOUR, False),
    ],
    ids=["48 h", "48 h and a tick", "not past its deadline", "at its deadline", "old but not past", "past but young"],
)
def test_s5_disputed_is_over_48_hours_older_than_its_arrival_and_past_its_deadline_then(
    age: timedelta, period: timedelta, disputed: bool
) -> None:
    start = NOW - age
    assert is_disputed(start, start + period, NOW) is disputed


# --- S6, S7 -------------------------------------------------------------------------------------------------------


def test_a_file_written_up_to_a_day_after_its_start_is_still_that_recording() -> None:
    assert not is_rewritten(NOW, NOW + DAY, None, first_seen=None, now=NOW + DAY * 9)
    assert is_rewritten(NOW, NOW + DAY + TICK, None, first_seen=None, now=NOW + DAY * 9)
    assert not is_rewritten(NOW, NOW - DAY * 40, None, first_seen=None, now=NOW + DAY * 9)


def test_a_copy_that_was_written_when_it_came_is_no_rewrite() -> None:
    assert not is_rewritten(NOW - DAY * 40, NOW, NOW, first_seen=None, now=NOW + DAY * 9)
    assert is_rewritten(NOW - DAY * 40, NOW + DAY + TICK, NOW, first_seen=None, now=NOW + DAY * 9)


def test_a_file_born_after_its_name_was_first_seen_is_no_copy_but_another_file() -> None:
    start, seen = NOW - DAY * 40, NOW - DAY * 37
    assert not is_rewritten(start, seen, seen + timedelta(), first_seen=seen, now=NOW)
    assert not is_rewritten(start, seen, seen - HOUR, first_seen=seen, now=NOW)
    assert is_rewritten(start, seen + TICK, seen + TICK, first_seen=seen, now=NOW)
    assert not is_rewritten(start, start + DAY, seen + TICK, first_seen=seen, now=NOW), "one copied with its time"
    assert is_rewritten(start, NOW, None, first_seen=seen, now=NOW)


def test_a_birth_before_the_start_changes_nothing() -> None:
    assert is_rewritten(NOW, NOW + DAY + TICK, NOW - DAY, first_seen=None, now=NOW + DAY * 9)
    assert not is_rewritten(NOW, NOW + DAY, NOW - DAY, first_seen=None, now=NOW + DAY * 9)


# --- arrival ------------------------------------------------------------------------------------------------------

PERIOD = DAY * 30
START = at("2026-03-01")
DEADLINE = START + PERIOD


def arrives(
    *, start: datetime = START, birth: datetime | None, first_seen: datetime, last_scan: datetime | None
) -> Arrival:
    return classify_arrival(start, start + PERIOD, birth=birth, first_seen=first_seen, last_scan=last_scan)


def test_what_came_while_the_daemon_was_down_and_fell_due_since_is_ordinary() -> None:
    assert arrives(birth=START, first_seen=DEADLINE + DAY, last_scan=START - HOUR) is Arrival.ORDINARY


@pytest.mark.parametrize(
    ("birth", "expected"),
    [
        (at("2026-03-01 12:00") - TICK, Arrival.LATE),
        (at("2026-03-01 12:00"), Arrival.ORDINARY),
        (DEADLINE - TICK, Arrival.ORDINARY),
        (DEADLINE, Arrival.DISPUTED),
    ],
    ids=["before the last scan", "at the last scan", "just before its deadline", "at its deadline"],
)
def test_ordinary_reaches_from_the_last_scan_up_to_the_deadline(birth: datetime, expected: Arrival) -> None:
    last_scan = at("2026-03-01 12:00")
    assert arrives(birth=birth, first_seen=DEADLINE + DAY, last_scan=last_scan) is expected


def test_one_of_a_short_period_that_came_at_its_deadline_did_not_fall_due_here() -> None:
    short = START + DAY
    for birth, expected in ((short - TICK, Arrival.ORDINARY), (short, Arrival.LATE)):
        found = classify_arrival(START, short, birth=birth, first_seen=short + HOUR, last_scan=START)
        assert found is expected


def test_what_lay_there_unseen_during_the_last_scan_is_late() -> None:
    assert arrives(birth=START, first_seen=DEADLINE + DAY, last_scan=START + DAY) is Arrival.LATE


def test_footage_restored_long_after_its_deadline_is_disputed() -> None:
    restored = DEADLINE + DAY
    assert arrives(birth=restored, first_seen=restored + HOUR, last_scan=restored - HOUR) is Arrival.DISPUTED


def test_without_a_birth_time_the_first_sight_is_the_arrival() -> None:
    assert arrives(birth=None, first_seen=DEADLINE + HOUR, last_scan=DEADLINE) is Arrival.DISPUTED
    assert arrives(birth=None, first_seen=DEADLINE - TICK, last_scan=START) is Arrival.ORDINARY


def test_what_is_past_a_short_period_but_little_older_than_its_arrival_is_late() -> None:
    start = NOW - HOUR * 47
    found = classify_arrival(start, start + HOUR, birth=NOW, first_seen=NOW, last_scan=NOW - HOUR)
    assert found is Arrival.LATE


@pytest.mark.parametrize("birth", [None, START, DEADLINE, DEADLINE + DAY * 100])
def test_before_the_first_complete_scan_nothing_is_classified(birth: datetime | None) -> None:
    """At adoption a birth time says when a copy was made (ADR 0011); the approval covers what is found."""
    assert arrives(birth=birth, first_seen=DEADLINE + DAY * 200, last_scan=None) is Arrival.ORDINARY


# --- while nothing shows what time it is --------------------------------------------------------------------------

DAYS_5 = timedelta(days=5)


def test_one_that_seems_to_come_from_the_future_counts_from_first_sight_until_the_clock_is_settled() -> None:
    future = settle_start(NOW + DAYS_5, None, first_seen=NOW, now=NOW)
    counted = settle_in_doubt(future, unsettled=DAYS_5, first_seen=NOW)
    assert (counted.instant, counted.doubt) == (NOW, Doubt.CLOCK_UNSETTLED)


def test_one_that_came_unseen_while_the_clock_was_ahead_counts_from_its_name_and_is_settled_with_it() -> None:
    start = settle_in_doubt(Start(NOW - DAY, TimeSource.NAME), unsettled=DAYS_5, first_seen=NOW)
    assert (start.instant, start.doubt) == (NOW - DAY, Doubt.CLOCK_UNSETTLED)


@pytest.mark.parametrize(
    ("named", "counted"), [(-DAYS_5, timedelta()), (-DAYS_5 * 2, -DAYS_5), (-DAYS_5 / 2, timedelta())]
)
def test_a_name_by_a_clock_that_is_behind_counts_as_much_later_but_never_after_first_sight(
    named: timedelta, counted: timedelta
) -> None:
    start = settle_in_doubt(Start(NOW + named, TimeSource.NAME), unsettled=-DAYS_5, first_seen=NOW)
    assert (start.instant, start.doubt) == (NOW + counted, Doubt.CLOCK_UNSETTLED)


@pytest.mark.parametrize(
    ("unsettled", "leap", "settled", "doubt"),
    [
        pytest.param(DAYS_5, DAYS_5, DAYS_5, None, id="the wall clock was right"),
        pytest.param(DAYS_5, timedelta(), timedelta(), Doubt.FUTURE_TIME, id="it was ahead"),
        pytest.param(-DAYS_5, timedelta(), timedelta(), Doubt.NAMED_BEHIND, id="it was behind"),
        pytest.param(-DAYS_5, -DAYS_5, -DAYS_5, None, id="it was right, and trusted time was ahead"),
        pytest.param(
            timedelta(), DAYS_5, DAYS_5, Doubt.NAMED_BEHIND, id="both had stood still while the power was off"
        ),
        pytest.param(2 * DAYS_5, DAYS_5, DAYS_5, Doubt.FUTURE_TIME, id="both were wrong"),
    ],
)
def test_a_start_is_settled_with_the_clock(
    unsettled: timedelta, leap: timedelta, settled: timedelta, doubt: Doubt | None
) -> None:
    named = NOW + unsettled
    start = settle_again(NOW, named, None, unsettled=unsettled, leap=leap, now=NOW + leap + timedelta(minutes=10))
    assert (start.instant, start.doubt) == (NOW + settled, doubt)


MINUTES_5 = timedelta(minutes=5)


@pytest.mark.parametrize(
    ("unsettled", "leap", "named", "settled"),
    [
        (DAYS_5, DAYS_5, DAYS_5 + MINUTES_5, DAYS_5 + MINUTES_5),
        (DAYS_5, DAYS_5, DAYS_5 + MINUTES_5 + TICK, DAYS_5),
        (timedelta(), timedelta(), DAY, DAY),
        (MINUTES_5, MINUTES_5, DAY, DAY),
        (MINUTES_5 + TICK, MINUTES_5, DAY, MINUTES_5 + TICK),
        (-DAYS_5, -DAYS_5, -DAYS_5, -DAYS_5),
    ],
    ids=["as far ahead", "farther ahead", "not off", "hardly off", "a little ahead", "right all the time"],
)
def test_where_the_wall_clock_was_right_names_are_believed_up_to_what_it_showed_at_first_sight(
    unsettled: timedelta, leap: timedelta, named: timedelta, settled: timedelta
) -> None:
    start = settle_again(NOW, NOW + named, None, unsettled=unsettled, leap=leap, now=NOW + 2 * DAYS_5)
    assert start.instant == NOW + settled


@pytest.mark.parametrize(("by", "right"), [(MINUTES_5, True), (MINUTES_5 + TICK, False)])
def test_a_leap_that_ends_five_minutes_off_the_wall_clock_still_shows_that_it_was_right(
    by: timedelta, right: bool
) -> None:
    for leap in (DAYS_5 + by, DAYS_5 - by):
        start = settle_again(NOW, NOW + DAYS_5, None, unsettled=DAYS_5, leap=leap, now=NOW + 2 * DAYS_5)
        assert (start.doubt is None) is right


def test_a_file_time_in_the_future_is_no_sign_of_a_rewrite() -> None:
    assert not is_rewritten(NOW - DAY * 30, NOW + timedelta(minutes=5) + TICK, None, first_seen=None, now=NOW)
    assert is_rewritten(NOW - DAY * 30, NOW + timedelta(minutes=5), None, first_seen=None, now=NOW)
