"""The register: rooms, devices and what is written about them, over time (design rule 9).

Every question can be asked for any instant of the past; entries carry half-open spans of time in UTC, and an answer
rests on the entries that are effective at that instant only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property

from retentiond.domain.errors import UsageError
from retentiond.domain.names import folded
from retentiond.domain.papers import NO_PAPERS, Papers
from retentiond.domain.recording import CameraName, StoreName
from retentiond.domain.validity import ALWAYS, ANY_TIME, FOREVER, Validity

__all__ = [
    "ALWAYS",
    "FOREVER",
    "INTIMATE_CARE",
    "LOOK_AGAIN_AFTER",
    "Clearance",
    "Device",
    "DeviceKind",
    "KnownName",
    "Neighbour",
    "Register",
    "Relation",
    "Room",
    "RoomClassification",
    "RoomLink",
    "Tracks",
    "Validity",
]

INTIMATE_CARE = "intimate-care"
"""The room class that prohibits every camera and microphone."""

LOOK_AGAIN_AFTER = timedelta(days=366)
"""How long a statement that a device does not reach a room holds, where it does not say so itself."""


class DeviceKind(StrEnum):
    """What a device is."""

    CAMERA = "camera"
    MICROPHONE = "microphone"


class Relation(StrEnum):
    """How a device relates to a room: it hangs there, or sees or hears into it from elsewhere."""

    ASSIGNED = "assigned"
    SEES = "sees"
    HEARS = "hears"


# --- rooms ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RoomClassification:
    """What a room is used for during a span of time."""

    room_class: str
    validity: Validity = ANY_TIME


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A room beside another, and what passes between the two both ways: sight (SEES), sound (HEARS), or neither."""

    room: str
    passes: frozenset[Relation]
    validity: Validity = ANY_TIME


