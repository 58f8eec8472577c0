"""register.yml: rooms, devices and links over time, all problems at once."""

from contextlib import suppress

import pytest

from retentiond.domain.errors import ConfigurationError
from retentiond.domain.recording import CameraName, StoreName
from retentiond.domain.register import INTIMATE_CARE, DeviceKind, KnownName, Register, Relation, Tracks
from tests.builders import at
from tests.unit.settings.texts import REGISTER, changed, register_of, register_problems_of

NO_DEVICES = REGISTER.partition("devices:")[0]


def rooms(entry: str, *, timezone: str = "UTC") -> str:
    return f"timezone: {timezone}\nrooms:\n  - {entry}\n"


def names(*pairs: tuple[str, str]) -> tuple[KnownName, ...]:
    return tuple(KnownName(StoreName(source), CameraName(name)) for source, name in pairs)


def test_a_file_without_devices_is_a_register() -> None:
    assert register_of("rooms: []\ndevices: []\n") == Register()


def test_a_room_has_its_class_always_unless_a_time_is_given() -> None:
    room = register_of(NO_DEVICES).room("care")
    assert room is not None
    assert room.class_at(at("1970-01-01")) == room.class_at(at("2100-01-01")) == INTIMATE_CARE


def test_a_day_begins_at_midnight_in_the_zone_of_the_register() -> None:
    entry = "{id: a, class: public, since: 2026-01-01, until: 2026-07-01}"
    (room,) = register_of(rooms(entry, timezone="Europe/Tallinn")).rooms
    assert [room.class_at(at(t)) for t in ("2025-12-31 21:59:59", "2025-12-31 22:00")] == [None, "public"]
    assert [room.class_at(at(t)) for t in ("2026-06-30 20:59:59", "2026-06-30 21:00")] == ["public", None]


def test_an_instant_has_its_own_offset() -> None:
    (room,) = register_of(rooms("{id: a, class: public, since: '2026-01-01T08:00:00+02:00'}")).rooms
    assert [room.class_at(at(t)) for t in ("2026-01-01 05:59:59", "2026-01-01 06:00")] == [None, "public"]


@pytest.mark.parametrize(
    "text", ["2026-13-01", "2026-02-30", "20260101", "yesterday", "1:30", "'2026-01-01T08:00:00'", "0"]
)
def test_what_is_neither_a_day_nor_an_instant_with_an_offset_is_refused(text: str) -> None:
    (problem,) = register_problems_of(rooms(f"{{id: a, class: public, since: {text}}}"))
    assert problem.startswith("r.yml:3: rooms[0].since: ")


@pytest.mark.parametrize("until", ["2026-01-01", "2025-12-31"])
def test_an_end_comes_after_its_beginning(until: str) -> None:
    (problem,) = register_problems_of(rooms(f"{{id: a, class: public, since: 2026-01-01, until: {until}}}"))
    assert problem == (
        "r.yml:3: rooms[0].until: is not after `since`; write a later one, or leave it out while it lasts"
    )


def test_a_beginning_at_the_end_of_time_is_a_problem_of_the_file() -> None:
    (problem,) = register_problems_of(rooms("{id: a, class: public, since: 9999-12-31}"))
    assert problem == "r.yml:3: rooms[0].since: is the end of time; write when it began"


def test_a_history_of_classes_is_read() -> None:
    entry = f"{{id: a, classes: [{{class: office, until: 2026-06-01}}, {{class: {INTIMATE_CARE}, since: 2026-06-01}}]}}"
    (room,) = register_of(rooms(entry)).rooms
    assert [room.class_at(at(t)) for t in ("2026-05-31", "2026-06-01")] == ["office", INTIMATE_CARE]


def test_a_class_beside_a_history_is_refused() -> None:
    (problem,) = register_problems_of(rooms("{id: a, class: public, classes: [{class: office}]}"))
    assert problem.startswith("r.yml:3: rooms[0].class: stands beside `classes`")


def test_ids_of_rooms_are_unique() -> None:
    assert "room 'hall' is there twice" in register_problems_of(NO_DEVICES + "  - {id: hall}\n")[0]


# --- devices --------------------------------------------------------------------------------------------------


