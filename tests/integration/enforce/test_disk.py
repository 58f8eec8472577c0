"""Rules 5 and 6 in the whole house: what is on the disk, and what happens to it while nobody looks."""

import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from retentiond.domain.finding import FindingKind
from retentiond.ports import Listing
from tests.world import BEGIN, World

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def fill(world: World) -> None:
    """Two cameras that have recorded an hour each day for twenty days."""
    world.start()
    world.scan()
    for camera in ("hall", "yard"):
        world.record_many(camera, world.clock.wall - 20 * DAY, 200, every=timedelta(hours=2))
    world.scan()


def test_a_disk_that_is_gone_loses_nothing_and_its_return_is_noticed(world: World) -> None:
    fill(world)
    away = world.root / "unmounted"
    shutil.move(world.store_path, away)
    world.store_path.mkdir()
    world.pass_time(9 * DAY, look_every=DAY)
    world.scan()
    assert FindingKind.STORE_ABSENT in world.findings()
    assert world.records("recording.deleted") == []
    assert list(world.store_path.iterdir()) == [], "nothing is made on a mount point that is empty"
    world.store_path.rmdir()
    shutil.move(away, world.store_path)
    world.pass_time(5 * DAY, look_every=DAY)
    assert FindingKind.STORE_ABSENT not in world.findings()
    assert len(world.records("recording.deleted")) == 2 * 49
    assert world.observer.by_others == 0


def test_a_store_is_scanned_when_it_comes_back_and_when_the_clock_is_known(world: World) -> None:
    world.memory.anchor = None
    world.clock.synchronised = False
    world.start()
    world.cycle.tick()
    assert world.cycle.begin_scans(only_wanted=True) == []
    world.cycle.accept_clock(world.clock.wall, "op-test")
    assert world.scan(only_wanted=True) == 1
    assert world.scan(only_wanted=True) == 0
    away = world.root / "unmounted"
    shutil.move(world.store_path, away)
    world.cycle.tick()
    assert world.scan(only_wanted=True) == 0
    shutil.move(away, world.store_path)
    world.cycle.tick()
    assert world.scan(only_wanted=True) == 1


def test_another_disk_in_its_place_is_not_touched(world: World) -> None:
    fill(world)
    shutil.move(world.store_path, world.root / "right")
    shutil.copytree(world.root / "right", world.store_path)
    before = world.files()
    world.pass_time(60 * DAY, look_every=DAY)
    world.scan()
    assert world.files() == before
    assert FindingKind.STORE_FOREIGN in world.findings()


def test_files_that_no_layout_explains_stay_for_ever_and_are_told(world: World) -> None:
    strange = [
        world.store_path / "hall" / "2026-01-01" / "holiday.mp4",
        world.store_path / "thesis.doc",
        world.store_path / "hall" / "2026-01-01" / "10-00-00.mp4.part",
        world.store_path / "hall" / "2026-13-01" / "10-00-00.mp4",
        world.store_path / "hall" / "2026-01-01" / "deeper" / "10-00-00.mp4",
    ]
    for path in strange:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    fill(world)
    world.pass_time(60 * DAY, look_every=DAY)
    world.scan()
    while world.waiting():
        world.approve()
    assert all(path.exists() for path in strange)
    assert FindingKind.UNCLASSIFIED_FILES in world.findings()


def test_a_recording_that_is_still_written_stays_until_it_is_closed(world: World) -> None:
    fill(world)
    path = world.record("hall", BEGIN - timedelta(minutes=30))
    world.scan()
    with path.open("ab") as writer:
        world.pass_time(30 * DAY + HOUR, look_every=DAY)
        world.approve()
        assert world.files() == {path}
        writer.write(b"more")
    world.pass_time(2 * HOUR, look_every=timedelta(minutes=10))
    assert not path.exists()
    outcomes = [line for line in world.records("deletion.void") if line["rec"]["path"].endswith("23-30-00.mp4")]
    assert outcomes


def test_one_that_is_written_again_long_after_counts_from_then(tmp_path: Path) -> None:
    world = World(tmp_path, now=datetime.now(UTC).replace(microsecond=0))  # the births of files are real
    fill(world)
    path = world.record("hall", world.clock.wall - timedelta(minutes=30))
    world.scan()
    world.pass_time(20 * DAY, look_every=DAY)
    path.write_bytes(b"another film")
    stamp = world.clock.wall.timestamp()
    os.utime(path, (stamp, stamp))
    world.pass_time(25 * DAY, look_every=DAY)
    while world.waiting():
        world.approve()
    assert path.exists()
    assert FindingKind.REWRITTEN in world.findings()
    world.pass_time(6 * DAY, look_every=DAY)
    while world.waiting():
        world.approve()
    assert not path.exists()
    world.stop()


