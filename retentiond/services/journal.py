"""Puts events on the record and keeps what they decide in step with it."""

from collections.abc import Sequence

from retentiond.domain.audit_failure import OnAuditFailure
from retentiond.domain.decisions import Decisions
from retentiond.domain.errors import MustRestartError, RetentiondError, StorageError
from retentiond.domain.event import Event, Record
from retentiond.ports import AuditTrail, DecisionCache, GapSpool, Head, Pruner


class Journal:
    """The trail and its fold, moved on together: what is decided is what is on the record.

    While the trail takes nothing, deletions may be noted in the spool instead, as far as `on_failure` allows (rule 7).
    Whatever is written next to the trail comes after what was noted. `trouble` is what the trail said when it refused
    records, until it takes some again.
    """

    def __init__(
        self,
        trail: AuditTrail,
        cache: DecisionCache,
        decisions: Decisions,
        spool: GapSpool,
        *,
        on_failure: OnAuditFailure = OnAuditFailure.HOLD,
    ) -> None:
        self._trail = trail
        self._cache = cache
        self._spool = spool
        self.decisions = decisions
        self.on_failure = on_failure
        self.failures = 0
        self.trouble: str | None = None

    def open(self) -> None:
        """Take up what a process before this one noted and could not give to the trail."""
        self.decisions.apply_noted(self._spool.noted())

    @property
    def noted(self) -> int:
        """How many records wait beside the trail until it takes them."""
        return self._spool.waiting

    def write(self, events: Sequence[Event]) -> Sequence[Record]:
        """Append `events`; durable and folded in when this returns. Raises StorageError, then nothing counts."""
        if not events:
            return ()
        try:
            self.give_back()
            records = self._trail.append([self._renumbered(event) for event in events])
        except MustRestartError:
            raise
        except RetentiondError as error:
            self.failures += 1
            self.trouble = str(error)
            self._spool.begin(size=self.decisions.seq, why=self.trouble)
            raise
        self.trouble = None
        self.decisions.apply_all(records)
        return records

    def give_back(self) -> None:
        """Put on the record what was noted while the trail took nothing. Raises StorageError: it takes nothing yet."""
        if self._spool.is_open:
            self.decisions.apply_all(self._spool.give_back(self._trail))
            self.trouble = None

    def note(self, events: Sequence[Event], why: str) -> Sequence[Record]:
        """Note what is done on a second device, because the trail takes nothing. The records have numbers below 0."""
        records = self._spool.take(events, size=self.decisions.seq, why=why)
        self.decisions.apply_noted(records)
        return records

    def write_or_note(self, events: Sequence[Event]) -> Sequence[Record]:
        """Append `events`, or note them where the trail takes nothing. For what is done already, or goes regardless.

        Raises:
            StorageError: the trail takes nothing, and `on_failure` allows no second device.
        """
        try:
            return self.write(events)
        except MustRestartError:
            raise
        except StorageError as error:
            if self.on_failure is OnAuditFailure.HOLD:
                raise
            return self.note(events, str(error))

    def prune(self, pruner: Pruner) -> Record:
        """Carry out what `pruner` has planned. Raises TryAgainError, StorageError."""
        record = pruner.carry_out(self.decisions)
        self.decisions.apply(record)
        return record

    def head(self) -> Head:
        """Return the newest durable head."""
        return self._trail.head()

    def save(self) -> None:
        """Keep the fold for the next start."""
        self._cache.save(self.decisions)

    def _renumbered(self, event: Event) -> Event:
        """Let an outcome whose intent was only noted name the number that the trail gave to that meanwhile."""
        number = event.fields.get("intent")
        if not isinstance(number, int) or number >= 0:
            return event
        intent = self.decisions.intents.get(event.fields["claim"])
        return Event(event.type, {**event.fields, "intent": None if intent is None else intent.seq})
