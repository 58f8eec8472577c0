"""A recorder's database in MySQL or MariaDB, opened for moments: the loop that deletes recordings waits for it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from retentiond.domain.errors import StorageError

if TYPE_CHECKING:
    from pymysql.connections import Connection

DEFAULT_PORT = 3306
CONNECT_S = 1
ANSWER_S = 5


@dataclass(frozen=True, slots=True)
class DatabaseAccess:
    """How the database is reached. `socket` is the path of a Unix socket, None where it is reached by host and port."""

    socket: str | None
    host: str
    port: int
    name: str
    user: str
    password: str

    def __repr__(self) -> str:
        return f"database {self.name} at {self.socket or f'{self.host}:{self.port}'}"


@contextmanager
def connected(access: DatabaseAccess, whose: str, extra: str) -> "Iterator[Connection[Any]]":
    """Open a connection, and close it.

    Args:
        access: how the database is reached.
        whose: the recorder, for people.
        extra: which extra of this package has the library.

    Raises:
        StorageError: it cannot be reached, or says something unexpected, also within the block.
    """
    try:
        import pymysql
    except ImportError as error:
        raise StorageError(
            f"{whose}'s database needs a library that is not installed: pip install 'retentiond[{extra}]'"
        ) from error
    try:
        _knock(access)
        connection = pymysql.connect(
            host=access.host,
            port=access.port,
            unix_socket=access.socket,
            user=access.user,
            password=access.password,
            database=access.name,
            charset="utf8mb4",
            autocommit=True,
            # Gap locks would meet those of the recorder's own deletions.
            init_command="SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
            connect_timeout=CONNECT_S,
            read_timeout=ANSWER_S,
            write_timeout=ANSWER_S,
        )
        try:
            yield connection
        finally:
            connection.close()
    except (pymysql.Error, OSError, ValueError, TypeError, KeyError) as error:
        raise StorageError(f"{whose}'s {access!r} cannot be used ({_reason(error)})") from error


def _knock(access: DatabaseAccess) -> None:
    """Raise OSError if nobody answers there: the library would leave its socket open."""
    if access.socket is None:
        socket.create_connection((access.host, access.port), timeout=CONNECT_S).close()
        return
    with socket.socket(socket.AF_UNIX) as knocking:
        knocking.settimeout(CONNECT_S)
        knocking.connect(access.socket)


def _reason(error: Exception) -> str:
    """Return what the server or the system says, without the text of a statement."""
    told = error.args[1] if len(error.args) > 1 else error
    return str(told).partition("\n")[0]
