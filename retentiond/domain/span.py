"""Which starts of a stream are due, and which of those the passing of time explains, as spans of time.

The catalogue keeps recordings ordered by start and stores no deadline, so a rule is applied by turning it into
spans of starts: a change of policy costs nothing, and a look costs what is due, not what is stored.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from retentiond.domain.decide import latest_due_start
from retentiond.domain.recording import Stream
from retentiond.domain.rule import Coverage, DeletionRule, Term
from retentiond.domain.suspension import Reach

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
_TICK = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Span:
    """Starts of `stream` with `after < start <= until`, all under one rule."""

    stream: Stream
    after: datetime
    until: datetime
    rule: DeletionRule


@dataclass(frozen=True, slots=True)
class Basis:
    """The rules of one stream as they have stood since an instant, on which recordings fall due by themselves."""

    since: datetime
    margin: timedelta
    coverage: Coverage


def due_spans(coverage: Coverage, margin: timedelta, now: datetime) -> tuple[Span, ...]:
    """Return the spans of starts that are due at `now`."""
    return tuple(
        span
        for term in coverage.terms
        if term.rule is not None
        if (span := _clip(coverage.stream, term, term.rule, BEGINNING, _limit(term.rule, margin, now))) is not None
    )


def explained_spans(bases: Sequence[Basis], now: datetime) -> tuple[Span, ...]:
    """Return the spans of starts that fell due after one of the bases began and no later than `now`.

    While a new policy waits for its approval there are two bases: the old one goes on explaining what it always
    did, so that a shortened period neither deletes at once nor stops the ordinary deletions (ADR 0010).
    """
    return tuple(
        span
        for basis in bases
        for term in basis.coverage.terms
        if term.rule is not None
        if (
            span := _clip(
                basis.coverage.stream,
                term,
                term.rule,
                _limit(term.rule, basis.margin, basis.since),
                _limit(term.rule, basis.margin, now),
            )
        )
        is not None
    )


def in_any(spans: Iterable[Span], start: datetime) -> bool:
    """Tell whether a start lies in one of the spans."""
    return any(span.after < start <= span.until for span in spans)


def next_due(coverage: Coverage, margin: timedelta, oldest: Sequence[datetime | None]) -> datetime | None:
    """Return when the next recording of a stream falls due, given the oldest start under each of its terms."""
    instants = [
        start + (term.rule.deletion_period - margin)
        for term, start in zip(coverage.terms, oldest, strict=True)
        if term.rule is not None and start is not None
    ]
    return min(instants, default=None)


def _limit(rule: DeletionRule, margin: timedelta, now: datetime) -> datetime:
    return latest_due_start(rule.deletion_period, margin, now)


def _clip(stream: Stream, term: Term, rule: DeletionRule, after: datetime, until: datetime) -> Span | None:
    """Cut `after < start <= until` to the term, whose bounds are `since <= start < until`."""
    if term.since is not None:
        after = max(after, term.since - _TICK)
    if term.until is not None:
        until = min(until, term.until - _TICK)
    return Span(stream, after, until, rule) if after < until else None


def intersect(due: Sequence[Span], explained: Sequence[Span]) -> tuple[Span, ...]:
    """Return the parts of the due spans that are explained too, without overlaps, under the rules of `due`."""
    parts: list[Span] = []
    for outer in due:
        reached = outer.after
        for inner in sorted(explained, key=lambda span: span.after):
            if inner.stream != outer.stream:
                continue
            after, until = max(reached, inner.after), min(outer.until, inner.until)
            if after < until:
                parts.append(Span(outer.stream, after, until, outer.rule))
                reached = until
    return tuple(parts)


def outside(due: Sequence[Span], explained: Sequence[Span]) -> tuple[Span, ...]:
    """Return the parts of the due spans that are not explained, under the rules of `due`."""
    parts: list[Span] = []
    for outer in due:
        after = outer.after
        for inner in intersect((outer,), explained):
            if after < inner.after:
                parts.append(replace(outer, after=after, until=inner.after))
            after = inner.until
        if after < outer.until:
            parts.append(replace(outer, after=after))
    return tuple(parts)


def without(spans: Iterable[Span], reach: Sequence[Reach]) -> tuple[Span, ...]:
    """Return the parts of the spans that no suspension reaches."""
    left: list[Span] = []
    for span in spans:
        after = span.after
        for part in _reached(span, reach):
            if after < part.after:
                left.append(replace(span, after=after, until=part.after))
            after = part.until
        if after < span.until:
            left.append(replace(span, after=after))
    return tuple(left)


def within(spans: Iterable[Span], reach: Sequence[Reach]) -> tuple[Span, ...]:
    """Return the parts of the spans that suspensions reach, without overlaps within a span."""
    return tuple(part for span in spans for part in _reached(span, reach))


def _reached(span: Span, reach: Sequence[Reach]) -> list[Span]:
    """Return the parts of a span that are reached, oldest first, without overlaps."""
    parts: list[Span] = []
    done = span.after
    for item in sorted((item for item in reach if item.selects(span.stream)), key=lambda item: item.since):
        after, until = max(done, item.since - _TICK), min(span.until, item.until - _TICK)
        if after < until:
            parts.append(replace(span, after=after, until=until))
            done = until
    return parts
