"""Rule 5 in the whole house on real mounts: every state a store can be in, and the way back without a restart."""

import fcntl
import os
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from retentiond.domain.finding import FindingKind
from retentiond.domain.run import CHUNK
from tests.integration.enforce.test_runs import DUE, Interrupting
from tests.integration.storage.disk import flagged, make_image, mounted, needs_root
from tests.world import BEGIN, World

pytestmark = [pytest.mark.privileged, needs_root]

DAY = timedelta(days=1)
GONE_12_DAYS_LATER = 13
_EXT4_SHUTDOWN = 0x8004587D
_WITHOUT_FLUSHING = 2


@contextmanager
def on_a_disk(world: World, kind: str = "ext4", megabytes: int = 32) -> Iterator[Path]:
    """Put the world's store on a disk of its own and return the image of that."""
    image = make_image(world.root, kind, megabytes)
    with mounted(world.store_path, "-o", "loop", str(image)):
        yield image


def mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def unmount(path: Path, *options: str) -> None:
    subprocess.run(["umount", *options, str(path)], check=True)


def pull_out(path: Path) -> None:
    """Have the file system behave as it does when its disk is gone: every call that needs it fails."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, _EXT4_SHUTDOWN, struct.pack("I", _WITHOUT_FLUSHING))
    finally:
        os.close(descriptor)


def fill(world: World) -> None:
    world.start()
    world.scan()
    world.record_many("hall", BEGIN - 20 * DAY, 100, every=timedelta(hours=4))
    world.scan()


def deleted(world: World) -> int:
    return len(world.records("recording.deleted"))


def promises(world: World) -> None:
    """Each deletion has one intent and one outcome, and nothing was taken for somebody else's deletion."""
    intents = [item["claim"] for line in world.records("deletion.intent") for item in line["recordings"]]
    outcomes = [line["claim"] for line in world.records("recording.deleted", "deletion.failed", "deletion.void")]
    assert sorted(intents) == sorted(outcomes)
    assert world.observer.by_others == 0
    claimed = world.store_path / ".retentiond" / "claimed"
    assert list(claimed.iterdir()) == []


def test_a_disk_that_is_unmounted_and_mounted_again_goes_on_without_a_restart(world: World) -> None:
    with on_a_disk(world) as image:
        fill(world)
        unmount(world.store_path)  # nothing of ours keeps it busy
        world.pass_time(12 * DAY, look_every=DAY)
        assert world.scan() == 0
        assert world.findings() >= {FindingKind.STORE_ABSENT, FindingKind.OVERDUE}
        assert list(world.store_path.iterdir()) == [], "nothing is made on the empty mount point"
        assert deleted(world) == 0
        mount("-o", "loop", image, world.store_path)
        world.cycle.tick()
        assert deleted(world) == GONE_12_DAYS_LATER
        assert FindingKind.STORE_ABSENT not in world.findings()
        promises(world)


def test_another_disk_at_the_path_is_foreign_until_the_right_one_is_back(world: World) -> None:
    with on_a_disk(world) as image:
        fill(world)
        shutil.copytree(world.store_path, world.root / "copy", symlinks=True)
        unmount(world.store_path)
        (world.root / "other").mkdir()
        other = make_image(world.root / "other", "ext4", 32)
        mount("-o", "loop", other, world.store_path)
        subprocess.run(["cp", "-a", f"{world.root}/copy/.", world.store_path], check=True)
        before = world.files()
        world.pass_time(12 * DAY, look_every=DAY)
        assert world.files() == before
        assert FindingKind.STORE_FOREIGN in world.findings()
        unmount(world.store_path)
        mount("-o", "loop", image, world.store_path)
        world.cycle.tick()
        assert deleted(world) == GONE_12_DAYS_LATER
        assert FindingKind.STORE_FOREIGN not in world.findings()
        promises(world)


def test_a_disk_that_is_read_only_waits_and_goes_on_when_it_is_writable_again(world: World) -> None:
    with on_a_disk(world):
        fill(world)
        mount("-o", "remount,ro", world.store_path)
        before = world.files()
        world.pass_time(12 * DAY, look_every=DAY)
        assert world.files() == before
        assert world.findings() >= {FindingKind.STORE_READ_ONLY, FindingKind.OVERDUE}
        assert world.records("deletion.intent") == [], "what cannot be done is not begun"
        mount("-o", "remount,rw", world.store_path)
        world.cycle.tick()
        assert deleted(world) == GONE_12_DAYS_LATER
        assert FindingKind.STORE_READ_ONLY not in world.findings()
        promises(world)


def test_a_file_system_that_the_kernel_closed_after_an_error_is_told_and_goes_on_when_it_is_mounted_again(
    world: World,
) -> None:
    """The kernel refuses every change from then on, whether or not it calls the mount read-only."""
    image = make_image(world.root, "ext4", 32)
    with mounted(world.store_path, "-o", "loop,errors=remount-ro", str(image)):
        fill(world)
        device = subprocess.run(["findmnt", "-no", "SOURCE", world.store_path], check=True, capture_output=True)
        trigger = Path("/sys/fs/ext4") / Path(os.fsdecode(device.stdout.strip())).name / "trigger_fs_error"
        if not trigger.exists():
            pytest.skip("this kernel cannot be made to meet an error")
        trigger.write_text("a test")
        before = world.files()
        world.pass_time(12 * DAY, look_every=DAY)
        assert world.files() == before
        assert world.findings() >= {FindingKind.OVERDUE}
        assert world.findings() & {FindingKind.STORE_READ_ONLY, FindingKind.STORE_UNREADABLE}
        unmount(world.store_path)
        mount("-o", "loop", image, world.store_path)
        world.cycle.tick()
        world.pass_time(timedelta(hours=2), look_every=timedelta(minutes=30))
        assert deleted(world) == GONE_12_DAYS_LATER
        promises(world)


