"""Bookings of intimate procedures are met with who could see or hear the room; of people nothing is kept."""

import os
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retentiond.domain.finding import Finding, FindingKind
from retentiond.domain.recording import StoreName
from retentiond.ports import SourceReading
from retentiond.services.check_placement import check_rooms
from retentiond.sources.bookings import MOST_BYTES, WORKER, BookingSource
from tests.system.harness import Site
from tests.unit.settings.texts import register_of

NOW = datetime(2026, 3, 27, 12, tzinfo=UTC)
TALLINN = "Europe/Tallinn"
WEEK = timedelta(days=7)
NAMES = ("Mari Maasikas", "mari@example.com", "Dr Kask", "the left knee", "patient-4711", "call 5551234")


def event(begin: str, *more: str, end: str = "", category: str = "Intimate care", place: str = "Ward") -> str:
    """Return an event that names people wherever an event can."""
    name, mail, doctor, about, number, note = NAMES
    lines = [
        "BEGIN:VEVENT",
        *([] if any(line.startswith("UID") for line in more) else [f"UID:{number}-{begin}"]),
        "DTSTAMP:20260101T000000Z",
        f"DTSTART{begin}",
        *([f"DTEND{end}"] if end else []),
        f"SUMMARY:{name}\\, {about}",
        f"DESCRIPTION:{note}",
        f"ATTENDEE;CN={name}:mailto:{mail}",
        f"ORGANIZER;CN={doctor}:mailto:{mail}",
        f"CONTACT:{name}",
        f"COMMENT:{note}",
        f"CATEGORIES:Consultation,{category}",
        f"LOCATION:{place}",
        *more,
        "END:VEVENT",
    ]
    return "\r\n".join(lines)


def calendar(*events: str) -> bytes:
    parts = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//clinic//EN", *events, "END:VCALENDAR", "")
    return "\r\n".join(parts).encode()


def read(path: Path, data: bytes, now: datetime = NOW) -> SourceReading:
    path.write_bytes(data)
    return BookingSource(StoreName("calendar"), str(path), ("intimate CARE",), TALLINN, WEEK, lambda: now).read()


def booked(tmp_path: Path, *events: str) -> list[tuple[str, str]]:
    reading = read(tmp_path / "rooms.ics", calendar(*events))
    assert reading.unreached == ()
    return [(f"{item.begin:%m-%d %H:%M}", f"{item.end:%m-%d %H:%M}") for item in reading.bookings]


# --- what is read -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("begin", "end", "told"),
    [
        (":20260328T100000Z", ":20260328T103000Z", ("03-28 10:00", "03-28 10:30")),
        (":20260328T100000", ":20260328T103000", ("03-28 08:00", "03-28 08:30")),
        (":20260329T100000", ":20260329T103000", ("03-29 07:00", "03-29 07:30")),
        (";TZID=Europe/Berlin:20260328T100000", ";TZID=Europe/Berlin:20260328T110000", ("03-28 09:00", "03-28 10:00")),
        (";VALUE=DATE:20260328", ";VALUE=DATE:20260329", ("03-27 22:00", "03-28 22:00")),
        (";VALUE=DATE:20260329", "", ("03-28 22:00", "03-29 21:00")),
        (":20260328T100000Z", "", ("03-28 10:00", "03-28 10:01")),
    ],
    ids=["utc", "floating", "floating in summer time", "another zone", "a day", "a day of 23 hours", "no length"],
)
def test_times_are_of_their_zone_or_of_the_clinic(tmp_path: Path, begin: str, end: str, told: tuple[str, str]) -> None:
    assert booked(tmp_path, event(begin, end=end)) == [told]


def test_a_length_is_as_good_as_an_end(tmp_path: Path) -> None:
    assert booked(tmp_path, event(":20260328T100000Z", "DURATION:PT45M")) == [("03-28 10:00", "03-28 10:45")]


def test_what_recurs_is_told_each_time_but_where_it_was_left_out_moved_or_cancelled(tmp_path: Path) -> None:
    series = event(
        ":20260323T100000Z",
        "UID:s",
        "RRULE:FREQ=DAILY;COUNT=6",
        "EXDATE:20260324T100000Z",
        end=":20260323T110000Z",
    )
    moved = event(":20260325T150000Z", "UID:s", "RECURRENCE-ID:20260325T100000Z", end=":20260325T160000Z")
    off = event(":20260326T100000Z", "UID:s", "RECURRENCE-ID:20260326T100000Z", "STATUS:CANCELLED")
    other = event(":20260327T100000Z", "UID:s", "RECURRENCE-ID:20260327T100000Z", category="Talk")
    told = booked(tmp_path, series, moved, off, other)
    assert [begin for begin, _ in sorted(told)] == ["03-23 10:00", "03-25 15:00", "03-28 10:00"]


