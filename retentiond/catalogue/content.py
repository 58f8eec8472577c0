"""Recordings come into the catalogue and leave it; counts, ranges and all that hangs on a row stay exact."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import itemgetter, le

from retentiond.catalogue.database import Database
from retentiond.catalogue.keys import Key, Keys, key_of
from retentiond.catalogue.rows import Rows
from retentiond.catalogue.slots import Slots, delay_of
from retentiond.domain import instants
from retentiond.domain.recording import StoreName, Stream, Unit
from retentiond.domain.starts import Arrival
from retentiond.ports import Arrived, Setback, Sheaf

_HAS_KEY = "WHERE stream=? AND start=? AND directory=? AND name=?"
_HANGING = ("whole", "oddity", "setback", "member")


class Content:
    """Changes rows, within the caller's transaction."""

    def __init__(self, database: Database, keys: Keys, rows: Rows, slots: Slots) -> None:
        self._db = database
        self._keys = keys
        self._rows = rows
        self._slots = slots

    def add(self, arrived: Sequence[Arrived]) -> None:
        """Add recordings; one that is known stays as it was first seen."""
        groups: dict[tuple[Stream, bytes], list[Arrived]] = {}
        for item in arrived:
            groups.setdefault((item.recording.stream, item.recording.place.directory), []).append(item)
        for (stream, path), members in groups.items():
            self._add_group(self._keys.make_stream(stream), self._keys.make_directory(stream.store, path), members)

    def add_sheaf(self, directory: int, sheaf: Sheaf) -> None:
        """Add the recordings of a sheaf, which lies in a directory; those that are known stay as they were."""
        names, starts = list(sheaf.starts_ms), list(sheaf.starts_ms.values())
        if not names:
            return
        stream, seen = self._keys.make_stream(sheaf.stream), instants.to_ms(sheaf.first_seen)
        if self._has_any(directory, stream):
            members = [(start, name, delay_of(start, seen)) for name, start in sheaf.starts_ms.items()]
            starts = [start for start, _ in self._slots.add(stream, directory, members)]
        else:
            if not all(map(le, starts, starts[1:])):  # names mostly sort as their times do
                starts, names = (list(column) for column in zip(*sorted(zip(starts, names, strict=True)), strict=True))
            self._slots.add_first(stream, directory, starts, names, seen)
        self._note(stream, directory, starts)

    def make_room(self, directory: int, arrived: Iterable[Arrived], sheaves: Iterable[Sheaf]) -> None:
        """Drop the rows of a directory whose places are taken by what arrived: a place holds one recording.

        A recorder's layout may have changed, so that the same file is another camera's or of another category.
        """
        former = list(self._rows.keys_in(directory))
        if not former:
            return
        taken: dict[bytes, Key] = {}
        for item in arrived:
            stream = self._keys.find_stream(item.recording.stream)
            taken[item.recording.place.name] = key_of(stream, directory, item.recording)
        for sheaf in sheaves:
            stream = self._keys.find_stream(sheaf.stream)
            taken |= {name: (stream, start, directory, name) for name, start in sheaf.starts_ms.items()}
        self.drop([key for key in former if taken.get(key[3], key) != key])

    def drop(self, keys: Sequence[Key]) -> None:
        """Drop rows with all that hangs on them. Keys of one stream and directory come together; unknown ones may."""
        for (stream, directory), group in groupby(keys, key=itemgetter(0, 2)):
            dropped = self._slots.drop(stream, directory, [(key[1], key[3]) for key in group])
            if dropped:
                self._db.change("UPDATE stream SET recordings=recordings-? WHERE id=?", dropped, stream)
                self._db.change("UPDATE span SET n=n-? WHERE directory=? AND stream=?", dropped, directory, stream)
                self._db.change("DELETE FROM span WHERE directory=? AND stream=? AND n<=0", directory, stream)
                # whoever drops a row may be wrong about the file: the directory is listed again (ADR 0031)
                self._db.change("UPDATE directory SET ctime_ns=NULL WHERE id=?", directory)
        for table in _HANGING if keys else ():
            if self._db.row(f"SELECT 1 FROM {table} LIMIT 1") is not None:  # noqa: S608
                self._drop_from(table, keys)

    def hold(self, store: StoreName, keys: Sequence[Key]) -> None:
        """Put rows into the set that waits, those that are there."""
        for (stream, directory), group in groupby(keys, key=itemgetter(0, 2)):
            present = self._slots.present(stream, directory, [(key[1], key[3]) for key in group])
            members = ((store, stream, start, directory, name) for start, name in present)
            self._db.change_each("INSERT OR IGNORE INTO member VALUES (?,?,?,?,?)", members)

    def note_setback(self, key: Key, setback: Setback) -> None:
        """Keep a failure beside its row, if that is there."""
        stream, start, directory, name = key
        if self._slots.present(stream, directory, [(start, name)]):
            noted = setback.attempts, setback.error, instants.to_ms(setback.retry_at)
            self._db.change("INSERT OR REPLACE INTO setback VALUES (?,?,?,?,?,?,?)", *key, *noted)

    def _drop_from(self, table: str, keys: Sequence[Key]) -> None:
        if table == "member":
            members = ((self._keys.stream(key[0]).store, *key) for key in keys)
            self._db.change_each(f"DELETE FROM member WHERE store=? AND {_HAS_KEY[6:]}", members)  # noqa: S608
        else:
            self._db.change_each(f"DELETE FROM {table} {_HAS_KEY}", keys)  # noqa: S608

    def _has_any(self, directory: int, stream: int) -> bool:
        return self._db.row("SELECT 1 FROM span WHERE directory=? AND stream=?", directory, stream) is not None

    def _add_group(self, stream: int, directory: int, arrived: Sequence[Arrived]) -> None:
        keys = [key_of(stream, directory, item.recording) for item in arrived]
        seen = [instants.to_ms(item.first_seen) for item in arrived]
        members = [(key[1], key[3], delay_of(key[1], first)) for key, first in zip(keys, seen, strict=True)]
        added = self._slots.add(stream, directory, members)
        fresh = set(added)
        for key, item in zip(keys, arrived, strict=True):
            if (key[1], key[3]) in fresh:
                fresh.discard((key[1], key[3]))
                self._add_hanging(key, item)
        self._note(stream, directory, [start for start, _ in added])

    def _note(self, stream: int, directory: int, starts: Sequence[int]) -> None:
        """Count what was added."""
        if not starts:
            return
        self._db.change("UPDATE stream SET recordings=recordings+? WHERE id=?", len(starts), stream)
        self._db.change(
            "INSERT INTO span VALUES (?,?,?,?,?) ON CONFLICT (directory, stream) "
            "DO UPDATE SET lo=min(lo, excluded.lo), hi=max(hi, excluded.hi), n=n+excluded.n",
            *(directory, stream, min(starts), max(starts), len(starts)),
        )

    def _add_hanging(self, key: Key, item: Arrived) -> None:
        """Add what a recording has besides its row."""
        if item.recording.unit is Unit.DIRECTORY:
            self._db.change("INSERT INTO whole VALUES (?,?,?,?)", *key)
        if item.doubt is not None or item.arrival is not Arrival.ORDINARY:
            doubt = item.doubt and item.doubt.value
            seen = instants.to_ms(item.first_seen)
            self._db.change("INSERT INTO oddity VALUES (?,?,?,?,?,?,?)", *key, seen, doubt, item.arrival.value)
