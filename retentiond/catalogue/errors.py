"""What can be wrong with the catalogue's file, told so that a person knows what to do."""

import sqlite3

from retentiond.domain.errors import CatalogueDamagedError, StorageError

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_REMEDIES = {
    sqlite3.SQLITE_FULL: "make room on its disk",
    sqlite3.SQLITE_BUSY: "another process holds it; end that one or try again",
    sqlite3.SQLITE_LOCKED: "another process holds it; end that one or try again",
}


def damaged(path: str, why: str) -> CatalogueDamagedError:
    """Return the error for a catalogue that cannot be used any more."""
    return CatalogueDamagedError(
        f"{path}: the catalogue cannot be used ({why}); move it away: it is only an index and is rebuilt by the next "
        "scan; what is due then waits for approval"
    )


def refused(path: str, error: sqlite3.Error | OSError) -> StorageError:
    """Return what SQLite or the system said as an error of ours; only some of them mean that the file is damaged."""
    if isinstance(error, OSError):
        why = error.strerror or type(error).__name__
        return StorageError(f"{path}: the catalogue cannot be opened ({why}); look at its directory and rights")
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of the number is a detail
    if code in _DAMAGED:
        return damaged(path, str(error))
    remedy = _REMEDIES.get(code, "look at its disk and rights")
    return StorageError(f"{path}: the catalogue did not do what it was asked ({error}); {remedy}")
