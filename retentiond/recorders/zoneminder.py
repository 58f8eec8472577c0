"""The recorder `zoneminder`: event directories, and the rows that ZoneMinder keeps of them.

The disk decides what exists, the rows say when an event began and what somebody locked. When a directory is gone, its
rows go too. A database that is down delays the rows only, and is a finding.
"""

import os
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, tzinfo

from retentiond.domain.drift import OwnRetention
from retentiond.domain.errors import StorageError
from retentiond.domain.finding import Finding
from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import Recording, Sighting
from retentiond.ports import LOCKED, STILL_WRITTEN, Entry, FilesRead
from retentiond.recorders import config_files
from retentiond.recorders.configured import Setup
from retentiond.recorders.local_time import LocalTime
from retentiond.recorders.plain import Plain
from retentiond.recorders.zoneminder_books import Looked, cameras_of, devices_of, look, oddities_of, retention_of
from retentiond.recorders.zoneminder_conf import read_conf
from retentiond.recorders.zoneminder_db import EventRow, Session, ZoneMinderDatabase
from retentiond.recorders.zoneminder_events import EventDirectories, EventIndex
from retentiond.recorders.zoneminder_names import link_of, parse_event
from retentiond.recorders.zoneminder_notes import Notes, NotesFile

LOOK_EVERY_S = 900.0
"""Monitors, filters and locks are read so often; what is locked is asked again right before a deletion."""

TRY_AGAIN_S = 30.0
ROWS_AT_ONCE_S = 1.0
"""So long rows are deleted at a time; the loop that deletes recordings waits for it."""


class EventNames(Plain):
    """`Recorder` for a storage area whose database is gone for good: names alone have to do."""

    kind = "zoneminder"
    ready = True
    trouble = None

    def __init__(self, zone: tzinfo) -> None:
        self._events = EventDirectories(zone, {}, None)

    def classify(self, directory: bytes, entries: Sequence[Entry]) -> Sequence[Sighting]:
        return self._events.classify(directory, entries)

    def read_files(self, directory: bytes, names: Sequence[bytes]) -> FilesRead:
        return self._events.read_files(directory, names)

    def is_past(self, directory: bytes, now: datetime) -> bool:
        return self._events.is_past(directory, now)

    def devices(self) -> Sequence[SeenDevice]:
        return ()

    def links_to(self, recordings: Sequence[Recording]) -> Mapping[bytes, Collection[bytes]]:
        return links_to(recordings)


