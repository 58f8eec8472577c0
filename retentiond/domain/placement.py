"""The room check: prohibited rooms, devices without a place, and what other sources know (design rule 9)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.domain.papers_check import check_papers
from retentiond.domain.prohibited import check_prohibited
from retentiond.domain.recording import CameraName, StoreName
from retentiond.domain.register import Device, Register
from retentiond.domain.validity import common, day_text, span_text

RECORDED_LATELY = timedelta(days=2)
"""A camera that has recordings as young as this is there, whether its recorder lists it or not."""


@dataclass(frozen=True, slots=True)
class SeenDevice:
    """A device that a source other than the register knows, such as a recorder's configuration or a store's disk.

    Attributes:
        store: the source as the register names it in `known_as`: a store, or another source of devices.
        camera: what the source calls the device.
        source: where it was seen, for people.
        records_audio: whether the source may record its sound; None where it cannot tell.
        sound: the setting that says so, for people.
        seen_at: when it was there; None for now.
        address: where it is on the network; a device that the register has at this address is this one.
        place: where the source says that it hangs; compared with the rooms of the register, and never shown.
        noun: what it is, for people.
        where: what `store` is, for people.
    """

    store: StoreName
    camera: CameraName
    source: str
    records_audio: bool | None = None
    sound: str = ""
    seen_at: datetime | None = None
    address: str = ""
    place: str = ""
    noun: str = "camera"
    where: str = "store"


@dataclass(frozen=True, slots=True)
class Listing:
    """Everything that a source of devices lists now, such as all cameras in a recorder's configuration."""

    source: StoreName
    title: str
    names: frozenset[CameraName]


def check_placement(
    register: Register, seen: Sequence[SeenDevice], now: datetime, listings: Sequence[Listing] = ()
) -> tuple[Finding, ...]:
    """Return what is wrong with rooms and devices at `now`.

    Field of view is a declaration: the check says that what is declared agrees, not what a lens sees. The work grows
    with the entries of the register and with what was seen, never with their product.
    """
    found: dict[object, Finding] = {}
    for item in (
        *check_prohibited(register, now),
        *_whereabouts(register, now),
        *_unclassified(register, now),
        *check_papers(register, now),
        *check_seen(register, seen, now),
        *check_listings(register, listings, seen, now),
    ):
        found.setdefault(item.key, item)
    return tuple(found.values())


def _unclassified(register: Register, now: datetime) -> Iterator[Finding]:
    for room in register.rooms:
        if now < room.gone and room.class_at(now) is None:
            yield finding(
                FindingKind.UNCLASSIFIED_ROOM,
                room.ident,
                f"room {room.ident!r} has no class today, so nobody can say whether a device may be there",
                "give it a `class` in the register; if there is no such room any more, write `gone: DATE` at it",
            )


# --- devices --------------------------------------------------------------------------------------------------


def _whereabouts(register: Register, now: datetime) -> Iterator[Finding]:
    for device in register.devices:
        if device.is_here(now):
            yield from _without_room(device, register, now)
        elif device.temporary and now >= device.life.until:
            placed = device.last_assignment(now)
            if placed is not None:
                yield _overstayed(device, f"by the register it still hangs in {placed.room!r}")


def _without_room(device: Device, register: Register, now: datetime) -> Iterator[Finding]:
    ident = device.room_at(now)
    room = None if ident is None else register.room(ident)
    if ident is None:
        yield _unassigned(device, "has no room today", facts="")
    elif room is not None and now >= room.gone:
        yield _unassigned(device, f"hangs in {ident!r}, and that room is gone since {day_text(room.gone)}", facts=ident)


def _unassigned(device: Device, what: str, facts: str) -> Finding:
    return finding(
        FindingKind.UNASSIGNED_DEVICE,
        device.ident,
        f"{device.title} {what}",
        "add an entry to its `assignments` in the register; if it is no longer there, write `until: DATE` at it",
        facts=facts,
    )


def _overstayed(device: Device, why: str) -> Finding:
    return finding(
        FindingKind.TEMPORARY_DEVICE_EXPIRED,
        device.ident,
        f"{device.title} was allowed until {day_text(device.life.until)}, and {why}",
        "take it down, and end its assignments in the register; or extend its `until`, with an approval",
        facts=day_text(device.life.until),
    )


# --- what other sources know ----------------------------------------------------------------------------------


def check_seen(register: Register, seen: Iterable[SeenDevice], now: datetime) -> Iterator[Finding]:
    """Yield what sources know and the register does not say. What one of them cannot tell hides no other."""
    strange: dict[tuple[StoreName, CameraName], list[SeenDevice]] = {}
    for sighting in seen:
        instant = now if sighting.seen_at is None else sighting.seen_at
        devices = _whose(register, sighting, instant)
        if not devices:
            left = _left_before(register, sighting, instant)
            if left is not None and left.temporary:
                yield _overstayed(left, f"it is still known to {sighting.store!r} ({sighting.source})")
            else:
                strange.setdefault((sighting.store, sighting.camera), []).append(sighting)
            continue
        if sighting.records_audio and not all(device.records_audio(instant) for device in devices):
            yield _audio_enabled(sighting)
        yield from _elsewhere(register, devices, sighting, instant)
    for sightings in strange.values():
        yield _unregistered(register, sightings)


