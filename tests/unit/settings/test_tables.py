"""Rooms and devices as tables: what goes out comes back the same, and a slip is told where it stands."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retentiond.domain.errors import ConfigurationError
from retentiond.domain.register_facts import compare_facts, facts
from retentiond.settings.import_tables import import_devices, import_rooms
from retentiond.settings.register_tables import DEVICE_COLUMNS, ROOM_COLUMNS, device_rows, room_rows
from retentiond.settings.tables import read_table, write_table
from tests.unit.settings.texts import FULL_REGISTER, REGISTER, register_of

TALLINN = ZoneInfo("Europe/Tallinn")


def rooms_of(text: str, *, for_excel: bool = False, zone: ZoneInfo = TALLINN) -> str:
    return write_table(ROOM_COLUMNS, room_rows(register_of(text), zone), for_excel=for_excel)


def devices_of(text: str, *, for_excel: bool = False) -> str:
    return write_table(DEVICE_COLUMNS, device_rows(register_of(text), TALLINN), for_excel=for_excel)


def with_rooms(table: str, text: str = REGISTER) -> str:
    return import_rooms(text.encode(), "register.yml", table.encode(), "rooms.csv")


def with_devices(table: str, text: str = REGISTER) -> str:
    return import_devices(text.encode(), "register.yml", table.encode(), "devices.csv")


def added(before: str, after: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    changes = compare_facts(facts(register_of(before)), facts(register_of(after)))
    return changes.gone, changes.added


def problems_of(table: str, *, of_devices: bool = False) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        (with_devices if of_devices else with_rooms)(table)
    return caught.value.problems


# --- out and in ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("for_excel", [False, True])
def test_what_was_exported_changes_nothing_when_it_is_imported(for_excel: bool) -> None:
    """Not even a letter of the file: comments, order and spelling stay."""
    commented = FULL_REGISTER.replace("rooms:\n", "rooms:   # kept by the DPO\n", 1)
    once = with_rooms(rooms_of(commented, for_excel=for_excel), commented)
    assert once == with_rooms(rooms_of(once, for_excel=for_excel), once)
    again = with_devices(devices_of(once, for_excel=for_excel), once)
    assert again == once
    assert register_of(again) == register_of(commented)
    assert "# kept by the DPO" in again


def test_a_spreadsheet_in_europe_gets_semicolons_and_a_mark() -> None:
    assert rooms_of(REGISTER, for_excel=True).startswith(
        "\ufeffid;name;class;since;until;gone\r\nhall;Hall;public;;;\r\n"
    )


def test_a_date_is_written_as_the_register_writes_it() -> None:
    text = REGISTER.replace("class: public", "class: public, since: 2026-07-01, until: '2026-08-01T08:00:00+02:00'")
    assert "hall,Hall,public,2026-07-01,2026-08-01T06:00:00.000Z," in rooms_of(text, zone=ZoneInfo("UTC"))


# --- what an import does ------------------------------------------------------------------------------------------


def test_a_room_that_is_new_is_added_and_what_the_table_does_not_name_stays() -> None:
    text = with_rooms("id,name,class,since\nlab,Laboratory,office,2026-05-01\n")
    assert added(REGISTER, text) == (
        (),
        ("room lab: class office, 2026-05-01T00:00:00.000Z to open", "room lab: there"),
    )


def test_a_history_replaces_the_class_in_the_order_of_time() -> None:
    text = with_rooms("id,class,since,until\ncare,intimate-care,2026-05-01,\ncare,office,,2026-05-01\n")
    assert added(REGISTER, text) == (
        ("room care: class intimate-care, always to open",),
        (
            "room care: class intimate-care, 2026-05-01T00:00:00.000Z to open",
            "room care: class office, always to 2026-05-01T00:00:00.000Z",
        ),
    )


def test_a_table_that_a_spreadsheet_wrote_back_has_dates_with_the_day_first_and_empty_columns() -> None:
    table = "id;class;since;until;;\r\ncare;office;;1.5.2026;;\r\ncare;intimate-care;01.05.2026;;;\r\n;;;;;\r\n"
    ours = with_rooms("id,class,since,until\ncare,intimate-care,2026-05-01,\ncare,office,,2026-05-01\n")
    assert with_rooms(table) == ours


def test_an_empty_cell_changes_nothing() -> None:
    assert with_rooms("id,name,class\ncare,,\n") == REGISTER
    assert with_devices("id,name,room\nd-1,,\n") == REGISTER


def test_a_device_moves_and_keeps_everything_else() -> None:
    before = with_devices("id,room,from\nd-1,hall,2026-01-01\n")
    after = with_devices("id,room,from,to\nd-1,hall,2026-01-01,2026-06-01\nd-1,care,2026-06-01,\n", before)
    assert added(before, after) == (
        ("device d-1: assigned room hall, 2026-01-01T00:00:00.000Z to open",),
        (
            "device d-1: assigned room care, 2026-06-01T00:00:00.000Z to open",
            "device d-1: assigned room hall, 2026-01-01T00:00:00.000Z to 2026-06-01T00:00:00.000Z",
        ),
    )


def test_a_device_that_is_new_may_record_nothing_until_somebody_says_so() -> None:
    text = with_devices("id,name,kind,make,address,room\nd-9,Desk,microphone,Example,192.0.2.9,hall\n")
    device = register_of(text).device("d-9")
    assert device is not None
    assert [(item.video, item.audio) for item in device.tracks] == [(False, False)]
    assert (device.make, device.address, device.links[0].room) == ("Example", "192.0.2.9", "hall")


@pytest.mark.parametrize("name", ["no", "1:30", "2026-01-01", "007", "'quoted'", '"x"', "a: b", "# x", "ünï", "- a"])
def test_a_name_stays_the_text_that_it_is(name: str) -> None:
    table = write_table(("id", "name", "class"), [{"id": "lab", "name": name, "class": "office"}])
    room = register_of(with_rooms(table)).room("lab")
    assert room is not None
    assert room.name == name


# --- what is wrong with a table -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("name\nx\n", "rooms.csv:1: has no column `id`"),
        ("id,nmae\nx,y\n", "rooms.csv:1: 'nmae' is no column of this table; write some of id, name, class"),
        ("id,id\nx,y\n", "rooms.csv:1: id: is a column twice"),
        ("", "rooms.csv:1: has no column `id`"),
        ("id,name\na b,x\n", "rooms.csv:2: id: 'a b': write 1 to 128 letters"),
        ("id,name\n,x\n", "rooms.csv:2: id: is missing"),
        ("id,class\ncare,intimate care\n", "rooms.csv:2: class: 'intimate care' only looks like intimate-care"),
        ("id,class,since\ncare,office,tomorrow\n", "rooms.csv:2: since: 'tomorrow' is no date"),
        ("id,class,since\ncare,office,1/2/2026\n", "rooms.csv:2: since: '1/2/2026' is no date"),
        ("id,class,since\ncare,office,31.02.2026\n", "rooms.csv:2: since: '2026-02-31' is no date"),
        ("id,class,since,until\ncare,office,2026-02-01,2026-01-01\n", "rooms.csv:2: until: is not after `since`"),
        ("id,name\ncare,A\n\ncare,B\n", "rooms.csv:4: name: is another than in line 2"),
        ("id,name\ncare,A,B\n", "rooms.csv:2: has 3 cells, and there are 2 columns"),
        ("id,name\ncare,\"a\nb\"\n", "rooms.csv:2: name: is too long, or holds a line break"),
        (f"id,name\ncare,{'x' * 1001}\n", "rooms.csv:2: name: is too long"),
        ("id,name\nlab,Hall\n", "register.yml (as imported):"),
    ],
)  # fmt: skip
def test_a_slip_in_a_table_is_told_where_it_stands(table: str, problem: str) -> None:
    assert any(item.startswith(problem) for item in problems_of(table)), problems_of(table)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ("id,name\nd-9,x\n", "devices.csv:2: kind: is missing"),
        ("id,kind\nd-9,camera\n", "devices.csv:2: name: is missing"),
        ("id,kind\nd-1,microphone\n", "devices.csv:2: kind: 'd-1' is a camera; give another device another id"),
        ("id,room\nd-1,attic\n", "devices.csv:2: room: 'attic' is no id of a room in the register; import the rooms"),
        ("id,room\nd-1,HALL\n", "devices.csv:2: room: 'HALL' is no id of a room in the register; write its id, hall"),
        ("id,address\nd-1,rtsp://a:b@c/\n", "devices.csv:2: address: holds a user or password"),
    ],
)
def test_a_slip_in_a_table_of_devices_is_told_where_it_stands(table: str, problem: str) -> None:
    assert any(item.startswith(problem) for item in problems_of(table, of_devices=True))


@pytest.mark.parametrize("data", [b"\xff\xfei\x00d\x00", b"id\n\xe4\n", b"x" * (1 << 20) + b"x"])
def test_what_is_no_text_or_too_much_of_it_is_no_table(data: bytes) -> None:
    with pytest.raises(ConfigurationError):
        read_table(data, "rooms.csv", ROOM_COLUMNS)


def test_all_problems_are_told_at_once() -> None:
    assert len(problems_of("id,class,since\na b,office,\ncare,x,y\n")) == 3


# --- cells --------------------------------------------------------------------------------------------------------

cells = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="\u00a0"), max_size=12)


@given(st.lists(st.tuples(cells, cells), max_size=5), st.booleans())
@settings(deadline=None, database=None)
def test_a_cell_comes_back_as_it_went_out(rows: list[tuple[str, str]], for_excel: bool) -> None:
    written = [{"id": f"r{number}", "name": one, "class": two} for number, (one, two) in enumerate(rows)]
    text = write_table(("id", "name", "class"), written, for_excel=for_excel)
    read, problems = read_table(text.encode(), "t.csv", ("id", "name", "class"))
    expected = [
        {key: value.strip() for key, value in row.items() if value.strip() and value.strip().isprintable()}
        for row in written
    ]
    if not problems.found:
        assert [dict(row.cells) for row in read] == expected


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "'=1", "'x"])
def test_no_cell_is_a_formula_to_a_spreadsheet(cell: str) -> None:
    text = write_table(("id", "name"), [{"id": "a", "name": cell}])
    assert text.splitlines()[1].startswith("a,'")
    assert read_table(text.encode(), "t.csv", ("id", "name"))[0][0].cells["name"] == cell
