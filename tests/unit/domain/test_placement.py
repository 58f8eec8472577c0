"""The room check: each kind of finding, when it is there and when it is not (rule 9)."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from retentiond.domain.finding import FindingKind
from retentiond.domain.placement import Listing, SeenDevice, check_placement
from retentiond.domain.recording import CameraName
from retentiond.domain.register import (
    Device,
    DeviceKind,
    KnownName,
    Register,
    Relation,
    Room,
    RoomClassification,
    Tracks,
)
from tests.builders import CAMERA, NOW, STORE, a_device, a_link, a_register, a_room, a_seen_device, at, valid

TICK = timedelta(microseconds=1)
Found = set[tuple[FindingKind, str]]


def found(register: Register, *seen: SeenDevice, now: datetime = NOW) -> Found:
    """Return the findings, each told by its kind and subject."""
    findings = check_placement(register, seen, now)
    told = [(item.key.kind, item.key.subject) for item in findings]
    assert len(told) == len(set(told))
    assert all(item.message and item.remedy for item in findings)
    return set(told)


def test_a_register_in_order_has_no_findings() -> None:
    register = a_register(a_device(a_link("reception")))
    assert found(register, a_seen_device(records_audio=False)) == set()


def test_an_empty_register_on_an_empty_store_has_no_findings() -> None:
    assert found(Register()) == set()


# --- prohibited rooms ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DeviceKind)
def test_neither_camera_nor_microphone_may_hang_in_a_prohibited_room(kind: DeviceKind) -> None:
    register = a_register(a_device(a_link("procedure-2"), kind=kind))
    assert found(register) == {(FindingKind.PROHIBITED_ASSIGNMENT, "d-1 / procedure-2")}


@pytest.mark.parametrize("relation", [Relation.SEES, Relation.HEARS])
def test_a_device_elsewhere_may_neither_see_nor_hear_into_a_prohibited_room(relation: Relation) -> None:
    register = a_register(a_device(a_link("reception"), a_link("procedure-2", relation)))
    assert found(register) == {(FindingKind.PROHIBITED_COVERAGE, f"d-1 {relation} procedure-2")}
    (item,) = check_placement(register, (), NOW)
    assert f"{relation} into 'procedure-2'" in item.message


def test_each_prohibited_room_and_each_way_into_it_is_a_finding_of_its_own() -> None:
    rooms = [a_room(), a_room("p1", "intimate-care"), a_room("p2", "intimate-care")]
    device = a_device(a_link("p1"), a_link("p1", Relation.HEARS), a_link("p2", Relation.SEES))
    assert found(a_register(device, rooms=rooms)) == {
        (FindingKind.PROHIBITED_ASSIGNMENT, "d-1 / p1"),
        (FindingKind.PROHIBITED_COVERAGE, "d-1 hears p1"),
        (FindingKind.PROHIBITED_COVERAGE, "d-1 sees p2"),
    }


def test_one_prohibited_device_does_not_hide_another() -> None:
    devices = [a_device(a_link("procedure-2"), ident=name, name=name) for name in ("one", "two")]
    assert found(a_register(*devices)) == {
        (FindingKind.PROHIBITED_ASSIGNMENT, "one / procedure-2"),
        (FindingKind.PROHIBITED_ASSIGNMENT, "two / procedure-2"),
    }


@pytest.mark.parametrize("room_class", ["public", "staff", "Intimate-Care", "intimate"])
def test_a_room_of_another_class_may_hold_devices(room_class: str) -> None:
    register = a_register(a_device(a_link("ward")), rooms=[a_room("ward", room_class)])
    assert found(register) == set()


# --- over time ----------------------------------------------------------------------------------------------------

CHANGED = at("2026-03-01")


def test_a_room_that_becomes_prohibited_makes_the_device_a_finding_from_that_instant_on() -> None:
    classes = (RoomClassification("public", valid(until=CHANGED)), RoomClassification("intimate-care", valid(CHANGED)))
    register = a_register(a_device(a_link("ward")), rooms=[Room("ward", "Ward", classes)])
    assert found(register, now=CHANGED - TICK) == set()
    assert found(register, now=CHANGED) == {(FindingKind.PROHIBITED_ASSIGNMENT, "d-1 / ward")}


def test_a_question_about_the_past_gets_the_answer_of_the_past() -> None:
    removed = at("2026-04-01")
    device = a_device(a_link("procedure-2", since=CHANGED, until=removed), a_link("reception", since=removed))
    register = a_register(device)
    assert found(register, now=removed - TICK) == {(FindingKind.PROHIBITED_ASSIGNMENT, "d-1 / procedure-2")}
    assert found(register, now=removed) == set()
    assert found(register, now=CHANGED - TICK) == {(FindingKind.UNASSIGNED_DEVICE, "d-1")}


def test_coverage_counts_only_while_it_is_declared() -> None:
    view = a_link("procedure-2", Relation.SEES, since=CHANGED, until=at("2026-03-15"))
    register = a_register(a_device(a_link("reception"), view))
    assert found(register, now=CHANGED - TICK) == set()
    assert found(register, now=CHANGED) == {(FindingKind.PROHIBITED_COVERAGE, "d-1 sees procedure-2")}
    assert found(register, now=at("2026-03-15")) == set()


# --- unassigned and unclassified ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "device",
    [
        a_device(),
        a_device(a_link("reception", until=NOW)),
        a_device(a_link("reception", since=NOW + TICK)),
        a_device(a_link("reception", Relation.SEES)),
        a_device(a_link("reception", Relation.HEARS)),
    ],
    ids=["no room", "moved out", "not yet there", "only sees", "only hears"],
)
def test_a_device_without_a_room_today_is_a_finding(device: Device) -> None:
    register = Register((a_room(),), (device,))
    assert found(register) == {(FindingKind.UNASSIGNED_DEVICE, "d-1")}


def test_a_room_without_a_class_today_is_a_finding_though_no_device_is_in_it() -> None:
    rooms = [a_room("store room", None), a_room("ward", "public", since=NOW + TICK), a_room()]
    assert found(a_register(rooms=rooms)) == {
        (FindingKind.UNCLASSIFIED_ROOM, "store room"),
        (FindingKind.UNCLASSIFIED_ROOM, "ward"),
    }


# --- what is seen -------------------------------------------------------------------------------------------------


def test_a_camera_that_the_register_does_not_know_is_a_finding() -> None:
    register = a_register(a_device(a_link("reception")))
    assert found(register, a_seen_device("cellar")) == {(FindingKind.UNREGISTERED_DEVICE, "main / cellar")}


def test_the_name_in_one_store_says_nothing_about_another_store() -> None:
    register = a_register(a_device(a_link("reception")))
    seen = a_seen_device("reception", store="archive")
    assert found(register, seen) == {(FindingKind.UNREGISTERED_DEVICE, "archive / reception")}


def test_a_camera_seen_by_two_sources_is_one_finding() -> None:
    seen = [a_seen_device("cellar", source=source) for source in ("directory", "recorder")]
    assert found(a_register(), *seen) == {(FindingKind.UNREGISTERED_DEVICE, "main / cellar")}


def test_one_finding_never_hides_another() -> None:
    device = a_device(a_link("procedure-2"), known_as=[("main", "reception")])
    register = a_register(device, rooms=[a_room("procedure-2", "intimate-care"), a_room("ward", None)])
    seen = [a_seen_device("cellar"), a_seen_device("attic"), a_seen_device(records_audio=True)]
    assert found(register, *seen) == {
        (FindingKind.PROHIBITED_ASSIGNMENT, "d-1 / procedure-2"),
        (FindingKind.UNCLASSIFIED_ROOM, "ward"),
        (FindingKind.UNREGISTERED_DEVICE, "main / cellar"),
        (FindingKind.UNREGISTERED_DEVICE, "main / attic"),
        (FindingKind.AUDIO_ENABLED, "main / reception"),
    }


def test_footage_is_judged_by_the_register_of_its_time() -> None:
    """The directory of a camera that was exchanged holds footage of the old one until that is deleted."""
    old = a_device(a_link("reception"), ident="d-1", life=valid(until=CHANGED))
    register = a_register(old)
    assert found(register, a_seen_device(seen_at=CHANGED - TICK)) == set()
    assert found(register, a_seen_device(seen_at=CHANGED)) == {(FindingKind.UNREGISTERED_DEVICE, "main / reception")}
    assert found(register, a_seen_device()) == {(FindingKind.UNREGISTERED_DEVICE, "main / reception")}


def test_a_camera_of_another_time_is_told_with_that_time() -> None:
    register = a_register(a_device(a_link("reception"), life=valid(until=CHANGED)))
    (item,) = check_placement(register, [a_seen_device()], NOW)
    assert "is in the register for another time only (d-1 until 2026-03-01 00:00Z)" in item.message


def test_sound_is_judged_by_what_the_device_may_record_at_the_time() -> None:
    tracks = (Tracks(True, True, valid(until=CHANGED)), Tracks(True, False, valid(since=CHANGED)))
    register = a_register(replace(a_device(a_link("reception")), tracks=tracks))
    assert found(register, a_seen_device(records_audio=True, seen_at=CHANGED - TICK)) == set()
    assert found(register, a_seen_device(records_audio=True)) == {(FindingKind.AUDIO_ENABLED, "main / reception")}


# --- temporary devices --------------------------------------------------------------------------------------------

OVERSTAYED = {(FindingKind.TEMPORARY_DEVICE_EXPIRED, "d-1")}


def test_a_temporary_device_that_the_register_still_has_in_a_room_after_its_end_is_a_finding() -> None:
    register = a_register(a_device(a_link("reception"), life=valid(until=NOW), temporary=True))
    assert found(register, now=NOW - TICK) == set()
    assert found(register, now=NOW) == OVERSTAYED


def test_a_temporary_device_that_was_taken_down_in_time_is_none() -> None:
    register = a_register(a_device(a_link("reception", until=NOW), life=valid(until=NOW), temporary=True))
    assert found(register, a_seen_device(seen_at=NOW - TICK)) == set()


@pytest.mark.parametrize("seen_at", [None, NOW])
def test_a_temporary_device_that_a_source_still_knows_is_one(seen_at: datetime | None) -> None:
    register = a_register(a_device(a_link("reception", until=NOW), life=valid(until=NOW), temporary=True))
    assert found(register, a_seen_device(seen_at=seen_at)) == OVERSTAYED


def test_another_device_that_left_is_not_here_and_that_is_all() -> None:
    register = a_register(a_device(a_link("reception"), life=valid(until=NOW)))
    assert found(register, now=NOW) == set()


def test_a_device_in_a_room_that_is_gone_has_no_room() -> None:
    rooms = [replace(a_room("shed"), gone=NOW)]
    register = a_register(a_device(a_link("shed")), rooms=rooms)
    assert found(register, now=NOW - TICK) == set()
    assert found(register, now=NOW) == {(FindingKind.UNASSIGNED_DEVICE, "d-1")}


@pytest.mark.parametrize(
    ("recorder", "register", "expected"),
    [
        (True, False, {(FindingKind.AUDIO_ENABLED, "main / reception")}),
        (True, True, set()),
        (False, False, set()),
        (False, True, set()),
        (None, False, set()),
    ],
)
def test_sound_that_the_register_forbids_is_a_finding(recorder: bool | None, register: bool, expected: Found) -> None:
    book = a_register(a_device(a_link("reception"), records_audio=register))
    assert found(book, a_seen_device(records_audio=recorder)) == expected


def test_a_source_that_cannot_tell_does_not_hide_one_that_can() -> None:
    book = a_register(a_device(a_link("reception")))
    seen = [a_seen_device(source="directory"), a_seen_device(source="recorder", records_audio=True)]
    assert found(book, *seen) == {(FindingKind.AUDIO_ENABLED, "main / reception")}


def test_two_devices_of_one_name_in_a_prohibited_room_are_two_findings() -> None:
    camera = a_device(a_link("procedure-2"), ident="d-1", kind=DeviceKind.CAMERA)
    microphone = a_device(a_link("procedure-2"), ident="d-2", kind=DeviceKind.MICROPHONE)
    assert len(check_placement(a_register(camera, microphone), (), NOW)) == 2


def test_seeing_and_hearing_into_one_room_are_two_findings() -> None:
    device = a_device(a_link("reception"), a_link("procedure-2", Relation.SEES), a_link("procedure-2", Relation.HEARS))
    assert len(check_placement(a_register(device), (), NOW)) == 2


# --- what a recorder lists ----------------------------------------------------------------------------------------

HOURS = timedelta(hours=47)
DISAGREE = {(FindingKind.SOURCES_DISAGREE, "d-1 / main")}


def against(register: Register, listed: list[str], *seen: SeenDevice) -> Found:
    """Compare a register with what the recorder of the store `main` lists."""
    listing = Listing(STORE, "the recorder", frozenset(CameraName(name) for name in listed))
    sightings = [*seen, *(a_seen_device(name) for name in listed)]
    findings = check_placement(register, sightings, NOW, [listing])
    return {(item.key.kind, item.key.subject) for item in findings}


def test_a_device_that_its_recorder_does_not_know_is_a_finding() -> None:
    register = a_register(a_device(a_link("reception")))
    assert against(register, ["reception"]) == set()
    assert against(register, ["lobby"]) == {*DISAGREE, (FindingKind.UNREGISTERED_DEVICE, "main / lobby")}


def test_a_recorder_that_lists_nothing_cannot_tell() -> None:
    assert against(a_register(a_device(a_link("reception"))), []) == set()


def test_one_of_several_names_is_enough() -> None:
    register = a_register(a_device(a_link("reception"), known_as=[("main", "old"), ("main", "new")]))
    assert against(register, ["new"]) == set()


def test_recordings_of_late_show_that_it_is_there() -> None:
    """A recorder that takes whatever comes lists no single camera."""
    register = a_register(
        a_device(a_link("reception")), a_device(a_link("reception"), ident="d-2", known_as=[("main", "x")])
    )
    assert against(register, ["x"], a_seen_device(seen_at=NOW - HOURS)) == set()
    assert against(register, ["x"], a_seen_device(seen_at=NOW - HOURS * 2)) == DISAGREE


def test_neither_a_name_of_another_time_nor_a_device_that_left_is_missed() -> None:
    known = (KnownName(STORE, CAMERA, valid(until=NOW)),)
    other = a_device(a_link("reception"), ident="d-2", known_as=[("main", "x")])
    for device in (replace(a_device(a_link("reception")), known_as=known), a_device(life=valid(until=NOW))):
        assert against(a_register(device, other), ["x"]) == set()
