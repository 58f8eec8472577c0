"""MediaMTX's `recordPath`, such as `./recordings/%path/%Y-%m-%d_%H-%M-%S-%f`, turned into layouts.

A path of MediaMTX may hold slashes, so that `%path` goes over one or more parts: there is one layout for each number
of them. Names are in the server's local time, unless they carry %z or %s.
"""

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import tzinfo

from retentiond.domain.errors import ConfigurationError
from retentiond.domain.recording import CameraName, Category, StoreName
from retentiond.recorders.layout import CameraNaming, Layout
from retentiond.recorders.local_time import LocalTime
from retentiond.recorders.pattern import Camera, Extension, Item, Literal, Part, TimeField, check_parts, letters_of

MAX_LEVELS = 6
"""Paths with more slashes than this are not recognised."""

_ALPHABET = rb"0-9A-Za-z_.\-"
_FORMATS = Extension((b"mp4", b"ts"))
_PIECE = re.compile(r"%path|%[YmdHMSfzs]|[^%]+|%")


def below_store(record_path: str, store: str, real_path: Callable[[str], str]) -> str | None:
    """Return a recordPath relative to the store, None if it lies elsewhere.

    One that is relative depends on where MediaMTX was started: its beginning is the end of the store's path, or a
    directory in the store.
    """
    parts = posixpath.normpath(record_path.replace("\\", "/")).split("/")
    fixed = next((number for number, part in enumerate(parts) if "%" in part), len(parts) - 1)
    root = real_path(store).rstrip("/")
    if parts[0] == "..":
        return None
    if not record_path.startswith("/"):
        above = "/" + "/".join(parts[:fixed])
        return "/".join(parts[fixed:] if fixed and root.endswith(above) else parts)
    prefix = real_path("/".join(parts[:fixed]) or "/").rstrip("/")
    if prefix != root and not prefix.startswith(root + "/"):
        return None
    return "/".join((*prefix[len(root) + 1 :].split("/"), *parts[fixed:]) if prefix != root else parts[fixed:])


def layouts_of(record_path: str, store: StoreName, zone: tzinfo) -> tuple[Layout, ...]:
    """Return the layouts of a recordPath relative to the store, one for each number of parts that `%path` has.

    Raises:
        ConfigurationError: its names cannot be read back.
    """
    naming = CameraNaming(CameraName(str(store)))
    try:
        return tuple(
            Layout(_parts(record_path, levels), LocalTime(zone), naming, Category.VIDEO)
            for levels in range(1, MAX_LEVELS + 1)
        )
    except ValueError as error:
        raise ConfigurationError(f"its names cannot be read back: {error}") from error


def _parts(record_path: str, levels: int) -> tuple[Part, ...]:
    parts: list[list[Item]] = [[]]
    for item in _items(record_path, levels):
        if item is None:
            parts.append([])
        else:
            parts[-1].append(item)
    parts[-1] += [Literal(b"."), _FORMATS]
    kept = tuple(_joined(part) for part in parts if part)
    if not any(isinstance(item, Camera) for part in kept for item in part):
        raise ValueError(f"recordPath {record_path!r} has no %path; add it")
    letters = letters_of(kept)
    if "s" not in letters and not letters >= {"Y", "m", "d", "H", "M", "S"}:
        raise ValueError(f"recordPath {record_path!r} has neither %s nor all of %Y %m %d %H %M %S; add them")
    check_parts(kept, record_path)
    return kept


def _items(record_path: str, levels: int) -> Iterator[Item | None]:
    """Yield the items of a recordPath, None for a slash."""
    for piece in _PIECE.findall(record_path):
        if piece == "%path":
            cameras = [Camera(alphabet=_ALPHABET, level=level) for level in range(1, levels + 1)]
            yield from _separated(cameras)
        elif len(piece) == 2 and piece[0] == "%":
            yield TimeField(piece[1])
        else:
            yield from _separated([Literal(text.encode("utf-8", "surrogateescape")) for text in piece.split("/")])


def _separated(items: Sequence[Item]) -> Iterator[Item | None]:
    """Yield the items with a slash between each two, without texts that are empty."""
    for number, item in enumerate(items):
        if number:
            yield None
        if item != Literal(b""):
            yield item


def _joined(part: list[Item]) -> Part:
    """Return the items with neighbouring literals as one."""
    joined: list[Item] = []
    for item in part:
        last = joined[-1] if joined else None
        if isinstance(item, Literal) and isinstance(last, Literal):
            joined[-1] = Literal(last.text + item.text)
        else:
            joined.append(item)
    return tuple(joined)