@dataclass(frozen=True, slots=True)
class Room:
    """A room. Without a class in force at an instant it is unclassified then; from `gone` on there is no such room."""

    ident: str
    name: str
    classifications: tuple[RoomClassification, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    gone: datetime = FOREVER

    def class_at(self, instant: datetime) -> str | None:
        """Return the room's class at `instant`; the entry named last wins where two overlap."""
        if instant >= self.gone:
            return None
        for entry in reversed(self.classifications):
            if entry.validity.holds_at(instant):
                return entry.room_class
        return None


# --- devices --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tracks:
    """What a device may record during a span of time."""

    video: bool
    audio: bool
    validity: Validity = ANY_TIME


@dataclass(frozen=True, slots=True)
class KnownName:
    """How a source calls a device during a span of time: the recorder of a store, or another source of devices."""

    source: StoreName
    name: CameraName
    validity: Validity = ANY_TIME


@dataclass(frozen=True, slots=True)
class RoomLink:
    """A device and a room for a span of time; `preset` is the position in which a movable camera sees the room."""

    room: str
    relation: Relation
    validity: Validity = ANY_TIME
    preset: str = ""


@dataclass(frozen=True, slots=True)
class Clearance:
    """Somebody looked and found that a device does not reach a room.

    It holds from that day until somebody has to look again.
    """

    room: str
    relation: Relation
    validity: Validity


@dataclass(frozen=True, slots=True)
class Device:
    """A camera or microphone. Its id never changes; everything else does, and says since when.

    Attributes:
        tracks: what it may record. Without an entry in force it may record nothing.
        known_as: its names in the recorders of stores, and in other sources.
        life: from when until when the device is here. Outside of it, nothing else about the device is effective.
        temporary: it was allowed until the end of its life only, and has to be gone then.
    """

    ident: str
    name: str
    kind: DeviceKind
    tracks: tuple[Tracks, ...]
    known_as: tuple[KnownName, ...]
    links: tuple[RoomLink, ...]
    clearances: tuple[Clearance, ...] = ()
    life: Validity = ANY_TIME
    temporary: bool = False
    make: str = ""
    address: str = ""

    @property
    def title(self) -> str:
        """The device for people: what it is, its name, and its id."""
        return f"{self.kind} {self.name!r} ({self.ident})"

    def is_here(self, instant: datetime) -> bool:
        """Tell whether the device is in the house at `instant`."""
        return self.life.holds_at(instant)

    def room_at(self, instant: datetime) -> str | None:
        """Return the room that the device hangs in at `instant`; the entry named last wins where two overlap."""
        link = self.assignment_at(instant)
        return None if link is None else link.room

    def assignment_at(self, instant: datetime) -> RoomLink | None:
        """Return the assignment in force at `instant`."""
        return self.last_assignment(instant) if self.is_here(instant) else None

    def last_assignment(self, instant: datetime) -> RoomLink | None:
        """Return the assignment that holds at `instant`, even after the device's life: somebody forgot to end it."""
        for link in reversed(self.links):
            if link.relation is Relation.ASSIGNED and link.validity.holds_at(instant):
                return link
        return None

    def tracks_at(self, instant: datetime) -> Tracks | None:
        """Return what the device may record at `instant`; the entry named last wins where two overlap."""
        if not self.is_here(instant):
            return None
        for entry in reversed(self.tracks):
            if entry.validity.holds_at(instant):
                return entry
        return None

    def records_audio(self, instant: datetime) -> bool:
        """Tell whether the device may record sound at `instant`."""
        tracks = self.tracks_at(instant)
        return tracks is not None and tracks.audio

    def hears(self, instant: datetime) -> bool:
        """Tell whether sound that reaches the device at `instant` may be recorded: a microphone's always."""
        return self.is_here(instant) and (self.kind is DeviceKind.MICROPHONE or self.records_audio(instant))

    def changes(self) -> tuple[datetime, ...]:
        """Return the instants at which the device's room changes, without the open ends.

        A device that never has a room has its name for as long as it is here: another one may have both afterwards.
        """
        moves = [link.validity for link in self.links if link.relation is Relation.ASSIGNED]
        return _ends([self.life, *moves])

    def track_changes(self) -> tuple[datetime, ...]:
        """Return the instants at which it changes what the device may record, without the open ends."""
        return _ends([self.life, *(entry.validity for entry in self.tracks)])


def _ends(spans: Iterable[Validity]) -> tuple[datetime, ...]:
    return tuple(sorted({end for span in spans for end in span.ends()}))


def host_of(address: str) -> str:
    """Return the host of an address such as `192.0.2.1`, `cam-1:8080`, `[::1]:80` or `rtsp://192.0.2.1/stream`."""
    rest = address.partition("://")[2] or address
    host = rest.partition("/")[0]
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return (host if host.count(":") > 1 else host.partition(":")[0]).lower()


def _port_of(address: str) -> str:
    """Return what stands behind the host of an address, up to its path."""
    place = (address.partition("://")[2] or address).partition("/")[0]
    rest = place.partition("]")[2] if place.startswith("[") else place if place.count(":") == 1 else ""
    return rest.partition(":")[2]


# --- all of it ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Register:
    """All rooms and devices, and the papers about them.

    Ids are unique, links name rooms that exist, and at no instant does a name belong to two devices: settings/ has
    checked that. So it has that no two rooms are called alike, be it one by its id.
    """

    rooms: tuple[Room, ...] = ()
    devices: tuple[Device, ...] = ()
    papers: Papers = NO_PAPERS

    def room(self, ident: str) -> Room | None:
        """Return the room with this id."""
        return self._rooms.get(ident)

    def device(self, ident: str) -> Device | None:
        """Return the device with this id."""
        return self._devices.get(ident)

    def device_known_as(self, source: StoreName, name: CameraName, instant: datetime) -> Device | None:
        """Return the device that a source, such as the recorder of a store, calls `name` at `instant`."""
        for known, device in self.devices_named(source, name):
            if known.validity.holds_at(instant) and device.is_here(instant):
                return device
        return None

    def devices_at(self, address: str, instant: datetime) -> tuple[Device, ...]:
        """Return the devices that the register has at this host: several where they share it, as in an encoder.

        Those with the very port, if there are any; else all of the host, however port and path are written.
        """
        here = [item for item in self._addresses.get(host_of(address), ()) if item.is_here(instant)]
        same = tuple(item for item in here if _port_of(item.address) == _port_of(address))
        return same or tuple(here)

    def room_called(self, text: str) -> Room | None:
        """Return the room whose id or name somebody wrote, in capitals or not; None for any other text."""
        return self._called.get(folded(text))

    def need_room(self, text: str) -> Room:
        """Return the room whose id or name somebody wrote. Raises UsageError, with the rooms that there are."""
        known = self.room_called(text)
        if known is None:
            listed = ", ".join(room.ident for room in self.rooms) or "none"
            raise UsageError(f"the register has no room {text!r}; there are: {listed}")
        return known

    def devices_named(self, source: StoreName, name: CameraName) -> tuple[tuple[KnownName, Device], ...]:
        """Return every device that a source ever called `name`, with the entry that says so."""
        return self._names.get((source, name), ())

    def known_names(self) -> Iterable[tuple[StoreName, CameraName]]:
        """Return every name that some source has, or had, for a registered device."""
        return self._names

    @cached_property
    def _rooms(self) -> Mapping[str, Room]:
        return {room.ident: room for room in reversed(self.rooms)}

    @cached_property
    def _devices(self) -> Mapping[str, Device]:
        return {device.ident: device for device in reversed(self.devices)}

    @cached_property
    def _addresses(self) -> Mapping[str, list[Device]]:
        found: dict[str, list[Device]] = {}
        for device in self.devices:
            if device.address:
                found.setdefault(host_of(device.address), []).append(device)
        return found

    @cached_property
    def _called(self) -> Mapping[str, Room]:
        names = {folded(room.name): room for room in self.rooms}
        return names | {folded(room.ident): room for room in self.rooms}

    @cached_property
    def _names(self) -> Mapping[tuple[StoreName, CameraName], tuple[tuple[KnownName, Device], ...]]:
        found: dict[tuple[StoreName, CameraName], list[tuple[KnownName, Device]]] = {}
        for device in self.devices:
            for known in device.known_as:
                found.setdefault((known.source, known.name), []).append((known, device))
        return {name: tuple(entries) for name, entries in found.items()}
