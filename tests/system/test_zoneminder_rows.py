"""Rows and directories of ZoneMinder under the whole program, on its real schema in a real MariaDB."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from retentiond.domain.finding import Finding, FindingKind
from retentiond.recorders import zoneminder
from retentiond.recorders.zoneminder_notes import NotesFile
from tests.system.zoneminder_site import Site, why_not
from tests.world import BEGIN, World

pytestmark = [
    pytest.mark.system,
    pytest.mark.privileged,
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
]

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    root = tmp_path_factory.mktemp("zmdb")
    site = Site(root, root / "unused")
    site.make_database()
    yield site
    site.stop_database()


class ZoneMinder:
    """Writes events as ZoneMinder does: a directory with files, and a row with its frames."""

    def __init__(self, site: Site, world: World) -> None:
        self.site = site
        self.world = world
        site.sql("DELETE FROM Events")
        site.sql("DELETE FROM Monitors")
        site.sql("DELETE FROM Storage WHERE Id > 1")
        site.sql("UPDATE Storage SET Path = %s, DiskSpace = 0 WHERE Id = 1", str(world.store_path))
        site.sql("DELETE FROM Event_Summaries")
        site.sql("DELETE FROM Filters")
        self.monitor(3, "Entrance")

    def monitor(self, ident: int, name: str, *, audio: bool = False) -> None:
        insert = "INSERT INTO Monitors (Id, Name, Width, Height, RecordAudio) VALUES (%s, %s, 1, 1, %s)"
        self.site.sql(insert, ident, name, audio)

    def event(
        self, ident: int, ago: timedelta, scheme: str = "Medium", monitor: int = 3, second: int = 0, *, row: bool = True
    ) -> Path:
        """Make an event that began `ago` before now."""
        start = (self.world.clock.wall - ago).replace(tzinfo=None)
        below = {
            "Medium": f"{start:%Y-%m-%d}/{ident}",
            "Deep": f"{start:%y/%m/%d/%H/%M/%S}",
            "Shallow": f"{ident}",
        }[scheme]
        path = self.world.store_path / str(monitor) / below
        path.mkdir(parents=True)
        (path / f"{ident}-video.mp4").write_bytes(b"footage")
        (path / "00001-capture.jpg").write_bytes(b"picture")
        if scheme == "Deep":
            (self.world.store_path / f"{monitor}/{start:%y/%m/%d}/.{ident}").symlink_to(f"{start:%H/%M/%S}")
        if row:
            self.site.sql(
                "INSERT INTO Events (Id, MonitorId, StorageId, SecondaryStorageId, StartDateTime, EndDateTime, Scheme, "
                "StateId) VALUES (%s, %s, 1, %s, %s, %s, %s, 0)",
                ident, monitor, second, start, start + 10 * SECOND, scheme,
            )  # fmt: skip
            self.site.sql("INSERT INTO Frames (EventId, FrameId) VALUES (%s, 1)", ident)
        return path

    def rows(self) -> set[int]:
        return {row[0] for row in self.site.sql("SELECT Id FROM Events")}

    def frames(self) -> set[int]:
        return {row[0] for row in self.site.sql("SELECT EventId FROM Frames")}


@pytest.fixture
def zm(server: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ZoneMinder]:
    monkeypatch.setattr(zoneminder, "LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(zoneminder, "TRY_AGAIN_S", 0.0)
    world = World(tmp_path, now=BEGIN)
    world.recorder, world.recorder_config, world.layouts = "zoneminder", str(server.config), ()
    world.winding_down = True
    yield ZoneMinder(server, world)
    if world.running:
        world.stop()
    if not server.running:
        server.start_database()


def started(zm: ZoneMinder) -> World:
    zm.world.start()
    zm.world.scan()
    return zm.world


def pass_deadline(world: World) -> None:
    world.scan()
    world.pass_time(30 * DAY + timedelta(minutes=5), look_every=DAY)


def found(world: World, kind: FindingKind) -> list[Finding]:
    return [item for item in world.cycle.report().findings if item.key.kind is kind]


@pytest.mark.parametrize("scheme", ["Medium", "Deep", "Shallow"])
def test_an_event_of_every_scheme_goes_with_its_rows_and_leaves_nothing_behind(zm: ZoneMinder, scheme: str) -> None:
    world = started(zm)
    zm.event(232_362, timedelta(minutes=5), scheme)
    young = 232_363
    pass_deadline(world)
    zm.event(young, timedelta(minutes=5), scheme)
    world.scan()
    world.pass_time(timedelta(minutes=5), look_every=timedelta(minutes=1))
    assert (zm.rows(), zm.frames()) == ({young}, {young})
    left = sorted(str(path.relative_to(world.store_path)) for path in world.store_path.rglob("*video.mp4"))
    assert len(left) == 1
    names = [path.name for path in world.store_path.rglob("*") if ".retentiond" not in path.parts]
    assert ".232362" not in names, "the link of the Deep scheme went with it"
    assert FindingKind.UNCLASSIFIED_FILES not in world.findings()
    assert world.keeper.recorder.trouble is None


def test_a_database_that_is_down_delays_only_the_rows_and_is_a_finding(zm: ZoneMinder) -> None:
    world = started(zm)
    paths = [zm.event(ident, timedelta(minutes=5)) for ident in (101, 102, 103)]
    zm.site.sql("UPDATE Events SET Archived = 1 WHERE Id = 103")
    world.scan()
    world.findings()
    zm.site.stop_database()
    pass_deadline(world)
    assert [path.exists() for path in paths] == [False, False, True], "what was locked when it was read last stays"
    (told,) = found(world, FindingKind.SOURCE_UNREACHABLE)
    assert "the rows of 2 events that are deleted wait for it" in told.message
    world.stop()
    world.start()  # and a restart forgets none of it
    world.pass_time(timedelta(minutes=5))
    assert paths[2].exists()
    assert (
        "the rows of 2 events that are deleted wait for it" in found(world, FindingKind.SOURCE_UNREACHABLE)[0].message
    )
    zm.site.start_database()
    assert zm.rows() == {101, 102, 103}
    world.findings()
    assert (zm.rows(), zm.frames()) == ({103}, {103})
    assert found(world, FindingKind.SOURCE_UNREACHABLE) == []


def test_rows_wait_while_the_store_is_not_there(zm: ZoneMinder) -> None:
    world = started(zm)
    zm.event(101, timedelta(minutes=5))
    world.findings()
    notes = NotesFile(str(world.state / "zoneminder-main.json"), writes=True)
    world.stop()
    notes.keep(notes.load().__class__(pending=(f"3/{BEGIN:%Y-%m-%d}/101".encode(), b"3/2026-01-01/999")))
    away = world.root / "unmounted"
    world.store_path.rename(away)
    world.store_path.mkdir()
    world.start()
    world.findings()
    assert zm.rows() == {101}
    world.store_path.rmdir()
    away.rename(world.store_path)
    world.findings()
    assert zm.rows() == {101}, "its directory is there, so it was not deleted after all"
    assert world.keeper.recorder.trouble is None


def test_directories_without_a_row_and_rows_without_a_directory_are_told(zm: ZoneMinder) -> None:
    world = started(zm)
    zm.event(101, timedelta(minutes=5))
    rowless = zm.event(102, timedelta(minutes=5), row=False)
    gone = zm.event(103, timedelta(minutes=5))
    for file in gone.iterdir():
        file.unlink()
    gone.rmdir()
    world.scan()
    told = [item.message for item in found(world, FindingKind.SOURCES_DISAGREE)]
    assert any("1 events in store 'main' have no row" in text for text in told)
    assert any("1 of the 2 oldest events in ZoneMinder's database have no directory" in text for text in told)
    pass_deadline(world)
    assert not rowless.exists()
    assert zm.rows() == {103}, "a row is deleted only for a directory that was deleted here"


def test_an_event_that_lies_in_another_storage_area_keeps_its_rows_until_it_is_gone_there(zm: ZoneMinder) -> None:
    world = started(zm)
    other = world.root / "srv" / "other"
    zm.site.sql("INSERT INTO Storage (Id, Path, Name) VALUES (2, %s, 'second')", str(other))
    path = zm.event(101, timedelta(minutes=5), second=2)
    copy = other / path.relative_to(world.store_path)
    copy.mkdir(parents=True)
    assert len(found(world, FindingKind.SECOND_COPY)) == 1
    pass_deadline(world)
    assert not path.exists()
    assert zm.rows() == {101}
    copy.rmdir()
    path = zm.event(102, timedelta(minutes=5), second=2)
    other.rename(world.root / "unmounted")
    pass_deadline(world)
    assert not path.exists()
    assert zm.rows() == {101, 102}, "the other storage area is not mounted, so it may have a copy"


def test_cameras_are_monitors_by_name_with_their_sound(zm: ZoneMinder) -> None:
    zm.monitor(4, "Yard", audio=True)
    zm.monitor(5, "Twin")
    zm.monitor(6, "Twin")
    world = started(zm)
    devices = {str(device.camera): device for device in world.keeper.recorder.devices()}
    assert set(devices) == {"Entrance", "Yard", "Twin-5", "Twin-6"}
    assert [name for name, device in devices.items() if device.records_audio] == ["Yard"]
    assert "RecordAudio of monitor 4" in devices["Yard"].sound


def test_filters_zones_and_areas_that_keep_their_files_are_compared(zm: ZoneMinder) -> None:
    world = started(zm)
    zm.event(101, timedelta(minutes=5))
    world.scan()
    (longer,) = found(world, FindingKind.RECORDER_KEEPS_LONGER)
    assert "without end (no filter deletes by age)" in longer.message
    assert "less than -30 days" in longer.remedy
    week = '{"terms":[{"attr":"StartDateTime","op":"<","val":"-7 days"}]}'
    insert = "INSERT INTO Filters (Name, Query_json, AutoDelete, Background) VALUES ('week', %s, 1, 1)"
    zm.site.sql(insert, week)
    zm.site.sql("UPDATE Storage SET DoDelete = 0")
    zm.site.sql("REPLACE INTO Config (Name, Value, Type) VALUES ('ZM_TIMEZONE', 'Asia/Tokyo', 'string')")
    assert "for 7d (filter 'week')" in found(world, FindingKind.RECORDER_KEEPS_SHORTER)[0].message
    assert "leaves their directories" in found(world, FindingKind.RECORDER_KEEPS_LONGER)[0].message
    assert "'Asia/Tokyo'" in found(world, FindingKind.SOURCES_DISAGREE)[0].message
    zm.site.sql("UPDATE Storage SET DoDelete = 1")
    zm.site.sql("DELETE FROM Config WHERE Name = 'ZM_TIMEZONE'")


def test_a_store_that_is_no_storage_area_is_told(zm: ZoneMinder) -> None:
    zm.site.sql("UPDATE Storage SET Path = '/srv/elsewhere' WHERE Id = 1")
    world = started(zm)
    (told,) = found(world, FindingKind.SOURCE_UNREACHABLE)
    assert "no storage area of ZoneMinder lies at" in told.message
    assert "it has '/srv/elsewhere'" in told.message


def test_an_event_that_is_still_recorded_stays_until_it_has_ended(zm: ZoneMinder) -> None:
    world = started(zm)
    path = zm.event(101, timedelta(minutes=5))
    zm.site.sql("UPDATE Events SET EndDateTime = NULL, StartDateTime = NOW() - INTERVAL 5 MINUTE WHERE Id = 101")
    row = zm.site.sql("SELECT StartDateTime FROM Events WHERE Id = 101")[0][0]
    running = path.parents[1] / f"{row:%Y-%m-%d}" / "101"
    running.parent.mkdir(exist_ok=True)
    path.rename(running)
    pass_deadline(world)
    world.clock.wall = world.clock.wall.replace()
    if row.date() == BEGIN.date():
        assert running.exists()


def test_a_million_rows_do_not_matter_to_a_look(zm: ZoneMinder) -> None:
    """New rows are taken in by number, so that a second look reads only what came since."""
    world = started(zm)
    for ident in range(100, 120):
        zm.event(ident, timedelta(minutes=5))
    world.findings()
    zm.site.sql("UPDATE Events SET StartDateTime = '2020-01-01' WHERE Id = 105")
    zm.event(200, timedelta(minutes=5))
    world.findings()
    world.scan()
    streams = world.catalogue.streams(world.keeper.name)
    assert sum(count for _, count in streams) == 21
    assert world.catalogue.oldest(streams[0][0], None, None) == BEGIN - timedelta(minutes=5)
