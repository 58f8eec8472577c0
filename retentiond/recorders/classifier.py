"""Several layouts on one store: what each name in a directory is.

Where two layouts see different cameras in a name, it is nobody's: a name never yields another camera's recording.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from retentiond.domain.names import join
from retentiond.domain.recording import CameraName, Kept, Recognised, Sighting, Unclassified
from retentiond.ports import Entry, EntryKind
from retentiond.recorders.layout import Doubtful, Layout, NameReader

_UNCLASSIFIED = Unclassified()
_ON_THE_WAY = Kept("a directory of the layout")
_NEWEST = Kept("a link to the newest snapshot")


@dataclass(frozen=True, slots=True)
class Classifier:
    """The layouts of a store in the order of preference, and the cameras that its recorder has.

    `newest` are names of links to the newest snapshot, which the recorder replaces.
    """

    layouts: tuple[Layout, ...]
    known: frozenset[CameraName] = frozenset()
    newest: frozenset[bytes] = frozenset()

    def classify(self, directory: bytes, entries: Sequence[Entry]) -> Sequence[Sighting]:
        """Say of each entry, in order, what it is."""
        opened = [reader for layout in self.layouts if (reader := layout.open_directory(directory)) is not None]
        readers = [reader for reader in opened if isinstance(reader, NameReader)]
        doubts = [doubt for doubt in opened if isinstance(doubt, Doubtful)]
        if len(readers) == 1 and not doubts:
            read = readers[0].read
            return [
                (found if isinstance(found := read(entry.name), Recognised) else _UNCLASSIFIED)
                if entry.kind is EntryKind.FILE
                else self._other(directory, entry)
                for entry in entries
            ]
        return [
            self._settle([*doubts, *(reader.read(entry.name) for reader in readers)])
            if entry.kind is EntryKind.FILE
            else self._other(directory, entry)
            for entry in entries
        ]

    def could_lead(self, directory: bytes) -> bool:
        """Tell whether recordings can lie below a directory."""
        return any(layout.could_lead(directory) for layout in self.layouts)

    def made_directory(self, directory: bytes) -> bool:
        """Tell whether a directory came with the time, so that it may be pruned when empty."""
        return any(layout.made_directory(directory) for layout in self.layouts)

    def _other(self, directory: bytes, entry: Entry) -> Sighting:
        if entry.kind is EntryKind.DIRECTORY and self.could_lead(join(directory, entry.name)):
            return _ON_THE_WAY
        if entry.kind is EntryKind.LINK and entry.name in self.newest:
            return _NEWEST
        return _UNCLASSIFIED

    def _settle(self, readings: Sequence[Recognised | Doubtful | None]) -> Sighting:
        """Return what the layouts agree on. Where they do not, only a camera that is known can be believed."""
        found: dict[CameraName, Recognised] = {}
        possible: set[CameraName] = set()
        doubtful = False
        for reading in readings:
            if isinstance(reading, Recognised):
                found.setdefault(reading.camera, reading)
            elif reading is not None:
                doubtful = True
                possible |= reading.cameras
        possible |= found.keys()
        if doubtful or len(possible) > 1:
            possible &= self.known
        return found.get(possible.pop(), _UNCLASSIFIED) if len(possible) == 1 else _UNCLASSIFIED
