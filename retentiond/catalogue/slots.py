"""Recordings lie in slots: one row for what a stream has in one directory within five minutes (ADR 0020).

A row for each recording costs some thirty bytes and ten microseconds; thirty of them packed into one cost a third of
the room, and a first scan is bound by reading names and no longer by writing rows. A slot is of fixed length, so a span
of starts is a range of slots, and only the first and the last of them have to be looked into.
"""

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from retentiond.catalogue.database import Database

SLOT_MS = 300_000
MINUTE_MS = 60_000
PART = 200
"""So many recordings at most lie in one part of a slot: a change writes a part anew, however many have one start."""

_NO_NAME = b"/"
"""Stands between names; no name holds one."""

Member = tuple[int, bytes, int]
"""A recording within its stream and directory: start in ms, name, and delay.

The delay is how long after its start it was first seen, in whole minutes, rounded up: none was seen later than is said.
"""

Row = tuple[int, int, int, int]
"""What a part of a slot is found by: stream, slot, directory, number of the part."""

_LONGEST = (1 << 31) - 1
_PUT = "INSERT OR REPLACE INTO slot VALUES (?,?,?,?,?,?,?,?)"
_ROWS = "SELECT stream, slot, directory, part, n, content FROM slot WHERE stream=? AND "


@dataclass(frozen=True, slots=True)
class Part:
    """One row: up to PART recordings of a slot, in columns."""

    stream: int
    slot: int
    directory: int
    part: int
    starts: Sequence[int]
    names: Sequence[bytes]
    delays: Sequence[int]

    @property
    def members(self) -> list[Member]:
        """The recordings one by one."""
        return list(zip(self.starts, self.names, self.delays, strict=True))


def slot_of(start_ms: int) -> int:
    """Return the number of the slot that holds a start."""
    return start_ms // SLOT_MS


def pack(slot: int, starts: Iterable[int], names: Iterable[bytes], delays: Iterable[int]) -> bytes:
    """Return members as they are written: starts within the slot, delays, names."""
    begin = slot * SLOT_MS
    ticks = array("I", [start - begin for start in starts])
    return ticks.tobytes() + array("i", delays).tobytes() + _NO_NAME.join(names)


def unpack(slot: int, count: int, content: bytes) -> tuple[list[int], list[bytes], list[int]]:
    """Return starts, names and delays that `pack` wrote. Raises ValueError if it never wrote this."""
    begin = slot * SLOT_MS
    starts, delays = array("I"), array("i")
    starts.frombytes(content[: 4 * count])
    delays.frombytes(content[4 * count : 8 * count])
    names = content[8 * count :].split(_NO_NAME)
    if not len(starts) == len(delays) == len(names) == count:
        raise ValueError(f"a slot of {count} recordings that holds {len(names)}")
    return [begin + start for start in starts], names, delays.tolist()


