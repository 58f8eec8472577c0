"""Takes what two persons decide about an incident: one decides, another agrees (ADR 0024)."""

from dataclasses import dataclass
from datetime import datetime

from retentiond.domain.clock import Credible
from retentiond.domain.errors import NotPermittedError, TryAgainError, UsageError
from retentiond.domain.event import Event
from retentiond.domain.incident import Incident, Ruling, Stage, Verdict
from retentiond.domain.incident_event import (
    Footage,
    incident_approved,
    incident_closed,
    incident_decided,
)
from retentiond.domain.suspension import Reach
from retentiond.domain.violation import before, inside
from retentiond.services.incidents import IncidentKeeper
from retentiond.services.journal import Journal
from retentiond.services.keep_time import Timekeeper
from retentiond.services.rulebook import RuleBook


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a person decides, why, and what was decided about telling the supervisory authority."""

    verdict: Verdict
    why: str
    notification: str
    actor: str


@dataclass(frozen=True, slots=True)
class Decided:
    """What one person decided, and how much of the incident's footage goes back to the ordinary rules by that."""

    incident: Incident
    ruling: Ruling
    released: int


class IncidentCourt:
    """Takes decisions. What is asked is effective and on the record when a method returns."""

    def __init__(self, journal: Journal, keeper: IncidentKeeper, timekeeper: Timekeeper) -> None:
        self._journal = journal
        self._keeper = keeper
        self._timekeeper = timekeeper

    def decide(self, ident: str, proposal: Proposal, book: RuleBook) -> Decided:
        """Decide what becomes of the footage; nothing is done until another person agrees.

        Raises:
            UsageError: there is no such incident, or it is decided.
            TryAgainError: the clock is not credible, so that nothing can be said to lie before or after the decision.
            StorageError: it cannot be put on the record.
        """
        now = self._look(book)
        item = self._find(ident)
        scope, footage = self._scope(item, book, now)
        ruling = Ruling(
            verdict=proposal.verdict,
            why=proposal.why,
            notification=proposal.notification,
            actor=proposal.actor,
            at=now,
            count=footage.count,
            digest=footage.digest,
            scope=scope,
        )
        covered = self._keeper.count(item.reach)
        self._journal.write(incident_decided(item, ruling))
        goes = footage.count if proposal.verdict is Verdict.DELETE else 0
        return Decided(self._journal.decisions.incidents[ident], ruling, covered - goes)

    def approve(self, ident: str, actor: str, book: RuleBook, *, enforcing: bool) -> Ruling:
        """Agree to what somebody else decided; from now on it is carried out.

        Raises:
            UsageError: there is no such incident, nobody has decided yet, or two have.
            NotPermittedError: the same person decided.
            TryAgainError: what lies there is not what was decided about, or nothing can be carried out now.
        """
        now = self._look(book)
        item = self._find(ident)
        ruling = item.ruling
        if ruling is None:
            raise UsageError(f"incident {ident}: nobody has decided yet; first: retentiond incident decide {ident}")
        if ruling.actor == actor:
            raise NotPermittedError(
                f"incident {ident}: you decided yourself ({actor}); another person has to approve it, as another user "
                "of this machine"
            )
        if ruling.verdict is Verdict.DELETE and not enforcing:
            raise TryAgainError("the daemon observes only, so nothing would be deleted; set mode: enforce first")
        scope, footage = self._scope(item, book, ruling.at)
        if (scope, footage.count, footage.digest) != (ruling.scope, ruling.count, ruling.digest):
            raise TryAgainError(
                f"incident {ident}: what lies there is not what was decided about: its recordings or the register "
                f"changed; look again: retentiond incident show {ident}; then: retentiond incident decide {ident}"
            )
        events: list[Event] = [incident_approved(item, ruling, actor, now)]
        self._journal.write(events)
        if ruling.verdict is Verdict.DISMISS:
            self._journal.write([incident_closed(self._journal.decisions.incidents[ident], now)])
        return ruling

    def _scope(self, item: Incident, book: RuleBook, until: datetime) -> tuple[tuple[Reach, ...], Footage]:
        """Return what of an incident the register in force says was a violation, up to an instant, and what is there.

        What it said once and does not say now stays suspended until the decision, and is not decided about.
        """
        stated = self._keeper.stated(book.register)
        parts = [found for part in before(item.held, until) for found in inside(part, stated)]
        scope = tuple(dict.fromkeys(part.reach for part in parts))
        return scope, self._keeper.footage(scope)

    def _find(self, ident: str) -> Incident:
        item = self._journal.decisions.incidents.get(ident)
        if item is None:
            listed = ", ".join(self._journal.decisions.incidents) or "none"
            raise UsageError(
                f"no incident {ident!r} is open (open: {listed}); see: retentiond incident list; "
                "what became of another: retentiond audit show --type incident.closed"
            )
        if item.stage is Stage.DELETING:
            raise UsageError(f"incident {ident} is decided already, and is being carried out")
        return item

    def _look(self, book: RuleBook) -> datetime:
        """Return trusted time, after what is so at that time is on the record. Raises TryAgainError."""
        trusted = self._timekeeper.look()
        if not isinstance(trusted, Credible):
            raise TryAgainError(
                "the clock is not credible yet, so nobody can say what was recorded before now; first: "
                "retentiond clock accept --wall TIME"
            )
        self._keeper.expire(trusted.now)
        self._keeper.look(book, trusted.now)
        return trusted.now
