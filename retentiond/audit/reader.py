"""Reading the trail beside its writer: from an index on, filtered, and going on as it grows."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from retentiond.audit.head import read_head
from retentiond.audit.kept import kept_segments, read_base
from retentiond.audit.line import parse_line, record_of
from retentiond.audit.segment import Segment, whole_lines
from retentiond.domain.errors import AuditDamagedError, StorageError
from retentiond.domain.event import Event, Record
from retentiond.ports import Head
from retentiond.tlog.tree import EMPTY_ROOT

POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which records are wanted; None wants all. `run` is a deletion run; `since <= written < until`."""

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
            and (self.camera is None or self.camera in cameras_in(record))
            and (self.since is None or record.at >= self.since)
            and (self.until is None or record.at < self.until)
        )

    def _claimed_in(self, record: Record) -> bool:
        return self.run is not None and str(record.fields.get("claim", "")).startswith(f"{self.run}-")


def expect_trail(log: str) -> None:
    """Make sure that the directory `log` of a trail is there.

    Raises:
        StorageError: it is not, or it is closed to this user.
    """
    try:
        os.stat(os.path.join(log, "."))
    except NotADirectoryError as error:
        raise StorageError(f"{log}: is no directory; restore what was there") from error
    except FileNotFoundError as error:
        directory = os.path.dirname(log)
        raise StorageError(
            f"{directory}: there is no audit trail yet; the daemon makes one at its first start"
        ) from error
    except OSError as error:
        raise StorageError(
            f"{log}: cannot be looked into ({error.strerror}); run the command as root or as the daemon's user"
        ) from error


def expect_attested(log: str, count: int, head: Head) -> None:
    """Make sure that `count` records are all that `head` attests, which was read before them.

    Raises:
        AuditDamagedError: they are fewer.
    """
    if count < head.size:
        raise AuditDamagedError(
            f"{log}: {count} records are there, and the head on disk attests {head.size}; see: retentiond audit verify"
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the trail as it stands there, without LF, and all its fields."""

    line: bytes
    fields: Mapping[str, Any]

    @property
    def record(self) -> Record:
        """What it says."""
        return record_of(self.fields)


def records_since(log: str, since: int = 0) -> Iterator[Record]:
    """Yield the records of the trail in the directory `log` from index `since` on, as far as it is written and kept.

    What was pruned is passed over. What is missing without that is damage.

    Raises:
        AuditDamagedError: a line is no record, or is not the one that belongs there; it says which.
        StorageError: the files cannot be read.
    """
    return (entry.record for entry in entries_since(log, since))


def entries_since(log: str, since: int = 0) -> Iterator[Entry]:
    """Yield the lines of the trail as `records_since` yields its records. Raises the same."""
    segments = kept_segments(log)
    begun = sum(segment.first <= since for segment in segments)
    number: int | None = None if begun else read_base(os.path.dirname(log)).first
    for segment in segments[max(begun - 1, 0) :]:
        if number not in {None, segment.first}:
            raise AuditDamagedError(
                f"{segment.path}: begins at record {segment.first}, and the file before it ends at {number}; "
                "see: retentiond audit verify"
            )
        number = segment.first
        try:
            for line in whole_lines(segment.path):
                if number >= since:
                    yield _entry(line, segment, number)
                number += 1
        except StorageError:
            if segment.first >= read_base(os.path.dirname(log)).first:
                raise
            number = None  # it was pruned meanwhile; the next one begins anew


def follow(log: str, since: int, stopping: Callable[[], bool], *, poll_s: float = POLL_S) -> Iterator[Record]:
    """Yield the records from index `since` on, and those that come after, until `stopping`.

    Raises:
        AuditDamagedError: as `records_since`.
        StorageError: as `records_since`.
    """
    seen: tuple[str, int] | None = None
    while not stopping():
        now_seen = _extent(log)
        if now_seen != seen:
            for record in records_since(log, since):
                if stopping():
                    return
                since = record.seq + 1
                yield record
            seen = now_seen
        else:
            time.sleep(poll_s)


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

    def keep_head(self) -> None:
        pass

    def records(self, since: int = 0) -> Iterator[Record]:
        return records_since(self._log, since)


def _extent(log: str) -> tuple[str, int] | None:
    """Return the last segment and its length, which tell whether the trail has grown."""
    segments = kept_segments(log)
    if not segments:
        return None
    try:
        return segments[-1].path, os.stat(segments[-1].path).st_size
    except OSError as error:
        raise StorageError(f"{segments[-1].path}: cannot be looked at ({error.strerror})") from error


def _entry(line: bytes, segment: Segment, number: int) -> Entry:
    try:
        fields = parse_line(line)
        if fields["seq"] != number:
            raise AuditDamagedError(f"its number is {fields['seq']}")
    except AuditDamagedError as error:
        where = f"{segment.path}, line {number - segment.first + 1} (record {number})"
        raise AuditDamagedError(f"{where}: {error}; see: retentiond audit verify") from error
    return Entry(line, fields)


def cameras_in(record: Record) -> set[str]:
    """Return the cameras that a record is about, as their recorders call them."""
    fields: Mapping[str, Any] = record.fields
    found = {str(fields["camera"])} if "camera" in fields else set()
    rec = fields.get("rec")
    if isinstance(rec, dict):
        found.add(str(rec.get("camera")))
    for item in fields.get("recordings", ()) if isinstance(fields.get("recordings"), list) else ():
        found.add(str(item.get("camera")))
    return found