def check_listings(
    register: Register, listings: Iterable[Listing], seen: Iterable[SeenDevice], now: datetime
) -> Iterator[Finding]:
    """Yield the devices that the register says a source knows, and which it neither lists nor has recorded lately.

    They may have been moved, renamed, exchanged or switched off; whichever it is, one of the two is wrong.
    """
    by_source = {listing.source: listing for listing in listings if listing.names}
    there = {
        (sighting.store, sighting.camera)
        for sighting in seen
        if sighting.seen_at is None or sighting.seen_at > now - RECORDED_LATELY
    }
    for device in register.devices:
        if not device.is_here(now):
            continue
        named: dict[StoreName, list[CameraName]] = {}
        for known in device.known_as:
            if known.source in by_source and known.validity.holds_at(now):
                named.setdefault(known.source, []).append(known.name)
        for source, names in named.items():
            if there.isdisjoint((source, name) for name in names):
                yield _unlisted(device, by_source[source], names)


def _unlisted(device: Device, listing: Listing, names: Sequence[CameraName]) -> Finding:
    shown = " or ".join(repr(name) for name in names)
    return finding(
        FindingKind.SOURCES_DISAGREE,
        f"{device.ident} / {listing.source}",
        f"the register says that {listing.title} knows {device.title} as {shown}; but it is not set to record that, "
        "and has not lately",
        "look where the device is now; then correct its `known_as`, its assignments or its `until` in the register",
        facts=shown,
    )


def _whose(register: Register, sighting: SeenDevice, instant: datetime) -> tuple[Device, ...]:
    """Return the registered device that a source speaks of: by its name there, else by its address.

    Devices that share an address cannot be told apart: what is so there has to be right for each of them.
    """
    named = register.device_known_as(sighting.store, sighting.camera, instant)
    if named is not None:
        return (named,)
    return register.devices_at(sighting.address, instant) if sighting.address else ()


def _elsewhere(
    register: Register, devices: Sequence[Device], sighting: SeenDevice, instant: datetime
) -> Iterator[Finding]:
    """Yield a finding if the source says that the device hangs in another room of the register than the register."""
    said = register.room_called(sighting.place)
    ours = {device.ident: room for device in devices if (room := device.room_at(instant)) is not None}
    if said is None or said.ident in ours.values():
        return
    for device in devices:
        if device.ident in ours:
            room = ours[device.ident]
            yield finding(
                FindingKind.SOURCES_DISAGREE,
                f"{device.ident} / {sighting.store}",
                f"{device.title} hangs in {room!r} by the register, and in {said.ident!r} by {sighting.source} "
                f"({sighting.store})",
                "go and look where it hangs; then correct the register, or what is written into the source",
                facts=f"{room}, {said.ident}",
            )


def _left_before(register: Register, sighting: SeenDevice, instant: datetime) -> Device | None:
    """Return the device of that name that had left by then; the last of several."""
    named = (device for _, device in register.devices_named(sighting.store, sighting.camera))
    left = (device for device in named if device.life.until <= instant)
    return max(left, key=lambda device: device.life.until, default=None)


def _unregistered(register: Register, sightings: Sequence[SeenDevice]) -> Finding:
    first = sightings[0]
    store, camera, sources = first.store, first.camera, ", ".join(sorted({item.source for item in sightings}))
    elsewhen = [
        f"{device.ident} {span_text(common((known.validity, device.life)) or known.validity)}"
        for known, device in register.devices_named(store, camera)
    ]
    what = f"is in the register for another time only ({'; '.join(elsewhen)})" if elsewhen else "is not in the register"
    return finding(
        FindingKind.UNREGISTERED_DEVICE,
        f"{store} / {camera}",
        f"{first.noun} {camera!r} of {first.where} {store!r} ({sources}) {what}",
        f"register the device with `known_as: {{{store}: {camera}}}` and its room, or remove it",
        facts=sources,
    )


def _audio_enabled(sighting: SeenDevice) -> Finding:
    return finding(
        FindingKind.AUDIO_ENABLED,
        f"{sighting.store} / {sighting.camera}",
        f"sound of {sighting.camera!r} may be recorded, by {sighting.source} ({sighting.store}), which the register "
        "forbids" + (f": {sighting.sound}" if sighting.sound else ""),
        "switch sound off there, or allow it in the register with the consent it needs",
        facts=f"{sighting.source} {sighting.sound}".strip(),
    )
