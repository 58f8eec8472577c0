"""A disk without a free byte, on which recordings and state lie together, as on most small recording servers.

That is when deletion is needed most, and nothing but deletion makes room.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from retentiond.durable import SpareFile
from tests.system.harness import Site, deletions, needs, register_of

pytestmark = [
    pytest.mark.system,
    pytest.mark.privileged,
    pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a file system"),
]

PERIOD = timedelta(days=30)


@contextmanager
def ext4(image: Path, where: Path, size_bytes: int) -> Iterator[Path]:
    """Mount a small ext4 of its own at `where`."""
    needs("mkfs.ext4", "mount")
    where.mkdir()
    with image.open("wb") as file:
        file.truncate(size_bytes)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True, stdin=subprocess.DEVNULL)
    mounted = subprocess.run(["mount", "-o", "loop", str(image), str(where)], check=False, capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"no loop device can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield where
    finally:
        subprocess.run(["umount", "--lazy", str(where)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with ext4(tmp_path / "image", tmp_path / "disk", 64 << 20) as where:
        yield where


def fill(directory: Path) -> None:
    """Take all there is, as a recorder does."""
    with (directory / "filled").open("ab", buffering=0) as file:
        for size in (65536, 1024):
            with suppress(OSError):
                while file.write(bytes(size)):
                    os.fsync(file.fileno())
    assert shutil.disk_usage(directory).free < 4096


def film(site: Site, oldest: datetime, count: int) -> set[Path]:
    site.record("hall", datetime.now(UTC) - timedelta(hours=1))
    return {site.record("hall", oldest + timedelta(seconds=number), content=bytes(20_000)) for number in range(count)}


def test_a_start_on_a_full_disk_deletes_what_is_due(disk: Path) -> None:
    site = Site(disk / "site", register=register_of("hall"))
    due = film(site, datetime.now(UTC) - PERIOD - timedelta(days=1), 9)
    site.accept_clock()
    site.run("run", "--once")
    assert site.approve_all() == len(due)
    fill(disk)
    done = site.run("run", "--once")
    assert done.returncode in (0, 1), done.stderr
    assert not due & site.files()
    site.must("audit", "verify")


def test_a_daemon_whose_disk_fills_deletes_what_falls_due(disk: Path) -> None:
    site = Site(disk / "site", register=register_of("hall"))
    soon = datetime.now(UTC) - PERIOD + timedelta(seconds=75)  # due 15 s from now, a minute before its deadline
    due = film(site, soon, 9)
    site.accept_clock()
    with site.running():
        spare = site.state / "spare"
        site.wait(lambda: spare.exists() and spare.stat().st_size, "room to be held back")
        fill(disk)
        site.wait(lambda: not spare.stat().st_size, "the room to be given back")
        site.wait(lambda: not due & site.files(), "what fell due to be gone")
        site.wait(lambda: site.metric("retentiond_overdue_recordings") == 0, "no recording to be overdue")
        assert site.run("status").returncode in (0, 1)
        (disk / "filled").unlink()
        site.wait(lambda: spare.stat().st_size, "room to be held back again")
    site.must("audit", "verify")


def test_room_is_held_back_again_once_there_is_some(disk: Path) -> None:
    spare = SpareFile(str(disk / "spare"), size_bytes=1 << 20)
    spare.keep()
    held = disk / "spare"
    assert held.stat().st_blocks * 512 >= 1 << 20
    fill(disk)
    spare.keep()
    assert held.stat().st_size == 0
    assert shutil.disk_usage(disk).free >= 1 << 19
    spare.keep()
    assert held.stat().st_size == 0
    (disk / "filled").unlink()
    spare.keep()
    assert held.stat().st_size == 1 << 20


@pytest.fixture
def site_on_two_disks(tmp_path: Path) -> Iterator[Site]:
    """A site whose state lies on a small ext4 of its own."""
    site = Site(tmp_path / "site", register=register_of("hall"))
    with ext4(tmp_path / "image", site.state, 24 << 20):
        yield site


def exhaust(site: Site) -> None:
    """Take the disk of the state to its last block, what the trail and the state hold back included."""
    spare = site.state / "spare"
    fill(site.state)
    site.wait(lambda: not spare.exists() or not spare.stat().st_size, "the room to be given back, where there was any")
    (segment,) = (site.state / "audit" / "log").glob("*.jsonl")
    os.truncate(segment, segment.stat().st_size)  # lets go of what is held beyond the end
    fill(site.state)


def test_what_the_trail_holds_back_carries_the_run_on_a_full_disk(site_on_two_disks: Site) -> None:
    site = site_on_two_disks
    due = film(site, datetime.now(UTC) - PERIOD + timedelta(seconds=75), 9)
    site.accept_clock()
    with site.running():
        fill(site.state)
        site.wait(lambda: not due & site.files(), "what fell due to be gone")
    assert [line["type"] for line in site.lines()].count("recording.deleted") == len(due)
    assert "audit.gap" not in {line["type"] for line in site.lines()}
    site.must("audit", "verify")


def test_what_nothing_can_record_goes_at_its_deadline_and_the_gap_is_on_the_record(site_on_two_disks: Site) -> None:
    site = site_on_two_disks
    site.config.write_text(site.config.read_text().replace("margin: 60s", "margin: 30s"))
    film(site, datetime.now(UTC) - timedelta(days=1), 1)
    site.accept_clock()
    with site.running():
        exhaust(site)  # takes its time on a slow machine, so what falls due is recorded only then
        first_due = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=10)
        due = film(site, first_due + timedelta(seconds=30) - PERIOD, 9)
        late_in_the_margin = first_due + timedelta(seconds=11)
        site.wait(lambda: datetime.now(UTC) > late_in_the_margin, "the last one to be due, and none to be overdue")
        announced = {site.store / path for path in deletions(site.lines())[0]}
        assert due - site.files() <= announced, "deleted without a record before its deadline"
        assert len(announced) < len(due), "the last block of the trail has room for a few, not for all"
        site.wait(lambda: not due & site.files(), "what is past its deadline to be gone", 120)
        unrecorded = len(due) - [line["type"] for line in site.lines()].count("recording.deleted")
        site.wait(lambda: site.metric("retentiond_audit_noted_records") > unrecorded, "the notes to be counted")
        assert "audit_unwritable" in site.run("status").stdout
        (site.state / "filled").unlink()
        site.wait(lambda: site.metric("retentiond_audit_noted_records") == 0, "the trail to know")
    (gap,) = [line for line in site.lines() if line["type"] == "audit.gap"]
    assert (gap["deleted"], gap["lost"]) == (unrecorded, 0)
    intents, outcomes = deletions(site.lines())
    assert {path: len(claims) for path, claims in intents.items()} == dict.fromkeys(outcomes, 1)
    assert list(outcomes.values()) == [["recording.deleted"]] * len(due)
    site.must("audit", "verify")
