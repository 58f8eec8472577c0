"""Incidents: footage recorded while a room was prohibited, until two persons have decided about it (ADR 0024).

An incident is found by the daemon. While nobody has decided, deletion of its footage is suspended, for so long at most
and no longer, and the footage is listed nowhere. One person decides, another agrees; then it is deleted at once.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from retentiond.domain import instants
from retentiond.domain.recording import Recording
from retentiond.domain.rule import DeletionRule, RoomId
from retentiond.domain.starts import MAX_RECORDING
from retentiond.domain.suspension import Ended, Reach
from retentiond.domain.violation import Violation, before

NOTIFY_WITHIN = timedelta(hours=72)
"""So long after it became known the supervisory authority is to be told of a breach (GDPR, article 33)."""

SUSPENDED_FOR = timedelta(days=30)
"""So long after it was found an incident suspends deletion at most, while nobody has decided (ADR 0024)."""

ENDS_SOON = timedelta(days=7)
"""An incident that ends within this without a decision is told anew."""


class Verdict(StrEnum):
    """What two persons can decide about the footage of an incident."""

    DELETE = "delete"
    DISMISS = "dismiss"


class Stage(StrEnum):
    """How far an incident is."""

    OPEN = "open"
    DECIDED = "decided"
    DELETING = "deleting"
    LAPSED = "lapsed"


class Change(StrEnum):
    """Why an incident covers something else than before."""

    REGISTER = "register"
    RUNNING = "running"
    FOOTAGE = "footage"


@dataclass(frozen=True, slots=True)
class Ruling:
    """What a person decided, why, and what was decided about telling the authority; `count` and `digest` say of what.

    `scope` is what the register in force then says was a violation, among what the incident covers.
    """

    verdict: Verdict
    why: str
    notification: str
    actor: str
    at: datetime
    count: int
    digest: str
    scope: tuple[Reach, ...]


@dataclass(frozen=True, slots=True)
class Incident:
    """Footage of one room. `parts` only ever grow, but for what begins after the violation was over.

    Attributes:
        deleted: how much of what was ruled on is deleted, on the record.
        approved_at: when another person agreed; what is decided is being done since.
        lapsed_at: when it came to its end without that.
    """

    ident: str
    room: RoomId
    found_at: datetime
    ends_at: datetime
    parts: tuple[Violation, ...]
    ruling: Ruling | None = None
    approved_at: datetime | None = None
    lapsed_at: datetime | None = None
    deleted: int = 0

    @property
    def stage(self) -> Stage:
        """How far it is."""
        if self.approved_at is not None:
            return Stage.DELETING
        if self.lapsed_at is not None:
            return Stage.LAPSED
        return Stage.OPEN if self.ruling is None else Stage.DECIDED

    @property
    def undecided(self) -> bool:
        """Whether two persons still have to decide, in time."""
        return self.stage in {Stage.OPEN, Stage.DECIDED}

    @property
    def notify_by(self) -> datetime:
        """The end of the 72 hours of article 33."""
        return self.found_at + NOTIFY_WITHIN

    @property
    def effective_until(self) -> datetime:
        """From this instant on it suspends nothing."""
        return self.ends_at

    @property
    def held(self) -> tuple[Violation, ...]:
        """What it is about: up to the decision, or its end, once there is one; later footage is another incident."""
        if self.approved_at is not None and self.ruling is not None:
            return before(self.parts, self.ruling.at)
        return self.parts if self.lapsed_at is None else before(self.parts, self.lapsed_at)

    @property
    def reach(self) -> tuple[Reach, ...]:
        """What it covers. None of it is listed anywhere before the incident is closed."""
        if self.approved_at is not None and self.ruling is not None:
            return self.ruling.scope
        return tuple(item.reach for item in self.held)

    @property
    def devices(self) -> tuple[str, ...]:
        """The ids of the devices whose footage it is about."""
        return tuple(sorted({item.device for item in self.parts}))

    @property
    def rule_name(self) -> str:
        """What the records of its deletions name as the rule. No rule of a configuration can be called so."""
        return f"incident {self.ident}"

    @property
    def goes(self) -> bool:
        """Whether two persons decided that its footage is deleted."""
        return self.approved_at is not None and self.ruling is not None and self.ruling.verdict is Verdict.DELETE

    def in_force(self, now: datetime) -> bool:
        """Tell whether it suspends deletion at `now`."""
        return self.undecided and now < self.ends_at

    def covers(self, recording: Recording, now: datetime) -> bool:
        """Tell whether `recording` may not be deleted at `now` because of this incident."""
        return self.in_force(now) and any(item.covers(recording) for item in self.reach)

    def runs_into(self, recording: Recording, written: datetime | None, now: datetime) -> bool:
        """Tell whether `recording` began before a violation and was still being recorded when that began."""
        return self.reached_by(recording, written, now) is not None

    def reached_by(self, recording: Recording, written: datetime | None, now: datetime) -> Violation | None:
        """Return the violation that `recording` ran into, None if there is none or the incident suspends nothing."""
        if written is None or not self.in_force(now):
            return None
        ended = min(written, recording.start + MAX_RECORDING)
        for item in self.parts:
            if item.begins and recording.start < item.reach.since < ended and item.reach.selects(recording.stream):
                return item
        return None

    def rule_for(self, recording: Recording, margin: timedelta) -> DeletionRule | None:
        """Return the rule by which `recording` is due since another person agreed that it goes, and not earlier.

        Its deadline is a margin later. None as long as nobody has.
        """
        if self.approved_at is None or not self.goes:
            return None
        return DeletionRule(self.rule_name, frozenset(), self.approved_at + margin - recording.start)

    def still_agrees(self, found: int, digest: str) -> bool:
        """Tell whether what is left of its scope can be what was ruled on: never more, and the same if it is whole."""
        if self.ruling is None or found + self.deleted > self.ruling.count:
            return False
        return found < self.ruling.count or digest == self.ruling.digest

    def ended(self, at: datetime) -> Ended:
        """Return what explains, when it suspends nothing any more, what fell due while it did."""
        return Ended(self.ident, tuple(item.reach for item in self.parts), self.found_at, at, None)


def returned(item: Incident, at: datetime) -> Incident:
    """Return an incident about which somebody has to decide anew, since its facts are others; for 72 hours at least."""
    ends = max(item.ends_at, at + NOTIFY_WITHIN)
    return replace(item, ruling=None, approved_at=None, lapsed_at=None, ends_at=ends)


def digest_of(recordings: Iterable[Recording]) -> str:
    """Return the SHA-256 that names exactly these recordings."""
    state = hashlib.sha256(b"retentiond incident v1\n")
    for line in sorted(_line_of(item) for item in recordings):
        state.update(line.encode() + b"\n")
    return state.hexdigest()


def _line_of(recording: Recording) -> str:
    stream, start = recording.stream, instants.to_ms(recording.start)
    fields = [stream.store, start, recording.unit, stream.camera, stream.category, str(recording.place)]
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
