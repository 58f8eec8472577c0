"""Streams and directories have numbers in the catalogue, so that a row is small; here they are looked up and given."""

from collections.abc import Iterable

from retentiond.catalogue.database import Database
from retentiond.domain import instants
from retentiond.domain.recording import CameraName, Category, Recording, StoreName, Stream

NONE = -1
"""The number of what is not there; no row has it."""

Key = tuple[int, int, int, bytes]
"""What a row is found by: stream, start in ms, directory, name."""

Group = tuple[Stream, bytes]
"""The recordings of one stream in one directory."""


class Keys:
    """Numbers of streams and directories. A stream is never forgotten, so its number may be remembered."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._numbers: dict[Stream, int] = {}
        self._streams: dict[int, Stream] = {}

    def distrust(self) -> None:
        """Ask the file again, after a transaction that did not happen."""
        self._numbers.clear()
        self._streams.clear()

    def find_stream(self, stream: Stream) -> int:
        """Return the number of a stream, NONE if it has none."""
        if stream not in self._numbers:
            query = "SELECT id FROM stream WHERE store=? AND camera=? AND category=?"
            row = self._db.row(query, stream.store, stream.camera, stream.category.value)
            if row is None:
                return NONE
            self.remember(row[0], stream)
        return self._numbers[stream]

    def make_stream(self, stream: Stream) -> int:
        """Return the number of a stream, giving it one if it has none."""
        number = self.find_stream(stream)
        if number != NONE:
            return number
        statement = "INSERT INTO stream (store, camera, category) VALUES (?,?,?)"
        self._db.change(statement, stream.store, stream.camera, stream.category.value)
        return self.find_stream(stream)

    def remember(self, number: int, stream: Stream) -> Stream:
        """Take a pair that was just read."""
        self._numbers[stream] = number
        self._streams[number] = stream
        return stream

    def stream(self, number: int) -> Stream:
        """Return the stream that has this number."""
        if number not in self._streams:
            row = self._db.row("SELECT store, camera, category FROM stream WHERE id=?", number)
            with self._db.decoding():
                if row is None:
                    raise ValueError(f"a row of stream {number}, which is none")
                store, camera, category = row
                self.remember(number, Stream(StoreName(store), CameraName(camera), Category(category)))
        return self._streams[number]

    def find_directory(self, store: StoreName, path: bytes) -> int:
        """Return the number of a directory, NONE if it has none."""
        row = self._db.row("SELECT id FROM directory WHERE store=? AND path=?", store, path)
        return NONE if row is None else int(row[0])

    def make_directory(self, store: StoreName, path: bytes) -> int:
        """Return the number of a directory, giving it one if it has none."""
        number = self.find_directory(store, path)
        if number != NONE:
            return number
        self._db.change("INSERT INTO directory (store, path) VALUES (?,?)", store, path)
        return self.find_directory(store, path)

    def find(self, recordings: Iterable[Recording]) -> list[Key]:
        """Return the keys of recordings, those of one stream and directory together; gives no numbers.

        What lies in a stream or a directory that has no number is not in the catalogue, and left out.
        """
        keys: list[Key] = []
        for (stream, path), members in grouped(recordings).items():
            number, directory = self.find_stream(stream), self.find_directory(stream.store, path)
            if NONE not in (number, directory):
                keys += [key_of(number, directory, item) for item in members]
        return keys


def key_of(stream: int, directory: int, recording: Recording) -> Key:
    """Return the key of a recording whose stream and directory have these numbers."""
    return stream, instants.to_ms(recording.start), directory, recording.place.name


def grouped(recordings: Iterable[Recording]) -> dict[Group, list[Recording]]:
    """Return the recordings by stream and directory, in the order in which those are met."""
    groups: dict[Group, list[Recording]] = {}
    for item in recordings:
        groups.setdefault((item.stream, item.place.directory), []).append(item)
    return groups
