"""What is known of a recorder at a store."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from retentiond.domain.drift import OwnRetention
from retentiond.domain.finding import Finding
from retentiond.domain.observed import Observed
from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import CameraName, Category, Recording, Sighting

LOCKED = "locked_in_recorder"
"""Why a recording stays that somebody locked in its recorder."""

STILL_WRITTEN = "still_written"
"""Why a recording stays that its recorder has not finished."""


class EntryKind(StrEnum):
    """What a directory entry is, without following it."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a directory."""

    name: bytes
    kind: EntryKind


@dataclass(frozen=True, slots=True)
class FilesRead:
    """What the names of regular files in one directory say.

    Attributes:
        recordings: for each camera and category the start that each name tells, in ms since 1970 rounded down, None
            where names carry no time. All are files; Kept names are left out.
        unclassified: names that no layout explains.
    """

    recordings: Mapping[tuple[CameraName, Category], Mapping[bytes, int | None]]
    unclassified: Sequence[bytes]


class Recorder(Protocol):
    """What is known of one recorder at one store: its layout, its cameras. Pure but for `devices`.

    Where the layout comes from the recorder's own configuration, `devices` reads it again, and a change is in force
    from then on.
    """

    @property
    def kind(self) -> str:
        """The recorder's name in the configuration, such as `motion`."""
        ...

    @property
    def ready(self) -> bool:
        """Whether there is a layout to classify by. Without one nothing can be said of any name."""
        ...

    @property
    def trouble(self) -> str | None:
        """Why the recorder's configuration as read last is not wholly in force, for people; None if it is."""
        ...

    @property
    def reading(self) -> object | None:
        """What decides how names are read: while it is equal, the same names in a directory say the same.

        None where it cannot be told; then no listing of before stands for one of now (ADR 0031).
        """
        ...

    def classify(self, directory: bytes, entries: Sequence[Entry]) -> Sequence[Sighting]:
        """Say of each entry, in order, what it is; directories included.

        `Recognised` with unit DIRECTORY is one recording as a whole; every other directory is walked. Links and
        special files are never `Recognised`. A name never yields another camera's recording.
        """
        ...

    def read_files(self, directory: bytes, names: Sequence[bytes]) -> FilesRead:
        """Say what `classify` says of regular files of these names, of all at once: a scan meets millions."""
        ...

    def is_past(self, directory: bytes, now: datetime) -> bool:
        """Tell whether the layout itself makes this directory and writes into it no more, so that it may be pruned.

        A recorder makes a directory and then writes into it: one of these days is never pruned between the two.
        """
        ...

    def devices(self) -> Sequence[SeenDevice]:
        """Return the cameras in the recorder's own configuration. Raises StorageError if it cannot be read."""
        ...

    @property
    def collective(self) -> CameraName | None:
        """The name under which files are counted that are of no camera, such as a renamed export; None if none are."""
        ...

    @property
    def retentions(self) -> Sequence[OwnRetention]:
        """How long the recorder itself keeps what, by its configuration as `devices` read it last."""
        ...

    @property
    def observed(self) -> Sequence[Observed]:
        """What it has that only it may delete, as `devices` read its books last."""
        ...

    @property
    def oddities(self) -> Sequence[Finding]:
        """What a person has to know besides, as `devices` read it last: locks, clocks and copies of the recorder."""
        ...

    def withheld(self, recordings: Sequence[Recording]) -> Mapping[Recording, str]:
        """Return those that the recorder does not give up, each with why: LOCKED or STILL_WRITTEN.

        It is asked as things are now; where it cannot answer, what it said last counts. Never raises.
        """
        ...

    def links_to(self, recordings: Sequence[Recording]) -> Mapping[bytes, Collection[bytes]]:
        """Return the directories in which the recorder lays symbolic links to these, with what the links say."""
        ...

    def announce(self, recordings: Sequence[Recording]) -> None:
        """Note durably that these are about to be deleted, where the recorder has to be told of it. Never raises.

        Where it cannot be noted the deletion goes on all the same: only the recorder's own books lag behind.
        """
        ...

    def tell_deleted(self, recordings: Sequence[Recording]) -> None:
        """Tell the recorder that these are gone, now or as soon as it can be reached. Never raises."""
        ...
