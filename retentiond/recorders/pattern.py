"""The text of a layout, such as `{camera}/%Y-%m-%d/%H-%M-%S.mp4`, taken apart into items and checked.

One tuple of items stands for one part of the path. Everything is refused here that could recognise more than
its author meant: a layout decides what may be deleted.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

TIME_FIELDS = {
    "Y": b"[0-9]{4}",
    "y": b"[0-9]{2}",
    "m": b"(?:0[1-9]|1[0-2])",
    "d": b"(?:0[1-9]|[12][0-9]|3[01])",
    "j": b"(?:0[0-9][1-9]|0[1-9]0|[12][0-9]{2}|3[0-5][0-9]|36[0-6])",
    "H": b"(?:[01][0-9]|2[0-3])",
    "M": b"[0-5][0-9]",
    "S": b"(?:[0-5][0-9]|60)",
    "f": b"[0-9]{6}",
    "z": b"(?:Z|[+-](?:[01][0-9]|2[0-3])[0-5][0-9])",
    "s": b"[0-9]{1,11}",
}
"""The fields of a time and what each looks like. Only ASCII digits are digits."""

_SHORT = {"T": "%H:%M:%S", "F": "%Y-%m-%d", "R": "%H:%M"}
_TOKEN = re.compile(r"%(?P<field>.)|\{(?P<word>[^{}]*)\}|(?P<text>[^%{}]+)|(?P<stray>.)", re.DOTALL)
_WORDS = "{camera}, {any}, {number}, {ext}"


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that stands in the name as it is."""

    text: bytes


@dataclass(frozen=True, slots=True)
class TimeField:
    """One field of a time, a key of `TIME_FIELDS`."""

    letter: str


@dataclass(frozen=True, slots=True)
class Camera:
    """The name of a camera; with `digits` its number.

    Attributes:
        alphabet: the only characters that it can have, if known, as in a regular expression.
        level: for a camera whose name goes over several parts of a path, which of them this is, from 1.
    """

    digits: bool = False
    alphabet: bytes = b""
    level: int = 0

    @property
    def group(self) -> str:
        """How the part of a name that holds it is called."""
        return f"camera{self.level}" if self.level else "camera"


@dataclass(frozen=True, slots=True)
class AnyText:
    """Any text within one part of the path, also none."""


@dataclass(frozen=True, slots=True)
class Number:
    """Digits, with `padded` after any number of spaces."""

    padded: bool = False


