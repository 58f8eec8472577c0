"""One record as one line: RFC 8785 JSON in a narrow profile, whose exact bytes without LF are the leaf."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from retentiond.domain import instants
from retentiond.domain.errors import AuditDamagedError, StorageError
from retentiond.domain.event import Event, EventType, Record

VERSION = 1
MAX_BYTES = 65_000
"""Entries of a C2SP tlog are limited to 65,535 bytes."""

FIRST_PREV = "0" * 64
ENVELOPE = frozenset({"v", "seq", "ts", "type", "run", "prev", "salt"})
OUTCOME = {
    EventType.RECORDING_DELETED: "success",
    EventType.DELETION_FAILED: "failure",
    EventType.DELETION_VOID: "failure",
}
_LARGEST = 1 << 53
_MAX_DEPTH = 16
_KEYS = re.compile(r"[a-z0-9_]+", re.ASCII)
_TS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
_PREV = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SALT = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]", re.ASCII)  # 16 bytes; the last of 22 letters carries two bits


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
    """Return the line of `event`, without LF. An outcome that its type implies is added where it is not given.

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
        **({"outcome": OUTCOME[event.type]} if event.type in OUTCOME else {}),
        **event.fields,
    }
    clash = ENVELOPE & event.fields.keys()
    wrong = f"it has a field {min(clash)!r} of its own, which is the trail's" if clash else _unfit(fields, 0)
    if wrong is None:
        line = canonical(fields)
        if len(line) <= MAX_BYTES:
            return line
        wrong = f"it has {len(line)} bytes, and {MAX_BYTES} are allowed"
    raise StorageError(
        f"audit trail: a record of type {event.type.value!r} cannot be written: {wrong}; report this as a bug"
    )


def canonical(fields: Mapping[str, Any]) -> bytes:
    """Return RFC 8785 bytes; within the profile the standard library's writer makes exactly these."""
    return _ENCODER.encode(fields).encode()


def parse_line(line: bytes) -> dict[str, Any]:
    """Return the fields of a line, without LF.

    Raises:
        AuditDamagedError: it is not what `format_line` writes, to the byte.
    """
    if len(line) > MAX_BYTES:
        raise AuditDamagedError(f"it has {len(line)} bytes, and a record has at most {MAX_BYTES}")
    try:
        fields = _DECODER.decode(line.decode())
        same = canonical(fields) == line
    except (ValueError, RecursionError) as error:
        raise AuditDamagedError(f"it is no record in canonical JSON ({error})") from error
    if not isinstance(fields, dict) or not same:
        raise AuditDamagedError("it is not in canonical form")
    wrong = _wrong_envelope(fields)
    if wrong is not None:
        raise AuditDamagedError(wrong)
    return fields


def record_of(fields: Mapping[str, Any]) -> Record:
    """Return the record that the fields of a line make."""
    content = {key: value for key, value in fields.items() if key not in ENVELOPE}
    return Record(fields["seq"], instants.from_text(fields["ts"]), fields["type"], content)


def _wrong_envelope(fields: Mapping[str, Any]) -> str | None:
    """Return what is wrong with the fields that every record has, None if nothing is."""
    if not fields.keys() >= ENVELOPE:
        return f"it lacks the field {min(ENVELOPE - fields.keys())!r}, which every record has"
    if type(fields["v"]) is not int or fields["v"] != VERSION:
        return f"it is of version {fields['v']!r}, and this program reads version {VERSION}"
    if type(fields["seq"]) is not int or fields["seq"] < 0:
        return f"its number {fields['seq']!r} is none"
    texts = {"ts": _TS, "prev": _PREV, "salt": _SALT, "type": _ANY, "run": _ANY}
    for key, form in texts.items():
        if not isinstance(fields[key], str) or not form.fullmatch(fields[key]):
            return f"its field {key!r} does not have the form that it has in every record"
    try:
        instants.from_text(fields["ts"])
    except ValueError:
        return f"its time {fields['ts']!r} is none"
    return None


def _unfit(value: object, depth: int) -> str | None:
    """Return what in `value` the profile does not allow, None if all of it fits."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, str):
        return None if value.isascii() or _is_utf8(value) else "a text in it is no UTF-8"
    if isinstance(value, int):
        return None if abs(value) < _LARGEST else "a number in it is 2^53 or more"
    if depth == _MAX_DEPTH:
        return f"it is nested deeper than {_MAX_DEPTH} levels"
    if isinstance(value, dict):
        bad = next((key for key in value if not isinstance(key, str) or not _KEYS.fullmatch(key)), None)
        return f"the key {bad!r} is not of a-z, 0-9 and _" if bad is not None else _first_unfit(value.values(), depth)
    if isinstance(value, list | tuple):
        return _first_unfit(value, depth)
    return f"a value in it is a {type(value).__name__}"


def _first_unfit(values: Iterable[object], depth: int) -> str | None:
    for value in values:
        wrong = _unfit(value, depth + 1)
        if wrong is not None:
            return wrong
    return None


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _object(fields: dict[str, Any]) -> dict[str, Any]:
    # One match for all keys at once; an empty key would not show in it.
    if fields and ("" in fields or not _KEYS.fullmatch("".join(fields))):
        raise ValueError("a key in it is not of a-z, 0-9 and _")
    return fields


def _integer(text: str) -> int:
    number = int(text)
    if abs(number) >= _LARGEST:
        raise ValueError("a number in it is 2^53 or more")
    return number


def _no_float(text: str) -> float:
    raise ValueError(f"{text[:30]} in it is no whole number")


_ANY = re.compile(r".+", re.DOTALL)
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_DECODER = json.JSONDecoder(object_hook=_object, parse_int=_integer, parse_float=_no_float, parse_constant=_no_float)
