"""Several layouts on one store: what each name in a directory is.

Where two layouts see different cameras in a name, it is nobody's: a name never yields another camera's recording.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from retentiond.domain import instants
from retentiond.domain.names import join
from retentiond.domain.recording import CameraName, Kept, Recognised, Sighting, Unclassified
from retentiond.ports import Entry, EntryKind, FilesRead
from retentiond.recorders.layout import Doubtful, Layout, NameReader
from retentiond.recorders.name_tables import Found, read_all
from retentiond.recorders.part import compile_part
from retentiond.recorders.pattern import Part

FORMER_LAYOUTS = 100
"""So many layouts that were in force before are remembered; each one more costs a little at every name."""

_UNCLASSIFIED = Unclassified()
_ON_THE_WAY = Kept("a directory of the layout")
_NEWEST = Kept("a link to the newest snapshot")


@dataclass(frozen=True, slots=True)
class KeptNames:
    """Names that are deliberately kept, and why."""

    parts: tuple[Part, ...]
    why: str

    def match(self, directory: bytes, name: bytes) -> bool:
        """Tell whether a name is one of these."""
        texts = [*(directory.split(b"/") if directory else ()), name]
        return len(texts) == len(self.parts) and all(
            compile_part(part).greedy.fullmatch(text) for part, text in zip(self.parts, texts, strict=True)
        )

    def could_lead(self, directory: bytes) -> bool:
        """Tell whether such names can lie below a directory."""
        texts = directory.split(b"/")
        return len(texts) < len(self.parts) and all(
            compile_part(part).greedy.fullmatch(text) for part, text in zip(self.parts, texts, strict=False)
        )


@dataclass(frozen=True, slots=True)
class Classifier:
    """The layouts of a store in the order of preference, and the cameras that its recorder has.

    `newest` are names of links to the newest snapshot, which the recorder replaces. `former` are layouts of earlier
    configurations: they read what no layout in force does. `last` are layouts that read only what no other does, and
    `kept` are names that the recorder writes and that are no recordings.
    """

    layouts: tuple[Layout, ...]
    known: frozenset[CameraName] = frozenset()
    newest: frozenset[bytes] = frozenset()
    former: tuple[Layout, ...] = ()
    last: tuple[Layout, ...] = ()
    kept: tuple[KeptNames, ...] = ()

    def classify(self, directory: bytes, entries: Sequence[Entry]) -> Sequence[Sighting]:
        """Say of each entry, in order, what it is."""
        in_force, former = _open(self.layouts, directory), _open(self.former, directory)
        if not former and len(in_force) == 1 and isinstance(in_force[0], NameReader):
            read = in_force[0].read
            return [
                (found if isinstance(found := read(entry.name), Recognised) else self._left(directory, entry.name))
                if entry.kind is EntryKind.FILE
                else self._other(directory, entry)
                for entry in entries
            ]
        return [
            self._settle(directory, entry.name, _readings(in_force, entry.name), _readings(former, entry.name))
            if entry.kind is EntryKind.FILE
            else self._other(directory, entry)
            for entry in entries
        ]

    def read_files(self, directory: bytes, names: Sequence[bytes]) -> FilesRead:
        """Say what `classify` says of regular files of these names, of all at once."""
        in_force, former = _open(self.layouts, directory), _open(self.former, directory)
        found: Found = {}
        only = in_force[0] if len(in_force) == 1 and not former else None
        left = read_all(only, names, found) if isinstance(only, NameReader) else names
        unclassified = []
        for name in left:
            if isinstance(only, NameReader):
                sighting = self._left(directory, name)
            else:
                sighting = self._settle(directory, name, _readings(in_force, name), _readings(former, name))
            match sighting:
                case Recognised(camera, category, start):
                    start_ms = None if start is None else instants.to_ms(start)
                    found.setdefault((camera, category), {})[name] = start_ms
                case Unclassified():
                    unclassified.append(name)
                case Kept():
                    pass
        return FilesRead(found, tuple(unclassified))

    def could_lead(self, directory: bytes) -> bool:
        """Tell whether recordings can lie below a directory."""
        layouts = (*self.layouts, *self.former, *self.last)
        return any(item.could_lead(directory) for item in layouts) or any(
            item.could_lead(directory) for item in self.kept
        )

    def is_past(self, directory: bytes, now: datetime) -> bool:
        """Tell whether a directory came with the time, and no layout has anything written into it at `now`."""
        every = (*self.layouts, *self.former, *self.last)
        made = [layout for layout in every if layout.made_directory(directory)]
        return bool(made) and not any(layout.writes_into(directory, now) for layout in made)

    def followed_by(
        self, layouts: tuple[Layout, ...], known: frozenset[CameraName], forget: Callable[[Layout], bool]
    ) -> "Classifier":
        """Return what is in force after the recorder was set up anew; these layouts become former ones.

        A layout whose form is still in use does not: its names are read by the cameras as they are called now.
        Nor does one that `forget` says could be mistaken from now on.
        """
        forms = {layout.form for layout in layouts}
        former = [layout for layout in (*self.layouts, *self.former) if layout.form not in forms and not forget(layout)]
        return replace(self, layouts=layouts, known=known, former=tuple(former[:FORMER_LAYOUTS]))

    def _other(self, directory: bytes, entry: Entry) -> Sighting:
        if entry.kind is EntryKind.DIRECTORY and self.could_lead(join(directory, entry.name)):
            return _ON_THE_WAY
        if entry.kind is EntryKind.LINK and entry.name in self.newest:
            return _NEWEST
        return _UNCLASSIFIED

    def _settle(self, directory: bytes, name: bytes, in_force: "Readings", former: "Readings") -> Sighting:
        """Return what the layouts in force say; where they say nothing, what former ones do.

        A start on which the two disagree is none: it might delete too early.
        """
        if not in_force:
            return _agreed(former, frozenset()) if former else self._left(directory, name)
        found = _agreed(in_force, self.known)
        if isinstance(found, Recognised) and any(_differs(found, reading) for reading in former):
            return _UNCLASSIFIED
        return found

    def _left(self, directory: bytes, name: bytes) -> Sighting:
        """Return what a name is that no other layout can read."""
        found = _agreed(_readings(_open(self.last, directory), name), self.known)
        if isinstance(found, Recognised):
            return found
        return next((Kept(item.why) for item in self.kept if item.match(directory, name)), _UNCLASSIFIED)


Readings = Sequence[Recognised | Doubtful]


def _open(layouts: Sequence[Layout], directory: bytes) -> Sequence[NameReader | Doubtful]:
    return [opened for layout in layouts if (opened := layout.open_directory(directory)) is not None]


def _readings(opened: Sequence[NameReader | Doubtful], name: bytes) -> Readings:
    found = (item.read(name) if isinstance(item, NameReader) else item for item in opened)
    return [item for item in found if item is not None]


def _agreed(readings: Readings, known: frozenset[CameraName]) -> Sighting:
    """Return what the layouts agree on. Where they do not, only a camera that is known can be believed."""
    found: dict[CameraName, Recognised] = {}
    possible: set[CameraName] = set()
    doubtful = False
    for reading in readings:
        if isinstance(reading, Recognised):
            found.setdefault(reading.camera, reading)
        else:
            doubtful = True
            possible |= reading.cameras
    possible |= found.keys()
    if doubtful or len(possible) > 1:
        possible &= known
    return found.get(possible.pop(), _UNCLASSIFIED) if len(possible) == 1 else _UNCLASSIFIED


def _differs(found: Recognised, earlier: Recognised | Doubtful) -> bool:
    return isinstance(earlier, Recognised) and (earlier.start, earlier.category) != (found.start, found.category)
