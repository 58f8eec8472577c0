"""Opening the catalogue for the daemon, for a command beside it, and for a look that leaves nothing behind."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from retentiond.catalogue.schema import connect, connect_read_only, move_aside
from retentiond.catalogue.sqlite import SqliteCatalogue
from retentiond.domain.errors import StorageError


@contextmanager
def open_or_rebuild(path: str) -> Iterator[SqliteCatalogue]:
    """Open the catalogue at `path`; one that is damaged is moved aside and begun anew, since it is only an index.

    Raises:
        StorageError: it can neither be opened nor moved aside.
    """
    try:
        connection = connect(path)
    except StorageError:
        with suppress(FileNotFoundError):
            move_aside(path)
        connection = connect(path)
    try:
        yield SqliteCatalogue(connection)
    finally:
        connection.close()


@contextmanager
def open_read_only(path: str) -> Iterator[SqliteCatalogue]:
    """Open an existing catalogue beside the daemon that writes it. Raises StorageError."""
    connection = connect_read_only(path)
    try:
        yield SqliteCatalogue(connection)
    finally:
        connection.close()


@contextmanager
def open_in_memory() -> Iterator[SqliteCatalogue]:
    """Open an empty catalogue that is gone afterwards."""
    connection = connect(":memory:")
    try:
        yield SqliteCatalogue(connection)
    finally:
        connection.close()
