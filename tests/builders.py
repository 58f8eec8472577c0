"""Valid values in one call: a test overrides only what it is about."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from retentiond.domain.clock import ClockAnchor, ClockReading
from retentiond.domain.event import Event, EventType, Intended, Record
from retentiond.domain.finding import Finding, FindingKey, FindingKind
from retentiond.domain.incident import Incident, Ruling, Verdict
from retentiond.domain.period import parse_duration
from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import CameraName, Category, Identity, Place, Recording, StoreName, Stream, Unit
from retentiond.domain.register import (
    ALWAYS,
    FOREVER,
    Clearance,
    Device,
    DeviceKind,
    KnownName,
    Register,
    Relation,
    Room,
    RoomClassification,
    RoomLink,
    Tracks,
    Validity,
)
from retentiond.domain.rule import Coverage, DeletionRule, Policy, Term
from retentiond.domain.run import DueRecording, Plan, StoreCensus, WaitReason
from retentiond.domain.span import Basis
from retentiond.domain.suspension import Ground, Reach, Request, Scope, Suspension
from retentiond.domain.validity import ANY_TIME
from retentiond.domain.violation import Violation
from retentiond.ports import Catalogue

STORE = StoreName("main")
CAMERA = CameraName("reception")
STORE_UUID = "0b9f5c1e-8a41-4f0e-9a53-3f2a7c1d9e10"


def at(text: str) -> datetime:
    """Return the instant that `text` names; without an offset it is UTC, as in `at("2026-03-01 02:00")`."""
    instant = datetime.fromisoformat(text)
    return (instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)).astimezone(UTC)


NOW = at("2026-03-31 12:00")


def length(text: str | timedelta) -> timedelta:
    """Return a length of time; text is read as the configuration reads it."""
    return text if isinstance(text, timedelta) else parse_duration(text)


def a_stream(*, store: str = STORE, camera: str = CAMERA, category: Category = Category.VIDEO) -> Stream:
    return Stream(StoreName(store), CameraName(camera), category)


def a_place(path: bytes = b"reception/2026-03-01/02-00-00.mp4") -> Place:
    directory, _, name = path.rpartition(b"/")
    return Place(directory, name)


def a_recording(
    start: datetime | None = None,
    *,
    path: bytes | None = None,
    stream: Stream | None = None,
    camera: str = CAMERA,
    unit: Unit = Unit.FILE,
) -> Recording:
    """Return a recording; without a path it gets one of its own from its camera and start."""
    stream = stream or a_stream(camera=camera)
    start = start or at("2026-03-01 02:00")
    own = f"{stream.camera}/{start:%Y-%m-%d/%H-%M-%S.%f}.mp4".encode()
    return Recording(stream, a_place(own if path is None else path), start, unit)


def recordings(count: int, *, camera: str = CAMERA, first: datetime | None = None) -> list[Recording]:
    """Return `count` recordings of one camera, a minute apart."""
    first = first or at("2026-02-01")
    return [a_recording(first + timedelta(minutes=number), camera=camera) for number in range(count)]


def an_identity(
    *,
    inode: int = 4711,
    size_bytes: int = 1_048_576,
    mtime_ns: int = 1_772_330_460_000_000_000,
    birth_ns: int | None = 1_772_330_400_000_000_000,
    links: int = 1,
    unit: Unit = Unit.FILE,
) -> Identity:
    return Identity(inode, size_bytes, mtime_ns, birth_ns, links, unit)


def a_rule(
    name: str = "rule 1",
    *,
    period: str | timedelta = "30d",
    categories: Iterable[Category] = (Category.VIDEO,),
    stores: Iterable[str] = (),
    cameras: Iterable[str] = (),
    rooms: Iterable[str] = (),
) -> DeletionRule:
    return DeletionRule(
        name=name,
        categories=frozenset(categories),
        deletion_period=length(period),
        stores=frozenset(StoreName(store) for store in stores),
        cameras=frozenset(CameraName(camera) for camera in cameras),
        rooms=frozenset(rooms),
    )


def a_policy(*rules: DeletionRule, margin: str | timedelta = "60s") -> Policy:
    """Return a policy; without rules it holds one that deletes video after 30 days."""
    return Policy(rules or (a_rule(),), length(margin))


def a_coverage(rule: DeletionRule | None = None, *, stream: Stream | None = None) -> Coverage:
    """Return a coverage of one rule over all time."""
    return Coverage(stream or a_stream(), (Term(None, None, rule or a_rule()),))


def a_basis(since: datetime = NOW, *, coverage: Coverage | None = None, margin: str | timedelta = "60s") -> Basis:
    return Basis(since, length(margin), coverage or a_coverage())


def a_due(recording: Recording | None = None, *, rule: DeletionRule | None = None) -> DueRecording:
    return DueRecording(recording or a_recording(), rule or a_rule())


def dues(count: int, *, camera: str = CAMERA, first: datetime | None = None) -> list[DueRecording]:
    return [a_due(item) for item in recordings(count, camera=camera, first=first)]


def a_census(
    recordings: int,
    *,
    by_camera: Mapping[str, int] | None = None,
    newest: datetime | None = NOW,
    winding_down: bool = False,
) -> StoreCensus:
    """Return a census; unless told otherwise its recordings are spread over many cameras."""
    held = {CameraName(camera): count for camera, count in (by_camera or {}).items()}
    return StoreCensus(recordings, held, newest, winding_down)


def a_scope(
    *,
    cameras: Iterable[str] = (CAMERA,),
    rooms: Iterable[str] = (),
    categories: Iterable[Category] = (),
    begin: datetime | None = None,
    end: datetime | None = None,
) -> Scope:
    return Scope(
        cameras=frozenset(cameras),
        rooms=frozenset(rooms),
        categories=frozenset(categories),
        begin=begin or at("2026-03-01"),
        end=end or at("2026-03-02"),
    )


def a_request(scope: Scope | None = None) -> Request:
    return Request(scope or a_scope(), Ground.LEGAL_CLAIMS, "a claim", "case 7", "the lawyer", at("2026-03-04"))


def a_suspension(
    ident: str = "H-1",
    *,
    cameras: Iterable[str] = (CAMERA,),
    categories: Iterable[Category] = (),
    begin: datetime | None = None,
    end: datetime | None = None,
    effective_until: datetime | None = None,
) -> Suspension:
    """Return a suspension that somebody else has approved, so that it ends at `effective_until`."""
    scope = a_scope(cameras=cameras, categories=categories, begin=begin, end=end)
    return Suspension(
        ident=ident,
        request=a_request(scope),
        placed_by="op-1",
        placed_at=at("2026-03-05"),
        ends_at=effective_until or at("2027-03-01"),
        review_at=at("2026-04-05"),
        reach=scope.reach(),
        approved_by="op-2",
    )


def a_violation(
    room: str = "room-2", device: str = "d-1", *, since: datetime | None = None, until: datetime = FOREVER
) -> Violation:
    """Return a violation by CAMERA, which goes on unless told otherwise."""
    begin = since or at("2026-03-01 12:00")
    return Violation(room, device, Reach(STORE, CAMERA, frozenset(), begin, until), begin)


def an_incident(ident: str = "I-1", **changes: Any) -> Incident:
    """Return an incident that was found on 10 March and ends thirty days later."""
    found = at("2026-03-10")
    item = Incident(ident, "room-2", found, found + timedelta(days=30), (a_violation(),))
    return replace(item, **changes)


def a_ruling(verdict: Verdict = Verdict.DELETE, *, count: int = 2, digest: str = "ab") -> Ruling:
    """Return what one person decided on 11 March."""
    scope = (replace(a_violation().reach, until=at("2026-03-11")),)
    return Ruling(verdict, "why", "no. 12", "op-1", at("2026-03-11"), count, digest, scope)


def a_plan(digest: str = "ab" * 32, *, count: int = 3, why: WaitReason = WaitReason.ADOPTION) -> Plan:
    return Plan(STORE, digest, count, why, NOW)


def wait_for(catalogue: Catalogue, plan: Plan, members: Sequence[Recording]) -> None:
    """Let a set wait for approval."""
    catalogue.thaw(plan.store)
    catalogue.gather(plan.store, members)
    catalogue.freeze(plan)


def an_intended(claim: str = "claim-1", *, recording: Recording | None = None) -> Intended:
    return Intended(claim, a_due(recording), an_identity())


def a_finding(
    kind: FindingKind = FindingKind.OVERDUE, subject: str = "main", *, message: str = "it is", remedy: str = "do"
) -> Finding:
    return Finding(FindingKey(kind, subject), message, remedy)


def a_record(event: Event, *, seq: int = 0, written: datetime = NOW) -> Record:
    return Record(seq, written, event.type, event.fields)


def records(*events: Event, first: int = 0) -> list[Record]:
    """Return the events as consecutive records, a second apart."""
    return [
        a_record(event, seq=first + number, written=NOW + timedelta(seconds=first + number))
        for number, event in enumerate(events)
    ]


def an_event(kind: EventType, **fields: Any) -> Event:
    return Event(kind, fields)


def a_reading(
    wall: datetime = NOW, *, since_boot: str | timedelta = "1h", boot_id: str = "boot 1", synchronised: bool = False
) -> ClockReading:
    return ClockReading(wall, length(since_boot), boot_id, synchronised)


def an_anchor(
    trusted: datetime = NOW,
    *,
    since_boot: str | timedelta = "1h",
    boot_id: str = "boot 1",
    gap: bool = False,
    drifted: timedelta = timedelta(),
    advanced: timedelta = timedelta(),
    synchronised_since: timedelta | None = None,
) -> ClockAnchor:
    return ClockAnchor(trusted, length(since_boot), boot_id, gap, drifted, advanced, synchronised_since)


def valid(since: datetime = ALWAYS, until: datetime = FOREVER) -> Validity:
    return Validity(since, until)


def a_room(ident: str = "reception", room_class: str | None = "public", *, since: datetime = ALWAYS) -> Room:
    """Return a room of one class; None leaves it without a class."""
    classes = () if room_class is None else (RoomClassification(room_class, valid(since)),)
    return Room(ident, ident.capitalize(), classes)


def a_link(
    room: str = "reception",
    relation: Relation = Relation.ASSIGNED,
    *,
    since: datetime = ALWAYS,
    until: datetime = FOREVER,
) -> RoomLink:
    return RoomLink(room, relation, valid(since, until))


def a_device(
    *links: RoomLink,
    ident: str = "d-1",
    name: str = "reception",
    kind: DeviceKind = DeviceKind.CAMERA,
    records_audio: bool = False,
    known_as: Iterable[tuple[str, str]] = ((STORE, CAMERA),),
    life: Validity = ANY_TIME,
    temporary: bool = False,
    clearances: tuple[Clearance, ...] = (),
) -> Device:
    """Return a device; `links` are all its links to rooms, so without any it has no room."""
    names = tuple(KnownName(StoreName(store), CameraName(camera)) for store, camera in known_as)
    tracks = (Tracks(kind is DeviceKind.CAMERA, records_audio),)
    return Device(ident, name, kind, tracks, names, links, clearances, life, temporary)


def a_register(*devices: Device, rooms: Iterable[Room] | None = None) -> Register:
    """Return a register; unless told otherwise it has a public `reception` and an intimate-care `procedure-2`."""
    known = (a_room(), a_room("procedure-2", "intimate-care")) if rooms is None else tuple(rooms)
    return Register(known, devices)


def a_seen_device(
    camera: str = CAMERA,
    *,
    store: str = STORE,
    source: str = "directory",
    records_audio: bool | None = None,
    seen_at: datetime | None = None,
) -> SeenDevice:
    return SeenDevice(StoreName(store), CameraName(camera), source, records_audio, seen_at=seen_at)
