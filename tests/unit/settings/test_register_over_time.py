"""register.yml: what changes with time, what lies beside what, and the papers."""

from datetime import timedelta

import pytest

from retentiond.domain.papers import About, Assessment, BoardApproval, Demand, Sign
from retentiond.domain.register import (
    LOOK_AGAIN_AFTER,
    Clearance,
    Neighbour,
    Relation,
    RoomLink,
    Tracks,
    Validity,
)
from tests.builders import at
from tests.unit.settings.texts import FULL_REGISTER, REGISTER, changed, register_of, register_problems_of

SECOND = "  - {id: d-2, name: b, kind: camera, tracks: {}, "


def of_room(more: str) -> str:
    return changed(
        "{id: care, name: Care, class: intimate-care}", f"{{id: care, class: intimate-care, {more}}}", REGISTER
    )


def midnight(day: str) -> Validity:
    """The span from midnight in Tallinn, in winter."""
    return Validity(since=at(f"{day} 00:00+02:00"))


# --- rooms --------------------------------------------------------------------------------------------------------


def test_a_neighbour_lets_sight_and_sound_pass_unless_the_file_says_less() -> None:
    text = of_room("neighbours: [hall]")
    assert register_of(text).rooms[1].neighbours == (Neighbour("hall", frozenset({Relation.SEES, Relation.HEARS})),)


@pytest.mark.parametrize(
    ("passes", "expected"), [("[sight]", {Relation.SEES}), ("[sound]", {Relation.HEARS}), ("[]", set())]
)
def test_what_passes_between_two_rooms_is_read(passes: str, expected: set[Relation]) -> None:
    (_, care) = register_of(of_room(f"neighbours: [{{room: hall, passes: {passes}, from: 2026-01-01}}]")).rooms
    assert care.neighbours == (Neighbour("hall", frozenset(expected), Validity(at("2026-01-01"))),)


@pytest.mark.parametrize(
    ("neighbours", "what"),
    [
        ("[attic]", "neighbours[0]: 'attic' is no room"),
        ("[care]", "neighbours[0]: is the room itself"),
        ("[{room: hall, passes: [smell]}]", "neighbours[0].passes[0]: 'smell': write sight, sound, or both"),
        ("[]", "neighbours: write a list that is not empty"),
        ("[{passes: [sight]}]", "neighbours[0].room: is missing"),
    ],
)
def test_a_slip_in_what_lies_beside_a_room_is_told(neighbours: str, what: str) -> None:
    (problem,) = register_problems_of(of_room(f"neighbours: {neighbours}"))
    assert problem.startswith(f"r.yml:3: rooms[1].{what}")


def test_a_neighbour_may_come_later_in_the_file() -> None:
    text = changed("id: hall, name: Hall,", "id: hall, name: Hall, neighbours: [care],", REGISTER)
    assert register_of(text).rooms[0].neighbours[0].room == "care"


def test_a_room_that_is_gone_says_since_when() -> None:
    assert register_of(of_room("gone: 2026-03-01")).rooms[1].gone == at("2026-03-01")


# --- devices ------------------------------------------------------------------------------------------------------


def test_tracks_may_have_a_history() -> None:
    history = "[{video: true, audio: true, to: 2026-02-01}, {video: true, from: 2026-02-01}]"
    (device,) = register_of(changed("{video: true, audio: false}", history, REGISTER)).devices
    assert device.tracks == (
        Tracks(video=True, audio=True, validity=Validity(until=at("2026-02-01"))),
        Tracks(video=True, audio=False, validity=Validity(since=at("2026-02-01"))),
    )


def test_the_older_of_two_tracks_does_not_hide_the_newer() -> None:
    text = changed("{video: true, audio: false}", "[{audio: true, from: 2026-02-01}, {audio: false}]", REGISTER)
    (problem,) = register_problems_of(text)
    assert problem.startswith("r.yml:8: devices[0].tracks[1]: begins no later than devices[0].tracks[0] and hides it")


def test_tracks_do_not_contradict_one_another() -> None:
    text = changed(
        "{video: true, audio: false}", "[{audio: false, to: 2027-01-01}, {audio: true, from: 2026-02-01}]", REGISTER
    )
    (problem,) = register_problems_of(text)
    assert problem.startswith("r.yml:8: devices[0].tracks[1]: begins before devices[0].tracks[0] ends, and outlasts it")


def test_no_time_of_a_microphone_records_video() -> None:
    text = changed("kind: camera", "kind: microphone", REGISTER)
    (problem,) = register_problems_of(
        text.replace("{video: true, audio: false}", "[{audio: true}, {video: true, from: 2026-02-01}]")
    )
    assert problem.startswith("r.yml:8: devices[0].tracks[1]: a microphone records no video")


