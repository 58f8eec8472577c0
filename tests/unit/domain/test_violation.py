"""Which times are a violation: what hung in a prohibited room, saw or heard into it, and for how long."""

from dataclasses import replace
from datetime import datetime, timedelta

from retentiond.domain.exposure import exposures
from retentiond.domain.instants import EARLIEST, LATEST
from retentiond.domain.register import Neighbour, Register, Relation, RoomClassification
from retentiond.domain.suspension import only
from retentiond.domain.violation import before_prohibition, inside, outside, prohibited_since, violations
from tests.builders import a_device, a_link, a_recording, a_register, a_room, a_violation, at, valid

CARE = "procedure-2"
MOVED = at("2026-03-05")


def spans(register: Register) -> list[tuple[datetime, datetime]]:
    return [(item.reach.since, item.reach.until) for item in violations(register)]


def test_a_camera_that_was_moved_out_is_a_violation_up_to_then() -> None:
    moved = a_device(a_link(CARE), a_link("reception", since=MOVED))
    assert spans(a_register(moved)) == [(EARLIEST, MOVED)], "each assignment lasts until the next begins"
    assert spans(a_register(a_device(a_link("reception"), a_link(CARE, since=MOVED)))) == [(MOVED, LATEST)]


def test_where_it_hangs_ends_nothing_that_it_sees() -> None:
    sees = a_device(a_link(CARE, Relation.SEES), a_link("reception", since=MOVED))
    assert spans(a_register(sees)) == [(EARLIEST, LATEST)]


def test_two_ways_into_a_room_are_one_violation() -> None:
    both = a_device(a_link(CARE, until=MOVED), a_link(CARE, Relation.SEES, since=MOVED - timedelta(days=1)))
    assert spans(a_register(both)) == [(EARLIEST, LATEST)]


def test_what_may_be_reached_through_a_room_beside_it_is_no_incident() -> None:
    hall = replace(a_room("reception"), neighbours=(Neighbour(CARE, frozenset({Relation.SEES})),))
    register = a_register(a_device(a_link()), rooms=[hall, a_room(CARE, "intimate-care")])
    assert [item.room for item in exposures(register, MOVED) if item.through] == [CARE]
    assert violations(register) == ()


def test_a_device_that_no_store_knows_violates_nothing_that_could_be_deleted() -> None:
    assert violations(a_register(a_device(a_link(CARE), known_as=()))) == ()


def test_only_a_room_that_was_something_else_before_has_earlier_footage() -> None:
    register = a_register(a_device(a_link(CARE)))
    assert prohibited_since(register, MOVED) == (), "it always was"
    changed = replace(
        a_room(CARE),
        classifications=(RoomClassification("public"), RoomClassification("intimate-care", valid(MOVED))),
    )
    register = a_register(a_device(a_link(CARE)), rooms=[a_room(), changed])
    assert prohibited_since(register, MOVED - timedelta(seconds=1)) == ()
    ((room, since, (reach,)),) = before_prohibition(register, prohibited_since(register, MOVED))
    assert (room, since, reach.since, reach.until) == (CARE, MOVED, EARLIEST, MOVED)


def test_what_ran_into_a_violation_is_in_it_as_long_as_that_begins_when_it_did() -> None:
    stated = a_violation()
    ran = replace(stated, reach=only(a_recording(stated.origin - timedelta(minutes=5))))
    assert inside(ran, (stated,)) == (ran,)
    later = replace(stated, origin=MOVED, reach=replace(stated.reach, since=MOVED))
    assert inside(ran, (later,)) == ()


def test_nothing_is_left_of_what_is_taken_as_a_whole() -> None:
    whole = a_violation()
    assert outside(whole, (whole,)) == ()
    first = replace(whole, reach=replace(whole.reach, until=MOVED))
    (rest,) = outside(whole, (first,))
    assert (rest.reach.since, rest.reach.until, rest.begins) == (MOVED, whole.reach.until, False)
