"""Shinobi's own conf.json: where its database is, where films go, and whether it deletes old ones."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from retentiond.domain.errors import StorageError
from retentiond.recorders.mariadb import DEFAULT_PORT, DatabaseAccess

DEFAULT_SQLITE = "shinobi.sqlite"


@dataclass(frozen=True, slots=True)
class ShinobiConf:
    """What conf.json says.

    Attributes:
        database: how a server is reached, or the path of a file of SQLite.
        more_storage: directories besides the usual one that films go into.
        deletes_old: whether Shinobi deletes films that are older than the days of their group.
    """

    path: str
    database: DatabaseAccess | str
    more_storage: tuple[str, ...]
    deletes_old: bool


def parse_conf(path: str, text: str) -> ShinobiConf:
    """Return what conf.json says.

    Raises:
        StorageError: it is none, or does not say how the database is reached.
    """
    try:
        held = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StorageError(f"{path}: is no conf.json of Shinobi ({error}); correct `recorder_config`") from error
    access = _mapping(held).get("db")
    if not isinstance(access, dict):
        raise StorageError(f"{path}: has no `db`; name Shinobi's own conf.json as `recorder_config`")
    home = os.path.dirname(path)
    more = _mapping(held).get("addStorage")
    return ShinobiConf(
        path=path,
        database=_database(path, home, held, access),
        more_storage=tuple(
            os.path.join(home, told.replace("__DIR__", home))
            for item in (more if isinstance(more, list) else [])
            if isinstance(told := _mapping(item).get("path"), str) and told
        ),
        deletes_old=_mapping(held.get("cron")).get("deleteOld", True) is True,
    )


def _database(path: str, home: str, held: Mapping[str, Any], access: Mapping[str, Any]) -> DatabaseAccess | str:
    kind = str(held.get("databaseType", "mysql"))
    if "sqlite" in kind:
        return os.path.join(home, str(access.get("filename") or DEFAULT_SQLITE).replace("__DIR__", home))
    if not kind.startswith(("mysql", "mariadb")):
        raise StorageError(f"{path}: a database of type {kind!r} is not known here; leave out `recorder_config`")
    port = access.get("port", DEFAULT_PORT)
    if isinstance(port, str) and port.isascii() and port.isdigit():
        port = int(port)
    if not isinstance(port, int) or not 0 < port < 65_536:
        raise StorageError(f"{path}: db.port {port!r} is no port; correct it in Shinobi")
    socket = access.get("socketPath")
    return DatabaseAccess(
        socket=socket if isinstance(socket, str) and socket else None,
        host=str(access.get("host") or "127.0.0.1"),
        port=port,
        name=str(access.get("database") or "ccio"),
        user=str(access.get("user") or ""),
        password=str(access.get("password") or ""),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
