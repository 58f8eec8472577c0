"""A recorder's SQLite database, opened for reading only and for moments: it belongs to somebody else, who writes it."""

import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

from retentiond.domain.errors import StorageError

LONGEST_S = 0.5
"""No look at somebody's database takes longer; the loop that deletes waits for it."""

_OPERATIONS = 20_000
_Answer = TypeVar("_Answer")

Query = Callable[..., Sequence[Sequence[Any]]]
"""Takes SQL and its parameters, and returns the rows."""


def ask_database(path: str, ask: Callable[[Query], _Answer]) -> _Answer:
    """Open the database, let `ask` query it, and close it.

    Raises:
        StorageError: it cannot be read, is another than expected, or the answer takes too long.
    """
    end = time.monotonic() + LONGEST_S
    try:
        connection = sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True, timeout=LONGEST_S)
    except sqlite3.Error as error:
        raise _refused(path, error) from error
    try:
        connection.set_progress_handler(lambda: time.monotonic() > end, _OPERATIONS)
        connection.execute("PRAGMA query_only = on")
        return ask(lambda sql, *parameters: connection.execute(sql, parameters).fetchall())
    except (sqlite3.Error, UnicodeError, OverflowError) as error:
        raise _refused(path, error) from error
    finally:
        connection.close()


def _refused(path: str, error: Exception) -> StorageError:
    return StorageError(
        f"{path}: the recorder's database cannot be read ({error}); give the daemon's user the right to read it and "
        "its -wal and -shm files"
    )
