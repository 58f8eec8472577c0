"""Times in names around a change of the clock: the earlier reading, never a later one (rule S1)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from retentiond.domain.recording import Recognised, StoreName
from retentiond.ports import Entry, EntryKind
from retentiond.recorders.local_time import LocalTime
from retentiond.recorders.template import build_template

LAYOUTS = (
    "{camera}/%Y-%m-%d/%H-%M-%S.mp4",
    "{camera}-%Y%m%d%H%M%S.mp4",
    "%Y-%m-%d/%H/{camera}/%M.%S.mp4",
    "%Y-%m-%d/%H-%M/%S-{camera}.mp4",
    "{camera}/%Y/%j/%H%M%S.mp4",
)

REPEATED = [  # zone, what the name says, the earlier and the later instant that it may mean
    ("Europe/Berlin", "2026-10-25 02:00:00", "00:00:00", "01:00:00"),
    ("Europe/Berlin", "2026-10-25 02:59:59", "00:59:59", "01:59:59"),
    ("America/Santiago", "2026-04-04 23:30:00", "02:30:00", "03:30:00"),
    ("Australia/Sydney", "2026-04-05 02:30:00", "15:30:00", "16:30:00"),
    ("America/St_Johns", "2026-11-01 01:30:00", "04:00:00", "05:00:00"),
    ("America/St_Johns", "2010-11-06 23:01:00", "01:31:00", "02:31:00"),  # changed a minute after midnight then
    ("America/St_Johns", "2010-11-07 00:00:59", "02:30:59", "03:30:59"),
    ("Australia/Lord_Howe", "2026-04-05 01:30:00", "14:30:00", "15:00:00"),  # half an hour
    ("Australia/Lord_Howe", "2026-04-05 01:59:59", "14:59:59", "15:29:59"),
]
SKIPPED = [
    ("Europe/Berlin", "2026-03-29 02:00:00", "00:00:00"),
    ("Europe/Berlin", "2026-03-29 02:59:59", "00:59:59"),
    ("America/Santiago", "2026-09-06 00:30:00", "03:30:00"),
    ("Australia/Sydney", "2026-10-04 02:30:00", "15:30:00"),
    ("America/St_Johns", "2026-03-08 02:30:00", "05:00:00"),
    ("America/St_Johns", "2010-03-14 00:01:00", "02:31:00"),
    ("America/St_Johns", "2010-03-14 01:00:59", "03:30:59"),
    ("Australia/Lord_Howe", "2026-10-04 02:00:00", "15:00:00"),
    ("Australia/Lord_Howe", "2026-10-04 02:29:59", "15:29:59"),
]
ORDINARY = [  # just beside the changes
    ("Europe/Berlin", "2026-10-25 01:59:59", "23:59:59"),
    ("Europe/Berlin", "2026-10-25 03:00:00", "02:00:00"),
    ("Europe/Berlin", "2026-03-29 01:59:59", "00:59:59"),
    ("Europe/Berlin", "2026-03-29 03:00:00", "01:00:00"),
    ("America/St_Johns", "2010-11-06 23:00:59", "01:30:59"),
    ("America/St_Johns", "2010-11-07 00:01:00", "03:31:00"),
    ("America/St_Johns", "2010-03-14 00:00:59", "03:30:59"),
    ("America/St_Johns", "2010-03-14 01:01:00", "03:31:00"),
    ("Australia/Lord_Howe", "2026-04-05 01:29:59", "14:29:59"),
    ("Australia/Lord_Howe", "2026-04-05 02:00:00", "15:30:00"),
    ("Australia/Lord_Howe", "2026-10-04 01:59:59", "15:29:59"),
    ("Australia/Lord_Howe", "2026-10-04 02:30:00", "15:30:00"),
]


def written(layout: str, local: str) -> bytes:
    when = datetime.fromisoformat(local)
    return when.strftime(layout.replace("{camera}", "hall")).encode()


def starts(zone: str, path: bytes, layouts: tuple[str, ...] = LAYOUTS) -> set[datetime | None]:
    directory, _, name = path.rpartition(b"/")
    (sighting,) = build_template(StoreName("main"), ZoneInfo(zone), layouts).classify(
        directory, [Entry(name, EntryKind.FILE)]
    )
    assert isinstance(sighting, Recognised)
    return {sighting.start}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("zone", "local", "earlier", "later"), REPEATED)
def test_an_hour_that_occurs_twice_is_the_earlier_one(
    zone: str, local: str, earlier: str, later: str, layout: str
) -> None:
    (start,) = starts(zone, written(layout, local), (layout,))
    assert start is not None
    assert f"{start:%H:%M:%S}" == earlier
    second = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone), fold=1).astimezone(UTC)
    assert f"{second:%H:%M:%S}" == later
    assert start < second


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("zone", "local", "utc"), SKIPPED + ORDINARY)
def test_an_hour_that_never_was_is_the_earlier_of_its_readings(zone: str, local: str, utc: str, layout: str) -> None:
    (start,) = starts(zone, written(layout, local), (layout,))
    assert start is not None
    assert f"{start:%H:%M:%S}" == utc


@pytest.mark.parametrize(
    "zone",
    [
        "Europe/Berlin",
        "America/Santiago",
        "Australia/Sydney",
        "America/St_Johns",
        "Australia/Lord_Howe",
        "Africa/Cairo",
    ],
)
@pytest.mark.parametrize("year", [2010, 2026])
def test_no_name_written_in_a_year_is_read_later_than_it_was_written(zone: str, year: int) -> None:
    """Every quarter of an hour of the days around a change, through the fast way and the exact one."""
    time, local_zone = LocalTime(ZoneInfo(zone)), ZoneInfo(zone)
    (layout,) = LAYOUTS[:1]
    recorder = build_template(StoreName("main"), local_zone, (layout,))
    instant, end, seen = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC), 0
    while instant < end:
        offset = instant.astimezone(local_zone).utcoffset()
        if (
            (instant + timedelta(days=1)).astimezone(local_zone).utcoffset()
            == offset
            == (instant - timedelta(days=1)).astimezone(local_zone).utcoffset()
        ):
            instant += timedelta(hours=12)
            continue
        local = instant.astimezone(local_zone)
        directory, _, name = written(layout, f"{local:%Y-%m-%d %H:%M:%S}").rpartition(b"/")
        (sighting,) = recorder.classify(directory, [Entry(name, EntryKind.FILE)])
        assert isinstance(sighting, Recognised)
        assert sighting.start == time.earliest(local.replace(tzinfo=None))
        assert sighting.start is not None
        assert instant - timedelta(hours=1) <= sighting.start <= instant
        instant += timedelta(minutes=15, seconds=1)
        seen += 1
    assert seen > 0 or (zone, year) in {("Africa/Cairo", 2010)}


def test_a_leap_second_and_the_end_of_the_calendar_do_not_run_over() -> None:
    assert starts("UTC", b"hall/2026-06-30/23-59-60.mp4") == {datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC)}
    (sighting,) = build_template(StoreName("main"), ZoneInfo("America/St_Johns"), LAYOUTS[:1]).classify(
        b"hall/9999-12-31", [Entry(b"23-59-59.mp4", EntryKind.FILE)]
    )
    assert not isinstance(sighting, Recognised)
    assert date.max.year == 9999