def test_a_name_for_a_while_is_read() -> None:
    text = changed("{main: entrance}", "{main: [entrance, {name: old, to: 2026-02-01}], other: {name: x}}", REGISTER)
    assert [(known.name, known.validity) for known in register_of(text).devices[0].known_as] == [
        ("entrance", Validity()),
        ("old", Validity(until=at("2026-02-01"))),
        ("x", Validity()),
    ]


def test_a_name_may_pass_from_one_device_to_the_next() -> None:
    text = changed("{main: entrance}", "{main: {name: entrance, to: 2026-02-01}}", REGISTER)
    register_of(text + SECOND + "known_as: {main: {name: entrance, from: 2026-02-01}}}\n")


def test_a_name_passes_on_with_the_life_of_a_device_too() -> None:
    register_of(REGISTER + "    until: 2026-02-01\n" + SECOND + "since: 2026-02-01, known_as: {main: entrance}}\n")


def test_at_no_time_does_a_name_belong_to_two_devices() -> None:
    text = changed("{main: entrance}", "{main: {name: entrance, to: 2026-02-02}}", REGISTER)
    (problem,) = register_problems_of(text + SECOND + "known_as: {main: {name: entrance, from: 2026-02-01}}}\n")
    assert problem.startswith("r.yml:10: devices[1].known_as.main: 'entrance' of store 'main' is the device 'd-1'")


def test_a_name_outside_of_the_life_of_its_device_is_refused() -> None:
    text = changed("{main: entrance}", "{main: {name: entrance, to: 2026-02-01}}", REGISTER)
    (problem,) = register_problems_of(text + "    since: 2026-02-01\n")
    assert problem.startswith("r.yml:9: devices[0].known_as.main: is a name for a time in which the device is not here")


def test_a_device_that_replaced_another_may_have_its_name() -> None:
    register_of(
        REGISTER + "    until: 2026-02-01\n  - {id: d-2, name: entrance, kind: camera, tracks: {}, since: 2026-02-01}\n"
    )


def test_a_temporary_device_needs_an_end() -> None:
    (problem,) = register_problems_of(REGISTER + "    temporary: true\n")
    assert problem == "r.yml:10: devices[0].temporary: needs an end; write `until: DATE` beside it"
    (device,) = register_of(REGISTER + "    temporary: true\n    until: 2026-02-01\n").devices
    assert (device.temporary, device.life) == (True, Validity(until=at("2026-02-01")))


def test_each_position_of_a_camera_sees_rooms_of_its_own() -> None:
    more = "    presets: [{name: home, sees: [hall, care]}, {name: park, sees: [], to: 2026-02-01}]\n"
    assert register_of(REGISTER + more).devices[0].links == (
        RoomLink("hall", Relation.SEES, Validity(), "home"),
        RoomLink("care", Relation.SEES, Validity(), "home"),
    )


@pytest.mark.parametrize(
    ("presets", "what"),
    [
        ("[{name: home}]", "presets[0].sees: is missing; write the rooms"),
        ("[{sees: [hall]}]", "presets[0].name: is missing"),
        ("[{name: home, sees: [attic]}]", "presets[0].sees[0]: 'attic' is no room"),
        ("[home]", "presets[0]: write a mapping with the keys name, sees"),
    ],
)
def test_a_slip_in_a_position_is_told(presets: str, what: str) -> None:
    (problem,) = register_problems_of(REGISTER + f"    presets: {presets}\n")
    assert problem.startswith(f"r.yml:10: devices[0].{what}")


@pytest.mark.parametrize(("key", "relation"), [("out_of_view", Relation.SEES), ("out_of_hearing", Relation.HEARS)])
def test_what_somebody_has_looked_at_holds_until_it_is_to_be_looked_at_again(key: str, relation: Relation) -> None:
    checked, review = at("2026-01-05"), at("2026-07-05")
    more = (
        f"    {key}: [{{room: care, checked: 2026-01-05, review: 2026-07-05}}, {{room: hall, checked: 2026-01-05}}]\n"
    )
    assert register_of(REGISTER + more).devices[0].clearances == (
        Clearance("care", relation, Validity(checked, review)),
        Clearance("hall", relation, Validity(checked, checked + LOOK_AGAIN_AFTER)),
    )


def test_a_statement_needs_its_day() -> None:
    (problem,) = register_problems_of(REGISTER + "    out_of_view: [{room: care}]\n")
    assert problem.startswith("r.yml:10: devices[0].out_of_view[0].checked: is missing")


