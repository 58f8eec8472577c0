"""The catalogue's tables, and opening the file they lie in.

Recordings are ordered by start within a stream; a deadline is stored nowhere, so that a change of policy costs nothing
(ADR 0008). The rows of one directory are found through `span`, which holds the range of starts that a directory has in
each stream: an index by path would double the file.
"""

import os
import sqlite3
from contextlib import suppress

from retentiond.domain.errors import StorageError

VERSION = 1

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE stream (
  id INTEGER PRIMARY KEY, store TEXT NOT NULL, camera TEXT NOT NULL, category TEXT NOT NULL,
  recordings INTEGER NOT NULL DEFAULT 0, current TEXT, accepted TEXT, UNIQUE (store, camera, category)
);
CREATE TABLE directory (
  id INTEGER PRIMARY KEY, store TEXT NOT NULL, path BLOB NOT NULL,
  inode INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, unclassified INTEGER NOT NULL DEFAULT 0, UNIQUE (store, path)
);
CREATE TABLE span (
  directory INTEGER NOT NULL, stream INTEGER NOT NULL, lo INTEGER NOT NULL, hi INTEGER NOT NULL, n INTEGER NOT NULL,
  PRIMARY KEY (directory, stream)
) WITHOUT ROWID;
CREATE TABLE recording (
  stream INTEGER NOT NULL, start INTEGER NOT NULL, directory INTEGER NOT NULL, name BLOB NOT NULL,
  PRIMARY KEY (stream, start, directory, name)
) WITHOUT ROWID;
CREATE TABLE whole (directory INTEGER NOT NULL, name BLOB NOT NULL, PRIMARY KEY (directory, name)) WITHOUT ROWID;
CREATE TABLE oddity (
  directory INTEGER NOT NULL, name BLOB NOT NULL, first_seen INTEGER NOT NULL, doubt TEXT, arrival TEXT NOT NULL,
  stream INTEGER NOT NULL, start INTEGER NOT NULL, PRIMARY KEY (directory, name)
) WITHOUT ROWID;
CREATE TABLE setback (
  directory INTEGER NOT NULL, name BLOB NOT NULL, attempts INTEGER NOT NULL, error TEXT NOT NULL,
  retry INTEGER NOT NULL, stream INTEGER NOT NULL, start INTEGER NOT NULL, PRIMARY KEY (directory, name)
) WITHOUT ROWID;
CREATE TABLE sample (directory INTEGER NOT NULL, name BLOB NOT NULL, PRIMARY KEY (directory, name)) WITHOUT ROWID;
CREATE TABLE scan (store TEXT PRIMARY KEY, last_complete INTEGER, resume_after BLOB) WITHOUT ROWID;
CREATE TABLE plan (
  store TEXT PRIMARY KEY, digest TEXT NOT NULL, count INTEGER NOT NULL, why TEXT NOT NULL, created INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE member (
  store TEXT NOT NULL, start INTEGER NOT NULL, stream INTEGER NOT NULL, directory INTEGER NOT NULL, name BLOB NOT NULL,
  PRIMARY KEY (store, start, stream, directory, name)
) WITHOUT ROWID;
"""
"""`whole` names the recordings that are directories; all others are files."""


def connect(path: str) -> sqlite3.Connection:
    """Open the catalogue at `path`, making it if it is not there; `:memory:` makes one that nobody keeps.

    Raises:
        StorageError: it is damaged, or of another version.
    """
    try:
        if path != ":memory:":
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640))
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise damaged(path, str(error)) from error
    return connection


def connect_read_only(path: str) -> sqlite3.Connection:
    """Open the catalogue for reading beside a daemon that writes it. Raises StorageError as `connect`."""
    try:
        connection = sqlite3.connect(f"file:{path.replace('?', '%3f').replace('#', '%23')}?mode=ro", uri=True)
        try:
            _expect_version(connection, path)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise damaged(path, str(error)) from error
    return connection


def move_aside(path: str) -> None:
    """Take a damaged catalogue out of the way, with its journal. Raises StorageError."""
    number = 1
    while os.path.exists(f"{path}.damaged-{number}"):
        number += 1
    try:
        os.replace(path, f"{path}.damaged-{number}")
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.replace(path + suffix, f"{path}.damaged-{number}{suffix}")
    except OSError as error:
        raise StorageError(f"{path}: cannot be moved aside ({error.strerror}); move it away by hand") from error


def damaged(path: str, why: str) -> StorageError:
    """Return the error for a catalogue that cannot be used."""
    return StorageError(
        f"{path}: the catalogue cannot be used ({why}); move it away: it is only an index, the next scan rebuilds it, "
        "and what is due then waits for approval"
    )


def _prepare(connection: sqlite3.Connection, path: str) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        connection.executescript(f"BEGIN;{_TABLES}PRAGMA user_version={VERSION};COMMIT;")
        return
    _expect_version(connection, path)


def _expect_version(connection: sqlite3.Connection, path: str) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version != VERSION:
        raise damaged(path, f"it is of version {version}, this program writes version {VERSION}")
