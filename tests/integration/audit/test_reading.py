"""Reading the trail beside its writer."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from retentiond.audit.reader import AuditFilter, TrailOnDisk, follow, records_since
from retentiond.domain.errors import AuditDamagedError, StorageError
from retentiond.domain.event import EventType, Record
from tests.builders import NOW, a_record, an_event
from tests.integration.audit.disk_trail import DiskTrail, beats


@pytest.fixture
def disk(tmp_path: Path) -> DiskTrail:
    """Return a trail of three segments that begin at 0, 6 and 13 and end before 20."""
    disk = DiskTrail(tmp_path / "audit")
    for month in (3, 4, 5):
        disk.now = disk.now.replace(month=month, day=1)
        disk.fill(1, each=5)
    return disk


def test_any_index_is_found_in_its_segment(disk: DiskTrail) -> None:
    log = str(disk.log)
    for since in range(25):
        assert [record.seq for record in records_since(log, since)] == list(range(since, 20))


def test_segments_before_the_index_are_not_read(disk: DiskTrail) -> None:
    disk.files()[0].write_bytes(b"not looked at\n")
    assert [record.seq for record in records_since(str(disk.log), 6)] == list(range(6, 20))


def test_reading_takes_no_lock_and_sees_what_is_written(disk: DiskTrail) -> None:
    with disk.open() as trail:
        (added,) = trail.append(beats())
        assert list(records_since(str(disk.log), added.seq)) == [added]
        assert TrailOnDisk(str(disk.log)).head().size <= trail.head().size
    assert TrailOnDisk(str(disk.log)).head().size == trail.head().size


def test_what_is_being_written_is_not_read_yet(disk: DiskTrail) -> None:
    path = disk.files()[-1]
    path.write_bytes(path.read_bytes()[:-1])
    assert [record.seq for record in records_since(str(disk.log), 17)] == [17, 18]


def test_a_line_that_is_none_is_named(disk: DiskTrail) -> None:
    path = disk.files()[1]
    path.write_bytes(path.read_bytes().replace(b'"v":1', b'"v":2', 1))
    found = records_since(str(disk.log))
    assert [next(found).seq for _ in range(6)] == list(range(6))
    with pytest.raises(AuditDamagedError, match=r"006\.jsonl, line 1 \(record 6\): it is of version 2.*audit verify"):
        next(found)


def test_a_line_in_the_wrong_place_is_named(disk: DiskTrail) -> None:
    path = disk.files()[0]
    first, _, rest = path.read_bytes().partition(b"\n")
    path.write_bytes(rest + first + b"\n")
    with pytest.raises(AuditDamagedError, match=r"line 1 \(record 0\): its number is 1"):
        next(records_since(str(disk.log)))


def test_a_missing_segment_is_not_passed_over(disk: DiskTrail) -> None:
    disk.files()[1].unlink()
    with pytest.raises(AuditDamagedError, match="begins at record 13, and the file before it ends at 6"):
        list(records_since(str(disk.log)))


def test_a_trail_that_is_not_there_has_no_records(tmp_path: Path) -> None:
    assert list(records_since(str(tmp_path / "log"))) == []
    assert TrailOnDisk(str(tmp_path / "log")).head().size == 0


def test_what_was_opened_for_reading_is_not_written(disk: DiskTrail) -> None:
    with pytest.raises(StorageError, match="opened for reading"):
        TrailOnDisk(str(disk.log)).append(beats())


# --- following ----------------------------------------------------------------------------------------------------


def take(disk: DiskTrail, wanted: int, meanwhile: Callable[[], None]) -> list[Record]:
    """Follow the trail from 18 on in a thread until it has `wanted` records."""
    found: list[Record] = []
    ended = threading.Event()

    def run() -> None:
        for record in follow(str(disk.log), 18, lambda: ended.is_set() or len(found) >= wanted, poll_s=0.001):
            found.append(record)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        meanwhile()
        thread.join(20)
    finally:
        ended.set()
        thread.join()
    return found


def test_following_goes_on_over_new_lines_and_new_segments(disk: DiskTrail) -> None:
    def write() -> None:
        with disk.open(segment_bytes=2500) as trail:
            for _ in range(10):
                trail.append(beats(2))
                time.sleep(0.005)

    found = take(disk, 12, write)
    assert [record.seq for record in found] == list(range(18, 30))
    assert len(disk.files()) > 3


def test_following_waits_for_the_end_of_a_line(disk: DiskTrail) -> None:
    path = disk.files()[-1]
    data = path.read_bytes()
    cut = len(data) - 30

    def write() -> None:
        time.sleep(0.05)
        path.write_bytes(data)

    path.write_bytes(data[:cut])
    assert [record.seq for record in take(disk, 2, write)] == [18, 19]


def test_following_ends_when_it_is_told_to(disk: DiskTrail) -> None:
    asked: Iterator[bool] = iter([False, False, True])
    found = list(follow(str(disk.log), 18, lambda: next(asked), poll_s=0))
    assert [record.seq for record in found] == [18]


# --- filters ------------------------------------------------------------------------------------------------------

DELETED = a_record(an_event(EventType.RECORDING_DELETED, claim="r1-7", rec={"camera": "door"}))
INTENT = a_record(
    an_event(EventType.DELETION_INTENT, deletion_run="r1", recordings=[{"camera": "door"}, {"camera": "hall"}])
)
SEEN = a_record(an_event(EventType.FINDING_OPENED, camera="hall"))
BEAT = a_record(an_event(EventType.HEARTBEAT))
ALL = (DELETED, INTENT, SEEN, BEAT)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (AuditFilter(), ALL),
        (AuditFilter(camera="door"), (DELETED, INTENT)),
        (AuditFilter(camera="hall"), (INTENT, SEEN)),
        (AuditFilter(camera="h"), ()),
        (AuditFilter(type="heartbeat"), (BEAT,)),
        (AuditFilter(run="r1"), (DELETED, INTENT)),
        (AuditFilter(run="r"), ()),
        (AuditFilter(since=NOW), ALL),
        (AuditFilter(since=NOW + timedelta(milliseconds=1)), ()),
        (AuditFilter(until=NOW), ()),
        (AuditFilter(until=NOW + timedelta(milliseconds=1)), ALL),
        (AuditFilter(camera="door", type="deletion.intent"), (INTENT,)),
    ],
    ids=str,
)
def test_filters_select(wanted: AuditFilter, found: tuple[Record, ...]) -> None:
    assert tuple(record for record in ALL if wanted.wants(record)) == found
