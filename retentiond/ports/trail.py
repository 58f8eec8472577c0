"""The audit trail as services write and read it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from retentiond.domain.decisions import Decisions
from retentiond.domain.event import Event, Record


@dataclass(frozen=True, slots=True)
class Head:
    """Size and root of the trail, over durable lines only (I3). `origin` is the name of the trail in the world."""

    size: int
    root: bytes
    signed: bool
    origin: str = ""


class AuditTrail(Protocol):
    """The append-only record. One writer."""

    def append(self, events: Sequence[Event]) -> Sequence[Record]:
        """Write the events in order; they are durable when this returns.

        Raises:
            StorageError: the trail cannot be written. Nothing of the batch counts, nothing may be deleted on it.
        """
        ...

    def head(self) -> Head:
        """Return the newest head that covers durable lines only."""
        ...

    def keep_head(self) -> None:
        """Let others find the newest head, if `append` has put that off. Cheap; called at each tick. Never raises."""
        ...

    def records(self, since: int = 0) -> Iterator[Record]:
        """Yield the records from index `since` on. Raises AuditDamagedError at a line that is none."""
        ...


class Pruner(Protocol):
    """Lets the trail forget whole segments that are older than records have to be kept."""

    def plan(self, now: datetime, decisions: Decisions) -> int:
        """Work out what may go, and return how many records that is. `now` is trusted time.

        Reads all that may go, and so takes seconds; may run in another thread, on decisions that nobody changes.

        Raises:
            AuditDamagedError: something that would go is damaged. Damage is evidence, and stays.
            StorageError: it cannot be read.
        """
        ...

    def carry_out(self, decisions: Decisions) -> Record:
        """Put what was planned on the record, keep what it adds up to, and remove it. `decisions` is the whole fold.

        Raises:
            TryAgainError: there is nothing to prune, or something changed since it was planned.
            StorageError: it cannot be put on the record or kept; nothing was removed.
        """
        ...


class GapSpool(Protocol):
    """Notes what is done while the trail takes nothing, and gives it to the trail afterwards (rule 7)."""

    @property
    def is_open(self) -> bool:
        """Whether there is a time in which the trail took nothing, and that it does not know of yet."""
        ...

    @property
    def waiting(self) -> int:
        """How many events the trail does not know of yet."""
        ...

    def begin(self, *, size: int, why: str) -> None:
        """Note that the trail takes nothing now, unless that is noted already. Never raises."""
        ...

    def noted(self) -> Sequence[Record]:
        """Return them in order, with numbers below 0."""
        ...

    def take(self, events: Sequence[Event], *, size: int, why: str) -> Sequence[Record]:
        """Note events; never raises. `size` is how many records the trail has, `why` what it said.

        The records have numbers below 0 until the trail gives them theirs. An `intent` may name such a number.
        """
        ...

    def give_back(self, trail: AuditTrail) -> Sequence[Record]:
        """Put the gap and all that was noted in it on the record, once each, and return the records.

        Raises:
            StorageError: the trail still takes nothing, or not all. What it has not taken stays noted.
        """
        ...


class DecisionCache(Protocol):
    """A copy of the fold beside the trail. It may be missing or old; it may not lie."""

    def load(self, trail: AuditTrail) -> Decisions:
        """Return the fold of the whole trail, from the cache where it agrees with the trail."""
        ...

    def save(self, decisions: Decisions) -> None:
        """Keep the fold. Never raises: it is only a cache."""
        ...
