"""Reading the trail beside its writer: from an index on, filtered, and going on as it grows."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from retentiond.audit.head import read_head
from retentiond.audit.line import parse_line, record_of
from retentiond.audit.segment import list_segments, read_lines
from retentiond.domain.errors import AuditDamagedError, StorageError
from retentiond.domain.event import Event, Record
from retentiond.ports import Head
from retentiond.tlog.tree import EMPTY_ROOT

POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which records are wanted; None wants all."""

    camera: str | None = None
    type: str | None = None
    run: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def wants(self, record: Record) -> bool:
        """Tell whether a record is wanted."""
        return (
            (self.type is None or record.type == self.type)
            and (self.run is None or record.fields.get("deletion_run") == self.run or self._claimed_in(record))
            and (self.camera is None or self.camera in _cameras(record.fields))
            and (self.since is None or record.at >= self.since)
            and (self.until is None or record.at < self.until)
        )

    def _claimed_in(self, record: Record) -> bool:
        return self.run is not None and str(record.fields.get("claim", "")).startswith(f"{self.run}-")


def records_since(log: str, since: int = 0) -> Iterator[Record]:
    """Yield the records of the trail in the directory `log` from index `since` on, as far as it is written.

    Raises:
        AuditDamagedError: a line is no record; it says which.
        StorageError: the files cannot be read.
    """
    segments = list_segments(log)
    begun = [segment for segment in segments if segment.first <= since]
    for segment in segments[max(len(begun) - 1, 0) :]:
        number = segment.first
        held: bytes | None = None
        for line in read_lines(segment.path):  # what stands after the last LF is being written, or torn
            if held is not None:
                if number >= since:
                    yield _record(held, segment.path, number - segment.first + 1)
                number += 1
            held = line


def follow(log: str, since: int, stopping: Callable[[], bool]) -> Iterator[Record]:
    """Yield the records from index `since` on, and those that come after, until `stopping`."""
    while not stopping():
        for record in records_since(log, since):
            since = record.seq + 1
            yield record
        time.sleep(POLL_S)


def _record(line: bytes, path: str, number: int) -> Record:
    try:
        return record_of(parse_line(line))
    except AuditDamagedError as error:
        raise AuditDamagedError(f"{path}, line {number}: {error}; see: retentiond audit verify") from error


def _cameras(fields: Any) -> set[str]:  # noqa: ANN401  the fields of a record
    found = {str(fields["camera"])} if "camera" in fields else set()
    rec = fields.get("rec")
    if isinstance(rec, dict):
        found.add(str(rec.get("camera")))
    for item in fields.get("recordings", ()) if isinstance(fields.get("recordings"), list) else ():
        found.add(str(item.get("camera")))
    return found


class TrailOnDisk:
    """`AuditTrail` for reading only, beside whoever writes it."""

    def __init__(self, log: str) -> None:
        self._log = log

    def append(self, events: Sequence[Event]) -> Sequence[Record]:
        raise StorageError(
            f"{self._log}: the audit trail was opened for reading; {len(events)} records are not written"
        )

    def head(self) -> Head:
        return read_head(os.path.dirname(self._log)) or Head(0, EMPTY_ROOT, signed=False)

    def records(self, since: int = 0) -> Iterator[Record]:
        return records_since(self._log, since)