def test_a_device_is_read_with_its_names_and_links() -> None:
    more = "    assignments: [{room: hall, from: 2026-01-01}]\n    sees: [care]\n"
    more += "    hears: [{room: care, to: 2026-02-01}]\n"
    (device,) = register_of(REGISTER + more).devices
    assert (device.ident, device.kind, device.tracks) == ("d-1", DeviceKind.CAMERA, (Tracks(video=True, audio=False),))
    assert device.known_as == names(("main", "entrance"))
    assert [(link.room, link.relation) for link in device.links] == [
        ("hall", Relation.ASSIGNED), ("care", Relation.SEES), ("care", Relation.HEARS),
    ]  # fmt: skip
    assert device.room_at(at("2025-12-31 23:59")) is None
    assert device.room_at(at("2026-01-01")) == "hall"


def test_a_device_may_have_several_names_in_a_store_and_papers_for_people() -> None:
    text = changed("{main: entrance}", "{main: [front, back], other: front}", REGISTER)
    more = (
        "    make: Example X\n    address: 192.0.2.1\n    approval: {reference: B-1, date: 2026-01-05, audio: false}\n"
    )
    (device,) = register_of(text + more).devices
    assert device.known_as == names(("main", "front"), ("main", "back"), ("other", "front"))


def test_a_device_without_a_room_is_legal_and_left_to_the_room_check() -> None:
    assert register_of(REGISTER).devices[0].links == ()


@pytest.mark.parametrize("key", ["id", "name", "kind", "tracks"])
def test_what_a_device_needs_and_lacks_is_told(key: str) -> None:
    line = next(item for item in REGISTER.partition("devices:")[2].splitlines() if f"{key}:" in item)
    text = REGISTER.replace(line, "  - note: x" if line.startswith("  - ") else "    note: x")
    assert any(f"devices[0].{key}: is missing; write " in item for item in register_problems_of(text))


@pytest.mark.parametrize("key", ["assignments", "sees", "hears"])
def test_a_link_names_a_room_that_exists(key: str) -> None:
    problems = register_problems_of(REGISTER + f"    {key}: [{{room: attic}}]\n")
    assert any(item.startswith(f"r.yml:10: devices[0].{key}[0]") and "'attic' is no room" in item for item in problems)


def test_one_name_in_a_store_belongs_to_one_device() -> None:
    second = "  - {id: d-2, name: b, kind: camera, tracks: {}, known_as: {main: entrance}}\n"
    problems = register_problems_of(REGISTER + second)
    assert any(item.startswith("r.yml:10: devices[1].known_as.main: 'entrance'") for item in problems)


def test_two_devices_have_two_names() -> None:
    (problem,) = register_problems_of(REGISTER + "  - {id: d-2, name: entrance, kind: camera, tracks: {}}\n")
    assert problem.startswith("r.yml:10: devices[1].name: the name 'entrance' is taken by another device")


@pytest.mark.parametrize("entry", ["id: a, name: Hall", "name: Hall, id: a", "id: Hall"])
def test_two_rooms_have_two_names(entry: str) -> None:
    (problem,) = register_problems_of(NO_DEVICES + f"  - {{{entry}}}\n")
    assert problem.startswith("r.yml:4: rooms[2]")
    assert "another room is called 'Hall', 'hall'; call each differently" in problem


@pytest.mark.parametrize("entry", ["id: a, name: hall", "id: HALL, name: A", "id: a, name: ' ｈａｌｌ '"])
def test_two_rooms_that_a_person_may_mean_alike_are_refused(entry: str) -> None:
    (problem,) = register_problems_of(NO_DEVICES + f"  - {{{entry}}}\n")
    assert "call each differently" in problem


def test_a_camera_is_named_once_in_a_list() -> None:
    (problem,) = register_problems_of(changed("{main: entrance}", "{main: [a, b, a]}", REGISTER))
    assert problem == "r.yml:9: devices[0].known_as.main[2]: 'a' stands in this list twice; keep one"


@pytest.mark.parametrize("store", ["Main", "a b", '""', "x_y"])
def test_a_store_is_named_as_one_can_be(store: str) -> None:
    (problem,) = register_problems_of(changed("{main: entrance}", f"{{{store}: entrance}}", REGISTER))
    assert problem.startswith("r.yml:9: devices[0].known_as.")


@pytest.mark.parametrize(
    "line",
    [
        *("make: [a]", "address: {a: b}", "note: [a]", "approval: []", "approval: {date: 2026-01-01}"),
        *(
            "approval: {reference: a, date: yesterday}",
            "approval: {reference: a, audio: 1}",
            "approval: {reference: a, x: y}",
        ),
        *("approval: {reference: a, date: 2026-01-01T00:00:00Z}", "approval: no", "note: no", "make: 030"),
    ],
)
def test_a_slip_in_what_is_for_people_is_told_too(line: str) -> None:
    (problem,) = register_problems_of(REGISTER + f"    {line}\n")
    assert problem.startswith("r.yml:10: devices[0].")


