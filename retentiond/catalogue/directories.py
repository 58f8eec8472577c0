"""Directories that were listed: their stamps, the names in them that no layout explains, and which are gone."""

from collections.abc import Sequence

from retentiond.catalogue.database import Database
from retentiond.catalogue.keys import Keys
from retentiond.domain import names
from retentiond.domain.recording import StoreName
from retentiond.ports import DirectoryStamp

SAMPLES = 100
"""So many names that no layout explains are kept of a store, for people to look at."""

_RANGE = 1 << 64
_FIRST = b"\x01"
_PAST_SLASH = b"0"
"""A name holds neither NUL nor a slash, and `0` follows the slash: where paths sort, the last is the end of a tree."""


class Directories:
    """Changes what is kept of directories, within the caller's transaction."""

    def __init__(self, database: Database, keys: Keys) -> None:
        self._db = database
        self._keys = keys

    def stamp(self, directory: int, stamp: DirectoryStamp, *, settled: bool) -> None:
        """Remember that a directory was listed, and its stamp then, if it is settled."""
        times = (_signed(stamp.mtime_ns), _signed(stamp.ctime_ns)) if settled else (None, None)
        values = _signed(stamp.inode), *times, directory
        self._db.change("UPDATE directory SET inode=?, mtime_ns=?, ctime_ns=? WHERE id=?", *values)

    def distrust(self, store: StoreName, directory: bytes) -> None:
        """Forget the stamp of a directory, so that it is listed again."""
        self._db.change("UPDATE directory SET ctime_ns=NULL WHERE store=? AND path=?", store, directory)

    def stamps(self, store: StoreName) -> dict[bytes, DirectoryStamp | None]:
        """Return the directories that were listed, in the order of their paths, with the stamps that are trusted."""
        query = (
            "SELECT path, inode, mtime_ns, ctime_ns FROM directory WHERE store=? AND inode IS NOT NULL ORDER BY path"
        )
        return {
            path: None if ctime is None else DirectoryStamp(inode % _RANGE, mtime, ctime)
            for path, inode, mtime, ctime in self._db.rows(query, store)
        }

    def set_unclassified(self, store: StoreName, directory: int, found: Sequence[bytes]) -> None:
        """Replace what is known of the names in a directory that no layout explains."""
        row = self._db.row("SELECT unclassified FROM directory WHERE id=?", directory)
        more = len(found) - (row[0] if row else 0)
        if more:
            self._db.change("UPDATE directory SET unclassified=? WHERE id=?", len(found), directory)
            self._db.change(
                "INSERT INTO store (name, unclassified) VALUES (?,?) ON CONFLICT (name) "
                "DO UPDATE SET unclassified=unclassified+excluded.unclassified",
                *(store, more),
            )
        if found or more:
            self._db.change("DELETE FROM sample WHERE store=? AND directory=?", store, directory)
            room = SAMPLES - len(self.sample(store))
            self._db.change_each(
                "INSERT OR IGNORE INTO sample VALUES (?,?,?)", ((store, directory, name) for name in found[:room])
            )

    def sample(self, store: StoreName) -> list[bytes]:
        """Return the paths of some names that no layout explains."""
        query = "SELECT path, s.name FROM sample s CROSS JOIN directory ON id=directory WHERE s.store=?"
        return [names.join(path, name) for path, name in self._db.rows(query, store)]

    def missing(self, store: StoreName, parent: bytes, children: frozenset[bytes]) -> list[int]:
        """Return the directories below `parent` that lie in none of its `children`; costs children, not what is below.

        The paths are sorted, so each tree is left with one step from its first path to the end of it.
        """
        prefix = parent + b"/" if parent else b""
        query = "SELECT path FROM directory WHERE store=? AND path>=? ORDER BY path LIMIT 1"
        gone: set[bytes] = set()
        position = prefix + _FIRST
        while (row := self._db.row(query, store, position)) and row[0].startswith(prefix):
            child = row[0][len(prefix) :].split(b"/", 1)[0]
            top = prefix + child
            position = row[0] + _FIRST if row[0] == top else top + _PAST_SLASH
            if child not in children:
                gone.add(top)
        return [number for top in sorted(gone) for number in self._tree(store, top)]

    def drop(self, store: StoreName, directory: int) -> None:
        """Drop a directory that has no rows any more."""
        self.set_unclassified(store, directory, ())
        self._db.change("DELETE FROM directory WHERE id=?", directory)

    def _tree(self, store: StoreName, top: bytes) -> list[int]:
        own = self._db.rows("SELECT id FROM directory WHERE store=? AND path=?", store, top)
        below = "SELECT id FROM directory WHERE store=? AND path>? AND path<?"
        return [row[0] for row in (*own, *self._db.rows(below, store, top + b"/", top + _PAST_SLASH))]


def _signed(number: int) -> int:
    """Return a number of 64 bits as SQLite holds it; inode numbers and far times may need the highest bit."""
    return (number + (1 << 63)) % _RANGE - (1 << 63)
