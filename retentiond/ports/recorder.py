"""What is known of a recorder at a store."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import (
    Sighting,
)


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


class Recorder(Protocol):
    """What is known of one recorder at one store: its layout, its cameras. Pure but for `devices`."""

    @property
    def kind(self) -> str:
        """The recorder's name in the configuration, such as `motion`."""
        ...

    def classify(self, directory: bytes, entries: Sequence[Entry]) -> Sequence[Sighting]:
        """Say of each entry, in order, what it is; directories included.

        `Recognised` with unit DIRECTORY is one recording as a whole; every other directory is walked. Links and
        special files are never `Recognised`. A name never yields another camera's recording.
        """
        ...

    def made_directory(self, directory: bytes) -> bool:
        """Tell whether the layout itself makes this directory, so that it may be pruned when empty."""
        ...

    def devices(self) -> Sequence[SeenDevice]:
        """Return the cameras in the recorder's own configuration. Raises StorageError if it cannot be read."""
        ...
