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
from retentiond.services.unanswered import Silence, silences


@dataclass(frozen=True, slots=True)
class RoomCheck:
    """What the room check found, and over what: every prohibited room, and every source of devices.

    `silent` are the sources that did not answer.
    """

    findings: tuple[Finding, ...]
    rooms: tuple[RoomStatus, ...]
    inventory: tuple[Inventory, ...]
    silent: tuple[Silence, ...] = ()


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
    asked = _Asked()
    for store, recorder in recorders:
        asked.recorder(store, recorder)
    collective = {(store, recorder.collective) for store, recorder in recorders}
    for status in on_disk:
        if (status.stream.store, status.stream.camera) not in collective:
            asked.seen += _recorded(status)
    for source, reading in readings:
        asked.source(source, reading)
    found = check_placement(register, asked.seen, now, asked.listings)
    booked = check_bookings(register, asked.bookings, now)
    inventory = (*_registered(register, now), *asked.inventory)
    return RoomCheck((*found, *booked, *asked.trouble), _rooms(register, now), inventory, tuple(asked.silent))


class _Asked:
    """What every source said, put together."""

    def __init__(self) -> None:
        self.seen: list[SeenDevice] = []
        self.listings: list[Listing] = []
        self.trouble: list[Finding] = []
        self.bookings: list[Booking] = []
        self.inventory: list[Inventory] = []
        self.silent: list[Silence] = []

    def recorder(self, store: StoreName, recorder: Recorder) -> None:
        """Ask the recorder of a store."""
        devices = _ask(store, recorder)
        if isinstance(devices, Finding):
            self.trouble.append(devices)
            self.silent.append(Silence(store, recorder.kind))
            return
        self._take(f"the recorder of store {store!r}", store, devices, f"{recorder.kind}/{store}")
        if recorder.trouble is not None:
            self.trouble.append(_unusable(store, recorder, recorder.trouble))

    def source(self, source: DeviceSource, reading: SourceReading) -> None:
        """Take what another source said when it was read last."""
        title = f"the source {source.name!r} ({source.kind})" if reading.complete else ""
        self._take(title, source.name, reading.seen, f"{source.kind}/{source.name}")
        self.bookings += reading.bookings
        self.trouble += _trouble_with(source, reading)
        self.silent += silences(source, reading)

    def _take(self, title: str, name: StoreName, devices: Sequence[SeenDevice], shown: str) -> None:
        """Take devices; with a `title` they are all that there is."""
        self.seen += devices
        if title:
            self.listings.append(Listing(name, title, frozenset(device.camera for device in devices)))
        self.inventory.append(Inventory(shown, DeviceKind.CAMERA, len(devices)))


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
