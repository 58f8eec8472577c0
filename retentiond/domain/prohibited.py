"""What is wrong about prohibited rooms at an instant: devices in them, and devices that see or hear into them."""

from collections.abc import Iterator
from datetime import datetime

from retentiond.domain.exposure import Exposure, exposures
from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.domain.register import INTIMATE_CARE, Register, Relation, Room
from retentiond.domain.validity import ALWAYS, Validity, span_text


def check_prohibited(register: Register, now: datetime) -> Iterator[Finding]:
    """Yield a finding for each way in which a device reaches a prohibited room at `now`."""
    for reach in exposures(register, now):
        room = register.room(reach.room)
        if room is not None and room.class_at(now) == INTIMATE_CARE:
            yield _assignment(reach, room, now) if reach.relation is Relation.ASSIGNED else _coverage(reach, room, now)


def _assignment(reach: Exposure, room: Room, now: datetime) -> Finding:
    return finding(
        FindingKind.PROHIBITED_ASSIGNMENT,
        f"{reach.device.ident} / {room.ident}",
        f"{reach.device.title} is assigned to {_described(room)}",
        "remove the device from the room, then end its assignment in the register",
        facts=_facts(reach, room, now),
    )


def _coverage(reach: Exposure, room: Room, now: datetime) -> Finding:
    subject = " ".join(filter(None, (reach.device.ident, reach.preset and f"{reach.preset!r}", reach.relation)))
    message, remedy = _through(reach, room) if reach.through else _declared(reach, room)
    return finding(
        FindingKind.PROHIBITED_COVERAGE, f"{subject} {room.ident}", message, remedy, facts=_facts(reach, room, now)
    )


def _declared(reach: Exposure, room: Room) -> tuple[str, str]:
    message = f"{reach.device.title} {reach.relation} into {_described(room)}"
    if reach.preset:
        return (
            f"{message}, in the position {reach.preset!r}",
            "remove the position from the camera, then from its `presets` in the register",
        )
    return message, "turn or mask the device so that it does not reach the room, then correct the register"


def _through(reach: Exposure, room: Room) -> tuple[str, str]:
    verb, key = ("see", "out_of_view") if reach.relation is Relation.SEES else ("hear", "out_of_hearing")
    return (
        f"{reach.device.title} may {verb} into {_described(room)}, from {reach.through!r} beside it: nobody has stated "
        "that it does not since it was placed, or turned, or since that way was open",
        f"go and look; when it does not reach the room, write at the device: {key}: [{{room: {room.ident}, "
        "checked: DATE}]",
    )


def _described(room: Room) -> str:
    return f"{room.ident!r}, a room of class {INTIMATE_CARE}"


def _facts(reach: Exposure, room: Room, now: datetime) -> str:
    through = f", through {reach.through}" if reach.through else ""
    classified = _class_since(room, now)
    return f"{span_text(Validity(reach.since))}{through}; prohibited {span_text(Validity(classified))}"


def _class_since(room: Room, now: datetime) -> datetime:
    entries = (entry.validity.since for entry in reversed(room.classifications) if entry.validity.holds_at(now))
    return next(entries, ALWAYS)
