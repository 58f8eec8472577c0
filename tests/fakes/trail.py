"""An audit trail in memory, which takes and refuses the same events as the one on disk."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from retentiond.audit.line import FIRST_PREV, Envelope, format_line, parse_line, record_of
from retentiond.domain.errors import StorageError
from retentiond.domain.event import Event, Record
from retentiond.ports import AuditTrail, Head
from retentiond.tlog.tree import Frontier
from tests.builders import NOW


class MemoryTrail:
    """`AuditTrail` whose lines are gone with it. While `broken` is set, it cannot be written."""

    def __init__(self, now: Callable[[], datetime] = lambda: NOW) -> None:
        self.lines: list[bytes] = []
        self.broken: StorageError | None = None
        self._now = now

    def append(self, events: Sequence[Event]) -> Sequence[Record]:
        if self.broken is not None and events:
            raise self.broken
        lines, added = list(self.lines), []
        for event in events:
            prev = _leaf(lines[-1]).hex() if lines else FIRST_PREV
            salt = f"{len(lines):021d}A"
            line, record = format_line(event, Envelope(len(lines), self._now(), "run", prev, salt))
            lines.append(line)
            added.append(record)
        self.lines = lines
        return added

    def head(self) -> Head:
        return Head(len(self.lines), Frontier().extend(_leaf(line) for line in self.lines).root, signed=False)

    def keep_head(self) -> None:
        pass

    def records(self, since: int = 0) -> Iterator[Record]:
        return iter([record_of(parse_line(line)) for line in self.lines[since:]])


def _leaf(line: bytes) -> bytes:
    return hashlib.sha256(b"\0" + line).digest()


class RefusingTrail:
    """Another trail that refuses records while `refusal` is set, from the `grace`th batch on."""

    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail
        self.refusal: StorageError | None = None
        self.grace = 0

    def refuse(self, *, after: int = 0) -> None:
        """Refuse whatever comes, `after` so many batches that are still taken."""
        self.refusal = StorageError("log: cannot be written; make room")
        self.grace = after

    def append(self, events: Sequence[Event]) -> Sequence[Record]:
        if self.refusal is not None and events:
            if self.grace <= 0:
                raise self.refusal
            self.grace -= 1
        return self._trail.append(events)

    def head(self) -> Head:
        return self._trail.head()

    def keep_head(self) -> None:
        self._trail.keep_head()

    def records(self, since: int = 0) -> Iterator[Record]:
        return self._trail.records(since)
