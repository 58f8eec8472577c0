"""A Shinobi: its conf.json, films, and its database by the schema that it publishes, in SQLite or MariaDB."""

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

TABLES = (
    "CREATE TABLE Monitors (mid varchar(50), ke varchar(50), name varchar(50), details longtext, "
    "type varchar(50) DEFAULT 'jpeg', ext varchar(50) DEFAULT 'webm', mode varchar(15))",
    "CREATE TABLE Users (ke varchar(50), uid varchar(50), mail varchar(100), details longtext)",
    "CREATE TABLE Videos (mid varchar(50), ke varchar(50), ext varchar(5), time timestamp NULL DEFAULT NULL, "
    "size float, end timestamp NULL DEFAULT NULL, status int(1) DEFAULT 0, details text)",
)
GROUP = "hCt9XgH0aB"


class Sql(Protocol):
    """Runs a statement with `?` for parameters, in whichever database it is."""

    def __call__(self, text: str, *parameters: object) -> Sequence[Sequence[Any]]: ...


class SqliteFile:
    """Shinobi's database as a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.settings: dict[str, Any] = {"databaseType": "sqlite3", "db": {"filename": str(path)}}

    def __call__(self, text: str, *parameters: object) -> Sequence[Sequence[Any]]:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            return connection.execute(text, parameters).fetchall()


class Shinobi:
    """Writes what Shinobi writes."""

    def __init__(self, home: Path, videos: Path, sql: Sql, settings: dict[str, Any]) -> None:
        self.videos = videos
        self.sql = sql
        self.config = home / "conf.json"
        self.settings = settings
        home.mkdir(parents=True, exist_ok=True)
        self.configure()
        for table in ("Monitors", "Users", "Videos"):
            sql(f"DROP TABLE IF EXISTS {table}")
        for statement in TABLES:
            sql(statement)

    def configure(self, **more: object) -> None:
        """Write conf.json."""
        self.config.write_text(json.dumps({"port": 8080, **self.settings, **more}))

    def user(self, days: str | None = "5", **details: str) -> None:
        """Make the account of the group, which keeps films for so many days."""
        held = {**details, **({} if days is None else {"days": days})}
        self.sql("INSERT INTO Users (ke, uid, mail, details) VALUES (?, 'u', 'a@b.test', ?)", GROUP, json.dumps(held))

    def monitor(self, ident: str, kind: str = "h264", **details: str) -> None:
        insert = "INSERT INTO Monitors (mid, ke, name, type, details) VALUES (?, ?, ?, ?, ?)"
        self.sql(insert, ident, GROUP, ident.title(), kind, json.dumps(details))

    def film(self, ident: str, start: datetime, *, archived: bool = False, status: int = 1, row: bool = True) -> Path:
        """Make a film that begins at `start`, in Shinobi's local time."""
        path = self.videos / GROUP / ident / f"{start:%Y-%m-%dT%H-%M-%S}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"film")
        if row:
            details = '{"archived":"1"}' if archived else "{}"
            insert = "INSERT INTO Videos (mid, ke, ext, time, status, details) VALUES (?, ?, 'mp4', ?, ?, ?)"
            self.sql(insert, ident, GROUP, f"{start:%Y-%m-%d %H:%M:%S}", status, details)
        return path
