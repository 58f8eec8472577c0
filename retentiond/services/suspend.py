"""Places, approves, extends and releases suspensions, and lets them come to their end (design rule 8, ADR 0016).

What is asked is effective and on the record when a method returns.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from retentiond.domain.clock import Credible
from retentiond.domain.errors import NotPermittedError, TryAgainError, UsageError
from retentiond.domain.event import Event
from retentiond.domain.hold_event import (
    Lapse,
    Widening,
    hold_approved,
    hold_extended,
    hold_lapsed,
    hold_placed,
    hold_released,
    hold_widened,
)
from retentiond.domain.instants import LATEST
from retentiond.domain.recording import StoreName
from retentiond.domain.rule import DeletionRule
from retentiond.domain.span import BEGINNING, Span, due_spans, within, without
from retentiond.domain.suspension import Reach, Request, Suspension, a_year_after, only, reach_of
from retentiond.ports import Catalogue, Store
from retentiond.services.journal import Journal
from retentiond.services.keep_time import Timekeeper
from retentiond.services.measure_hold import Covered, HoldMeasure
from retentiond.services.rulebook import RuleBook

_ALL = DeletionRule("all", frozenset(), timedelta())

REVIEW_AFTER = timedelta(days=30)
"""When nobody says otherwise, somebody has to look again after so long whether the suspension is still needed."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a person asks for: what to keep and why, until when, and when somebody has to look at it again."""

    request: Request
    until: datetime
    review: datetime | None


@dataclass(frozen=True, slots=True)
class Placed:
    """A suspension as it was placed, and what it covered then."""

    suspension: Suspension
    covered: Covered


