"""The writer: records are durable when it returns, and heads are exposed over durable lines only (I3).

The order is reserve, intent, fsync, act, outcome, fsync, sign, expose. Room for the outcomes is held before an intent
is taken, so a disk that fills up never leaves a deletion without its outcome.
"""

import fcntl
import math
import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from retentiond.audit.head import Attested, format_head, keep_origin, write_head
from retentiond.audit.keys import Signers
from retentiond.audit.line import SALT_BYTES, Envelope, format_line, format_salt
from retentiond.audit.prune import PrunePlan, carry_out, check_plan, pruned_event, remove_pruned
from retentiond.audit.reader import records_since
from retentiond.audit.recovery import Opened, open_last_segment
from retentiond.audit.rotation import KeyRing
from retentiond.audit.segment import Chain, Segment, save_frontier
from retentiond.audit.segment_file import RESERVE_BYTES, SegmentFile, open_segment_file
from retentiond.domain.decisions import Decisions
from retentiond.domain.errors import MustRestartError, StorageError, TryAgainError
from retentiond.domain.event import Event, EventType, Record
from retentiond.durable import replace_file, sync_directory
from retentiond.ports import Head
from retentiond.tlog.key import Signer

SEGMENT_BYTES = 64 << 20
HEAD_EVERY_S = 1.0
OUTCOME_BYTES = 600
"""So much longer than the entry in its intent an outcome may get, with everything that the trail adds."""


@dataclass(frozen=True, slots=True)
class TrailSettings:
    """What a trail is opened with.

    Attributes:
        directory: where it lies; made if it is not there.
        origin: its name in the world, which it keeps for life.
        now: the wall clock; the order of records is their number, never their time.
        signer: signs heads; None leaves them unsigned.
        next_signer: will take its place; until then both sign (`rotation.py`).
        run: the id of this run of the daemon; empty makes one.
        opening: further fields of `audit.open`, such as the version and the boot id.
        before_opening: goes on the record before `audit.open`.
        attested: heads that others keep, such as a witness: nothing below them is ever mended.
        random_bytes: where salts come from.
        segment_bytes: a segment of this size is followed by another.
    """

    directory: str
    origin: str
    now: Callable[[], datetime]
    signer: Signer | None = None
    next_signer: Signer | None = None
    run: str = ""
    opening: tuple[tuple[str, str], ...] = ()
    before_opening: tuple[Event, ...] = ()
    attested: tuple[Attested, ...] = ()
    random_bytes: Callable[[int], bytes] = os.urandom
    segment_bytes: int = SEGMENT_BYTES


@contextmanager
def open_trail(settings: TrailSettings) -> Iterator["Trail"]:
    """Open the trail for writing, mend a torn tail, and put `audit.open` on the record.

    On a disk that takes nothing now, the trail is open all the same: `audit.open` goes before the first record that can
    be written.

    Raises:
        TryAgainError: another process writes it.
        ConfigurationError: it has another origin.
        AuditDamagedError: lines below the newest head are damaged. They are never mended.
        StorageError: it cannot be read, or is new and cannot be written.
    """
    log = os.path.join(settings.directory, "log")
    lock = lock_trail(settings.directory, log)
    try:
        keep_origin(settings.directory, settings.origin)
        opened = open_last_segment(settings.directory, log, settings.now(), settings.attested)
        file = open_segment_file(opened.segment.path, opened.size_bytes, create=opened.chain.seq == 0)
        trail = Trail(settings, opened, file)
        try:
            trail.begin()
            yield trail
        finally:
            trail.close()
    finally:
        os.close(lock)


def lock_trail(directory: str, log: str) -> int:
    """Make the directories if they are not there, and take the lock of the one writer; closing the result lets it go.

    Raises:
        TryAgainError: another process writes the trail.
        StorageError: it cannot be made or locked.
    """
    try:
        for made in (directory, log):
            if not os.path.isdir(made):
                os.makedirs(made, mode=0o750, exist_ok=True)
                sync_directory(os.path.dirname(made) or ".")
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        lock = os.open(os.path.join(directory, "origin.lock"), flags, 0o640)
    except OSError as error:
        raise StorageError(f"{directory}: the audit trail cannot be made ({error.strerror})") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        if isinstance(error, BlockingIOError):
            raise TryAgainError(
                f"{directory}: another process writes the audit trail; stop the daemon, or ask it"
            ) from error
        raise StorageError(f"{directory}: the audit trail cannot be locked ({error.strerror})") from error
    return lock


