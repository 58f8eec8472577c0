"""ZoneMinder without its database: paths of events, filters, its configuration, and what is noted about it."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retentiond.domain.errors import StorageError
from retentiond.domain.recording import CameraName, Kept, Recognised, StoreName, Unclassified, Unit
from retentiond.ports import Entry, EntryKind
from retentiond.recorders import config_files
from retentiond.recorders.configured import Setup
from retentiond.recorders.local_time import LocalTime
from retentiond.recorders.zoneminder import EventNames, ZoneMinder, build_zoneminder
from retentiond.recorders.zoneminder_conf import DEFAULT_EVENTS, DEFAULT_SOCKET, read_conf
from retentiond.recorders.zoneminder_db import EventRow
from retentiond.recorders.zoneminder_events import EventDirectories, EventIndex
from retentiond.recorders.zoneminder_filters import age_of, own_age
from retentiond.recorders.zoneminder_names import Scheme, link_of, parse_event, path_of
from retentiond.recorders.zoneminder_notes import UNWRITTEN, Notes, NotesFile, format_notes, parse_notes

TALLINN = ZoneInfo("Europe/Tallinn")
DAY = timedelta(days=1)


def a_row(ident: int, start: datetime | None, *, monitor: int = 3, scheme: str = "Medium") -> EventRow:
    return EventRow(ident, monitor, 1, 0, start, scheme, locked=False, running=False, disk_bytes=0)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)


def directories(*rows: EventRow, zone: ZoneInfo = TALLINN) -> EventDirectories:
    index = EventIndex()
    index.add(sorted(rows, key=lambda row: row.ident), LocalTime(zone))
    return EventDirectories(zone, {3: CameraName("Entrance")}, index)


def start_of(events: EventDirectories, path: bytes) -> datetime | None:
    directory, _, name = path.rpartition(b"/")
    (sighting,) = events.classify(directory, [Entry(name, EntryKind.DIRECTORY)])
    assert isinstance(sighting, Recognised)
    assert sighting.unit is Unit.DIRECTORY
    return sighting.start


# --- names --------------------------------------------------------------------------------------------------------


def test_a_row_says_when_an_event_began_and_of_which_monitor_it_is() -> None:
    events = directories(a_row(77, local("2026-09-18 10:41:10")))
    (sighting,) = events.classify(b"3/2026-09-18", [Entry(b"77", EntryKind.DIRECTORY)])
    assert sighting == Recognised(
        CameraName("Entrance"),
        "video",  # type: ignore[arg-type]
        datetime(2026, 9, 18, 7, 41, 10, tzinfo=UTC),
        Unit.DIRECTORY,
    )


def test_the_hour_that_occurs_twice_is_read_as_the_earlier_one() -> None:
    events = directories(a_row(77, local("2026-10-25 03:30:00")))
    assert start_of(events, b"3/2026-10-25/77") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_row_of_another_day_is_of_another_event() -> None:
    events = directories(a_row(77, local("2026-01-01 10:00:00")), a_row(78, None))
    midnight = datetime(2026, 9, 17, 21, 0, tzinfo=UTC)
    assert start_of(events, b"3/2026-09-18/77") == midnight
    assert start_of(events, b"3/2026-09-18/78") == midnight
    assert start_of(events, b"3/2026-09-18/79") == midnight


def test_a_deep_event_begins_when_its_path_says_and_a_shallow_one_when_its_row_does() -> None:
    events = directories(a_row(777, local("2026-09-18 10:41:10"), scheme="Shallow"))
    assert start_of(events, b"3/26/09/18/10/41/10") == datetime(2026, 9, 18, 7, 41, 10, tzinfo=UTC)
    assert start_of(events, b"3/777") == datetime(2026, 9, 18, 7, 41, 10, tzinfo=UTC)


def test_two_numbers_are_an_event_only_if_a_row_says_so() -> None:
    events = directories(a_row(26, local("2026-09-18 10:41:10"), scheme="Shallow"))
    (year,) = events.classify(b"4", [Entry(b"26", EntryKind.DIRECTORY)])
    (event,) = events.classify(b"3", [Entry(b"26", EntryKind.DIRECTORY)])
    assert isinstance(year, Kept)
    assert isinstance(event, Recognised)
    assert events.classify(b"3", [Entry(b"777", EntryKind.DIRECTORY)]) == [Unclassified()]
    medium = directories(a_row(777, local("2026-09-18 10:41:10")))
    assert medium.classify(b"3", [Entry(b"777", EntryKind.DIRECTORY)]) == [Unclassified()]


@pytest.mark.parametrize(
    "path",
    [
        b"3/2026-02-30/77",
        b"3/26/02/30/10/41/10",
        b"3/26/09/18/24/00/00",
        b"0/2026-09-18/77",
        b"03/2026-09-18/77",
        b"3/2026-09-18/077",
        b"3/2026-09-18/0",
        b"3/2026-09-18/7x",
        b"3/2026-9-18/77",
        b"x/2026-09-18/77",
        b"3/2026-09-18/77/78",
        b"3/2026-09-18/99999999999999999999",
        b"../2026-09-18/77",
        b"3",
        b"",
    ],
)
def test_what_is_no_event_is_never_recognised(path: bytes) -> None:
    directory, _, name = path.rpartition(b"/")
    for events in (directories(), EventDirectories(TALLINN, {}, None)):
        (sighting,) = events.classify(directory, [Entry(name, EntryKind.DIRECTORY)])
        assert not isinstance(sighting, Recognised)


@pytest.mark.parametrize("kind", [EntryKind.FILE, EntryKind.LINK, EntryKind.OTHER])
def test_only_a_directory_is_an_event(kind: EntryKind) -> None:
    (sighting,) = directories().classify(b"3/2026-09-18", [Entry(b"77", kind)])
    assert sighting == Unclassified()


@given(
    st.binary(max_size=40),
    st.lists(st.sampled_from([b"3", b"26", b"2026-09-18", b"77", b".77", b"", b"\n"]), max_size=9),
)
def test_any_path_is_read_in_one_way_or_none(noise: bytes, parts: list[bytes]) -> None:
    for path in (noise, b"/".join(parts)):
        directory, _, name = path.rpartition(b"/")
        entries = [Entry(name, kind) for kind in EntryKind]
        assert len(directories().classify(directory, entries)) == len(entries)
        parse_event(path)
        directories().is_past(path, datetime(2026, 1, 1, tzinfo=UTC))


starts = st.datetimes(min_value=local("2000-01-01"), max_value=local("2099-12-31"))


@given(st.sampled_from(Scheme), st.integers(1, 10**9), st.integers(100, 10**15), starts)
def test_where_zoneminder_looks_for_an_event_is_read_as_that_event(
    scheme: Scheme, monitor: int, ident: int, start: datetime
) -> None:
    path = path_of(scheme, monitor, ident, start)
    assert path is not None
    place = parse_event(path)
    assert place is not None
    assert (place.scheme, place.monitor) == (scheme, monitor)
    assert place.ident == (None if scheme is Scheme.DEEP else ident)


def test_the_link_of_a_deep_event_lies_beside_the_hours() -> None:
    assert link_of(b"3/26/09/18/10/41/10") == (b"3/26/09/18", b"10/41/10")
    assert link_of(b"3/2026-09-18/77") is None


@pytest.mark.parametrize(
    ("directory", "last"),
    [
        (b"3/2026-09-18", date(2026, 9, 18)),
        (b"3/26/09/18", date(2026, 9, 18)),
        (b"3/26/09/18/10/41", date(2026, 9, 18)),
        (b"3/26/09", date(2026, 9, 30)),
        (b"3/26/12", date(2026, 12, 31)),
        (b"3/26", date(2026, 12, 31)),
    ],
)
def test_a_directory_is_past_when_its_last_day_is_over_by_a_day(directory: bytes, last: date) -> None:
    events = directories(zone=ZoneInfo("UTC"))
    midnight = datetime(last.year, last.month, last.day, tzinfo=UTC)
    assert not events.is_past(directory, midnight + 2 * DAY - timedelta(seconds=1))
    assert events.is_past(directory, midnight + 2 * DAY)


@pytest.mark.parametrize("directory", [b"", b"3", b"swap", b"3/2026-02-31", b"3/26/13", b"x/2026-01-01", b"3/0"])
def test_what_tells_no_day_is_never_past(directory: bytes) -> None:
    assert not directories().is_past(directory, datetime(2099, 1, 1, tzinfo=UTC))


def test_events_without_a_row_are_counted_as_long_as_they_have_none() -> None:
    events = directories(a_row(77, local("2026-09-18 10:41:10")))
    both = [Entry(b"77", EntryKind.DIRECTORY), Entry(b"78", EntryKind.DIRECTORY)]
    events.classify(b"3/2026-09-18", both)
    events.classify(b"3/2026-09-19", both)
    events.classify(b"3/2026-09-18", both[1:])  # the walk asks for one at a time as well
    assert events.rowless() == 2
    events.classify(b"3/2026-09-19", [both[0], Entry(b"x", EntryKind.FILE)])
    assert events.rowless() == 1
    assert events.index is not None
    events.index.add([a_row(78, None)], LocalTime(TALLINN))
    assert events.with_cameras({}).rowless() == 0


def test_without_a_configuration_names_alone_have_to_do() -> None:
    recorder = build_zoneminder(Setup(StoreName("main"), "/srv", TALLINN), UNWRITTEN)
    assert isinstance(recorder, EventNames)
    assert recorder.ready
    assert recorder.devices() == ()


# --- filters ------------------------------------------------------------------------------------------------------

PURGE_WHEN_FULL = (
    '{"sort_field":"Id","terms":[{"val":0,"attr":"Archived","op":"="},{"cnj":"and","val":95,"attr":"DiskPercent","op":">="},'
    '{"cnj":"and","obr":"0","attr":"EndDateTime","op":"IS NOT","val":"NULL","cbr":"0"}],"limit":100,"sort_asc":1}'
)


def a_filter(*terms: str) -> str:
    return '{"terms":[' + ",".join(terms) + "]}"


OLD = '{"attr":"StartDateTime","op":"<","val":"-30 days"}'


@pytest.mark.parametrize(
    ("query", "age"),
    [
        (a_filter(OLD), 30 * DAY),
        (a_filter(OLD.replace("-30 days", "-1 month")), 31 * DAY),
        (a_filter(OLD.replace("-30 days", "-36 hours")), timedelta(hours=36)),
        (a_filter(OLD.replace("StartDateTime", "EndDate").replace("<", "<=")), 30 * DAY),
        (a_filter(OLD, '{"cnj":"and","attr":"Archived","op":"=","val":"0"}'), 30 * DAY),
        (a_filter(OLD, '{"cnj":"and","attr":"EndDateTime","op":"IS NOT","val":"NULL"}'), 30 * DAY),
        (a_filter(OLD, '{"cnj":"and","attr":"MonitorId","op":"=","val":"3"}'), None),
        (a_filter(OLD, '{"cnj":"or","attr":"Archived","op":"=","val":"0"}'), None),
        (a_filter(OLD.replace("<", ">")), None),
        (a_filter(OLD.replace("-30 days", "2020-01-01")), None),
        (PURGE_WHEN_FULL, None),
        ("", None),
        ("[]", None),
        ('{"terms":[1]}', None),
        ("[" * 100_000, None),
    ],
)
def test_only_a_filter_that_takes_all_old_events_tells_an_age(query: str, age: timedelta | None) -> None:
    assert age_of(query) == age


def test_the_filter_that_deletes_earliest_decides() -> None:
    filters = [("month", a_filter(OLD)), ("full", PURGE_WHEN_FULL), ("week", a_filter(OLD.replace("30", "7")))]
    assert own_age(filters) == (7 * DAY, "week")
    assert own_age(filters[1:2]) is None


# --- its configuration ----------------------------------------------------------------------------------------------


def conf(text: str) -> tuple[str | None, str, int, str, str]:
    files = {"/nowhere/zm.conf": text}
    access = read_conf("/nowhere/zm.conf", files.__getitem__, lambda _: []).database
    return access.socket, access.host, access.port, access.user, access.password


@pytest.mark.parametrize(
    ("host", "reached"),
    [
        ("localhost", (DEFAULT_SOCKET, "localhost", 3306)),
        ("", (DEFAULT_SOCKET, "localhost", 3306)),
        ("localhost:/run/x.sock", ("/run/x.sock", "localhost", 3306)),
        ("127.0.0.1", (None, "127.0.0.1", 3306)),
        ("db.example:3307", (None, "db.example", 3307)),
        ("localhost:3307", (None, "localhost", 3307)),
    ],
)
def test_how_the_database_is_reached(host: str, reached: tuple[str | None, str, int]) -> None:
    text = f"# x\nZM_DB_HOST={host}\n ZM_DB_NAME = zm\nZM_DB_USER=u\nZM_DB_PASS=p=# q\n"
    assert conf(text) == (*reached, "u", "p=# q")


def test_a_configuration_that_does_not_say_how_names_what_is_missing() -> None:
    with pytest.raises(StorageError, match="does not say ZM_DB_NAME and ZM_DB_USER"):
        conf("")
    with pytest.raises(StorageError, match="has a port that is none"):
        conf("ZM_DB_NAME=zm\nZM_DB_USER=u\nZM_DB_HOST=x:99999")


def test_files_beside_it_come_later_and_win(tmp_path: Path) -> None:
    (tmp_path / "zm.conf").write_text("ZM_DB_NAME=zm\nZM_DB_USER=u\nZM_DB_PASS=secret\n")
    found = read_conf(str(tmp_path / "zm.conf"), config_files.read_text, config_files.list_conf)
    assert found.events == DEFAULT_EVENTS
    assert "secret" not in repr(found)
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "9.conf").write_text("ZM_DB_USER=other\nZM_DIR_EVENTS=/srv/events\n")
    found = read_conf(str(tmp_path / "zm.conf"), config_files.read_text, config_files.list_conf)
    assert (found.database.user, found.events) == ("other", "/srv/events")


def test_a_database_that_is_not_there_is_told_without_the_password(tmp_path: Path) -> None:
    config = tmp_path / "zm.conf"
    config.write_text(f"ZM_DB_HOST=localhost:{tmp_path}/no.sock\nZM_DB_NAME=zm\nZM_DB_USER=u\nZM_DB_PASS=secret\n")
    recorder = build_zoneminder(Setup(StoreName("main"), str(tmp_path), TALLINN, str(config)), UNWRITTEN)
    assert isinstance(recorder, ZoneMinder)
    with pytest.raises(StorageError) as refusal:
        recorder.devices()
    assert f"database zm at {tmp_path}/no.sock cannot be used" in str(refusal.value)
    assert "secret" not in str(refusal.value)
    assert not recorder.ready
    with pytest.raises(StorageError, match="cannot be used"):
        recorder.classify(b"", [])
    recorder.announce([])
    recorder.tell_deleted([])
    assert recorder.withheld([]) == {}


# --- notes ----------------------------------------------------------------------------------------------------------


@given(st.frozensets(st.binary(min_size=1, max_size=20)), st.lists(st.binary(min_size=1, max_size=20), unique=True))
def test_notes_come_back_as_they_were(locked: frozenset[bytes], pending: list[bytes]) -> None:
    notes = Notes(locked, tuple(pending))
    assert parse_notes(format_notes(notes)) == notes


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"schema": "retentiond.zoneminder/1"}', "[" * 100_000, '{"schema": "retentiond.zoneminder/1", '
     '"locked": ["\\\\"], "pending": []}'],
)  # fmt: skip
def test_notes_that_this_version_never_wrote_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "notes.json"
    path.write_text(text)
    with pytest.raises(StorageError, match="cannot be used"):
        NotesFile(str(path), writes=True).load()


def test_notes_are_written_only_by_who_may_and_only_when_they_changed(tmp_path: Path) -> None:
    path = tmp_path / "notes.json"
    NotesFile(str(path), writes=False).keep(Notes(pending=(b"3/77",)))
    assert not path.exists()
    notes = NotesFile(str(path), writes=True)
    notes.keep(Notes(pending=(b"3/77",)))
    assert NotesFile(str(path), writes=True).load() == Notes(pending=(b"3/77",))
    path.write_text("changed")
    notes.keep(Notes(pending=(b"3/77",)))
    assert path.read_text() == "changed"


def test_notes_that_are_no_file_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is no regular file"):
        NotesFile(str(tmp_path), writes=True).load()
