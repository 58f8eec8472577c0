"""Bookings of intimate procedures, met with who could see or hear the room: before they take place, and afterwards."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from retentiond.domain import instants
from retentiond.domain.exposure_history import ExposedSpan, exposed_spans
from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.domain.register import Register, Room
from retentiond.domain.validity import Validity, day_text

BOOKINGS = "bookings"
"""The kind of source that knows of bookings, and the subject of what is wrong with all of them."""

MOST_SHOWN = 20
"""So many bookings stand in the facts of a finding; one more or less among these is another matter."""


@dataclass(frozen=True, slots=True)
class Booking:
    """An intimate procedure: where, as the calendar writes it, and `begin` up to `end`. Of whom is never read."""

    place: str
    begin: datetime
    end: datetime


_Met = tuple[Booking, frozenset[str]]
"""A booking, and the devices that reach its room during it."""


def check_bookings(register: Register, bookings: Iterable[Booking], now: datetime) -> tuple[Finding, ...]:
    """Return what is wrong with bookings: for each room one finding for those to come, and one for those that are over.

    A place that is no room of the register is a finding too, but is not shown: it may be anything that somebody typed.
    """
    by_room: dict[str, list[Booking]] = {}
    elsewhere = 0
    for booking in bookings:
        rooms, unknown = _rooms(register, booking.place)
        elsewhere += unknown
        for room in rooms:
            by_room.setdefault(room.ident, []).append(booking)
    found = [
        item
        for room in register.rooms
        if room.ident in by_room
        for item in _of_room(register, room, sorted(by_room[room.ident], key=lambda item: item.begin), now)
    ]
    return (*found, *((_elsewhere(elsewhere),) if elsewhere else ()))


def _rooms(register: Register, place: str) -> tuple[tuple[Room, ...], bool]:
    """Return the rooms that a place names, and whether it names one that is none.

    Between several there is a semicolon, a comma or the end of a line. What stands behind a comma may just say more of
    the room before it, such as its floor.
    """
    found: dict[str, Room] = {}
    unknown = False
    for part in (place,) if register.room_called(place) else re.split("[;\n]", place):
        named = [register.room_called(item) for item in (part, *part.split(","))]
        rooms = named[:1] if named[0] is not None else named[1:]
        found |= {room.ident: room for room in rooms if room is not None}
        unknown |= bool(part.strip()) and not any(rooms)
    return tuple(found.values()), unknown or not found


def _of_room(register: Register, room: Room, bookings: Sequence[Booking], now: datetime) -> Iterable[Finding]:
    asked = Validity(bookings[0].begin, max(item.end for item in bookings))
    spans = exposed_spans(register, room.ident, asked)
    met = [(item, reached) for item in bookings if (reached := _devices(spans, item))]
    ahead = [(item, devices) for item, devices in met if item.end > now]
    over = [(item, devices) for item, devices in met if item.end <= now]
    if ahead:
        yield finding(
            FindingKind.INTIMATE_BOOKING,
            room.ident,
            f"room {room.ident!r} is booked for {_times(ahead)}, and {_named(ahead)} see or hear it then",
            "move the booking, or take the device away or switch it off before it; then write that into the register",
            facts=_facts(ahead),
        )
    if over:
        yield finding(
            FindingKind.INTIMATE_BOOKING_SEEN,
            room.ident,
            f"room {room.ident!r} was booked for {_times(over)}, and {_named(over)} saw or heard it then",
            f"see what was recorded: retentiond register who --room {room.ident} {_typed(over)}; "
            "tell the data protection officer",
            facts=_facts(over),
        )


def _devices(spans: Iterable[ExposedSpan], booking: Booking) -> frozenset[str]:
    """Return the ids of the devices that reach the room at some instant of a booking."""
    during = Validity(booking.begin, booking.end)
    return frozenset(item.exposure.device.ident for item in spans if item.span.overlaps(during))


def _times(met: Sequence[_Met]) -> str:
    first = met[0][0]
    count = "1 intimate procedure" if len(met) == 1 else f"{len(met)} intimate procedures, the first"
    return f"{count} {day_text(first.begin)} to {day_text(first.end)}"


def _typed(met: Sequence[_Met]) -> str:
    begin, end = met[0][0].begin, max(item.end for item, _ in met)
    return f"--from {instants.to_text(begin)} --to {instants.to_text(end)}"


def _named(met: Sequence[_Met]) -> str:
    return ", ".join(sorted(frozenset[str]().union(*(devices for _, devices in met))))


def _facts(met: Sequence[_Met]) -> str:
    shown = ", ".join(day_text(item.begin) for item, _ in met[:MOST_SHOWN])
    return f"{_named(met)}: {shown}" + (" …" if len(met) > MOST_SHOWN else "")


def _elsewhere(count: int) -> Finding:
    booked = "1 intimate procedure is" if count == 1 else f"{count} intimate procedures are"
    return finding(
        FindingKind.SOURCES_DISAGREE,
        BOOKINGS,
        f"{booked} booked in places that are no rooms of the register, so nobody knows who sees or hears them",
        "write the room's id or name of the register into the booking's location, or register the room",
    )
