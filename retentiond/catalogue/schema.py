"""The catalogue's tables, and opening the file they lie in.

Recordings are ordered by start within a stream; a deadline is stored nowhere, so that a change of policy costs nothing
(ADR 0008). They lie in slots of five minutes (`slots.py`, ADR 0020). Those of one directory are found through `span`,
which holds the range of starts that a directory has in each stream: an index by path would double the file.
"""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import quote

from retentiond.catalogue.errors import damaged, refused
from retentiond.domain.errors import StorageError
from retentiond.durable import hold_room

VERSION = 3
APPLICATION = 0x72746364
"""Written into the file's header, `rtcd`: whose database this is."""

IN_MEMORY = ":memory:"
_MODE = 0o640
_JOURNAL_BYTES = 64 << 20
_PAGE_BYTES = 8192
"""A slot of thirty recordings fits the quarter of a page that SQLite keeps of a row without putting it elsewhere."""
_HELD_BYTES = 4 << 20
_INDEX_BYTES = 32 << 10

_KEY = """stream INTEGER NOT NULL, start INTEGER NOT NULL, directory INTEGER NOT NULL, name BLOB NOT NULL"""
_TABLES = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE store (
  name TEXT PRIMARY KEY, last_complete INTEGER, resume_after BLOB, unclassified INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
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
CREATE TABLE slot (
  stream INTEGER NOT NULL, slot INTEGER NOT NULL, directory INTEGER NOT NULL, part INTEGER NOT NULL,
  n INTEGER NOT NULL, lo INTEGER NOT NULL, hi INTEGER NOT NULL, content BLOB NOT NULL,
  PRIMARY KEY (stream, slot, directory, part)
) WITHOUT ROWID;
CREATE TABLE whole ({_KEY}, PRIMARY KEY (stream, start, directory, name)) WITHOUT ROWID;
CREATE TABLE oddity (
  {_KEY}, first_seen INTEGER NOT NULL, doubt TEXT, arrival TEXT NOT NULL,
  PRIMARY KEY (stream, start, directory, name)
) WITHOUT ROWID;
CREATE TABLE setback (
  {_KEY}, attempts INTEGER NOT NULL, error TEXT NOT NULL, retry INTEGER NOT NULL,
  PRIMARY KEY (stream, start, directory, name)
) WITHOUT ROWID;
CREATE TABLE sample (
  store TEXT NOT NULL, directory INTEGER NOT NULL, name BLOB NOT NULL, PRIMARY KEY (store, directory, name)
) WITHOUT ROWID;
CREATE TABLE plan (
  store TEXT PRIMARY KEY, digest TEXT NOT NULL, count INTEGER NOT NULL, why TEXT NOT NULL, created INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE member (store TEXT NOT NULL, {_KEY}, PRIMARY KEY (store, start, stream, directory, name)) WITHOUT ROWID;
"""
"""A slot holds `n` recordings, the first and the last of which start at `lo` and `hi` in it, in ms.
`whole` names the recordings that are directories, all others are files; `span.lo` and `hi` may be wider than the
starts they hold, `n` is exact; what hangs on a recording has its key and goes with it."""


def connect(path: str) -> sqlite3.Connection:
    """Open the catalogue at `path` for the one writer, making it if it is not there.

    Raises:
        CatalogueDamagedError: it is damaged, or of another version.
        StorageError: it cannot be opened, or is somebody else's database; it was not touched.
    """
    try:
        if path != IN_MEMORY:
            _make_file(path)
        connection = sqlite3.connect(path, isolation_level=None)
        try:
            _prepare(connection, path)
            if path != IN_MEMORY:
                _hold_room(f"{path}-shm", _INDEX_BYTES)
                _hold_room(f"{path}-wal", _HELD_BYTES)
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, OSError) as error:
        raise refused(path, error) from error
    return connection


def connect_read_only(path: str) -> sqlite3.Connection:
    """Open an existing catalogue for reading, beside the daemon that writes it or without one. Raises as `connect`."""
    # A reader would have to make the journal's files if no writer has: where they are missing, nobody is writing.
    mode = "mode=ro" if os.path.exists(f"{path}-wal") else "mode=ro&immutable=1"
    try:
        connection = sqlite3.connect(f"file:{quote(os.fsencode(path))}?{mode}", uri=True, isolation_level=None)
        try:
            _expect_ours(connection, path)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        raise refused(path, error) from error
    return connection


def _make_file(path: str) -> None:
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE))
    except FileExistsError:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise StorageError(f"{path}: is no regular file; put nothing else in the catalogue's place") from None
    if stat.S_IMODE(os.lstat(path).st_mode) != _MODE:
        os.chmod(path, _MODE)


def _hold_room(path: str, size_bytes: int) -> None:
    """Hold room for a file of the journal, so that what is deleted on a full disk can be forgotten there too.

    SQLite maps the index of its journal into memory; a page of it without a block ends the process with SIGBUS. A disk
    that holds no room has to have some when it is needed; that is no reason not to begin.

    It is done through the descriptor that SQLite has. To open another and close it would drop every lock that this
    process has on the file (fcntl(2)): the next reader would take itself for the first, cut the index, and end us.
    """
    with suppress(OSError):
        for descriptor in _descriptors_of(path):
            hold_room(descriptor, 0, size_bytes)


def _descriptors_of(path: str) -> Iterator[int]:
    """Yield the descriptors of this process that are open for writing on the file at `path`. Raises OSError."""
    wanted = os.lstat(path)
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            if os.path.samestat(os.fstat(int(name)), wanted):
                yield int(name)


def _prepare(connection: sqlite3.Connection, path: str) -> None:
    ((objects,),) = connection.execute("SELECT count(*) FROM sqlite_master")
    marks = _mark(connection, "application_id"), _mark(connection, "user_version")
    if objects or any(marks):
        _expect_ours(connection, path)
    if not objects:
        connection.execute(f"PRAGMA page_size={_PAGE_BYTES}")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(f"PRAGMA journal_size_limit={_JOURNAL_BYTES}")
    if not objects:
        marking = f"PRAGMA application_id={APPLICATION}; PRAGMA user_version={VERSION};"
        connection.executescript(f"BEGIN; {_TABLES} {marking} COMMIT;")


def _expect_ours(connection: sqlite3.Connection, path: str) -> None:
    if _mark(connection, "application_id") != APPLICATION:
        raise StorageError(
            f"{path}: is no catalogue of retentiond and was not touched; move it away, or name another state directory"
        )
    version = _mark(connection, "user_version")
    if version != VERSION:
        raise damaged(path, f"it is of version {version}, this program writes version {VERSION}")


def _mark(connection: sqlite3.Connection, name: str) -> int:
    ((value,),) = connection.execute(f"PRAGMA {name}")
    return int(value)
