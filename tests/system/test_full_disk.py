"""A disk without a free byte, on which recordings and state lie together, as on most small recording servers.

That is when deletion is needed most, and nothing but deletion makes room.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from retentiond.durable import SpareFile
from tests.system.harness import Site, needs, register_of

pytestmark = [
    pytest.mark.system,
    pytest.mark.privileged,
    pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a file system"),
]

PERIOD = timedelta(days=30)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small ext4 of its own."""
    needs("mkfs.ext4", "mount")
    image, where = tmp_path / "image", tmp_path / "disk"
    where.mkdir()
    with image.open("wb") as file:
        file.truncate(32 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True, stdin=subprocess.DEVNULL)
    mounted = subprocess.run(["mount", "-o", "loop", str(image), str(where)], check=False, capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"no loop device can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield where
    finally:
        subprocess.run(["umount", "--lazy", str(where)], check=True)


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