class Trail:
    """`AuditTrail` on disk."""

    def __init__(self, settings: TrailSettings, opened: Opened, file: SegmentFile) -> None:
        self._settings = settings
        self._opened = opened
        self._segment: Segment = opened.segment
        self._former = opened.former
        self._month = opened.month
        self._chain: Chain = opened.chain
        self._file = file
        self._run = settings.run or secrets.token_hex(16)
        signers = Signers(settings.signer, settings.next_signer)
        self._keys = KeyRing(settings.directory, signers, self._written_at)
        self._pending: tuple[Event, ...] = ()
        self._head = Head(opened.chain.seq, opened.chain.root, signed=False, origin=settings.origin)
        self._head_is_kept = True
        self._head_tried_at = -math.inf

    # --- life -------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Put on the record that a writer began, what it mended, and which new key signs."""
        opened, settings = self._opened, self._settings
        self._keys.open(self._chain.seq)
        self._head = self._head_of(self._chain)
        with suppress(StorageError):
            remove_pruned(settings.directory)
        if opened.head is None:
            # Recovery tells a torn end from damage by the head, so one is kept before there is anything to tear.
            self.publish()
        recovered = ({"bytes": torn.size_bytes, "sha256": torn.sha256} for torn in opened.torn)
        self._pending = (
            *settings.before_opening,
            Event(EventType.AUDIT_OPEN, {"origin": settings.origin, **dict(settings.opening)}),
            *(Event(EventType.AUDIT_RECOVERED, fields) for fields in recovered),
        )
        try:
            self._append((), settings.now())
            self._announce_keys()
        except MustRestartError:
            raise
        except StorageError:
            pass  # a full disk: what is due waits or goes as `on_failure` says, and that has to be decided elsewhere

    def close(self) -> None:
        """Keep the newest head and let go of the file."""
        if not self._head_is_kept:
            self._try_to_publish()
        self._file.close()

    # --- the port ---------------------------------------------------------------------------------------------

    def append(self, events: Sequence[Event]) -> Sequence[Record]:
        return self._append(events, self._settings.now())[1] if events else ()

    def head(self) -> Head:
        return self._head

    def keep_head(self) -> None:
        if not self._head_is_kept and time.monotonic() - self._head_tried_at >= HEAD_EVERY_S:
            self._try_to_publish()

    def records(self, since: int = 0) -> Iterator[Record]:
        return records_since(self._segment.directory, since)

    def publish(self) -> None:
        """Write the newest head beside the trail. Raises StorageError."""
        self._head_tried_at = time.monotonic()
        signers = self._keys.signers(self._settings.now(), self._head.size)
        write_head(self._settings.directory, self._settings.origin, self._head, signers)
        self._head_is_kept = True

    def prune(self, plan: PrunePlan, decisions: Decisions) -> Record:
        """Remove the segments of a plan and keep what they add up to; `decisions` is the fold of the whole trail.

        The order: the record, then what is kept, then the files. A crash in between leaves more than was to stay,
        and the next start finishes it.

        Raises:
            TryAgainError: there is nothing to prune, or something changed since the plan was made.
            StorageError: it cannot be put on the record or kept; nothing was removed.
        """
        now, directory = self._settings.now(), self._settings.directory
        self._turn_over(now)
        check_plan(plan, directory, decisions)
        if decisions.seq != self._chain.seq and not self._is_header(decisions.seq):
            raise TryAgainError("the audit trail went on meanwhile; make the plan again")
        self.publish()
        seq = self._chain.seq + len(self._pending)
        signers = self._keys.signers(now, self._chain.seq)
        note = format_head(self._settings.origin, plan.base.first, plan.base.frontier.root, signers)
        event, base = pruned_event(plan, decisions, seq, note.decode())
        (record,) = self._append([event], now)[1]
        carry_out(directory, base)
        return record

    # --- lines and heads --------------------------------------------------------------------------------------

    def _append(self, events: Sequence[Event], now: datetime) -> tuple[list[bytes], list[Record]]:
        """Write what is pending, and `events`; return the lines and records of the latter."""
        self._file.check()
        self._turn_over(now)
        lines, records, chain = self._format([*self._pending, *events], now)
        self._file.append(b"\n".join([*lines, b""]), ahead=_room_for_outcomes(events, lines))
        self._month = self._month or _month(now)
        first, self._pending = len(self._pending), ()
        self._advance(chain)
        self.keep_head()
        return lines[first:], records[first:]

    def _format(self, events: Sequence[Event], now: datetime) -> tuple[list[bytes], list[Record], Chain]:
        """Return the lines of `events`, what they will be read as, and the chain after them; nothing counts yet."""
        chain = self._chain.copy()
        lines, records = [], []
        noise = self._settings.random_bytes(SALT_BYTES * len(events))
        for number, event in enumerate(events):
            salt = format_salt(noise[SALT_BYTES * number : SALT_BYTES * (number + 1)])
            line, record = format_line(event, Envelope(chain.seq, now, self._run, chain.prev, salt))
            chain.add(line)
            lines.append(line)
            records.append(record)
        return lines, records, chain

    def _advance(self, chain: Chain) -> None:
        """Go on from `chain`, whose lines are durable."""
        self._chain = chain
        self._head = self._head_of(chain)
        self._head_is_kept = False

    def _head_of(self, chain: Chain) -> Head:
        return Head(chain.seq, chain.root, signed=self._keys.signs, origin=self._settings.origin)

    def _try_to_publish(self) -> None:
        """Write the head if that can be done now. It follows from the lines, and they are durable without it.

        On a full disk the reserve still takes lines while no file can be replaced; the head lags until it can.
        """
        with suppress(StorageError):
            self.publish()

    def _announce_keys(self) -> None:
        """Put new keys on the record, and let them sign from then on."""
        while (new := self._keys.unannounced()) is not None:
            now = self._settings.now()
            self._turn_over(now)
            before = self._chain.copy()
            (line,), _ = self._append([self._keys.announcement(new)], now)
            self._keys.accept(new, line, before.seq, before.frontier)
            self._head = self._head_of(self._chain)
            self._try_to_publish()

    def _written_at(self, seq: int) -> datetime | None:
        record = next(self.records(seq), None)
        return record.at if record is not None and record.seq == seq else None

    # --- segments ---------------------------------------------------------------------------------------------

    def _turn_over(self, now: datetime) -> None:
        """Begin a segment if the next line belongs into a new one, or if the one at hand lost its first line."""
        if self._month is None and self._chain.seq:
            self._begin_segment(now, self._segment, self._former)
        elif self._is_over(now):
            self._begin_segment(now, Segment(self._segment.directory, self._chain.seq), self._segment.name)

    def _is_over(self, now: datetime) -> bool:
        """Tell whether the next line belongs into a new segment.

        While the disk has no room for the reserve of another, the one at hand, which has its own, goes on.
        """
        over = self._month not in {None, _month(now)} or self._file.size_bytes >= self._settings.segment_bytes
        return over and _free_bytes(self._segment.directory) >= 2 * RESERVE_BYTES

    def _begin_segment(self, now: datetime, segment: Segment, previous: str) -> None:
        """Begin a segment: its first line states the size and root of all before, so it can be checked alone.

        The file appears under its name with that line in it, or not at all.
        """
        chain = self._chain
        fields = {"previous": previous, "size": chain.seq, "root": chain.root.hex()}
        lines, _, after = self._format([Event(EventType.AUDIT_SEGMENT, fields)], now)
        with suppress(StorageError):
            save_frontier(segment, chain)  # made again from the lines where it is missing
        try:
            replace_file(segment.path, lines[0] + b"\n", 0o640)
        except StorageError as error:
            if segment == self._segment or not os.path.lexists(segment.path):
                raise
            raise self._file.lose(f"{segment.path}: nobody knows whether it will last") from error
        try:
            file = open_segment_file(segment.path, len(lines[0]) + 1, create=False)
        except StorageError as error:
            raise self._file.lose(f"{segment.path}: was begun and cannot be opened") from error
        self._file.finish()
        self._file, self._segment, self._month = file, segment, _month(now)
        self._advance(after)

    def _is_header(self, seq: int) -> bool:
        """Tell whether record `seq` is the first line of the segment at hand and the last of the trail."""
        return seq == self._segment.first and seq + 1 == self._chain.seq


def _room_for_outcomes(events: Sequence[Event], lines: Sequence[bytes]) -> int:
    """Return how many bytes the outcomes of the intents among `events` may take."""
    counts = [
        len(event.fields["recordings"])
        for event in events
        if event.type == EventType.DELETION_INTENT and "recordings" in event.fields
    ]
    return sum(map(len, lines)) + OUTCOME_BYTES * sum(counts) if counts else 0


def _free_bytes(directory: str) -> int:
    try:
        status = os.statvfs(directory)
    except OSError as error:
        raise StorageError(f"{directory}: its disk cannot be looked at ({error.strerror})") from error
    return status.f_bavail * status.f_frsize


def _month(instant: datetime) -> tuple[int, int]:
    utc = instant.astimezone(UTC)
    return utc.year, utc.month
