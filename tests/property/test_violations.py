"""Whatever the history of a register: a violation at an instant is what it says of that instant, and no more."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from retentiond.domain.exposure import exposures, prohibited_rooms
from retentiond.domain.recording import CameraName
from retentiond.domain.register import Register
from retentiond.domain.suspension import Reach
from retentiond.domain.violation import (
    Violation,
    before,
    before_prohibition,
    inside,
    outside,
    prohibited_since,
    violations,
)
from tests.builders import a_recording, a_stream
from tests.property.test_register_history import BEGIN, STORE, days, registers

instants = st.integers(-24, 15 * 24).map(lambda hours: BEGIN + timedelta(hours=hours))
cameras = st.sampled_from([CameraName("a"), CameraName("b")])


def reached(register: Register, camera: str, instant: datetime) -> set[tuple[str, str]]:
    """Return which rooms were reached by which device under this name, by what the register says of the instant."""
    return {
        (item.room, item.device.ident)
        for item in exposures(register, instant)
        if not item.through
        and any(
            known.source == STORE and known.name == camera and known.validity.holds_at(instant)
            for known in item.device.known_as
        )
    }


def in_them(items: tuple[Violation, ...], camera: str, instant: datetime) -> set[tuple[str, str]]:
    recording = a_recording(instant, stream=a_stream(store=STORE, camera=camera))
    return {(item.room, item.device) for item in items if item.reach.covers(recording)}


@given(registers(), cameras, instants)
def test_what_is_a_violation_is_what_a_device_recorded_that_reached_a_prohibited_room_then(
    register: Register, camera: CameraName, instant: datetime
) -> None:
    prohibited = set(prohibited_rooms(register, instant))
    expected = {pair for pair in reached(register, camera, instant) if pair[0] in prohibited}
    assert in_them(violations(register), camera, instant) == expected


@given(registers(), cameras, instants, instants)
def test_what_was_before_a_prohibition_is_what_was_reached_and_was_none(
    register: Register, camera: CameraName, instant: datetime, now: datetime
) -> None:
    for room, since, reach in before_prohibition(register, prohibited_since(register, now)):
        recording = a_recording(instant, stream=a_stream(store=STORE, camera=camera))
        known = register.room(room)
        assert known is not None
        expected = (
            instant < since
            and room not in prohibited_rooms(register, instant)
            and any(pair[0] == room for pair in reached(register, camera, instant))
        )
        assert any(part.covers(recording) for part in reach) is expected


@given(registers())
def test_each_time_of_a_camera_is_in_one_violation(register: Register) -> None:
    found = violations(register)
    for item in found:
        assert item.begins
        assert item.reach.since < item.reach.until
        assert not any(other.key == item.key and _meet(item.reach, other.reach) for other in found if other is not item)


def _meet(one: Reach, other: Reach) -> bool:
    return one.since <= other.until and other.since <= one.until


spans = st.tuples(instants, st.integers(1, 100)).map(lambda it: (it[0], it[0] + timedelta(hours=it[1])))


def a_violation(span: tuple[datetime, datetime]) -> Violation:
    return Violation("care", "d-1", Reach(STORE, CameraName("a"), frozenset(), *span), span[0])


@given(spans, st.lists(spans, max_size=4), instants)
def test_an_instant_of_a_violation_is_either_in_what_is_taken_or_in_what_is_left(
    whole: tuple[datetime, datetime], parts: list[tuple[datetime, datetime]], instant: datetime
) -> None:
    wanted, taken = a_violation(whole), tuple(a_violation(part) for part in parts)
    there = bool(in_them((wanted,), "a", instant))
    in_taken = bool(in_them(taken, "a", instant))
    left = bool(in_them(outside(wanted, taken), "a", instant))
    assert left is (there and not in_taken)
    assert bool(in_them(inside(wanted, taken), "a", instant)) is (there and in_taken)
    elsewhere = tuple(replace(item, device="d-2") for item in taken)
    assert outside(wanted, elsewhere) == (wanted,)
    assert inside(wanted, elsewhere) == ()


@given(st.lists(spans, max_size=4), instants, days)
def test_what_is_before_an_instant_is_all_of_it_that_begins_earlier(
    parts: list[tuple[datetime, datetime]], instant: datetime, cut: datetime
) -> None:
    items = tuple(a_violation(part) for part in parts)
    assert in_them(before(items, cut), "a", instant) == (in_them(items, "a", instant) if instant < cut else set())
