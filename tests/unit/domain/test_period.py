"""Periods as people write them (rule 1, acceptance case 46)."""

from datetime import timedelta

import pytest

from retentiond.domain.period import (
    LONGEST_PERIOD,
    SHORTEST_PERIOD,
    duration_text,
    parse_deletion_period,
    parse_duration,
)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("60s", timedelta(seconds=60)),
        ("15min", timedelta(minutes=15)),
        ("72h", timedelta(hours=72)),
        ("30d", timedelta(days=30)),
        ("4w", timedelta(days=28)),
        ("1s", timedelta(seconds=1)),
        ("999999999s", timedelta(seconds=999_999_999)),
    ],
)
def test_a_number_with_a_unit_is_a_length_of_time(text: str, length: timedelta) -> None:
    assert parse_duration(text) == length


def test_thirty_days_are_thirty_times_86400_seconds() -> None:
    assert parse_deletion_period("30d").total_seconds() == 30 * 86_400


BAD = [
    "",
    " ",
    "0",
    "0d",
    "00d",
    "-1",
    "-30d",
    "+30d",
    "true",
    "no",
    "null",
    "30",
    "30.5",
    "30.5d",
    "30,5d",
    "inf",
    "infd",
    "nan",
    "1e3d",
    "10**30",
    "10**30d",
    "1" + "0" * 30,
    "1" + "0" * 30 + "d",
    "030",
    "030d",
    "0x1Ed",
    "3_0d",
    "1:30",
    "30 d",
    " 30d",
    "30d ",
    "30d\n",
    "\n30d",
    "30D",
    "30m",
    "30M",
    "30days",
    "30dd",
    "30d12h",
    "d",
    "d30",
    "٣٠d",  # Arabic-Indic digits
    "３０d",  # fullwidth digits
    "30d\x00",
    "1y",
    "1mo",
]


@pytest.mark.parametrize("text", BAD)
def test_anything_else_is_refused_as_a_duration_and_as_a_period(text: str) -> None:
    with pytest.raises(ValueError, match="length of time"):
        parse_duration(text)
    with pytest.raises(ValueError, match="length of time"):
        parse_deletion_period(text)


def test_a_refusal_names_the_text_the_rule_and_the_remedy() -> None:
    with pytest.raises(ValueError, match=r"'30' is no length of time: write a whole number and a unit .* such as 30d"):
        parse_duration("30")


def test_a_length_beyond_counting_is_a_value_error_and_no_overflow() -> None:
    with pytest.raises(ValueError, match="longer than can be counted"):
        parse_duration("999999999w")


@pytest.mark.parametrize("text", ["1h", "60min", "3600s", "3650d", "87600h", "315360000s", "521w"])
def test_a_deletion_period_reaches_from_one_hour_to_ten_years(text: str) -> None:
    assert SHORTEST_PERIOD <= parse_deletion_period(text) <= LONGEST_PERIOD


@pytest.mark.parametrize("text", ["1s", "59min", "3599s", "3651d", "87601h", "315360001s", "522w", "999999999d"])
def test_a_deletion_period_out_of_that_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"out of range: a deletion period is 1h to 3650d|longer than can be counted"):
        parse_deletion_period(text)


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(seconds=1), "1s"),
        (timedelta(seconds=60), "1min"),
        (timedelta(seconds=61), "61s"),
        (timedelta(minutes=90), "90min"),
        (timedelta(hours=1), "1h"),
        (timedelta(hours=72), "3d"),
        (timedelta(days=28), "28d"),
        (timedelta(0), "0s"),
        (timedelta(seconds=59, milliseconds=999), "59s"),
    ],
)
def test_a_length_is_written_with_the_largest_unit_that_fits_but_never_in_weeks(length: timedelta, text: str) -> None:
    assert duration_text(length) == text
