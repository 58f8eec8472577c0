"""Pruning: whole segments go when all in them is older than `audit.keep`, and what they add up to is kept.

The trail has a retention of its own. What stays can be verified from the kept edge of the tree on, every proof of what
stays can still be made, and certificates that were issued before stay good for ever. A segment stays, and all after it,

- while an intent in it has no outcome (I4): the record that names what is about to be deleted outlives the deletion;
- while a hold that is in force was placed, approved or extended in it, or an incident that is not closed was opened or
  decided: the record says why a recording is still there;
- while any record in it, or in one before it, or the first of the next, is younger. A clock that was behind for a while
  makes records look older than they are, and never makes them go.

A segment is followed to its last line before it goes: damage is evidence, and stays.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from retentiond.audit.kept import Base, kept_segments, read_base, write_base
from retentiond.audit.line import parse_line
from retentiond.audit.segment import Chain, Segment, begun_at, read_lines
from retentiond.audit.state import digest_of, state_to_fields
from retentiond.domain import instants
from retentiond.domain.decisions import Decisions
from retentiond.domain.errors import AuditDamagedError, StorageError, TryAgainError
from retentiond.domain.event import Event, EventType
from retentiond.durable import sync_directory

_TS = re.compile(rb'"ts":"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z)"')
_FIRST = re.compile(r"([0-9]{20})(?:\.jsonl|\.frontier|-.*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class PrunableSegment:
    """A segment that may go, and when the last record in it was written."""

    name: str
    first: int
    records: int
    size_bytes: int
    written_until: datetime


@dataclass(frozen=True, slots=True)
class PrunePlan:
    """What may go. Nothing is changed by it.

    Attributes:
        before: records written before this instant are old enough.
        segments: what goes, the oldest first; empty if nothing does.
        base: where the trail begins then; without state, note and record, which are made with the record.
        held_by: why a segment that is old enough stays, in words; empty if none has to.
    """

    before: datetime
    segments: tuple[PrunableSegment, ...]
    base: Base
    held_by: str = ""

    @property
    def records(self) -> int:
        """How many records go."""
        return sum(segment.records for segment in self.segments)


def months_before(now: datetime, months: int) -> datetime:
    """Return the instant so many calendar months earlier, on the last day of a shorter month where there is no such."""
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    for day in range(now.day, 0, -1):
        with suppress(ValueError):
            return now.replace(year=year, month=month + 1, day=day)
    raise ValueError(f"no month lies {months} months before {now}")


def plan_pruning(directory: str, before: datetime, decisions: Decisions) -> PrunePlan:
    """Work out what may go. Reads all of it, and so takes seconds; may run beside a writer, in any thread.

    Args:
        directory: of the trail.
        before: records written before this instant are old enough; trusted time less `audit.keep`.
        decisions: the fold of the trail.

    Raises:
        AuditDamagedError: something that would go is damaged.
        StorageError: it cannot be read.
    """
    base, found, held_by = read_base(directory), [], ""
    chain, latest = base.chain(), instants.EPOCH
    for segment, follower in pairwise(kept_segments(os.path.join(directory, "log"))):
        latest = max(latest, begun_at(follower))
        if latest >= before:
            break
        if any(intent.seq < follower.first for intent in decisions.intents.values()):
            held_by = f"{segment.name}: a deletion that was begun in it, or before it, is not settled"
            break
        written_until, hold = _follow(segment, chain, decisions)
        latest = max(latest, written_until)
        if chain.seq != follower.first:
            raise AuditDamagedError(f"{segment.path}: ends at record {chain.seq}, and {follower.name} follows it")
        if latest >= before:
            break
        if hold:
            held_by = f"{segment.name}: {_standing(hold, decisions)}, and this is the record of it"
            break
        size_bytes = os.path.getsize(segment.path)
        found.append(PrunableSegment(segment.name, segment.first, chain.seq - segment.first, size_bytes, latest))
        base = Base(chain.seq, chain.prev, chain.frontier)
    return PrunePlan(before, tuple(found), base, held_by)


def check_plan(plan: PrunePlan, directory: str, decisions: Decisions) -> None:
    """Look whether a plan still holds. Raises TryAgainError."""
    present = [segment.name for segment in kept_segments(os.path.join(directory, "log"))]
    planned = [segment.name for segment in plan.segments]
    if not planned:
        raise TryAgainError(f"nothing can be pruned: {plan.held_by or 'no segment is old enough'}")
    if present[: len(planned)] != planned or len(present) == len(planned):
        raise TryAgainError("other segments are there than when the plan was made; make it again")
    if any(intent.seq < plan.base.first for intent in decisions.intents.values()):
        raise TryAgainError("a deletion was begun meanwhile that is not settled; make the plan again")


def pruned_event(plan: PrunePlan, decisions: Decisions, seq: int, note: str) -> tuple[Event, Base]:
    """Return the record of a pruning, which will have the number `seq`, and what is kept then."""
    state = {**state_to_fields(decisions), "seq": seq}
    fields = {
        "min_index": plan.base.first,
        "root": plan.base.frontier.root.hex(),
        "frontier": [item.hex() for item in plan.base.frontier.to_hashes()],
        "segments": [segment.name for segment in plan.segments],
        "before": instants.to_text(plan.before),
        "state": digest_of(state),
    }
    return Event(EventType.AUDIT_PRUNED, fields), replace(plan.base, note=note, record=seq, state=state)


def carry_out(directory: str, base: Base) -> None:
    """Keep what is kept, then remove what is not. The record of it is durable. Raises StorageError."""
    write_base(directory, base)
    remove_pruned(directory)


def remove_pruned(directory: str) -> None:
    """Remove what lies before the first record that is kept: segments, their edges, and what was torn off them.

    The oldest goes first, so that at any time what is there is whole. Raises StorageError.
    """
    first = read_base(directory).first
    for place in ("log", "torn"):
        path = os.path.join(directory, place)
        try:
            gone = [name for name in sorted(os.listdir(path)) if _first_of(name) < first]
            for name in gone:
                os.unlink(os.path.join(path, name))  # noqa: TID251  a segment of the trail, never a recording
            if gone:
                sync_directory(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StorageError(f"{path}: what was pruned cannot be removed ({error.strerror})") from error


def _first_of(name: str) -> float:
    match = _FIRST.fullmatch(name)
    return float("inf") if match is None else int(match[1])


def _follow(segment: Segment, chain: Chain, decisions: Decisions) -> tuple[datetime, str]:
    """Follow a segment to its end; return when its last record was written, and what it has to stay for."""
    latest, hold, keeping = b"", "", decisions.suspensions.keys() | decisions.incidents.keys()
    for line in _whole_lines(segment):
        try:
            chain.follow(line)
        except AuditDamagedError as error:
            where = f"{segment.path}, line {chain.seq - segment.first + 1} (record {chain.seq})"
            raise AuditDamagedError(f"{where}: {error}; it is not pruned") from error
        latest = max(latest, *_TS.findall(line))
        if keeping and (b'"type":"hold.' in line or b'"type":"incident.' in line):
            named = {value for value in parse_line(line).values() if isinstance(value, str)}
            hold = hold or min(named & keeping, default="")
    return instants.from_text(latest.decode()), hold


def _standing(ident: str, decisions: Decisions) -> str:
    return f"hold {ident} is in force" if ident in decisions.suspensions else f"incident {ident} is not closed"


def _whole_lines(segment: Segment) -> Iterator[bytes]:
    held: bytes | None = None
    for line in read_lines(segment.path):  # the last item stands after the last LF
        if held is not None:
            yield held
        held = line
    if held:
        raise AuditDamagedError(f"{segment.path}: {len(held)} bytes stand after its last line; it is not pruned")
