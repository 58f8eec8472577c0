"""The connection under the catalogue: statements, transactions, and errors that name the file."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from retentiond.catalogue.errors import damaged, refused
from retentiond.domain.errors import CatalogueDamagedError, StorageError

_WHOLE = "BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",)
_PART = "SAVEPOINT part", "RELEASE part", ("ROLLBACK TO part", "RELEASE part")
"""How what happens as a whole begins, ends and is undone; and a part of that, which can be undone alone."""


class Database:
    """An open connection; used from the thread that opened it."""

    def __init__(self, connection: sqlite3.Connection, path: str) -> None:
        self._connection = connection
        self._path = path
        self._found_damaged = False
        self._is_sure = False

    @property
    def found_damaged(self) -> bool:
        """Whether the file turned out to be damaged while it was in use."""
        return self._found_damaged

    @property
    def is_sure(self) -> bool:
        """Whether the damage was seen in what was read; SQLite says so too of a page that could not be read."""
        return self._is_sure

    def rows(self, query: str, *values: object) -> list[Any]:
        """Return all rows that a query finds; for few."""
        return list(self.each(query, *values))

    def row(self, query: str, *values: object) -> Any | None:  # noqa: ANN401  a row is what the query says
        """Return the first row that a query finds."""
        return next(iter(self.rows(query, *values)), None)

    def each(self, query: str, *values: object) -> Iterator[Any]:
        """Yield the rows that a query finds. Nothing may be changed until the last one was taken."""
        try:
            yield from self._connection.execute(query, values)
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    def change(self, statement: str, *values: object) -> int:
        """Carry out one statement; return how many rows it changed."""
        try:
            return self._connection.execute(statement, values).rowcount
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    def change_each(self, statement: str, values: Iterable[tuple[object, ...]]) -> int:
        """Carry out one statement for each of the values; return how many rows were changed in all."""
        try:
            return max(0, self._connection.executemany(statement, values).rowcount)
        except sqlite3.Error as error:
            raise self._trouble(error) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything in here happens, or nothing of it. Within another one, it happens when that does."""
        begin, end, undo = _PART if self._connection.in_transaction else _WHOLE
        self.change(begin)
        try:
            yield
            self.change(end)
        except BaseException:
            if self._connection.in_transaction:  # SQLite ends it itself where the disk is full
                for statement in undo:
                    self.change(statement)
            raise

    @contextmanager
    def decoding(self) -> Iterator[None]:
        """Take a value that cannot have been written by this program for damage."""
        try:
            yield
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            self._found_damaged = self._is_sure = True
            raise damaged(self._path, f"it holds what was never written: {error}") from error

    def quick_check(self) -> tuple[str, ...]:
        """Return what SQLite finds wrong in the whole file; reads all of it."""
        try:
            found = tuple(str(text) for (text,) in self.each("PRAGMA quick_check(20)"))
        except CatalogueDamagedError as error:
            return (str(error),)
        problems = () if found == ("ok",) else found
        self._found_damaged = self._found_damaged or bool(problems)
        self._is_sure = self._is_sure or bool(problems)
        return problems

    def _trouble(self, error: sqlite3.Error) -> StorageError:
        if isinstance(error, sqlite3.ProgrammingError):
            raise error  # our own mistake, and no state of the disk
        trouble = refused(self._path, error)
        self._found_damaged = self._found_damaged or isinstance(trouble, CatalogueDamagedError)
        return trouble
