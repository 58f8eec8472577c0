"""Shinobi's database, as a file and in a real MariaDB: what is archived stays, and what it keeps itself is compared."""

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pymysql
import pytest

from retentiond.domain.errors import StorageError
from retentiond.domain.finding import Finding, FindingKind
from retentiond.domain.recording import StoreName
from retentiond.recorders.configured import ConfiguredRecorder, Setup
from retentiond.recorders.recognise import recognise
from retentiond.recorders.registry import build_recorder
from retentiond.recorders.shinobi import build_shinobi
from retentiond.recorders.zoneminder_notes import UNWRITTEN
from tests.shinobi_tree import GROUP, Shinobi, SqliteFile
from tests.system.mariadb import PROGRAMS, MariaDb, find_program
from tests.unit.recorders.test_frigate import drift
from tests.world import BEGIN, World

pytestmark = pytest.mark.system

DAY = timedelta(days=1)
NO_SERVER = os.getuid() != 0 or any(find_program(name) is None for name in PROGRAMS)


class InMariaDb:
    """Shinobi's database in a server."""

    def __init__(self, server: MariaDb) -> None:
        self.server = server
        access = {"socketPath": str(server.socket), "user": "majesticflame", "password": "p w", "database": "ccio"}
        self.settings: dict[str, Any] = {"db": access}

    def __call__(self, text: str, *parameters: object) -> Sequence[Sequence[Any]]:
        connection = pymysql.connect(unix_socket=str(self.server.socket), user="root", database="ccio", autocommit=True)
        with connection, connection.cursor() as cursor:
            cursor.execute(text.replace("?", "%s"), parameters or None)
            return list(cursor.fetchall())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    server = MariaDb(tmp_path_factory.mktemp("shinobidb"))
    server.install()
    server.start()
    server.as_root(
        "CREATE DATABASE ccio; CREATE USER majesticflame@localhost IDENTIFIED BY 'p w'; "
        "GRANT SELECT ON ccio.* TO majesticflame@localhost"
    )
    yield server
    server.stop()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Return a world that is not started yet; what the test leaves running is stopped."""
    world = World(tmp_path)
    yield world
    if world.running:
        world.stop()


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.skipif(NO_SERVER, reason="no MariaDB"))])
def shinobi(request: pytest.FixtureRequest, world: World) -> Shinobi:
    home = world.root / "shinobi"
    home.mkdir()
    sql = SqliteFile(home / "s.db") if request.param == "sqlite" else InMariaDb(request.getfixturevalue("server"))
    world.recorder, world.layouts = "shinobi", ()
    shinobi = Shinobi(home, world.store_path, sql, sql.settings)
    world.recorder_config = str(shinobi.config)
    return shinobi


def build(shinobi: Shinobi) -> ConfiguredRecorder:
    setup = Setup(StoreName("main"), str(shinobi.videos), UTC, str(shinobi.config))
    return build_shinobi(setup, UNWRITTEN)


def findings(recorder: ConfiguredRecorder) -> dict[FindingKind, Finding]:
    recorder.devices()
    return {item.key.kind: item for item in (*drift(recorder), *recorder.oddities)}


def test_an_archived_film_stays_and_is_told_and_goes_when_it_is_unarchived(shinobi: Shinobi, world: World) -> None:
    shinobi.user("30")
    shinobi.monitor("hall", acodec="no")
    world.start()
    world.scan()
    plain, archived = shinobi.film("hall", BEGIN), shinobi.film("hall", BEGIN + timedelta(minutes=1), archived=True)
    late = shinobi.film("hall", BEGIN + timedelta(minutes=2))
    world.scan()
    world.pass_time(29 * DAY, look_every=DAY)
    shinobi.sql("UPDATE Videos SET status = 3 WHERE time = ?", f"{BEGIN + timedelta(minutes=2):%Y-%m-%d %H:%M:%S}")
    world.pass_time(DAY + timedelta(hours=1), look_every=timedelta(minutes=10))
    assert not plain.exists()
    assert archived.exists()
    assert late.exists()
    assert {FindingKind.LOCKED_IN_RECORDER, FindingKind.OVERDUE} <= world.findings()
    shinobi.sql("UPDATE Videos SET status = 1, details = ?", "{}")
    world.pass_time(timedelta(hours=1), look_every=timedelta(minutes=10))
    assert not archived.exists()
    assert not late.exists()


def test_what_was_archived_counts_while_the_database_is_down(shinobi: Shinobi, world: World) -> None:
    shinobi.user("30")
    shinobi.monitor("hall")
    shinobi.film("hall", BEGIN + timedelta(minutes=1), archived=True).unlink()
    world.start()
    world.scan()
    plain, archived = shinobi.film("hall", BEGIN), shinobi.film("hall", BEGIN + timedelta(minutes=1), row=False)
    world.scan()
    world.pass_time(29 * DAY, look_every=DAY)
    shinobi.settings = {"db": {"host": "127.0.0.1", "port": 1, "user": "x", "database": "ccio"}}
    shinobi.configure()
    world.stop()
    world.start()
    world.pass_time(DAY + timedelta(hours=1), look_every=timedelta(minutes=10))
    assert not plain.exists()
    assert archived.exists()
    assert FindingKind.SOURCE_UNREACHABLE in world.findings()


@pytest.mark.parametrize(
    ("days", "own", "delete", "kind", "told"),
    [
        ("5", None, True, FindingKind.RECORDER_KEEPS_SHORTER, f"group {GROUP}"),
        (None, None, True, FindingKind.RECORDER_KEEPS_SHORTER, "the default"),
        ("90", "", True, FindingKind.RECORDER_KEEPS_LONGER, "for 90d"),
        ("90", "7", True, FindingKind.RECORDER_KEEPS_SHORTER, "monitor hall"),
        ("90", None, False, FindingKind.RECORDER_KEEPS_LONGER, "without end"),
        ("30", None, True, None, ""),
        ("30", "30", False, None, ""),
        ("forever", None, True, FindingKind.RECORDER_KEEPS_LONGER, "without end"),
    ],
)
def test_its_own_days_are_compared(
    shinobi: Shinobi, days: str | None, own: str | None, delete: bool, kind: FindingKind | None, *, told: str
) -> None:
    shinobi.configure(cron={"deleteOld": delete})
    shinobi.user(days)
    shinobi.monitor("hall", **({} if own is None else {"max_keep_days": own}))
    recorder = build(shinobi)
    recorder.devices()
    found = drift(recorder)
    assert [item.key.kind for item in found] == ([] if kind is None else [kind])
    assert all(told in item.message for item in found)
    assert all("30" in item.remedy for item in found)


@pytest.mark.parametrize(
    ("kind", "codec", "sound"),
    [("h264", None, True), ("h264", "no", False), ("hls", "aac", True), ("mjpeg", None, False), ("h264", "auto", True)],
)
def test_sound_is_recorded_unless_the_codec_is_none(
    shinobi: Shinobi, kind: str, codec: str | None, sound: bool
) -> None:
    shinobi.monitor("hall", kind, **({} if codec is None else {"acodec": codec}))
    (device,) = build(shinobi).devices()
    assert device.camera == f"{GROUP}/hall"
    assert device.records_audio is sound
    assert ("acodec" in device.sound) is sound


def test_copies_elsewhere_and_rows_without_films_are_told(shinobi: Shinobi) -> None:
    shinobi.user("30", webdav_save="1", aws_s3_save="0")
    shinobi.monitor("hall")
    kept, gone = (shinobi.film("hall", BEGIN + timedelta(hours=hour)) for hour in (1, 2))
    assert set(findings(build(shinobi))) == {FindingKind.SECOND_COPY}
    gone.unlink()
    found = findings(build(shinobi))
    assert "1 of the 2 newest films" in found[FindingKind.SOURCES_DISAGREE].message
    assert "webdav_save" in found[FindingKind.SECOND_COPY].message
    assert kept.exists()


def test_films_of_another_storage_are_not_missed_here(shinobi: Shinobi, tmp_path: Path) -> None:
    shinobi.user("30")
    shinobi.film("hall", BEGIN).unlink()
    shinobi.sql("UPDATE Videos SET details = ?", '{"dir":"/mnt/second"}')
    assert findings(build(shinobi)) == {}
    shinobi.sql("UPDATE Videos SET details = ?", f'{{"dir":"{shinobi.videos}/"}}')
    assert FindingKind.SOURCES_DISAGREE in findings(build(shinobi))
    shinobi.sql("UPDATE Videos SET details = '{}'")
    shinobi.configure(addStorage=[{"name": "second", "path": str(shinobi.videos)}])
    assert findings(build(shinobi)) == {}


def test_newer_versions_have_a_column_for_what_is_archived(shinobi: Shinobi) -> None:
    shinobi.sql("ALTER TABLE Videos ADD archive int DEFAULT 0")
    shinobi.film("hall", BEGIN)
    assert FindingKind.LOCKED_IN_RECORDER not in findings(build(shinobi))
    shinobi.sql("UPDATE Videos SET archive = 1")
    assert FindingKind.LOCKED_IN_RECORDER in findings(build(shinobi))


def test_odd_rows_harm_nothing(shinobi: Shinobi) -> None:
    shinobi.user("30")
    shinobi.monitor("hall")
    shinobi.sql("UPDATE Monitors SET details = '[7'")
    shinobi.sql("UPDATE Users SET details = 'null'")
    shinobi.sql("INSERT INTO Videos (mid, ke, status, details) VALUES ('a', 'b', 3, NULL)")
    recorder = build(shinobi)
    assert [device.camera for device in recorder.devices()] == [f"{GROUP}/hall"]
    assert [own.kept for own in recorder.retentions] == [timedelta(days=5)]


def test_the_database_is_recognised_by_its_configuration(shinobi: Shinobi) -> None:
    shinobi.monitor("hall")
    shinobi.film("hall", BEGIN)
    best = recognise(str(shinobi.videos), [str(shinobi.config)])[0]
    assert (best.recorder, best.recorder_config, best.cameras) == ("shinobi", str(shinobi.config), (f"{GROUP}/hall",))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is no conf.json"),
        ("[]", "has no `db`"),
        ('{"db": 7}', "has no `db`"),
        ('{"db": {}, "databaseType": "pg"}', "is not known here"),
        ('{"db": {"port": 0}}', "is no port"),
        ('{"db": {"port": "x"}}', "is no port"),
        ('{"databaseType": "sqlite3", "db": {"filename": "none.db"}}', "cannot be read"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_told_and_names_are_read(text: str, told: str, tmp_path: Path) -> None:
    config = tmp_path / "conf.json"
    config.write_text(text)
    recorder = build_recorder(
        "shinobi",
        store=StoreName("main"),
        store_path=str(tmp_path),
        timezone="UTC",
        layouts=(),
        recorder_config=str(config),
    )
    with pytest.raises(StorageError, match=told):
        recorder.devices()
    assert recorder.ready
    assert recorder.withheld([]) == {}
