"""The writer: records are durable when it returns, and heads are exposed over durable lines only (I3)."""

import base64
import ctypes
import errno
import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from retentiond.audit.head import write_head
from retentiond.audit.keys import remember_key
from retentiond.audit.line import Envelope, format_line, record_of
from retentiond.audit.reader import records_since
from retentiond.audit.recovery import Opened, open_last_segment
from retentiond.audit.segment import Chain, Segment, root_of, save_frontier
from retentiond.domain.errors import DurabilityLostError, StorageError, TryAgainError
from retentiond.domain.event import Event, EventType, Record
from retentiond.durable import sync_directory
from retentiond.ports import Head
from retentiond.tlog.key import Signer

SEGMENT_BYTES = 64 << 20
RESERVE_BYTES = 1 << 20
HEAD_EVERY_S = 1.0
_KEEP_SIZE = 1

_Parsed = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TrailSettings:
    """What a trail is opened with. `now` is the wall clock; the order of records is their number, never their time."""

    directory: str
    origin: str
    now: Callable[[], datetime]
    signer: Signer | None = None
    run: str = ""
    opening: tuple[tuple[str, str], ...] = ()


@contextmanager
def open_trail(settings: TrailSettings) -> Iterator["Trail"]:
    """Open the trail for writing, mend a torn tail, and put `audit.open` on the record.

    Raises:
        TryAgainError: another process writes it.
        AuditDamagedError: lines below the newest head are damaged. They are never mended.
        StorageError: it cannot be read or written.
    """
    log = os.path.join(settings.directory, "log")
    try:
        os.makedirs(log, mode=0o750, exist_ok=True)
        lock = os.open(os.path.join(settings.directory, "origin.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    except OSError as error:
        raise StorageError(f"{settings.directory}: the audit trail cannot be made ({error.strerror})") from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise TryAgainError(f"{settings.directory}: another process writes the audit trail") from error
        opened = open_last_segment(settings.directory, log)
        trail = Trail(settings, opened)
        try:
            trail.begin()
            yield trail
        finally:
            trail.close()
    finally:
        os.close(lock)


class Trail:
    """`AuditTrail` on disk."""

    def __init__(self, settings: TrailSettings, opened: Opened) -> None:
        self._settings = settings
        self._segment: Segment = opened.segment
        self._chain: Chain = opened.chain
        self._torn = opened.torn
        self._month = opened.month
        self._run = settings.run or secrets.token_hex(16)
        self._file = -1
        self._end = 0
        self._reserved = 0
        self._head = Head(opened.chain.seq, root_of(opened.chain), signed=settings.signer is not None)
        self._head_written_at = 0.0
        self._head_is_stale = True

    # --- life -------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Open the last segment for appending, and put on the record that a writer began and what it mended."""
        self._open_file(create=self._chain.seq == 0)
        first = Event(EventType.AUDIT_OPEN, {"origin": self._settings.origin, **dict(self._settings.opening)})
        events = [first]
        if self._torn is not None:
            events.append(Event(EventType.AUDIT_RECOVERED, {"bytes": self._torn.size, "sha256": self._torn.sha256}))
        if self._settings.signer is not None:
            remember_key(self._settings.directory, self._settings.signer, self._chain.seq)
        self.append(events)
        self.publish()

    def close(self) -> None:
        """Keep the newest head and let go of the file."""
        if self._file >= 0:
            try:
                if self._head_is_stale:
                    self.publish()
            finally:
                os.close(self._file)
                self._file = -1

    # --- the port ---------------------------------------------------------------------------------------------

    def append(self, events: Sequence[Event]) -> Sequence[Record]:
        if not events:
            return ()
        now = self._settings.now()
        self._check_file()
        if self._is_full(now):
            self._next_segment(now)
        lines, parsed, chain = self._format(events, now)
        self._write(b"".join(line + b"\n" for line in lines))
        self._chain = chain
        self._head = Head(chain.seq, root_of(chain), signed=self._settings.signer is not None)
        self._head_is_stale = True
        if time.monotonic() - self._head_written_at >= HEAD_EVERY_S:
            self.publish()
        return [record_of(fields) for fields in parsed]

    def head(self) -> Head:
        return self._head

    def records(self, since: int = 0) -> Iterator[Record]:
        return records_since(os.path.join(self._settings.directory, "log"), since)

    def publish(self) -> None:
        """Write the newest head beside the trail. It can be made again from the lines, so it may lag a second."""
        write_head(self._settings.directory, self._settings.origin, self._head, self._settings.signer)
        self._head_written_at = time.monotonic()
        self._head_is_stale = False

    # --- lines ------------------------------------------------------------------------------------------------

    def _format(self, events: Sequence[Event], now: datetime) -> tuple[list[bytes], list[_Parsed], Chain]:
        """Return the lines of `events`, their fields, and the chain after them; nothing of it counts yet."""
        chain = Chain(self._chain.seq, self._chain.prev, self._chain.frontier)
        lines, parsed = [], []
        for event in events:
            salt = base64.urlsafe_b64encode(os.urandom(16)).decode().rstrip("=")
            line = format_line(event, Envelope(chain.seq, now, self._run, chain.prev, salt))
            parsed.append(chain.follow(line))
            lines.append(line)
        return lines, parsed, chain

    # --- the file ---------------------------------------------------------------------------------------------

    def _write(self, data: bytes) -> None:
        """Append `data` and make it durable, or leave the file as it was."""
        self._reserve(len(data))
        try:
            written = os.write(self._file, data)
            if written != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._cut_back()
            raise StorageError(f"{self._segment.path}: cannot be written ({error.strerror}); make room") from error
        try:
            os.fdatasync(self._file)
        except OSError as error:
            raise DurabilityLostError(
                f"{self._segment.path}: a sync failed ({error.strerror}); read it back"
            ) from error
        self._end += len(data)

    def _cut_back(self) -> None:
        """Take off what a write that failed has left, so that the next one begins at a line."""
        try:
            os.ftruncate(self._file, self._end)
        except OSError as error:
            raise DurabilityLostError(f"{self._segment.path}: cannot be cut back ({error.strerror})") from error

    def _reserve(self, size: int) -> None:
        """Hold room for what comes next, beyond the end of the file, so that a full disk does not stop deletion.

        Where the file system cannot, or is full already, the write itself tells.
        """
        need = self._end + size
        if need + RESERVE_BYTES // 2 <= self._reserved:
            return
        libc = ctypes.CDLL(None, use_errno=True)
        length = size + RESERVE_BYTES
        done = libc.fallocate(self._file, _KEEP_SIZE, ctypes.c_long(self._end), ctypes.c_long(length))
        if done == 0:
            self._reserved = self._end + length

    def _check_file(self) -> None:
        """Refuse to go on writing into a file that has been deleted or replaced under its name."""
        try:
            ours, named = os.fstat(self._file), os.stat(self._segment.path, follow_symlinks=False)
        except OSError as error:
            raise StorageError(f"{self._segment.path}: has gone while it was written ({error.strerror})") from error
        if ours.st_nlink == 0 or not os.path.samestat(ours, named):
            raise StorageError(
                f"{self._segment.path}: was replaced while it was written; restart the daemon and verify"
            )
        if ours.st_size != self._end:
            raise StorageError(f"{self._segment.path}: somebody else changed its length; restart the daemon and verify")

    def _is_full(self, now: datetime) -> bool:
        return self._chain.seq > 0 and (self._end >= SEGMENT_BYTES or _month(now) > self._month)

    def _next_segment(self, now: datetime) -> None:
        """Begin a segment: its first line states the size and root of all before, so it can be checked alone."""
        former, segment = self._segment, Segment(self._segment.directory, self._chain.seq)
        save_frontier(segment, self._chain)
        os.close(self._file)
        self._segment, self._month = segment, _month(now)
        self._open_file(create=True)
        fields = {
            "previous": os.path.basename(former.path),
            "size": self._chain.seq,
            "root": root_of(self._chain).hex(),
        }
        lines, _, chain = self._format([Event(EventType.AUDIT_SEGMENT, fields)], now)
        self._write(lines[0] + b"\n")
        self._chain = chain

    def _open_file(self, *, create: bool) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_CREAT if create else 0)
        try:
            self._file = os.open(self._segment.path, flags, 0o640)
            self._end = os.fstat(self._file).st_size
            self._reserved = 0
            if create:
                sync_directory(self._segment.directory)
        except OSError as error:
            raise StorageError(f"{self._segment.path}: cannot be opened ({error.strerror})") from error


def _month(instant: datetime) -> tuple[int, int]:
    utc = instant.astimezone(UTC)
    return utc.year, utc.month
