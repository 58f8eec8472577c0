"""What lies in a store: recordings, with the words of docs/glossary.md."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from retentiond.domain import names

StoreName = NewType("StoreName", str)
"""The operator's name of a store, `[a-z0-9-]`."""

CameraName = NewType("CameraName", str)
"""A camera as its recorder names it, already `readable`. Not an id of the register."""


class Category(StrEnum):
    """Data categories (ISO/IEC 27555 "type of PII")."""

    VIDEO = "video"
    AUDIO = "audio"
    STILL = "still"
    DERIVED = "derived"


class Unit(StrEnum):
    """What is removed at once: a file, or a directory that a recorder fills for one event."""

    FILE = "file"
    DIRECTORY = "directory"


class TimeSource(StrEnum):
    """Where the start of a recording was taken from (rules S1 to S6)."""

    NAME = "name"
    MTIME = "mtime"
    FIRST_SEEN = "first_seen"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a recording lies: names as bytes, below the store. The store itself is the empty directory."""

    directory: bytes
    name: bytes

    @property
    def path(self) -> bytes:
        """The path below the store."""
        return names.join(self.directory, self.name)

    def __str__(self) -> str:
        return names.readable(self.path)


@dataclass(frozen=True, slots=True, order=True)
class Stream:
    """Recordings of one camera and one data category in one store."""

    store: StoreName
    camera: CameraName
    category: Category


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording as the catalogue knows it, without having looked at the file.

    `start` is the instant of the first frame as the rules S1 to S6 settled it.
    """

    stream: Stream
    place: Place
    start: datetime
    unit: Unit = Unit.FILE


@dataclass(frozen=True, slots=True)
class Identity:
    """What makes a file the very same file (rule S7), as fstat and statx tell.

    Two files under one name, or one file written again, differ in at least one field. The device number is not a
    part: it may change across boots, and the store's own identity stands for it.
    """

    inode: int
    size_bytes: int
    mtime_ns: int
    birth_ns: int | None
    links: int
    unit: Unit
    handle: str | None = None
    """Stands in for the birth time where the file system keeps none; it holds the generation of the inode."""

    @property
    def mark(self) -> str:
        """A short text for the audit trail, equal exactly when the identity is; links are not a part of it."""
        handle = "-" if self.handle is None else f"h{self.handle}"
        birth = handle if self.birth_ns is None else str(self.birth_ns)
        return f"{self.inode}:{self.size_bytes}:{self.mtime_ns}:{birth}"

    def same_as(self, other: "Identity") -> bool:
        """Tell whether both describe the very same content under whatever name."""
        return self.mark == other.mark and self.unit is other.unit


# What a recorder's layout says about one name. Only `Recognised` can ever lead to a deletion.


@dataclass(frozen=True, slots=True)
class Recognised:
    """A recording, positively. `start` is None where the name carries no time (rule S2)."""

    camera: CameraName
    category: Category
    start: datetime | None
    unit: Unit = Unit.FILE


@dataclass(frozen=True, slots=True)
class Kept:
    """A name that the layout knows and that is no recording: a lock, a link to the newest, a sentinel."""

    why: str


@dataclass(frozen=True, slots=True)
class Unclassified:
    """A name that no layout explains. Counted and shown, never deleted."""


Sighting = Recognised | Kept | Unclassified
