"""What a question costs follows its answer, not what is stored. Steps of SQLite's machine are counted, no time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from retentiond.catalogue.open import open_in_memory
from retentiond.catalogue.sqlite import SqliteCatalogue
from retentiond.domain import instants
from retentiond.domain.recording import Recording
from retentiond.domain.span import BEGINNING, Span
from retentiond.domain.starts import Doubt
from retentiond.ports import Arrived, DirectoryStamp, Listing, ScanState, Setback, Sheaf
from tests.builders import NOW, STORE, a_plan, a_recording, a_rule, a_stream, at, wait_for
from tests.contract.catalogues import told

CAMERAS = ("reception", "entrance")
FIRST = at("2026-01-01")
HOURS = 20


def films(camera: str, hour: int) -> list[Recording]:
    begin = FIRST + timedelta(hours=hour)
    return [
        a_recording(
            begin + timedelta(minutes=minute), path=b"%d/%s/%d" % (hour, camera.encode(), minute), camera=camera
        )
        for minute in range(HOURS)
    ]


def listing_of(items: list[Recording]) -> Listing:
    return Listing(items[0].place.directory, DirectoryStamp(1, 1, 1), ())


def filled(catalogue: SqliteCatalogue, hours: int) -> SqliteCatalogue:
    for hour in range(hours):
        for camera in CAMERAS:
            items = films(camera, hour)
            catalogue.update(STORE, listing_of(items), [Arrived(item, NOW) for item in items], (), ())
    strange = a_recording(at("2026-06-01"), path=b"x/1")
    catalogue.update(STORE, listing_of([strange]), [Arrived(strange, NOW, Doubt.UNKNOWN_TIME)], (), [b"odd"])
    catalogue.note_setback(Setback(strange, 1, "EIO", NOW))
    wait_for(catalogue, a_plan(), films(CAMERAS[0], 3))
    return catalogue


@pytest.fixture(scope="module")
def originals() -> Iterator[tuple[SqliteCatalogue, SqliteCatalogue]]:
    with open_in_memory() as few, open_in_memory() as many:
        yield filled(few, HOURS), filled(many, 10 * HOURS)


@contextmanager
def copy_of(catalogue: SqliteCatalogue) -> Iterator[SqliteCatalogue]:
    with open_in_memory() as copy:
        catalogue._db._connection.backup(copy._db._connection)
        yield copy


@pytest.fixture
def small(originals: tuple[SqliteCatalogue, SqliteCatalogue]) -> Iterator[SqliteCatalogue]:
    with copy_of(originals[0]) as copy:
        yield copy


@pytest.fixture
def large(originals: tuple[SqliteCatalogue, SqliteCatalogue]) -> Iterator[SqliteCatalogue]:
    with copy_of(originals[1]) as copy:
        yield copy


def steps(catalogue: SqliteCatalogue, work: Callable[[SqliteCatalogue], object]) -> int:
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    connection = catalogue._db._connection
    connection.set_progress_handler(step, 1)
    work(catalogue)
    connection.set_progress_handler(None, 1)
    return count


def an_hour(hour: int) -> Span:
    begin = FIRST + timedelta(hours=hour)
    return Span(a_stream(), begin - timedelta(seconds=1), begin + timedelta(minutes=59), a_rule())


def compare_an_hour(catalogue: SqliteCatalogue) -> object:
    items = films(CAMERAS[0], 7)
    return catalogue.compare(STORE, listing_of(items), told(items[1:]))


def update_an_hour(catalogue: SqliteCatalogue) -> object:
    items = films(CAMERAS[0], 7)
    new = a_recording(items[0].start + timedelta(seconds=1), path=items[0].place.directory + b"/new")
    catalogue.update(STORE, listing_of(items), [Arrived(new, NOW)], items[:3], [b"strange"])
    return None


def forget_an_hour(catalogue: SqliteCatalogue) -> object:
    hours = {str(hour).encode() for hour in range(10 * HOURS)} - {b"7"}
    return catalogue.forget_directories(STORE, b"", {*hours, b"x"})


QUESTIONS: dict[str, Callable[[SqliteCatalogue], object]] = {
    "streams": lambda catalogue: catalogue.streams(STORE),
    "census": lambda catalogue: catalogue.census(STORE),
    "oldest": lambda catalogue: catalogue.oldest(a_stream(), FIRST + timedelta(hours=9), None),
    "newest": lambda catalogue: catalogue.newest(a_stream()),
    "find": lambda catalogue: list(catalogue.find((an_hour(5), an_hour(6)))),
    "find the first of all": lambda catalogue: list(catalogue.find((Span(a_stream(), BEGINNING, NOW, a_rule()),), 3)),
    "count": lambda catalogue: catalogue.count((an_hour(5),)),
    "odd": lambda catalogue: catalogue.odd(STORE),
    "setbacks": lambda catalogue: catalogue.setbacks(STORE),
    "unclassified": lambda catalogue: catalogue.unclassified(STORE),
    "knows_directory": lambda catalogue: catalogue.knows_directory(STORE, b"7/reception"),
    "compare": compare_an_hour,
    "update": update_an_hour,
    "forget": lambda catalogue: catalogue.forget(films(CAMERAS[1], 8), trail_seq=1),
    "forget a child": lambda catalogue: catalogue.forget_directories(STORE, b"7", [CAMERAS[1].encode()]),
    "forget below a leaf": lambda catalogue: catalogue.forget_directories(STORE, b"7/reception", []),
    "restart": lambda catalogue: catalogue.restart(films(CAMERAS[0], 9)[0], Arrived(films(CAMERAS[0], 9)[0], NOW)),
    "members": lambda catalogue: list(catalogue.members(STORE)),
    "waiting": lambda catalogue: catalogue.waiting(STORE),
    "freeze": lambda catalogue: wait_for(catalogue, a_plan(), films(CAMERAS[1], 4)),
    "scan_state": lambda catalogue: catalogue.scan_state(STORE),
    "set_scan_state": lambda catalogue: catalogue.set_scan_state(STORE, ScanState(NOW, b"7")),
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS.keys())
def test_ten_times_as_many_recordings_cost_no_more(
    small: SqliteCatalogue, large: SqliteCatalogue, question: Callable[[SqliteCatalogue], object]
) -> None:
    cost = steps(small, question)
    assert cost > 0
    assert steps(large, question) <= cost + 10


def test_directories_that_are_gone_cost_the_children_of_their_parent_and_not_all_below() -> None:
    with open_in_memory() as catalogue:
        costs = []
        for number in range(200):
            catalogue.update(STORE, listing_of([a_recording(path=b"a/%d/1" % number)]), (), (), ())
            costs.append(steps(catalogue, lambda here: here.forget_directories(STORE, b"", [b"a"])))
        assert max(costs[3:]) == min(costs[3:])


A_RECORDING = 22
"""Bytes in the file for one of a recorder that begins a file each ten seconds."""


def test_a_recording_takes_so_many_bytes_and_no_more() -> None:
    with open_in_memory() as catalogue:
        before = size_of(catalogue)
        for hour in range(48):
            begin = instants.to_ms(FIRST + timedelta(hours=hour))
            starts = {b"%02d.%02d.mp4" % divmod(number * 10, 60): begin + number * 10_000 for number in range(360)}
            for camera in CAMERAS:
                listing = Listing(b"%d/%s" % (hour, camera.encode()), DirectoryStamp(1, 1, 1), ())
                sheaf = Sheaf(a_stream(camera=camera), NOW, starts)
                catalogue.update(STORE, listing, (), (), (), sheaves=[sheaf])
        assert 0 < size_of(catalogue) - before <= A_RECORDING * 360 * 48 * len(CAMERAS)


def size_of(catalogue: SqliteCatalogue) -> int:
    pages, each = (catalogue._db.row(f"PRAGMA {what}") for what in ("page_count", "page_size"))
    assert pages is not None and each is not None
    return int(pages[0]) * int(each[0])