@dataclass(frozen=True, slots=True)
class Extension:
    """One to five letters or digits; with `among` only these."""

    among: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Chars:
    """From `least` to `most` characters of an `alphabet`, which is written as in a regular expression: `0-9a-f`."""

    alphabet: bytes
    least: int
    most: int


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several texts, none of which begins another."""

    texts: tuple[bytes, ...]


Item: TypeAlias = Literal | TimeField | Camera | AnyText | Number | Extension | Chars | Choice
Part: TypeAlias = tuple[Item, ...]


NO_WORDS: Mapping[str, Item] = MappingProxyType({})


def parse_pattern(text: str, words: Mapping[str, Item] = NO_WORDS) -> tuple[Part, ...]:
    """Return the parts of a layout, checked. A recorder's own layouts may use `words` besides those for people.

    Raises:
        ValueError: it cannot be read, or it would recognise more than it says. The text tells the remedy.
    """
    if not text:
        raise ValueError("layout is empty; write one such as '{camera}/%Y-%m-%d/%H-%M-%S.mp4'")
    if text.startswith("/"):
        raise ValueError(f"layout {text!r} begins with '/'; write it relative to the path of the store")
    parts = tuple(_parse_part(part, text, words) for part in text.split("/"))
    check_parts(parts, text, whole_names=bool(words))
    return parts


def carries_time(parts: tuple[Part, ...]) -> bool:
    """Tell whether names of this layout say on which day a recording began. Less than a day is no time."""
    letters = letters_of(parts)
    return "s" in letters or (bool(letters & {"Y", "y"}) and (letters >= {"m", "d"} or "j" in letters))


def letters_of(parts: tuple[Part, ...]) -> frozenset[str]:
    """Return the fields of time that occur."""
    return frozenset(item.letter for part in parts for item in part if isinstance(item, TimeField))


def is_variable(item: Item) -> bool:
    """Tell whether an item may be of different lengths, so that it can compete with another for the same bytes."""
    if isinstance(item, Chars):
        return item.least != item.most
    return not isinstance(item, Literal | TimeField | Choice) or item == TimeField("s")


def check_parts(parts: tuple[Part, ...], text: str, *, cameras_known: bool = False, whole_names: bool = False) -> None:
    """Refuse a layout that recognises more than it says, or whose names can never be read in one way only.

    With `cameras_known`, a camera's name may touch another item of open length: the names tell where it ends. With
    `whole_names`, a name may say nothing itself: a recorder's own directory says what is in it.

    Raises:
        ValueError: with the rule and the remedy; `text` names the layout in it.
    """
    for part in parts:
        _check_part(part, text)
        _check_separation(part, text, cameras_known=cameras_known)
    _check_time(parts, text)
    if not whole_names and not _tells_something(parts):
        raise ValueError(
            f"layout {text!r} would recognise every file; add the time (%Y-%m-%d …) or an extension such as '.mp4'"
        )


def _parse_part(part: str, text: str, words: Mapping[str, Item]) -> Part:
    if part in {"", ".", ".."}:
        raise ValueError(f"layout {text!r} has an empty part, '.' or '..' in its path; remove it")
    if not part.strip("*"):
        raise ValueError(f"layout {text!r} has {part!r} in its path, and '*' means itself here; write {{any}}")
    items: list[Item] = []
    for token in _TOKEN.finditer(part):
        items.extend(_items_of(token, text, words))
    return _joined(items)


def _items_of(token: re.Match[str], text: str, words: Mapping[str, Item]) -> list[Item]:
    if token["text"] is not None:
        return [Literal(token["text"].encode("utf-8", "surrogateescape"))]
    if token["word"] is not None:
        return [words.get(token["word"]) or _word(token["word"], text)]
    letter = token["field"]
    if letter == "%":
        return [Literal(b"%")]
    if letter in TIME_FIELDS:
        return [TimeField(letter)]
    if letter in _SHORT:
        return list(_parse_part(_SHORT[letter], text, words))
    raise ValueError(
        f"layout {text!r}: {token.group()!r} is not known; "
        f"use %Y %m %d %H %M %S %y %j %s %f %z %F %T %R %%, or {_WORDS}"
    )


def _word(word: str, text: str) -> Item:
    known: dict[str, Item] = {"camera": Camera(), "any": AnyText(), "number": Number(), "ext": Extension()}
    if word not in known:
        raise ValueError(f"layout {text!r}: {{{word}}} is not known; use {_WORDS}")
    return known[word]


def _joined(items: list[Item]) -> Part:
    """Return the items with neighbouring literals as one."""
    joined: list[Item] = []
    for item in items:
        last = joined[-1] if joined else None
        if isinstance(item, Literal) and isinstance(last, Literal):
            joined[-1] = Literal(last.text + item.text)
        else:
            joined.append(item)
    return tuple(joined)


def _check_separation(part: Part, text: str, *, cameras_known: bool) -> None:
    """Refuse two items of open length with only digits between them, which could share these out at will."""
    open_item: Item | None = None
    for item in part:
        if isinstance(item, Literal):
            open_item = None
        elif is_variable(item):
            exempt = cameras_known and Camera() in {open_item, item}
            if open_item is not None and not exempt:
                raise ValueError(
                    f"layout {text!r}: nothing separates two items of open length; write text between them"
                )
            open_item = item


def _check_part(part: Part, text: str) -> None:
    if sum(isinstance(item, AnyText) for item in part) > 1:
        raise ValueError(f"layout {text!r} has {{any}} twice in one part of the path; once is enough")
    if sum(isinstance(item, Extension) for item in part) > 1:
        raise ValueError(f"layout {text!r} has {{ext}} twice in one part of the path; a file has one extension")


def _check_time(parts: tuple[Part, ...], text: str) -> None:
    """Refuse a time with a hole, such as minutes without an hour, which would put a start hours too early."""
    letters = letters_of(parts)
    if not carries_time(parts) or "s" in letters:
        return
    for smaller, greater in (("M", "H"), ("S", "M"), ("f", "S")):
        if smaller in letters and greater not in letters:
            raise ValueError(f"layout {text!r} has %{smaller} without %{greater}; add it, or write {{number}} instead")


def _tells_something(parts: tuple[Part, ...]) -> bool:
    name = parts[-1]
    if any(isinstance(item, TimeField | Number) for item in name):
        return True
    if any(isinstance(item, Literal) and any(chr(byte).isalnum() for byte in item.text) for item in name):
        return True
    return bool(letters_of(parts)) and any(isinstance(item, Extension | Literal) for item in name)