class Slots:
    """Reads and changes slots, within the caller's transaction where it changes them."""

    def __init__(self, database: Database) -> None:
        self._db = database

    # --- reading ------------------------------------------------------------------------------------------------

    def of_directory(self, stream: int, directory: int, low_ms: int, high_ms: int) -> Iterator[Part]:
        """Yield what a stream has in a directory, where its starts are known to lie between the two."""
        query = _ROWS + "slot BETWEEN ? AND ? AND directory=?"
        yield from self._parts(self._db.rows(query, stream, slot_of(low_ms), slot_of(high_ms), directory))

    def members(self, stream: int, slot: int) -> list[tuple[int, int, bytes, int]]:
        """Return what a stream has in a slot, of all directories: start, directory, name, delay; oldest first."""
        return sorted(
            (start, part.directory, name, delay)
            for part in self._parts(self._db.rows(_ROWS + "slot=?", stream, slot))
            for start, name, delay in part.members
        )

    def numbers(self, stream: int, low: int, high: int, limit: int) -> list[int]:
        """Return the first slots of a stream that hold anything, from `low` to `high`."""
        query = "SELECT DISTINCT slot FROM slot WHERE stream=? AND slot BETWEEN ? AND ? ORDER BY slot LIMIT ?"
        return [number for (number,) in self._db.rows(query, stream, low, high, limit)]

    def oldest(self, stream: int, since_ms: int, until_ms: int) -> int | None:
        """Return the oldest start of a stream with `since <= start < until`."""
        query = "SELECT slot, min(lo), max(hi) FROM slot WHERE stream=? AND slot>=? GROUP BY slot ORDER BY slot LIMIT 2"
        for slot, low, high in self._db.rows(query, stream, slot_of(since_ms)):
            begin = slot * SLOT_MS
            if begin + low >= since_ms:
                return begin + low if begin + low < until_ms else None
            if begin + high >= since_ms:
                found = next(start for start, *_ in self.members(stream, slot) if start >= since_ms)
                return found if found < until_ms else None
        return None

    def newest(self, stream: int) -> int | None:
        """Return the newest start of a stream."""
        query = "SELECT slot, max(hi) FROM slot WHERE stream=? GROUP BY slot ORDER BY slot DESC LIMIT 1"
        row = self._db.row(query, stream)
        return None if row is None else int(row[0] * SLOT_MS + row[1])

    def count(self, stream: int, after_ms: int, until_ms: int) -> int:
        """Count the recordings of a stream with `after < start <= until`; looks into the slots at both ends only."""
        first, last = slot_of(after_ms + 1), slot_of(until_ms)
        query = "SELECT sum(n) FROM slot WHERE stream=? AND slot>? AND slot<?"
        between = sum(number or 0 for (number,) in self._db.rows(query, stream, first, last))
        edges = {*self.numbers(stream, first, first, 1), *self.numbers(stream, last, last, 1)}
        within = (after_ms < start <= until_ms for slot in edges for start, *_ in self.members(stream, slot))
        return between + sum(within)

    def delay(self, stream: int, directory: int, start_ms: int, name: bytes) -> int | None:
        """Return the delay of a recording, None if it is not there."""
        parts = self._of_slot(stream, slot_of(start_ms), directory)
        found = (delay for part in parts for *key, delay in part.members if key == [start_ms, name])
        return next(found, None)

    def present(self, stream: int, directory: int, keys: Collection[tuple[int, bytes]]) -> set[tuple[int, bytes]]:
        """Return those of the keys, start and name, that are there."""
        parts = (self._of_slot(stream, slot, directory) for slot in {slot_of(start) for start, _ in keys})
        return {member[:2] for found in parts for part in found for member in part.members}.intersection(keys)

    # --- changing -----------------------------------------------------------------------------------------------

    def add(self, stream: int, directory: int, members: Iterable[Member]) -> list[tuple[int, bytes]]:
        """Add recordings, less those that are known; return start and name of those added."""
        added: list[tuple[int, bytes]] = []
        for slot, group in groupby(sorted(members), key=lambda member: slot_of(member[0])):
            parts = self._of_slot(stream, slot, directory)
            known = {member[:2] for part in parts for member in part.members}
            new = {member[:2]: member for member in group if member[:2] not in known}
            added += new
            self._fill(stream, slot, directory, parts, list(new.values()))
        return added

    def add_first(
        self, stream: int, directory: int, starts: Sequence[int], names: Sequence[bytes], first_seen_ms: int
    ) -> None:
        """Add the first recordings that a stream has in a directory, none of them twice, the oldest first."""
        rows: list[tuple[object, ...]] = []
        delays = [-((start - first_seen_ms) // MINUTE_MS) for start in starts]
        if starts and max(abs(delays[0]), abs(delays[-1])) > _LONGEST:
            delays = [delay_of(start, first_seen_ms) for start in starts]
        first = 0
        while first < len(starts):
            slot = slot_of(starts[first])
            end = bisect_left(starts, (slot + 1) * SLOT_MS, first)
            for part, begin in enumerate(range(first, end, PART)):
                chosen = slice(begin, min(begin + PART, end))
                some = starts[chosen]
                rows.append(_row((stream, slot, directory, part), some, names[chosen], delays[chosen]))
            first = end
        self._db.change_each(_PUT, rows)

    def drop(self, stream: int, directory: int, keys: Iterable[tuple[int, bytes]]) -> int:
        """Drop recordings, by start and name, those that are there; return how many those were."""
        dropped = 0
        for slot, group in groupby(sorted(keys), key=lambda key: slot_of(key[0])):
            going = frozenset(group)
            for part in self._of_slot(stream, slot, directory):
                left = [member for member in part.members if member[:2] not in going]
                if len(left) < len(part.starts):
                    dropped += len(part.starts) - len(left)
                    self._write((stream, slot, directory, part.part), left)
        return dropped

    def _fill(self, stream: int, slot: int, directory: int, parts: Sequence[Part], new: list[Member]) -> None:
        """Put new members into the last part as far as it has room, and into further ones."""
        last = parts[-1].part if parts else 0
        there = parts[-1].members if parts else []
        room = PART - len(there)
        if new and room > 0:
            self._write((stream, slot, directory, last), [*there, *new[:room]])
        for number, first in enumerate(range(max(room, 0), len(new), PART), start=last + 1):
            self._write((stream, slot, directory, number), new[first : first + PART])

    def _write(self, key: Row, members: Sequence[Member]) -> None:
        if members:
            starts, names, delays = zip(*members, strict=True)
            self._db.change(_PUT, *_row(key, starts, names, delays))
        else:
            self._db.change("DELETE FROM slot WHERE stream=? AND slot=? AND directory=? AND part=?", *key)

    def _of_slot(self, stream: int, slot: int, directory: int) -> list[Part]:
        query = _ROWS + "slot=? AND directory=? ORDER BY part"
        return list(self._parts(self._db.rows(query, stream, slot, directory)))

    def _parts(self, rows: Iterable[Any]) -> Iterator[Part]:
        with self._db.decoding():
            for stream, slot, directory, part, count, content in rows:
                yield Part(stream, slot, directory, part, *unpack(slot, count, content))


def delay_of(start_ms: int, first_seen_ms: int) -> int:
    """Return the whole minutes from a start to the first sight, rounded up; no more than four bytes hold."""
    return max(-_LONGEST, min(_LONGEST, -((start_ms - first_seen_ms) // MINUTE_MS)))


def _row(key: Row, starts: Sequence[int], names: Sequence[bytes], delays: Sequence[int]) -> tuple[object, ...]:
    begin = key[1] * SLOT_MS
    return *key, len(starts), min(starts) - begin, max(starts) - begin, pack(key[1], starts, names, delays)
