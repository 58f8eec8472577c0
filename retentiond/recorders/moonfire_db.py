"""Moonfire NVR's own database, read only: its streams, how old they are, how much they keep (schemas 5 to 7)."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from retentiond.domain.errors import StorageError
from retentiond.domain.instants import EPOCH
from retentiond.domain.names import readable
from retentiond.domain.recording import CameraName
from retentiond.recorders.sqlite_books import Query, ask_database

_UNITS_PER_S = 90_000
_DAY = 86_400 * _UNITS_PER_S
_META_BYTES = 512

STARTS_READ = 1_000
"""So many of the oldest recordings of a stream are looked at one by one."""


@dataclass(frozen=True, slots=True)
class MoonfireStream:
    """One stream of a camera.

    Attributes:
        oldest: when its oldest recording begins, None while it has nothing; `newest` likewise.
        day_bytes: what it recorded in its last day.
        starts: when the first `STARTS_READ` recordings begin, in order.
        recordings: how many it has, by their numbers; they go oldest first, so that these have no gaps.
    """

    camera: CameraName
    kind: str
    oldest: datetime | None
    retain_bytes: int | None
    day_bytes: int
    newest: datetime | None = None
    starts: tuple[datetime, ...] = ()
    recordings: int = 0


def database_in(config: str) -> str:
    """Return where the database is; `config` names it or the directory that it lies in."""
    return os.path.join(config, "db") if os.path.isdir(config) else config


def read_streams(database: str, store: str) -> Sequence[MoonfireStream]:
    """Return the streams that are kept below `store`. Raises StorageError."""
    meta = _meta_of(store)

    def ask(query: Query) -> Sequence[MoonfireStream]:
        columns = {
            (row[0], row[1])
            for row in query(
                "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'"
            )
        }
        told = "config" if ("sample_file_dir", "config") in columns else "path"
        places = query(f"SELECT id, uuid, {told} FROM sample_file_dir")  # noqa: S608  one of two words of ours
        here = [row[0] for row in places if _is_here(row[1], row[2], store, meta)]
        if not here:
            raise StorageError(
                f"{database}: Moonfire keeps nothing below {store}; correct the `path` of the store or its "
                "`recorder_config`"
            )
        limit = "s.config" if ("stream", "config") in columns else "s.retain_bytes"
        rows = query(
            f"SELECT s.id, c.short_name, s.type, {limit} FROM stream s JOIN camera c ON c.id = s.camera_id "  # noqa: S608
            "WHERE s.sample_file_dir_id IN (SELECT value FROM json_each(?)) ORDER BY s.id LIMIT 10000",
            json.dumps(here),
        )
        return tuple(_stream(query, row) for row in rows)

    return ask_database(database, ask)


def _stream(query: Query, row: Sequence[Any]) -> MoonfireStream:
    ident, name, kind, limit = row
    ((oldest, newest),) = query(
        "SELECT (SELECT min(start_time_90k) FROM recording WHERE stream_id = ?1), "
        "(SELECT max(start_time_90k) FROM recording WHERE stream_id = ?1)",
        ident,
    )
    size, recordings = 0, 0
    if newest is not None:
        ((size,),) = query(
            "SELECT total(sample_file_bytes) FROM recording WHERE stream_id = ? AND start_time_90k > ?",
            ident,
            newest - _DAY,
        )
        ((recordings,),) = query(
            "SELECT (SELECT max(composite_id) FROM recording WHERE composite_id BETWEEN ?1 AND ?2) + 1 - "
            "(SELECT min(composite_id) FROM recording WHERE composite_id BETWEEN ?1 AND ?2)",
            ident << 32,
            (ident << 32) + 0xFFFF_FFFF,
        )
    first = "SELECT start_time_90k FROM recording WHERE stream_id = ? ORDER BY start_time_90k LIMIT ?"
    starts = [start for (units,) in query(first, ident, STARTS_READ) if (start := _instant(units)) is not None]
    camera = CameraName(readable(str(name).encode("utf-8", "replace")))
    return MoonfireStream(
        camera, str(kind), _instant(oldest), _retain(limit), int(size), _instant(newest), tuple(starts), recordings or 0
    )


def _is_here(uuid: object, told: object, store: str, meta: bytes) -> bool:
    """Tell whether a directory of Moonfire's is the store: by its path, or by what lies in it (a container's path)."""
    if isinstance(uuid, bytes) and len(uuid) == 16 and uuid in meta:
        return True
    path = _field(told, "path") if isinstance(told, str) and told.startswith("{") else told
    return isinstance(path, str) and os.path.realpath(path) == os.path.realpath(store)


def _meta_of(store: str) -> bytes:
    """Return Moonfire's own mark of a directory, nothing if it cannot be read."""
    try:
        descriptor = os.open(os.path.join(store, "meta"), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    with open(descriptor, "rb", buffering=0) as file:
        try:
            return file.read(_META_BYTES) or b""
        except OSError:
            return b""


def _retain(limit: object) -> int | None:
    value = _field(limit, "retainBytes") if isinstance(limit, str) else limit
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _field(text: str, key: str) -> object:
    try:
        held = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return held.get(key) if isinstance(held, dict) else None


def _instant(units: object) -> datetime | None:
    if not isinstance(units, int):
        return None
    try:
        return EPOCH + timedelta(microseconds=units * 100 // 9)
    except OverflowError as error:
        raise StorageError("a start in it is no time; repair it with Moonfire's own check") from error