def test_a_note_may_have_several_lines() -> None:
    register_of(REGISTER + "    note: |\n      one\n      two\n")


@pytest.mark.parametrize(
    "text",
    [
        *("rtsp://user:hunter2@192.0.2.1/stream", "http://hunter2@[::1]:80/", "'user:hunter2@192.0.2.1'"),
        *("rtsp://192.0.2.1/user=a_password=hunter2_channel=1", "'192.0.2.1/cgi?usr=a&pwd=hunter2'"),
    ],
)
def test_an_address_holds_no_password_and_the_problem_shows_none(text: str) -> None:
    (problem,) = register_problems_of(REGISTER + f"    address: {text}\n")
    assert "write the address without" in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize("text", ["192.0.2.10", "rtsp://192.0.2.1/a@b", "cam-1.example:554", "second floor @ the desk"])
def test_an_address_without_one_is_fine(text: str) -> None:
    register_of(REGISTER + f"    address: {text}\n")


def test_a_room_with_a_bad_id_does_not_hide_its_other_problems() -> None:
    problems = register_problems_of("rooms:\n  - id: a b\n    class: pubic\n    since: yesterday\n    names: x\n")
    assert [int(item.split(":")[1]) for item in problems] == [2, 3, 4, 5]


def test_a_device_with_a_bad_id_does_not_hide_its_other_problems() -> None:
    text = changed("id: d-1", "id: d 1", REGISTER).replace("kind: camera", "kind: phone").replace("true", "yes")
    problems = register_problems_of(text + "    sees: [attic]\n    note: no\n")
    assert [int(item.split(":")[1]) for item in problems] == [5, 7, 8, 10, 11]


@pytest.mark.parametrize("key", ["rooms", "devices"])
@pytest.mark.parametrize("text", ["", "a", "{a: b}"])
def test_rooms_and_devices_are_lists(key: str, text: str) -> None:
    assert f"r.yml:1: {key}: write a list, or [] for none" in register_problems_of(f"{key}: {text}\n")


@pytest.mark.parametrize(
    "text", ["2026-W05-1", "2026-001", "2026-01-01 00:00:00Z", "2026-01-01T00Z", "2026-01-01T00:00:00,5Z"]
)
def test_only_one_spelling_of_a_time_is_taken(text: str) -> None:
    (problem,) = register_problems_of(rooms(f"{{id: a, class: public, since: '{text}'}}"))
    assert problem.startswith("r.yml:3: rooms[0].since: ")


@pytest.mark.parametrize("text", ["9999-12-31", "0001-01-01"])
@pytest.mark.parametrize("timezone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_ends_of_time_are_no_traceback(text: str, timezone: str) -> None:
    for key in ("since", "until"):
        with suppress(ConfigurationError):
            register_of(rooms(f"{{id: a, class: public, {key}: {text}}}", timezone=timezone))


def test_ids_of_devices_are_unique() -> None:
    problems = register_problems_of(REGISTER + "  - {id: d-1, name: b, kind: camera, tracks: {}}\n")
    assert any(item.startswith("r.yml:10: devices[1]: the device 'd-1' is there twice") for item in problems)


def test_a_microphone_records_no_video() -> None:
    (problem,) = register_problems_of(changed("kind: camera", "kind: microphone", REGISTER))
    assert problem.startswith("r.yml:8: devices[0].tracks: a microphone records no video")


@pytest.mark.parametrize(
    "line", ["sees: [hall]", "presets: [{name: a, sees: [hall]}]", "out_of_view: [{room: hall, checked: 2026-01-01}]"]
)
def test_a_microphone_sees_nothing(line: str) -> None:
    text = changed("kind: camera", "kind: microphone", REGISTER).replace("video: true", "audio: true")
    problems = register_problems_of(f"{text}    {line}\n")
    wanted = f"r.yml:10: devices[0].{line.partition(':')[0]}: a microphone sees nothing; write `hears`"
    assert any(problem.startswith(wanted) for problem in problems)


def test_several_problems_are_told_at_once_in_the_order_of_lines() -> None:
    text = changed("kind: camera", "kind: camra", REGISTER).replace("class: public", "clas: public")
    lines = [int(item.split(":")[1]) for item in register_problems_of(text + "    seas: [hall]\n    sees: [attic]\n")]
    assert lines == sorted(lines)
    assert {2, 7, 10, 11} <= set(lines)
