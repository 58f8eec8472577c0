"""Findings: something a person has to know; opened and closed on the record."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much it matters. A breach is a broken promise; a warning will become one; a notice explains."""

    BREACH = "breach"
    WARNING = "warning"
    NOTICE = "notice"


class FindingKind(StrEnum):
    """Everything that can be found. The names are a contract (docs/findings in the manual, metrics, JSON)."""

    PROHIBITED_ASSIGNMENT = "prohibited_assignment"
    PROHIBITED_COVERAGE = "prohibited_coverage"
    UNREGISTERED_DEVICE = "unregistered_device"
    INTIMATE_BOOKING = "intimate_booking"
    INTIMATE_BOOKING_SEEN = "intimate_booking_seen"
    UNASSIGNED_DEVICE = "unassigned_device"
    UNCLASSIFIED_ROOM = "unclassified_room"
    AUDIO_ENABLED = "audio_enabled"
    TEMPORARY_DEVICE_EXPIRED = "temporary_device_expired"
    APPROVAL_MISSING = "approval_missing"
    APPROVAL_EXPIRED = "approval_expired"
    SIGN_MISSING = "sign_missing"
    SIGN_REVIEW_DUE = "sign_review_due"
    DPIA_MISSING = "dpia_missing"
    DPIA_REVIEW_DUE = "dpia_review_due"
    SOURCE_UNREACHABLE = "source_unreachable"
    SOURCE_OUTDATED = "source_outdated"
    SOURCES_DISAGREE = "sources_disagree"
    RECORDER_KEEPS_LONGER = "recorder_keeps_longer"
    RECORDER_KEEPS_SHORTER = "recorder_keeps_shorter"
    LOCKED_IN_RECORDER = "locked_in_recorder"
    SECOND_COPY = "second_copy"
    UNEXPECTED_AUDIO = "unexpected_audio"
    OVERDUE = "overdue"
    UNCOVERED = "uncovered"
    UNCLASSIFIED_FILES = "unclassified_files"
    DISPUTED_START = "disputed_start"
    UNKNOWN_START = "unknown_start"
    REWRITTEN = "rewritten"
    WAITING_FOR_APPROVAL = "waiting_for_approval"
    CANNOT_DELETE = "cannot_delete"
    IMMUTABLE = "immutable"
    LINKS_LEFT = "links_left"
    SHARED_EXTENTS = "shared_extents"
    STORE_ABSENT = "store_absent"
    STORE_FOREIGN = "store_foreign"
    STORE_UNADOPTED = "store_unadopted"
    STORE_READ_ONLY = "store_read_only"
    STORE_DEGRADED = "store_degraded"
    STORE_UNREADABLE = "store_unreadable"
    STORE_TOO_DEEP = "store_too_deep"
    CLAIM_UNEXPLAINED = "claim_unexplained"
    CLOCK_NOT_CREDIBLE = "clock_not_credible"
    CLOCK_AHEAD = "clock_ahead"
    CLOCK_BEHIND = "clock_behind"
    WATCH_DOWN = "watch_down"
    CONFIG_NOT_RELOADED = "config_not_reloaded"
    AUDIT_UNSIGNED = "audit_unsigned"
    AUDIT_DAMAGED = "audit_damaged"
    AUDIT_UNWRITABLE = "audit_unwritable"
    AUDIT_UNPRUNED = "audit_unpruned"
    HEAD_CONTRADICTED = "head_contradicted"
    HEAD_NOT_COSIGNED = "head_not_cosigned"
    HEAD_NOT_STAMPED = "head_not_stamped"
    WITNESS_FORGOT = "witness_forgot"
    STATE_UNWRITABLE = "state_unwritable"
    NOT_ENFORCING = "not_enforcing"
    REMOVED_BY_OTHERS = "removed_by_others"
    HOLD_UNAPPROVED = "hold_unapproved"
    HOLD_REVIEW_DUE = "hold_review_due"
    HOLD_ENDING = "hold_ending"
    INCIDENT_OPEN = "incident_open"
    INCIDENT_LAPSED = "incident_lapsed"
    EARLIER_FOOTAGE = "earlier_footage"


