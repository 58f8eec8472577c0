"""Which device sees or hears which room: what is declared, and what a neighbouring room leaves open (rule 9)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from retentiond.domain.exposure import exposures, prohibited_rooms
from retentiond.domain.finding import FindingKind
from retentiond.domain.placement import check_placement
from retentiond.domain.register import (
    Clearance,
    Device,
    DeviceKind,
    Neighbour,
    Register,
    Relation,
    Room,
    Tracks,
    Validity,
)
from tests.builders import NOW, a_device, a_link, a_register, a_room, at, valid

TICK = timedelta(microseconds=1)
SIGHT, SOUND = Relation.SEES, Relation.HEARS
PLACED = at("2026-01-01")


def beside(
    room: str = "care", passes: Iterable[Relation] = (SIGHT, SOUND), validity: Validity | None = None
) -> tuple[Neighbour, ...]:
    return (Neighbour(room, frozenset(passes), validity or valid()),)


def a_house(*devices: Device, neighbours: tuple[Neighbour, ...] = ()) -> Register:
    """A hall, a room for intimate care, and what passes from the hall to others."""
    return a_register(
        *devices, rooms=[replace(a_room("hall"), neighbours=neighbours), a_room("care", "intimate-care"), a_room("lab")]
    )


def a_camera(*, sound: bool = False, clearances: tuple[Clearance, ...] = ()) -> Device:
    return a_device(a_link("hall", since=PLACED), records_audio=sound, clearances=clearances)


def looked(relation: Relation = SIGHT, *, since: datetime = PLACED, until: datetime = NOW + TICK) -> Clearance:
    return Clearance("care", relation, valid(since, until))


def reached(register: Register, now: datetime = NOW) -> set[tuple[str, Relation, str]]:
    return {(item.room, item.relation, item.through) for item in exposures(register, now)}


def kinds(register: Register, now: datetime = NOW) -> set[tuple[FindingKind, str]]:
    return {(item.key.kind, item.key.subject) for item in check_placement(register, (), now)}


IN_HALL = ("hall", Relation.ASSIGNED, "")
MAY_SEE, MAY_HEAR = ("care", SIGHT, "hall"), ("care", SOUND, "hall")


# --- neighbours ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("passes", "sound", "expected"),
    [
        ((), True, {IN_HALL}),
        ((SIGHT,), False, {IN_HALL, MAY_SEE}),
        ((SOUND,), False, {IN_HALL}),
        ((SOUND,), True, {IN_HALL, MAY_HEAR}),
        ((SIGHT, SOUND), True, {IN_HALL, MAY_SEE, MAY_HEAR}),
    ],
)
def test_a_camera_may_reach_what_sight_or_sound_lets_it(
    passes: tuple[Relation, ...], sound: bool, expected: set[tuple[str, Relation, str]]
) -> None:
    assert reached(a_house(a_camera(sound=sound), neighbours=beside(passes=passes))) == expected


def test_a_microphone_hears_through_and_does_not_see() -> None:
    microphone = a_device(a_link("hall"), kind=DeviceKind.MICROPHONE)
    assert reached(a_house(microphone, neighbours=beside())) == {IN_HALL, MAY_HEAR}


def test_it_does_not_matter_which_of_two_rooms_says_that_they_lie_beside_one_another() -> None:
    rooms = [a_room("hall"), replace(a_room("care", "intimate-care"), neighbours=beside("hall"))]
    assert reached(a_register(a_camera(), rooms=rooms)) == {IN_HALL, MAY_SEE}


def test_a_neighbour_counts_only_while_it_is_one() -> None:
    since, until = at("2026-03-01"), at("2026-04-01")
    house = a_house(a_camera(), neighbours=beside(validity=valid(since, until)))
    assert [len(reached(house, instant)) for instant in (since - TICK, since, until - TICK, until)] == [1, 2, 2, 1]


def test_what_is_two_rooms_away_is_not_reached() -> None:
    rooms = [
        replace(a_room("hall"), neighbours=beside("lab")),
        replace(a_room("lab"), neighbours=beside("care")),
        a_room("care", "intimate-care"),
    ]
    assert reached(a_register(a_camera(), rooms=rooms)) == {IN_HALL, ("lab", SIGHT, "hall")}


def test_a_room_that_is_seen_from_elsewhere_opens_to_the_next_one_too() -> None:
    device = a_device(a_link("lab"), a_link("hall", SIGHT))
    house = a_house(device, neighbours=beside())
    assert reached(house) == {("lab", Relation.ASSIGNED, ""), ("hall", SIGHT, ""), MAY_SEE}


def test_a_room_that_is_only_heard_from_elsewhere_opens_no_view() -> None:
    device = a_device(a_link("lab"), a_link("hall", SOUND), records_audio=True)
    assert reached(a_house(device, neighbours=beside())) >= {MAY_HEAR}
    assert MAY_SEE not in reached(a_house(device, neighbours=beside()))


def test_what_is_declared_is_not_told_twice() -> None:
    device = a_device(a_link("hall"), a_link("care", SIGHT))
    assert reached(a_house(device, neighbours=beside())) == {IN_HALL, ("care", SIGHT, "")}
    assert kinds(a_house(device, neighbours=beside())) == {(FindingKind.PROHIBITED_COVERAGE, "d-1 sees care")}


def test_a_device_that_is_not_here_reaches_nothing() -> None:
    device = replace(a_camera(), life=valid(until=NOW))
    assert reached(a_house(device, neighbours=beside())) == set()


# --- somebody has looked ------------------------------------------------------------------------------------------


def test_a_statement_that_it_does_not_reach_the_room_closes_the_question() -> None:
    house = a_house(a_camera(sound=True, clearances=(looked(SIGHT), looked(SOUND))), neighbours=beside())
    assert kinds(house) == set()


@pytest.mark.parametrize("relation", [SIGHT, SOUND])
def test_a_statement_about_one_sense_says_nothing_of_the_other(relation: Relation) -> None:
    house = a_house(a_camera(sound=True, clearances=(looked(relation),)), neighbours=beside())
    other = SOUND if relation is SIGHT else SIGHT
    assert kinds(house) == {(FindingKind.PROHIBITED_COVERAGE, f"d-1 {other} care")}


def test_a_statement_runs_out() -> None:
    house = a_house(a_camera(clearances=(looked(until=NOW),)), neighbours=beside())
    assert kinds(house, NOW - TICK) == set()
    assert kinds(house, NOW) == {(FindingKind.PROHIBITED_COVERAGE, "d-1 sees care")}


def test_a_statement_from_before_the_camera_was_moved_counts_no_more() -> None:
    house = a_house(a_camera(clearances=(looked(since=PLACED - TICK),)), neighbours=beside())
    assert kinds(house) == {(FindingKind.PROHIBITED_COVERAGE, "d-1 sees care")}


@pytest.mark.parametrize("passes", [SIGHT, SOUND])
def test_only_what_passes_reaches_the_next_room(passes: Relation) -> None:
    """A camera with sound, and a microphone, beside a wall of glass, and beside a curtain."""
    both = kinds(a_house(a_camera(sound=True), neighbours=beside(passes=[passes])))
    assert both == {(FindingKind.PROHIBITED_COVERAGE, f"d-1 {passes.value} care")}
    microphone = replace(a_device(a_link("hall", since=PLACED), records_audio=True), kind=DeviceKind.MICROPHONE)
    heard = kinds(a_house(microphone, neighbours=beside(passes=[passes])))
    assert heard == ({(FindingKind.PROHIBITED_COVERAGE, "d-1 hears care")} if passes is SOUND else set())


def test_a_statement_from_any_time_after_the_camera_was_put_up_counts() -> None:
    for since in (PLACED, PLACED + TICK, NOW):
        assert kinds(a_house(a_camera(clearances=(looked(since=since),)), neighbours=beside())) == set()


def test_a_statement_against_what_is_declared_changes_nothing() -> None:
    device = a_device(a_link("hall"), a_link("care", SIGHT), clearances=(looked(),))
    assert kinds(a_house(device)) == {(FindingKind.PROHIBITED_COVERAGE, "d-1 sees care")}


# --- positions and moves ------------------------------------------------------------------------------------------


def test_one_position_that_sees_a_prohibited_room_is_enough() -> None:
    home, door = (replace(a_link(room, SIGHT), preset=name) for room, name in (("lab", "home"), ("care", "door")))
    house = a_house(a_device(a_link("hall"), home, door))
    assert kinds(house) == {(FindingKind.PROHIBITED_COVERAGE, "d-1 'door' sees care")}


def test_a_position_that_is_there_no_more_sees_nothing() -> None:
    door = replace(a_link("care", SIGHT, until=NOW), preset="door")
    house = a_house(a_device(a_link("hall"), door))
    assert kinds(house, NOW) == set()
    assert kinds(house, NOW - TICK) == {(FindingKind.PROHIBITED_COVERAGE, "d-1 'door' sees care")}


def test_an_assignment_lasts_until_the_next_one_begins() -> None:
    device = a_device(a_link("care", since=PLACED), a_link("hall", since=NOW))
    assert kinds(a_house(device), NOW - TICK) == {(FindingKind.PROHIBITED_ASSIGNMENT, "d-1 / care")}
    assert kinds(a_house(device), NOW) == set()


def test_a_microphone_that_is_switched_off_by_the_register_hears_nothing() -> None:
    tracks = (Tracks(True, True, valid(until=NOW)), Tracks(True, False, valid(since=NOW)))
    house = a_house(replace(a_camera(), tracks=tracks), neighbours=beside(passes=(SOUND,)))
    assert reached(house, NOW - TICK) == {IN_HALL, MAY_HEAR}
    assert reached(house, NOW) == {IN_HALL}


def test_the_facts_of_a_finding_change_with_what_it_rests_on() -> None:
    classes = a_room("care", "intimate-care", since=PLACED)

    def facts(device: Device, room: Room, neighbours: tuple[Neighbour, ...] = ()) -> str:
        register = a_register(device, rooms=[replace(a_room("hall"), neighbours=neighbours), room])
        (item,) = check_placement(register, (), NOW)
        return item.facts

    told = [
        facts(a_device(a_link("care", since=PLACED)), classes),
        facts(a_device(a_link("care", since=PLACED + TICK * 10**8)), classes),
        facts(a_device(a_link("care", since=PLACED)), a_room("care", "intimate-care")),
        facts(a_camera(), classes, beside()),
    ]
    assert len(set(told)) == len(told)


def test_the_rooms_in_which_no_device_may_be_are_those_of_intimate_care_at_that_instant() -> None:
    rooms = [a_room("hall"), a_room("care", "intimate-care"), a_room("later", "intimate-care", since=NOW + TICK)]
    register = a_register(rooms=[*rooms, a_room("none", None), a_room("ward", "intimate-care", since=NOW)])
    assert prohibited_rooms(register, NOW) == ("care", "ward")
    assert prohibited_rooms(register, NOW + TICK) == ("care", "later", "ward")
