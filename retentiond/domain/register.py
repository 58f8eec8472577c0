"""The register: rooms, devices and their assignments over time (design rule 9).

Every question can be asked for any instant of the past; entries carry half-open spans of time in UTC.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from retentiond.domain.recording import CameraName, StoreName

INTIMATE_CARE = "intimate-care"
"""The room class that prohibits every camera and microphone."""

ALWAYS = datetime(1, 1, 1, tzinfo=UTC)
FOREVER = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Validity:
    """A half-open span of time, `since <= t < until`."""

    since: datetime = ALWAYS
    until: datetime = FOREVER

    def holds_at(self, instant: datetime) -> bool:
        """Tell whether `instant` lies in the span."""
        return self.since <= instant < self.until


@dataclass(frozen=True, slots=True)
class RoomClassification:
    """What a room is used for during a span of time."""

    room_class: str
    validity: Validity = Validity()


@dataclass(frozen=True, slots=True)
class Room:
    """A room. Without a class in force at an instant it is unclassified then."""

    ident: str
    name: str
    classifications: tuple[RoomClassification, ...] = ()

    def class_at(self, instant: datetime) -> str | None:
        """Return the room's class at `instant`; the entry named last wins where two overlap."""
        for entry in reversed(self.classifications):
            if entry.validity.holds_at(instant):
                return entry.room_class
        return None


class DeviceKind(StrEnum):
    """What a device is."""

    CAMERA = "camera"
    MICROPHONE = "microphone"


class Relation(StrEnum):
    """How a device relates to a room: it hangs there, or sees or hears into it from elsewhere."""

    ASSIGNED = "assigned"
    SEES = "sees"
    HEARS = "hears"


@dataclass(frozen=True, slots=True)
class RoomLink:
    """A device and a room for a span of time."""

    room: str
    relation: Relation
    validity: Validity = Validity()


@dataclass(frozen=True, slots=True)
class Device:
    """A camera or microphone. `known_as` gives its name in the recorder of each store."""

    ident: str
    name: str
    kind: DeviceKind
    records_video: bool
    records_audio: bool
    known_as: tuple[tuple[StoreName, CameraName], ...]
    links: tuple[RoomLink, ...]

    def room_at(self, instant: datetime) -> str | None:
        """Return the room that the device hangs in at `instant`."""
        for link in reversed(self.links):
            if link.relation is Relation.ASSIGNED and link.validity.holds_at(instant):
                return link.room
        return None

    def changes(self) -> tuple[datetime, ...]:
        """Return the instants at which the device's assignment changes, without the open ends."""
        ends = {
            end
            for link in self.links
            if link.relation is Relation.ASSIGNED
            for end in (link.validity.since, link.validity.until)
        }
        return tuple(sorted(ends - {ALWAYS, FOREVER}))


@dataclass(frozen=True, slots=True)
class Register:
    """All rooms and devices. Ids are unique, and links name rooms that exist: settings/ has checked both."""

    rooms: tuple[Room, ...] = ()
    devices: tuple[Device, ...] = ()

    def room(self, ident: str) -> Room | None:
        """Return the room with this id."""
        return next((room for room in self.rooms if room.ident == ident), None)

    def device_known_as(self, store: StoreName, camera: CameraName) -> Device | None:
        """Return the device that the recorder of `store` calls `camera`."""
        return next((device for device in self.devices if (store, camera) in device.known_as), None)

    def known_names(self) -> Iterable[tuple[StoreName, CameraName]]:
        """Return every name that some recorder has for a registered device."""
        return (pair for device in self.devices for pair in device.known_as)
