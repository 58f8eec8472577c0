"""What may not have been recorded: the times in which a device reached a room while that was prohibited.

Only what the register states counts, since an incident is about what is known: a device that hangs in the room, or
sees or hears into it. Where it merely may reach the room, through one beside it, the room check says so (ADR 0024).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from retentiond.domain import instants
from retentiond.domain.exposure_history import ExposedSpan, exposed_spans, used_spans
from retentiond.domain.recording import CameraName, StoreName
from retentiond.domain.register import INTIMATE_CARE, KnownName, Register, Room
from retentiond.domain.rule import RoomId
from retentiond.domain.suspension import Reach
from retentiond.domain.validity import ANY_TIME, Validity, common


@dataclass(frozen=True, slots=True)
class Violation:
    """What was recorded by a device that reached the room while that was prohibited.

    `reach` says what, by the name that a source has for the device. `origin` is when the violation began, by the
    register: another origin is another matter.
    """

    room: RoomId
    device: str
    reach: Reach
    origin: datetime

    @property
    def begins(self) -> bool:
        """Whether it is the begin of the violation: what was being recorded then overlaps it too."""
        return self.reach.since == self.origin

    @property
    def key(self) -> tuple[RoomId, str, StoreName | None, CameraName | None]:
        """What it is about, whenever it was."""
        return self.room, self.device, self.reach.store, self.reach.camera


def violations(register: Register) -> tuple[Violation, ...]:
    """Return the violations of every room, each time of a camera once. They rest on the register alone."""
    return tuple(
        item
        for room in register.rooms
        if (spans := _prohibited(room))
        for item in _reaching(register, room.ident, spans)
    )


def prohibited_since(register: Register, now: datetime) -> tuple[tuple[RoomId, datetime], ...]:
    """Return the rooms that are prohibited at `now` and were not always, with the instant since when."""
    return tuple(
        (room.ident, span.since)
        for room in register.rooms
        for span in _prohibited(room)
        if span.holds_at(now) and span.since > instants.EARLIEST
    )


def before_prohibition(
    register: Register, since: Iterable[tuple[RoomId, datetime]]
) -> tuple[tuple[RoomId, datetime, tuple[Reach, ...]], ...]:
    """Return what devices recorded of rooms before they came to be prohibited, for what `prohibited_since` says.

    That was no violation. Whether it is to be kept until its deadline is for a person to say.
    """
    found = []
    for ident, begun in since:
        room = register.room(ident)
        spans = [
            span
            for item in ([] if room is None else used_spans(room, ANY_TIME))
            if item.room_class != INTIMATE_CARE and (span := common((item.span, Validity(until=begun)))) is not None
        ]
        found.append((ident, begun, tuple(item.reach for item in _reaching(register, ident, spans))))
    return tuple(found)


def outside(wanted: Violation, taken: Iterable[Violation]) -> tuple[Violation, ...]:
    """Return the parts of a violation that lie in none of `taken` about the same."""
    same = sorted((item.reach for item in taken if item.key == wanted.key), key=lambda reach: reach.since)
    left, since = [], wanted.reach.since
    for reach in same:
        if since < min(reach.since, wanted.reach.until):
            left.append((since, min(reach.since, wanted.reach.until)))
        since = max(since, reach.until)
    if since < wanted.reach.until:
        left.append((since, wanted.reach.until))
    return tuple(replace(wanted, reach=replace(wanted.reach, since=begin, until=end)) for begin, end in left)


def inside(wanted: Violation, stated: Iterable[Violation]) -> tuple[Violation, ...]:
    """Return the parts of a violation that lie in `stated` ones about the same; all of it where it ran into one."""
    same = [item for item in stated if item.key == wanted.key]
    if wanted.reach.since < wanted.origin:
        return (wanted,) if any(item.origin == wanted.origin for item in same) else ()
    spans = _merged(
        (max(item.reach.since, wanted.reach.since), min(item.reach.until, wanted.reach.until)) for item in same
    )
    return tuple(replace(wanted, reach=replace(wanted.reach, since=since, until=until)) for since, until in spans)


def before(items: Iterable[Violation], instant: datetime) -> tuple[Violation, ...]:
    """Return the parts of violations that lie before an instant."""
    return tuple(
        replace(item, reach=replace(item.reach, until=min(item.reach.until, instant)))
        for item in items
        if item.reach.since < instant
    )


def _prohibited(room: Room) -> list[Validity]:
    return [item.span for item in used_spans(room, ANY_TIME) if item.room_class == INTIMATE_CARE]


def _reaching(register: Register, room: RoomId, spans: Sequence[Validity]) -> Iterator[Violation]:
    """Yield what devices that the register states to reach the room recorded during `spans`."""
    times: dict[tuple[str, StoreName, CameraName], list[tuple[datetime, datetime]]] = {}
    for span in spans:
        for item in exposed_spans(register, room, span):
            if not item.exposure.through:
                for known, meant in _named(item):
                    key = (item.exposure.device.ident, known.source, known.name)
                    times.setdefault(key, []).append((meant.since, meant.until))
    for (device, store, camera), found in times.items():
        for since, until in _merged(found):
            begin, end = max(since, instants.EARLIEST), min(until, instants.LATEST)
            if begin < end:
                yield Violation(room, device, Reach(store, camera, frozenset(), begin, end), begin)


def _named(item: ExposedSpan) -> Iterator[tuple[KnownName, Validity]]:
    """Yield the names that sources had for the device meanwhile, each with the time in which it was meant by it."""
    device = item.exposure.device
    for known in device.known_as:
        meant = common((item.span, known.validity, device.life))
        if meant is not None:
            yield known, meant


def _merged(spans: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """Return spans in order of time, those that touch made one, and the empty ones left out."""
    merged: list[tuple[datetime, datetime]] = []
    for since, until in sorted(spans):
        if since >= until:
            continue
        if merged and since <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], until))
        else:
            merged.append((since, until))
    return merged
