"""ZoneMinder's own configuration (zm.conf and conf.d): how its database is reached, and where events lie by default."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from retentiond.domain.errors import StorageError
from retentiond.recorders.mariadb import DEFAULT_PORT, DatabaseAccess

_LINE = re.compile(r"^[ \t]*(ZM_\w+)[ \t]*=[ \t]*(.*?)[ \t\r]*$", re.MULTILINE | re.ASCII)
DEFAULT_EVENTS = "/var/cache/zoneminder/events"
DEFAULT_SOCKET = "/run/mysqld/mysqld.sock"


@dataclass(frozen=True, slots=True)
class ZoneMinderConf:
    """What zm.conf says."""

    database: DatabaseAccess
    events: str


def read_conf(path: str, read: Callable[[str], str], list_conf: Callable[[str], Sequence[str]]) -> ZoneMinderConf:
    """Return what `path` and the files of conf.d beside it say; later ones win, as in ZoneMinder.

    Raises:
        StorageError: a file cannot be read, or they do not say how the database is reached.
    """
    values = dict(_LINE.findall(read(path)))
    beside = os.path.join(os.path.dirname(path), "conf.d")
    for file in list_conf(beside) if os.path.isdir(beside) else ():
        values |= dict(_LINE.findall(read(file)))
    missing = [key for key in ("ZM_DB_NAME", "ZM_DB_USER") if not values.get(key)]
    if missing:
        raise StorageError(
            f"{path}: does not say {' and '.join(missing)}; name ZoneMinder's own zm.conf as `recorder_config`"
        )
    socket, host, port = _server(values.get("ZM_DB_HOST", "localhost"), path)
    access = DatabaseAccess(
        socket, host, port, values["ZM_DB_NAME"], values["ZM_DB_USER"], values.get("ZM_DB_PASS", "")
    )
    return ZoneMinderConf(access, values.get("ZM_DIR_EVENTS") or DEFAULT_EVENTS)


def _server(text: str, path: str) -> tuple[str | None, str, int]:
    """Return socket, host and port. `localhost` means the socket, as it does for ZoneMinder's own client."""
    host, _, rest = text.partition(":")
    if rest.startswith("/"):
        return rest, "localhost", DEFAULT_PORT
    if rest and not (rest.isascii() and rest.isdigit() and 0 < int(rest) < 65_536):
        raise StorageError(f"{path}: ZM_DB_HOST {text!r} has a port that is none; write host:port or host:/socket")
    if host in ("", "localhost") and not rest:
        return DEFAULT_SOCKET, "localhost", DEFAULT_PORT
    return None, host, int(rest or DEFAULT_PORT)
