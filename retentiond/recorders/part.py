"""One part of a path against one part of a layout: the only reading, or none.

Items of open length can share out the same bytes in several ways: `a-b-1` may be number 1 of camera `a-b`, or `b-1`
of camera `a`. The greedy expression finds the reading whose first item is longest, then its second, and so on; the
lazy one the reading with the shortest. Where both find the same, there is no other.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from retentiond.domain.names import MAX_NAME_BYTES
from retentiond.recorders.pattern import (
    TIME_FIELDS,
    AnyText,
    Camera,
    Chars,
    Choice,
    Extension,
    Item,
    Literal,
    Number,
    Part,
    TimeField,
    is_variable,
)

_NO_HIDDEN = rb"(?!\.)"
"""`..`, a trash, a half-written file and the daemon's own directory begin with a dot; no layout means them."""


@dataclass(frozen=True, slots=True)
class PartMatcher:
    """A part of a layout, compiled. Groups are named `camera`, `ext` and by the letters of time."""

    greedy: re.Pattern[bytes]
    lazy: re.Pattern[bytes] | None

    def match(self, text: bytes) -> re.Match[bytes] | None:
        """Return the only reading of `text` as a whole; None if there is none or more than one."""
        match = self.greedy.fullmatch(text)
        if match is None or self.lazy is None:
            return match
        other = self.lazy.fullmatch(text)
        return match if other is not None and other.regs == match.regs else None


@lru_cache(maxsize=4096)
def compile_part(part: Part, camera: bytes | None = None) -> PartMatcher:
    """Compile a part, for any camera or for the one that is called `camera`."""
    loose = [item for item in part if is_variable(item) and not (camera is not None and isinstance(item, Camera))]
    greedy = _expression(part, camera, b"")
    return PartMatcher(
        re.compile(greedy, re.DOTALL),
        re.compile(_expression(part, camera, b"?"), re.DOTALL) if len(loose) > 1 else None,
    )


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A text that can be read in several ways; `cameras` are the known ones that it may name."""

    cameras: tuple[bytes, ...] = ()


def match_part(
    part: Part, text: bytes, camera: bytes | None, known: Iterable[bytes]
) -> re.Match[bytes] | Ambiguous | None:
    """Return the only reading of `text`; among several, the only one with a camera that is `known`."""
    matcher = compile_part(part, camera)
    match = matcher.match(text)
    if match is not None or matcher.lazy is None or matcher.greedy.fullmatch(text) is None:
        return match
    if camera is not None:
        return Ambiguous((camera,))
    if not any(isinstance(item, Camera) for item in part):
        return Ambiguous()
    possible = tuple(name for name in known if compile_part(part, name).greedy.fullmatch(text) is not None)
    only = compile_part(part, possible[0]).match(text) if len(possible) == 1 else None
    return Ambiguous(possible) if only is None else only


def _expression(part: Part, camera: bytes | None, lazy: bytes) -> bytes:
    seen: set[str] = set()
    first = part[0]
    hidden = isinstance(first, Literal) and first.text.startswith(b".")
    return (b"" if hidden else _NO_HIDDEN) + b"".join(_item_expression(item, camera, lazy, seen) for item in part)


def _item_expression(item: Item, camera: bytes | None, lazy: bytes, seen: set[str]) -> bytes:
    match item:
        case TimeField(letter):
            return _named(letter, TIME_FIELDS[letter] + (lazy if letter == "s" else b""), seen)
        case Camera():
            return _named(item.group, _camera_expression(item, camera, lazy), seen)
        case Extension(among):
            choice = b"|".join(re.escape(text) for text in among)
            return _named("ext", choice or b"[A-Za-z0-9]{1,5}" + lazy, seen)
        case _:
            return _nameless_expression(item, lazy)


def _nameless_expression(item: Literal | Number | Chars | Choice | AnyText, lazy: bytes) -> bytes:
    match item:
        case Literal(text):
            return re.escape(text)
        case Number(padded):
            return b"(" + (b" *" + lazy if padded else b"") + b"[0-9]{1,20}" + lazy + b")"
        case Chars(alphabet, least, most):
            return b"([%s]{%d,%d}%s)" % (alphabet, least, most, lazy if least != most else b"")
        case Choice(texts):
            return b"(?:" + b"|".join(re.escape(text) for text in texts) + b")"
        case AnyText():
            return rb"([^/\x00]{0,%d}%s)" % (MAX_NAME_BYTES, lazy)


def _camera_expression(item: Camera, camera: bytes | None, lazy: bytes) -> bytes:
    if camera is not None:
        return re.escape(camera)
    if item.digits:
        return b" *[0-9]{1,10}" + lazy
    if item.alphabet:
        return b"[%s]{1,%d}%s" % (item.alphabet, MAX_NAME_BYTES, lazy)
    return rb"[^/\x00]{1,%d}%s" % (MAX_NAME_BYTES, lazy)


def _named(name: str, expression: bytes, seen: set[str]) -> bytes:
    """A field that occurs again has to say the same again."""
    if name in seen:
        return b"(?P=%s)" % name.encode()
    seen.add(name)
    return b"(?P<%s>%s)" % (name.encode(), expression)
