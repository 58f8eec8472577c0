"""A scan that passes over what has not changed shows what one shows that lists everything."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retentiond.catalogue.open import open_in_memory
from retentiond.catalogue.sqlite import SqliteCatalogue
from retentiond.domain.recording import Recording, Stream
from retentiond.domain.span import BEGINNING, Span
from retentiond.ports import DirectoryStamp, Listing, ScanProgress
from retentiond.services.arrive import Moment
from retentiond.services.scan import StoreScan, walk_whole
from retentiond.storage import unchanged
from tests.builders import a_rule, at
from tests.fakes.observer import RememberingObserver
from tests.integration.storage.stamped import needs_stamps, wait_for_stamps
from tests.world import BEGIN, MAIN, World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture(scope="module", autouse=True)
def at_once() -> Iterator[None]:
    """Let a stamp count at once, which takes two seconds otherwise; each scan waits for the clock of the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(unchanged, "SETTLED_NS", 0)
        yield


def scan(world: World) -> int:
    """Scan, and return how many directories were passed over."""
    wait_for_stamps(world.root)
    world.scan()
    return int(world.records("scan.completed")[-1]["unchanged"])


# --- any changes ----------------------------------------------------------------------------------------------------

CAMERAS = ("ward", "lobby")
DAYS = ("2026-02-20", "2026-02-21")
FILES = ("10-00-00.mp4", "10-00-10.mp4", "unreadable.txt")

cameras = st.sampled_from(CAMERAS)
folders = st.tuples(cameras, st.sampled_from(DAYS)).map("/".join)
files = st.tuples(folders, st.sampled_from(FILES)).map("/".join)
anything = cameras | folders | files
changes = st.one_of(
    st.tuples(st.just("write"), files),
    st.tuples(st.just("write"), files),
    st.tuples(st.just("remove"), anything),
    st.tuples(st.just("make"), folders | files),
    st.tuples(st.just("link"), folders | files),
    st.tuples(st.just("rename"), anything, anything),
    st.tuples(st.just("exchange"), cameras | folders, cameras | folders),
    st.tuples(st.just("touch"), anything),
    st.tuples(st.just("drop"), files),
    st.tuples(st.just("hint"), cameras | folders),
)


def change(world: World, what: str, paths: tuple[str, ...]) -> None:
    """Do something to the store, or to the catalogue. Raises OSError for what is impossible."""
    top = world.store_path
    path = top / paths[0]
    match what:
        case "write":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
        case "remove":
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
        case "make":
            path.mkdir(parents=True)
        case "link":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to(world.root)
        case "rename":
            path.rename(top / paths[1])
        case "exchange":
            (top / paths[1]).rename(world.root / "aside")
            path.rename(top / paths[1])
            (world.root / "aside").rename(path)
        case "touch":
            os.utime(path, (1, 1))
        case "drop":
            world.catalogue.forget([item for item in rows(world.catalogue) if item.place.path == paths[0].encode()])
        case _:
            world.cycle.look_again(MAIN, paths[0].encode())


def rows(catalogue: SqliteCatalogue) -> set[Recording]:
    return {row.recording for stream, _ in catalogue.streams(MAIN) for row in catalogue.find((_always(stream),))}


def _always(stream: Stream) -> Span:
    return Span(stream, BEGINNING, at("2100-01-01"), a_rule())


def listed_anew(world: World) -> tuple[set[Recording], int]:
    """Return what a scan shows that knows nothing."""
    with open_in_memory() as catalogue:
        keeper = world.keeper
        whole = StoreScan(keeper.store, keeper.recorder, catalogue, RememberingObserver())
        walk_whole(whole, keeper.store, world.book, world.cycle.now())
        return rows(catalogue), catalogue.unclassified(MAIN)[0]


@given(history=st.lists(st.lists(changes, max_size=4), min_size=1, max_size=6))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_changes_a_rescan_shows_what_a_whole_scan_shows(history: list[list[tuple[str, ...]]]) -> None:
    with ExitStack() as held:
        root = Path(held.enter_context(tempfile.TemporaryDirectory()))
        needs_stamps(root)
        world = World(root)
        world.start()
        held.callback(world.stop)
        scan(world)
        for steps in history:
            for what, *paths in steps:
                with suppress(OSError):
                    change(world, what, tuple(paths))
            scan(world)
            assert (rows(world.catalogue), world.catalogue.unclassified(MAIN)[0]) == listed_anew(world)


# --- when everything is listed --------------------------------------------------------------------------------------


@pytest.fixture
def known(world: World) -> World:
    """Return a world with two cameras, each with a day, in a store that was scanned."""
    needs_stamps(world.root)
    for camera in CAMERAS:
        world.record_many(camera, BEGIN - DAY, 3)
    world.start()
    world.cycle.tick()  # which adopts the store
    assert scan(world) == 0
    return world


DIRECTORIES = 5


