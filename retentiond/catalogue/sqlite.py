"""The catalogue in SQLite. Each method is one transaction; rows stream, and no query grows with the store."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from retentiond.catalogue.bases import basis_from_text, basis_to_text
from retentiond.catalogue.schema import damaged
from retentiond.domain import instants, names
from retentiond.domain.recording import CameraName, Category, Place, Recording, StoreName, Stream, Unit
from retentiond.domain.run import Plan, StoreCensus, WaitReason
from retentiond.domain.span import Span
from retentiond.domain.starts import Arrival, Doubt
from retentiond.ports import Arrived, CatalogueRow, Comparison, Listing, ScanState, Setback, StreamBases

PAGE = 1000
SAMPLES = 100
_EARLIEST, _LATEST = -(1 << 62), 1 << 62

_T = TypeVar("_T")
_Key = tuple[int, int, int, bytes]
"""Stream id, start in ms, directory id, name: the key of a row."""


class SqliteCatalogue:
    """`Catalogue` over an open connection; used from the thread that opened it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._stream_ids: dict[Stream, int] = {}
        self._streams: dict[int, Stream] = {}

    # --- streams ----------------------------------------------------------------------------------------------

    def streams(self, store: StoreName) -> Sequence[tuple[Stream, int]]:
        rows = self._all("SELECT id, camera, category, recordings FROM stream WHERE store=? ORDER BY id", store)
        return [(self._remember(row[0], Stream(store, CameraName(row[1]), Category(row[2]))), row[3]) for row in rows]

    def cameras(self, store: StoreName) -> Sequence[CameraName]:
        rows = self._all("SELECT DISTINCT camera FROM stream WHERE store=? AND recordings>0 ORDER BY camera", store)
        return [CameraName(row[0]) for row in rows]

    def census(self, store: StoreName) -> StoreCensus:
        by_camera: dict[CameraName, int] = {}
        newest: list[datetime] = []
        for stream, count in self.streams(store):
            by_camera[stream.camera] = by_camera.get(stream.camera, 0) + count
            latest = self.newest(stream) if count else None
            if latest is not None:
                newest.append(latest)
        return StoreCensus(sum(by_camera.values()), by_camera, max(newest, default=None))

    def bases(self, stream: Stream) -> StreamBases:
        rows = self._all("SELECT current, accepted FROM stream WHERE id=?", self._find_stream(stream))
        if not rows:
            return StreamBases(None, None)
        current, accepted = rows[0]
        return StreamBases(basis_from_text(stream, current), basis_from_text(stream, accepted))

    def set_bases(self, stream: Stream, bases: StreamBases) -> None:
        with self._transaction():
            self._db.execute(
                "UPDATE stream SET current=?, accepted=? WHERE id=?",
                (basis_to_text(bases.current), basis_to_text(bases.accepted), self._stream_id(stream)),
            )

    def oldest(self, stream: Stream, since: datetime | None, until: datetime | None) -> datetime | None:
        rows = self._all(
            "SELECT start FROM recording WHERE stream=? AND start>=? AND start<? ORDER BY start LIMIT 1",
            self._find_stream(stream),
            _EARLIEST if since is None else instants.to_ms(since),
            _LATEST if until is None else instants.to_ms(until),
        )
        return instants.from_ms(rows[0][0]) if rows else None

    def newest(self, stream: Stream) -> datetime | None:
        stream_id = self._find_stream(stream)
        rows = self._all("SELECT start FROM recording WHERE stream=? ORDER BY start DESC LIMIT 1", stream_id)
        return instants.from_ms(rows[0][0]) if rows else None

    # --- listings ---------------------------------------------------------------------------------------------

    def compare(self, store: StoreName, listing: Listing, places: Iterable[tuple[Stream, Place]]) -> Comparison:
        seen = {place.name: place for _, place in places}
        known = {row[3]: row for row in self._rows_of(self._find_directory(store, listing.directory))}
        unknown = tuple(place for name, place in seen.items() if name not in known)
        vanished = tuple(self._recording(row) for name, row in known.items() if name not in seen)
        return Comparison(unknown, vanished)

    def update(
        self,
        store: StoreName,
        listing: Listing,
        arrived: Sequence[Arrived],
        vanished: Sequence[Recording],
        unclassified: Sequence[bytes],
    ) -> None:
        with self._transaction():
            directory = self._directory_id(store, listing.directory)
            self._forget([self._key(item) for item in vanished])
            for item in arrived:
                self._insert(item)
            stamp = listing.stamp
            self._db.execute(
                "UPDATE directory SET inode=?, mtime_ns=?, ctime_ns=?, unclassified=? WHERE id=?",
                (stamp.inode, stamp.mtime_ns, stamp.ctime_ns, len(unclassified), directory),
            )
            self._db.execute("DELETE FROM sample WHERE directory=?", (directory,))
            kept = [(directory, name) for name in unclassified[:SAMPLES]]
            self._db.executemany("INSERT OR IGNORE INTO sample VALUES (?,?)", kept)

    def knows_directory(self, store: StoreName, directory: bytes) -> bool:
        rows = self._all("SELECT inode FROM directory WHERE store=? AND path=?", store, directory)
        return bool(rows) and rows[0][0] is not None

    def forget_directories(self, store: StoreName, parent: bytes, children: Iterable[bytes]) -> Sequence[Recording]:
        kept = {names.join(parent, child) for child in children}
        prefix = parent + b"/" if parent else b""
        rows = self._all(
            "SELECT id, path FROM directory WHERE store=? AND path>? AND path<?",
            store,
            prefix,
            prefix[:-1] + b"0" if prefix else b"\xff" * 256,
        )
        gone = [row for row in rows if not self._is_below(row[1], kept, len(prefix))]
        lost: list[Recording] = []
        with self._transaction():
            for directory, _ in gone:
                keys = list(self._rows_of(directory))
                lost += [self._recording(key) for key in keys]
                self._forget(keys)
                self._db.execute("DELETE FROM sample WHERE directory=?", (directory,))
                self._db.execute("DELETE FROM directory WHERE id=?", (directory,))
        return lost

    def unclassified(self, store: StoreName) -> tuple[int, Sequence[bytes]]:
        ((count,),) = self._all("SELECT coalesce(sum(unclassified), 0) FROM directory WHERE store=?", store)
        rows = self._all(
            "SELECT path, name FROM directory JOIN sample ON directory=id WHERE store=? AND unclassified>0 LIMIT ?",
            store,
            SAMPLES,
        )
        return count, [names.join(path, name) for path, name in rows]

    # --- recordings -------------------------------------------------------------------------------------------

    def find(self, spans: Sequence[Span], limit: int | None = None) -> Iterator[CatalogueRow]:
        left = _LATEST if limit is None else limit
        for stream, after, until in _merged(spans):
            for row in self._pages(self._find_stream(stream), after, until):
                if left <= 0:
                    return
                left -= 1
                yield self._catalogue_row(row)

    def count(self, spans: Sequence[Span]) -> int:
        query = "SELECT count(*) FROM recording WHERE stream=? AND start>? AND start<=?"
        return sum(
            int(self._all(query, self._find_stream(stream), after, until)[0][0])
            for stream, after, until in _merged(spans)
        )

    def odd(self, store: StoreName) -> Sequence[CatalogueRow]:
        rows = self._all(
            "SELECT o.stream, o.start, o.directory, o.name, o.first_seen, o.doubt, o.arrival "
            "FROM oddity o JOIN directory d ON o.directory=d.id WHERE d.store=?",
            store,
        )
        return [self._catalogue_row(row) for row in rows]

    def forget(self, recordings: Sequence[Recording], *, trail_seq: int | None = None) -> None:
        with self._transaction():
            self._forget([self._key(item) for item in recordings])
            if trail_seq is not None:
                self._db.execute("INSERT OR REPLACE INTO meta VALUES ('trail', ?)", (trail_seq,))

    def restart(self, former: Recording, again: Arrived) -> None:
        with self._transaction():
            self._forget([self._key(former)])
            self._insert(again)

    def trail_position(self) -> int:
        rows = self._all("SELECT value FROM meta WHERE key='trail'")
        return int(rows[0][0]) if rows else 0

    def setbacks(self, store: StoreName) -> Sequence[Setback]:
        rows = self._all(
            "SELECT s.stream, s.start, s.directory, s.name, s.attempts, s.error, s.retry "
            "FROM setback s JOIN directory d ON s.directory=d.id WHERE d.store=?",
            store,
        )
        return [Setback(self._recording(row), row[4], row[5], instants.from_ms(row[6])) for row in rows]

    def note_setback(self, setback: Setback) -> None:
        stream, start, directory, name = self._key(setback.recording)
        with self._transaction():
            self._db.execute(
                "INSERT OR REPLACE INTO setback VALUES (?,?,?,?,?,?,?)",
                (directory, name, setback.attempts, setback.error, instants.to_ms(setback.retry_at), stream, start),
            )

    # --- scans and plans --------------------------------------------------------------------------------------

    def scan_state(self, store: StoreName) -> ScanState:
        rows = self._all("SELECT last_complete, resume_after FROM scan WHERE store=?", store)
        if not rows:
            return ScanState(None, None)
        last, resume_after = rows[0]
        return ScanState(None if last is None else instants.from_ms(last), resume_after)

    def set_scan_state(self, store: StoreName, state: ScanState) -> None:
        last = None if state.last_complete is None else instants.to_ms(state.last_complete)
        with self._transaction():
            self._db.execute("INSERT OR REPLACE INTO scan VALUES (?,?,?)", (store, last, state.resume_after))

    def freeze(self, plan: Plan, members: Sequence[Recording]) -> None:
        with self._transaction():
            self._db.execute("DELETE FROM member WHERE store=?", (plan.store,))
            self._db.execute(
                "INSERT OR REPLACE INTO plan VALUES (?,?,?,?,?)",
                (plan.store, plan.digest, plan.count, plan.why.value, instants.to_ms(plan.created)),
            )
            rows = ((plan.store, start, stream, *rest) for stream, start, *rest in map(self._key, members))
            self._db.executemany("INSERT OR IGNORE INTO member VALUES (?,?,?,?,?)", rows)

    def waiting(self, store: StoreName) -> Plan | None:
        rows = self._all("SELECT digest, count, why, created FROM plan WHERE store=?", store)
        if not rows:
            return None
        digest, count, why, created = rows[0]
        return Plan(store, digest, count, WaitReason(why), instants.from_ms(created))

    def members(self, store: StoreName) -> Iterator[CatalogueRow]:
        query = (
            "SELECT m.stream, m.start, m.directory, m.name FROM member m JOIN recording r ON r.stream=m.stream "
            "AND r.start=m.start AND r.directory=m.directory AND r.name=m.name WHERE m.store=? "
            "AND (m.start, m.stream, m.directory, m.name) > (?,?,?,?) "
            "ORDER BY m.start, m.stream, m.directory, m.name LIMIT ?"
        )
        stream, start, directory, name = -1, _EARLIEST, -1, b""
        while page := self._all(query, store, start, stream, directory, name, PAGE):
            for row in page:
                yield self._catalogue_row(row)
            stream, start, directory, name = page[-1]

    def thaw(self, store: StoreName) -> None:
        with self._transaction():
            self._db.execute("DELETE FROM plan WHERE store=?", (store,))
            self._db.execute("DELETE FROM member WHERE store=?", (store,))

    # --- rows -------------------------------------------------------------------------------------------------

    def _insert(self, item: Arrived) -> None:
        recording = item.recording
        stream, start, directory, name = key = self._key(recording)
        fresh = self._db.execute("INSERT OR IGNORE INTO recording VALUES (?,?,?,?)", key).rowcount
        if not fresh:
            return
        self._db.execute("UPDATE stream SET recordings=recordings+1 WHERE id=?", (stream,))
        self._db.execute(
            "INSERT INTO span VALUES (?,?,?,?,1) ON CONFLICT DO UPDATE SET lo=min(lo,excluded.lo), "
            "hi=max(hi,excluded.hi), n=n+1",
            (directory, stream, start, start),
        )
        if recording.unit is Unit.DIRECTORY:
            self._db.execute("INSERT OR IGNORE INTO whole VALUES (?,?)", (directory, name))
        if item.doubt is not None or item.arrival is not Arrival.ORDINARY:
            seen, doubt = instants.to_ms(item.first_seen), item.doubt and item.doubt.value
            self._db.execute(
                "INSERT OR REPLACE INTO oddity VALUES (?,?,?,?,?,?,?)",
                (directory, name, seen, doubt, item.arrival.value, stream, start),
            )

    def _forget(self, keys: Sequence[_Key]) -> None:
        for key in keys:
            stream, _, directory, name = key
            query = "DELETE FROM recording WHERE stream=? AND start=? AND directory=? AND name=?"
            if not self._db.execute(query, key).rowcount:
                continue
            self._db.execute("UPDATE stream SET recordings=recordings-1 WHERE id=?", (stream,))
            self._db.execute("UPDATE span SET n=n-1 WHERE directory=? AND stream=?", (directory, stream))
            self._db.execute("DELETE FROM span WHERE directory=? AND stream=? AND n<=0", (directory, stream))
            for table in ("oddity", "setback", "whole"):
                self._db.execute(f"DELETE FROM {table} WHERE directory=? AND name=?", (directory, name))  # noqa: S608

    def _rows_of(self, directory: int) -> Iterator[_Key]:
        spans = self._all("SELECT stream, lo, hi FROM span WHERE directory=?", directory)
        for stream, lo, hi in spans:
            query = "SELECT stream, start, directory, name FROM recording WHERE stream=? AND start BETWEEN ? AND ?"
            yield from (row for row in self._all(query, stream, lo, hi) if row[2] == directory)

    def _pages(self, stream: int, after: int, until: int) -> Iterator[tuple[Any, ...]]:
        """Yield rows a page at a time by key, so that the caller may change the table in between."""
        query = (
            "SELECT r.stream, r.start, r.directory, r.name, o.first_seen, o.doubt, o.arrival FROM recording r "
            "LEFT JOIN oddity o ON o.directory=r.directory AND o.name=r.name "
            "WHERE r.stream=? AND (r.start, r.directory, r.name) > (?,?,?) AND r.start<=? "
            "ORDER BY r.start, r.directory, r.name LIMIT ?"
        )
        start, directory, name = after, _LATEST, b""
        while page := self._all(query, stream, start, directory, name, until, PAGE):
            yield from page
            start, directory, name = page[-1][1:4]

    def _catalogue_row(self, row: Sequence[Any]) -> CatalogueRow:
        recording = self._recording(row)
        if len(row) == 4 or row[4] is None:
            return CatalogueRow(recording)
        doubt = None if row[5] is None else Doubt(row[5])
        return CatalogueRow(recording, instants.from_ms(row[4]), doubt, Arrival(row[6]))

    def _recording(self, row: Sequence[Any]) -> Recording:
        stream, start, directory, name = row[:4]
        ((path,),) = self._all("SELECT path FROM directory WHERE id=?", directory)
        whole = self._all("SELECT 1 FROM whole WHERE directory=? AND name=?", directory, name)
        unit = Unit.DIRECTORY if whole else Unit.FILE
        return Recording(self._stream_of(stream), Place(path, name), instants.from_ms(start), unit)

    # --- ids --------------------------------------------------------------------------------------------------

    def _key(self, recording: Recording) -> _Key:
        directory = self._directory_id(recording.stream.store, recording.place.directory)
        start = instants.to_ms(recording.start)
        return self._stream_id(recording.stream), start, directory, recording.place.name

    def _stream_id(self, stream: Stream) -> int:
        known = self._find_stream(stream)
        if known >= 0:
            return known
        self._db.execute(
            "INSERT INTO stream (store, camera, category) VALUES (?,?,?)",
            (stream.store, stream.camera, stream.category.value),
        )
        return self._find_stream(stream)

    def _find_stream(self, stream: Stream) -> int:
        """Return the id of a stream, -1 where there is none. Ids are never used again, so they may be remembered."""
        if stream not in self._stream_ids:
            rows = self._all(
                "SELECT id FROM stream WHERE store=? AND camera=? AND category=?",
                stream.store,
                stream.camera,
                stream.category.value,
            )
            if not rows:
                return -1
            self._remember(rows[0][0], stream)
        return self._stream_ids[stream]

    def _remember(self, ident: int, stream: Stream) -> Stream:
        self._stream_ids[stream] = ident
        self._streams[ident] = stream
        return stream

    def _stream_of(self, ident: int) -> Stream:
        if ident not in self._streams:
            ((store, camera, category),) = self._all("SELECT store, camera, category FROM stream WHERE id=?", ident)
            self._remember(ident, Stream(StoreName(store), CameraName(camera), Category(category)))
        return self._streams[ident]

    def _directory_id(self, store: StoreName, path: bytes) -> int:
        known = self._find_directory(store, path)
        if known >= 0:
            return known
        cursor = self._db.execute("INSERT INTO directory (store, path) VALUES (?,?)", (store, path))
        return int(cursor.lastrowid or 0)

    def _find_directory(self, store: StoreName, path: bytes) -> int:
        rows = self._all("SELECT id FROM directory WHERE store=? AND path=?", store, path)
        return int(rows[0][0]) if rows else -1

    # --- SQLite -----------------------------------------------------------------------------------------------

    def _all(self, query: str, *values: object) -> list[Any]:
        return self._guarded(lambda: self._db.execute(query, values).fetchall())

    def _guarded(self, work: Callable[[], _T]) -> _T:
        try:
            return work()
        except sqlite3.Error as error:
            raise damaged("catalogue.db", str(error)) from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        remembered = dict(self._stream_ids)
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._stream_ids = remembered  # ids made in here are not there any more
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise damaged("catalogue.db", str(error)) from error

    @staticmethod
    def _is_below(path: bytes, kept: set[bytes], prefix: int) -> bool:
        end = path.find(b"/", prefix)
        return (path if end < 0 else path[:end]) in kept


def _merged(spans: Sequence[Span]) -> Iterator[tuple[Stream, int, int]]:
    """Yield spans as `after < ms <= until`, without overlaps, streams in the order in which they are named."""
    by_stream: dict[Stream, list[tuple[int, int]]] = {}
    for span in spans:
        # a start is whole milliseconds, so the bounds may be rounded down
        by_stream.setdefault(span.stream, []).append((instants.to_ms(span.after), instants.to_ms(span.until)))
    for stream, bounds in by_stream.items():
        reached = _EARLIEST
        for after, until in sorted(bounds):
            if until > max(after, reached):
                yield stream, max(after, reached), until
                reached = until
