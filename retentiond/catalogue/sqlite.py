"""The catalogue in SQLite. Each method is one transaction; rows stream, and no query grows with the store."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from retentiond.catalogue.bases import basis_from_text, basis_to_text
from retentiond.catalogue.content import Content
from retentiond.catalogue.database import Database
from retentiond.catalogue.directories import Directories
from retentiond.catalogue.keys import Key, Keys
from retentiond.catalogue.rows import AFTER_ALL, BEFORE_ALL, Rows, bounds_of
from retentiond.catalogue.slots import MINUTE_MS, Slots
from retentiond.domain import instants
from retentiond.domain.recording import CameraName, Category, Recording, StoreName, Stream
from retentiond.domain.run import Plan, StoreCensus, WaitReason
from retentiond.domain.span import Span
from retentiond.ports import Arrived, CatalogueRow, Comparison, Listing, ScanState, Setback, Sheaf, Stamps, StreamBases

_NO_BASES = StreamBases(None, None)


class SqliteCatalogue:
    """`Catalogue` over an open database; used from the thread that opened it.

    Every instant is kept, and every bound taken, in whole milliseconds, rounded down; bases are kept exactly.
    """

    def __init__(self, database: Database, *, rebuilt: bool = False) -> None:
        self._db = database
        self._keys = Keys(database)
        self._slots = Slots(database)
        self._rows = Rows(database, self._keys, self._slots)
        self._content = Content(database, self._keys, self._rows, self._slots)
        self._directories = Directories(database, self._keys)
        self._rebuilt = rebuilt
        self._bases: dict[Stream, tuple[object, StreamBases]] = {}

    @property
    def rebuilt(self) -> bool:
        """Whether the former catalogue was damaged and is moved aside, so that this one began empty."""
        return self._rebuilt

    @property
    def found_damaged(self) -> bool:
        """Whether the file turned out to be damaged while it was in use."""
        return self._db.found_damaged

    @property
    def is_sure(self) -> bool:
        """Whether that is sure; SQLite takes a page that could not be read for damage too."""
        return self._db.is_sure

    def quick_check(self) -> Sequence[str]:
        """Return what SQLite finds wrong in the file, nothing if it is whole. Reads all of it: for people."""
        return self._db.quick_check()

    # --- streams ----------------------------------------------------------------------------------------------

    def streams(self, store: StoreName) -> Sequence[tuple[Stream, int]]:
        rows = self._db.rows("SELECT id, camera, category, recordings FROM stream WHERE store=? ORDER BY id", store)
        with self._db.decoding():
            return [
                (self._keys.remember(number, Stream(store, CameraName(camera), Category(category))), count)
                for number, camera, category, count in rows
            ]

    def census(self, store: StoreName) -> StoreCensus:
        by_camera: dict[CameraName, int] = {}
        newest: list[datetime] = []
        for stream, count in self.streams(store):
            latest = self.newest(stream)
            if latest is not None:
                by_camera[stream.camera] = by_camera.get(stream.camera, 0) + count
                newest.append(latest)
        return StoreCensus(sum(by_camera.values()), by_camera, max(newest, default=None))

    def oldest(self, stream: Stream, since: datetime | None, until: datetime | None) -> datetime | None:
        found = self._slots.oldest(
            self._keys.find_stream(stream),
            BEFORE_ALL if since is None else instants.to_ms(since),
            AFTER_ALL if until is None else instants.to_ms(until),
        )
        return self._instant(found)

    def newest(self, stream: Stream) -> datetime | None:
        return self._instant(self._slots.newest(self._keys.find_stream(stream)))

    def bases(self, stream: Stream) -> StreamBases:
        row = self._db.row("SELECT current, accepted FROM stream WHERE id=?", self._keys.find_stream(stream))
        read, bases = self._bases.get(stream, (None, _NO_BASES))
        if row is not None and row != read:  # they are asked for at each look, and hardly ever change
            with self._db.decoding():
                bases = StreamBases(*(basis_from_text(stream, text) for text in row))
            self._bases[stream] = row, bases
        return bases if row is not None else _NO_BASES

    def set_bases(self, stream: Stream, bases: StreamBases) -> None:
        texts = basis_to_text(bases.current), basis_to_text(bases.accepted)
        with self._transaction():
            number = self._keys.make_stream(stream)
            self._db.change("UPDATE stream SET current=?, accepted=? WHERE id=?", *texts, number)

    @contextmanager
    def together(self) -> Iterator[None]:
        with self._transaction():
            yield

    # --- listings ---------------------------------------------------------------------------------------------

    def compare(
        self, store: StoreName, listing: Listing, seen: Mapping[Stream, Mapping[bytes, int | None]]
    ) -> Comparison:
        directory = self._keys.find_directory(store, listing.directory)
        known = self._rows.starts_in(directory)
        missing: list[Key] = []
        if known is None or any(names.keys() - seen.get(stream, {}).keys() for stream, names in known.items()):
            known, missing = self._sort_out(directory, seen)
        unknown = {
            stream: new
            for stream, names in seen.items()
            if (new := self._unknown(directory, stream, names, known.get(stream, {})))
        }
        return Comparison(unknown, tuple(self._rows.of_key(key, listing.directory) for key in missing))

    def _sort_out(
        self, directory: int, seen: Mapping[Stream, Mapping[bytes, int | None]]
    ) -> tuple[dict[Stream, dict[bytes, int]], list[Key]]:
        """Return what of a directory is seen again, and the keys of what is not. A place holds one recording."""
        known: dict[Stream, dict[bytes, int]] = {}
        missing: list[Key] = []
        for key in self._rows.keys_in(directory):
            stream = self._keys.stream(key[0])
            if key[3] not in seen.get(stream, ()) or known.setdefault(stream, {}).setdefault(key[3], key[1]) != key[1]:
                missing.append(key)
        return known, missing

    def _unknown(
        self, directory: int, stream: Stream, names: Mapping[bytes, int | None], known: Mapping[bytes, int]
    ) -> tuple[bytes, ...]:
        """Return the names that are new, then those that tell another start than is known."""
        if not known:
            return tuple(names)
        if names == known:
            return ()
        number = self._keys.find_stream(stream)
        moved = (
            name
            for name, start in known.items()
            if names[name] not in (None, start) and not self._rows.is_doubted((number, start, directory, name))
        )
        return (*(name for name in names if name not in known), *moved)

    def update(
        self,
        store: StoreName,
        listing: Listing,
        arrived: Sequence[Arrived],
        vanished: Sequence[Recording],
        unclassified: Sequence[bytes],
        *,
        sheaves: Sequence[Sheaf] = (),
    ) -> None:
        with self._transaction():
            directory = self._keys.make_directory(store, listing.directory)
            self._content.drop(self._keys.find(vanished))
            if arrived or sheaves:
                self._content.make_room(directory, arrived, sheaves)
                self._content.add(arrived)
                for sheaf in sheaves:
                    self._content.add_sheaf(directory, sheaf)
            self._directories.stamp(directory, listing.stamp, settled=listing.settled)
            self._directories.set_unclassified(store, directory, unclassified)

    def knows_directory(self, store: StoreName, directory: bytes) -> bool:
        row = self._db.row("SELECT inode FROM directory WHERE store=? AND path=?", store, directory)
        return row is not None and row[0] is not None

    def count_directories(self, store: StoreName) -> int:
        row = self._db.row("SELECT count(*) FROM directory WHERE store=? AND inode IS NOT NULL", store)
        return int(row[0]) if row else 0

    def stamps(self, store: StoreName) -> Stamps:
        return self._directories.stamps(store)

    def distrust(self, store: StoreName, directory: bytes) -> None:
        with self._transaction():
            self._directories.distrust(store, directory)

    def forget_directories(self, store: StoreName, parent: bytes, children: Iterable[bytes]) -> Sequence[Recording]:
        gone = self._directories.missing(store, parent, frozenset(children))
        if not gone:
            return []
        lost: list[Recording] = []
        with self._transaction():
            for directory in gone:
                lost += [row.recording for row in self._rows.in_directory(directory)]
                self._content.drop(list(self._rows.keys_in(directory)))
                self._directories.drop(store, directory)
        return lost

    def unclassified(self, store: StoreName) -> tuple[int, Sequence[bytes]]:
        row = self._db.row("SELECT unclassified FROM store WHERE name=?", store)
        return (row[0] if row else 0), self._directories.sample(store)

    # --- recordings -------------------------------------------------------------------------------------------

    def find(self, spans: Sequence[Span], limit: int | None = None) -> Iterator[CatalogueRow]:
        left = AFTER_ALL if limit is None else limit
        for stream, after, until in bounds_of(spans):
            for row in self._rows.in_span(stream, after, until, left):
                left -= 1
                yield row

    def count(self, spans: Sequence[Span]) -> int:
        return sum(
            self._slots.count(self._keys.find_stream(stream), after, until) for stream, after, until in bounds_of(spans)
        )

    def first_seen(self, recording: Recording) -> datetime | None:
        for stream, start, directory, name in self._keys.find([recording]):
            delay = self._slots.delay(stream, directory, start, name)
            if delay is not None and not self._rows.is_doubted((stream, start, directory, name)):
                return self._instant(start + MINUTE_MS * delay)
        return None

    def odd(self, store: StoreName) -> Sequence[CatalogueRow]:
        return self._rows.odd(store)

    def forget(self, recordings: Sequence[Recording], *, trail_seq: int | None = None) -> None:
        with self._transaction():
            self._content.drop(self._keys.find(recordings))
            if trail_seq is not None:
                self._db.change("INSERT OR REPLACE INTO meta VALUES ('trail', ?)", trail_seq)

    def trail_position(self) -> int:
        row = self._db.row("SELECT value FROM meta WHERE key='trail'")
        return int(row[0]) if row else 0

    def restart(self, former: Recording, again: Arrived) -> None:
        with self._transaction():
            self._content.drop(self._keys.find([former]))
            self._content.add([again])

    def setbacks(self, store: StoreName) -> Sequence[Setback]:
        return [Setback(*fields) for fields in self._rows.with_setbacks(store)]

    def note_setback(self, setback: Setback) -> None:
        with self._transaction():
            for key in self._keys.find([setback.recording]):
                self._content.note_setback(key, setback)

    # --- scans and plans --------------------------------------------------------------------------------------

    def scan_state(self, store: StoreName) -> ScanState:
        row = self._db.row("SELECT last_complete, resume_after FROM store WHERE name=?", store)
        last, resume_after = row or (None, None)
        return ScanState(self._instant(last), resume_after)

    def set_scan_state(self, store: StoreName, state: ScanState) -> None:
        last = None if state.last_complete is None else instants.to_ms(state.last_complete)
        with self._transaction():
            self._db.change(
                "INSERT INTO store (name, last_complete, resume_after) VALUES (?,?,?) ON CONFLICT (name) "
                "DO UPDATE SET last_complete=excluded.last_complete, resume_after=excluded.resume_after",
                store,
                last,
                state.resume_after,
            )

    def gather(self, store: StoreName, members: Sequence[Recording]) -> None:
        with self._transaction():
            self._db.change("DELETE FROM plan WHERE store=?", store)
            self._content.hold(store, self._keys.find(members))

    def freeze(self, plan: Plan) -> None:
        created = instants.to_ms(plan.created)
        with self._transaction():
            values = plan.store, plan.digest, plan.count, plan.why.value, created
            self._db.change("INSERT OR REPLACE INTO plan VALUES (?,?,?,?,?)", *values)

    def waiting(self, store: StoreName) -> Plan | None:
        row = self._db.row("SELECT digest, count, why, created FROM plan WHERE store=?", store)
        if row is None:
            return None
        digest, count, why, created = row
        with self._db.decoding():
            return Plan(store, digest, count, WaitReason(why), instants.from_ms(created))

    def members(self, store: StoreName) -> Iterator[CatalogueRow]:
        if self._is_frozen(store):
            yield from self._rows.members(store)

    def left_of_plan(self, store: StoreName) -> int:
        row = self._db.row("SELECT count(*) FROM member WHERE store=?", store)
        return int(row[0]) if row is not None and self._is_frozen(store) else 0

    def thaw(self, store: StoreName) -> None:
        with self._transaction():
            self._db.change("DELETE FROM plan WHERE store=?", store)
            self._db.change("DELETE FROM member WHERE store=?", store)

    def _is_frozen(self, store: StoreName) -> bool:
        return self._db.row("SELECT 1 FROM plan WHERE store=?", store) is not None

    # --- all of them ------------------------------------------------------------------------------------------

    def _instant(self, milliseconds: int | None) -> datetime | None:
        with self._db.decoding():
            return None if milliseconds is None else instants.from_ms(milliseconds)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            with self._db.transaction():
                yield
        except BaseException:
            self._keys.distrust()  # numbers that were given in here are not there any more
            raise
