"""What the world may read (I10): no path, and no text that may hold one or the name of a person.

A finding's message is written for the operator and for the record. It may carry the text of an error, which names
files, and an operator names directories and cameras as he likes. So the page and the endpoint show what a kind of
finding means, about which store or camera it is, and where on the server the rest can be read.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from retentiond.domain.finding import Finding, FindingKind
from retentiond.ports import Snapshot

_PATH = re.compile(r"(?<![^\s'\"(\[{=:,;])/(?=[^\s/]).*", re.DOTALL)
"""An absolute path and all that comes after it: a name in it may hold spaces."""

CUT = "…"

MEANING: Mapping[FindingKind, str] = {
    FindingKind.PROHIBITED_ASSIGNMENT: "a device is assigned to a room where none may be",
    FindingKind.PROHIBITED_COVERAGE: "a device sees or hears a room where none may be",
    FindingKind.UNREGISTERED_DEVICE: "a recorder or a store knows a device that the register does not",
    FindingKind.UNASSIGNED_DEVICE: "a device has no room",
    FindingKind.UNCLASSIFIED_ROOM: "a room has no class",
    FindingKind.AUDIO_ENABLED: "a recorder is set to record the sound of a device that may record none",
    FindingKind.TEMPORARY_DEVICE_EXPIRED: "a device that was allowed for a time is still there after it",
    FindingKind.APPROVAL_MISSING: "a device records without an approval that allows it",
    FindingKind.APPROVAL_EXPIRED: "a device records, and the approval that allowed it has ended",
    FindingKind.SIGN_MISSING: "a room is recorded, and no sign in the register says so",
    FindingKind.SIGN_REVIEW_DUE: "somebody has to look at a sign again",
    FindingKind.DPIA_MISSING: "a device is in no data-protection impact assessment",
    FindingKind.DPIA_REVIEW_DUE: "a data-protection impact assessment has to be looked at again",
    FindingKind.SOURCE_UNREACHABLE: "the configuration of a recorder cannot be read or used",
    FindingKind.SOURCES_DISAGREE: "a recorder's own books, or its clock, say something else than its files",
    FindingKind.RECORDER_KEEPS_LONGER: "a recorder is itself set to keep recordings longer than a rule",
    FindingKind.RECORDER_KEEPS_SHORTER: "a recorder itself deletes recordings earlier than a rule",
    FindingKind.LOCKED_IN_RECORDER: "recordings stay because somebody locked them in the recorder",
    FindingKind.OVERDUE: "recordings are on the disk after their deadline",
    FindingKind.UNCOVERED: "no deletion rule covers recordings, which are never deleted",
    FindingKind.UNCLASSIFIED_FILES: "files match no layout and are never deleted",
    FindingKind.DISPUTED_START: "recordings were past their deadline when they arrived",
    FindingKind.UNKNOWN_START: "recordings carry no plausible time and count from when they were seen",
    FindingKind.REWRITTEN: "recordings were written again long after their start and count from then on",
    FindingKind.WAITING_FOR_APPROVAL: "due recordings wait for a person's approval",
    FindingKind.CANNOT_DELETE: "recordings could not be deleted in several attempts",
    FindingKind.IMMUTABLE: "recordings are marked so that nobody can delete them",
    FindingKind.LINKS_LEFT: "a deleted recording has another name elsewhere",
    FindingKind.SHARED_EXTENTS: "the blocks of a deleted recording are those of a copy or a snapshot too",
    FindingKind.STORE_ABSENT: "a store is not there",
    FindingKind.STORE_FOREIGN: "a store is not the one that was adopted",
    FindingKind.STORE_UNADOPTED: "a store has not been adopted: nothing is deleted in it",
    FindingKind.STORE_READ_ONLY: "a store is mounted read-only: nothing can be deleted in it",
    FindingKind.STORE_DEGRADED: "nothing can be deleted in a store although it is there",
    FindingKind.STORE_UNREADABLE: "a store, or a part of it, cannot be read",
    FindingKind.STORE_TOO_DEEP: "a store has directories so deep that they are not looked into",
    FindingKind.CLAIM_UNEXPLAINED: "a claim directory holds what nothing on the record explains",
    FindingKind.CLOCK_NOT_CREDIBLE: "the clock is not credible yet: nothing is deleted",
    FindingKind.CLOCK_AHEAD: "the wall clock is ahead of trusted time",
    FindingKind.CLOCK_BEHIND: "the wall clock is behind trusted time",
    FindingKind.WATCH_DOWN: "new recordings are met by the scan alone",
    FindingKind.CONFIG_NOT_RELOADED: "a new configuration is broken, and the old one is in force",
    FindingKind.AUDIT_UNSIGNED: "heads of the audit trail are not signed",
    FindingKind.AUDIT_DAMAGED: "the audit trail does not verify",
    FindingKind.AUDIT_UNWRITABLE: "the audit trail cannot be written: nothing is deleted",
    FindingKind.STATE_UNWRITABLE: "a file of the daemon's own state cannot be written; deletion goes on",
    FindingKind.NOT_ENFORCING: "the daemon observes only: nothing is deleted",
    FindingKind.REMOVED_BY_OTHERS: "recordings vanished that this program did not delete",
    FindingKind.HOLD_UNAPPROVED: "a hold, or its extension, stands on one person's word and will lapse",
    FindingKind.HOLD_REVIEW_DUE: "the date by which somebody was to look at a hold again is past",
    FindingKind.HOLD_ENDING: "a hold ends soon, and what it keeps is deleted then",
}
"""What each kind of finding says to everybody."""


def without_paths(text: str) -> str:
    """Return `text` up to the first absolute path in it."""
    return _PATH.sub(CUT, text)


def in_public(item: Finding) -> Finding:
    """Return the finding as everybody may read it."""
    remedy = f"read it on the recording server: retentiond findings show {item.key.kind.value}"
    key = replace(item.key, subject=without_paths(item.key.subject))
    return Finding(key, MEANING.get(item.key.kind, item.key.kind.value), remedy)


def for_everybody(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot as everybody may read it."""
    return replace(snapshot, findings=tuple(in_public(item) for item in snapshot.findings))
