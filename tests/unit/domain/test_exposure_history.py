"""Who could see or hear a room over a span of time."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from retentiond.domain.exposure import exposures
from retentiond.domain.exposure_history import UsedSpan, exposed_spans, used_spans
from retentiond.domain.register import Register, Relation, Room, RoomClassification
from retentiond.domain.validity import Validity
from tests.builders import a_device, a_link, a_register, a_room, at, valid
from tests.property.test_register_history import BEGIN, ROOMS, registers

ASKED = valid(at("2026-03-01"), at("2026-03-11"))
MOVED = at("2026-03-05")


def told(register: Register, room: str = "reception", asked: Validity = ASKED) -> list[tuple[str, datetime, datetime]]:
    return [
        (item.exposure.relation.value, item.span.since, item.span.until)
        for item in exposed_spans(register, room, asked)
    ]


def test_a_device_that_hung_there_all_the_time_is_told_for_what_was_asked() -> None:
    assert told(a_register(a_device(a_link()))) == [("assigned", ASKED.since, ASKED.until)]


def test_a_device_that_came_or_left_meanwhile_is_told_for_the_time_that_it_was_there() -> None:
    assert told(a_register(a_device(a_link(until=MOVED)))) == [("assigned", ASKED.since, MOVED)]
    assert told(a_register(a_device(a_link(since=MOVED)))) == [("assigned", MOVED, ASKED.until)]


def test_a_device_that_was_there_before_or_after_is_not_told() -> None:
    register = a_register(a_device(a_link(until=ASKED.since), a_link(since=ASKED.until)))
    assert told(register) == []


def test_a_device_that_left_and_came_back_is_told_twice() -> None:
    register = a_register(a_device(a_link(until=MOVED), a_link(since=MOVED + timedelta(days=1))))
    assert told(register) == [
        ("assigned", ASKED.since, MOVED),
        ("assigned", MOVED + timedelta(days=1), ASKED.until),
    ]


def test_what_it_sees_from_elsewhere_and_in_which_position_is_told() -> None:
    door = replace(a_link("procedure-2", Relation.SEES, since=MOVED), preset="door")
    (item,) = exposed_spans(a_register(a_device(a_link(), door)), "procedure-2", ASKED)
    assert (item.exposure.preset, item.span) == ("door", valid(MOVED, ASKED.until))


def test_what_the_room_was_used_for_is_told_in_order_and_what_goes_on_is_told_once() -> None:
    room = Room(
        "r",
        "r",
        (
            RoomClassification("office", valid(until=MOVED)),
            RoomClassification("intimate-care", valid(MOVED, MOVED + timedelta(days=1))),
            RoomClassification("intimate-care", valid(MOVED + timedelta(days=1), MOVED + timedelta(days=2))),
        ),
    )
    assert used_spans(room, ASKED) == (
        UsedSpan(valid(ASKED.since, MOVED), "office"),
        UsedSpan(valid(MOVED, MOVED + timedelta(days=2)), "intimate-care"),
        UsedSpan(valid(MOVED + timedelta(days=2), ASKED.until), None),
    )
    assert used_spans(a_room("x"), ASKED) == (UsedSpan(ASKED, "public"),)


@given(registers(), st.sampled_from(ROOMS), st.integers(0, 3), st.integers(1, 6), st.integers(0, 40))
def test_the_spans_say_at_every_instant_what_the_register_says_then(
    register: Register, room: str, first: int, length: int, quarter: int
) -> None:
    asked = valid(BEGIN + timedelta(days=first), BEGIN + timedelta(days=first + length))
    spans = exposed_spans(register, room, asked)
    instant = asked.since + timedelta(hours=6 * quarter)
    if not asked.holds_at(instant):
        return
    then = {item.exposure for item in spans if item.span.holds_at(instant)}
    assert then == {item for item in exposures(register, instant) if item.room == room}
    assert all(item.span.since < item.span.until for item in spans)
