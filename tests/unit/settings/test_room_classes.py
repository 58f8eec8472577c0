"""A room class that only looks like the prohibiting one never passes: it would prohibit nothing, without a sound."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retentiond.domain.finding import FindingKind
from retentiond.domain.placement import check_placement
from retentiond.domain.register import INTIMATE_CARE
from retentiond.settings.room_classes import KNOWN
from tests.builders import at
from tests.unit.settings.texts import register_of, register_problems_of

LOOK_ALIKES = [
    "intimate_care", "Intimate-Care", "INTIMATE-CARE", "intimate care", "intimate-car", "intimatecare", "intimate",
    "intimate-care-", "-intimate-care", "intimate--care", "intimate-cares", "intimat-care", "imtimate-care",
    "intimate-care-room", "intimate.care", "intim", "intime-pflege",
    "іntimate-care",  # the first letter is Cyrillic
    "intimate‐care",  # a hyphen, not a minus
]  # fmt: skip


def room(text: str, *, declared: str = "") -> str:
    return f'{declared}rooms:\n  - {{id: a, class: "{text}"}}\n'


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_a_look_alike_is_refused_with_the_word_that_is_meant(text: str) -> None:
    (problem,) = register_problems_of(room(text))
    assert problem.startswith("r.yml:2: rooms[0].class: ")
    assert f"only looks like {INTIMATE_CARE}" in problem or f"no room class; write one of {', '.join(KNOWN)}" in problem


@pytest.mark.parametrize("text", [*LOOK_ALIKES, INTIMATE_CARE])
def test_a_look_alike_cannot_be_declared_either(text: str) -> None:
    problems = register_problems_of(room("public", declared=f'room_classes: ["{text}"]\n'))
    assert problems[0].startswith("r.yml:1: room_classes[0]: ")


@pytest.mark.parametrize("text", ["toilet", "procedure", "none", "private", "Public", "reception"])
def test_a_word_of_ones_own_has_to_be_declared(text: str) -> None:
    (problem,) = register_problems_of(room(text))
    assert "declare it in `room_classes`" in problem
    assert f"only {INTIMATE_CARE} prohibits devices" in problem


@pytest.mark.parametrize("text", ["x-ray", "laboratory", "ward-3", "care"])
def test_a_declared_class_is_one(text: str) -> None:
    (found,) = register_of(room(text, declared=f"room_classes: [{text}]\n")).rooms
    assert found.class_at(at("2026-01-01")) == text


@pytest.mark.parametrize("text", ["X-Ray", "x ray", "x_ray", "x--ray", "-x", "x-", "röntgen", "public"])
def test_a_declared_class_is_a_word_that_is_not_known_yet(text: str) -> None:
    problems = register_problems_of(room("office", declared=f'room_classes: ["{text}"]\n'))
    assert problems[0].startswith("r.yml:1: room_classes[0]: ")


def test_the_class_that_prohibits_is_known() -> None:
    device = "devices:\n  - {id: d, name: d, kind: camera, tracks: {}, assignments: [a]}\n"
    register = register_of(room(INTIMATE_CARE) + device)
    assert [item.key.kind for item in check_placement(register, (), at("2026-01-01"))] == [
        FindingKind.PROHIBITED_ASSIGNMENT
    ]


@settings(deadline=None, database=None, max_examples=500)
@given(st.data())
def test_no_spelling_of_the_prohibiting_class_passes_as_another(data: st.DataObject) -> None:
    """Other case, other signs between the letters, up to two letters lost, doubled or exchanged."""
    text = list(INTIMATE_CARE)
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.integers(0, len(text) - 1))
        text[place] = data.draw(
            st.sampled_from(["", text[place] * 2, text[place].upper(), "_", " ", ".", "a", "e", "m"])
        )
    spelt = "".join(text)
    if spelt != INTIMATE_CARE:
        register_problems_of(room(spelt))
        register_problems_of(room("public", declared=f'room_classes: ["{spelt}"]\n'))


# --- histories ------------------------------------------------------------------------------------------------


def history(*entries: str) -> str:
    return "rooms:\n  - id: a\n    classes:\n" + "".join(f"      - {{{entry}}}\n" for entry in entries)


@pytest.mark.parametrize(
    "entries",
    [
        ("class: intimate-care", "class: office"),
        ("class: intimate-care, since: 2026-06-01", "class: office"),
        ("class: intimate-care, since: 2026-06-01", "class: office, until: 2027-01-01"),
        ("class: intimate-care, since: 2026-06-01", "class: office, since: 2026-06-01, until: 2026-06-02"),
        ("class: office, since: 2026-06-01", "class: public, until: 2026-02-01", "class: staff, until: 2026-01-01"),
    ],
)
def test_an_entry_that_hides_an_earlier_one_from_its_beginning_is_refused(entries: tuple[str, ...]) -> None:
    (problem,) = register_problems_of(history(*entries))
    assert problem.startswith(f"r.yml:{3 + len(entries)}: rooms[0].classes[{len(entries) - 1}]: begins no later than ")


@pytest.mark.parametrize("until", ["", ", until: 2027-01-02"])
def test_an_entry_that_outlasts_the_written_end_of_an_earlier_one_is_refused(until: str) -> None:
    text = history("class: intimate-care, until: 2027-01-01", f"class: public, since: 2026-06-01{until}")
    (problem,) = register_problems_of(text)
    assert problem.startswith("r.yml:5: rooms[0].classes[1]: begins before rooms[0].classes[0] ends, and outlasts it; ")


def test_an_exception_within_an_earlier_entry_may_end_with_it() -> None:
    (found,) = register_of(
        history("class: office, until: 2027-01-01", "class: intimate-care, since: 2026-06-01, until: 2027-01-01")
    ).rooms
    assert found.class_at(at("2026-06-01")) == "intimate-care"


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        (("class: office", "class: intimate-care, since: 2026-06-01"), ("office", "intimate-care")),
        (("class: intimate-care, since: 2026-06-01", "class: office, until: 2026-06-01"), ("office", "intimate-care")),
        (("class: office", "class: public, since: 2026-01-01, until: 2026-02-01"), ("office", "office")),
    ],
)
def test_entries_in_the_order_of_time_or_side_by_side_are_fine(entries: tuple[str, ...], expected: object) -> None:
    (found,) = register_of(history(*entries)).rooms
    assert (found.class_at(at("2026-05-31")), found.class_at(at("2026-06-01"))) == expected


def test_a_device_hangs_in_one_room_after_the_other() -> None:
    text = "rooms: [{id: a}, {id: b}]\ndevices:\n  - {id: d, name: d, kind: camera, tracks: {}, assignments: [%s]}\n"
    (device,) = register_of(text % "a, {room: b, from: 2026-01-01}").devices
    assert (device.room_at(at("2025-12-31")), device.room_at(at("2026-01-01"))) == ("a", "b")
    (problem,) = register_problems_of(text % "{room: a, to: 2027-01-01}, {room: b, from: 2026-02-01}")
    assert problem.startswith("r.yml:3: devices[0].assignments[1]: begins before devices[0].assignments[0] ends")
    (problem,) = register_problems_of(text % "{room: b, from: 2026-01-01}, a")
    assert problem.startswith("r.yml:3: devices[0].assignments[1]: begins no later than devices[0].assignments[0]")


@pytest.mark.parametrize("key", ["class: public", "since: 2026-01-01", "until: 2026-01-01"])
def test_nothing_stands_beside_a_history(key: str) -> None:
    (problem,) = register_problems_of(f"rooms:\n  - {{id: a, classes: [{{class: office}}], {key}}}\n")
    assert "stands beside `classes`; put it into that list" in problem


def test_a_date_without_a_class_is_refused() -> None:
    (problem,) = register_problems_of("rooms:\n  - {id: a, since: 2026-01-01}\n")
    assert problem.startswith("r.yml:2: rooms[0].class: is missing")
