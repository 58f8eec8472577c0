"""Recognises lines by their shape, so that checking a long trail need not parse every line of it.

Nearly all lines of a trail have the keys of one that came before. Once `parse_line` has found such a line good, a
regular expression is made of its keys, in which every value may be any other of one spelling: all that it matches is a
line that `parse_line` takes as well (`tests/property/test_trail_shapes.py`). What it does not match says nothing, and
is parsed. That makes a check about four times as fast.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeAlias

from retentiond.audit.line import MAX_BYTES, VERSION
from retentiond.domain.event import EventType

PARSED_ALWAYS = frozenset(
    {EventType.AUDIT_SEGMENT, EventType.AUDIT_PRUNED, EventType.AUDIT_FORKED, EventType.KEY_ROTATED}
)
"""What these say matters to a check of the trail itself."""

_MOST_LETTERS = 500_000
_MOST_DAYS = 10_000
_KNOWN_TYPE = re.compile(r"[a-z0-9_.]+", re.ASCII)

# Nothing here is ever tried a second way (`*+`, `(?>`): no file can make a match slow.
# RFC 8785, 3.2.2.2: two letters where there are two, else \u00 and lower case; nothing else is escaped.
_ESCAPE = r'\\(?:["\\bfnrt]|u00(?:0[0-7bef]|1[0-9a-f]))'
_TEXT = rf'"[^"\\\x00-\x1f]*+(?:{_ESCAPE}[^"\\\x00-\x1f]*+)*+"'
_NUMBER = r"(?:0|-?[1-9][0-9]{0,14})"  # below 2^53 by its length; the few that are longer are parsed
_SCALAR = rf"(?>{_TEXT}|{_NUMBER}|true|false|null)"
_BETWEEN = r"(?:(?<=\[)|(?<!\[),)"  # before the first item of a list nothing, before any other a comma
_ENVELOPE = {
    "v": str(VERSION),
    "seq": r"(0|[1-9][0-9]{0,14})",
    "ts": r'"([0-9]{4}-[0-9]{2}-[0-9]{2})T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{3}Z"',
    "run": rf'(?!""){_TEXT}',
    "prev": r'"([0-9a-f]{64})"',
    "salt": r'"[A-Za-z0-9_-]{21}[AQgw]"',
}

_FullMatch: TypeAlias = Callable[[str], re.Match[str] | None]


class Shapes:
    """The shapes of the lines that were parsed so far, by their type. Bounded, whatever a file holds."""

    def __init__(self) -> None:
        self._by_type: dict[str, dict[str, _FullMatch]] = {}
        self._letters = 0
        self._days: set[str] = set()
        self._last: _FullMatch = re.compile("(?!)").fullmatch  # so far nothing

    def recognise(self, line: bytes) -> tuple[int, str] | None:
        """Return `seq` and `prev` of a line that is good by its shape; None says nothing about it."""
        if len(line) > MAX_BYTES:
            return None
        try:
            text = line.decode()
        except UnicodeDecodeError:
            return None
        match = self._last(text) or self._match(text)
        if match is None:
            return None
        prev, seq, day = match.groups()
        return (int(seq), prev) if day in self._days or self._is_day(day) else None

    def learn(self, fields: Mapping[str, Any]) -> None:
        """Keep the shape of a line that `parse_line` took, unless what it says matters itself."""
        kind = fields["type"]
        if kind in PARSED_ALWAYS or not _KNOWN_TYPE.fullmatch(kind):
            return
        forms = {**_ENVELOPE, "type": f'"{re.escape(kind)}"'}
        rows = (f'"{key}":{forms.get(key) or _shape(fields[key])}' for key in sorted(fields))
        pattern = r"\{" + ",".join(rows) + r"\}"
        known = self._by_type.setdefault(kind, {})
        if pattern not in known and self._letters + len(pattern) <= _MOST_LETTERS:
            known[pattern] = re.compile(pattern).fullmatch
            self._letters += len(pattern)

    def _match(self, text: str) -> re.Match[str] | None:
        """Try the shapes that lines of this type had. What looks like its type may be another: then nothing matches."""
        begin = text.rfind('"type":"') + 8
        for fullmatch in self._by_type.get(text[begin : text.find('"', begin)], {}).values():
            match = fullmatch(text)
            if match is not None:
                self._last = fullmatch
                return match
        return None

    def _is_day(self, text: str) -> bool:
        try:
            date.fromisoformat(text)
        except ValueError:
            return False
        if len(self._days) < _MOST_DAYS:
            self._days.add(text)
        return True


def _shape(value: object) -> str:
    """Return what matches every value with the keys of this one, in the one spelling that it can have."""
    match value:
        case dict():
            return r"\{" + ",".join(f'"{key}":{_shape(value[key])}' for key in sorted(value)) + r"\}"
        case list():
            kinds = "|".join(dict.fromkeys(_shape(item) for item in value))
            return rf"\[(?:{_BETWEEN}(?>{kinds}))*+\]" if kinds else r"\[\]"
        case _:
            return _SCALAR
