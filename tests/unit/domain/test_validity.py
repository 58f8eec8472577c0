"""Half-open spans of time."""

from datetime import UTC, datetime, timedelta

import pytest

from retentiond.domain.validity import ALWAYS, ANY_TIME, FOREVER, Validity, common, day_text, span_text
from tests.builders import at

BEGIN, MIDDLE, END = at("2026-03-01"), at("2026-03-02"), at("2026-03-03")
TICK = timedelta(microseconds=1)
SPAN = Validity(BEGIN, END)


def test_a_span_holds_its_begin_and_not_its_end() -> None:
    held = [SPAN.holds_at(instant) for instant in (BEGIN - TICK, BEGIN, END - TICK, END)]
    assert held == [False, True, True, False]


def test_without_ends_it_is_all_time_there_is() -> None:
    assert (datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)) == (ALWAYS, FOREVER)
    assert Validity() == ANY_TIME == Validity(ALWAYS, FOREVER)


@pytest.mark.parametrize(
    ("other", "overlaps"),
    [
        (SPAN, True),
        (Validity(until=BEGIN), False),
        (Validity(until=BEGIN + TICK), True),
        (Validity(END), False),
        (Validity(END - TICK), True),
        (Validity(MIDDLE, MIDDLE + TICK), True),
        (ANY_TIME, True),
    ],
)
def test_spans_overlap_where_an_instant_lies_in_both(other: Validity, *, overlaps: bool) -> None:
    assert SPAN.overlaps(other) is overlaps
    assert other.overlaps(SPAN) is overlaps


def test_open_ends_are_none() -> None:
    assert SPAN.ends() == (BEGIN, END)
    assert Validity(BEGIN).ends() == (BEGIN,)
    assert Validity(until=END).ends() == (END,)
    assert ANY_TIME.ends() == ()


def test_what_lies_in_all_of_them() -> None:
    assert common([SPAN, Validity(MIDDLE)]) == Validity(MIDDLE, END)
    assert common([Validity(until=MIDDLE), SPAN]) == Validity(BEGIN, MIDDLE)
    assert common([Validity(until=MIDDLE), Validity(MIDDLE)]) is None
    assert common([Validity(until=BEGIN), Validity(END)]) is None
    assert common([]) == ANY_TIME


def test_an_instant_for_people_is_in_utc_to_the_minute() -> None:
    assert day_text(at("2026-03-01 02:03:59+02:00")) == "2026-03-01 00:03Z"


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (ANY_TIME, "always"),
        (Validity(BEGIN), "since 2026-03-01 00:00Z"),
        (Validity(until=END), "until 2026-03-03 00:00Z"),
        (SPAN, "since 2026-03-01 00:00Z until 2026-03-03 00:00Z"),
    ],
)
def test_a_span_for_people(span: Validity, text: str) -> None:
    assert span_text(span) == text
