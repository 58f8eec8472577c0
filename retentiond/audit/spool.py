"""What is done on record while the trail cannot be written, and how it gets into the trail afterwards (rule 7).

At its deadline a recording goes, also when no record of it can be made where records belong. Each event is then noted
as one line of JSON: in a file on another disk (`/run`), from which the trail takes it later, and on the second devices,
for the time in which that file may be lost. Nothing here ever stops a deletion: what no device took is counted.

When the trail takes records again, `audit.gap` says since when, how many and why, with the SHA-256 of the lines as the
second devices have them; then what was noted follows, in order, each with the id of the gap and when it was done.
"""

import hashlib
import json
import os
import secrets
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from retentiond.audit.journald import Device
from retentiond.audit.line import canonical
from retentiond.domain import instants
from retentiond.domain.errors import StorageError
from retentiond.domain.event import Event, EventType, Record
from retentiond.ports import AuditTrail

SCHEMA = "retentiond.gap/1"
MOST_HELD = 10_000
"""So many events are held in memory where the file cannot be written. What is beyond is only counted."""

_AT_ONCE = 500


@dataclass(slots=True)
class Gap:
    """A time in which the trail could not be written.

    Attributes:
        ident: names it in every line and record that belongs to it.
        size: how many records the trail had when it began.
        why: what the trail said then.
        since: when it began.
        until: when the last event was noted.
        noted: how many events were noted.
        deleted: how many of them say that a recording is gone.
        lost: how many of them neither the file nor the memory holds.
        devices: how many lines each second device took.
    """

    ident: str
    size: int
    why: str
    since: datetime
    until: datetime
    noted: int = 0
    deleted: int = 0
    lost: int = 0
    devices: Counter[str] = field(default_factory=Counter)


