"""Turns what is wrong with stores and rooms into findings, and keeps the record of open ones in step."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from retentiond.domain.event import Event, finding_closed, finding_opened
from retentiond.domain.finding import Finding, FindingKind, compare_findings, finding, recordings
from retentiond.domain.recording import StoreName
from retentiond.domain.run import WAIT_TEXT
from retentiond.domain.starts import Arrival, Doubt
from retentiond.ports import (
    IMMUTABLE,
    LOCKED,
    Absent,
    CatalogueRow,
    Foreign,
    Present,
    Setback,
    StoreCondition,
    StreamStatus,
    Unadopted,
)
from retentiond.services.journal import Journal
from retentiond.services.remind import reminders
from retentiond.services.survey import Survey

REFUSED_TEXT = {
    LOCKED: "are locked in their recorder",
    "still_written": "are still being written",
    "changed": "changed while they were to be deleted",
    "vanished": "moved while they were to be deleted",
    "not_a_recording": "are not what their layout says",
    IMMUTABLE: "are marked immutable or append-only (chattr +i, +a)",
    "EPERM": "must not be deleted (EPERM)",
    "EACCES": "lie in directories that are closed to the daemon (EACCES)",
    "EIO": "lie where the disk fails (EIO)",
    "EROFS": "lie where nothing can be written (EROFS)",
    "EXDEV": "lie on another file system (EXDEV)",
}
"""Why recordings were not deleted, in words; what is not here is told by its name."""

VOIDS_TOLERATED = 2
"""A deletion that is void or fails is tried again quietly so often; then it is a finding until it is gone."""


def record_findings(journal: Journal, found: Sequence[Finding], wall: datetime) -> tuple[Finding, ...]:
    """Open what is new or has changed, and close what is gone, on the record; return what was said again."""
    changes = compare_findings(journal.decisions.findings.values(), found)
    opened = {item.key for item in changes.opened}
    again = reminders(journal.decisions, [item for item in found if item.key not in opened], wall)
    events: list[Event] = [finding_opened(item) for item in changes.opened]
    events += [finding_opened(item, reminder=True) for item in again]
    events += [finding_closed(key) for key in changes.closed]
    journal.write(events)
    return again


def store_findings(survey: Survey, *, obstacle: str | None = None) -> tuple[Finding, ...]:
    """Return what a person has to know about one store.

    `obstacle` says what keeps anything at all from being deleted, in whatever store it is.
    """
    found: list[Finding] = [
        *condition_findings(survey.store, survey.condition),
        *_degraded(survey),
        *_overdue(survey, obstacle),
        *_uncovered(survey),
        *_unclassified(survey),
        *_unlisted(survey),
        *_odd(survey.store, survey.odd),
        *_setbacks(survey.store, survey.setbacks),
        *_waiting(survey),
    ]
    return tuple(found)


def condition_findings(store: StoreName, condition: StoreCondition) -> tuple[Finding, ...]:
    """Return what a person has to know about how a store is."""
    return tuple(_condition(store, condition))


def _condition(store: StoreName, condition: StoreCondition) -> Iterable[Finding]:
    match condition:
        case Present(read_only=True):
            yield finding(
                FindingKind.STORE_READ_ONLY,
                store,
                f"store {store!r} is mounted read-only: nothing can be deleted in it",
                "look at the disk and the kernel log, then remount it writable",
            )
        case Present():
            return
        case Unadopted():
            yield finding(
                FindingKind.STORE_UNADOPTED,
                store,
                f"store {store!r} has not been adopted: nothing is deleted in it",
                f"if it is the right directory: retentiond store adopt {store}",
            )
        case Absent(why=why):
            yield finding(
                FindingKind.STORE_ABSENT,
                store,
                f"store {store!r} is not there: {why}",
                "mount the disk; deletion goes on by itself when it is back",
            )
        case Foreign(why=why):
            yield finding(
                FindingKind.STORE_FOREIGN,
                store,
                f"store {store!r} is not the one that was adopted: {why}",
                f"mount the right disk; if this is meant to be the store now: retentiond store adopt {store}",
            )


def _degraded(survey: Survey) -> Iterable[Finding]:
    if survey.condition_word == "degraded":
        yield finding(
            FindingKind.STORE_DEGRADED,
            survey.store,
            f"nothing can be deleted in store {survey.store!r}, which is there: {survey.failing}",
            "look at the disk and the kernel log; it is tried again every few minutes, and goes on by itself",
        )


def _overdue(survey: Survey, obstacle: str | None) -> Iterable[Finding]:
    for status in survey.streams:
        if status.overdue:
            stream = status.stream
            yield finding(
                FindingKind.OVERDUE,
                f"{stream.store} / {stream.camera} / {stream.category}",
                f"camera {stream.camera!r} ({stream.category}) has {recordings(status.overdue)} past the deadline: "
                + "; ".join(reasons_of(survey, status, obstacle)),
                "see what holds them: retentiond plan",
            )


def refused_text(why: str) -> str:
    """Say in words why recordings could not be deleted."""
    return REFUSED_TEXT.get(why, f"were refused ({why})")


def reasons_of(survey: Survey, status: StreamStatus, obstacle: str | None) -> list[str]:
    """Say why the overdue recordings of a stream are still there, every one of them."""
    if obstacle is not None:
        return [obstacle]
    if survey.condition_word != "present":
        return [f"the store is {survey.condition_word.replace('_', '-')}"]
    told = [f"{count} {refused_text(why)}" for why, count in status.refused]
    rest = status.overdue - sum(count for _, count in status.refused)
    if rest > 0:
        told.insert(0, f"{rest} wait for approval" if survey.waiting is not None else f"{rest} go at the next look")
    return told


def _uncovered(survey: Survey) -> Iterable[Finding]:
    for stream, count in survey.uncovered:
        yield finding(
            FindingKind.UNCOVERED,
            f"{stream.store} / {stream.camera} / {stream.category}",
            f"no deletion rule covers {recordings(count)} of camera {stream.camera!r} ({stream.category})",
            f"add a rule to deletion_rules that selects category {stream.category} and this camera",
        )


def _unclassified(survey: Survey) -> Iterable[Finding]:
    if survey.unclassified:
        yield finding(
            FindingKind.UNCLASSIFIED_FILES,
            survey.store,
            f"files in store {survey.store!r} that match no layout and are never deleted: {survey.unclassified}",
            f"see some of them: retentiond store show {survey.store}; then name their layout, or move them away",
        )


def _unlisted(survey: Survey) -> Iterable[Finding]:
    deep = [item for item in survey.unlisted if item.too_deep]
    closed = [item for item in survey.unlisted if not item.too_deep]
    if deep:
        yield finding(
            FindingKind.STORE_TOO_DEEP,
            survey.store,
            f"directories of store {survey.store!r} deeper than 16 levels, which are not looked into: {len(deep)}",
            "no recorder makes these; look who does",
        )
    if closed:
        yield finding(
            FindingKind.STORE_UNREADABLE,
            survey.store,
            f"directories of store {survey.store!r} that cannot be listed: {len(closed)}; the first: {closed[0].why}",
            "give the daemon the rights it needs: retentiond doctor",
        )


def _odd(store: StoreName, odd: Sequence[CatalogueRow]) -> Iterable[Finding]:
    kinds = {
        Doubt.UNKNOWN_TIME: (FindingKind.UNKNOWN_START, "without a plausible time, counted from first sight"),
        Doubt.FUTURE_TIME: (
            FindingKind.UNKNOWN_START,
            "claiming to be from the future, counted from first sight",
        ),
        Doubt.NAMED_BEHIND: (
            FindingKind.UNKNOWN_START,
            "named by a clock that was behind, counted from arrival",
        ),
        Doubt.REWRITTEN: (
            FindingKind.REWRITTEN,
            "written again long after the start, counted from then on",
        ),
    }
    counts: Counter[tuple[FindingKind, str, str]] = Counter()
    for row in odd:
        camera = row.recording.stream.camera
        if row.arrival is Arrival.DISPUTED:
            text = "past the deadline on arrival, to go a day after arrival or when approved"
            counts[FindingKind.DISPUTED_START, camera, text] += 1
        elif row.doubt is not None and row.doubt in kinds:
            kind, text = kinds[row.doubt]
            counts[kind, camera, text] += 1
    for (kind, name, text), count in counts.items():
        yield finding(
            kind,
            f"{store} / {name}",
            f"{recordings(count)} of camera {name!r} {text}",
            "check the clock of the camera and of the recorder",
        )


def _setbacks(store: StoreName, setbacks: Sequence[Setback]) -> Iterable[Finding]:
    at_once = {IMMUTABLE, LOCKED}
    stuck = Counter(item.error for item in setbacks if item.attempts > VOIDS_TOLERATED or item.error in at_once)
    marked = stuck.pop(IMMUTABLE, 0)
    if marked:
        yield finding(
            FindingKind.IMMUTABLE,
            store,
            f"store {store!r} has {recordings(marked)} due, and the file or its directory is marked immutable or "
            "append-only (chattr +i, +a): nobody can delete what is so marked",
            "find them: retentiond audit show; if nobody means to keep them, take the mark off: chattr -i -a FILE; "
            "retentiond never does",
        )
    locked = stuck.pop(LOCKED, 0)
    if locked:
        yield finding(
            FindingKind.LOCKED_IN_RECORDER,
            store,
            f"store {store!r} has {recordings(locked)} due and kept, because somebody locked that in the recorder",
            "unlock them in the recorder; what has to be kept on a ground is kept by: retentiond hold place",
        )
    for error, count in stuck.items():
        yield finding(
            FindingKind.CANNOT_DELETE,
            f"{store} / {error}",
            f"store {store!r} has {recordings(count)} due that could not be deleted in three attempts: {error}",
            "see what this host lets the daemon do: retentiond doctor",
        )


def _waiting(survey: Survey) -> Iterable[Finding]:
    plan = survey.waiting
    if plan is not None:
        late = f"; past the deadline in the store: {survey.overdue}" if survey.overdue else ""
        yield finding(
            FindingKind.WAITING_FOR_APPROVAL,
            plan.store,
            f"store {plan.store!r} has {recordings(plan.count)} due and waiting: {WAIT_TEXT[plan.why]}{late}",
            f"see: retentiond plan; then: retentiond approve {plan.run} --count {plan.count} --digest {plan.digest}",
        )


def removed_by_others(store: StoreName, count: int) -> tuple[Finding, ...]:
    """Return the finding for recordings that vanished by another hand since the last complete scan began."""
    if not count:
        return ()
    return (
        finding(
            FindingKind.REMOVED_BY_OTHERS,
            store,
            f"store {store!r} lost {recordings(count)} to another hand since the last scan",
            "if the recorder cleans up by itself, switch that off, or the record of deletions stays incomplete",
        ),
    )


def links_left(store: StoreName, count: int) -> tuple[Finding, ...]:
    """Return the finding for deleted recordings that live on under other names, until the daemon is restarted."""
    if not count:
        return ()
    return (
        finding(
            FindingKind.LINKS_LEFT,
            store,
            f"store {store!r} has {recordings(count)} deleted, yet still on disk under other names (hard links)",
            "find them by inode number in the audit trail: retentiond audit show; then remove the other names",
        ),
    )


def shared_extents(store: StoreName, count: int) -> tuple[Finding, ...]:
    """Return the finding for deleted recordings that live on in copies and snapshots, until the daemon is restarted."""
    if not count:
        return ()
    return (
        finding(
            FindingKind.SHARED_EXTENTS,
            store,
            f"store {store!r} has {recordings(count)} deleted, yet still on disk in a snapshot or a copy (reflink)",
            "remove the snapshot or the copy; keep snapshots of a store no longer than the margin you promise",
        ),
    )


def failed_store(name: StoreName, error: str) -> Finding:
    """Return the finding for a store whose keeper failed as a whole."""
    return finding(
        FindingKind.STORE_UNREADABLE,
        name,
        f"store {name!r} could not be worked on: {error}",
        "look at the disk and at what this host lets the daemon do: retentiond doctor",
    )
