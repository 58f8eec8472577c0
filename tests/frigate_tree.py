"""A Frigate as far as retentiond can see it: its configuration and its database, as its published schema has them."""

import sqlite3
from pathlib import Path

SCHEMA = """
CREATE TABLE recordings (id VARCHAR(30) NOT NULL PRIMARY KEY, camera VARCHAR(20) NOT NULL, path VARCHAR(255) NOT NULL,
  start_time DATETIME NOT NULL, end_time DATETIME NOT NULL, duration REAL NOT NULL, motion INTEGER, objects INTEGER,
  dBFS INTEGER, segment_size REAL NOT NULL DEFAULT 0, regions INTEGER);
CREATE UNIQUE INDEX recordings_path ON recordings (path);
CREATE INDEX recordings_camera ON recordings (camera);
CREATE TABLE event (id VARCHAR(30) NOT NULL PRIMARY KEY, label VARCHAR(20) NOT NULL, camera VARCHAR(20) NOT NULL,
  start_time DATETIME NOT NULL, end_time DATETIME, has_clip INTEGER NOT NULL DEFAULT 1,
  has_snapshot INTEGER NOT NULL DEFAULT 1, retain_indefinitely INTEGER NOT NULL DEFAULT 0);
CREATE TABLE export (id VARCHAR(30) NOT NULL PRIMARY KEY, camera VARCHAR(20) NOT NULL, name VARCHAR(100) NOT NULL,
  date DATETIME NOT NULL, video_path VARCHAR(255) NOT NULL, thumb_path VARCHAR(255) NOT NULL, in_progress INTEGER);
"""
CAMERAS = """\
mqtt: {enabled: false}
record: {enabled: true, alerts: {retain: {days: 45}}}
cameras:
  hall:
    ffmpeg: {inputs: [{path: "rtsp://user:{FRIGATE_PASSWORD}@192.0.2.1/1", roles: [detect, record]}]}
  yard:
    ffmpeg:
      output_args: {record: preset-record-generic}
      inputs: [{path: rtsp://192.0.2.2/1, roles: [record]}]
"""


class Frigate:
    """A configuration directory with a database, and a media directory beside it."""

    def __init__(self, root: Path) -> None:
        self.config = root / "config" / "config.yml"
        self.media = root / "media"
        self.database = root / "config" / "frigate.db"
        self.config.parent.mkdir(parents=True)
        self.media.mkdir(exist_ok=True)

    def configure(self, text: str = CAMERAS) -> None:
        self.config.write_text(text, encoding="utf-8")

    def make_database(self) -> None:
        self._execute(lambda connection: connection.executescript(SCHEMA))

    def add_recording(self, path: str, camera: str, start: float) -> None:
        row = (f"{start}-abc123", camera, f"/media/frigate/{path}", start, start + 10)
        insert = "INSERT INTO recordings (id, camera, path, start_time, end_time, duration) VALUES (?, ?, ?, ?, ?, 10)"
        self._execute(lambda connection: connection.execute(insert, row))

    def add_event(self, ident: str, camera: str, *, retained: bool) -> None:
        row = (ident, camera, float(ident.partition("-")[0]), retained)
        insert = "INSERT INTO event (id, label, camera, start_time, retain_indefinitely) VALUES (?, 'person', ?, ?, ?)"
        self._execute(lambda connection: connection.execute(insert, row))

    def retain(self, ident: str, *, retained: bool) -> None:
        update = "UPDATE event SET retain_indefinitely = ? WHERE id = ?"
        self._execute(lambda connection: connection.execute(update, (retained, ident)))

    def add_export(self, camera: str, name: str) -> None:
        row = (f"{camera}_{name}", camera, name, 1789717270.0, f"/media/frigate/exports/{name}.mp4", name)
        insert = "INSERT INTO export VALUES (?, ?, ?, ?, ?, ?, 0)"
        self._execute(lambda connection: connection.execute(insert, row))

    def _execute(self, work) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        connection = sqlite3.connect(self.database)
        with connection:
            connection.execute("PRAGMA journal_mode = wal")
            work(connection)
        connection.close()
