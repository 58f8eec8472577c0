"""Which devices could see or hear a room over a span of time, and what the room was used for meanwhile."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from retentiond.domain.exposure import Exposure, exposures
from retentiond.domain.register import Device, Register, Room
from retentiond.domain.validity import Validity


@dataclass(frozen=True, slots=True)
class ExposedSpan:
    """A way in which a room was open to a device, and for how long of what was asked."""

    span: Validity
    exposure: Exposure


@dataclass(frozen=True, slots=True)
class UsedSpan:
    """What a room was used for during a part of what was asked; None where it had no class."""

    span: Validity
    room_class: str | None


def exposed_spans(register: Register, room: str, asked: Validity) -> tuple[ExposedSpan, ...]:
    """Return every way in which the room was open to a device during `asked`, device by device, in order of time.

    Only devices that have to do with the room, or with one beside it, are looked at; each at the instants at which
    something about it changed.
    """
    around = _around(register, room)
    near = {item.ident for item in around}
    found: list[ExposedSpan] = []
    for device in register.devices:
        if any(link.room in near for link in device.links):
            found += _of_device(replace(register, rooms=around, devices=(device,)), device, room, asked)
    return tuple(found)


def used_spans(room: Room, asked: Validity) -> tuple[UsedSpan, ...]:
    """Return what the room was used for during `asked`, in order of time."""
    cuts = _cuts([*(entry.validity for entry in room.classifications), Validity(until=room.gone)], asked)
    told: list[UsedSpan] = []
    for since, until in pairwise(cuts):
        room_class = room.class_at(since)
        begun = told.pop().span.since if told and told[-1].room_class == room_class else since
        told.append(UsedSpan(Validity(begun, until), room_class))
    return tuple(told)


def _around(register: Register, room: str) -> tuple[Room, ...]:
    """Return the room and those that were ever beside it, with nothing beside them but each other."""
    beside = {item.room for other in register.rooms if other.ident == room for item in other.neighbours}
    beside |= {other.ident for other in register.rooms if any(item.room == room for item in other.neighbours)}
    return tuple(
        replace(other, neighbours=tuple(item for item in other.neighbours if room in (other.ident, item.room)))
        for other in register.rooms
        if other.ident == room or other.ident in beside
    )


def _of_device(alone: Register, device: Device, room: str, asked: Validity) -> Iterator[ExposedSpan]:
    """Yield the spans of one device; `alone` has no other."""
    open_since: dict[Exposure, datetime] = {}
    cuts = _cuts(_entries(alone, device), asked)
    for instant in cuts[:-1]:
        now = {item for item in exposures(alone, instant) if item.room == room}
        for item in [item for item in open_since if item not in now]:
            yield ExposedSpan(Validity(open_since.pop(item), instant), item)
        for item in now:
            open_since.setdefault(item, instant)
    for item, since in open_since.items():
        yield ExposedSpan(Validity(since, cuts[-1]), item)


def _entries(alone: Register, device: Device) -> Iterator[Validity]:
    yield device.life
    yield from (item.validity for item in device.links)
    yield from (item.validity for item in device.tracks)
    yield from (item.validity for item in device.clearances)
    yield from (item.validity for room in alone.rooms for item in room.neighbours)


def _cuts(spans: Iterable[Validity], asked: Validity) -> list[datetime]:
    """Return the instants between which nothing changes: the ends of what was asked, and those of entries in it."""
    ends = {end for span in spans for end in (span.since, span.until) if asked.since < end < asked.until}
    return sorted({asked.since, asked.until, *ends})
