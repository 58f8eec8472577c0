"""Meets the register with what recorders are configured to do and what lies on the disk (promise 5)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from retentiond.domain.bookings import Booking, check_bookings
from retentiond.domain.errors import RetentiondError
from retentiond.domain.exposure import exposures, prohibited_rooms
from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.domain.placement import Listing, SeenDevice, check_placement
from retentiond.domain.recording import StoreName
from retentiond.domain.register import DeviceKind, Register
from retentiond.ports import (
    REGISTER,
    DeviceSource,
    Inventory,
    Recorder,
    RoomStatus,
    SourceReading,
    StreamStatus,
    Unreached,
)


@dataclass(frozen=True, slots=True)
class RoomCheck:
    """What the room check found, and over what: every prohibited room, and every source of devices."""

    findings: tuple[Finding, ...]
    rooms: tuple[RoomStatus, ...]
    inventory: tuple[Inventory, ...]


def check_rooms(
    register: Register,
    recorders: Sequence[tuple[StoreName, Recorder]],
    on_disk: Iterable[StreamStatus],
    now: datetime,
    readings: Sequence[tuple[DeviceSource, SourceReading]] = (),
) -> RoomCheck:
    """Check the rooms at `now`; a source that cannot be asked is a finding, and the others go on (I9).

    `readings` are what sources besides the recorders said when they were read last.
    """
    seen: list[SeenDevice] = []
    listings: list[Listing] = []
    unreachable: list[Finding] = []
    bookings: list[Booking] = []
    inventory = [*_registered(register, now)]
    for store, recorder in recorders:
        devices = _ask(store, recorder)
        if isinstance(devices, Finding):
            unreachable.append(devices)
            continue
        seen += devices
        title = f"the recorder of store {store!r}"
        listings.append(Listing(store, title, frozenset(device.camera for device in devices)))
        inventory.append(Inventory(f"{recorder.kind}/{store}", DeviceKind.CAMERA, len(devices)))
        if recorder.trouble is not None:
            unreachable.append(_unusable(store, recorder, recorder.trouble))
    collective = {(store, recorder.collective) for store, recorder in recorders}
    for status in on_disk:
        if (status.stream.store, status.stream.camera) not in collective:
            seen += _recorded(status)
    for source, reading in readings:
        seen += reading.seen
        if reading.complete:
            title = f"the source {source.name!r} ({source.kind})"
            listings.append(Listing(source.name, title, frozenset(device.camera for device in reading.seen)))
        bookings += reading.bookings
        unreachable += _trouble_with(source, reading)
        inventory.append(Inventory(f"{source.kind}/{source.name}", DeviceKind.CAMERA, len(reading.seen)))
    found = check_placement(register, seen, now, listings)
    booked = check_bookings(register, bookings, now)
    return RoomCheck((*found, *booked, *unreachable), _rooms(register, now), tuple(inventory))


def _recorded(status: StreamStatus) -> Iterable[SeenDevice]:
    """Return when a camera was there for sure: at the start of its oldest and of its newest recording."""
    stream = status.stream
    for instant in dict.fromkeys((status.oldest, status.newest)):
        yield SeenDevice(stream.store, stream.camera, "recordings on the disk", seen_at=instant)


def _rooms(register: Register, now: datetime) -> tuple[RoomStatus, ...]:
    """Return one status for each prohibited room and kind, those without a device too: their absence is the proof."""
    reaching: dict[tuple[str, DeviceKind], set[str]] = {}
    for reach in exposures(register, now):
        reaching.setdefault((reach.room, reach.device.kind), set()).add(reach.device.ident)
    return tuple(
        RoomStatus(room, kind, len(reaching.get((room, kind), ())))
        for room in prohibited_rooms(register, now)
        for kind in DeviceKind
    )


def _registered(register: Register, now: datetime) -> Iterable[Inventory]:
    for kind in DeviceKind:
        devices = [device for device in register.devices if device.kind is kind and device.is_here(now)]
        unassigned = sum(device.room_at(now) is None for device in devices)
        yield Inventory(REGISTER, kind, len(devices), unassigned)


def _ask(store: StoreName, recorder: Recorder) -> Sequence[SeenDevice] | Finding:
    try:
        return recorder.devices()
    except RetentiondError as error:
        return _unusable(store, recorder, str(error))


def _trouble_with(source: DeviceSource, reading: SourceReading) -> Iterable[Finding]:
    if reading.outdated:
        yield _outdated(source, reading.outdated)
    yield from (_unreached(source, item) for item in reading.unreached)


def _unreached(source: DeviceSource, item: Unreached) -> Finding:
    return finding(
        FindingKind.SOURCE_UNREACHABLE,
        f"{source.name} / {item.what}",
        f"{item.what!r} of the source {source.name!r} ({source.kind}) cannot be asked: {item.why}",
        "see whether it is there and lets this host ask; correct `sources` in the configuration if it is gone",
    )


def _outdated(source: DeviceSource, why: str) -> Finding:
    return finding(
        FindingKind.SOURCE_OUTDATED,
        source.name,
        f"what the source {source.name!r} ({source.kind}) says may be out of date: {why}",
        "see why nothing writes it any more; if it is written less often, correct `max_age` of the source",
        facts=why,
    )


def _unusable(store: StoreName, recorder: Recorder, why: str) -> Finding:
    return finding(
        FindingKind.SOURCE_UNREACHABLE,
        f"{store} / {recorder.kind}",
        f"the configuration of the recorder of store {store!r} cannot be used: {why}",
        "mend it, give the daemon the right to read it, or correct `recorder_config`",
    )
