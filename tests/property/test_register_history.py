"""Whatever the history of a register: an answer rests on what was so then, and more doors never mean fewer findings."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from hypothesis import given
from hypothesis import strategies as st

from retentiond.cli.register_show import shown
from retentiond.domain.decisions import Decisions
from retentiond.domain.exposure import Exposure, exposures
from retentiond.domain.exposure_history import exposed_spans, used_spans
from retentiond.domain.finding import FindingKey
from retentiond.domain.papers import About, Assessment, BoardApproval, Demand, Papers, Sign
from retentiond.domain.placement import Listing, SeenDevice, check_placement
from retentiond.domain.recording import CameraName, StoreName
from retentiond.domain.register import (
    INTIMATE_CARE,
    Clearance,
    Device,
    DeviceKind,
    KnownName,
    Neighbour,
    Register,
    Relation,
    Room,
    RoomClassification,
    RoomLink,
    Tracks,
    Validity,
)
from retentiond.domain.register_event import register_loaded
from retentiond.domain.register_facts import facts
from retentiond.domain.starts import MAX_RECORDING
from retentiond.domain.validity import ALWAYS, FOREVER
from retentiond.services.view import Found
from retentiond.services.who import footage_of, names_of
from tests.builders import at, records

ROOMS = ("hall", "care", "lab")
DEVICES = ("d-1", "d-2", "d-3")
SENSES = (Relation.SEES, Relation.HEARS)
STORE = StoreName("main")
BEGIN = at("2026-03-01")

days = st.integers(min_value=0, max_value=6).map(lambda number: BEGIN + timedelta(days=number))
rooms = st.sampled_from(ROOMS)


def _span(since: datetime, length: int) -> Validity:
    return Validity(since, since + timedelta(days=length))


spans = st.one_of(
    st.just(Validity()),
    st.builds(_span, days, st.integers(1, 4)),
    days.map(lambda day: Validity(since=day)),
    days.map(lambda day: Validity(until=day)),
)
_T = TypeVar("_T")


def some(items: st.SearchStrategy[_T], most: int = 3) -> st.SearchStrategy[tuple[_T, ...]]:
    return st.lists(items, max_size=most).map(tuple)


senses = st.frozensets(st.sampled_from(SENSES))
beside = st.sampled_from(("care", "care", "care", "lab"))
neighbours = st.builds(Neighbour, beside, senses, spans)
classes = st.builds(RoomClassification, st.sampled_from([INTIMATE_CARE, "public"]), spans)
links = st.builds(RoomLink, rooms, st.sampled_from(list(Relation)), spans)
presets = st.builds(RoomLink, rooms, st.just(Relation.SEES), spans, st.sampled_from(["home", "door"]))
clearances = st.builds(Clearance, beside, st.sampled_from(SENSES), spans)
names = st.builds(KnownName, st.just(STORE), st.sampled_from([CameraName("a"), CameraName("b")]), spans)


mostly_here = st.one_of(st.just(Validity()), st.just(Validity()), spans)
in_care = (RoomClassification(INTIMATE_CARE),)
in_hall = st.sampled_from([(RoomLink("hall", Relation.ASSIGNED),), ()])
sound = (Tracks(video=True, audio=True),)
kinds = st.sampled_from(list(DeviceKind))
ends = st.just(FOREVER) | days


@st.composite
def registers(draw: st.DrawFn) -> Register:
    """Draw any register, one that no file could state too: rooms, devices and names overlap as they like.

    One room is for intimate care to begin with, and most devices hang beside it, so that there is something to find.
    """
    drawn_rooms = tuple(
        Room(ident, ident, (*first, *draw(some(classes, 2))), draw(some(neighbours)), draw(ends))
        for ident, first in (("hall", ()), ("care", in_care), ("lab", ()))
    )
    drawn_devices = tuple(
        Device(
            ident,
            ident,
            draw(kinds),
            (*sound, *draw(some(st.builds(Tracks, st.booleans(), st.booleans(), spans), 2))),
            draw(some(names)),
            (*draw(in_hall), *draw(some(links, 2)), *draw(some(presets, 1))),
            draw(some(clearances, 2)),
            draw(mostly_here),
        )
        for ident in DEVICES[: draw(st.integers(1, 3))]
    )
    return Register(drawn_rooms, drawn_devices, draw(papers))


about = st.builds(About, st.frozensets(st.sampled_from(DEVICES), max_size=2), st.frozensets(rooms, max_size=2))
papers = st.builds(
    Papers,
    some(st.builds(BoardApproval, st.sampled_from(["B-1", "B-2"]), st.just("Board"), about, st.booleans(), spans)),
    some(st.builds(Sign, st.sampled_from(["s-1", "s-2"]), st.frozensets(rooms), st.booleans(), spans, days)),
    some(st.builds(Assessment, st.sampled_from(["D-1", "D-2"]), about, spans, days)),
    st.frozensets(st.sampled_from(list(Demand))),
)
sightings = st.builds(
    SeenDevice,
    st.just(STORE),
    st.sampled_from([CameraName("a"), CameraName("b"), CameraName("c")]),
    st.just("source"),
    st.sampled_from([None, True, False]),
)
listings = st.frozensets(st.sampled_from([CameraName("a"), CameraName("b")])).map(lambda n: Listing(STORE, "it", n))

asked_spans = st.builds(_span, days, st.integers(1, 3))
recorded = st.builds(
    Found,
    st.just(STORE),
    st.sampled_from([CameraName("a"), CameraName("b")]),
    st.just("video"),
    st.integers(-30, 7 * 24).map(lambda hours: BEGIN + timedelta(hours=hours)),
    st.sampled_from(["x.mp4", "y.mp4"]),
    *(st.none() for _ in range(3)),
)


def found(
    register: Register, now: datetime, seen: tuple[SeenDevice, ...] = (), listed: tuple[Listing, ...] = ()
) -> set[FindingKey]:
    return {item.key for item in check_placement(register, seen, now, listed)}


# --- the answer at an instant -------------------------------------------------------------------------------------


class Dated(Protocol):
    """An entry that holds for a span of time."""

    @property
    def validity(self) -> Validity: ...


_D = TypeVar("_D", bound=Dated)


def only(register: Register, holds: Callable[[Validity], bool]) -> Register:
    """Return the register without the entries whose time does not hold; papers are left as they are."""

    def those(entries: tuple[_D, ...]) -> tuple[_D, ...]:
        return tuple(entry for entry in entries if holds(entry.validity))

    kept_rooms = tuple(
        replace(room, classifications=those(room.classifications), neighbours=those(room.neighbours))
        for room in register.rooms
    )
    kept_devices = tuple(
        replace(
            device,
            tracks=those(device.tracks),
            known_as=those(device.known_as),
            links=those(device.links),
            clearances=those(device.clearances),
        )
        for device in register.devices
        if holds(device.life)
    )
    return replace(register, rooms=kept_rooms, devices=kept_devices)


def _papers(those: Papers, holds: Callable[[Validity], bool]) -> Papers:
    return replace(
        those,
        approvals=tuple(paper for paper in those.approvals if holds(paper.validity)),
        signs=tuple(sign for sign in those.signs if holds(sign.validity)),
        assessments=tuple(paper for paper in those.assessments if holds(paper.validity)),
    )


@given(registers(), days, some(sightings), some(listings, 1))
def test_the_answer_at_an_instant_rests_on_the_entries_that_hold_then(
    register: Register, now: datetime, seen: tuple[SeenDevice, ...], listed: tuple[Listing, ...]
) -> None:
    then = only(register, lambda span: span.holds_at(now))
    assert exposures(then, now) == exposures(replace(register, devices=_here(register, now)), now)
    assert found(then, now, seen, listed) == found(register, now, seen, listed)


def _here(register: Register, now: datetime) -> tuple[Device, ...]:
    """Return the devices as `only` leaves them, so that exposures of both can be compared."""
    return only(register, lambda span: span.holds_at(now)).devices


@given(registers(), days)
def test_what_register_show_says_of_an_instant_rests_on_the_entries_that_hold_then(
    register: Register, now: datetime
) -> None:
    then = only(register, lambda span: span.holds_at(now))
    assert shown(replace(then, papers=_papers(then.papers, lambda span: span.holds_at(now))), now) == shown(
        register, now
    )


@given(registers(), rooms, asked_spans, some(recorded, 6))
def test_what_register_who_says_of_a_time_rests_on_the_entries_that_hold_then(
    register: Register, room: str, asked: Validity, rows: tuple[Found, ...]
) -> None:
    """A recording may have begun a day before, and whose it was then decides about it."""
    then = only(register, asked.overlaps)
    assert _spans_told(then, room, asked) == _spans_told(register, room, asked)
    about = Validity(asked.since - MAX_RECORDING, asked.until)
    assert _footage_told(only(register, about.overlaps), room, asked, rows) == _footage_told(
        register, room, asked, rows
    )


def _spans_told(register: Register, ident: str, asked: Validity) -> object:
    room = register.room(ident)
    assert room is not None
    exposed = {
        (item.span, item.exposure.device.ident, *_way(item.exposure)) for item in exposed_spans(register, ident, asked)
    }
    return exposed, used_spans(room, asked)


def _way(exposure: Exposure) -> tuple[object, ...]:
    return exposure.relation, exposure.since, exposure.preset, exposure.through


def _footage_told(register: Register, room: str, asked: Validity, rows: tuple[Found, ...]) -> object:
    exposed = exposed_spans(register, room, asked)
    return footage_of(rows, register, exposed, asked), names_of(exposed, asked)


@given(registers(), days, some(sightings), some(listings, 1))
def test_what_is_to_come_changes_no_answer(
    register: Register, now: datetime, seen: tuple[SeenDevice, ...], listed: tuple[Listing, ...]
) -> None:
    begun = only(register, lambda span: span.since <= now)
    so_far = _papers(begun.papers, lambda span: span.since <= now)
    assert found(replace(begun, papers=so_far), now, seen, listed) == found(register, now, seen, listed)


@given(registers(), days, st.integers(-3000, 3000))
def test_the_same_history_on_other_days_has_the_same_answer(register: Register, now: datetime, shift: int) -> None:
    """Nothing looks at the calendar but for comparing dates."""
    length = timedelta(days=shift)

    def moved(instant: datetime) -> datetime:
        return instant if instant in (ALWAYS, FOREVER) else instant + length

    def later(span: Validity) -> Validity:
        return Validity(moved(span.since), moved(span.until))

    def each(entries: tuple[_D, ...]) -> tuple[_D, ...]:
        return tuple(replace(entry, validity=later(entry.validity)) for entry in entries)  # type: ignore[type-var]

    shifted = Register(
        tuple(
            replace(
                room,
                classifications=each(room.classifications),
                neighbours=each(room.neighbours),
                gone=moved(room.gone),
            )
            for room in register.rooms
        ),
        tuple(
            replace(
                device,
                tracks=each(device.tracks),
                known_as=each(device.known_as),
                links=each(device.links),
                clearances=each(device.clearances),
                life=later(device.life),
            )
            for device in register.devices
        ),
    )
    assert found(shifted, now + length) == found(replace(register, papers=Papers()), now)


# --- more doors ---------------------------------------------------------------------------------------------------


@given(registers(), rooms, neighbours, days, some(sightings))
def test_another_neighbour_never_takes_a_finding_away(
    register: Register, ident: str, neighbour: Neighbour, now: datetime, seen: tuple[SeenDevice, ...]
) -> None:
    more = replace(
        register,
        rooms=tuple(
            replace(room, neighbours=(*room.neighbours, neighbour)) if room.ident == ident else room
            for room in register.rooms
        ),
    )
    assert found(register, now, seen) <= found(more, now, seen)


@given(registers(), links, days)
def test_more_coverage_never_takes_a_finding_away(register: Register, link: RoomLink, now: datetime) -> None:
    if link.relation is Relation.ASSIGNED:
        return  # a device that moves leaves a room, and findings with it
    more = replace(register, devices=tuple(replace(device, links=(*device.links, link)) for device in register.devices))
    assert found(register, now) <= found(more, now)


@given(registers(), clearances, days)
def test_one_more_statement_never_adds_a_finding(register: Register, stated: Clearance, now: datetime) -> None:
    more = replace(
        register,
        devices=tuple(replace(device, clearances=(*device.clearances, stated)) for device in register.devices),
    )
    assert found(more, now) <= found(register, now)


# --- on the record ------------------------------------------------------------------------------------------------


@given(st.lists(registers(), max_size=4))
def test_the_loads_on_record_add_up_to_the_register_in_force(history: list[Register]) -> None:
    decisions = Decisions()
    for number, register in enumerate(history):
        events = register_loaded(register, f"digest {number}", frozenset(decisions.register_facts))
        decisions.apply_all(records(*events, first=decisions.seq))
        assert decisions.register_facts == facts(register)
        assert decisions.register_digest == f"digest {number}"
