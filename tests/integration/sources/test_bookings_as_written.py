"""Calendars as programs write them: several in one file, folded within letters, one meeting in several rooms."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from retentiond.domain.bookings import Booking, check_bookings
from retentiond.domain.recording import StoreName
from retentiond.ports import SourceReading
from retentiond.sources.bookings import BookingSource
from tests.unit.settings.texts import register_of

NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
MEANT = ("Intimate care", "Günekoloogia")
SERIES = "DTSTART:20261123T080000Z\nDTEND:20261123T090000Z\nRRULE:FREQ=DAILY;COUNT=4"
AT_NINE = "DTSTART:20261125T090000Z\nDTEND:20261125T100000Z"
MOVED = "RECURRENCE-ID:20261125T080000Z\nDTSTART:20261125T150000Z\nDTEND:20261125T160000Z"


def event(*lines: str, uid: str = "", category: str = "CATEGORIES:Intimate care", place: str = "LOCATION:Ward") -> str:
    parts = ("BEGIN:VEVENT", f"UID:{uid}" if uid else "", category, place, *lines, "END:VEVENT")
    return "\n".join(part for part in parts if part)


def calendar(*parts: str, method: str = "") -> str:
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//EN", *([f"METHOD:{method}"] if method else [])]
    return "\n".join([*head, *parts, "END:VCALENDAR", ""])


def read(tmp_path: Path, data: bytes) -> SourceReading:
    path = tmp_path / "rooms.ics"
    path.write_bytes(data)
    source = BookingSource(
        StoreName("calendar"), str(path), MEANT, "Europe/Tallinn", timedelta(days=20 * 366), lambda: NOW
    )
    return source.read()


def told(tmp_path: Path, text: str) -> list[str]:
    reading = read(tmp_path, text.replace("\n", "\r\n").encode())
    assert reading.unreached == ()
    return sorted(f"{item.place} {item.begin:%m-%d %H:%M}" for item in reading.bookings)


def test_several_calendars_in_one_file_all_count(tmp_path: Path) -> None:
    other = event("DTSTART:20261126T080000Z", "DTEND:20261126T090000Z", place="LOCATION:Hall")
    off = event("SEQUENCE:1", uid="q"), event("SEQUENCE:2", AT_NINE, uid="q")
    text = calendar(event(AT_NINE)) + "\n" + calendar(other) + calendar(off[0], method="PUBLISH")
    text = text.replace("UID:q", "DTSTART:20261127T080000Z\nUID:q")
    assert told(tmp_path, text) == ["Hall 11-26 08:00", "Ward 11-25 09:00", "Ward 11-27 08:00"]
    cancelled = text + calendar(off[1], method="CANCEL")
    assert told(tmp_path, cancelled) == ["Hall 11-26 08:00", "Ward 11-25 09:00"]


def test_half_of_the_second_calendar_is_told_and_not_passed_over(tmp_path: Path) -> None:
    whole = calendar(event(AT_NINE)) + calendar(event(AT_NINE, place="LOCATION:Hall"))
    (unreached,) = read(tmp_path, whole[:-30].encode()).unreached
    assert "only a part of one" in unreached.why


def test_two_calendars_may_call_two_zones_by_one_name(tmp_path: Path) -> None:
    def zone(offset: str) -> str:
        rule = f"BEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:{offset}\nTZOFFSETTO:{offset}\nEND:STANDARD"
        return f"BEGIN:VTIMEZONE\nTZID:Customized Time Zone\n{rule}\nEND:VTIMEZONE"

    begun = "DTSTART;TZID=Customized Time Zone:20261125T100000"
    text = calendar(zone("+0200"), event(begun)) + calendar(zone("-0500"), event(begun, place="LOCATION:Hall"))
    assert told(tmp_path, text) == ["Hall 11-25 15:00", "Ward 11-25 08:00"]


def test_one_meeting_in_several_rooms_is_one_in_each(tmp_path: Path) -> None:
    here, there = event(SERIES, uid="q"), event(SERIES, uid="q", place="LOCATION:Hall")
    moved = event(MOVED, uid="q", place="LOCATION:Hall")
    assert told(tmp_path, calendar(here, here, there, moved)) == [
        *("Hall 11-23 08:00", "Hall 11-24 08:00", "Hall 11-25 15:00", "Hall 11-26 08:00"),
        *("Ward 11-23 08:00", "Ward 11-24 08:00", "Ward 11-25 08:00", "Ward 11-26 08:00"),
    ]


def test_of_two_versions_the_newer_counts(tmp_path: Path) -> None:
    newer = event("SEQUENCE:2", AT_NINE, uid="q", place="LOCATION:Hall")
    assert told(tmp_path, calendar(newer, event("SEQUENCE:1", AT_NINE, uid="q"))) == ["Hall 11-25 09:00"]


def test_a_time_that_was_moved_is_what_its_series_is_unless_it_says_otherwise(tmp_path: Path) -> None:
    bare = event(MOVED, uid="q", category="", place="")
    assert "Ward 11-25 15:00" in told(tmp_path, calendar(event(SERIES, uid="q"), bare))
    other = event(MOVED, uid="q", category="CATEGORIES:Talk")
    assert "11-25" not in " ".join(told(tmp_path, calendar(event(SERIES, uid="q"), other)))
    alone = event(MOVED, uid="q")
    assert told(tmp_path, calendar(alone)) == ["Ward 11-25 15:00"]


@pytest.mark.parametrize(
    "written",
    [
        "CATEGORIES:Consultation\\,Intimate care",
        "CATEGORIES:Consultation;intimate  care",
        "CATEGORIES:Consultation\nCATEGORIES: INTIMATE CARE ",
        "CATEGORIES;LANGUAGE=en:Consultation,Intimate\N{NO-BREAK SPACE}care",
        "CATEGORIES:Gu\N{COMBINING DIAERESIS}nekoloogia",
    ],
    ids=["escaped", "semicolon", "twice", "no-break space", "letters in parts"],
)
def test_a_category_is_found_however_a_program_writes_several(tmp_path: Path, written: str) -> None:
    assert told(tmp_path, calendar(event(AT_NINE, category=written))) == ["Ward 11-25 09:00"]


def test_a_line_that_is_folded_within_a_letter_is_one_word(tmp_path: Path) -> None:
    folded = calendar(event(AT_NINE, category="CATEGORIES:Günekoloogia")).encode()
    folded = folded.replace("ü".encode(), b"\xc3\r\n \xbc")
    assert len(read(tmp_path, folded).bookings) == 1


def test_a_category_that_is_no_utf_8_is_told_and_not_passed_over(tmp_path: Path) -> None:
    latin = calendar(event(AT_NINE, category="CATEGORIES:Günekoloogia"), event(AT_NINE)).encode("latin-1")
    reading = read(tmp_path, latin)
    assert len(reading.bookings) == 1
    assert reading.unreached[0].why.startswith("1 booking in it cannot be understood")


@pytest.mark.parametrize(
    ("place", "rooms", "strange"),
    [
        ("ROOM\N{NO-BREAK SPACE}3 ", ["ward"], False),
        ("Room 3\nHall, north", ["ward", "hall"], False),
        ("room 3; Hall, north", ["ward", "hall"], False),
        ("Room 3, second floor", ["ward"], False),
        ("Room 3; Room 4", ["ward"], True),
        ("; ,", [], True),
    ],
)
def test_each_room_of_a_place_is_found_or_told(place: str, rooms: list[str], *, strange: bool) -> None:
    register = register_of(
        "rooms: [{id: ward, name: Room 3, class: treatment}, {id: hall, name: 'Hall, north', class: public}]\n"
        "devices:\n"
        "  - {id: c1, name: a, kind: camera, tracks: {}, assignments: [{room: ward}]}\n"
        "  - {id: c2, name: b, kind: camera, tracks: {}, assignments: [{room: hall}]}\n"
    )
    booking = Booking(place, NOW + timedelta(hours=1), NOW + timedelta(hours=2))
    found = [item.key.subject for item in check_bookings(register, [booking], NOW)]
    assert found == [*rooms, *(["bookings"] if strange else [])]