class Suspender:
    """The suspensions of all stores. Used from the thread that deletes, so nothing goes between a look and a record."""

    def __init__(
        self, journal: Journal, catalogue: Catalogue, timekeeper: Timekeeper, stores: Mapping[StoreName, Store]
    ) -> None:
        self._journal = journal
        self._catalogue = catalogue
        self._timekeeper = timekeeper
        self._stores = stores

    # --- what people ask --------------------------------------------------------------------------------------

    def place(self, terms: Terms, actor: str, book: RuleBook) -> Placed:
        """Stop deletion of what `terms` name, for 72 h or until another person approves it.

        Raises:
            UsageError: the scope is empty, names what nobody knows, or ends too late.
            TryAgainError: the clock is not credible, so that no end can be told; nothing is deleted meanwhile either.
            StorageError: it cannot be put on the record, and so is not in force.
        """
        now = self._now()
        self._check_scope(terms.request, book)
        review = _checked_review(terms.review or min(terms.until, now + REVIEW_AFTER), terms.until, now)
        suspension = Suspension(
            ident=f"H-{self._journal.decisions.suspensions_placed + 1}",
            request=terms.request,
            placed_by=actor,
            placed_at=now,
            ends_at=_checked_end(terms.until, now),
            review_at=review,
        )
        scope, measure = terms.request.scope, HoldMeasure(self._catalogue, self._stores)
        by_itself = scope.reach()
        named = tuple(part for part in scope.reach_in(book.register) if part not in by_itself)
        running = tuple(only(item) for item in measure.running_at_begin((*by_itself, *named)))
        wanted = (*by_itself, *named)
        reach = (*wanted, *running)
        suspension = replace(suspension, reach=reach, longest_period=self._longest_period(reach, book))
        covered = measure.measure(wanted, running, now)
        ident = suspension.ident
        self._journal.write(
            [
                hold_placed(suspension, covered.fields()),
                *hold_widened(ident, named, Widening.REGISTER, now),
                *hold_widened(ident, running, Widening.RUNNING, now),
            ]
        )
        return Placed(self._journal.decisions.suspensions[ident], covered)

    def approve(self, ident: str, actor: str) -> Suspension:
        """Agree to a suspension, or to its extension, that somebody else asked for.

        Raises:
            UsageError: there is no such suspension in force, or nothing of it is to be approved.
            NotPermittedError: the same person asked for it.
        """
        now = self._now()
        item = self._find(ident)
        if item.awaits is None:
            raise UsageError(f"hold {ident} is approved already; see: retentiond hold list")
        if item.awaits == actor:
            raise NotPermittedError(
                f"hold {ident}: you asked for it yourself ({actor}); another person has to approve it, as another user "
                "of this machine"
            )
        self._journal.write([hold_approved(item, actor, now)])
        return self._journal.decisions.suspensions[ident]

    def extend(self, ident: str, actor: str, *, until: datetime | None, review: datetime | None) -> Suspension:
        """Ask for a later end, which another person has to approve within 72 h, or move the date of the review.

        Raises:
            UsageError: there is no such suspension, it is not approved itself, or the end is too early or too late.
        """
        now = self._now()
        item = self._find(ident)
        if until is not None:
            if item.approved_by is None:
                raise UsageError(f"hold {ident} is not approved yet; first: retentiond hold approve {ident}")
            if until <= item.ends_at:
                raise UsageError(f"hold {ident} ends no earlier already; to end it sooner: retentiond hold release")
            until = _checked_end(until, now)
        if review is not None:
            review = _checked_review(review, until or item.effective_until, now)
        self._journal.write([hold_extended(item, actor, now, until=until, review=review)])
        return self._journal.decisions.suspensions[ident]

    def release(self, ident: str, actor: str, why: str, book: RuleBook) -> int:
        """End a suspension; return how many recordings are due at once because of it. Raises UsageError."""
        now = self._now()
        item = self._find(ident)
        due = self._kept_by(item, book, now)
        self._journal.write([hold_released(item, actor, why, now, due=due)])
        return due

    # --- by itself --------------------------------------------------------------------------------------------

    def expire(self, now: datetime) -> bool:
        """Put on the record what came to its end; tell whether a suspension did. Raises StorageError."""
        lapsed: list[Event] = []
        over = False
        for item in self._journal.decisions.suspensions.values():
            if not item.in_force(now):
                why = Lapse.ENDED if item.awaits is None else Lapse.NOT_APPROVED
                lapsed.append(hold_lapsed(item, why, item.effective_until))
                over = True
            elif item.extension is not None and now >= item.extension.lapses_at:
                lapsed.append(hold_lapsed(item, Lapse.EXTENSION_NOT_APPROVED, item.extension.lapses_at))
        self._journal.write(lapsed)
        return over

    def next_end(self) -> datetime | None:
        """Return when the next suspension comes to its end by itself."""
        return min((item.effective_until for item in self._journal.decisions.suspensions.values()), default=None)

    def follow(self, book: RuleBook) -> None:
        """Let every suspension cover what the register now says too; it never covers less. Raises StorageError."""
        now = self._timekeeper.now_or_wall()
        events: list[Event] = []
        for item in self._journal.decisions.suspensions.values():
            more = [part for part in item.request.scope.reach_in(book.register) if part not in item.reach]
            events += hold_widened(item.ident, more, Widening.REGISTER, now)
        self._journal.write(events)

    # --- what is covered --------------------------------------------------------------------------------------

    def _kept_by(self, item: Suspension, book: RuleBook, now: datetime) -> int:
        """Count the recordings that are due, or given up by two persons, and that nothing but this suspension keeps."""
        decisions = self._journal.decisions
        kept = reach_of([other for other in decisions.stopping if other.ident != item.ident], now)
        streams = [stream for store in self._stores for stream, _ in self._catalogue.streams(store)]
        due = [span for stream in streams for span in due_spans(book.coverage(stream), book.policy.margin, now)]
        all_there = [Span(stream, BEGINNING, LATEST, _ALL) for stream in streams]
        given_up = within(within(all_there, decisions.given_up), item.reach)
        by_rule = without(within(due, item.reach), (*kept, *decisions.given_up))
        return self._catalogue.count(by_rule) + self._catalogue.count(without(given_up, kept))

    def _longest_period(self, reach: tuple[Reach, ...], book: RuleBook) -> timedelta | None:
        return max(
            (
                term.rule.deletion_period
                for store in self._stores
                for stream, _ in self._catalogue.streams(store)
                if any(part.selects(stream) for part in reach)
                for term in book.coverage(stream).terms
                if term.rule is not None
            ),
            default=None,
        )

    def _check_scope(self, request: Request, book: RuleBook) -> None:
        """Refuse a name that nobody knows: a slip of the pen would keep nothing of what was meant.

        Before the first scan of a store is complete nobody can say which cameras there are, and any name is taken.
        """
        scope, register = request.scope, book.register
        if scope.end <= scope.begin:
            raise UsageError("the end of the time to keep has to be later than its begin")
        streams = (stream for store in self._stores for stream, _ in self._catalogue.streams(store))
        known: set[str] = {stream.camera for stream in streams}
        if any(self._catalogue.scan_state(store).last_complete is None for store in self._stores):
            known |= scope.cameras
        known |= {camera for _, camera in register.known_names()}
        known |= {name for device in register.devices for name in (device.name, device.ident)}
        rooms = {room.ident for room in register.rooms}
        for what, named, there in (("camera", scope.cameras, known), ("room", scope.rooms, rooms)):
            strange = sorted(named - there)
            if strange:
                listed = ", ".join(sorted(there)) or "none"
                raise UsageError(f"no {what} {strange[0]!r} is known here; known are: {listed}")

    def _find(self, ident: str) -> Suspension:
        item = self._journal.decisions.suspensions.get(ident)
        if item is None:
            listed = ", ".join(self._journal.decisions.suspensions) or "none"
            raise UsageError(f"no hold {ident!r} is in force (in force: {listed}); see: retentiond hold list")
        return item

    def _now(self) -> datetime:
        """Return trusted time, after what it has ended is on the record. Raises TryAgainError."""
        trusted = self._timekeeper.look()
        if not isinstance(trusted, Credible):
            raise TryAgainError(
                "the clock is not credible yet, so nothing is deleted, and no hold can have an end; first: "
                "retentiond clock accept --wall TIME"
            )
        self.expire(trusted.now)
        return trusted.now


def _checked_end(until: datetime, now: datetime) -> datetime:
    if until <= now:
        raise UsageError("the end of a hold lies in the future")
    if until > a_year_after(now):
        raise UsageError("a hold ends within a year; it can be extended later, with another approval")
    return until


def _checked_review(review: datetime, until: datetime, now: datetime) -> datetime:
    if not now < review <= until:
        raise UsageError("the date of the review lies in the future, and no later than the end of the hold")
    return review
