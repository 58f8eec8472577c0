"""Who could see or hear a room, and what became of it: one answer to a patient's question."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from retentiond.domain.errors import UsageError
from retentiond.domain.event import EventType, Record
from retentiond.domain.exposure_history import ExposedSpan, UsedSpan, exposed_spans, used_spans
from retentiond.domain.recording import CameraName, StoreName
from retentiond.domain.register import KnownName, Register
from retentiond.domain.register_facts import mentions
from retentiond.domain.rule import RoomId
from retentiond.domain.starts import MAX_RECORDING
from retentiond.domain.validity import ALWAYS, Validity, common
from retentiond.services.view import Found, View

_Camera = tuple[StoreName, CameraName]


@dataclass(frozen=True, slots=True)
class Footage:
    """A recording that may show or let hear the room, and whose it is.

    `device` is None where the register knew no device of that name, or no room for it: it may have been anywhere.
    `began_before`: it began before what was asked, and may reach into it.
    """

    device: str | None
    found: Found
    began_before: bool


@dataclass(frozen=True, slots=True)
class Unsaid:
    """A fact about the room that a register said once and a later one does not: record `seq`, written `at`."""

    fact: str
    at: datetime
    seq: int


@dataclass(frozen=True, slots=True)
class Who:
    """The answer about `room`: what it was, who reached it, what was recorded, and what the register said once.

    `unlisted` is how much more its devices recorded then, or up to a day before: it is in an incident.
    """

    room: RoomId
    asked: Validity
    used: tuple[UsedSpan, ...]
    exposed: tuple[ExposedSpan, ...]
    footage: tuple[Footage, ...]
    unsaid: tuple[Unsaid, ...]
    unlisted: int = 0


def who(view: View, register: Register, room: str, asked: Validity) -> Who:
    """Answer for a room, by its id or its name, and a span of time: by the register in force, the disk and the record.

    Raises:
        UsageError: the register has no such room, or the span ends before it begins.
    """
    known = register.need_room(room)
    if asked.since >= asked.until:
        raise UsageError("--to has to be later than --from")
    exposed = exposed_spans(register, known.ident, asked)
    footage = footage_of(view.recordings(None, asked.since - MAX_RECORDING, asked.until), register, exposed, asked)
    unlisted = view.unlisted(names_of(exposed, asked), asked.since - MAX_RECORDING, asked.until)
    unsaid = tuple(_unsaid(view.records(), known.ident))
    return Who(RoomId(known.ident), asked, used_spans(known, asked), exposed, footage, unsaid, unlisted)


def footage_of(
    recorded: Iterable[Found], register: Register, exposed: Sequence[ExposedSpan], asked: Validity
) -> tuple[Footage, ...]:
    """Return what of `recorded` the exposed devices made, and then what nobody can say the place of.

    What the register says of the time that was asked about decides, and for a recording that began up to a day before,
    what it says of its start.
    """
    rows = _by_camera(recorded)
    return tuple(sorted((*_of_devices(rows, exposed), *_of_nobody(rows, register, asked)), key=_in_order))


def names_of(exposed: Sequence[ExposedSpan], asked: Validity) -> frozenset[str]:
    """Return the names that the exposed devices had during `asked`, or up to a day before.

    At another time a name may have been another device's.
    """
    about = Validity(max(asked.since, ALWAYS + MAX_RECORDING) - MAX_RECORDING, asked.until)
    return frozenset(
        known.name
        for item in exposed
        for known in item.exposure.device.known_as
        if common((about, known.validity, item.exposure.device.life)) is not None
    )


def _in_order(item: Footage) -> tuple[bool, datetime, str]:
    return item.device is None, item.found.start, item.found.path


# --- recordings ---------------------------------------------------------------------------------------------------


def _by_camera(rows: Iterable[Found]) -> Mapping[_Camera, list[Found]]:
    found: dict[_Camera, list[Found]] = {}
    for row in rows:
        found.setdefault((row.store, row.camera), []).append(row)
    return found


def _of_devices(rows: Mapping[_Camera, list[Found]], exposed: Sequence[ExposedSpan]) -> Iterator[Footage]:
    """Yield what the devices recorded while the room was open to them, each recording once."""
    told: set[tuple[StoreName, str, datetime]] = set()
    for item in exposed:
        for known in item.exposure.device.known_as:
            span = common((item.span, known.validity, item.exposure.device.life))
            if span is None:
                continue
            for row in _within(rows.get(_camera(known), ()), span):
                key = (row.store, row.path, row.start)
                if key not in told:
                    told.add(key)
                    yield Footage(item.exposure.device.ident, row, began_before=row.start < span.since)


def _camera(known: KnownName) -> _Camera:
    return known.source, known.name


def _within(rows: Iterable[Found], span: Validity) -> list[Found]:
    """Return what starts in the span, and of each category the last that began before it: that may reach into it."""
    inside: list[Found] = []
    before: dict[str, Found] = {}
    for row in rows:
        if span.holds_at(row.start):
            inside.append(row)
        elif span.since - MAX_RECORDING <= row.start < span.since:
            last = before.get(row.category)
            if last is None or last.start < row.start:
                before[row.category] = row
    return [*before.values(), *inside]


def _of_nobody(rows: Mapping[_Camera, list[Found]], register: Register, asked: Validity) -> Iterator[Footage]:
    """Yield what was recorded by cameras of which the register cannot say where they were."""
    for of_camera in rows.values():
        for row in _within(of_camera, asked):
            device = register.device_known_as(row.store, row.camera, row.start)
            if device is None or device.room_at(row.start) is None:
                yield Footage(None, row, began_before=row.start < asked.since)


# --- what was said once -------------------------------------------------------------------------------------------


def _unsaid(records: Iterable[Record], room: str) -> Iterator[Unsaid]:
    for record in records:
        if record.type == EventType.REGISTER_LOADED:
            for fact in record.fields.get("removed", ()):
                if mentions(fact, "room", room):
                    yield Unsaid(fact, record.at, record.seq)
