"""Looks at a directory and says which recorder writes there: a proposal for `config init`, never a decision.

It reads names only, a bounded number of them, follows no link, and proposes nothing that it did not see.
"""

import os
import re
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from typing import NoReturn

from retentiond.domain.errors import RetentiondError, StorageError
from retentiond.domain.instants import EARLIEST
from retentiond.domain.names import join, readable
from retentiond.domain.recording import CameraName, Kept, Recognised, StoreName
from retentiond.ports import Entry, EntryKind, Recorder
from retentiond.recorders.config_files import list_conf, read_text
from retentiond.recorders.configured import Setup
from retentiond.recorders.frigate import build_frigate
from retentiond.recorders.mediamtx import build_mediamtx
from retentiond.recorders.moonfire import build_moonfire
from retentiond.recorders.motion import FORGETFUL, build_motion
from retentiond.recorders.motioneye import build_motioneye
from retentiond.recorders.shinobi import build_shinobi
from retentiond.recorders.shinobi_conf import parse_conf
from retentiond.recorders.template import build_template
from retentiond.recorders.uploads import UPLOADS, build_upload
from retentiond.recorders.viseron import build_viseron
from retentiond.recorders.zoneminder import build_zoneminder
from retentiond.recorders.zoneminder_conf import read_conf
from retentiond.recorders.zoneminder_notes import UNWRITTEN

MAX_NAMES = 5_000
MAX_DEPTH = 6
_MAX_NAMES_IN_DIRECTORY = 500
_STORE = StoreName("store")

COMMON_LAYOUTS = (
    "{camera}/%Y-%m-%d/%H-%M-%S.{ext}",
    "{camera}/%Y-%m-%d/%H%M%S.{ext}",
    "{camera}/%Y-%m-%d/%H/%M-%S.{ext}",
    "{camera}/%Y-%m-%d/%H/%M.%S.{ext}",
    "{camera}/%Y/%m/%d/%H-%M-%S.{ext}",
    "{camera}/%Y/%m/%d/%H%M%S.{ext}",
    "{camera}/%Y%m%d/%H%M%S.{ext}",
    "{camera}/%Y-%m-%d_%H-%M-%S.{ext}",
    "{camera}/%Y-%m-%d_%H-%M-%S-%f.{ext}",
    "{camera}/%Y%m%d_%H%M%S.{ext}",
    "{camera}/%Y%m%d%H%M%S.{ext}",
    "{camera}/%Y-%m-%dT%H:%M:%S.{ext}",
    "{camera}/%Y-%m-%dT%H-%M-%S.{ext}",
    "{camera}/{camera}_%Y%m%d_%H%M%S.{ext}",
    "{camera}/{camera}-%Y%m%d-%H%M%S.{ext}",
    "{camera}/%s.{ext}",
    "%Y-%m-%d/%H/{camera}/%M.%S.{ext}",
    "recordings/%Y-%m-%d/%H/{camera}/%M.%S.{ext}",
    "%Y-%m-%d/{camera}/%H-%M-%S.{ext}",
    "%Y-%m-%d/{camera}/%H%M%S.{ext}",
    "%Y/%m/%d/{camera}/%H-%M-%S.{ext}",
    "%Y-%m-%d/{camera}-%H%M%S-{number}.{ext}",
    "%Y-%m-%d/{camera}-%H-%M-%S.{ext}",
    "%Y-%m-%d/{camera}_%H%M%S.{ext}",
    "{camera}_%Y-%m-%d_%H-%M-%S.{ext}",
    "{camera}-%Y-%m-%d_%H-%M-%S.{ext}",
    "{camera}_%Y%m%d_%H%M%S.{ext}",
    "{camera}-%Y%m%d-%H%M%S.{ext}",
    "{camera}_%Y%m%d%H%M%S.{ext}",
    "{camera}-%Y%m%d%H%M%S.{ext}",
    "%Y-%m-%d/%H-%M-%S.{ext}",
    "%Y-%m-%d_%H-%M-%S.{ext}",
    "%Y-%m-%d_%H-%M-%S-%f.{ext}",
)
"""Layouts that recorders and scripts use, in the order of preference. The second-best is offered too."""


