"""What may not have been recorded: the times in which a device reached a room while that was prohibited.

Only what the register states counts, since an incident is about what is known: a device that hangs in the room, or
sees or hears into it. Where it merely may reach the room, through one beside it, the room check says so (ADR 0024).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import product

from retentiond.domain import instants
from retentiond.domain.exposure_history import used_spans
from retentiond.domain.recording import CameraName, StoreName
from retentiond.domain.register import INTIMATE_CARE, Device, Register, Relation, Room
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


def violations(
    register: Register, cameras: Collection[tuple[StoreName, CameraName]] | None = None
) -> tuple[Violation, ...]:
    """Return the violations of every room, each time of a camera once. They rest on the register alone.

    Only those by `cameras` of a store, where these are named. Looks at each link of a device once, and costs no more
    for a long history than that is long.
    """
    return tuple(_reaching(register, {room.ident: _prohibited(room) for room in register.rooms}, cameras))


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
    begun = dict(since)
    spans = {room.ident: _before(room, begun[room.ident]) for room in register.rooms if room.ident in begun}
    reach: dict[RoomId, list[Reach]] = {}
    for item in _reaching(register, spans):
        reach.setdefault(item.room, []).append(item.reach)
    return tuple((room, begun[room], tuple(found)) for room, found in reach.items())


def outside(wanted: Violation, taken: Iterable[Violation]) -> tuple[Violation, ...]:
    """Return the parts of a violation that lie in none of `taken` about the same."""
    same = ((item.reach.since, item.reach.until) for item in taken if item.key == wanted.key)
    left = _without((wanted.reach.since, wanted.reach.until), same)
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
    if all(entry.room_class != INTIMATE_CARE for entry in room.classifications):
        return []
    return [item.span for item in used_spans(room, ANY_TIME) if item.room_class == INTIMATE_CARE]


def _before(room: Room, instant: datetime) -> list[Validity]:
    """Return when, before an instant, the room was not prohibited."""
    open_spans = (item.span for item in used_spans(room, ANY_TIME) if item.room_class != INTIMATE_CARE)
    return [part for span in open_spans if (part := common((span, Validity(until=instant)))) is not None]


def _reaching(
    register: Register,
    spans: Mapping[RoomId, Sequence[Validity]],
    cameras: Collection[tuple[StoreName, CameraName]] | None = None,
) -> Iterator[Violation]:
    """Yield what devices that the register states to reach a room recorded during the spans of that room."""
    times: dict[tuple[RoomId, str, StoreName, CameraName], list[tuple[datetime, datetime]]] = {}
    for device in register.devices:
        named = [known for known in device.known_as if cameras is None or (known.source, known.name) in cameras]
        for room, stated in _stated(device, spans.keys()) if named else ():
            for known, span in product(named, spans[room]):
                meant = common((span, stated, known.validity, device.life))
                if meant is not None:
                    key = (room, device.ident, known.source, known.name)
                    times.setdefault(key, []).append((meant.since, meant.until))
    for (room, ident, store, camera), found in times.items():
        for since, until in _merged(found):
            begin, end = max(since, instants.EARLIEST), min(until, instants.LATEST)
            if begin < end:
                yield Violation(room, ident, Reach(store, camera, frozenset(), begin, end), begin)


def _stated(device: Device, rooms: Collection[RoomId]) -> Iterator[tuple[RoomId, Validity]]:
    """Yield when the device is stated to reach which of the rooms. Of several assignments the one named last counts."""
    later: list[tuple[datetime, datetime]] = []
    for link in reversed(device.links):
        span = (link.validity.since, link.validity.until)
        if link.room in rooms:
            for since, until in _without(span, later if link.relation is Relation.ASSIGNED else ()):
                yield link.room, Validity(since, until)
        if link.relation is Relation.ASSIGNED:
            later.append(span)


def _without(
    span: tuple[datetime, datetime], taken: Iterable[tuple[datetime, datetime]]
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the parts of a span that lie in none of `taken`."""
    since, until = span
    for begin, end in sorted(taken):
        if since < min(begin, until):
            yield since, min(begin, until)
        since = max(since, end)
    if since < until:
        yield since, until


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
