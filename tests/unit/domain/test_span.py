"""Rules turned into spans of starts, at the exact bounds."""

from datetime import datetime, timedelta

import pytest

from retentiond.domain.rule import Coverage, Term
from retentiond.domain.span import (
    Span,
    due_spans,
    explained_spans,
    in_any,
    intersect,
    next_due,
    outside,
    within,
    without,
)
from retentiond.domain.suspension import Reach
from tests.builders import NOW, a_basis, a_coverage, a_rule, a_stream, at

TICK = timedelta(milliseconds=1)
MARGIN = timedelta(seconds=60)
MONTH = timedelta(days=30)
LIMIT = NOW - (MONTH - MARGIN)
MOVED = at("2026-02-01")
LONG, SHORT = a_rule("long", period="30d"), a_rule("short", period="72h")


def span(after: datetime, until: datetime, *, camera: str = "reception") -> Span:
    return Span(a_stream(camera=camera), after, until, LONG)


# --- due ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("start", "due"), [(LIMIT, True), (LIMIT + TICK, False), (at("0001-01-02"), True)])
def test_due_is_every_start_up_to_and_with_the_latest_due_one(start: datetime, due: bool) -> None:
    assert in_any(due_spans(a_coverage(), MARGIN, NOW), start) is due


def test_what_no_rule_covers_is_in_no_span() -> None:
    uncovered = Coverage(a_stream(), (Term(None, None, None),))
    assert due_spans(uncovered, MARGIN, NOW) == ()
    assert explained_spans([a_basis(LIMIT, coverage=uncovered)], NOW) == ()


def test_each_term_is_due_by_its_own_rule_only() -> None:
    coverage = Coverage(a_stream(), (Term(None, MOVED, SHORT), Term(MOVED, None, LONG)))
    spans = due_spans(coverage, MARGIN, at("2026-02-02"))
    assert in_any(spans, at("2026-01-29"))
    assert not in_any(spans, at("2026-01-31"))
    spans = due_spans(coverage, MARGIN, at("2026-02-20"))
    assert in_any(spans, MOVED - TICK)
    assert not in_any(spans, MOVED)
    spans = due_spans(coverage, MARGIN, MOVED + MONTH - MARGIN)
    assert in_any(spans, MOVED)
    assert not in_any(spans, MOVED + TICK)


def test_a_term_that_holds_nothing_due_yields_no_span() -> None:
    coverage = Coverage(a_stream(), (Term(NOW, None, LONG),))
    assert due_spans(coverage, MARGIN, NOW) == ()


# --- explained ----------------------------------------------------------------------------------------------------


def test_explained_is_what_fell_due_after_the_basis_began() -> None:
    basis = a_basis(NOW - timedelta(hours=1))
    began = LIMIT - timedelta(hours=1)
    spans = explained_spans([basis], NOW)
    assert not in_any(spans, began)
    assert in_any(spans, began + TICK)
    assert in_any(spans, LIMIT)
    assert not in_any(spans, LIMIT + TICK)


def test_a_basis_that_begins_now_or_later_explains_nothing() -> None:
    assert explained_spans([a_basis(NOW)], NOW) == ()
    assert explained_spans([a_basis(NOW + timedelta(days=1))], NOW) == ()


def test_without_a_basis_nothing_is_explained() -> None:
    assert explained_spans([], NOW) == ()


def test_a_shortened_period_explains_only_what_falls_due_under_it_from_now_on() -> None:
    """ADR 0010: the old rules go on explaining, the new ones do not explain the mass that they made due."""
    old = a_basis(at("2026-01-01"), coverage=a_coverage(LONG))
    new = a_basis(NOW - timedelta(hours=1), coverage=a_coverage(SHORT))
    due = due_spans(a_coverage(SHORT), MARGIN, NOW)
    explained = intersect(due, explained_spans([old, new], NOW))
    ordinary = LIMIT - timedelta(hours=5)
    suddenly = NOW - timedelta(days=10)
    by_the_new = NOW - (timedelta(hours=72) - MARGIN)
    assert in_any(due, ordinary)
    assert in_any(explained, ordinary)
    assert in_any(due, suddenly)
    assert not in_any(explained, suddenly)
    assert in_any(explained, by_the_new)


def test_a_margin_that_grew_is_a_basis_of_its_own() -> None:
    old = a_basis(at("2026-01-01"))
    suddenly = LIMIT + timedelta(minutes=30)
    assert in_any(due_spans(a_coverage(), timedelta(hours=1), NOW), suddenly)
    assert not in_any(explained_spans([old, a_basis(NOW, margin="1h")], NOW), suddenly)


