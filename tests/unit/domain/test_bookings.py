"""Bookings of intimate procedures, met with the devices that could see or hear the room meanwhile."""

from datetime import datetime, timedelta

import pytest

from retentiond.domain.bookings import MOST_SHOWN, Booking, check_bookings
from retentiond.domain.finding import Finding, FindingKind
from retentiond.domain.register import Device, Register
from tests.builders import NOW, a_device, a_link, a_register, a_room

HOUR = timedelta(hours=1)
BOOKED, SEEN, NOWHERE = FindingKind.INTIMATE_BOOKING, FindingKind.INTIMATE_BOOKING_SEEN, FindingKind.SOURCES_DISAGREE
WARD = a_register(a_device(a_link("ward")), rooms=[a_room("ward"), a_room("hall")])


def a_booking(begin: datetime = NOW + HOUR, *, place: str = "ward", lasts: timedelta = HOUR) -> Booking:
    return Booking(place, begin, begin + lasts)


def found(*bookings: Booking, register: Register = WARD) -> list[tuple[FindingKind, str]]:
    return [(item.key.kind, item.key.subject) for item in check_bookings(register, bookings, NOW)]


def the_finding(*bookings: Booking, register: Register = WARD) -> Finding:
    (item,) = check_bookings(register, bookings, NOW)
    return item


def test_a_booking_that_is_to_come_is_told_with_who_sees_it() -> None:
    item = the_finding(a_booking())
    assert (item.key.kind, item.key.subject) == (BOOKED, "ward")
    assert item.message == (
        "room 'ward' is booked for 1 intimate procedure 2026-03-31 13:00Z to 2026-03-31 14:00Z, and d-1 see or hear it "
        "then"
    )
    assert item.facts == "d-1: 2026-03-31 13:00Z"


def test_a_booking_that_is_over_is_told_with_what_shows_what_was_recorded() -> None:
    early, late = a_booking(NOW - 5 * HOUR, lasts=2 * HOUR), a_booking(NOW - 4 * HOUR, lasts=timedelta(minutes=10))
    item = the_finding(late, early)
    assert (item.key.kind, item.key.subject) == (SEEN, "ward")
    assert item.message == (
        "room 'ward' was booked for 2 intimate procedures, the first 2026-03-31 07:00Z to 2026-03-31 09:00Z, and d-1 "
        "saw or heard it then"
    )
    assert "--room ward --from 2026-03-31T07:00:00.000Z --to 2026-03-31T09:00:00.000Z;" in item.remedy
    assert item.facts == "d-1: 2026-03-31 07:00Z, 2026-03-31 08:00Z"


def test_what_is_over_and_what_is_to_come_are_two_findings() -> None:
    assert found(a_booking(), a_booking(NOW - 3 * HOUR)) == [(BOOKED, "ward"), (SEEN, "ward")]


@pytest.mark.parametrize(
    ("begin", "kind"), [(NOW - HOUR, SEEN), (NOW - HOUR + timedelta(microseconds=1), BOOKED), (NOW, BOOKED)]
)
def test_a_booking_is_over_when_it_has_ended(begin: datetime, kind: FindingKind) -> None:
    assert found(a_booking(begin)) == [(kind, "ward")]


def gone_at(instant: datetime) -> Register:
    return a_register(a_device(a_link("ward", until=instant)), rooms=[a_room("ward")])


def test_who_left_before_it_began_or_comes_when_it_is_over_is_not_told() -> None:
    booking = a_booking()
    assert found(booking, register=gone_at(booking.begin)) == []
    assert found(booking, register=gone_at(booking.begin + timedelta(microseconds=1))) == [(BOOKED, "ward")]
    later = a_register(a_device(a_link("ward", since=booking.end)), rooms=[a_room("ward")])
    assert found(booking, register=later) == []


def test_a_long_booking_that_begins_early_is_met_to_its_end() -> None:
    """The last to begin is not the last to end."""
    late = a_register(a_device(a_link("ward", since=NOW + 5 * HOUR)), rooms=[a_room("ward")])
    assert found(a_booking(lasts=6 * HOUR), a_booking(NOW + 2 * HOUR), register=late) == [(BOOKED, "ward")]


def two_devices() -> tuple[Device, Device]:
    return (a_device(a_link("ward"), ident="d-2"), a_device(a_link("ward"), ident="d-1", known_as=()))


def test_everybody_who_sees_it_is_named_once_and_in_order() -> None:
    register = a_register(*two_devices(), rooms=[a_room("ward")])
    assert the_finding(a_booking(), a_booking(NOW + 2 * HOUR), register=register).facts.startswith("d-1, d-2: ")


def test_only_so_many_are_shown_and_that_there_are_more_is_said() -> None:
    bookings = [a_booking(NOW + number * HOUR) for number in range(1, MOST_SHOWN + 2)]
    assert MOST_SHOWN == 20
    assert the_finding(*bookings[:-1]).facts == "d-1: " + ", ".join(
        f"{item.begin:%Y-%m-%d %H:%MZ}" for item in bookings[:-1]
    )
    assert the_finding(*bookings).facts == the_finding(*bookings[:-1]).facts + " …"


def test_a_place_that_is_no_room_is_counted_and_never_shown() -> None:
    one = the_finding(a_booking(place="Mrs Tamm"))
    assert (one.key.kind, one.key.subject) == (NOWHERE, "bookings")
    assert one.message.startswith("1 intimate procedure is booked in places that are no rooms of the register")
    two = the_finding(a_booking(place="Mrs Tamm"), a_booking(place=""))
    assert two.message.startswith("2 intimate procedures are booked in places")


def test_every_room_of_a_place_is_met_and_in_the_order_of_the_register() -> None:
    register = a_register(
        a_device(a_link("ward")), a_device(a_link("hall"), ident="d-2", known_as=()), rooms=WARD.rooms
    )
    assert found(a_booking(place="hall; ward"), register=register) == [(BOOKED, "ward"), (BOOKED, "hall")]
    assert found(a_booking(place="hall\nattic"), register=register) == [(BOOKED, "hall"), (NOWHERE, "bookings")]
    assert found(a_booking(place="hall, second floor"), register=register) == [(BOOKED, "hall")]
    assert found(a_booking(place="attic, hall, ward"), register=register) == [(BOOKED, "ward"), (BOOKED, "hall")]


def test_the_name_of_a_room_may_hold_what_stands_between_rooms() -> None:
    room = a_room("hall, north; left")
    register = a_register(a_device(a_link(room.ident)), rooms=[room, a_room("hall")])
    assert found(a_booking(place=room.ident), register=register) == [(BOOKED, room.ident)]
    north = a_room("hall, north")
    register = a_register(a_device(a_link("hall")), a_device(a_link(north.ident), ident="d-2", known_as=()))
    register = a_register(*register.devices, rooms=[a_room("hall"), north])
    assert found(a_booking(place="hall, north; attic"), register=register) == [
        (BOOKED, "hall, north"),
        (NOWHERE, "bookings"),
    ]


def test_nothing_is_found_where_nothing_is_booked_or_nobody_sees_it() -> None:
    assert found() == []
    assert found(a_booking(place="hall")) == []
