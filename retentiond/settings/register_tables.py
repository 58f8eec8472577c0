"""The register as tables for facility management: a row for each class of a room, and for each assignment."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from retentiond.domain import instants
from retentiond.domain.register import Register, Relation
from retentiond.domain.validity import ALWAYS, FOREVER
from retentiond.settings import scalars

ROOM_COLUMNS = ("id", "name", "class", "since", "until", "gone")
DEVICE_COLUMNS = ("id", "name", "kind", "make", "address", "room", "from", "to")


def room_rows(register: Register, zone: ZoneInfo) -> Iterator[Mapping[str, str]]:
    """Yield a row for each class of each room, and one for a room without a class."""
    for room in register.rooms:
        about = {"id": room.ident, "name": room.name, "gone": _when(room.gone, zone)}
        for entry in room.classifications:
            since, until = _when(entry.validity.since, zone), _when(entry.validity.until, zone)
            yield {**about, "class": entry.room_class, "since": since, "until": until}
        if not room.classifications:
            yield about


def device_rows(register: Register, zone: ZoneInfo) -> Iterator[Mapping[str, str]]:
    """Yield a row for each assignment of each device, and one for a device without any."""
    for device in register.devices:
        about = {
            "id": device.ident,
            "name": device.name,
            "kind": device.kind.value,
            "make": device.make,
            "address": device.address,
        }
        assignments = [link for link in device.links if link.relation is Relation.ASSIGNED]
        for link in assignments:
            since, until = _when(link.validity.since, zone), _when(link.validity.until, zone)
            yield {**about, "room": link.room, "from": since, "to": until}
        if not assignments:
            yield about


def _when(instant: datetime, zone: ZoneInfo) -> str:
    """Return an instant as the register writes it: a date where it is a midnight in its zone, else a time."""
    if instant in (ALWAYS, FOREVER):
        return ""
    day = f"{instant.astimezone(zone):%Y-%m-%d}"
    return day if scalars.parse_when(day, zone) == instant else instants.to_text(instant)
