"""One record as one line: RFC 8785 JSON in a narrow profile, whose exact bytes without LF are the leaf."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from retentiond.domain import instants
from retentiond.domain.errors import AuditDamagedError, StorageError
from retentiond.domain.event import Event, Record

VERSION = 1
MAX_BYTES = 65_000
"""Entries of a C2SP tlog are limited to 65,535 bytes."""

FIRST_PREV = "0" * 64
ENVELOPE = frozenset({"v", "seq", "ts", "type", "run", "prev", "salt"})
_KEY = re.compile(r"[a-z0-9_]+", re.ASCII)
_LARGEST = 1 << 53


@dataclass(frozen=True, slots=True)
class Envelope:
    """What the trail adds to an event.

    `prev` is the leaf hash of the line before in hex, 64 zeros at 0. `salt` keeps a leaf hash from telling a guessable
    line after that line was pruned.
    """

    seq: int
    at: datetime
    run: str
    prev: str
    salt: str


def format_line(event: Event, envelope: Envelope) -> bytes:
    """Return the line of `event`, without LF.

    Raises:
        StorageError: the event does not fit the profile; a bug in what made it, and nothing is written.
    """
    fields = {
        "v": VERSION,
        "seq": envelope.seq,
        "ts": instants.to_text(envelope.at),
        "type": event.type.value,
        "run": envelope.run,
        "prev": envelope.prev,
        "salt": envelope.salt,
        **event.fields,
    }
    clash = ENVELOPE & event.fields.keys()
    wrong = f"its own field {min(clash)!r}" if clash else _unfit(fields)
    if wrong is None:
        line = canonical(fields)
        if len(line) <= MAX_BYTES:
            return line
        wrong = f"{len(line)} bytes"
    raise StorageError(f"audit trail: a record of type {event.type.value!r} cannot be written: {wrong}")


def canonical(fields: Mapping[str, Any]) -> bytes:
    """Return RFC 8785 bytes; within the profile the standard library's writer makes exactly these."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def parse_line(line: bytes) -> dict[str, Any]:
    """Return the fields of a line, without LF.

    Raises:
        AuditDamagedError: it is not what `format_line` writes, to the byte.
    """
    try:
        fields = json.loads(line)
        if not isinstance(fields, dict) or _unfit(fields) is not None or canonical(fields) != line:
            raise AuditDamagedError("it is not in canonical form")
        if fields.keys() < ENVELOPE or fields["v"] != VERSION:
            raise AuditDamagedError("it lacks a field that every record has, or is of another version")
        instants.from_text(fields["ts"])
        if type(fields["seq"]) is not int or not isinstance(fields["type"], str):
            raise AuditDamagedError("its number or type is of the wrong kind")
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise AuditDamagedError("it is no record in canonical JSON") from error
    return fields


def record_of(fields: Mapping[str, Any]) -> Record:
    """Return the record that the fields of a line make."""
    content = {key: value for key, value in fields.items() if key not in ENVELOPE}
    return Record(fields["seq"], instants.from_text(fields["ts"]), fields["type"], content)


def _unfit(value: object) -> str | None:
    """Return what in `value` the profile does not allow, None if all of it fits."""
    match value:
        case None | bool():
            return None
        case int():
            return None if abs(value) < _LARGEST else "a number beyond 2^53"
        case str():
            return None if value.isascii() or _is_utf8(value) else "a text that is no UTF-8"
        case list() | tuple():
            return next((wrong for item in value if (wrong := _unfit(item)) is not None), None)
        case dict():
            bad = next((key for key in value if not isinstance(key, str) or not _KEY.fullmatch(key)), None)
            if bad is not None:
                return f"the key {bad!r}"
            return next((wrong for item in value.values() if (wrong := _unfit(item)) is not None), None)
        case _:
            return f"a value of type {type(value).__name__}"


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
