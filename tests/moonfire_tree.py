"""A Moonfire directory and database, by its published schema (version 7, and 6 with `old`)."""

import json
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

DIRECTORY = bytes(range(16))
_SCHEMA = """
create table sample_file_dir (id integer primary key, uuid blob unique not null, {dir} text, last integer);
create table camera (id integer primary key, uuid blob unique not null, short_name text not null, config text);
create table stream (id integer primary key, camera_id integer not null references camera (id),
  sample_file_dir_id integer references sample_file_dir (id), type text not null, {limit});
create table recording (composite_id integer primary key, stream_id integer not null references stream (id),
  sample_file_bytes integer not null, start_time_90k integer not null, wall_duration_90k integer not null);
create index recording_cover on recording (stream_id, start_time_90k, wall_duration_90k, sample_file_bytes);
"""


class Moonfire:
    """Builds both, and adds what the test is about."""

    def __init__(self, database: Path, store: Path, *, old: bool = False, told: str | None = None) -> None:
        self.database = database
        self.store = store
        self.old = old
        self._numbers = 0
        database.parent.mkdir(parents=True, exist_ok=True)
        store.mkdir(parents=True, exist_ok=True)
        (store / "meta").write_bytes((b"\x10" + bytes(16) + b"\x12\x10" + DIRECTORY).ljust(512, b"\0"))
        limit = "retain_bytes integer" if old else "config text not null"
        path = told if told is not None else str(store)
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.executescript(_SCHEMA.format(dir="path" if old else "config", limit=limit))
            value = path if old else json.dumps({"path": path})
            connection.execute("insert into sample_file_dir values (1, ?, ?, null)", (DIRECTORY, value))

    def add_stream(self, camera: str, kind: str = "main", *, retain: int = 10**9) -> int:
        value = retain if self.old else json.dumps({"mode": "record", "retainBytes": retain})
        with closing(sqlite3.connect(self.database)) as connection, connection:
            known = connection.execute("select id from camera where short_name = ?", (camera,)).fetchone()
            ident = known[0] if known else None
            if ident is None:
                ident = connection.execute(
                    "insert into camera (uuid, short_name, config) values (?, ?, '{}')", (camera.encode(), camera)
                ).lastrowid
            row = connection.execute("insert into stream values (null, ?, 1, ?, ?)", (ident, kind, value))
            assert row.lastrowid is not None
            return row.lastrowid

    def record(self, stream: int, start: datetime, *, size: int = 1000) -> Path:
        self._numbers += 1
        ident = stream << 32 | self._numbers
        units = int(start.timestamp() * 90_000)
        with closing(sqlite3.connect(self.database)) as connection, connection:
            row = (ident, stream, size, units, 60 * 90_000)
            connection.execute("insert into recording values (?, ?, ?, ?, ?)", row)
        file = self.store / f"{ident:016x}"
        file.write_bytes(b"samples")
        return file
