"""Frigate's own database, for a second opinion: its cameras, what somebody marked to be kept, what it exported.

Frigate's `retain_indefinitely` protects the pictures of an event. So does it here: they stay, and are a finding.
"""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from retentiond.domain.errors import StorageError
from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.domain.instants import EPOCH
from retentiond.domain.names import readable
from retentiond.domain.recording import CameraName, Category, Recognised, Recording, StoreName
from retentiond.ports import Entry, EntryKind
from retentiond.recorders.frigate_layouts import frigate_classifier
from retentiond.recorders.sqlite_books import Query, ask_database

COMPARED = 100
"""So many of the newest rows are compared with what their names say."""

_TOLERANCE = timedelta(seconds=2)
_EVENT = re.compile(rb"(?:^|[-/])([0-9]{1,11}\.[0-9]{1,9}-[a-z0-9]{6})(?=[.-]|$)")
_WHOLE = frigate_classifier(UTC)


@dataclass(frozen=True, slots=True)
class FrigateBooks:
    """What the database says. `retained` are the ids of events whose pictures are to be kept."""

    cameras: tuple[CameraName, ...] = ()
    retained: frozenset[bytes] = frozenset()
    exports: int = 0
    compared: int = 0
    differing: int = 0


def find_database(named: str, config: str, media: str) -> str | None:
    """Return where the database is on this host: Frigate names it as its container sees it. None if it is nowhere."""
    beside = os.path.join(os.path.dirname(config), os.path.basename(named) or "frigate.db")
    return next((path for path in (beside, os.path.join(media, "frigate.db"), named) if os.path.isfile(path)), None)


def read_books(path: str) -> FrigateBooks:
    """Read the database; a version of Frigate that lacks a table has nothing to say of it. Raises StorageError."""

    def ask(query: Query) -> FrigateBooks:
        columns = {
            (row[0], row[1])
            for row in query(
                "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'"
            )
        }

        def ask_for(table: str, column: str, sql: str, *parameters: object) -> Sequence[Sequence[Any]]:
            return query(sql, *parameters) if (table, column) in columns else ()

        cameras = ask_for(
            "recordings",
            "camera",
            "WITH RECURSIVE each(name) AS (SELECT min(camera) FROM recordings UNION ALL "
            "SELECT (SELECT min(camera) FROM recordings WHERE camera > name) FROM each WHERE name IS NOT NULL) "
            "SELECT name FROM each WHERE name IS NOT NULL LIMIT 1000",
        )
        marked = "SELECT id FROM event WHERE retain_indefinitely LIMIT 100000"
        retained = ask_for("event", "retain_indefinitely", marked)
        rows = "SELECT path, camera, start_time FROM recordings ORDER BY rowid DESC LIMIT ?"
        newest = ask_for("recordings", "start_time", rows, COMPARED)
        told = [item for row in newest if (item := _differs(row)) is not None]
        exports = ask_for("export", "id", "SELECT count(*) FROM export")
        return FrigateBooks(
            cameras=tuple(CameraName(readable(str(row[0]).encode())) for row in cameras),
            retained=frozenset(str(row[0]).encode() for row in retained),
            exports=int(exports[0][0]) if exports else 0,
            compared=len(told),
            differing=sum(told),
        )

    return ask_database(path, ask)


def retained_among(path: str, ids: Sequence[bytes]) -> frozenset[bytes]:
    """Return those of the events `ids` that are to be kept, as the database says now. Raises StorageError."""

    def ask(query: Query) -> frozenset[bytes]:
        among = "SELECT id FROM event WHERE retain_indefinitely AND id IN (SELECT value FROM json_each(?))"
        return frozenset(str(row[0]).encode() for row in query(among, json.dumps([item.decode() for item in ids])))

    return ask_database(path, ask)


def event_of(recording: Recording) -> bytes | None:
    """Return the id of the event that a picture is of; None for what is no picture of an event."""
    if recording.stream.category is not Category.STILL:
        return None
    match = _EVENT.search(recording.place.name)
    return None if match is None else match[1]


def book_findings(store: StoreName, books: FrigateBooks) -> Sequence[Finding]:
    """Return what the database shows that a person has to know."""
    found = []
    if books.retained:
        found.append(
            finding(
                FindingKind.LOCKED_IN_RECORDER,
                f"{store} / retain_indefinitely",
                f"in Frigate, events are marked to be kept for ever ({len(books.retained)}): their pictures in store "
                f"{store!r} stay past their deadline; their recordings go",
                "unmark them in Frigate; what has to be kept on a ground is kept by a hold of retentiond",
            )
        )
    if books.exports:
        found.append(
            finding(
                FindingKind.RECORDER_KEEPS_LONGER,
                f"{store} / exports",
                f"Frigate has exports ({books.exports}) and never deletes one; in store {store!r} they go at the "
                "deadline of the footage in them, and Frigate still lists them",
                "tell those who export to take their copy, and delete exports in Frigate when they are done",
            )
        )
    if books.differing:
        found.append(
            finding(
                FindingKind.SOURCES_DISAGREE,
                f"{store} / frigate.db",
                f"{books.differing} of the {books.compared} newest recordings in Frigate's database have another "
                f"camera or start there than by their names in store {store!r}",
                "look whether the store is the directory that Frigate writes into, and whether its clock was set",
            )
        )
    return found


def _differs(row: Sequence[object]) -> bool | None:
    """Tell whether a row and its name disagree; None if the name is below another directory."""
    path, camera, start_time = row
    _, found, below = str(path).encode("utf-8", "replace").partition(b"/recordings/")
    if not found or not isinstance(start_time, int | float):
        return None
    directory, _, name = (b"recordings/" + below).rpartition(b"/")
    (sighting,) = _WHOLE.classify(directory, (Entry(name, EntryKind.FILE),))
    if not isinstance(sighting, Recognised) or sighting.start is None:
        return True
    return sighting.camera != camera or abs(sighting.start - _instant(start_time)) > _TOLERANCE


def _instant(seconds: float) -> datetime:
    try:
        return EPOCH + timedelta(seconds=seconds)
    except (OverflowError, ValueError) as error:
        raise StorageError("a start in it is no time") from error
