"""What the catalogue is asked for leaves out exactly what suspensions cover: the same rule as `decide`, as spans."""

from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from retentiond.domain.decide import Delete, Keep, KeepReason, decide
from retentiond.domain.recording import CameraName, Category, StoreName, Stream
from retentiond.domain.span import Span, due_spans, in_any, within, without
from retentiond.domain.suspension import Reach, Suspension
from tests.builders import a_coverage, a_recording, a_rule, a_stream, a_suspension, at

ZERO = at("2026-03-01")
MS = timedelta(milliseconds=1)
MARGIN = timedelta(seconds=60)
NOW = ZERO + timedelta(days=30)

moments = st.builds(
    lambda ticks, nudge: ZERO + ticks * timedelta(hours=1) + nudge * MS, st.integers(0, 12), st.integers(-1, 1)
)
streams = st.builds(
    lambda store, camera, category: a_stream(store=store, camera=camera, category=category),
    st.sampled_from(["main", "archive"]),
    st.sampled_from(["reception", "entrance"]),
    st.sampled_from([Category.VIDEO, Category.STILL]),
)
reaches = st.builds(
    Reach,
    st.sampled_from([None, StoreName("main"), StoreName("archive")]),
    st.sampled_from([None, CameraName("reception"), CameraName("entrance")]),
    st.frozensets(st.sampled_from([Category.VIDEO, Category.STILL]), max_size=2),
    moments,
    moments,
)
spans = st.builds(lambda stream, a, b: Span(stream, min(a, b), max(a, b), a_rule()), streams, moments, moments)


def starts_around(*edges: datetime) -> list[datetime]:
    return [edge + number * MS for edge in edges for number in (-1, 0, 1)]


@given(st.lists(spans, max_size=3), st.lists(reaches, max_size=5), streams)
def test_the_two_parts_are_the_whole_and_share_nothing(cut: list[Span], reach: list[Reach], stream: Stream) -> None:
    cut = [span for span in cut if span.stream == stream]
    out, inside = without(cut, reach), within(cut, reach)
    edges = [edge for span in cut for edge in (span.after, span.until)]
    for start in starts_around(*edges, *(edge for part in reach for edge in (part.since, part.until))):
        covered = any(part.covers(a_recording(start, stream=stream)) for part in reach)
        assert in_any(out, start) is (in_any(cut, start) and not covered)
        assert in_any(inside, start) is (in_any(cut, start) and covered)


@given(spans, st.lists(reaches, max_size=5))
def test_the_parts_of_one_span_do_not_overlap_and_none_is_empty(span: Span, reach: list[Reach]) -> None:
    parts = sorted([*without([span], reach), *within([span], reach)], key=lambda part: part.after)
    assert all(part.after < part.until for part in parts)
    assert all(one.until <= other.after for one, other in pairwise(parts))
    assert all((part.stream, part.rule) == (span.stream, span.rule) for part in parts)


suspensions = st.builds(
    lambda begin, end, lasts: a_suspension(begin=begin, end=end, effective_until=NOW + lasts),
    moments,
    moments,
    st.sampled_from([-MS, timedelta(), MS]),
)


@given(st.lists(suspensions, max_size=4), st.lists(moments, min_size=1, max_size=6))
def test_a_start_is_left_out_exactly_when_decide_keeps_it_for_a_suspension(
    held: list[Suspension], starts: list[datetime]
) -> None:
    rule = a_rule(period="30d")
    due = due_spans(a_coverage(rule), MARGIN, NOW)
    reach = [part for item in held if item.in_force(NOW) for part in item.reach]
    for start in starts:
        decision = decide(a_recording(start), rule, margin=MARGIN, suspensions=held, now=NOW)
        assert in_any(without(due, reach), start) is isinstance(decision, Delete)
        assert in_any(within(due, reach), start) is (decision == Keep(KeepReason.SUSPENDED) and in_any(due, start))