def test_only_what_is_marked_and_near_is_told(tmp_path: Path) -> None:
    far, old = event(":20260601T100000Z"), event(":20251201T100000Z")
    assert booked(tmp_path, event(":20260328T100000Z", category="Physiotherapy"), far, old) == []


# --- what it is held to -------------------------------------------------------------------------------------------

REGISTER = """\
rooms:
  - {id: ward, name: Ward, class: treatment}
  - {id: hall, class: public, neighbours: [{room: ward, passes: [sight]}]}
devices:
  - id: cam-1
    name: Camera 1
    kind: camera
    tracks: {video: true}
    assignments: [{room: PLACE, from: 2026-01-01, to: UNTIL}]
"""


def found(path: Path, place: str, until: str, *events: str) -> dict[FindingKind, Finding]:
    path.write_bytes(calendar(*events))
    source = BookingSource(StoreName("calendar"), str(path), ("intimate care",), TALLINN, WEEK, lambda: NOW)
    register = register_of(REGISTER.replace("PLACE", place).replace("UNTIL", until))
    findings = check_rooms(register, (), (), NOW, [(source, source.read())]).findings
    return {item.key.kind: item for item in findings if "book" in item.key.kind or item.key.subject == "bookings"}


AHEAD = event(":20260328T100000Z", end=":20260328T110000Z")
OVER = event(":20260320T100000Z", end=":20260320T110000Z")
GOING_ON = event(":20260327T114500Z", end=":20260327T121500Z")


@pytest.mark.parametrize(
    ("place", "until", "events", "kinds"),
    [
        ("ward", "2027-01-01", (AHEAD,), {FindingKind.INTIMATE_BOOKING}),
        ("ward", "2027-01-01", (OVER,), {FindingKind.INTIMATE_BOOKING_SEEN}),
        ("ward", "2027-01-01", (GOING_ON,), {FindingKind.INTIMATE_BOOKING}),
        ("ward", "2026-03-22", (AHEAD, OVER), {FindingKind.INTIMATE_BOOKING_SEEN}),
        ("ward", "2026-03-20", (AHEAD, OVER), set()),
        ("hall", "2027-01-01", (AHEAD,), {FindingKind.INTIMATE_BOOKING}),
    ],
    ids=["to come", "over", "going on", "taken away since", "taken away before", "from the next room"],
)
def test_a_device_that_reaches_the_room_during_a_booking_is_told(
    tmp_path: Path, place: str, until: str, events: tuple[str, ...], kinds: set[FindingKind]
) -> None:
    assert set(found(tmp_path / "rooms.ics", place, until, *events)) == kinds


def test_the_finding_says_where_when_how_often_and_who_and_no_person(tmp_path: Path) -> None:
    daily = event(":20260328T100000Z", "RRULE:FREQ=DAILY;COUNT=3", end=":20260328T110000Z")
    item = found(tmp_path / "rooms.ics", "ward", "2027-01-01", daily)[FindingKind.INTIMATE_BOOKING]
    assert item.message == (
        "room 'ward' is booked for 3 intimate procedures, the first 2026-03-28 10:00Z to 2026-03-28 11:00Z, and cam-1 "
        "see or hear it then"
    )
    assert item.facts == "cam-1: 2026-03-28 10:00Z, 2026-03-29 10:00Z, 2026-03-30 10:00Z"


def test_what_is_over_says_what_to_type_to_see_what_was_recorded(tmp_path: Path) -> None:
    later = event(":20260321T100000Z", end=":20260321T113000Z")
    item = found(tmp_path / "rooms.ics", "ward", "2027-01-01", later, OVER)[FindingKind.INTIMATE_BOOKING_SEEN]
    assert "register who --room ward --from 2026-03-20T10:00:00.000Z --to 2026-03-21T11:30:00.000Z; tell" in item.remedy