def test_a_statement_of_the_last_days_of_time_is_no_traceback() -> None:
    (device,) = register_of(REGISTER + "    out_of_view: [{room: care, checked: 9999-12-30}]\n").devices
    assert device.clearances[0].validity.until - device.clearances[0].validity.since <= timedelta(days=1)


# --- papers -------------------------------------------------------------------------------------------------------


def test_an_approval_names_its_devices_or_is_named_by_them() -> None:
    text = REGISTER + "    approval: B-1\n" + SECOND + "approval: B-2}\n"
    text += "approvals:\n  - {reference: B-1, date: 2026-01-05, audio: true, signatory: Board}\n"
    text += "  - {reference: B-2, devices: [d-1], rooms: [hall], from: 2026-02-01, to: 2027-02-01}\n"
    assert register_of(text).papers.approvals == (
        BoardApproval("B-1", "Board", About(frozenset({"d-1"})), True, Validity(at("2026-01-05"))),
        BoardApproval(
            "B-2", "", About(frozenset({"d-1", "d-2"}), frozenset({"hall"})), False,
            Validity(at("2026-02-01"), at("2027-02-01")),
        ),
    )  # fmt: skip


def test_a_device_may_have_an_approval_of_its_own() -> None:
    more = "    approval: {reference: B-1, date: 2026-01-05, to: 2027-01-05, audio: true}\n"
    (approval,) = register_of(REGISTER + more).papers.approvals
    assert approval == BoardApproval(
        "B-1", "", About(frozenset({"d-1"})), True, Validity(at("2026-01-05"), at("2027-01-05"))
    )
    (undated,) = register_of(REGISTER + "    approval: B-1\n").papers.approvals
    assert undated == BoardApproval("B-1", "", About(frozenset({"d-1"})), False)


@pytest.mark.parametrize(
    ("papers", "line", "what"),
    [
        ("approvals: []", 10, "devices[0].approval: 'B-1' is none of `approvals`"),
        ("approvals: [{reference: B-1}, {reference: B-2}]", 11, "approvals[1]: is about nothing"),
        ("approvals: [{reference: B-1}, {reference: B-1, rooms: [hall]}]", 11, "approvals[1]: the approval 'B-1'"),
        ("approvals: [{reference: B-1, devices: [d-9]}]", 11, "approvals[0].devices[0]: 'd-9' is no device"),
        ("approvals: [{reference: B-1, rooms: [attic]}]", 11, "approvals[0].rooms[0]: 'attic' is no room"),
        ("approvals: [{reference: B-1, to: 2025-01-01, date: 2026-01-01}]", 11, "approvals[0].to: is not after its b"),
        ("approvals: [{reference: B-1, date: 2026-01-01T00:00:00Z}]", 11, "approvals[0].date: "),
        ("signs: [{id: s}]", 11, "signs[0].rooms: is missing"),
        ("signs: [{id: s, rooms: [hall]}, {id: s, rooms: [hall]}]", 11, "signs[1]: the sign 's' is there twice"),
        ("signs: [{id: s, rooms: [attic]}]", 11, "signs[0].rooms[0]: 'attic' is no room"),
        ("dpias: [{reference: D}]", 11, "dpias[0]: is about nothing"),
        ("dpias: [{reference: D, rooms: [hall]}, {reference: D, rooms: [hall]}]", 11, "dpias[1]: the assessment 'D'"),
        ("demands: [approvals]", 11, "demands[0]: 'approvals': write approval, sign or dpia"),
    ],
)
def test_a_slip_in_the_papers_is_told(papers: str, line: int, what: str) -> None:
    (problem,) = register_problems_of(REGISTER + f"    approval: B-1\n{papers}\n")
    assert problem.startswith(f"r.yml:{line}: {what}")


def test_a_reference_is_written_out_in_one_place() -> None:
    text = REGISTER + "    approval: {reference: B-1}\napprovals: [{reference: B-1, rooms: [hall]}]\n"
    (problem,) = register_problems_of(text)
    assert problem.startswith("r.yml:10: devices[0].approval: 'B-1' stands in `approvals` already; write only")


def test_signs_assessments_and_demands_are_read() -> None:
    papers = register_of(FULL_REGISTER).papers
    assert papers.demands == set(Demand)
    assert papers.signs == (
        Sign(
            "s-1", frozenset({"hall", "xray"}), True,
            Validity(midnight("2026-01-01").since, midnight("2027-01-01").since), at("2026-07-01 00:00+03:00"),
        ),
    )  # fmt: skip
    assert papers.assessments[0] == Assessment(
        "D-1", About(frozenset({"d-1"}), frozenset({"hall"})),
        Validity(midnight("2026-01-05").since, midnight("2029-01-01").since), midnight("2027-01-01").since,
    )  # fmt: skip
