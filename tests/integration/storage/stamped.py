"""Where stamps of directories can be tried: on a file system that keeps them, and without waiting for seconds."""

import subprocess
import time
from pathlib import Path

import pytest

from retentiond.storage.unchanged import FILE_SYSTEMS


def needs_stamps(path: Path) -> None:
    """Skip where every directory is listed each time."""
    stat = subprocess.run(["stat", "-f", "-c", "%T", path], capture_output=True, text=True, check=True)
    kind = stat.stdout.strip()
    if kind != "ext2/ext3" and kind not in FILE_SYSTEMS:
        pytest.skip(f"the temporary directory lies on {kind}, whose stamps are not believed")


def wait_for_stamps(beside: Path) -> None:
    """Wait until the clock that gives stamps has moved on; `beside` is a directory next to the store."""
    probe = beside / "probe"
    probe.touch()
    first = probe.stat().st_ctime_ns
    while probe.stat().st_ctime_ns <= first:
        time.sleep(0.001)
        probe.touch()