def test_what_has_not_changed_is_passed_over_and_said_so_on_the_record(known: World) -> None:
    assert scan(known) == DIRECTORIES
    (last,) = known.records("scan.completed")[-1:]
    assert (last["directories"], last["recordings"]) == (DIRECTORIES, 6)


def test_what_came_is_found_though_all_else_is_passed_over(known: World) -> None:
    known.record("ward", BEGIN)
    assert scan(known) == DIRECTORIES - 1, "all but the camera's directory, which has a new day"
    assert known.records("scan.completed")[-1]["arrived"] == 1


def test_a_program_that_was_started_anew_lists_everything(known: World) -> None:
    known.restart()
    assert known.records("scan.completed")[-1]["unchanged"] == 0


def test_a_configuration_that_was_read_anew_lets_everything_be_listed(known: World) -> None:
    known.cycle.replace_book(known.book)
    assert scan(known) == 0
    assert scan(known) == DIRECTORIES


def test_a_store_that_was_away_is_listed_as_a_whole(known: World) -> None:
    aside = known.root / "aside"
    known.store_path.rename(aside)
    known.cycle.tick()
    aside.rename(known.store_path)
    known.cycle.tick()
    assert scan(known) == 0
    assert scan(known) == DIRECTORIES


def test_after_a_week_everything_is_listed(known: World) -> None:
    known.pass_time(7 * DAY - HOUR, look_every=DAY)
    assert scan(known) == DIRECTORIES
    known.pass_time(HOUR)
    assert scan(known) == 0
    assert scan(known) == DIRECTORIES


def test_a_scan_that_broke_off_lets_the_next_list_everything(known: World) -> None:
    ((keeper, _),) = known.cycle.begin_scans()
    known.cycle.complete_scan(keeper, whole=False)
    assert scan(known) == 0
    assert scan(known) == DIRECTORIES


def test_names_that_mean_something_else_now_are_read_again(known: World) -> None:
    known.layouts = ("{camera}/%Y-%d-%m/%H-%M-%S.mp4",)
    known.keeper.recorder = known._keeper(MAIN, known.store_path).recorder
    assert scan(known) == 0
    assert scan(known) == DIRECTORIES


def test_a_directory_that_could_not_be_listed_is_tried_at_each_scan(known: World) -> None:
    deep = known.store_path.joinpath("ward", *("x" * 16))
    deep.mkdir(parents=True)
    for _ in range(3):
        scan(known)
        assert known.records("scan.completed")[-1]["unlisted"] == 1
    shutil.rmtree(known.store_path / "ward" / "x")
    scan(known)
    assert known.records("scan.completed")[-1]["unlisted"] == 0


# --- what was left open ---------------------------------------------------------------------------------------------

OLD_DAY = b"ward/2026-01-01"


def stamp_after(world: World, directory: bytes, *names: bytes) -> DirectoryStamp | None:
    """Return the stamp that is remembered after a listing that shows these names."""
    scan = StoreScan(world.keeper.store, world.keeper.recorder, world.catalogue, world.observer)
    scan.take(Listing(directory, DirectoryStamp(7, 8, 9), names, settled=True), world.book, Moment(world.cycle.now()))
    return world.catalogue.stamps(MAIN)[directory]


def test_a_listing_of_which_nothing_is_left_open_is_remembered(known: World) -> None:
    assert stamp_after(known, b"ward/2026-02-28", b"00-00-00.mp4", b"01-00-00.mp4", b"02-00-00.mp4") is not None


def test_a_name_that_could_not_be_judged_is_met_again(known: World) -> None:
    (known.store_path / os.fsdecode(OLD_DAY)).mkdir()
    assert stamp_after(known, OLD_DAY, b"10-00-00.mp4") is None, "it is due, and was gone when it was looked at"


def test_a_recording_that_a_listing_left_out_though_it_is_there_is_looked_for_again(known: World) -> None:
    assert stamp_after(known, b"ward/2026-02-28", b"00-00-00.mp4", b"01-00-00.mp4") is None


def test_how_far_a_scan_is_and_how_much_there_was_last_time(known: World) -> None:
    directories = known.records("scan.completed")[-1]["directories"]
    keeper, seen = known.keeper, [known.keeper.progress]
    ((_, scan),) = known.cycle.begin_scans()
    seen.append(keeper.progress)
    for step in keeper.store.walk(scan.descends, scan.known):
        known.cycle.take(keeper, step)
    seen.append(keeper.progress)
    known.cycle.complete_scan(keeper, whole=True)
    seen.append(keeper.progress)
    begun, ended = (ScanProgress(known.clock.wall, done, directories) for done in (0, directories))
    assert seen == [None, begun, ended, None]


def test_a_scan_that_goes_on_where_one_broke_off_does_not_say_how_much_is_left(known: World) -> None:
    state = known.catalogue.scan_state(MAIN)
    known.catalogue.set_scan_state(MAIN, replace(state, resume_after=b"hall"))
    known.cycle.begin_scans()
    assert known.keeper.progress == ScanProgress(known.clock.wall, 0, None)
