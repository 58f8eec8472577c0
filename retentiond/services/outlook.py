"""What a person sees of a store's plan: what goes by itself, what waits, and what falls due in the next days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from retentiond.domain.finding import Finding, FindingKey, FindingKind
from retentiond.domain.recording import CameraName, Recording, StoreName
from retentiond.domain.run import DueRecording, Plan, Sorted, WaitReason, digest_of
from retentiond.domain.span import Span, due_spans, within, without
from retentiond.domain.suspension import in_force, reach_of
from retentiond.ports import Catalogue, CatalogueRow, Setback, StoreCondition
from retentiond.services.changes import Change, changes
from retentiond.services.find import condition_findings, refused_text
from retentiond.services.journal import Journal
from retentiond.services.plan import Planner
from retentiond.services.rulebook import RuleBook
from retentiond.services.survey import condition_name
from retentiond.services.weigh import Weigher

DAYS_SHOWN = 7


@dataclass(frozen=True, slots=True)
class Outlook:
    """One store at one instant, for `plan`.

    What waits is `approvable` if the daemon has frozen it under its digest; else it is what it would freeze. The rules
    are `in_force` if they are those that the daemon recorded last; else `changes` says what they would change.
    """

    store: StoreName
    condition: str
    recordings: int
    scanned: bool
    going: int
    going_digest: str
    waiting: Plan | None
    approved: bool
    approvable: bool
    parts: tuple["Part", ...]
    next_due: datetime | None
    upcoming: tuple[tuple[str, int], ...]
    held: tuple["Kept", ...] = ()
    in_force: bool = True
    changes: tuple[Change, ...] = ()
    refused: tuple["Refused", ...] = ()
    obstacles: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """So many recordings of a camera wait for a person, and why."""

    why: WaitReason
    camera: CameraName
    count: int
    oldest: datetime
    newest: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """So many recordings could not be deleted so far, why, in words too, and when the first is tried again."""

    why: str
    text: str
    count: int
    retry_at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """So many recordings are due, and a suspension or an incident keeps them until an instant."""

    hold: str
    count: int
    until: datetime


class Forecaster:
    """Reads the catalogue and says what will happen; changes nothing."""

    def __init__(
        self, catalogue: Catalogue, journal: Journal, planner: Planner, weigher: Weigher, *, clock_proven: bool
    ) -> None:
        self._catalogue = catalogue
        self._journal = journal
        self._planner = planner
        self._weigher = weigher
        self._clock_proven = clock_proven

    def outlook(
        self,
        store: StoreName,
        condition: StoreCondition,
        book: RuleBook,
        now: datetime,
        *,
        at: datetime | None = None,
    ) -> Outlook:
        """Return what `plan` shows of a store at `now`, or `at` another instant, under the rules of `book`.

        At a later instant it shows what will have gone by itself until then, with the daemon running: the limit is
        asked about what is due now, since no run will ever hold all of the rest at once.
        """
        at = at or now
        sorted_ = self._weigher.sort(store, book, min(now, at), clock_proven=self._clock_proven)
        waiting, rows = self._waiting(store, book, sorted_, now)
        members = [row.recording for row in rows]
        held = set(members)
        going = [due.recording for due in sorted_.go if due.recording not in held]
        if at > now:
            falling = self._falling_due(store, book, now, at)
            going += [row.recording for row in self._catalogue.find(falling) if row.recording not in held]
        current = self._journal.decisions.policy_digest in {book.policy_digest, None}
        uuid = self._uuid(store)
        approved = waiting is not None and self._journal.decisions.approval_for(waiting.digest, now) is not None
        return Outlook(
            store=store,
            condition=condition_name(condition),
            recordings=self._catalogue.census(store).recordings,
            scanned=self._catalogue.scan_state(store).last_complete is not None,
            going=len(going),
            going_digest=digest_of(uuid, going),
            waiting=waiting,
            approved=approved,
            approvable=waiting is not None and waiting == self._catalogue.waiting(store),
            parts=self._parts(store, book, waiting, rows, min(now, at)),
            next_due=self._planner.next_due(store, book, at),
            upcoming=self._upcoming(store, book, at),
            held=self._held(store, book, at),
            in_force=current,
            changes=() if current else self._changes(store, book, min(now, at)),
            refused=_refused(self._catalogue.setbacks(store)),
            obstacles=self._obstacles(store, condition),
        )

    def _changes(self, store: StoreName, book: RuleBook, now: datetime) -> tuple[Change, ...]:
        reach = reach_of(self._journal.decisions.stopping, now)
        return tuple(changes(self._catalogue, store, book, reach, now))

    def _held(self, store: StoreName, book: RuleBook, now: datetime) -> tuple[Kept, ...]:
        """Count what each suspension keeps of what is due; what several keep counts with each."""
        held = self._planner.spans(store, book, now).held
        counts = (
            Kept(item.ident, self._catalogue.count(within(held, item.reach)), item.effective_until)
            for item in in_force(self._journal.decisions.stopping, now)
        )
        return tuple(item for item in counts if item.count)

    def _waiting(
        self, store: StoreName, book: RuleBook, sorted_: Sorted, now: datetime
    ) -> tuple[Plan | None, Sequence[CatalogueRow]]:
        """Return the plan that the daemon froze, where it is of these rules; else the one it would freeze."""
        standing = self._catalogue.waiting(store)
        if standing is not None and self._journal.decisions.policy_digest == book.policy_digest:
            return standing, list(self._catalogue.members(store))
        if not sorted_.waiting or sorted_.why is None:
            return None, ()
        members = _recordings(sorted_.waiting)
        chosen = frozenset(members)
        due = self._planner.spans(store, book, now).due
        rows = [row for row in self._catalogue.find(due) if row.recording in chosen]
        return Plan(store, digest_of(self._uuid(store), members), len(members), sorted_.why, now), rows

    def _parts(
        self, store: StoreName, book: RuleBook, plan: Plan | None, rows: Sequence[CatalogueRow], now: datetime
    ) -> tuple[Part, ...]:
        """Say of every camera why its part of the plan waits."""
        if plan is None:
            return ()
        explained = self._planner.spans(store, book, now).explained
        starts: dict[tuple[WaitReason, CameraName], list[datetime]] = {}
        for row in rows:
            why = self._planner.reason_of(row, explained, plan.why, now)
            starts.setdefault((why, row.recording.stream.camera), []).append(row.recording.start)
        return tuple(Part(*key, len(starts[key]), min(starts[key]), max(starts[key])) for key in sorted(starts))

    def _obstacles(self, store: StoreName, condition: StoreCondition) -> tuple[Finding, ...]:
        """Say what keeps anything from being deleted in a store: how it is, and what the daemon has found."""
        noted = self._journal.decisions.findings.get(FindingKey(FindingKind.STORE_DEGRADED, store))
        found = condition_findings(store, condition)
        return found if noted is None or found else (noted,)

    def _uuid(self, store: StoreName) -> str:
        return str(self._journal.decisions.adopted.get(store, {}).get("uuid", ""))

    def _upcoming(self, store: StoreName, book: RuleBook, now: datetime) -> tuple[tuple[str, int], ...]:
        """Count what falls due on each of the next days; a day is 24 h from `now`."""
        counts = []
        for day in range(DAYS_SHOWN):
            begin, end = now + timedelta(days=day), now + timedelta(days=day + 1)
            number = self._catalogue.count(self._falling_due(store, book, begin, end))
            if number:
                counts.append((f"within {day + 1}d" if day == 0 else f"day {day + 1}", number))
        return tuple(counts)

    def _falling_due(self, store: StoreName, book: RuleBook, begin: datetime, end: datetime) -> list[Span]:
        spans: list[Span] = []
        reach = (*reach_of(self._journal.decisions.stopping, end), *self._journal.decisions.given_up)
        for stream, _ in self._catalogue.streams(store):
            coverage, margin = book.coverage(stream), book.policy.margin
            before = {span.rule.name: span.until for span in due_spans(coverage, margin, begin)}
            for span in due_spans(coverage, margin, end):
                after = max(span.after, before.get(span.rule.name, span.after))
                if after < span.until:
                    spans.append(Span(stream, after, span.until, span.rule))
        return list(without(spans, reach))


def _recordings(due: Sequence[DueRecording]) -> list[Recording]:
    return [item.recording for item in due]


def _refused(setbacks: Sequence[Setback]) -> tuple[Refused, ...]:
    by_reason: dict[str, list[datetime]] = {}
    for item in setbacks:
        by_reason.setdefault(item.error, []).append(item.retry_at)
    return tuple(
        Refused(why, refused_text(why), len(retries), min(retries)) for why, retries in sorted(by_reason.items())
    )
