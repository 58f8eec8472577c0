"""Which device sees or hears which room at an instant: what the register says, and what it leaves open.

A neighbouring room counts where sight or sound passes, until somebody has stated that the device does not reach it:
what nobody has looked at is not taken for harmless, nor what nobody has looked at since a door was put in or the camera
was turned.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from retentiond.domain.register import INTIMATE_CARE, Device, DeviceKind, Register, Relation, RoomLink
from retentiond.domain.validity import ALWAYS, Validity


@dataclass(frozen=True, slots=True)
class Exposure:
    """One way in which a device reaches a room at an instant.

    Attributes:
        relation: it hangs there, or sees or hears into it.
        since: from when on what this follows from has been so: the assignment, the coverage, or the neighbourhood.
        preset: the position in which it sees the room; empty for a camera that does not move.
        through: the room from which it may reach this one, and nobody has stated that it does not; empty where it is
            declared that it does.
    """

    device: Device
    room: str
    relation: Relation
    since: datetime
    preset: str = ""
    through: str = ""


def prohibited_rooms(register: Register, instant: datetime) -> tuple[str, ...]:
    """Return the ids of the rooms in which no device may be at `instant`."""
    return tuple(room.ident for room in register.rooms if room.class_at(instant) == INTIMATE_CARE)


def exposures(register: Register, instant: datetime) -> tuple[Exposure, ...]:
    """Return every way in which a device reaches a room at `instant`, device by device. Looks at each entry once."""
    passages = _passages(register, instant)
    return tuple(item for device in register.devices for item in _of_device(device, passages, instant))


@dataclass(frozen=True, slots=True)
class _Passage:
    """A way from one room to the next."""

    room: str
    relation: Relation
    since: datetime


def _passages(register: Register, instant: datetime) -> Mapping[str, list[_Passage]]:
    """Return what passes from each room to others: both ways, whichever of the two rooms says so."""
    found: dict[str, list[_Passage]] = {}
    for room in register.rooms:
        for beside in room.neighbours:
            if not beside.validity.holds_at(instant):
                continue
            for relation in sorted(beside.passes):
                found.setdefault(room.ident, []).append(_Passage(beside.room, relation, beside.validity.since))
                found.setdefault(beside.room, []).append(_Passage(room.ident, relation, beside.validity.since))
    return found


def _of_device(device: Device, passages: Mapping[str, list[_Passage]], instant: datetime) -> Iterator[Exposure]:
    if not device.is_here(instant):
        return
    assignment = device.assignment_at(instant)
    links = [link for link in device.links if _counts(link, assignment) and link.validity.holds_at(instant)]
    declared: set[tuple[str, Relation]] = set()
    for link in links:
        declared.add((link.room, link.relation))
        yield Exposure(device, link.room, link.relation, link.validity.since, preset=link.preset)
    looked = _looked(device, assignment, instant)
    for origin, relation, since in _origins(device, links, instant):
        for passage in passages.get(origin, ()):
            known = {(passage.room, passage.relation), (passage.room, Relation.ASSIGNED)}
            if passage.relation is not relation or not declared.isdisjoint(known):
                continue
            seen_at = looked.get((passage.room, relation))
            if seen_at is None or seen_at < max(since, passage.since):
                declared.add((passage.room, relation))
                yield Exposure(device, passage.room, relation, passage.since, through=origin)


def _counts(link: RoomLink, assignment: RoomLink | None) -> bool:
    """Tell whether a link can count: of several assignments, each lasts until the next begins."""
    return link.relation is not Relation.ASSIGNED or link is assignment


def _origins(device: Device, links: Iterable[RoomLink], instant: datetime) -> Iterator[tuple[str, Relation, datetime]]:
    """Return the rooms from which the device may see, or hear, on into the next, and since when."""
    sees, hears = device.kind is DeviceKind.CAMERA, device.hears(instant)
    for link in links:
        if sees and link.relation in (Relation.ASSIGNED, Relation.SEES):
            yield link.room, Relation.SEES, link.validity.since
        if hears and link.relation in (Relation.ASSIGNED, Relation.HEARS):
            yield link.room, Relation.HEARS, link.validity.since


def _looked(device: Device, assignment: RoomLink | None, instant: datetime) -> Mapping[tuple[str, Relation], datetime]:
    """Return what somebody has stated the device not to reach, and when that was last looked at.

    What was stated before it was moved counts no more; nor does it, for each way, from before that was open.
    """
    placed = Validity() if assignment is None else assignment.validity
    found: dict[tuple[str, Relation], datetime] = {}
    for item in device.clearances:
        if item.validity.holds_at(instant) and item.validity.since >= placed.since:
            key = (item.room, item.relation)
            found[key] = max(item.validity.since, found.get(key, ALWAYS))
    return found
