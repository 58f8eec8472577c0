"""ZoneMinder's own database: read for what it says of events, and the rows of an event that is gone are deleted.

Connections are short: the loop that deletes recordings waits for them. Deleting goes in ZoneMinder's own order, least
first, in one transaction an event; its triggers keep the summaries of its pages in step.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from retentiond.recorders.mariadb import DatabaseAccess, connected
from retentiond.recorders.zoneminder_names import EventPlace, Scheme, path_of

if TYPE_CHECKING:
    from pymysql.connections import Connection

_ATTEMPTS = 3
_DEADLOCK = 1213
_BATCH = 5000
_COLUMNS = (
    "Id, MonitorId, StorageId, SecondaryStorageId, StartDateTime, Scheme, Archived, Locked, "
    "EndDateTime IS NULL AND StartDateTime > NOW() - INTERVAL 1 DAY AS Running, DiskSpace"
)


@dataclass(frozen=True, slots=True)
class EventRow:
    """One row of `Events`. `running` is an event that has no end yet and began within a day."""

    ident: int
    monitor: int
    storage: int
    second_storage: int
    start: datetime | None
    scheme: str
    locked: bool
    running: bool
    disk_bytes: int

    @property
    def path(self) -> bytes | None:
        """Where ZoneMinder looks for it, below a storage area."""
        return path_of(self.scheme, self.monitor, self.ident, self.start)


@dataclass(frozen=True, slots=True)
class StorageRow:
    """One row of `Storage`: a directory into which events go."""

    ident: int
    path: str
    name: str
    deletes: bool


class ZoneMinderDatabase:
    """Opens the database for moments."""

    def __init__(self, access: DatabaseAccess) -> None:
        self._access = access

    @contextmanager
    def session(self) -> "Iterator[Session]":
        """Open a connection. Raises StorageError: it cannot be reached, or says something unexpected."""
        with connected(self._access, "ZoneMinder", "zoneminder") as connection:
            yield Session(connection)


class Session:
    """One connection. Its methods raise what the library raises; `ZoneMinderDatabase.session` turns it into ours."""

    def __init__(self, connection: "Connection[Any]") -> None:
        self._connection = connection
        self._tables: frozenset[str] | None = None

    def storages(self) -> Sequence[StorageRow]:
        """Return the storage areas."""
        rows = self._select("SELECT Id, Path, Name, DoDelete FROM Storage")
        return [StorageRow(int(row[0]), str(row[1]), str(row[2]), bool(row[3])) for row in rows]

    def monitors(self) -> Sequence[Mapping[str, Any]]:
        """Return the rows of `Monitors`, whose columns differ by version."""
        from pymysql.cursors import DictCursor

        with self._connection.cursor(DictCursor) as cursor:
            cursor.execute("SELECT * FROM Monitors")
            return list(cursor.fetchall())

    def filters(self) -> Sequence[tuple[str, str]]:
        """Return names and terms of the filters that delete by themselves."""
        rows = self._select("SELECT Name, Query_json FROM Filters WHERE AutoDelete AND Background")
        return [(str(row[0]), str(row[1])) for row in rows]

    def settings(self, *names: str) -> Mapping[str, str]:
        """Return settings of ZoneMinder by name."""
        return {
            str(row[0]): str(row[1]) for row in self._select("SELECT Name, Value FROM Config WHERE Name IN %s", names)
        }

    def events_after(self, ident: int, storages: Sequence[int]) -> Iterator[EventRow]:
        """Yield the events of these storage areas that are newer than `ident`, by their number."""
        while True:
            rows = self._events(
                "Id > %s AND (StorageId IN %s OR SecondaryStorageId IN %s) ORDER BY Id LIMIT %s",
                ident,
                storages,
                storages,
                _BATCH,
            )
            yield from rows
            if len(rows) < _BATCH:
                return
            ident = rows[-1].ident

    def locked_events(self, storages: Sequence[int]) -> Sequence[EventRow]:
        """Return the events of these storage areas that somebody archived or locked."""
        return self._events(
            "(Archived OR Locked) AND (StorageId IN %s OR SecondaryStorageId IN %s)", storages, storages
        )

    def doubled(self, storages: Sequence[int]) -> int:
        """Return how many events of these storage areas have a second copy in another."""
        count = self._select("SELECT count(*) FROM Events WHERE SecondaryStorageId > 0 AND StorageId IN %s", storages)
        return int(count[0][0])

    def oldest_events(self, storages: Sequence[int], limit: int) -> Sequence[EventRow]:
        """Return the events of these storage areas with the lowest numbers that have ended."""
        return self._events("StorageId IN %s AND EndDateTime IS NOT NULL ORDER BY Id LIMIT %s", storages, limit)

    def rows_of(self, places: Iterable[EventPlace], starts: Sequence[tuple[int, datetime]]) -> Sequence[EventRow]:
        """Return the rows that may be of these events; those of the Deep scheme by monitor and local `starts`."""
        idents = [place.ident for place in places if place.ident is not None]
        found = list(self._events("Id IN %s", idents)) if idents else []
        if starts:
            found += self._events("Scheme = %s AND (MonitorId, StartDateTime) IN %s", Scheme.DEEP.value, starts)
        return found

    def taken_by_filters(self, idents: Sequence[int]) -> frozenset[int]:
        """Return those events that a filter of ZoneMinder is working on right now."""
        if not idents or "Events_Lock" not in self._known_tables():
            return frozenset()
        sql = "SELECT EventId FROM Events_Lock WHERE ExpiresAt > NOW() AND EventId IN %s"
        return frozenset(int(row[0]) for row in self._select(sql, idents))

    def delete_event(self, row: EventRow) -> None:
        """Delete the rows of an event in one transaction, as ZoneMinder itself does."""
        import pymysql

        for attempt in range(_ATTEMPTS):
            try:
                self._delete_event(row)
                return
            except pymysql.Error as error:
                self._connection.rollback()
                if error.args[:1] != (_DEADLOCK,) or attempt == _ATTEMPTS - 1:
                    raise

    def _delete_event(self, row: EventRow) -> None:
        tables = self._known_tables()
        with self._connection.cursor() as cursor:
            self._connection.begin()
            for table in ("Stats", "Event_Data", "Frames"):
                if table in tables:
                    cursor.execute(f"DELETE FROM {table} WHERE EventId = %s", (row.ident,))  # noqa: S608  ours
            cursor.execute("DELETE FROM Events WHERE Id = %s AND MonitorId = %s", (row.ident, row.monitor))
            if row.disk_bytes and not self._storage_follows():
                less = "UPDATE Storage SET DiskSpace = GREATEST(COALESCE(DiskSpace, 0) - %s, 0) WHERE Id = %s"
                cursor.execute(less, (row.disk_bytes, row.storage))
        self._connection.commit()

    def _storage_follows(self) -> bool:
        """Tell whether a trigger takes the space of a deleted event off its storage area, as it did up to 1.38."""
        sql = (
            "SELECT ACTION_STATEMENT FROM information_schema.TRIGGERS "
            "WHERE TRIGGER_SCHEMA = DATABASE() AND TRIGGER_NAME = 'event_delete_trigger'"
        )
        return any("Storage SET" in str(row[0]) for row in self._select(sql))

    def _known_tables(self) -> frozenset[str]:
        if self._tables is None:
            self._tables = frozenset(str(row[0]) for row in self._select("SHOW TABLES"))
        return self._tables

    def _events(self, where: str, *parameters: object) -> Sequence[EventRow]:
        rows = self._select(f"SELECT {_COLUMNS} FROM Events WHERE {where}", *parameters)  # noqa: S608  both are ours
        return [_event(row) for row in rows]

    def _select(self, sql: str, *parameters: object) -> Sequence[Sequence[Any]]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            return list(cursor.fetchall())


def _event(row: Sequence[Any]) -> EventRow:
    start = row[4]
    return EventRow(
        ident=int(row[0]),
        monitor=int(row[1]),
        storage=int(row[2] or 0),
        second_storage=int(row[3] or 0),
        start=start if isinstance(start, datetime) else None,
        scheme=str(row[5]),
        locked=bool(row[6]) or bool(row[7]),
        running=bool(row[8]),
        disk_bytes=int(row[9] or 0),
    )
