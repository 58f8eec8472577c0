"""Opening the catalogue for the daemon, for a command beside it, and for a look that leaves nothing behind."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from retentiond.catalogue.database import Database
from retentiond.catalogue.errors import damaged
from retentiond.catalogue.schema import IN_MEMORY, connect, connect_read_only
from retentiond.catalogue.sqlite import SqliteCatalogue
from retentiond.domain.errors import CatalogueDamagedError, StorageError
from retentiond.durable import sync_directory

KEPT_ASIDE = 3
"""So many damaged catalogues are kept for people to look at; the last of them gives way to the next."""


@contextmanager
def open_catalogue(path: str) -> Iterator[SqliteCatalogue]:
    """Open the catalogue at `path` for its one writer, making it if it is not there.

    Raises:
        CatalogueDamagedError: it is damaged, or of another version.
        StorageError: it cannot be opened, or is somebody else's database; it was not touched.
    """
    connection = connect(path)
    try:
        yield SqliteCatalogue(Database(connection, path))
    finally:
        connection.close()


@contextmanager
def open_or_rebuild(path: str) -> Iterator[SqliteCatalogue]:
    """Open the catalogue at `path`; one that is damaged is moved aside and begun anew, since it is only an index.

    The whole file is checked if its last writer was killed. It is moved for damage alone: a whole catalogue that is
    locked, on a full disk, or of which a page could not be read once, stays. Damage that shows while it is open is met
    at the end in the same way, so that the next start begins anew.

    Raises:
        StorageError: it can neither be opened nor moved aside, or is somebody else's database.
    """
    rebuilt = False
    try:
        connection = _connect_checked(path)
    except CatalogueDamagedError:
        rebuilt = not _is_whole(path)
        if rebuilt:
            move_aside(path)
        connection = connect(path)
    catalogue = SqliteCatalogue(Database(connection, path), rebuilt=rebuilt)
    try:
        yield catalogue
    finally:
        connection.close()
        if catalogue.found_damaged and (catalogue.is_sure or not _is_whole(path)):
            move_aside(path)


@contextmanager
def open_read_only(path: str) -> Iterator[SqliteCatalogue]:
    """Open an existing catalogue, beside the daemon that writes it or without one. Raises as `open_catalogue`."""
    connection = connect_read_only(path)
    try:
        yield SqliteCatalogue(Database(connection, path))
    finally:
        connection.close()


@contextmanager
def open_in_memory() -> Iterator[SqliteCatalogue]:
    """Open an empty catalogue that is gone afterwards."""
    with open_catalogue(IN_MEMORY) as catalogue:
        yield catalogue


def move_aside(path: str) -> None:
    """Rename a damaged catalogue, with its journal, to `<path>.corrupt-<n>`. Raises StorageError."""
    numbered = (f"{path}.corrupt-{number}" for number in range(1, KEPT_ASIDE))
    target = next((name for name in numbered if not os.path.lexists(name)), f"{path}.corrupt-{KEPT_ASIDE}")
    try:
        # The journal goes first: without its file SQLite would take it for the journal of the next one.
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.replace(path + suffix, target + suffix)
        os.replace(path, target)
        sync_directory(os.path.dirname(path) or ".")
    except OSError as error:
        raise StorageError(f"{path}: cannot be moved aside ({error.strerror}); move it away by hand") from error


def _is_whole(path: str) -> bool:
    """Look again at a catalogue that was told to be damaged: all of it, by another connection."""
    try:
        connection = connect(path)
        try:
            return connection.execute("PRAGMA integrity_check(1)").fetchall() == [("ok",)]
        finally:
            connection.close()
    except (sqlite3.Error, StorageError):
        return False


def _connect_checked(path: str) -> sqlite3.Connection:
    was_killed = os.path.exists(f"{path}-wal")  # a writer that ends well leaves no journal
    connection = connect(path)
    try:
        problems = Database(connection, path).quick_check() if was_killed else ()
        if problems:
            raise damaged(path, problems[0])
    except BaseException:
        connection.close()
        raise
    return connection
