"""Looks over everything in the daemon's care: what is amiss, and how things stand for those who show it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from retentiond.domain.audit_failure import OnAuditFailure
from retentiond.domain.clock import Credible
from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.ports import AnchorStatus, Present, Snapshot, Watch
from retentiond.services.check_placement import RoomCheck
from retentiond.services.check_recorders import observed_status
from retentiond.services.find import store_findings
from retentiond.services.find_holds import hold_findings, hold_status
from retentiond.services.find_incidents import earlier_findings, incident_findings, incident_status
from retentiond.services.incidents import IncidentKeeper
from retentiond.services.keep_store import StoreKeeper
from retentiond.services.lost_records import lost_findings
from retentiond.services.parts import Parts
from retentiond.services.report import store_status
from retentiond.services.rulebook import RuleBook
from retentiond.services.survey import Survey

WATCH_GRACE = timedelta(minutes=5)
"""So long after the start a watcher may still be setting up."""

NOT_ENFORCING = finding(
    FindingKind.NOT_ENFORCING,
    "mode",
    "the daemon observes only: nothing is deleted",
    "when the plan looks right, set mode: enforce in the configuration",
)
WHILE_IT_FAILS = {
    OnAuditFailure.HOLD: "nothing is deleted",
    OnAuditFailure.HOLD_UNTIL_DEADLINE: "what is due waits until its deadline, and goes then, noted in the journal",
    OnAuditFailure.PROCEED: "what is due goes, noted in the journal",
}
UNSIGNED = finding(
    FindingKind.AUDIT_UNSIGNED,
    "audit trail",
    "heads of the audit trail are not signed: an outsider cannot tell who wrote it",
    "make a key: retentiond audit keygen",
)


@dataclass(frozen=True, slots=True)
class Mode:
    """Whether the daemon deletes (`enforce`) or does all but deleting (`observe`)."""

    enforcing: bool

    def __str__(self) -> str:
        return "enforce" if self.enforcing else "observe"


@dataclass(frozen=True, slots=True)
class Situation:
    """What the daemon knows of itself: since when it runs, by which rules, and what it has put on record."""

    now: datetime
    started_at: datetime
    book: RuleBook
    heartbeat_at: datetime | None
    anchors: AnchorStatus


class Overview:
    """Says what is amiss and how things stand. It decides nothing and changes nothing."""

    def __init__(
        self, keepers: Sequence[StoreKeeper], parts: Parts, watch: Watch, mode: Mode, incidents: IncidentKeeper
    ) -> None:
        self._incidents = incidents
        self._keepers = tuple(keepers)
        self._parts = parts
        self._watch = watch
        self._mode = mode

    def findings(
        self, surveys: Sequence[Survey], noted: Iterable[Finding], checked: Iterable[Finding], situation: Situation
    ) -> tuple[Finding, ...]:
        """Return all that is amiss, each thing once: what was `noted` while working, what the checks say, and the rest.

        Of two findings about one thing the later counts.
        """
        obstacle = self._obstacle()
        found: list[Finding] = [*self._parts.timekeeper.findings(), *noted]
        for keeper, survey in zip(self._keepers, surveys, strict=True):
            found += store_findings(survey, obstacle=obstacle)
            found += keeper.findings()
            found += self._unwatched(keeper, situation)
        found += checked
        found += lost_findings(self._parts.journal.decisions)
        found += situation.anchors.findings
        decisions = self._parts.journal.decisions
        found += hold_findings(decisions.suspensions.values(), situation.now)
        found += incident_findings(decisions.incidents.values(), self._incidents.count, situation.now)
        found += earlier_findings(self._incidents.earlier(situation.book.register, situation.now))
        if not self._mode.enforcing:
            found.append(NOT_ENFORCING)
        if not self._parts.journal.head().signed:
            found.append(UNSIGNED)
        if self._parts.journal.trouble is not None:
            found.append(_unwritable(self._parts.journal.on_failure, self._parts.journal.trouble))
        return tuple({item.key: item for item in found}.values())

    def _obstacle(self) -> str | None:
        """Say what keeps anything from being deleted, whatever store it is in."""
        if not self._mode.enforcing:
            return "the daemon observes only"
        if not isinstance(self._parts.timekeeper.look(), Credible):
            return "the clock is not credible"
        return "the audit trail cannot be written" if self._parts.journal.trouble is not None else None

    def _unwatched(self, keeper: StoreKeeper, situation: Situation) -> Sequence[Finding]:
        """Tell where hints should come and do not; the scans find everything all the same (I8)."""
        starting = situation.now - situation.started_at < WATCH_GRACE
        silent = self._watch.enabled and not self._watch.watching(keeper.name).proven
        if not silent or not isinstance(keeper.condition, Present) or starting:
            return ()
        return (
            finding(
                FindingKind.WATCH_DOWN,
                keeper.name,
                f"changes in store {keeper.name!r} are not noticed as they come; scans find them later",
                "see how many directories this host may watch: retentiond doctor",
            ),
        )

    def snapshot(
        self, surveys: Sequence[Survey], rooms: RoomCheck, found: tuple[Finding, ...], situation: Situation
    ) -> Snapshot:
        """Return how everything stands, for those who show it."""
        now, book = situation.now, situation.book
        state, ahead = self._parts.timekeeper.state()
        return Snapshot(
            taken_at=now,
            started_at=situation.started_at,
            mode=str(self._mode),
            clock_state=state.value,
            clock_ahead_s=ahead.total_seconds(),
            clock_steps=self._parts.timekeeper.steps,
            synchronised=self._parts.timekeeper.synchronised(),
            head=self._parts.journal.head(),
            append_failures=self._parts.journal.failures,
            noted=self._parts.journal.noted,
            findings=found,
            stores=tuple(
                store_status(
                    survey,
                    scan=keeper.progress,
                    space=keeper.store.space() if isinstance(keeper.condition, Present) else None,
                    watching=self._watch.watching(keeper.name),
                    next_due=keeper.next_due,
                    observed=observed_status(keeper.name, keeper.recorder, book, now),
                )
                for keeper, survey in zip(self._keepers, surveys, strict=True)
            ),
            rooms=rooms.rooms,
            inventory=rooms.inventory,
            policy_digest=book.policy_digest,
            register_digest=book.register_digest,
            heartbeat_at=situation.heartbeat_at,
            anchors=situation.anchors.newest,
            holds=hold_status(self._parts.journal.decisions.suspensions.values(), now),
            incidents=incident_status(self._parts.journal.decisions.incidents.values(), self._incidents.count),
            acknowledged=frozenset(
                item.key for item in found if self._parts.journal.decisions.is_acknowledged(item.key, now)
            ),
        )


def _unwritable(mode: OnAuditFailure, why: str) -> Finding:
    message = f"the audit trail cannot be written; {WHILE_IT_FAILS[mode]}: {why}"
    return finding(FindingKind.AUDIT_UNWRITABLE, "audit trail", message, "make room on its disk, or mend it")
