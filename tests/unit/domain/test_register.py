"""The register answers for any instant (rule 9)."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from retentiond.domain.recording import CameraName, StoreName
from retentiond.domain.register import Relation, Room, RoomClassification, Tracks
from tests.builders import CAMERA, STORE, a_device, a_link, a_register, a_room, at, valid

CHANGED = at("2026-03-01")
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("instant", "holds"),
    [(CHANGED - TICK, False), (CHANGED, True), (at("2026-03-31 23:59"), True), (at("2026-04-01"), False)],
)
def test_a_span_holds_its_begin_and_not_its_end(instant: datetime, holds: bool) -> None:
    assert valid(CHANGED, at("2026-04-01")).holds_at(instant) is holds


def test_a_room_has_the_class_that_was_in_force() -> None:
    room = Room(
        "p2",
        "Procedure 2",
        (
            RoomClassification("public", valid(until=CHANGED)),
            RoomClassification("intimate-care", valid(since=CHANGED)),
        ),
    )
    assert room.class_at(CHANGED - TICK) == "public"
    assert room.class_at(CHANGED) == "intimate-care"
    assert room.class_at(at("1990-01-01")) == "public"


def test_a_room_is_unclassified_before_its_first_class() -> None:
    room = a_room("p2", "intimate-care", since=CHANGED)
    assert room.class_at(CHANGED - TICK) is None
    assert a_room("p2", None).class_at(CHANGED) is None


def test_where_two_classes_overlap_the_last_named_counts() -> None:
    entries = (RoomClassification("public", valid()), RoomClassification("intimate-care", valid(CHANGED)))
    assert Room("p2", "P", entries).class_at(CHANGED) == "intimate-care"
    assert Room("p2", "P", entries[::-1]).class_at(CHANGED) == "public"


def test_a_device_hangs_where_its_assignment_says_at_the_instant() -> None:
    device = a_device(a_link("reception", until=CHANGED), a_link("ward", since=CHANGED, until=at("2026-04-01")))
    assert device.room_at(CHANGED - TICK) == "reception"
    assert device.room_at(CHANGED) == "ward"
    assert device.room_at(at("2026-04-01")) is None


@pytest.mark.parametrize("relation", [Relation.SEES, Relation.HEARS])
def test_a_room_that_a_device_only_sees_or_hears_is_not_its_room(relation: Relation) -> None:
    device = a_device(a_link("ward", relation, since=CHANGED))
    assert device.room_at(CHANGED) is None
    assert device.changes() == ()


def test_changes_are_the_ends_of_assignments_without_the_open_ones() -> None:
    device = a_device(
        a_link("ward", since=CHANGED),
        a_link("reception", until=CHANGED),
        a_link("lobby", since=at("2026-01-01"), until=at("2026-02-01")),
    )
    assert device.changes() == (at("2026-01-01"), at("2026-02-01"), CHANGED)
    assert a_device(a_link("ward")).changes() == ()


def test_a_device_is_found_by_its_name_in_the_recorder_of_each_store() -> None:
    here = a_device(ident="d-1", known_as=[("main", "cam1"), ("archive", "lobby")])
    there = a_device(ident="d-2", known_as=[("main", "lobby")])
    register = a_register(here, there)
    assert register.device_known_as(StoreName("archive"), CameraName("lobby"), CHANGED) == here
    assert register.device_known_as(StoreName("main"), CameraName("lobby"), CHANGED) == there
    assert register.device_known_as(StoreName("archive"), CameraName("cam1"), CHANGED) is None
    assert set(register.known_names()) == {("main", "cam1"), ("archive", "lobby"), ("main", "lobby")}


def test_a_name_that_passes_to_another_device_is_each_ones_at_its_time() -> None:
    old = a_device(ident="d-1", life=valid(until=CHANGED))
    new = a_device(ident="d-2", life=valid(since=CHANGED))
    register = a_register(old, new)
    assert register.device_known_as(STORE, CAMERA, CHANGED - TICK) == old
    assert register.device_known_as(STORE, CAMERA, CHANGED) == new


def test_nothing_about_a_device_holds_outside_of_its_life() -> None:
    device = a_device(a_link("ward"), records_audio=True, life=valid(CHANGED, at("2026-04-01")))
    answers = [
        (device.is_here(instant), device.room_at(instant), device.records_audio(instant), device.hears(instant))
        for instant in (CHANGED - TICK, CHANGED, at("2026-04-01"))
    ]
    assert answers == [(False, None, False, False), (True, "ward", True, True), (False, None, False, False)]


def test_what_a_device_may_record_is_what_was_in_force() -> None:
    silent, loud = Tracks(video=True, audio=False, validity=valid(until=CHANGED)), Tracks(True, True, valid(CHANGED))
    device = replace(a_device(), tracks=(silent, loud))
    assert [device.records_audio(instant) for instant in (CHANGED - TICK, CHANGED)] == [False, True]
    assert device.track_changes() == (CHANGED,)


def test_a_room_that_is_gone_has_no_class() -> None:
    room = replace(a_room("shed"), gone=CHANGED)
    assert [room.class_at(instant) for instant in (CHANGED - TICK, CHANGED)] == ["public", None]


def test_a_room_is_found_by_its_id() -> None:
    register = a_register(rooms=[a_room("a"), a_room("b")])
    assert register.room("b") == a_room("b")
    assert register.room("c") is None
    assert register.device_known_as(STORE, CAMERA, CHANGED) is None
