"""One record as one line: RFC 8785 JSON in a narrow profile, whose exact bytes without LF are the leaf."""

import base64
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from retentiond.domain import instants
from retentiond.domain.errors import AuditDamagedError, StorageError
from retentiond.domain.event import Event, EventType, Record

VERSION = 1
MAX_BYTES = 65_000
"""Entries of a C2SP tlog are limited to 65,535 bytes."""

FIRST_PREV = "0" * 64
SALT_BYTES = 16
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


def format_line(event: Event, envelope: Envelope) -> tuple[bytes, Record]:
    """Return the line of `event`, without LF, and the record that reading it gives.

    An outcome that its type implies is added where it is not given. The record shares nothing with the event.

    Raises:
        StorageError: the event does not fit the profile; a bug in what made it, and nothing is written.
    """
    ts, at = _written(envelope.at)
    try:
        content = _fitted_object(event.fields, 0)
        if event.type in OUTCOME:
            content.setdefault("outcome", OUTCOME[event.type])
        fields = {
            **content,
            "v": VERSION,
            "seq": envelope.seq,
            "ts": ts,
            "type": event.type.value,
            "run": envelope.run,
            "prev": envelope.prev,
            "salt": envelope.salt,
        }
        if len(fields) != len(content) + len(ENVELOPE):
            clash = min(ENVELOPE & content.keys())
            raise _UnfitError(f"it has a field {clash!r} of its own, which is the trail's")
        line = canonical(fields)
        if len(line) > MAX_BYTES:
            raise _UnfitError(f"it has {len(line)} bytes, and {MAX_BYTES} are allowed")
    except _UnfitError as error:
        raise StorageError(
            f"audit trail: a record of type {event.type.value!r} cannot be written: {error}; report this as a bug"
        ) from error
    return line, Record(envelope.seq, at, event.type.value, content)


def format_salt(noise: bytes) -> str:
    """Return SALT_BYTES random bytes as a line has them: base64url without padding."""
    return base64.urlsafe_b64encode(noise).decode().rstrip("=")


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


@lru_cache(maxsize=16)
def _written(at: datetime) -> tuple[str, datetime]:
    """Return an instant as a line has it, and as it is read back; one batch has one instant."""
    ts = instants.to_text(at)
    return ts, instants.from_text(ts)


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


# --- the profile ------------------------------------------------------------------------------------------------


class _UnfitError(ValueError):
    """The profile does not allow a value."""


def _fitted(value: object, depth: int) -> object:
    """Return `value` made of nothing but what JSON has. Raises _UnfitError if the profile does not allow it."""
    match value:
        case None | bool():
            return value
        case str():
            return _fitted_text(value)
        case int():
            if abs(value) >= _LARGEST:
                raise _UnfitError("a number in it is 2^53 or more")
            return int(value)
        case dict() | list() | tuple() if depth == _MAX_DEPTH:
            raise _UnfitError(f"it is nested deeper than {_MAX_DEPTH} levels")
        case dict():
            return _fitted_object(value, depth)
        case list() | tuple():
            return [_fitted(item, depth + 1) for item in value]
        case _:
            raise _UnfitError(f"a value in it is a {type(value).__name__}")


def _fitted_object(fields: Mapping[str, Any], depth: int) -> dict[str, Any]:
    if not _are_our_keys(tuple(fields)):
        bad = next(key for key in fields if not _are_keys([key]))
        raise _UnfitError(f"the key {bad!r} is not of a-z, 0-9 and _")
    return {
        # Nearly all values are plain ASCII texts or small numbers, and this loop is most of what a line costs.
        key: value
        if (type(value) is str and value.isascii()) or (type(value) is int and -_LARGEST < value < _LARGEST)
        else _fitted(value, depth + 1)
        for key, value in fields.items()
    }


def _fitted_text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _UnfitError("a text in it is no UTF-8") from error
    return str.__str__(value)  # of a StrEnum the text, not the member


def _are_keys(keys: Collection[Any]) -> bool:
    """Tell whether all of `keys` are allowed; one match for all at once, in which an empty key would not show."""
    try:
        return not keys or ("" not in keys and _KEYS.fullmatch("".join(keys)) is not None)
    except TypeError:
        return False


_are_our_keys = lru_cache(maxsize=256)(_are_keys)  # what is written has few sets of keys


def _object(fields: dict[str, Any]) -> dict[str, Any]:
    if not _are_keys(fields):
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