class ZoneMinder(Plain):
    """`Recorder` by names and by ZoneMinder's database. All but `classify` is called by one thread."""

    def __init__(
        self,
        setup: Setup,
        config: str,
        notes: NotesFile,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._setup = setup
        self._config = config
        self._notes = notes
        self._monotonic = monotonic
        self._time = LocalTime(setup.zone)
        self._index = EventIndex()
        self._events: EventDirectories | None = None
        self._looked: Looked | None = None
        self._look_again_at = 0.0
        self._try_again_at = 0.0
        self._trouble: str | None = "ZoneMinder's database was not read yet"

    @property
    def kind(self) -> str:
        return "zoneminder"

    @property
    def ready(self) -> bool:
        return self._events is not None

    @property
    def trouble(self) -> str | None:
        return self._trouble

    @property
    def retentions(self) -> Sequence[OwnRetention]:
        return () if self._looked is None else (retention_of(self._looked),)

    @property
    def oddities(self) -> Sequence[Finding]:
        if self._looked is None or self._events is None:
            return ()
        return tuple(oddities_of(self._setup, self._looked, self._events.rowless()))

    def classify(self, directory: bytes, entries: Sequence[Entry]) -> Sequence[Sighting]:
        return self._readable().classify(directory, entries)

    def read_files(self, directory: bytes, names: Sequence[bytes]) -> FilesRead:
        return self._readable().read_files(directory, names)

    def _readable(self) -> EventDirectories:
        if self._events is None:
            raise StorageError(self._trouble or "")
        return self._events

    def is_past(self, directory: bytes, now: datetime) -> bool:
        return EventDirectories(self._setup.zone, {}, None).is_past(directory, now)

    def devices(self) -> Sequence[SeenDevice]:
        if self._monotonic() < self._try_again_at:
            raise StorageError(self._trouble or "")
        try:
            with self._database().session() as session:
                self._read(session)
                self._settle_rows(session)
        except StorageError as error:
            self._try_again_at = self._monotonic() + TRY_AGAIN_S
            self._trouble = f"{error}{self._waiting()}"
            raise StorageError(self._trouble) from error
        self._trouble = self._waiting().removeprefix("; ") or None
        return () if self._looked is None else devices_of(self._setup, self._looked)

    def withheld(self, recordings: Sequence[Recording]) -> Mapping[Recording, str]:
        by_path = {recording.place.path: recording for recording in recordings}
        try:
            if self._monotonic() < self._try_again_at:
                raise StorageError(self._trouble or "")
            with self._database().session() as session:
                rows = self._rows_at(session, by_path)
                taken = session.taken_by_filters([row.ident for row in rows.values()])
        except StorageError:
            return {recording: LOCKED for path, recording in by_path.items() if path in self._known_locks()}
        said: dict[Recording, str] = {}
        for path, row in rows.items():
            if row.locked:
                said[by_path[path]] = LOCKED
            elif row.running or row.ident in taken:
                said[by_path[path]] = STILL_WRITTEN
        return said

    def links_to(self, recordings: Sequence[Recording]) -> Mapping[bytes, Collection[bytes]]:
        return links_to(recordings)

    def announce(self, recordings: Sequence[Recording]) -> None:
        with suppress(StorageError):  # the rows stay then, and are told as rows without a directory
            notes = self._notes.load()
            paths = dict.fromkeys((*notes.pending, *(recording.place.path for recording in recordings)))
            self._notes.keep(Notes(notes.locked, tuple(paths)))

    def tell_deleted(self, recordings: Sequence[Recording]) -> None:
        if not recordings or self._monotonic() < self._try_again_at:
            return
        try:
            with self._database().session() as session:
                self._looked = self._looked or look(session, self._setup)
                self._settle_rows(session)
        except StorageError as error:
            self._try_again_at = self._monotonic() + TRY_AGAIN_S
            self._trouble = f"{error}{self._waiting()}"

    def _database(self) -> ZoneMinderDatabase:
        return ZoneMinderDatabase(read_conf(self._config, config_files.read_text, config_files.list_conf).database)

    def _read(self, session: Session) -> None:
        """Take in new events, and now and then everything else."""
        if self._looked is None or self._monotonic() >= self._look_again_at:
            self._looked = look(session, self._setup)
            self._look_again_at = self._monotonic() + LOOK_EVERY_S
            self._notes.keep(Notes(frozenset(self._looked.locked), self._notes.load().pending))
        looked = self._looked
        self._index.add(session.events_after(self._index.newest, looked.ours), self._time)
        events = self._events or EventDirectories(self._setup.zone, {}, self._index)
        self._events = events.with_cameras(cameras_of(looked))

    def _known_locks(self) -> Collection[bytes]:
        with suppress(StorageError):
            return self._notes.load().locked
        return () if self._looked is None else self._looked.locked

    # --- rows of events that are gone ---------------------------------------------------------------------------

    def _settle_rows(self, session: Session) -> None:
        """Delete the rows of events whose directories are gone, for a moment; forget those that are still there.

        Raises:
            StorageError: the database, or the notes.
        """
        notes = self._notes.load()
        if not notes.pending or self._looked is None or not self._store_is_there():
            return
        gone = [path for path in notes.pending if not config_files.is_there(self._setup.path, path)]
        rows = self._rows_at(session, gone)
        end = self._monotonic() + ROWS_AT_ONCE_S
        left = []
        for path in gone:
            row = rows.get(path)
            if row is None or self._lies_elsewhere(row, path):
                continue
            if self._monotonic() >= end:
                left.append(path)
                continue
            session.delete_event(row)
        self._notes.keep(Notes(notes.locked, tuple(left)))

    def _rows_at(self, session: Session, paths: Collection[bytes]) -> Mapping[bytes, EventRow]:
        """Return the rows of events by the paths at which ZoneMinder looks for them in this store."""
        ours = () if self._looked is None else self._looked.ours
        places = [place for path in paths if (place := parse_event(path)) is not None]
        starts = [(place.monitor, start) for place in places if (start := _local_start(place.fields)) is not None]
        found = session.rows_of(places, starts) if places else ()
        return {
            row.path: row
            for row in found
            if row.path is not None
            and row.path in paths
            and (not ours or row.storage in ours or row.second_storage in ours)
        }

    def _lies_elsewhere(self, row: EventRow, path: bytes) -> bool:
        """Tell whether another storage area has, or may have, the event as well: then its rows are needed there."""
        looked = self._looked
        if looked is None:
            return True
        others = {row.storage, row.second_storage} - set(looked.ours) - {0}
        for storage in looked.storages:
            unlooked = storage.ident in others and not os.path.isdir(storage.path)
            if unlooked or (storage.ident in others and config_files.is_there(storage.path, path)):
                return True
        return False

    def _store_is_there(self) -> bool:
        """Tell whether the store is mounted: an empty mount point would make every event look gone."""
        return os.path.exists(os.path.join(self._setup.path, ".retentiond", "store.json"))

    def _waiting(self) -> str:
        """Return what is still to be done in the database, for people; empty if nothing is."""
        try:
            count = len(self._notes.load().pending)
        except StorageError as error:
            return f"; {error}"
        return f"; the rows of {count} events that are deleted wait for it" if count else ""


def links_to(recordings: Sequence[Recording]) -> Mapping[bytes, Collection[bytes]]:
    """Return the links that ZoneMinder lays beside the hours of a day, by their directory."""
    found: dict[bytes, list[bytes]] = {}
    for recording in recordings:
        link = link_of(recording.place.path)
        if link is not None:
            found.setdefault(link[0], []).append(link[1])
    return found


def _local_start(fields: Sequence[tuple[str, bytes]]) -> datetime | None:
    """Return the naive local time of a Deep event's path, as its row has it."""
    values = {key: int(value) for key, value in fields}
    if "H" not in values:
        return None
    try:
        return datetime(  # noqa: DTZ001  wall time, as in the row
            2000 + values["y"], values["m"], values["d"], values["H"], values["M"], values["S"]
        )
    except ValueError:
        return None


def build_zoneminder(setup: Setup, notes: NotesFile) -> ZoneMinder | EventNames:
    """Build the recorder. Nothing is read yet: names tell nothing of when most events began."""
    if setup.config is None:
        return EventNames(setup.zone)
    return ZoneMinder(setup, setup.config, notes)
