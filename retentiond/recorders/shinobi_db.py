"""Shinobi's own database, in MariaDB or SQLite, for reading only: its monitors, its days, and what is archived.

Films have no number: a row names group, monitor and time, and the film is named by these. Times are compared as they
are written, in Shinobi's local time.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, TypeVar

from retentiond.domain.instants import EPOCH
from retentiond.recorders.mariadb import DatabaseAccess, connected
from retentiond.recorders.sqlite_books import Query, ask_database

COMPARED = 100
"""So many of the newest rows are compared with the disk."""

_ARCHIVED = ("status = 3", "details LIKE ?", "details LIKE ?")
_MARKS = ('%"archived":"1"%', '%"archived":1%')
_ROWS = "SELECT ke, mid, CAST(time AS CHAR) FROM Videos WHERE ({archived})"
_NEWEST = "SELECT ke, mid, CAST(time AS CHAR), ext, details FROM Videos WHERE status <> 0 ORDER BY time DESC LIMIT ?"
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Monitor:
    """One row of `Monitors`."""

    group: str
    ident: str
    kind: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Film:
    """One of the newest rows of `Videos`. `directory` is where it was told to lie, if not in the usual place."""

    name: bytes
    extension: str
    directory: str


@dataclass(frozen=True, slots=True)
class ShinobiBooks:
    """What the tables say. `archived` are films by group, monitor and time, `owners` the settings of each group."""

    monitors: tuple[Monitor, ...] = ()
    owners: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    archived: frozenset[bytes] = frozenset()
    newest: tuple[Film, ...] = ()


def read_books(database: DatabaseAccess | str, zone: tzinfo) -> ShinobiBooks:
    """Read what changes seldom. Raises StorageError."""

    def ask(query: Query) -> ShinobiBooks:
        monitors = query("SELECT ke, mid, type, details FROM Monitors ORDER BY ke, mid LIMIT 10000")
        owners = query("SELECT ke, details FROM Users WHERE details NOT LIKE ? LIMIT 10000", '%"sub"%')
        return ShinobiBooks(
            monitors=tuple(Monitor(str(row[0]), str(row[1]), str(row[2]), _held(row[3])) for row in monitors),
            owners={str(row[0]): _held(row[1]) for row in owners},
            archived=frozenset(_films(query(*_archived(query)), zone)),
            newest=tuple(
                Film(name, str(row[3]), str(_held(row[4]).get("dir") or ""))
                for row in query(_NEWEST, COMPARED)
                if (name := _film(row, zone)) is not None
            ),
        )

    return _ask(database, ask)


def archived_among(database: DatabaseAccess | str, films: Collection[bytes], zone: tzinfo) -> frozenset[bytes]:
    """Return those of `films` that are archived, as the database says now. Raises StorageError."""
    groups = sorted({film.split(b"/")[0].decode("utf-8", "replace") for film in films})

    def ask(query: Query) -> frozenset[bytes]:
        sql, *marks = _archived(query)
        among = f" AND ke IN ({', '.join('?' * len(groups))})"
        return frozenset(_films(query(sql + among, *marks, *groups), zone)) & frozenset(films)

    return _ask(database, ask) if films else frozenset()


def _archived(query: Query) -> tuple[str, ...]:
    """Return a query for archived films; newer versions have a column for it."""
    terms = list(_ARCHIVED)
    if "archive" in {str(row[0]).lower() for row in query("columns")}:
        terms.append("archive = 1")
    return _ROWS.format(archived=" OR ".join(terms)), *_MARKS


def _ask(database: DatabaseAccess | str, ask: Callable[[Query], _Answer]) -> _Answer:
    if isinstance(database, str):

        def ask_file(query: Query) -> _Answer:
            return ask(
                lambda sql, *values: query(
                    "SELECT name FROM pragma_table_info('Videos')" if sql == "columns" else sql, *values
                )
            )

        return ask_database(database, ask_file)
    with connected(database, "Shinobi", "shinobi") as connection:

        def query(sql: str, *values: object) -> Sequence[Sequence[Any]]:
            if sql == "columns":
                sql = (
                    "SELECT COLUMN_NAME FROM information_schema.COLUMNS "
                    "WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'Videos'"
                )
            with connection.cursor() as cursor:
                cursor.execute(sql.replace("?", "%s"), values or None)
                return list(cursor.fetchall())

        return ask(query)


def _films(rows: Sequence[Sequence[Any]], zone: tzinfo) -> Iterator[bytes]:
    for row in rows:
        film = _film(row, zone)
        if film is not None:
            yield film


def _film(row: Sequence[Any], zone: tzinfo) -> bytes | None:
    """Return what the film of a row is called below a storage, without its extension; None if its time is none."""
    text = str(row[2])
    try:
        # SQLite keeps what the driver gave it: a text, or milliseconds since 1970.
        local = (
            datetime.fromtimestamp(int(text) / 1000, zone)
            if text.isascii() and text.isdigit() and len(text) > 9
            else datetime.fromisoformat(text[:19])
        )
    except (ValueError, OverflowError, OSError):
        return None
    return f"{row[0]}/{row[1]}/{local:%Y-%m-%dT%H-%M-%S}".encode() if local.year >= EPOCH.year else None


def _held(details: object) -> Mapping[str, Any]:
    """Return the settings that a row holds as JSON, none if it holds something else."""
    try:
        held = json.loads(details) if isinstance(details, str | bytes) else details
    except (ValueError, RecursionError):
        return {}
    return held if isinstance(held, dict) else {}
