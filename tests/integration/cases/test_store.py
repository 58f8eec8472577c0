"""Cases of docs/reliability.md: stores that are not there, not themselves, too large, or written by others."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from retentiond.domain.finding import FindingKind
from tests.integration.cases.told import told
from tests.integration.storage.disk import mounted, needs_root
from tests.world import BEGIN, World, start_of

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
PERIOD = 30 * DAY


def fill(world: World) -> None:
    """Two cameras that have recorded an hour each day for twenty days."""
    world.start()
    world.scan()
    for camera in ("hall", "yard"):
        world.record_many(camera, world.clock.wall - 20 * DAY, 200, every=timedelta(hours=2))
    world.scan()


def rows(world: World) -> int:
    return sum(count for _, count in world.catalogue.streams(world.keeper.name))


def test_case_15_a_disk_that_is_not_mounted_at_a_start_costs_nothing_and_is_taken_up_when_it_comes(
    world: World,
) -> None:
    fill(world)
    world.stop()
    away = world.root / "unmounted"
    shutil.move(world.store_path, away)
    world.store_path.mkdir()
    world.clock.pass_time(12 * DAY)
    world.start()
    assert world.scan() == 0
    item = told(world, FindingKind.STORE_ABSENT)
    assert item.message == ("store 'main' is not there: its marker is not there; the disk is probably not mounted")
    assert item.remedy == "mount the disk; deletion goes on by itself when it is back"
    assert rows(world) == 400
    assert world.records("recording.deleted") == []
    assert list(world.store_path.iterdir()) == []
    world.store_path.rmdir()
    shutil.move(away, world.store_path)
    world.cycle.tick()
    assert len(world.records("recording.deleted")) == 2 * 25
    assert FindingKind.STORE_ABSENT not in world.findings()


def _gone(own: Path) -> None:
    shutil.rmtree(own)


def _renamed(own: Path) -> None:
    own.rename(own.with_name("old"))


def _claims_gone(own: Path) -> None:
    (own / "claimed").rmdir()


def _claims_replaced(own: Path) -> None:
    (own / "claimed").rename(own / "former")
    (own / "claimed").symlink_to(own.parents[1])


def _marker_replaced(own: Path) -> None:
    (own / "store.json").write_text('{"uuid": "00000000-0000-4000-8000-000000000000"}')


def _marker_gone(own: Path) -> None:
    (own / "store.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "kind", "why"),
    [
        (_gone, FindingKind.STORE_ABSENT, "its marker is not there; the disk is probably not mounted"),
        (_renamed, FindingKind.STORE_ABSENT, "its marker is not there; the disk is probably not mounted"),
        (_marker_gone, FindingKind.STORE_ABSENT, "its marker is gone from .retentiond"),
        (_marker_replaced, FindingKind.STORE_FOREIGN, "its marker names another store"),
        (_claims_gone, FindingKind.STORE_FOREIGN, "its claim directory is gone"),
        (_claims_replaced, FindingKind.STORE_FOREIGN, "its claim directory is no directory"),
    ],
)
def test_case_18_what_the_recorder_did_to_our_directory_is_told_and_not_mended_silently(
    world: World, spoil: Callable[[Path], None], kind: FindingKind, why: str
) -> None:
    fill(world)
    before = world.files()
    own = world.store_path / ".retentiond"
    spoil(own)
    left = sorted(own.rglob("*")) if own.exists() else []
    world.pass_time(12 * DAY, look_every=6 * HOUR)
    world.scan()
    assert world.files() == before
    assert why in told(world, kind).message
    assert (sorted(own.rglob("*")) if own.exists() else []) == left, "nothing is made again by itself"
    if kind is FindingKind.STORE_ABSENT:
        world.cycle.adopt(world.keeper.name, "op-test")
        world.scan()
        assert world.files() == before, "a new adoption waits for approval"
        assert told(world, FindingKind.WAITING_FOR_APPROVAL).message.startswith("store 'main' has 50 recordings due")


def test_case_26_a_catalogue_from_an_older_backup_deletes_nothing_early_or_twice(world: World) -> None:
    fill(world)
    with sqlite3.connect(world.state / "catalogue.db") as live, sqlite3.connect(world.root / "backup.db") as backup:
        live.backup(backup)
    live.close()
    backup.close()
    world.pass_time(12 * DAY, look_every=DAY)
    gone = [line["rec"]["path"] for line in world.records("recording.deleted")]
    assert len(gone) == 2 * 25
    late = world.record_many("hall", world.clock.wall - 2 * DAY, 9)
    world.scan()
    world.stop()
    for path in world.state.glob("catalogue.db*"):
        path.unlink()
    shutil.copy(world.root / "backup.db", world.state / "catalogue.db")
    world.start()
    world.scan()
    assert [line["rec"]["path"] for line in world.records("recording.deleted")] == gone
    assert world.observer.by_others == 0, "our own deletions are taken for nobody else's"
    assert all(path.exists() for path in late)
    world.pass_time(3 * DAY, look_every=DAY)
    while world.waiting():
        world.approve()
    deleted = [line["rec"]["path"] for line in world.records("recording.deleted")]
    assert len(deleted) == len(set(deleted))
    assert all(world.clock.wall - start_of(path) < PERIOD for path in world.files())


def test_case_33_what_a_network_file_system_renames_instead_of_removing_is_no_recording(world: World) -> None:
    names = (".nfs000000000017e2c600000001", ".nfs0001", ".fuse_hidden0000000100000002", "00-00-00.mp4.nfs")
    fill(world)
    directory = world.store_path / "hall" / f"{BEGIN - 20 * DAY:%Y-%m-%d}"
    for name in names:
        (directory / name).write_bytes(b"x")
    world.scan()
    world.pass_time(40 * DAY, look_every=DAY)
    while world.waiting():
        world.approve()
    assert sorted(item.name for item in directory.iterdir()) == sorted(names)
    assert told(world, FindingKind.UNCLASSIFIED_FILES).message.startswith("files in store 'main' that match no layout")


def test_case_42_a_flood_of_files_dated_long_ago_waits_while_real_deadlines_are_kept(world: World) -> None:
    """A hundredth of it here, far beyond the limit; each is a plausible recording of that camera."""
    fill(world)
    flood = world.record_many("yard", BEGIN - 31 * DAY, 1000, every=timedelta(seconds=20))
    world.scan()
    world.pass_time(12 * DAY, look_every=6 * HOUR)
    assert all(path.exists() for path in flood)
    item = told(world, FindingKind.WAITING_FOR_APPROVAL)
    assert item.message.startswith("store 'main' has 1000 recordings due and waiting")
    assert item.remedy.startswith("see: retentiond plan; then: retentiond approve main-")
    gone = {line["rec"]["path"] for line in world.records("recording.deleted")}
    assert len(gone) == 2 * 25
    assert not gone & {str(path.relative_to(world.store_path)) for path in flood}


def test_case_43_a_byte_appended_every_day_pins_nothing_silently(tmp_path: Path) -> None:
    world = World(tmp_path, now=datetime.now(UTC).replace(microsecond=0) - HOUR)  # the births of files are real
    fill(world)
    path = world.record("hall", world.clock.wall - HOUR)
    world.scan()

    def a_day_with_a_byte() -> None:
        world.pass_time(DAY, look_every=6 * HOUR)
        with path.open("ab") as file:
            file.write(b"x")
        stamp = world.clock.wall.timestamp()
        os.utime(path, (stamp, stamp))

    for _ in range(31):
        a_day_with_a_byte()
        while world.waiting():
            world.approve()
    assert path.exists()
    item = told(world, FindingKind.REWRITTEN)
    assert item.message == ("1 recording of camera 'hall' written again long after the start, counted from then on")
    for _ in range(5):
        a_day_with_a_byte()
        assert FindingKind.REWRITTEN in world.findings(), "it is said for as long as it lasts"
    world.pass_time(31 * DAY, look_every=6 * HOUR)
    while world.waiting():
        world.approve()
    assert not path.exists(), "nobody writes any more: it goes a period after the last byte that was seen"
    assert FindingKind.REWRITTEN not in world.findings()
    world.stop()


@pytest.mark.privileged
@needs_root
def test_case_44_a_second_store_bound_into_this_one_is_not_entered(world: World) -> None:
    other = world.root / "other"
    other.mkdir()
    (other / f"{BEGIN - 40 * DAY:%Y-%m-%d}").mkdir()
    victim = other / f"{BEGIN - 40 * DAY:%Y-%m-%d}" / "00-00-00.mp4"
    victim.write_bytes(b"somebody else's")
    (world.store_path / "bound").mkdir()
    with mounted(world.store_path / "bound", "--bind", str(other)):
        fill(world)
        world.pass_time(40 * DAY, look_every=DAY)
        while world.waiting():
            world.approve()
        assert victim.exists()
        item = told(world, FindingKind.STORE_UNREADABLE)
        assert item.message.startswith("directories of store 'main' that cannot be listed: 1; the first: ")
        assert "Invalid cross-device link" in item.message
        assert "bound" not in {str(stream.camera) for stream, _ in world.catalogue.streams(world.keeper.name)}


def test_case_53_recordings_of_a_camera_that_was_renamed_or_taken_down_go_on_time(world: World) -> None:
    fill(world)
    (world.store_path / "yard").rename(world.store_path / "garden")
    world.scan()
    world.pass_time(12 * DAY, look_every=DAY)
    world.record_many("hall", world.clock.wall - 2 * DAY, 300, every=timedelta(minutes=8))
    world.scan()
    assert "camera 'garden' of store 'main'" in told(world, FindingKind.UNREGISTERED_DEVICE, "garden").message
    world.pass_time(20 * DAY, look_every=DAY)
    while world.waiting():
        world.approve()
    assert not list(world.store_path.glob("garden/*/*.mp4"))
