"""Rows of the catalogue as they are read: the queries that give whole recordings, and the pages they come in."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from retentiond.catalogue.database import Database
from retentiond.catalogue.keys import NONE, Key, Keys
from retentiond.catalogue.slots import Slots, slot_of
from retentiond.domain import instants
from retentiond.domain.recording import Place, Recording, StoreName, Stream, Unit
from retentiond.domain.span import Span
from retentiond.domain.starts import Arrival, Doubt
from retentiond.ports import CatalogueRow

PAGE = 1000
SLOTS = 20
"""So many slots make a page of what is found by start."""

BEFORE_ALL, AFTER_ALL = -(1 << 62), 1 << 62


def _reading(table: str, more: str = "") -> str:
    """Return the query for the recordings whose keys are in `table`; CROSS JOIN keeps it the outer one."""
    return (
        f"SELECT r.stream, r.start, r.directory, r.name, d.path, w.stream, o.first_seen, o.doubt, o.arrival{more} "  # noqa: S608
        f"FROM {table} r CROSS JOIN directory d ON d.id=r.directory "
        "LEFT JOIN whole w ON w.stream=r.stream AND w.start=r.start AND w.directory=r.directory AND w.name=r.name "
        "LEFT JOIN oddity o ON o.stream=r.stream AND o.start=r.start AND o.directory=r.directory AND o.name=r.name "
    )


_MEMBERS = _reading("member") + (
    "WHERE r.store=? AND (r.start, r.stream, r.directory, r.name) > (?,?,?,?) "
    "ORDER BY r.start, r.stream, r.directory, r.name LIMIT ?"
)
_OF_STORE = "WHERE r.stream IN (SELECT id FROM stream WHERE store=?)"
_ODD = _reading("oddity") + _OF_STORE
_SETBACKS = _reading("setback", ", r.attempts, r.error, r.retry") + _OF_STORE
_WITHIN = "stream=? AND start BETWEEN ? AND ?"


class Rows:
    """Reads recordings, a page at a time by key, so that the caller may change the catalogue between two rows."""

    def __init__(self, database: Database, keys: Keys, slots: Slots) -> None:
        self._db = database
        self._keys = keys
        self._slots = slots

    def in_span(self, stream: Stream, after: int, until: int, limit: int) -> Iterator[CatalogueRow]:
        """Yield at most `limit` rows of a stream with `after < start <= until`, oldest first."""
        number = self._keys.find_stream(stream)
        position, last = slot_of(after + 1), slot_of(until)
        while limit > 0 and (slots := self._slots.numbers(number, position, last, min(limit, SLOTS))):
            page = [
                (number, start, directory, name)
                for slot in slots
                for start, directory, name, _ in self._slots.members(number, slot)
                if after < start <= until
            ]
            yield from self._in_full(page[:limit])
            position = slots[-1] + 1
            limit -= len(page)

    def members(self, store: StoreName) -> Iterator[CatalogueRow]:
        """Yield the rows of the set that waits, oldest first."""
        position: tuple[int, int, int, bytes] = BEFORE_ALL, NONE, NONE, b""
        while page := self._db.rows(_MEMBERS, store, *position, PAGE):
            yield from self.decoded(page)
            stream, start, directory, name = page[-1][:4]
            position = start, stream, directory, name

    def odd(self, store: StoreName) -> list[CatalogueRow]:
        """Return the rows that had something odd at first sight."""
        return self.decoded(self._db.rows(_ODD, store))

    def with_setbacks(self, store: StoreName) -> list[tuple[Recording, int, str, datetime]]:
        """Return the recordings that could not be deleted, with attempts, error, and when to try again."""
        rows = self._db.rows(_SETBACKS, store)
        with self._db.decoding():
            return [(self._recording(row), row[9], row[10], instants.from_ms(row[11])) for row in rows]

    def keys_in(self, directory: int) -> Iterator[Key]:
        """Yield the keys of a directory's rows, the oldest of each stream first."""
        for stream, low, high in self._spans(directory):
            for part in self._slots.of_directory(stream, directory, low, high):
                yield from (
                    (stream, start, directory, name) for start, name in zip(part.starts, part.names, strict=True)
                )

    def starts_in(self, directory: int) -> dict[Stream, dict[bytes, int]] | None:
        """Return the start of each name in a directory, by stream; None if a name is there twice."""
        found: dict[Stream, dict[bytes, int]] = {}
        for stream, low, high in self._spans(directory):
            starts = found[self._keys.stream(stream)] = {}
            count = 0
            for part in self._slots.of_directory(stream, directory, low, high):
                starts.update(zip(part.names, part.starts, strict=True))
                count += len(part.names)
            if count != len(starts):
                return None
        return found

    def in_directory(self, directory: int) -> list[CatalogueRow]:
        """Return the rows of a directory."""
        return self._in_full(list(self.keys_in(directory)))

    def of_key(self, key: Key, path: bytes) -> Recording:
        """Return the recording that has this key, in the directory `path`."""
        whole = self._db.row("SELECT stream FROM whole WHERE stream=? AND start=? AND directory=? AND name=?", *key)
        with self._db.decoding():
            return self._recording((*key, path, whole))

    def is_doubted(self, key: Key) -> bool:
        """Tell whether the start of a recording was in doubt at first sight, and is not the one that its name tells."""
        query = "SELECT doubt FROM oddity WHERE stream=? AND start=? AND directory=? AND name=?"
        row = self._db.row(query, *key)
        return row is not None and row[0] is not None

    def decoded(self, rows: Sequence[Any]) -> list[CatalogueRow]:
        """Return rows of the queries above as values."""
        with self._db.decoding():
            return [self._decoded(row) for row in rows]

    def _in_full(self, keys: Sequence[Key]) -> list[CatalogueRow]:
        """Return the rows that have these keys, with what hangs on them."""
        wholes, oddities, paths = set[Any](), dict[Any, Any](), dict[int, bytes]()
        for stream in {key[0] for key in keys}:
            starts = [key[1] for key in keys if key[0] == stream]
            bounds = stream, min(starts), max(starts)
            wholes.update(self._db.rows(f"SELECT stream, start, directory, name FROM whole WHERE {_WITHIN}", *bounds))  # noqa: S608
            for row in self._db.rows(f"SELECT * FROM oddity WHERE {_WITHIN}", *bounds):  # noqa: S608
                oddities[row[:4]] = row[4:]
        for directory in {key[2] for key in keys}:
            found = self._db.row("SELECT path FROM directory WHERE id=?", directory)
            paths[directory] = found[0] if found else b""
        none = None, None, None
        return self.decoded([(*key, paths[key[2]], key in wholes or None, *oddities.get(key, none)) for key in keys])

    def _decoded(self, row: Sequence[Any]) -> CatalogueRow:
        recording = self._recording(row)
        if row[6] is None:
            return CatalogueRow(recording)
        doubt = None if row[7] is None else Doubt(row[7])
        return CatalogueRow(recording, instants.from_ms(row[6]), doubt, Arrival(row[8]))

    def _recording(self, row: Sequence[Any]) -> Recording:
        unit = Unit.FILE if row[5] is None else Unit.DIRECTORY
        return Recording(self._keys.stream(row[0]), Place(row[4], row[3]), instants.from_ms(row[1]), unit)

    def _spans(self, directory: int) -> list[tuple[int, int, int]]:
        return self._db.rows("SELECT stream, lo, hi FROM span WHERE directory=? ORDER BY stream", directory)


def bounds_of(spans: Sequence[Span]) -> Iterator[tuple[Stream, int, int]]:
    """Yield spans as `after < ms <= until`, without overlaps, streams in the order in which they are named.

    A start is whole milliseconds, so both bounds may be rounded down.
    """
    by_stream: dict[Stream, list[tuple[int, int]]] = {}
    for span in spans:
        by_stream.setdefault(span.stream, []).append((instants.to_ms(span.after), instants.to_ms(span.until)))
    for stream, bounds in by_stream.items():
        reached = BEFORE_ALL
        for after, until in sorted(bounds):
            if until > max(after, reached):
                yield stream, max(after, reached), until
                reached = until
