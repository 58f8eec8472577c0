"""What other rules than those in force would change: for each stream its periods, and what would be due at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from retentiond.domain.recording import StoreName, Stream
from retentiond.domain.rule import Coverage
from retentiond.domain.span import due_spans, intersect, without
from retentiond.domain.suspension import Reach
from retentiond.ports import Catalogue
from retentiond.services.rulebook import RuleBook


@dataclass(frozen=True, slots=True)
class Change:
    """A stream that other rules would treat otherwise than those in force.

    Attributes:
        stream: the stream.
        recordings: how many it holds.
        before: the deletion periods in force, one unless rooms select rules; None where no rule covers it.
        after: those of the other rules.
        due: how many would be due at once that are not due now.
        spared: how many are due now and would not be.
    """

    stream: Stream
    recordings: int
    before: tuple[timedelta | None, ...]
    after: tuple[timedelta | None, ...]
    due: int
    spared: int


def changes(
    catalogue: Catalogue, store: StoreName, book: RuleBook, held: Sequence[Reach], now: datetime
) -> Iterator[Change]:
    """Yield what the rules of `book` would change in a store, against those that the daemon has in force.

    What is `held` by suspensions is not due under any rules.
    """
    for stream, count in catalogue.streams(store):
        basis = catalogue.bases(stream).current
        coverage, margin = book.coverage(stream), book.policy.margin
        if not count or basis is None or (basis.margin, _terms(basis.coverage)) == (margin, _terms(coverage)):
            continue
        before = without(due_spans(basis.coverage, basis.margin, now), held)
        after = without(due_spans(coverage, margin, now), held)
        both = catalogue.count(intersect(after, before))
        yield Change(
            stream=stream,
            recordings=count,
            before=periods(basis.coverage),
            after=periods(coverage),
            due=catalogue.count(after) - both,
            spared=catalogue.count(before) - both,
        )


def periods(coverage: Coverage) -> tuple[timedelta | None, ...]:
    """Return the deletion periods of a stream, in the order of time; None where no rule covers it."""
    found = (None if term.rule is None else term.rule.deletion_period for term in coverage.terms)
    return tuple(dict.fromkeys(found))


def _terms(coverage: Coverage) -> list[tuple[datetime | None, datetime | None, timedelta | None]]:
    """Return which period holds from when to when: what a rule is called decides nothing."""
    return [
        (term.since, term.until, None if term.rule is None else term.rule.deletion_period) for term in coverage.terms
    ]
