"""Findings that rest on what a source said, while it does not answer: nobody can say that they are gone.

A camera that is switched off for the night still streams sound in the morning. To close such a finding would put on the
record what nobody knows, and who had acknowledged it would be asked anew.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from retentiond.domain.bookings import BOOKINGS
from retentiond.domain.finding import Finding, FindingKey, FindingKind
from retentiond.domain.recording import CameraName, StoreName
from retentiond.domain.register import Device, Register
from retentiond.ports import DeviceSource, SourceReading

ALL = "all"
"""What a source does not answer about where nothing of it can be asked."""

_OF_SOURCES = frozenset(
    {
        FindingKind.UNREGISTERED_DEVICE,
        FindingKind.AUDIO_ENABLED,
        FindingKind.SOURCES_DISAGREE,
        FindingKind.RECORDER_KEEPS_LONGER,
        FindingKind.RECORDER_KEEPS_SHORTER,
    }
)
"""Their subjects name the source, and mostly what it was asked about."""

_OF_BOOKINGS = frozenset({FindingKind.INTIMATE_BOOKING, FindingKind.INTIMATE_BOOKING_SEEN})
_AT_THE_START = frozenset(
    {FindingKind.TEMPORARY_DEVICE_EXPIRED, FindingKind.SOURCE_UNREACHABLE, FindingKind.SOURCE_OUTDATED}
)
"""Of these too nobody knows before the sources were asked for the first time."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A source that does not answer: about `what`, or about anything (`ALL`). `asked`: whether it was asked yet."""

    source: StoreName
    kind: str
    what: str = ALL
    asked: bool = True


def silences(source: DeviceSource, reading: SourceReading) -> Iterable[Silence]:
    """Yield what a source did not answer about when it was read last."""
    if reading.pending:
        yield Silence(source.name, source.kind, asked=False)
        return
    nothing = not reading.seen and not reading.bookings and not reading.complete
    for item in reading.unreached:
        whole = nothing and source.kind == BOOKINGS
        yield Silence(source.name, source.kind, ALL if whole else item.what)


def unanswered(
    silent: Sequence[Silence], open_now: Collection[Finding], register: Register, now: datetime
) -> tuple[Finding, ...]:
    """Return the open findings that stay so because a source is silent, and which the register has not settled."""
    if not silent:
        return ()
    return tuple(
        item
        for item in open_now
        if any(_rests_on(item.key, silence, register, now) for silence in silent)
        and not _is_settled(item.key, register, now)
    )


def _rests_on(key: FindingKey, silence: Silence, register: Register, now: datetime) -> bool:
    parts = key.subject.split(" / ")
    if silence.kind == BOOKINGS:
        about = key.kind in _OF_BOOKINGS or (key.kind is FindingKind.SOURCES_DISAGREE and parts == [BOOKINGS])
        if silence.what == ALL and about:
            return True
    if not silence.asked and key.kind in _AT_THE_START:
        return key.kind is FindingKind.TEMPORARY_DEVICE_EXPIRED or parts[0] == silence.source
    if key.kind not in _OF_SOURCES or silence.source not in parts:
        return False
    devices = {device.ident for device in _devices(silence.source, silence.what, register, now)}
    return silence.what == ALL or not devices.union((silence.what,)).isdisjoint(parts)


def _is_settled(key: FindingKey, register: Register, now: datetime) -> bool:
    """Tell whether the register says by now what was missing in it."""
    source, _, name = key.subject.partition(" / ")
    match key.kind:
        case FindingKind.UNREGISTERED_DEVICE:
            return bool(_devices(StoreName(source), name, register, now))
        case FindingKind.AUDIO_ENABLED:
            devices = _devices(StoreName(source), name, register, now)
            return bool(devices) and all(device.records_audio(now) for device in devices)
        case FindingKind.SOURCES_DISAGREE if name:
            device = register.device(source)
            return device is not None and not device.is_here(now)
        case FindingKind.INTIMATE_BOOKING | FindingKind.INTIMATE_BOOKING_SEEN:
            return register.room(key.subject) is None
        case _:
            return False


def _devices(source: StoreName, name: str, register: Register, now: datetime) -> tuple[Device, ...]:
    named = register.device_known_as(source, CameraName(name), now)
    return (named,) if named is not None else register.devices_at(name, now)
