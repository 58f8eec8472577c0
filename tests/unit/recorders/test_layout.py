"""A name is turned into a camera and an instant, or into nothing."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from retentiond.domain.recording import CameraName, Recognised
from retentiond.recorders.layout import CameraNaming, Layout, NameReader
from retentiond.recorders.local_time import LocalTime
from retentiond.recorders.pattern import parse_pattern

TALLINN = "Europe/Tallinn"
BY_CAMERA_AND_DAY = "{camera}/%Y-%m-%d/%H-%M-%S.mp4"


def a_layout(text: str = BY_CAMERA_AND_DAY, zone: str = TALLINN, known: tuple[str, ...] = ()) -> Layout:
    naming = CameraNaming(CameraName("alone"), {name.encode(): CameraName(name) for name in known})
    return Layout(parse_pattern(text), LocalTime(ZoneInfo(zone)), naming)


def read(layout: Layout, path: bytes) -> Recognised | None:
    directory, _, name = path.rpartition(b"/")
    reader = layout.open_directory(directory)
    found = reader.read(name) if isinstance(reader, NameReader) else None
    return found if isinstance(found, Recognised) else None


def start_of(text: str, path: bytes, zone: str = TALLINN) -> datetime | None:
    found = read(a_layout(text, zone), path)
    assert found is not None, path
    return found.start


def utc(*fields: int) -> datetime:
    return datetime(*fields, tzinfo=UTC)  # type: ignore[arg-type,misc]


# --- the time -------------------------------------------------------------------------------------------------


def test_local_time_becomes_utc() -> None:
    assert start_of(BY_CAMERA_AND_DAY, b"front/2026-07-01/12-00-05.mp4") == utc(2026, 7, 1, 9, 0, 5)
    assert start_of(BY_CAMERA_AND_DAY, b"front/2026-01-01/12-00-05.mp4") == utc(2026, 1, 1, 10, 0, 5)


@pytest.mark.parametrize(
    ("local", "instant"),
    [
        (b"02-59-59", (2026, 10, 24, 23, 59, 59)),
        (b"03-00-00", (2026, 10, 25, 0, 0, 0)),
        (b"03-30-00", (2026, 10, 25, 0, 30, 0)),
        (b"03-59-59", (2026, 10, 25, 0, 59, 59)),
        (b"04-00-00", (2026, 10, 25, 2, 0, 0)),
    ],
)
def test_the_hour_that_comes_twice_takes_its_earlier_reading(local: bytes, instant: tuple[int, ...]) -> None:
    assert start_of(BY_CAMERA_AND_DAY, b"front/2026-10-25/" + local + b".mp4") == utc(*instant)


@pytest.mark.parametrize(
    ("local", "instant"),
    [
        (b"02-59-59", (2026, 3, 29, 0, 59, 59)),
        (b"03-30-00", (2026, 3, 29, 0, 30, 0)),
        (b"04-00-00", (2026, 3, 29, 1, 0, 0)),
    ],
)
def test_the_hour_that_never_comes_takes_its_earlier_reading(local: bytes, instant: tuple[int, ...]) -> None:
    assert start_of(BY_CAMERA_AND_DAY, b"front/2026-03-29/" + local + b".mp4") == utc(*instant)


@pytest.mark.parametrize(
    ("local", "instant"),
    [
        (b"2010-11-06/23-00-30", (2010, 11, 7, 1, 30, 30)),
        (b"2010-11-06/23-30-00", (2010, 11, 7, 2, 0, 0)),
        (b"2010-11-07/00-00-30", (2010, 11, 7, 2, 30, 30)),
        (b"2010-11-07/00-30-00", (2010, 11, 7, 4, 0, 0)),
    ],
)
def test_a_change_of_the_clock_within_an_hour_is_seen(local: bytes, instant: tuple[int, ...]) -> None:
    # Newfoundland changed at 00:01: only one minute of this hour came twice.
    assert start_of(BY_CAMERA_AND_DAY, b"front/" + local + b".mp4", "America/St_Johns") == utc(*instant)


def test_a_sixtieth_second_reads_as_the_one_before() -> None:
    assert start_of(BY_CAMERA_AND_DAY, b"front/2016-12-31/23-59-60.mp4", "UTC") == utc(2016, 12, 31, 23, 59, 59)
    assert start_of("%Y%m%d%H%M%S-%f.mp4", b"20161231235960-000007.mp4", "UTC") == utc(2016, 12, 31, 23, 59, 59, 7)


@pytest.mark.parametrize("year", [2000, 2038, 2040, 2099])
def test_years_beyond_the_32_bit_clock_are_years(year: int) -> None:
    assert start_of(BY_CAMERA_AND_DAY, b"front/%d-02-03/04-05-06.mp4" % year, "UTC") == utc(year, 2, 3, 4, 5, 6)


@pytest.mark.parametrize(
    ("text", "path", "instant"),
    [
        ("%s.mp4", b"1780000000.mp4", (2026, 5, 28, 20, 26, 40)),
        ("%s.mp4", b"0.mp4", (1970, 1, 1, 0, 0, 0)),
        ("%s-%f.mp4", b"1780000000-000250.mp4", (2026, 5, 28, 20, 26, 40, 250)),
        ("%Y-%m-%d/%s.mp4", b"2026-05-28/1780000000.mp4", (2026, 5, 28, 20, 26, 40)),
        ("%Y-%m-%dT%H:%M:%S%z.mp4", b"2026-10-25T03:30:00+0200.mp4", (2026, 10, 25, 1, 30)),
        ("%Y-%m-%dT%H:%M:%S%z.mp4", b"2026-10-25T03:30:00-0930.mp4", (2026, 10, 25, 13, 0)),
        ("%Y/%j/%H%M.mp4", b"2028/366/0000.mp4", (2028, 12, 31, 0, 0)),
        ("%y%m%d-%H.mp4", b"260703-04.mp4", (2026, 7, 3, 4, 0)),
        ("%Y%m%d.mp4", b"20260703.mp4", (2026, 7, 3, 0, 0)),
        ("%Y-%m-%d/%H-%M/%S.mp4", b"2026-07-03/04-05/06.mp4", (2026, 7, 3, 4, 5, 6)),
        ("%Y-%m-%d/%S.%M.%H.mp4", b"2026-07-03/06.05.04.mp4", (2026, 7, 3, 4, 5, 6)),
    ],
)
def test_every_field_of_time_is_read(text: str, path: bytes, instant: tuple[int, ...]) -> None:
    assert start_of(text, path, "UTC") == utc(*instant)


def test_a_name_without_a_day_carries_no_time() -> None:
    assert start_of("{camera}/%H-%M-%S.mp4", b"front/12-00-00.mp4") is None
    assert start_of("{camera}/{any}.mp4", b"front/anything.mp4") is None


def test_fields_that_occur_again_have_to_agree() -> None:
    text = "%Y-%m-%d/%Y%m%d%H.mp4"
    assert read(a_layout(text), b"2026-07-03/2026070304.mp4") is not None
    assert read(a_layout(text), b"2026-07-03/2026070404.mp4") is None
    assert read(a_layout("%Y-%m-%d_%d.mp4"), b"2026-07-03_04.mp4") is None
    assert read(a_layout("%Y/%y%m%d.mp4"), b"2026/250703.mp4") is None
    assert read(a_layout("%Y/%j/%m-%d.mp4"), b"2026/001/01-02.mp4") is None
    assert read(a_layout("%Y-%m-%d/%s.mp4"), b"2026-05-27/1780000000.mp4") is None


@pytest.mark.parametrize(
    "path",
    [
        b"front/2026-02-29/12-00-00.mp4",
        b"front/2026-04-31/12-00-00.mp4",
        b"front/2026-13-01/12-00-00.mp4",
        b"front/2026-00-01/12-00-00.mp4",
        b"front/0000-01-01/12-00-00.mp4",
        b"front/0001-01-01/00-00-00.mp4",
        b"front/2026-01-01/24-00-00.mp4",
        b"front/2026-01-01/12-60-00.mp4",
        b"front/2026-01-01/12-00-61.mp4",
    ],
)
def test_a_time_that_no_calendar_has_is_no_recording(path: bytes) -> None:
    assert read(a_layout(), path) is None


def test_a_366th_day_needs_a_leap_year() -> None:
    assert read(a_layout("%Y/%j.mp4"), b"2026/366.mp4") is None
    assert read(a_layout("%Y/%j.mp4"), b"2026/000.mp4") is None


# --- the whole name, nothing but the name ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        b"front/2026-07-01/12-00-05.mp4\n",
        b"front/2026-07-01/12-00-05.mp4.part",
        b"front/2026-07-01/x12-00-05.mp4",
        b"front/2026-07-01/12-00-05.MP4",
        b"front/2026-07-01/12-00-05\xffmp4",
        b"front/2026-07-01/12-00-05.mp4\x00",
        "front/2026-07-01/١٢-٠٠-٠٥.mp4".encode(),
        "front/2026-07-01/\uff11\uff12-00-05.mp4".encode(),
        b"front/2026-07-01\n/12-00-05.mp4",
        b"front/2026-07-01/..",
        b"front/../2026-07-01/12-00-05.mp4",
        b"../2026-07-01/12-00-05.mp4",
        b"./2026-07-01/12-00-05.mp4",
        b".retentiond/2026-07-01/12-00-05.mp4",
        b".Trash-1000/2026-07-01/12-00-05.mp4",
        b"/2026-07-01/12-00-05.mp4",
        b"deeper/front/2026-07-01/12-00-05.mp4",
        b"2026-07-01/12-00-05.mp4",
        b"a" * 300 + b"/2026-07-01/12-00-05.mp4",
        b"a\x00b/2026-07-01/12-00-05.mp4",
        b"",
    ],
)
def test_a_name_that_is_not_wholly_of_the_layout_is_nothing(path: bytes) -> None:
    assert read(a_layout(), path) is None


def test_a_full_stop_in_a_layout_is_only_a_full_stop() -> None:
    assert read(a_layout(), b"front/2026-07-01/12-00-05xmp4") is None


def test_bytes_that_are_no_text_make_a_camera_of_their_own() -> None:
    found = read(a_layout(), b"fr\xff\nont/2026-07-01/12-00-05.mp4")
    assert found is not None
    assert found.camera == r"fr\xff\x0aont"


# --- the camera -----------------------------------------------------------------------------------------------


def test_a_camera_may_be_named_twice_if_both_agree() -> None:
    text = "{camera}/{camera}-{any}-%Y%m%d%H%M%S.mp4"
    found = read(a_layout(text), b"a-b/a-b-c-20260701120005.mp4")
    assert found is not None
    assert found.camera == "a-b"
    assert read(a_layout(text), b"a-b/a-20260701120005.mp4") is None
    assert read(a_layout(text), b"a-b/c-d-20260701120005.mp4") is None


def test_a_camera_ends_where_only_one_reading_is_left() -> None:
    found = read(a_layout("{camera}-{number}-%Y%m%d%H%M%S.mp4"), b"ward-3-20260101000000-7-20260701120005.mp4")
    assert found is not None
    assert found.camera == "ward-3-20260101000000"
    assert found.start == utc(2026, 7, 1, 9, 0, 5)


def test_a_name_that_two_cameras_could_have_written_is_nobodys() -> None:
    assert read(a_layout("{camera}-{any}.mp4"), b"front-door-1.mp4") is None


def test_a_known_camera_decides_between_two_readings() -> None:
    found = read(a_layout("{camera}-{any}.mp4", known=("front-door", "yard")), b"front-door-1.mp4")
    assert found is not None
    assert found.camera == "front-door"


def test_two_known_cameras_decide_nothing() -> None:
    assert read(a_layout("{camera}-{any}.mp4", known=("front-door", "front")), b"front-door-1.mp4") is None


def test_a_camera_that_is_not_known_is_recognised_where_there_is_one_reading() -> None:
    found = read(a_layout(known=("yard",)), b"removed/2026-07-01/12-00-05.mp4")
    assert found is not None
    assert found.camera == "removed"


def test_a_layout_without_a_camera_has_one_of_its_own() -> None:
    found = read(a_layout("%Y%m%d.mp4"), b"20260701.mp4")
    assert found is not None
    assert found.camera == "alone"


# --- directories ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("directory", "leads", "made"),
    [
        (b"", True, False),
        (b"front", True, False),
        (b"front/2026-07-01", True, True),
        (b"front/2026-07-01/12", False, False),
        (b"front/export", False, False),
        (b".retentiond", False, False),
        (b"..", False, False),
    ],
)
def test_only_directories_that_come_with_the_time_are_made_by_the_layout(
    directory: bytes, *, leads: bool, made: bool
) -> None:
    assert a_layout().could_lead(directory) is leads
    assert a_layout().made_directory(directory) is made


def test_a_camera_directory_below_a_day_is_made_by_the_layout() -> None:
    layout = a_layout("%Y-%m-%d/%H/{camera}/%M.%S.mp4")
    assert layout.made_directory(b"2026-07-01/12/front")
    assert not layout.made_directory(b"2026-07-01/12/front/41")


TALLINN_NOON = datetime(2026, 7, 10, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("layout", "directory", "writes"),
    [
        ("{camera}/%Y-%m-%d/%H-%M-%S.mp4", b"front/2026-07-08", False),
        ("{camera}/%Y-%m-%d/%H-%M-%S.mp4", b"front/2026-07-09", True),
        ("{camera}/%Y-%m-%d/%H-%M-%S.mp4", b"front/2026-07-10", True),
        ("{camera}/%Y-%m-%d/%H-%M-%S.mp4", b"front/2026-07-11", True),
        ("{camera}/%Y-%m-%d/%H-%M-%S.mp4", b"front/2026-07-12", False),
        ("%Y/%m/%d/%H/{camera}-%M%S.mp4", b"2026", True),
        ("%Y/%m/%d/%H/{camera}-%M%S.mp4", b"2025", False),
        ("%Y/%m/%d/%H/{camera}-%M%S.mp4", b"2026/07", True),
        ("%Y/%m/%d/%H/{camera}-%M%S.mp4", b"2026/06", False),
        ("%Y/%m/%d/%H/{camera}-%M%S.mp4", b"2026/07/08", False),
        ("%Y/%m/%d/%H/{camera}-%M%S.mp4", b"2026/07/09/23", True),
        ("%Y/%m/%d/%H/{camera}-%M%S.mp4", b"2026/06/10/12", False),
        ("%d/{camera}-%Y%m%d%H%M%S.mp4", b"10", True),
        ("%d/{camera}-%Y%m%d%H%M%S.mp4", b"12", False),
        ("%H/{camera}-%Y%m%d%H%M%S.mp4", b"07", True),
        ("%y-%j/{camera}-%H%M%S.mp4", b"26-190", True),
        ("%y-%j/{camera}-%H%M%S.mp4", b"26-189", False),
        ("%s/{camera}.mp4", b"1783674000", True),
        ("%s/{camera}.mp4", b"1783400000", False),
        ("%s/{camera}.mp4", b"99999999999", False),
        ("%Y-%m-%d_{any}-{number}/{camera}.mp4", b"2026-07-08_1-2-3", False),
        ("{any}-{camera}-%Y-%m-%d/%H%M%S.mp4", b"a-b-c-2026-07-08", True),
    ],
)
def test_a_directory_is_written_into_from_the_day_before_to_the_day_after(
    layout: str, directory: bytes, *, writes: bool
) -> None:
    assert a_layout(layout).writes_into(directory, TALLINN_NOON) is writes


def test_the_day_is_that_of_the_recorders_zone() -> None:
    late = datetime(2026, 7, 9, 22, 0, tzinfo=UTC)  # 10 July already in Tallinn
    assert not a_layout("{camera}/%Y-%m-%d/%H-%M-%S.mp4", zone="Europe/Tallinn").writes_into(b"front/2026-07-08", late)
    assert a_layout("{camera}/%Y-%m-%d/%H-%M-%S.mp4", zone="UTC").writes_into(b"front/2026-07-08", late)