# --- intersect ----------------------------------------------------------------------------------------------------


def day(number: int) -> datetime:
    return at("2026-01-01") + timedelta(days=number)


@pytest.mark.parametrize(
    ("explained", "parts"),
    [
        ([], []),
        ([(0, 9)], [(2, 8)]),
        ([(3, 5)], [(3, 5)]),
        ([(0, 3), (5, 9)], [(2, 3), (5, 8)]),
        ([(3, 6), (4, 7)], [(3, 6), (6, 7)]),
        ([(3, 7), (4, 5)], [(3, 7)]),
        ([(4, 5), (3, 7)], [(3, 7)]),
        ([(0, 2), (8, 9)], []),
    ],
)
def test_the_explained_part_of_a_due_span_is_cut_without_overlaps(
    explained: list[tuple[int, int]], parts: list[tuple[int, int]]
) -> None:
    cut = intersect([span(day(2), day(8))], [span(day(after), day(until)) for after, until in explained])
    assert cut == tuple(span(day(after), day(until)) for after, until in parts)


@pytest.mark.parametrize(
    ("explained", "parts"),
    [
        ([], [(2, 8)]),
        ([(0, 9)], []),
        ([(3, 5)], [(2, 3), (5, 8)]),
        ([(0, 3), (5, 9)], [(3, 5)]),
        ([(3, 6), (4, 7)], [(2, 3), (7, 8)]),
        ([(4, 5), (3, 7)], [(2, 3), (7, 8)]),
        ([(0, 2), (8, 9)], [(2, 8)]),
    ],
)
def test_the_rest_of_a_due_span_is_what_nothing_explains(
    explained: list[tuple[int, int]], parts: list[tuple[int, int]]
) -> None:
    rest = outside([span(day(2), day(8))], [span(day(after), day(until)) for after, until in explained])
    assert rest == tuple(span(day(after), day(until)) for after, until in parts)
    due, short = Span(a_stream(), day(2), day(8), SHORT), [span(day(after), day(until)) for after, until in explained]
    assert {part.rule for part in outside([due], short)} <= {SHORT}


def test_each_due_span_has_a_rest_of_its_own() -> None:
    other = span(day(2), day(8), camera="entrance")
    assert outside([span(day(1), day(4)), other], [span(day(1), day(3))]) == (span(day(3), day(4)), other)


@pytest.mark.parametrize("camera", ["entrance", "yard"])
def test_another_stream_explains_nothing_here(camera: str) -> None:
    other = span(day(0), day(9), camera=camera)
    assert intersect([span(day(2), day(8))], [other]) == ()
    assert intersect([span(day(2), day(8))], [other, span(day(1), day(5))]) == (span(day(2), day(5)),)


def test_the_rule_that_deletes_is_the_one_in_force_and_not_the_one_that_explains() -> None:
    (cut,) = intersect([Span(a_stream(), day(2), day(8), SHORT)], [span(day(0), day(9))])
    assert cut.rule == SHORT


# --- next due -----------------------------------------------------------------------------------------------------


def test_the_next_to_fall_due_is_the_earliest_over_all_terms() -> None:
    coverage = Coverage(a_stream(), (Term(None, MOVED, LONG), Term(MOVED, None, SHORT)))
    assert next_due(coverage, MARGIN, [day(0), MOVED]) == day(30) - MARGIN
    assert next_due(coverage, MARGIN, [MOVED - TICK, MOVED]) == MOVED + timedelta(hours=72) - MARGIN
    assert next_due(coverage, MARGIN, [None, MOVED]) == MOVED + timedelta(hours=72) - MARGIN


def test_nothing_falls_due_where_nothing_is_stored_or_no_rule_covers_it() -> None:
    assert next_due(a_coverage(), MARGIN, [None]) is None
    assert next_due(Coverage(a_stream(), (Term(None, None, None),)), MARGIN, [day(0)]) is None


def test_a_count_of_starts_that_does_not_fit_the_terms_is_an_error() -> None:
    with pytest.raises(ValueError, match="zip"):
        next_due(a_coverage(), MARGIN, [day(0), day(1)])


@pytest.mark.parametrize(("after_end", "kept"), [(-1, True), (0, False), (1, False)])
def test_a_suspension_keeps_every_start_before_its_end_and_none_from_there_on(after_end: int, kept: bool) -> None:
    start = MOVED + after_end * TICK
    whole = [span(MOVED - MONTH, MOVED + MONTH)]
    reach = [Reach(None, None, frozenset(), MOVED - MONTH / 2, MOVED)]
    assert in_any(within(whole, reach), start) is kept
    assert in_any(without(whole, reach), start) is not kept