def backlog(world: World, act: Interrupting) -> None:
    """Let more than two chunks fall due while the daemon is down; `act` comes when the first of them is through."""
    world.start()
    world.scan()
    world.record_many("hall", BEGIN - 20 * DAY, DUE, every=timedelta(minutes=1))
    world.record_many("hall", BEGIN - 2 * DAY, 2 * DUE, every=timedelta(seconds=45))
    world.scan()
    world.stop()
    world.clock.pass_time(15 * DAY)
    world.observer = act
    world.start()


def test_a_disk_that_is_unmounted_lazily_between_two_chunks_is_noticed_before_the_next(world: World) -> None:
    """The daemon may still hold what was unmounted: it looks at the path anew, and not at what it holds."""
    with on_a_disk(world, megabytes=64) as image:
        backlog(world, Interrupting(lambda: unmount(world.store_path, "--lazy")))
        world.cycle.tick()
        assert deleted(world) == CHUNK
        assert [run["deleted"] for run in world.records("run.completed")] == [CHUNK], "the run says where it ended"
        world.cycle.tick()
        assert FindingKind.STORE_ABSENT in world.findings()
        mount("-o", "loop", image, world.store_path)
        world.cycle.tick()
        world.pass_time(timedelta(hours=2))
        assert deleted(world) == DUE
        promises(world)


def test_a_disk_that_is_remounted_read_only_between_two_chunks_ends_the_run(world: World) -> None:
    with on_a_disk(world, megabytes=64):
        backlog(world, Interrupting(lambda: mount("-o", "remount,bind,ro", world.store_path)))
        world.cycle.tick()
        assert deleted(world) == CHUNK
        assert world.records("deletion.failed") == [], "what cannot be done is not begun"
        world.cycle.tick()
        assert FindingKind.STORE_READ_ONLY in world.findings()
        mount("-o", "remount,bind,rw", world.store_path)
        world.cycle.tick()
        world.pass_time(timedelta(hours=2))
        assert deleted(world) == DUE
        promises(world)


def test_a_disk_that_is_pulled_out_between_two_chunks_loses_nothing_when_it_is_back(world: World) -> None:
    with on_a_disk(world, megabytes=64) as image:
        backlog(world, Interrupting(lambda: pull_out(world.store_path)))
        world.cycle.tick()
        assert deleted(world) == CHUNK
        world.pass_time(DAY)
        assert deleted(world) == CHUNK
        assert world.findings() & {FindingKind.STORE_UNREADABLE, FindingKind.STORE_ABSENT, FindingKind.STORE_FOREIGN}
        assert world.observer.by_others == 0, "a disk that answers nothing proves nothing"
        unmount(world.store_path)
        mount("-o", "loop", image, world.store_path)
        world.cycle.tick()
        world.pass_time(timedelta(hours=2))
        assert deleted(world) == DUE
        promises(world)


# --- what a deletion cannot do, and what it cannot reach -----------------------------------------------------------


@pytest.mark.parametrize("flag", ["i", "a"])
def test_a_recording_marked_immutable_is_a_finding_of_its_own_until_the_operator_takes_the_mark_off(
    world: World, flag: str
) -> None:
    fill(world)
    path = world.record("hall", BEGIN)
    world.scan()
    with flagged(path, flag):
        world.pass_time(30 * DAY + timedelta(hours=1), look_every=timedelta(hours=6))
        assert path.exists()
        assert world.findings() >= {FindingKind.IMMUTABLE, FindingKind.OVERDUE}
        assert FindingKind.CANNOT_DELETE not in world.findings()
        (item,) = [item for item in world.cycle.report().findings if item.key.kind is FindingKind.IMMUTABLE]
        assert item.message.startswith("store 'main' has 1 recording due")
        assert "chattr -i -a FILE" in item.remedy
        listed = subprocess.run(["lsattr", path], check=True, capture_output=True, text=True).stdout
        assert flag in listed.split()[0], "the mark is somebody's, and stays"
    failures = world.records("deletion.failed")
    assert {line["why"] for line in failures} == {"IMMUTABLE"}
    world.pass_time(timedelta(hours=2), look_every=timedelta(minutes=10))
    assert not path.exists()
    assert FindingKind.IMMUTABLE not in world.findings()
    promises(world)


def test_a_deletion_of_what_a_snapshot_keeps_says_so_on_the_record_and_is_a_finding(tmp_path: Path) -> None:
    world = World(tmp_path, now=datetime.now(UTC).replace(microsecond=0))
    with on_a_disk(world, "btrfs", 128):
        world.start()
        world.scan()
        path = world.record("hall", world.clock.wall)
        path.write_bytes(b"footage." * 100_000)
        world.scan()
        os.sync()
        command = ["btrfs", "subvolume", "snapshot", str(world.store_path), str(world.store_path / "snapshot")]
        subprocess.run(command, check=True, capture_output=True)
        os.sync()
        world.pass_time(30 * DAY, look_every=DAY)
        assert not path.exists()
        (record,) = world.records("recording.deleted")
        assert record["shared_extents"] is True
        assert FindingKind.SHARED_EXTENTS in world.findings()
        kept = world.store_path / "snapshot" / path.relative_to(world.store_path)
        assert kept.read_bytes() == b"footage." * 100_000, "a snapshot is not entered"
        world.stop()
