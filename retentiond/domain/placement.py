"""The room check: no camera and no microphone in, or seeing or hearing into, a prohibited room (design rule 9)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.domain.recording import CameraName, StoreName
from retentiond.domain.register import INTIMATE_CARE, Device, Register, Relation, Room


@dataclass(frozen=True, slots=True)
class SeenDevice:
    """A camera that a source other than the register knows: a recorder's configuration, or a directory of a store.

    `records_audio` is None where the source cannot tell; `sound` is the setting that says so, for people.
    """

    store: StoreName
    camera: CameraName
    source: str
    records_audio: bool | None = None
    sound: str = ""


def prohibited_rooms(register: Register, now: datetime) -> tuple[str, ...]:
    """Return the ids of the rooms in which no device may be at `now`."""
    return tuple(room.ident for room in register.rooms if room.class_at(now) == INTIMATE_CARE)


def devices_reaching(register: Register, room: str, now: datetime) -> tuple[Device, ...]:
    """Return the devices that hang in `room` at `now`, or see or hear into it."""
    return tuple(
        device
        for device in register.devices
        if any(link.room == room and link.validity.holds_at(now) for link in device.links)
    )


def check_placement(register: Register, seen: Iterable[SeenDevice], now: datetime) -> tuple[Finding, ...]:
    """Return what is wrong with rooms and devices at `now`.

    Field of view is a declaration: the check says that what is declared agrees, not what a lens sees.
    """
    findings: dict[object, Finding] = {}
    rooms = {room.ident: room for room in register.rooms}
    for device in register.devices:
        for item in _device_findings(device, rooms, now):
            findings.setdefault(item.key, item)
    for room in register.rooms:
        if room.class_at(now) is None:
            item = _unclassified(room)
            findings.setdefault(item.key, item)
    for camera in seen:
        found = _seen_finding(register, camera)
        if found is not None:
            findings.setdefault(found.key, found)
    return tuple(findings.values())


def _device_findings(device: Device, rooms: dict[str, Room], now: datetime) -> Iterable[Finding]:
    assigned = False
    for link in device.links:
        if not link.validity.holds_at(now):
            continue
        assigned = assigned or link.relation is Relation.ASSIGNED
        room = rooms.get(link.room)
        if room is not None and room.class_at(now) == INTIMATE_CARE:
            yield _prohibited(device, room, link.relation)
    if not assigned:
        yield finding(
            FindingKind.UNASSIGNED_DEVICE,
            device.ident,
            f"{device.kind} {device.name!r} ({device.ident}) has no room today",
            "add an entry to its `assignments` in the register, or end the device",
        )


def _prohibited(device: Device, room: Room, relation: Relation) -> Finding:
    who = f"{device.kind} {device.name!r} ({device.ident})"
    if relation is Relation.ASSIGNED:
        return finding(
            FindingKind.PROHIBITED_ASSIGNMENT,
            f"{device.ident} / {room.ident}",
            f"{who} is assigned to {room.ident!r}, a room of class {INTIMATE_CARE}",
            "remove the device from the room, then end its assignment in the register",
        )
    return finding(
        FindingKind.PROHIBITED_COVERAGE,
        f"{device.ident} {relation} {room.ident}",
        f"{who} {relation} into {room.ident!r}, a room of class {INTIMATE_CARE}",
        "turn or mask the device so that it does not reach the room, then correct the register",
    )


def _unclassified(room: Room) -> Finding:
    return finding(
        FindingKind.UNCLASSIFIED_ROOM,
        room.ident,
        f"room {room.ident!r} has no class today, so nobody can say whether a device may be there",
        "give it a `class` in the register",
    )


def _seen_finding(register: Register, camera: SeenDevice) -> Finding | None:
    device = register.device_known_as(camera.store, camera.camera)
    subject = f"{camera.store} / {camera.camera}"
    if device is None:
        return finding(
            FindingKind.UNREGISTERED_DEVICE,
            subject,
            f"camera {camera.camera!r} of store {camera.store!r} ({camera.source}) is not in the register",
            f"register the device with `known_as: {{{camera.store}: {camera.camera}}}` and its room, or remove it",
        )
    if camera.records_audio and not device.records_audio:
        return finding(
            FindingKind.AUDIO_ENABLED,
            subject,
            f"the recorder of store {camera.store!r} may record sound of {camera.camera!r}, which the register forbids"
            + (f" ({camera.sound})" if camera.sound else ""),
            "switch sound off in the recorder, or allow it in the register with the consent it needs",
        )
    return None
