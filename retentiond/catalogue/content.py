"""Recordings come into the catalogue and leave it; counts, ranges and all that hangs on a row stay exact."""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

from retentiond.catalogue.database import Database
from retentiond.catalogue.keys import Key, Keys, key_of
from retentiond.catalogue.rows import Rows
from retentiond.domain import instants
from retentiond.domain.recording import StoreName, Stream, Unit
from retentiond.domain.starts import Arrival
from retentiond.ports import Arrived, Setback

MINUTE_MS = 60_000

_ADD = "INSERT OR IGNORE INTO recording VALUES (?,?,?,?,?)"
_HAS_KEY = "WHERE stream=? AND start=? AND directory=? AND name=?"


class Content:
    """Changes rows, within the caller's transaction."""

    def __init__(self, database: Database, keys: Keys, rows: Rows) -> None:
        self._db = database
        self._keys = keys
        self._rows = rows

    def add(self, arrived: Sequence[Arrived]) -> None:
        """Add recordings; one that is known stays as it was first seen."""
        groups: dict[tuple[Stream, bytes], list[Arrived]] = {}
        for item in arrived:
            groups.setdefault((item.recording.stream, item.recording.place.directory), []).append(item)
        for (stream, path), members in groups.items():
            self._add_group(self._keys.make_stream(stream), self._keys.make_directory(stream.store, path), members)

    def make_room(self, directory: int, arrived: Sequence[Arrived]) -> None:
        """Drop the rows of a directory whose places are taken by what arrived: a place holds one recording.

        A recorder's layout may have changed, so that the same file is another camera's or of another category.
        """
        taken = {item.recording.place.name: item.recording for item in arrived}
        former = [
            key
            for key in self._rows.keys_in(directory)
            if (recording := taken.get(key[3])) is not None
            and key != key_of(self._keys.find_stream(recording.stream), directory, recording)
        ]
        self.drop(former)

    def drop(self, keys: Sequence[Key]) -> None:
        """Drop rows with all that hangs on them. Keys of one stream and directory come together; unknown ones may."""
        for (stream, directory), group in groupby(keys, key=itemgetter(0, 2)):
            dropped = self._db.change_each(f"DELETE FROM recording {_HAS_KEY}", group)  # noqa: S608
            if dropped:
                self._db.change("UPDATE stream SET recordings=recordings-? WHERE id=?", dropped, stream)
                self._db.change("UPDATE span SET n=n-? WHERE directory=? AND stream=?", dropped, directory, stream)
                self._db.change("DELETE FROM span WHERE directory=? AND stream=? AND n<=0", directory, stream)
        for table in ("whole", "oddity", "setback"):
            self._db.change_each(f"DELETE FROM {table} {_HAS_KEY}", keys)  # noqa: S608
        members = ((self._keys.stream(key[0]).store, *key) for key in keys)
        self._db.change_each(f"DELETE FROM member WHERE store=? AND {_HAS_KEY[6:]}", members)  # noqa: S608

    def hold(self, store: StoreName, keys: Sequence[Key]) -> None:
        """Put rows into the set that waits, those that are there."""
        statement = f"INSERT OR IGNORE INTO member SELECT ?, stream, start, directory, name FROM recording {_HAS_KEY}"  # noqa: S608
        self._db.change_each(statement, ((store, *key) for key in keys))

    def note_setback(self, key: Key, setback: Setback) -> None:
        """Keep a failure beside its row, if that is there."""
        self._db.change(
            f"INSERT OR REPLACE INTO setback SELECT stream, start, directory, name, ?, ?, ? FROM recording {_HAS_KEY}",  # noqa: S608
            setback.attempts,
            setback.error,
            instants.to_ms(setback.retry_at),
            *key,
        )

    def _add_group(self, stream: int, directory: int, arrived: Sequence[Arrived]) -> None:
        plain = [(*key_of(stream, directory, item.recording), _delay(item)) for item in arrived if _is_plain(item)]
        fresh = self._db.change_each(_ADD, plain)
        fresh += sum(
            self._add_special(key_of(stream, directory, item.recording), item)
            for item in arrived
            if not _is_plain(item)
        )
        if not fresh:
            return
        starts = [instants.to_ms(item.recording.start) for item in arrived]
        self._db.change("UPDATE stream SET recordings=recordings+? WHERE id=?", fresh, stream)
        self._db.change(
            "INSERT INTO span VALUES (?,?,?,?,?) ON CONFLICT (directory, stream) "
            "DO UPDATE SET lo=min(lo, excluded.lo), hi=max(hi, excluded.hi), n=n+excluded.n",
            *(directory, stream, min(starts), max(starts), fresh),
        )

    def _add_special(self, key: Key, item: Arrived) -> int:
        """Add a recording that has more than its key, unless it is known."""
        fresh = self._db.change(_ADD, *key, _delay(item))
        if fresh and item.recording.unit is Unit.DIRECTORY:
            self._db.change("INSERT INTO whole VALUES (?,?,?,?)", *key)
        if fresh and _is_odd(item):
            doubt = item.doubt and item.doubt.value
            seen = instants.to_ms(item.first_seen)
            self._db.change("INSERT INTO oddity VALUES (?,?,?,?,?,?,?)", *key, seen, doubt, item.arrival.value)
        return fresh


def _delay(item: Arrived) -> int:
    """Return the whole minutes from a start to the first sight, rounded up: none was seen later than is said."""
    return -((instants.to_ms(item.recording.start) - instants.to_ms(item.first_seen)) // MINUTE_MS)


def _is_odd(item: Arrived) -> bool:
    return item.doubt is not None or item.arrival is not Arrival.ORDINARY


def _is_plain(item: Arrived) -> bool:
    return item.recording.unit is Unit.FILE and not _is_odd(item)
