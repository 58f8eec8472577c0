"""Instants made from numbers and text, and turned back."""

from datetime import UTC, datetime, timedelta

import pytest

from retentiond.domain import instants
from tests.builders import at


def test_milliseconds_are_rounded_down_also_before_1970() -> None:
    assert instants.to_ms(instants.EPOCH + timedelta(microseconds=1_999)) == 1
    assert instants.to_ms(instants.EPOCH - timedelta(microseconds=1)) == -1


def test_nanoseconds_are_rounded_down_to_microseconds() -> None:
    assert instants.from_ns(1_999) == instants.EPOCH + timedelta(microseconds=1)
    assert instants.from_ns(-1) == instants.EPOCH - timedelta(microseconds=1)
    assert instants.from_ns(1_772_330_460_123_456_999) == at("2026-03-01 02:01:00.123456")


@pytest.mark.parametrize("nanoseconds", [10**21, -(10**21), 2**63 * 1000])
def test_a_file_time_beyond_all_years_is_an_overflow_error(nanoseconds: int) -> None:
    with pytest.raises(OverflowError):
        instants.from_ns(nanoseconds)


@pytest.mark.parametrize("text", ["2038-01-19 03:14:08", "2040-06-01", "9999-01-01"])
def test_dates_after_2038_are_ordinary(text: str) -> None:
    assert instants.from_ms(instants.to_ms(at(text))) == at(text)


def test_text_is_utc_with_milliseconds_cut_off() -> None:
    assert instants.to_text(at("2026-03-01T04:00:04.123999+02:00")) == "2026-03-01T02:00:04.123Z"


@pytest.mark.parametrize("text", ["2026-03-01T02:00:04Z", "2026-03-01T04:00:04+02:00", "2026-02-28T21:00:04-05:00"])
def test_any_offset_is_read_as_the_same_instant_in_utc(text: str) -> None:
    instant = instants.from_text(text)
    assert instant == datetime(2026, 3, 1, 2, 0, 4, tzinfo=UTC)
    assert instant.tzinfo is UTC


@pytest.mark.parametrize("text", ["2026-03-01T02:00:04", "2026-03-01"])
def test_text_without_an_offset_is_refused_with_the_remedy(text: str) -> None:
    with pytest.raises(ValueError, match="has no offset from UTC; write it as"):
        instants.from_text(text)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z", "2026-03-01T23:59:60Z"])
def test_text_that_is_no_instant_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        instants.from_text(text)


def test_a_year_of_three_digits_is_written_with_four() -> None:
    text = instants.to_text(datetime(814, 1, 28, tzinfo=UTC))
    assert text == "0814-01-28T00:00:00.000Z"
    assert instants.from_text(text) == datetime(814, 1, 28, tzinfo=UTC)