def test_a_place_that_nobody_knows_is_counted_and_not_shown(tmp_path: Path) -> None:
    odd = event(":20260328T100000Z", place="At home with Mari Maasikas")
    (item,) = found(tmp_path / "rooms.ics", "ward", "2027-01-01", odd).values()
    assert item.message.startswith("1 intimate procedure is booked in places that are no rooms")
    assert "Mari" not in f"{item}"


def test_names_of_people_are_nowhere_afterwards(tmp_path: Path) -> None:
    site = Site(tmp_path, register=REGISTER.replace("PLACE", "ward").replace("UNTIL", "2036-01-01"))
    soon = datetime.now(UTC) + timedelta(hours=2)
    path = tmp_path / "rooms.ics"
    path.write_bytes(calendar(event(f":{soon:%Y%m%dT%H%M%SZ}"), event(f":{soon:%Y%m%dT%H%M%SZ}", place=NAMES[0])))
    with site.config.open("a") as file:
        file.write(
            f"sources: [{{name: calendar, kind: bookings, file: {path}, categories: [intimate care], "
            "timezone: Europe/Tallinn}]\n"
        )
    said = site.run("check").stdout
    assert "intimate_booking" in said
    site.accept_clock()
    with site.running():
        site.wait(lambda: "intimate_booking" in site.run("findings", "list").stdout, "the finding about the booking")
        with urllib.request.urlopen(f"http://127.0.0.1:{site.port}/metrics", timeout=60) as answer:
            said += site.run("findings", "list", "--json").stdout + answer.read().decode()
    written = [item.read_bytes() for item in site.root.rglob("*") if item.is_file() and item != path]
    for name in NAMES:
        assert name not in said
        assert not any(name.encode() in data for data in written), name


# --- how old it is ------------------------------------------------------------------------------------------------


def aged(path: Path, written: datetime) -> SourceReading:
    path.write_bytes(calendar(AHEAD))
    os.utime(path, (written.timestamp(), written.timestamp()))
    return BookingSource(StoreName("calendar"), str(path), ("intimate care",), TALLINN, WEEK, lambda: NOW).read()


def test_one_that_nothing_writes_any_more_is_told_and_counts_all_the_same(tmp_path: Path) -> None:
    reading = aged(tmp_path / "rooms.ics", NOW - WEEK - timedelta(seconds=1))
    assert len(reading.bookings) == 1
    assert reading.outdated == "the calendar was written last 2026-03-20 11:59Z, and may be 7d old"
    source = BookingSource(StoreName("calendar"), "x", (), TALLINN, WEEK, lambda: NOW)
    found = {item.key.kind: item for item in check_rooms(register_of("{}"), (), (), NOW, [(source, reading)]).findings}
    item = found[FindingKind.SOURCE_OUTDATED]
    assert (item.key.subject, item.facts) == ("calendar", reading.outdated)
    assert "2026-03-20 11:59Z" in item.message
    assert "`max_age`" in item.remedy


def test_one_that_is_as_old_as_it_may_be_is_not_told(tmp_path: Path) -> None:
    assert aged(tmp_path / "rooms.ics", NOW - WEEK).outdated == ""
    assert aged(tmp_path / "rooms.ics", NOW + timedelta(hours=23)).outdated == ""


def test_one_that_is_dated_in_the_time_to_come_would_never_come_of_age(tmp_path: Path) -> None:
    assert "which is still to come" in aged(tmp_path / "rooms.ics", NOW + timedelta(days=2)).outdated


# --- what goes wrong ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "cannot be understood"),
        (b"\x00\xff" * 500, "cannot be understood"),
        (b"x" * (MOST_BYTES + 1), "has more than 4 MiB"),
        (calendar("METHOD:CANCEL", event(":20260328T100000Z")), "only says what is cancelled"),
        (calendar(*(event(f":20260328T{n // 60:02}{n % 60:02}00Z", "RRULE:FREQ=DAILY") for n in range(400))), "10000"),
    ],
    ids=["empty", "noise", "large", "cancelled", "too many"],
)
def test_a_calendar_that_is_none_is_told(tmp_path: Path, data: bytes, why: str) -> None:
    (unreached,) = read(tmp_path / "rooms.ics", data).unreached
    assert why in unreached.why
    assert not any(name in unreached.why for name in NAMES)