SEVERITY: Mapping[FindingKind, Severity] = {
    FindingKind.PROHIBITED_ASSIGNMENT: Severity.BREACH,
    FindingKind.PROHIBITED_COVERAGE: Severity.BREACH,
    FindingKind.UNREGISTERED_DEVICE: Severity.BREACH,
    FindingKind.INTIMATE_BOOKING_SEEN: Severity.BREACH,
    FindingKind.UNEXPECTED_AUDIO: Severity.BREACH,
    FindingKind.TEMPORARY_DEVICE_EXPIRED: Severity.BREACH,
    FindingKind.APPROVAL_MISSING: Severity.BREACH,
    FindingKind.APPROVAL_EXPIRED: Severity.BREACH,
    FindingKind.OVERDUE: Severity.BREACH,
    FindingKind.UNCOVERED: Severity.BREACH,
    FindingKind.AUDIT_DAMAGED: Severity.BREACH,
    FindingKind.HEAD_CONTRADICTED: Severity.BREACH,
    FindingKind.INCIDENT_OPEN: Severity.BREACH,
    FindingKind.INCIDENT_LAPSED: Severity.BREACH,
    FindingKind.REMOVED_BY_OTHERS: Severity.NOTICE,
    FindingKind.RECORDER_KEEPS_SHORTER: Severity.NOTICE,
    FindingKind.NOT_ENFORCING: Severity.NOTICE,
    FindingKind.WATCH_DOWN: Severity.NOTICE,
    FindingKind.AUDIT_UNSIGNED: Severity.NOTICE,
    FindingKind.EARLIER_FOOTAGE: Severity.NOTICE,
}
"""Every kind that is not named here is a warning."""


@dataclass(frozen=True, slots=True)
class FindingKey:
    """One finding is one kind about one subject; it stays the same finding while its message changes."""

    kind: FindingKind
    subject: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about what, and what to do. `subject` names a store, camera, device or room, never a person.

    `facts` is what it rests on, as far as a change of it makes it another matter: it opens the finding anew, and an
    acknowledgement no longer counts. A message may change without that, as the number in it grows.
    """

    key: FindingKey
    message: str
    remedy: str
    facts: str = ""

    @property
    def severity(self) -> Severity:
        """How much this kind of finding matters."""
        return SEVERITY.get(self.key.kind, Severity.WARNING)


def recordings(count: int) -> str:
    """Return `1 recording`, `2 recordings`."""
    return "1 recording" if count == 1 else f"{count} recordings"


def be(count: int) -> str:
    """Return `is` or `are`, for so many recordings."""
    return "is" if count == 1 else "are"


def finding(kind: FindingKind, subject: str, message: str, remedy: str, *, facts: str = "") -> Finding:
    """Build a finding in one call."""
    return Finding(FindingKey(kind, subject), message, remedy, facts)


@dataclass(frozen=True, slots=True)
class FindingChanges:
    """What has to go on the record so that the open findings are those found now.

    `opened` holds those too that are open already and whose facts are others now.
    """

    opened: tuple[Finding, ...]
    closed: tuple[FindingKey, ...]


def compare_findings(open_now: Iterable[Finding], found: Iterable[Finding]) -> FindingChanges:
    """Return which findings are new, or are another matter than before, and which are gone."""
    by_key: dict[FindingKey, Finding] = {}
    for item in found:
        by_key.setdefault(item.key, item)
    known = {item.key: item.facts for item in open_now}
    return FindingChanges(
        opened=tuple(item for key, item in by_key.items() if known.get(key) != item.facts),
        closed=tuple(sorted(known.keys() - by_key.keys(), key=lambda key: (key.kind, key.subject))),
    )