class Spool:
    """Notes events beside the trail, and gives them back to it. Used from one thread."""

    def __init__(self, path: str, devices: Sequence[Device], now: Callable[[], datetime]) -> None:
        self._path = path
        self._devices = tuple(devices)
        self._now = now
        self._gap: Gap | None = None
        self._digest = hashlib.sha256()
        self._newest = 0
        self._in_file = False
        self._held: list[bytes] = []

    def open(self) -> None:
        """Take up what a process before this one has noted and could not give back.

        A line that cannot be read counts as lost. Raises StorageError if the file cannot be read.
        """
        try:
            with open(self._path, "rb") as file:
                head, *lines = file.read().split(b"\n")[:-1] or [b""]
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError(f"{self._path}: cannot be read ({error.strerror})") from error
        if head or lines:
            self._in_file = True
            self._gap = _gap_of(head, self._now())
            for line in lines:
                self._count(self._gap, line)

    @property
    def is_open(self) -> bool:
        return self._gap is not None

    @property
    def waiting(self) -> int:
        return 0 if self._gap is None else self._gap.noted + self._gap.lost

    @property
    def gap(self) -> Gap | None:
        """The gap that the trail does not know of yet, None if there is none."""
        return self._gap

    def noted(self) -> list[Record]:
        """Return what the trail does not know of yet and can still be read, in order."""
        return [
            Record(-note.number, instants.from_text(note.at), note.kind.value, note.fields) for note in self._notes()
        ]

    def begin(self, *, size: int, why: str) -> None:
        if self._gap is None:
            self._begin(size, why, self._now())

    def take(self, events: Sequence[Event], *, size: int, why: str) -> list[Record]:
        """Note events that the trail cannot take. Never raises.

        The records have numbers below zero until the trail gives them theirs; `intent` may name such a number.

        Args:
            events: what is or was done.
            size: how many records the trail has.
            why: what it said.
        """
        now = self._now()
        gap = self._gap or self._begin(size, why, now)
        records = []
        for event in events:
            number = self._newest + 1
            fields = {"gap": gap.ident, "n": number, "ts": instants.to_text(now), "type": event.type.value}
            self._note(gap, canonical({**fields, "fields": dict(event.fields)}))
            records.append(Record(-number, now, event.type.value, dict(event.fields)))
        return records

    def give_back(self, trail: AuditTrail) -> list[Record]:
        """Put the gap on the record, and what was noted in it; return the records. Once each, whatever crashes.

        Raises:
            StorageError: the trail still takes nothing, or not all. What it has not taken stays noted.
        """
        gap, given = self._gap, list[Record]()
        if gap is None:
            return given
        known = [item for item in trail.records(gap.size) if item.fields.get("gap") == gap.ident]
        if not known:
            known = list(trail.append([self._gap_event(gap)]))
            given += known
        notes = self._notes()
        numbers = {note.number: item.seq for item, note in zip(known[1:], notes, strict=False)}
        batch: list[_Note] = []
        for note in notes:
            if len(batch) >= _AT_ONCE or (note.intent < 0 and -note.intent not in numbers):
                given += _append(trail, batch, numbers)
            batch.append(note)
        given += _append(trail, batch, numbers)
        self._forget()
        return given

    # --- noting -----------------------------------------------------------------------------------------------

    def _begin(self, size: int, why: str, now: datetime) -> Gap:
        self._gap = Gap(secrets.token_hex(8), size, why, now, now)
        head = {"schema": SCHEMA, "gap": self._gap.ident, "size": size, "why": why, "ts": instants.to_text(now)}
        self._in_file = self._write_file(canonical(head), begin=True)
        return self._gap

    def _note(self, gap: Gap, line: bytes) -> None:
        for device in self._devices:
            with suppress(StorageError):
                device.take(line)
                gap.devices[device.name] += 1
        # Once the file has missed a line, what follows stays in memory too, so that order is kept.
        self._in_file = self._in_file and self._write_file(line)
        if not self._in_file and len(self._held) < MOST_HELD:
            self._held.append(line)
        elif not self._in_file:
            gap.lost += 1
        self._count(gap, line)

    def _count(self, gap: Gap, line: bytes) -> None:
        note = _note_of(line)
        if note is None:
            gap.lost += 1
            return
        self._newest = note.number
        gap.noted += 1
        gap.deleted += note.kind is EventType.RECORDING_DELETED
        gap.until = instants.from_text(note.at)
        self._digest.update(line + b"\n")

    def _write_file(self, line: bytes, *, begin: bool = False) -> bool:
        """Write a line, durably where that means something; tell whether all of it is there."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | (os.O_TRUNC if begin else os.O_APPEND)
        try:
            descriptor = os.open(self._path, flags, 0o640)
            try:
                whole = os.write(descriptor, line + b"\n") == len(line) + 1
                os.fdatasync(descriptor)
            finally:
                os.close(descriptor)
        except OSError:
            return False
        return whole

    # --- giving back ------------------------------------------------------------------------------------------

    def _gap_event(self, gap: Gap) -> Event:
        return Event(
            EventType.AUDIT_GAP,
            {
                "gap": gap.ident,
                "since": instants.to_text(gap.since),
                "until": instants.to_text(gap.until),
                "noted": gap.noted,
                "deleted": gap.deleted,
                "lost": gap.lost,
                "devices": [{"name": name, "lines": count} for name, count in sorted(gap.devices.items())],
                "sha256": self._digest.hexdigest(),
                "why": gap.why,
            },
        )

    def _notes(self) -> Iterator["_Note"]:
        """Yield what was noted and can be read, in order. Raises StorageError if the file cannot be."""
        try:
            with suppress(FileNotFoundError), open(self._path, "rb") as file:
                for line in islice(file, 1, None):
                    note = _note_of(line)
                    if note is not None and line.endswith(b"\n"):
                        yield note
        except OSError as error:
            raise StorageError(f"{self._path}: what was noted there cannot be read ({error.strerror})") from error
        yield from (note for note in map(_note_of, self._held) if note is not None)

    def _forget(self) -> None:
        self._gap, self._newest, self._in_file, self._held = None, 0, False, []
        self._digest = hashlib.sha256()
        with suppress(OSError), open(self._path, "wb"):
            pass


@dataclass(frozen=True, slots=True)
class _Note:
    """One event that was noted. `intent` is that of a note below zero, or that of a record of the trail."""

    number: int
    gap: str
    at: str
    kind: EventType
    fields: dict[str, Any]

    @property
    def intent(self) -> int:
        intent = self.fields.get("intent", 0)
        return intent if isinstance(intent, int) else 0

    def event(self, numbers: Mapping[int, int]) -> Event:
        """Return the event for the trail; `numbers` are those that it gave to the notes before."""
        fields = {**self.fields, "gap": self.gap, "noted_at": self.at}
        if self.intent < 0:
            fields["intent"] = numbers.get(-self.intent)
        return Event(self.kind, fields)


def _append(trail: AuditTrail, batch: list[_Note], numbers: dict[int, int]) -> list[Record]:
    records = list(trail.append([note.event(numbers) for note in batch]))
    numbers.update((note.number, record.seq) for note, record in zip(batch, records, strict=True))
    batch.clear()
    return records


def _note_of(line: bytes) -> _Note | None:
    try:
        fields = json.loads(line)
        instants.from_text(fields["ts"])
        kind = EventType(fields["type"])
        return _Note(int(fields["n"]), fields["gap"], fields["ts"], kind, dict(fields["fields"]))
    except (ValueError, KeyError, TypeError):
        return None


def _gap_of(head: bytes, now: datetime) -> Gap:
    """Return the gap that the first line of the file names. If that cannot be read, it gets a name and is searched."""
    try:
        fields = json.loads(head)
        at = instants.from_text(fields["ts"])
        return Gap(str(fields["gap"]), int(fields["size"]), str(fields["why"]), at, at)
    except (ValueError, KeyError, TypeError):
        return Gap(
            secrets.token_hex(8), 0, "not known: the beginning of what was noted cannot be read", now, now, lost=1
        )
