"""Motion's conversion specifiers (`%v-%Y%m%d%H%M%S`), turned into the parts of a layout.

What Motion fills in itself comes first, then what it leaves to strftime. Times in `%C` are those of the event, not of
the file, so that they say nothing of the start.
"""

import re
from dataclasses import dataclass

from retentiond.domain.errors import ConfigurationError
from retentiond.recorders.pattern import (
    TIME_FIELDS,
    AnyText,
    Camera,
    Extension,
    Item,
    Literal,
    Number,
    Part,
    TimeField,
    check_parts,
)

_SPECIFIER = re.compile(r"%(?P<width>[0-9]*)(?:\{(?P<word>[^}]*)\}|(?P<letter>.))|(?P<text>[^%]+|%)", re.DOTALL)
_NUMBERS = frozenset("vqDNiJKLoQwh")
_STRFTIME_NUMBERS = frozenset("uUVWGg")
_NUMBER_WORDS = frozenset({"fps", "movienbr", "dbeventid", "eventid"})
_TEXT_WORDS = frozenset({"host", "ver", "action_user", "secdetect"})
_SHORT = {"T": "HMS", "F": "Ymd", "R": "HM"}
_BETWEEN = {"T": b":", "F": b"-", "R": b":"}


@dataclass(frozen=True, slots=True)
class FileNames:
    """How one kind of file of one camera is named, below the directory `prefix` of the store.

    `camera_name` stands for `%$` where it is put in literally; None leaves it open. `suffix` comes before the
    extension, `after` behind it.
    """

    pattern: str
    prefix: tuple[bytes, ...]
    extensions: tuple[bytes, ...]
    camera_name: bytes | None
    suffix: bytes = b""
    after: bytes = b""


def parts_of(names: FileNames) -> tuple[Part, ...]:
    """Return the parts of the layout.

    Raises:
        ConfigurationError: the pattern has a specifier whose text cannot be read back, or tells nothing.
    """
    try:
        parts = (*((Literal(text),) for text in names.prefix), *_below(names))
        check_parts(parts, names.pattern, cameras_known=True)
    except ValueError as error:
        raise ConfigurationError(
            f"Motion's configuration names files so that they cannot be read back: {error}"
        ) from error
    return parts


def _below(names: FileNames) -> tuple[Part, ...]:
    opened = _opened(names)
    tail: list[Item] = [*opened, Literal(names.suffix + b"."), Extension(names.extensions), Literal(names.after)]
    parts: list[list[Item]] = [[]]
    for item in tail:
        texts = item.text.split(b"/") if isinstance(item, Literal) else [item]
        _append(parts[-1], texts[0])
        for text in texts[1:]:
            parts.append([])
            _append(parts[-1], text)
    kept = [tuple(part) for part in parts if part and part != [Literal(b".")]]
    if [Literal(b"..")] in parts:
        raise ValueError("it leaves target_dir by '..'; write it without")
    return tuple(kept)


def _append(part: list[Item], piece: Item | bytes) -> None:
    """Add a piece to a part, joined with its neighbour where both are text or both are numbers."""
    item = Literal(piece) if isinstance(piece, bytes) else piece
    last = part[-1] if part else None
    if isinstance(item, Literal):
        if not item.text:
            return
        if isinstance(last, Literal):
            part[-1] = Literal(last.text + item.text)
            return
    if isinstance(item, Number) and isinstance(last, Number):
        return
    part.append(item)


def _opened(names: FileNames) -> list[Item]:
    """Return the items of the pattern; where the camera's name stands, its number is only a number."""
    items: list[Item] = []
    for token in _SPECIFIER.finditer(names.pattern):
        items.extend(_items_of(token, names))
    named = any(item == Camera() for item in items)
    return [Number(padded=True) if named and item == Camera(digits=True) else item for item in items]


def _items_of(token: re.Match[str], names: FileNames) -> list[Item]:
    if token["text"] is not None:
        return [Literal(token["text"].encode("utf-8", "surrogateescape"))]
    if token["word"] is not None:
        return [_word(token["word"])]
    letter = token["letter"]
    if letter in _NUMBERS:
        return [Number(padded=letter not in "vq")]
    if letter == "t":
        return [Camera(digits=True)]
    if letter == "$":
        return [Camera() if names.camera_name is None else Literal(names.camera_name)]
    if letter == "C":
        return [AnyText()]
    return _strftime(letter)


def _word(word: str) -> Item:
    if word in _NUMBER_WORDS:
        return Number(padded=True)
    if word in _TEXT_WORDS:
        return AnyText()
    raise ValueError(f"%{{{word}}} is no specifier of Motion; correct it in Motion's configuration")


def _strftime(letter: str) -> list[Item]:
    if letter == "%":
        return [Literal(b"%")]
    if letter in _SHORT:
        fields: list[Item] = []
        for field in _SHORT[letter]:
            fields += [*([Literal(_BETWEEN[letter])] if fields else []), TimeField(field)]
        return fields
    if letter in TIME_FIELDS and letter != "f":
        return [TimeField(letter)]
    if letter in _STRFTIME_NUMBERS:
        return [Number()]
    raise ValueError(f"%{letter} cannot be read back from a name; write the time as %Y-%m-%d and %H-%M-%S")
