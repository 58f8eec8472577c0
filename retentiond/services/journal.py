"""Puts events on the record and keeps what they decide in step with it."""

from collections.abc import Sequence

from retentiond.domain.decisions import Decisions
from retentiond.domain.errors import RetentiondError
from retentiond.domain.event import Event, Record
from retentiond.ports import AuditTrail, DecisionCache, Head


class Journal:
    """The trail and its fold, moved on together: what is decided is what is on the record."""

    def __init__(self, trail: AuditTrail, cache: DecisionCache, decisions: Decisions) -> None:
        self._trail = trail
        self._cache = cache
        self.decisions = decisions
        self.failures = 0

    def write(self, events: Sequence[Event]) -> Sequence[Record]:
        """Append `events`; durable and folded in when this returns. Raises StorageError, then nothing counts."""
        if not events:
            return ()
        try:
            records = self._trail.append(events)
        except RetentiondError:
            self.failures += 1
            raise
        self.decisions.apply_all(records)
        return records

    def head(self) -> Head:
        """Return the newest durable head."""
        return self._trail.head()

    def save(self) -> None:
        """Keep the fold for the next start."""
        self._cache.save(self.decisions)
