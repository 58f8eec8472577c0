"""What is weighed by counts is what would be sorted one by one: as many go, as many wait, and for the same reason."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from retentiond.audit.spool import Spool
from retentiond.catalogue.open import open_in_memory
from retentiond.domain.decisions import Decisions
from retentiond.domain.period import parse_deletion_period
from retentiond.domain.recording import CameraName
from retentiond.domain.register import Register
from retentiond.domain.rule import DeletionRule, Policy
from retentiond.domain.run import DueRecording, Sorted, WaitReason, apply_limit, digest_of
from retentiond.domain.span import Basis, in_any
from retentiond.domain.starts import Arrival, Doubt
from retentiond.domain.suspension import Ended, Reach
from retentiond.ports import Arrived, AuditTrail, Catalogue, DirectoryStamp, Listing, StreamBases
from retentiond.services.journal import Journal
from retentiond.services.plan import Planner, Share
from retentiond.services.rulebook import RuleBook
from retentiond.services.weigh import Weigher
from tests.builders import STORE, a_coverage, a_recording, a_rule, at
from tests.fakes.trail import MemoryTrail
from tests.world import EVERYTHING

NOW = at("2026-03-01")
GRACE = timedelta(hours=24)
MARGIN = timedelta(seconds=60)
HOUR = timedelta(hours=1)
DUE = NOW - timedelta(days=30)
UUID = "00000000-0000-4000-8000-000000000001"
CAMERAS = ("hall", "yard")


@dataclass
class Case:
    """What a store holds, and what is known of how it came to be due."""

    hours: list[tuple[str, int, Arrival]]
    seen: int
    current: int
    accepted: int | None
    accepted_period: str
    ended: list[tuple[str | None, int, int, int, int]] = field(default_factory=list)


starts = st.tuples(
    st.sampled_from(CAMERAS),
    st.integers(-40, 3),
    st.sampled_from([Arrival.ORDINARY] * 6 + [Arrival.DISPUTED, Arrival.LATE]),
)
suspended = st.tuples(
    st.sampled_from([None, "hall"]),
    st.integers(-40, -20),
    st.integers(20, 40),
    st.integers(-60, -10),
    st.integers(20, 60),
)
cases = st.builds(
    Case,
    st.lists(starts, max_size=60, unique_by=lambda item: item[:2]),
    st.integers(-48, 0),
    st.integers(-20, 0),
    st.none() | st.integers(-20, 0),
    st.sampled_from(["30d", "31d", "29d"]),
    st.lists(suspended, max_size=2),
)


class _NoCache:
    """`DecisionCache` of nothing."""

    def load(self, trail: AuditTrail) -> Decisions:
        return Decisions()

    def save(self, decisions: Decisions) -> None:
        """Keep nothing."""


@contextmanager
def weighing(case: Case) -> Iterator[tuple[Catalogue, Planner, Weigher, RuleBook]]:
    policy = Policy((DeletionRule("rule-1", EVERYTHING, parse_deletion_period("30d")),), MARGIN)
    book = RuleBook(policy, "policy", Register(), "register")
    with open_in_memory() as catalogue:
        for camera, hour, arrival in case.hours:
            start = DUE + hour * HOUR
            item = a_recording(start, path=f"{camera}/{hour}".encode(), camera=camera)
            seen = NOW + case.seen * HOUR if arrival is Arrival.DISPUTED else start
            doubt = None if arrival is Arrival.ORDINARY else Doubt.DISPUTED
            listing = Listing(item.place.directory, DirectoryStamp(1, 1, 1), ())
            catalogue.update(STORE, listing, [Arrived(item, seen, doubt, arrival)], (), ())
        for stream, _ in catalogue.streams(STORE):
            current = Basis(NOW + case.current * HOUR, MARGIN, book.coverage(stream))
            former = a_coverage(a_rule(period=case.accepted_period), stream=stream)
            accepted = None if case.accepted is None else Basis(NOW + case.accepted * HOUR, MARGIN, former)
            catalogue.set_bases(stream, StreamBases(current, accepted))
        decisions = Decisions()
        for number, (whose, since, length, placed, lasted) in enumerate(case.ended):
            reach = Reach(
                STORE,
                None if whose is None else CameraName(whose),
                frozenset(),
                DUE + since * HOUR,
                DUE + (since + length) * HOUR,
            )
            begun = NOW + placed * HOUR
            decisions.ended_suspensions[f"H-{number}"] = Ended(
                f"H-{number}", (reach,), begun, min(NOW, begun + lasted * HOUR), None
            )
        journal = Journal(MemoryTrail(), _NoCache(), decisions, Spool(os.devnull, (), lambda: NOW))
        planner = Planner(catalogue, journal, dispute_grace=GRACE, winding_down=frozenset())
        yield catalogue, planner, Weigher(planner, catalogue, journal, pause=lambda: None), book


def one_by_one(catalogue: Catalogue, planner: Planner, book: RuleBook) -> tuple[Sorted, int]:
    """Sort what is due by asking of each recording alone; return it, and how much is disputed."""
    spans = planner.spans(STORE, book, NOW)
    shares: dict[Share, list[DueRecording]] = {share: [] for share in Share}
    for span in spans.due:
        for row in catalogue.find((span,)):
            due = DueRecording(row.recording, span.rule)
            mine = [part for part in spans.explained if part.stream == row.recording.stream]
            share = planner.share_of(row, due, MARGIN, NOW, by_time=in_any(mine, row.recording.start))
            shares[share].append(due)
    unexplained = shares[Share.UNEXPLAINED]
    sorted_ = apply_limit(
        shares[Share.EXPLAINED],
        unexplained,
        planner.census(STORE),
        adopting=any(catalogue.bases(due.recording.stream).accepted is None for due in unexplained),
        clock_proven=True,
        now=NOW,
    )
    disputed = shares[Share.DISPUTED]
    waiting = tuple(sorted((*sorted_.waiting, *disputed), key=lambda due: due.recording.start))
    return Sorted(sorted_.go, waiting, sorted_.why or (WaitReason.DISPUTED if disputed else None)), len(disputed)


@given(cases)
def test_counts_and_what_is_read_are_what_is_found_one_by_one(case: Case) -> None:
    with weighing(case) as (catalogue, planner, weigher, book):
        expected, _ = one_by_one(catalogue, planner, book)
        weighed = weigher.weigh(STORE, book, NOW, clock_proven=True)
        going, waiting = list(weigher.going(weighed)), list(weigher.waiting(weighed))
        assert set(going) == set(expected.go)
        assert set(waiting) == set(expected.waiting)
        assert (
            (weighed.going, weighed.waiting) == (len(going), len(waiting)) == (len(expected.go), len(expected.waiting))
        )
        assert weighed.why is expected.why
        assert weighed.waiting_of == {due.recording.stream for due in expected.waiting}
        for found in (going, waiting):
            assert [due.recording.start for due in found] == sorted(due.recording.start for due in found)


@given(cases)
def test_the_plan_that_is_frozen_is_what_waits_and_stays_while_it_is_the_same(case: Case) -> None:
    with weighing(case) as (catalogue, planner, weigher, book):
        expected, _ = one_by_one(catalogue, planner, book)
        weighed = weigher.weigh(STORE, book, NOW, clock_proven=True)
        plan = weigher.freeze(weighed, UUID, keep=None, still_holds=lambda: True)
        members = [due.recording for due in expected.waiting]
        assert catalogue.waiting(STORE) == plan
        assert (plan is None) is (not members)
        if plan is not None:
            assert (plan.count, plan.digest, plan.why) == (len(members), digest_of(UUID, members), expected.why)
            assert {row.recording for row in catalogue.members(STORE)} == set(members)
            later = replace(weighed, now=NOW + timedelta(hours=2))
            assert weigher.freeze(later, UUID, keep=None, still_holds=lambda: True) == plan
