"""A scan that is held to a rate: one sees how far it is, it lets others first, and a stop does not wait for it."""

import os
import platform
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.system.harness import Site, needs, register_of

pytestmark = pytest.mark.system

CAMERAS = tuple(f"cam-{number}" for number in range(20))
EACH = 400
"""At a hundred names a second a directory takes four seconds, and all of them longer than the test waits."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path, register=register_of(*CAMERAS), more="scan_rate: 100/s\n")
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=2)
    for camera in CAMERAS:
        directory = site.store / camera / f"{noon:%Y-%m-%d}"
        directory.mkdir(parents=True)
        for number in range(EACH):
            (directory / f"{noon + timedelta(seconds=number):%H-%M-%S}.mp4").touch()
    with site.running():
        site.accept_clock()
        site.wait(lambda: store(site)["scanning"], "a look at the scan")
        yield site


def store(site: Site) -> dict[str, object]:
    found: dict[str, object] = site.ask("status")["stores"][0]
    return found


def io_class(thread: str) -> str:
    return subprocess.run(["ionice", "-p", thread], check=False, capture_output=True, text=True).stdout


def test_it_is_seen_how_far_a_first_scan_is_and_it_ends_at_once(site: Site) -> None:
    scan = store(site)["scan"]
    assert isinstance(scan, dict)
    assert scan["directories"] < 2 * len(CAMERAS)
    assert (scan["expected"], scan["left_s"]) == (None, None)
    assert f"scanning   {scan['directories']:,} directories so far" in site.run("status").stdout
    assert site.stop() == 0
    assert not [line for line in site.lines() if line["type"] == "scan.completed"]


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the number of the call is that of x86_64")
def test_the_walk_lets_others_at_the_disk_first_and_the_loop_does_not(site: Site) -> None:
    needs("ionice")
    assert site.daemon is not None
    threads = os.listdir(f"/proc/{site.daemon.pid}/task")
    idle = [thread for thread in threads if "idle" in io_class(thread)]
    assert len(idle) == 1
    assert idle != [str(site.daemon.pid)]