@dataclass(frozen=True, slots=True)
class Recognition:
    """What may write into a directory, and how many of the files looked at speak for it."""

    recorder: str
    layout: str | None
    cameras: tuple[CameraName, ...]
    recorder_config: str | None
    matched: int
    looked_at: int


def recognise(path: str, configs: Sequence[str] = ()) -> tuple[Recognition, ...]:
    """Return what fits the files below `path`, the best first; empty if nothing does.

    A configuration among `configs` counts only if it can be read and its recorder writes below `path` by it.

    Raises:
        StorageError: `path` cannot be listed.
    """
    sample = tuple(_sample(os.fsencode(path)))
    found = list(_moonfire(path, configs, sample))
    for recorder, layout, config in _candidates(path, configs):
        tried = _try(recorder, sample)
        if tried.matched:
            narrow = _with_extension(layout, tried.extensions)
            cameras = tuple(sorted(tried.cameras | _configured(recorder)))
            found.append(Recognition(recorder.kind, narrow, cameras, config, tried.matched, tried.looked_at))
    return tuple(sorted(found, key=lambda item: -item.matched))


def _candidates(path: str, configs: Sequence[str]) -> Iterator[tuple[Recorder, str | None, str | None]]:
    """Yield what may have written the files, what says the most of them first."""
    nameless = Setup(_STORE, path, UTC)
    for config in configs:
        setup = Setup(_STORE, path, UTC, config)
        eye = build_motioneye(setup, FORGETFUL) if _is_of_motioneye(config) else build_motion(_STORE, path, UTC, config)
        for recorder in (eye, build_frigate(setup), build_viseron(setup), build_mediamtx(setup)):
            if _is_spoken_for(recorder):
                yield recorder, None, config
        if _is_of_shinobi(config):
            yield build_shinobi(setup, UNWRITTEN), None, config
        if _is_of_zoneminder(config):
            events = build_zoneminder(setup, UNWRITTEN)
            yield (events if _is_spoken_for(events) else build_zoneminder(nameless, UNWRITTEN)), None, config
    yield build_zoneminder(nameless, UNWRITTEN), None, None
    yield build_frigate(nameless), None, None
    yield build_viseron(nameless), None, None
    yield build_shinobi(nameless, UNWRITTEN), None, None
    for kind in UPLOADS:
        yield build_upload(kind, nameless), None, None
    yield build_motion(_STORE, path, UTC, None), None, None
    for layout in COMMON_LAYOUTS:
        yield build_template(_STORE, UTC, (layout,)), layout, None
    yield build_motioneye(nameless, FORGETFUL), None, None  # others name files so, too


def _moonfire(
    path: str, configs: Sequence[str], sample: Sequence[tuple[bytes, Sequence[Entry]]]
) -> Iterator[Recognition]:
    """Yield Moonfire where one of `configs` is its database: its names tell no camera, and nothing of it is deleted."""
    for config in configs:
        recorder = build_moonfire(Setup(_STORE, path, UTC, config))
        try:
            cameras = tuple(sorted(device.camera for device in recorder.devices()))
        except RetentiondError:
            continue
        files = [(directory, entry) for directory, entries in sample for entry in entries]
        matched = sum(isinstance(recorder.classify(directory, (entry,))[0], Kept) for directory, entry in files)
        yield Recognition("moonfire", None, cameras, config, matched, len(files))


def _is_of_motioneye(config: str) -> bool:
    """Tell whether a file of Motion's was written by motionEye, which leaves its own settings in it."""
    try:
        return re.search(r"^# @(enabled|admin_username)\b", read_text(config), re.MULTILINE) is not None
    except RetentiondError:
        return False


def _is_of_zoneminder(config: str) -> bool:
    """Tell whether a file says how ZoneMinder's database is reached."""
    try:
        read_conf(config, read_text, list_conf)
    except RetentiondError:
        return False
    return True


def _is_of_shinobi(config: str) -> bool:
    """Tell whether a file says how Shinobi's database is reached."""
    try:
        parse_conf(config, read_text(config))
    except RetentiondError:
        return False
    return True


