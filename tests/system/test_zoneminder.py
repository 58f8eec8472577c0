"""A real ZoneMinder: what it recorded goes with its rows, what is archived stays, and its books stay in order."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from retentiond.domain.finding import FindingKind
from retentiond.recorders import zoneminder
from tests.system.zoneminder_site import Site, why_not
from tests.world import World

pytestmark = [
    pytest.mark.system,
    pytest.mark.privileged,
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
]

DAY = timedelta(days=1)
MONITOR = (
    "INSERT INTO Monitors (Name, Type, `Function`, Enabled, Path, Method, Width, Height, Colours, VideoWriter, "
    "SaveJPEGs, RecordAudio, SectionLength, MinSectionLength, StorageId, ServerId, ImageBufferCount, PreEventCount, "
    "PostEventCount, WarmupCount, StreamReplayBuffer, OutputContainer, OutputCodec, MaxImageBufferCount) VALUES "
    "('Entrance', 'Ffmpeg', 'Record', 1, %s, '', 320, 240, 4, 2, 1, 1, 4, 2, 1, 0, 20, 5, 5, 1, 0, 'mp4', 0, 60)"
)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, World]]:
    """A ZoneMinder that has recorded some events of its own, and a world that begins then."""
    root = tmp_path_factory.mktemp("zm")
    world = World(root / "world", now=datetime.now(UTC).replace(microsecond=0))
    site = Site(root / "zm", world.store_path)
    site.make_database()
    assert site.run("zmupdate.pl", "--freshen").returncode == 0
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    site.sql(MONITOR, f"http://127.0.0.1:{port}/cam.ts")
    site.record(1, port, 32)
    world.clock.wall = datetime.now(UTC)
    world.recorder, world.recorder_config, world.layouts = "zoneminder", str(site.config), ()
    world.winding_down = True
    yield site, world
    if world.running:
        world.stop()
    site.stop_database()


def summaries_are_right(site: Site) -> bool:
    """Whether ZoneMinder's own counts, which its pages show, are what they count."""
    (said,) = site.sql(
        "SELECT TotalEvents, COALESCE(TotalEventDiskSpace, 0), HourEvents, DayEvents, WeekEvents, MonthEvents, "
        "COALESCE(ArchivedEvents, 0) FROM Event_Summaries WHERE MonitorId = 1"
    )
    (counted,) = site.sql(
        "SELECT count(*), COALESCE(sum(DiskSpace), 0), (SELECT count(*) FROM Events_Hour), "
        "(SELECT count(*) FROM Events_Day), (SELECT count(*) FROM Events_Week), (SELECT count(*) FROM Events_Month), "
        "(SELECT count(*) FROM Events_Archived) FROM Events"
    )
    return said == counted


def rows_of(site: Site, ident: int) -> dict[str, int]:
    """Count the rows that are left of an event, in every table that knows it."""
    tables = site.sql(
        "SELECT TABLE_NAME FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = 'zm' AND COLUMN_NAME = 'EventId'"
    )
    counted = {table: site.sql(f"SELECT count(*) FROM {table} WHERE EventId = %s", ident)[0][0] for (table,) in tables}
    return {**counted, "Events": site.sql("SELECT count(*) FROM Events WHERE Id = %s", ident)[0][0]}


def event_directories(world: World) -> dict[int, Path]:
    return {int(path.name): path for path in world.store_path.glob("[0-9]*/*-*-*/[0-9]*")}


def test_events_files_and_rows_go_at_their_deadline_and_archived_ones_stay(
    recorded: tuple[Site, World], monkeypatch: pytest.MonkeyPatch
) -> None:
    site, world = recorded
    monkeypatch.setattr(zoneminder, "LOOK_EVERY_S", 0.0)
    found = {row[0]: row[1] for row in site.sql("SELECT Id, StartDateTime FROM Events WHERE EndDateTime IS NOT NULL")}
    assert len(found) >= 5, (site.root / "log" / "zmc").read_text()
    theirs, archived, *ours = sorted(found)
    assert any(path.suffix == ".mp4" for path in event_directories(world)[theirs].iterdir())
    site.sql("UPDATE Events SET DiskSpace = 1000 * Id")
    site.sql("UPDATE Events SET Archived = 1 WHERE Id = %s", archived)

    world.start()
    world.scan()
    streams = world.catalogue.streams(world.keeper.name)
    assert [(stream.camera, stream.category.value) for stream, _ in streams] == [("Entrance", "video")]
    assert world.catalogue.oldest(streams[0][0], None, None) == min(found.values()).replace(tzinfo=UTC)
    assert FindingKind.UNCLASSIFIED_FILES not in world.findings()
    assert FindingKind.AUDIO_ENABLED not in world.findings(), "it is not in the register at all"
    assert FindingKind.RECORDER_KEEPS_LONGER in world.findings(), "no filter of ZoneMinder's looks at the age"

    site.delete_as_zoneminder_does(theirs)
    world.scan()
    assert summaries_are_right(site)
    left_by_them = rows_of(site, theirs)
    storage_before = site.sql("SELECT DiskSpace FROM Storage WHERE Id = 1")

    world.pass_time(30 * DAY - timedelta(minutes=10), look_every=DAY)
    assert set(ours) <= event_directories(world).keys()
    world.pass_time(timedelta(minutes=20), look_every=timedelta(seconds=30))
    assert event_directories(world).keys() & set(found) == {archived}
    assert world.keeper.recorder.trouble is None
    assert {ident: rows_of(site, ident) for ident in ours} == dict.fromkeys(ours, left_by_them)
    assert set(left_by_them.values()) == {0}
    assert summaries_are_right(site)
    assert site.sql("SELECT DiskSpace FROM Storage WHERE Id = 1")[0][0] == storage_before[0][0] - 1000 * sum(ours)
    assert rows_of(site, archived)["Events"] == 1
    assert {FindingKind.LOCKED_IN_RECORDER, FindingKind.OVERDUE} <= world.findings()

    audit = site.run("zmaudit.pl", "--report")
    complaints = [line for line in (audit.stdout + audit.stderr).splitlines() if "log table entries" not in line]
    assert complaints == []

    site.sql("UPDATE Events SET Archived = 0")
    world.pass_time(timedelta(hours=2), look_every=timedelta(minutes=10))
    assert event_directories(world) == {}
    assert site.sql("SELECT count(*) FROM Events") == [(0,)]
    assert FindingKind.OVERDUE not in world.findings()
