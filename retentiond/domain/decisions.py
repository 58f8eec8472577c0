"""What people and the daemon have decided, as the audit trail tells it: the fold of its records.

The trail is the only source; a cache beside it saves reading it all at each start (docs/architecture.md).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from retentiond.domain import instants, names
from retentiond.domain.event import EventType, Record
from retentiond.domain.finding import Finding, FindingKey, FindingKind
from retentiond.domain.hold_event import after, suspension_of
from retentiond.domain.incident import Incident
from retentiond.domain.incident_event import after as after_incident
from retentiond.domain.incident_event import dismissed_by, incident_of
from retentiond.domain.misnamed import ClockDoubts
from retentiond.domain.recording import CameraName, Category, Place, Recording, StoreName, Stream, Unit
from retentiond.domain.suspension import Ended, Reach, Stopping, Suspension
from retentiond.domain.violation import Violation

EXPLAINS_FOR = timedelta(days=92)
"""So long after its end a suspension explains why what it kept is due; by then that is gone or waits for a person."""

_OF_HOLDS = frozenset(
    {
        EventType.HOLD_PLACED,
        EventType.HOLD_APPROVED,
        EventType.HOLD_EXTENDED,
        EventType.HOLD_RELEASED,
        EventType.HOLD_LAPSED,
    }
)
_OF_INCIDENTS = frozenset(
    {
        EventType.INCIDENT_OPENED,
        EventType.INCIDENT_CHANGED,
        EventType.INCIDENT_DECIDED,
        EventType.INCIDENT_APPROVED,
        EventType.INCIDENT_RETURNED,
        EventType.INCIDENT_LAPSED,
        EventType.INCIDENT_CLOSED,
    }
)
_KINDS = frozenset(kind.value for kind in FindingKind)


@dataclass(frozen=True, slots=True)
class OpenIntent:
    """A recording that was to be deleted and of which no outcome is on the record yet (I4)."""

    seq: int
    claim: str
    deletion_run: str
    recording: Recording
    identity_mark: str
    rule: str
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's consent to one exact plan, good once and until `expires`."""

    digest: str
    store: StoreName
    count: int
    expires: datetime


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A person has seen the finding and knows why it stays, until an instant."""

    why: str
    until: datetime
    actor: str


@dataclass(slots=True)
class Decisions:
    """The state that the trail's records add up to.

    `seq` is the number of records folded in. `lost` counts records whose loss nobody has accepted yet: what was decided
    in them is not known.
    """

    seq: int = 0
    intents: dict[str, OpenIntent] = field(default_factory=dict)
    findings: dict[FindingKey, Finding] = field(default_factory=dict)
    opened_at: dict[FindingKey, datetime] = field(default_factory=dict)
    opened_in: dict[FindingKey, int] = field(default_factory=dict)
    told_at: dict[FindingKey, datetime] = field(default_factory=dict)
    acknowledged: dict[FindingKey, Acknowledgement] = field(default_factory=dict)
    approvals: dict[str, Approval] = field(default_factory=dict)
    suspensions: dict[str, Suspension] = field(default_factory=dict)
    ended_suspensions: dict[str, Ended] = field(default_factory=dict)
    suspensions_placed: int = 0
    incidents: dict[str, Incident] = field(default_factory=dict)
    incidents_opened: int = 0
    dismissed: tuple[Violation, ...] = ()
    adopted: dict[StoreName, Mapping[str, Any]] = field(default_factory=dict)
    clock_doubts: ClockDoubts = field(default_factory=ClockDoubts)
    policy_digest: str | None = None
    register_digest: str | None = None
    register_facts: set[str] = field(default_factory=set)
    lost: int = 0

    def apply(self, record: Record) -> None:
        """Fold in the next record. Types that decide nothing only move `seq` on."""
        match record.type:
            case (
                EventType.DELETION_INTENT
                | EventType.RECORDING_DELETED
                | EventType.DELETION_FAILED
                | EventType.DELETION_VOID
            ):
                self._apply_deletion(record)
            case EventType.FINDING_OPENED | EventType.FINDING_CLOSED | EventType.FINDING_ACKNOWLEDGED:
                self._apply_finding(record)
            case EventType.APPROVAL_GIVEN | EventType.RUN_COMPLETED:
                self._apply_approval(record)
            case kind if kind in _OF_HOLDS or kind in _OF_INCIDENTS:
                self._apply_stopping(record)
            case EventType.STORE_ADOPTED:
                self.adopted[StoreName(record.fields["store"])] = dict(record.fields)
            case EventType.POLICY_LOADED | EventType.REGISTER_LOADED | EventType.CLOCK_STATE:
                self._apply_state(record)
            case EventType.AUDIT_FORKED | EventType.AUDIT_LOSS_ACCEPTED:
                self.lost = self.lost + record.fields["lost"] if record.type == EventType.AUDIT_FORKED else 0
            case _:
                pass
        self.seq = record.seq + 1

    def apply_all(self, records: Iterable[Record]) -> None:
        """Fold in records in order."""
        for record in records:
            self.apply(record)

    def apply_noted(self, records: Iterable[Record]) -> None:
        """Fold in what was noted beside the trail (rule 7); the trail tells it again later, and then it counts."""
        seq = self.seq
        self.apply_all(records)
        self.seq = seq

    def standing(self) -> "Decisions":
        """Return these decisions as they stand, for another thread: what is folded in later does not change them."""
        return replace(
            self, intents=dict(self.intents), suspensions=dict(self.suspensions), incidents=dict(self.incidents)
        )

    @property
    def stopping(self) -> tuple[Stopping, ...]:
        """Whatever may stop a deletion: suspensions, and incidents; who asks says at what time."""
        return (*self.suspensions.values(), *self.incidents.values())

    @property
    def unlisted(self) -> tuple[Reach, ...]:
        """What no command and no page may list: the footage of incidents that are not closed."""
        return tuple(reach for item in self.incidents.values() for reach in item.reach)

    @property
    def given_up(self) -> tuple[Reach, ...]:
        """What two persons decided to delete: it goes by their word, and in no other run."""
        return tuple(reach for item in self.incidents.values() if item.goes for reach in item.reach)

    def open_intents_of(self, store: StoreName) -> tuple[OpenIntent, ...]:
        """Return the intents of one store that lack an outcome, oldest first."""
        return tuple(intent for intent in self.intents.values() if intent.recording.stream.store == store)

    def approval_for(self, digest: str, now: datetime) -> Approval | None:
        """Return the unused approval of the plan with this digest, if it is still good at `now`."""
        approval = self.approvals.get(digest)
        return approval if approval is not None and now < approval.expires else None

    def is_acknowledged(self, key: FindingKey, now: datetime) -> bool:
        """Tell whether a person knows of the finding: it was acknowledged as it is, and the date has not passed."""
        noted = self.acknowledged.get(key)
        return noted is not None and now < noted.until

    def _apply_deletion(self, record: Record) -> None:
        if record.type != EventType.DELETION_INTENT:
            self.intents.pop(record.fields["claim"], None)
            self._count_deleted(record)
            return
        for entry in record.fields["recordings"]:
            intent = _open_intent(record.seq, record.fields, entry)
            self.intents[intent.claim] = intent

    def _apply_finding(self, record: Record) -> None:
        fields = record.fields
        if fields["kind"] not in _KINDS:
            return  # a newer version wrote it, and this one would neither find nor close it
        key = FindingKey(FindingKind(fields["kind"]), fields["subject"])
        match record.type:
            case EventType.FINDING_OPENED:
                self.findings[key] = Finding(key, fields["message"], fields["remedy"], fields.get("facts", ""))
                self.opened_at.setdefault(key, record.at)
                self.acknowledged.pop(key, None)
                if key not in self.opened_in or not fields.get("reminder", False):
                    self.opened_in[key] = record.seq
                self.told_at[key] = record.at
            case EventType.FINDING_ACKNOWLEDGED:
                until = instants.from_text(fields["until"])
                self.acknowledged[key] = Acknowledgement(fields["why"], until, fields["actor"])
            case _:
                self.findings.pop(key, None)
                self.opened_at.pop(key, None)
                self.opened_in.pop(key, None)
                self.told_at.pop(key, None)
                self.acknowledged.pop(key, None)

    def _apply_stopping(self, record: Record) -> None:
        if record.type in _OF_HOLDS:
            self._apply_hold(record)
        else:
            self._apply_incident(record)

    def _apply_hold(self, record: Record) -> None:
        if record.type == EventType.HOLD_PLACED:
            placed = suspension_of(record)
            self.suspensions[placed.ident] = placed
            self.suspensions_placed += 1
            return
        item = self.suspensions.pop(record.fields["hold"], None)
        match None if item is None else after(item, record):
            case Suspension() as changed:
                self.suspensions[changed.ident] = changed
            case Ended() as ended:
                self._explain(ended)
            case None:
                pass

    def _count_deleted(self, record: Record) -> None:
        """Count what went because of an incident; what was only noted counts when the trail tells it again."""
        if record.type == EventType.RECORDING_DELETED and record.seq >= 0:
            for ident, item in self.incidents.items():
                if item.rule_name == record.fields["rule"]:
                    self.incidents[ident] = replace(item, deleted=item.deleted + 1)

    def _apply_incident(self, record: Record) -> None:
        ident = record.fields["incident"]
        if record.type == EventType.INCIDENT_OPENED:
            self.incidents[ident] = incident_of(record)
            self.incidents_opened += 1
            return
        former = self.incidents.get(ident)
        if former is None:
            return
        if record.type == EventType.INCIDENT_CLOSED:
            self.dismissed = tuple(dict.fromkeys((*self.dismissed, *dismissed_by(former))))
            del self.incidents[ident]
        else:
            self.incidents[ident] = after_incident(former, record)
        if record.type in {EventType.INCIDENT_APPROVED, EventType.INCIDENT_LAPSED}:
            self._explain(former.ended(instants.from_text(record.fields["at"])))

    def _explain(self, ended: Ended) -> None:
        """Let what a suspension or an incident kept be explained by that, for a while."""
        kept = {key: old for key, old in self.ended_suspensions.items() if _still_explains(old, ended)}
        self.ended_suspensions = {**kept, ended.ident: ended}

    def _apply_state(self, record: Record) -> None:
        fields = record.fields
        if record.type == EventType.CLOCK_STATE:
            self.clock_doubts = self.clock_doubts.after(fields)
            return
        if record.type == EventType.POLICY_LOADED:
            self.policy_digest = fields["digest"]
            return
        self.register_facts -= set(fields.get("removed", ()))
        self.register_facts |= set(fields.get("added", ()))
        if fields.get("part", 1) == fields.get("parts", 1):
            self.register_digest = fields["digest"]

    def _apply_approval(self, record: Record) -> None:
        fields = record.fields
        if record.type == EventType.APPROVAL_GIVEN:
            digest = fields["digest"]
            self.approvals[digest] = Approval(
                digest, StoreName(fields["store"]), fields["count"], instants.from_text(fields["expires"])
            )
        elif fields["approval"] is not None:
            self.approvals.pop(fields["approval"], None)


def _still_explains(old: Ended, newer: Ended) -> bool:
    return newer.ended_at - old.ended_at <= EXPLAINS_FOR


def _open_intent(seq: int, fields: Mapping[str, Any], entry: Mapping[str, Any]) -> OpenIntent:
    stream = Stream(StoreName(fields["store"]), CameraName(entry["camera"]), Category(entry["category"]))
    directory, _, name = names.from_readable(entry["path"]).rpartition(b"/")
    return OpenIntent(
        seq=seq,
        claim=entry["claim"],
        deletion_run=fields["deletion_run"],
        recording=Recording(stream, Place(directory, name), instants.from_text(entry["start"]), Unit(entry["unit"])),
        identity_mark=entry["identity"],
        rule=entry["rule"],
        deadline=instants.from_text(entry["deadline"]),
    )