def _is_spoken_for(recorder: Recorder) -> bool:
    """Tell whether a configuration is this recorder's: it names cameras, or says how files are named."""
    try:
        return (bool(recorder.devices()) or recorder.kind == "mediamtx") and recorder.ready
    except RetentiondError:
        return False


def _configured(recorder: Recorder) -> set[CameraName]:
    """Return the cameras of the recorder's configuration: one that has recorded nothing yet is a device, too."""
    try:
        return {device.camera for device in recorder.devices()} - {recorder.collective}
    except RetentiondError:
        return set()


@dataclass(slots=True)
class _Tried:
    """How a recorder did on a sample. What lies in an event's directory is a part of it and not looked at."""

    looked_at: int = 0
    cameras: set[CameraName] = field(default_factory=set)
    extensions: Counter[bytes] = field(default_factory=Counter)
    events: set[bytes] = field(default_factory=set)

    @property
    def matched(self) -> int:
        """How many names are recordings."""
        return self.extensions.total()

    def is_in_event(self, directory: bytes) -> bool:
        """Tell whether a directory is, or lies in, one that is a recording as a whole."""
        parts = directory.split(b"/")
        return any(b"/".join(parts[:depth]) in self.events for depth in range(1, len(parts) + 1))


def _try(recorder: Recorder, sample: Sequence[tuple[bytes, Sequence[Entry]]]) -> _Tried:
    tried = _Tried()
    for directory, entries in sample:
        if tried.events and tried.is_in_event(directory):
            continue
        for entry, sighting in zip(entries, recorder.classify(directory, entries), strict=True):
            recognised = isinstance(sighting, Recognised)
            tried.looked_at += entry.kind is EntryKind.FILE or recognised
            if isinstance(sighting, Recognised) and (sighting.start is None or sighting.start >= EARLIEST):
                tried.cameras |= {sighting.camera} - {recorder.collective}
                tried.extensions[entry.name.rpartition(b".")[2]] += 1
                if entry.kind is EntryKind.DIRECTORY:
                    tried.events.add(join(directory, entry.name))
    return tried


def _with_extension(layout: str | None, extensions: Counter[bytes]) -> str | None:
    """Return the layout for the one extension that was seen: it recognises no more than it has to."""
    if layout is None or len(extensions) != 1:
        return layout
    (extension,) = extensions
    return layout.replace("{ext}", extension.decode())


def _sample(root: bytes) -> Iterator[tuple[bytes, Sequence[Entry]]]:
    """Yield directories with some of their entries, the upper levels first, until enough names were seen."""
    waiting: deque[tuple[bytes, int]] = deque([(b"", 0)])
    left = MAX_NAMES
    while waiting and left > 0:
        directory, depth = waiting.popleft()
        entries = _entries(join(root, directory) if directory else root, min(left, _MAX_NAMES_IN_DIRECTORY))
        if entries is None:
            if not directory:
                _raise_for(root)
            continue
        left -= len(entries)
        yield directory, entries
        if depth < MAX_DEPTH:
            waiting.extend(
                (join(directory, entry.name), depth + 1)
                for entry in entries
                if entry.kind is EntryKind.DIRECTORY and not entry.name.startswith(b".")
            )


def _raise_for(root: bytes) -> NoReturn:
    """Raise StorageError with why a directory cannot be listed."""
    remedy = "name a directory that you may read"
    try:
        os.close(os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    except OSError as error:
        raise StorageError(f"{readable(root)}: cannot be listed ({error.strerror}); {remedy}") from error
    raise StorageError(f"{readable(root)}: changed while it was listed; {remedy}")


def _entries(path: bytes, limit: int) -> Sequence[Entry] | None:
    """Return up to `limit` entries of a directory, None if it cannot be listed."""
    entries: list[Entry] = []
    try:
        with os.scandir(path) as listing:
            for item in listing:
                entries.append(Entry(item.name, _kind(item)))
                if len(entries) >= limit:
                    break
    except (OSError, ValueError):
        return None
    return entries


def _kind(item: "os.DirEntry[bytes]") -> EntryKind:
    if item.is_symlink():
        return EntryKind.LINK
    if item.is_dir(follow_symlinks=False):
        return EntryKind.DIRECTORY
    return EntryKind.FILE if item.is_file(follow_symlinks=False) else EntryKind.OTHER