@pytest.mark.parametrize(
    "odd",
    [
        event(":garbage"),
        event(";TZID=Nowhere/X:20260328T230000", end=";TZID=Nowhere/X:20260328T233000"),
        event(":20260328T100000Z", "RRULE:FREQ=SECONDLY"),
        event(":20260328T100000Z", "RRULE:FREQ=DAILY;BYMINUTE=1,2,3"),
        event(":20260328T100000Z", "RRULE:FREQ=NEVER"),
    ],
    ids=["no time", "a zone that nobody knows", "each second", "each minute", "no rule"],
)
def test_an_event_that_cannot_be_understood_is_counted_and_hides_no_other(tmp_path: Path, odd: str) -> None:
    reading = read(tmp_path / "rooms.ics", calendar(odd, event(":20260329T100000Z")))
    assert [item.begin.day for item in reading.bookings] == [29]
    assert reading.unreached[0].why.startswith("1 booking in it cannot be understood")


def test_what_recurs_without_end_and_never_is_given_up(tmp_path: Path) -> None:
    """Each of these alone takes seconds: it is looked for until the end of time."""
    never = [event(":00010101T100000", f"UID:{n}", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30") for n in range(200)]
    path = tmp_path / "rooms.ics"
    path.write_bytes(calendar(*never))
    source = BookingSource(StoreName("c"), str(path), ("intimate care",), TALLINN, WEEK, lambda: NOW, (*WORKER, "2"))
    assert "takes too long" in source.read().unreached[0].why


@pytest.mark.parametrize(
    ("begin", "length", "told"),
    [
        (":20260328T230000", "PT6H", ("03-28 21:00", "03-29 03:00")),
        (":20260329T033000", "PT1H", ("03-29 01:30", "03-29 02:30")),
        (":20251026T020000", "PT3H", ("10-25 23:00", "10-26 03:00")),
    ],
    ids=["over the hour that is not", "in it", "over the hour that is twice"],
)
def test_on_a_day_on_which_clocks_change_the_longer_reading_counts(
    tmp_path: Path, begin: str, length: str, told: tuple[str, str]
) -> None:
    now = NOW if "2026" in begin else datetime(2025, 10, 20, tzinfo=UTC)
    (item,) = read(tmp_path / "rooms.ics", calendar(event(begin, f"DURATION:{length}")), now).bookings
    assert (f"{item.begin:%m-%d %H:%M}", f"{item.end:%m-%d %H:%M}") == told


@pytest.mark.parametrize("place", ["Ward; Hall", "hall,WARD", "Ward;somewhere"])
def test_a_booking_of_several_rooms_is_one_of_each(tmp_path: Path, place: str) -> None:
    odd = event(":20260328T100000Z", place=place.replace(",", "\\,").replace(";", "\\;"))
    assert FindingKind.INTIMATE_BOOKING in found(tmp_path / "rooms.ics", "ward", "2027-01-01", odd)


def test_a_calendar_that_is_gone_or_a_pipe_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("nowhere.ics", "pipe"):
        source = BookingSource(StoreName("calendar"), str(tmp_path / name), ("x",), TALLINN, WEEK, lambda: NOW)
        assert len(source.read().unreached) == 1


@settings(max_examples=60)
@given(
    data=st.lists(
        st.sampled_from(
            [
                *(
                    "BEGIN:VCALENDAR",
                    "END:VCALENDAR",
                    "BEGIN:VEVENT",
                    "END:VEVENT",
                    "CATEGORIES:Intimate care",
                    "RDATE:x",
                ),
                *("DTSTART:20260328T100000Z", "DTEND:20260101T000000Z", "DTSTART;VALUE=DATE:20260328", "DURATION:-P1D"),
                *(
                    "RRULE:FREQ=DAILY",
                    "RRULE:FREQ=YEARLY;UNTIL=1",
                    "LOCATION:Ward",
                    "UID:a",
                    "DTSTART:99999999T999999Z",
                ),
                *("RECURRENCE-ID:20260328T100000Z", "EXDATE:20260328T100000Z", "STATUS:CANCELLED", "\x00", " folded"),
            ]
        ),
        max_size=30,
    )
)
def test_no_calendar_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, data: list[str]) -> None:
    reading = read(tmp_path_factory.getbasetemp() / "fuzz.ics", "\r\n".join(data).encode())
    assert len(reading.unreached) <= 1
    assert all(item.begin < item.end for item in reading.bookings)
