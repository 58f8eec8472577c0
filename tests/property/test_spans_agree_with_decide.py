"""The spans that the catalogue is asked for are the same rule as `decide`, solved for the start.

Instants are whole milliseconds, as the catalogue keeps them, and are drawn around every bound there is.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from retentiond.domain.decide import Delete, decide, is_due
from retentiond.domain.recording import CameraName, Category, StoreName, Stream
from retentiond.domain.register import Device, DeviceKind, KnownName, Register, Relation, RoomLink, Tracks, Validity
from retentiond.domain.rule import Coverage, DeletionRule, Policy
from retentiond.domain.span import Basis, Span, due_spans, explained_spans, in_any, intersect, next_due
from retentiond.domain.validity import ANY_TIME
from retentiond.services.rulebook import RuleBook
from tests.builders import a_recording, a_stream, at

ZERO = at("2026-01-01")
MS = timedelta(milliseconds=1)
ROOMS = ("lobby", "ward", "office")
VIDEO = frozenset({Category.VIDEO})

hours = st.integers(min_value=0, max_value=200).map(lambda number: timedelta(hours=number))
nudges = st.integers(min_value=-2, max_value=2).map(lambda number: number * MS)
instants = st.builds(lambda since, nudge: ZERO + since + nudge, hours, nudges)
margins = st.sampled_from([timedelta(), timedelta(seconds=60), timedelta(milliseconds=1), timedelta(minutes=59)])


def subset(of: tuple[str, ...]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(of), max_size=2)


rules = st.builds(
    DeletionRule,
    name=st.sampled_from(["a", "b", "c"]),
    categories=st.frozensets(st.sampled_from(list(Category)), min_size=1, max_size=2),
    deletion_period=st.sampled_from([timedelta(hours=count) for count in (1, 2, 24, 72)]),
    stores=subset(("main", "archive")).map(lambda names: frozenset(StoreName(name) for name in names)),
    cameras=subset(("reception", "entrance")).map(lambda names: frozenset(CameraName(name) for name in names)),
    rooms=subset(ROOMS),
)
policies = st.builds(Policy, st.lists(rules, min_size=1, max_size=4).map(tuple), margins)


spans = st.builds(lambda since, more: Validity(since, since + more + MS), instants, hours)


@st.composite
def devices(draw: st.DrawFn) -> Device:
    """Draw a camera that moves, with gaps and overlaps, that comes and goes, and that records sound at times."""
    links = []
    for _ in range(draw(st.integers(0, 3))):
        since = draw(instants)
        until = since + draw(hours) + MS
        relation = draw(st.sampled_from([Relation.ASSIGNED, Relation.ASSIGNED, Relation.SEES]))
        links.append(RoomLink(draw(st.sampled_from(ROOMS)), relation, Validity(since, until)))
    tracks = tuple(Tracks(True, draw(st.booleans()), draw(spans)) for _ in range(draw(st.integers(0, 3))))
    named = KnownName(StoreName("main"), CameraName("reception"), draw(st.just(ANY_TIME) | spans))
    return Device("d", "d", DeviceKind.CAMERA, tracks, (named,), tuple(links), life=draw(st.just(ANY_TIME) | spans))


def book_of(policy: Policy, *devices: Device) -> RuleBook:
    return RuleBook(policy, "", Register(devices=devices), "")


def covered(policy: Policy, device: Device, stream: Stream) -> Coverage:
    return book_of(policy, device).coverage(stream)


coverages = st.builds(covered, policies, devices(), st.just(a_stream()))


def bounds(coverage: Coverage, margin: timedelta, moments: list[datetime]) -> list[datetime]:
    """Return the starts around which an answer can change."""
    edges = [edge for term in coverage.terms for edge in (term.since, term.until) if edge is not None]
    periods = {term.rule.deletion_period for term in coverage.terms if term.rule is not None}
    return [*edges, *(moment - (period - margin) for moment in moments for period in periods), *moments]


@dataclass(frozen=True, slots=True)
class Case:
    """A policy at an instant, what explains deletions, and starts worth asking about."""

    coverage: Coverage
    margin: timedelta
    now: datetime
    bases: tuple[Basis, ...]
    starts: tuple[datetime, ...]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    coverage, margin, now = draw(coverages), draw(margins), draw(instants)
    bases = tuple(draw(st.lists(st.builds(Basis, instants, margins, coverages), max_size=2)))
    edges = bounds(coverage, margin, [now])
    for basis in bases:
        edges += bounds(basis.coverage, basis.margin, [now, basis.since])
    around = [edge + number * MS for edge in edges for number in (-1, 0, 1)]
    return Case(coverage, margin, now, bases, tuple(around + draw(st.lists(instants, max_size=5))))


def is_deleted(coverage: Coverage, margin: timedelta, start: datetime, now: datetime) -> bool:
    decision = decide(a_recording(start), coverage.rule_for(start), margin=margin, suspensions=(), now=now)
    return isinstance(decision, Delete)


def fell_due_by_itself(basis: Basis, start: datetime, now: datetime) -> bool:
    rule = basis.coverage.rule_for(start)
    if rule is None:
        return False
    period = rule.deletion_period
    return is_due(start, period, basis.margin, now) and not is_due(start, period, basis.margin, basis.since)


@given(cases())
def test_a_start_is_in_a_due_span_exactly_when_decide_deletes_it(case: Case) -> None:
    spans = due_spans(case.coverage, case.margin, case.now)
    for start in case.starts:
        assert in_any(spans, start) is is_deleted(case.coverage, case.margin, start, case.now)


@given(cases())
def test_a_due_span_carries_the_rule_that_decides_and_overlaps_no_other(case: Case) -> None:
    spans = due_spans(case.coverage, case.margin, case.now)
    for start in case.starts:
        containing = [span for span in spans if in_any([span], start)]
        assert [span.rule for span in containing] == ([case.coverage.rule_for(start)] if containing else [])


@given(cases())
def test_a_start_is_explained_exactly_when_it_fell_due_under_a_basis_after_it_began(case: Case) -> None:
    spans = explained_spans(case.bases, case.now)
    for start in case.starts:
        expected = any(fell_due_by_itself(basis, start, case.now) for basis in case.bases)
        assert in_any(spans, start) is expected


@given(cases())
def test_the_explained_part_is_what_is_both_due_and_explained_once(case: Case) -> None:
    due = due_spans(case.coverage, case.margin, case.now)
    explained = explained_spans(case.bases, case.now)
    parts = intersect(due, explained)
    for start in case.starts:
        assert in_any(parts, start) is (in_any(due, start) and in_any(explained, start))
        assert sum(in_any([part], start) for part in parts) <= 1
        for part in parts:
            if in_any([part], start):
                assert part.rule == case.coverage.rule_for(start)


@given(cases())
def test_nothing_is_due_before_the_next_instant_and_something_is_at_it(case: Case) -> None:
    held = [
        min((start for start in case.starts if term.holds_for(start)), default=None) for term in case.coverage.terms
    ]
    instant = next_due(case.coverage, case.margin, held)
    starts = [start for start in held if start is not None]
    if instant is None:
        assert all(case.coverage.rule_for(start) is None for start in starts)
        return
    assert any(is_deleted(case.coverage, case.margin, start, instant) for start in starts)
    before = instant - timedelta(microseconds=1)
    assert not any(is_deleted(case.coverage, case.margin, start, before) for start in starts)


@given(policies, devices(), devices(), st.lists(instants, min_size=1, max_size=10))
def test_a_coverage_names_the_rule_that_the_policy_names_for_that_instant(
    policy: Policy, first: Device, second: Device, moments: list[datetime]
) -> None:
    stream = a_stream()
    coverage = book_of(policy, first, second).coverage(stream)
    edges = [edge for device in (first, second) for entry in entries(device) for edge in (entry.since, entry.until)]
    for start in [*moments, *(edge + number * MS for edge in edges if edge.year == 2026 for number in (-1, 0, 1))]:
        held = [device for device in (first, second) if device.known_as[0].validity.holds_at(start)]
        device = next((device for device in held if device.is_here(start)), None)
        room = device.room_at(start) if device is not None else None
        categories = VIDEO | {Category.AUDIO} if device is not None and device.records_audio(start) else VIDEO
        assert coverage.rule_for(start) == policy.deciding_rule(stream, categories, room)


def test_a_name_that_a_device_without_a_room_gives_up_is_the_next_ones_from_then_on() -> None:
    known = (KnownName(StoreName("main"), CameraName("reception")),)
    first = Device("d1", "d1", DeviceKind.CAMERA, (), known, (), life=Validity(until=ZERO))
    second = Device("d2", "d2", DeviceKind.CAMERA, (), known, (RoomLink("lobby", Relation.ASSIGNED),))
    rule = DeletionRule("a", VIDEO, timedelta(hours=1), rooms=frozenset({"lobby"}))
    coverage = book_of(Policy((rule,), timedelta()), first, second).coverage(a_stream())
    assert (coverage.rule_for(ZERO - MS), coverage.rule_for(ZERO)) == (None, rule)


def entries(device: Device) -> list[Validity]:
    named, tracks = [item.validity for item in device.known_as], [item.validity for item in device.tracks]
    return [device.life, *named, *tracks, *(link.validity for link in device.links)]


@given(policies, st.sampled_from([None, *ROOMS]))
def test_no_matching_rule_is_shorter_than_the_one_that_decides(policy: Policy, room: str | None) -> None:
    matching = [rule for rule in policy.rules if rule.selects(a_stream(), VIDEO, room)]
    rule = policy.deciding_rule(a_stream(), VIDEO, room)
    assert (rule is None) is (not matching)
    if rule is not None:
        assert rule in matching
        assert all(rule.deletion_period <= other.deletion_period for other in matching)


@given(instants, st.sampled_from([timedelta(hours=1), timedelta(days=30)]), margins, instants, instants)
def test_what_is_due_stays_due(
    start: datetime, period: timedelta, margin: timedelta, one: datetime, other: datetime
) -> None:
    earlier, later = sorted((one, other))
    if is_due(start, period, margin, earlier):
        assert is_due(start, period, margin, later)


def ms_span(after: int, until: int) -> Span:
    return Span(a_stream(), ZERO + after * MS, ZERO + until * MS, DeletionRule("r", VIDEO, timedelta(days=1)))


small = st.integers(min_value=0, max_value=12)
span_lists = st.lists(st.tuples(small, small).filter(lambda pair: pair[0] < pair[1]), max_size=5)


@given(small, small, span_lists)
def test_any_explained_spans_however_they_overlap_are_cut_right(
    after: int, until: int, explained: list[tuple[int, int]]
) -> None:
    due = [ms_span(after, until)] if after < until else []
    explaining = [ms_span(*pair) for pair in explained]
    parts = intersect(due, explaining)
    for tick in range(14):
        start = ZERO + tick * MS
        hits = sum(in_any([part], start) for part in parts)
        assert hits == int(in_any(due, start) and in_any(explaining, start))