@pytest.mark.parametrize("swapped", ["files", "directories"])
def test_fresh_footage_under_an_old_name_is_not_what_was_seen_under_it(tmp_path: Path, swapped: str) -> None:
    """Exchanged before the run looks: nothing in the name tells, but a file is no older than its birth."""
    world = World(tmp_path, now=datetime.now(UTC).replace(microsecond=0) - HOUR)  # the births of files are real
    fill(world)
    old = world.record("hall", world.clock.wall - timedelta(minutes=30))
    world.scan()
    world.pass_time(29 * DAY, look_every=DAY)
    fresh = world.record("hall", world.clock.wall - timedelta(minutes=30))
    fresh.write_bytes(b"fresh")
    stamp = world.clock.wall.timestamp()
    os.utime(fresh, (stamp, stamp))
    world.scan()
    one, other = (old, fresh) if swapped == "files" else (old.parent, fresh.parent)
    between = world.root / "between"
    for source, target in ((one, between), (other, one), (between, other)):
        os.rename(source, target)
    if swapped == "directories":
        os.rename(old.parent / fresh.name, old)
    world.pass_time(2 * DAY, look_every=HOUR)
    while world.waiting():
        world.approve()
    assert old.read_bytes() == b"fresh"
    assert FindingKind.REWRITTEN in world.findings()
    world.stop()


def test_what_others_remove_is_counted_and_never_claimed(world: World) -> None:
    fill(world)
    victims = sorted(world.files())[:7]
    for path in victims:
        path.unlink()
    world.scan()
    assert world.observer.by_others == 7
    world.pass_time(31 * DAY, look_every=DAY)
    while world.waiting():
        world.approve()
    told = {line["rec"]["path"] for line in world.records("recording.deleted", "deletion.intent") if "rec" in line}
    assert not told & {str(path.relative_to(world.store_path)) for path in victims}


def test_directories_that_the_layout_made_go_with_their_last_recording_and_no_other(world: World) -> None:
    fill(world)
    kept = world.store_path / "hall" / "mine"
    kept.mkdir()
    first = world.store_path / "hall" / f"{BEGIN - 20 * DAY:%Y-%m-%d}"
    assert first.is_dir()
    world.pass_time(12 * DAY, look_every=DAY)
    assert not first.exists()
    assert kept.is_dir()
    assert world.store_path.is_dir()


def test_a_stop_between_two_days_changes_nothing(world: World) -> None:
    fill(world)
    for _ in range(12):
        world.pass_time(DAY, look_every=6 * HOUR)
        world.stop()
        world.start()
        world.cycle.tick()
    deleted = [line["rec"]["path"] for line in world.records("recording.deleted")]
    assert len(deleted) == len(set(deleted)) == 2 * 25
    assert all(-60 <= line["age_s"] - 30 * 86_400 <= 6 * 3600 for line in world.records("recording.deleted"))


def test_what_a_listing_leaves_out_and_cannot_be_looked_at_is_kept_and_goes_on_time(world: World) -> None:
    """Design rule 5: an error proves nothing. A recording that was forgotten for one would stay for ever."""
    world.start()
    paths = world.record_many("hall", world.clock.wall - 20 * DAY, 3)
    world.scan()
    day = paths[0].parent
    (listing,) = [
        step
        for step in world.keeper.store.walk(lambda _directory, _entry: True)
        if isinstance(step, Listing) and step.files
    ]
    day.rename(day.with_name("away"))
    day.symlink_to("away")
    assert world.cycle.begin_scans()
    world.cycle.take(world.keeper, replace(listing, files=listing.files[1:]))
    assert world.observer.by_others == 0
    day.unlink()
    day.with_name("away").rename(day)
    world.pass_time(11 * DAY, look_every=DAY)
    assert not world.files()
    assert len(world.records("recording.deleted")) == 3


def test_what_cannot_be_looked_at_when_it_comes_is_counted_from_then(world: World) -> None:
    """Where only the file itself tells its start, one that cannot be looked at must not stay unknown for ever."""
    world.layouts = ("{camera}/clip-{number}.mp4",)
    world.start()
    world.scan()
    clips = world.store_path / "hall"
    clips.mkdir()
    (clips / "clip-1.mp4").write_bytes(b"x")
    (listing,) = [
        step
        for step in world.keeper.store.walk(lambda _directory, _entry: True)
        if isinstance(step, Listing) and step.files
    ]
    clips.rename(world.store_path / "away")
    clips.symlink_to("away")
    assert world.cycle.begin_scans()
    world.cycle.take(world.keeper, listing)
    clips.unlink()
    (world.store_path / "away").rename(clips)
    world.pass_time(31 * DAY, look_every=DAY)
    assert len(world.records("recording.deleted")) == 1
