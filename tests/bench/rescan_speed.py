"""What a scan costs where nothing, or one camera, has changed, beside `find`.

`python -m tests.bench.rescan_speed --directory DISK [--files N]`. A month of 64 cameras with a directory for each hour
is laid out: 46,080 directories. How many files lie in each makes no difference to a rescan, and all the difference to
`find`: 360 are those of a camera that writes one each ten seconds, 16.6 million in all.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psutil

from tests.bench.tables import PERFORMANCE, host, put, table
from tests.world import BEGIN, World

LAYOUT = "%Y-%m-%d/%H/{camera}/%M.%S.mp4"
CAMERAS = 64
HOURS = 30 * 24
DIRECTORIES = HOURS * CAMERAS + HOURS + 30 + 1
HOUR = timedelta(hours=1)


def lay_out(world: World, files: int) -> int:
    """Make empty recordings in a directory for each hour and camera; return how many."""
    names = [f"{60 * number // files:02}.{3600 * number // files % 60:02}.mp4" for number in range(files)]
    for hour in range(1, HOURS + 1):
        begin = BEGIN - hour * HOUR
        for camera in range(CAMERAS):
            directory = world.store_path / f"{begin:%Y-%m-%d}/{begin:%H}/cam-{camera}"
            directory.mkdir(parents=True)
            descriptor = os.open(directory, os.O_RDONLY)
            for name in names:
                os.close(os.open(name, os.O_CREAT | os.O_WRONLY | os.O_EXCL, dir_fd=descriptor))
            os.close(descriptor)
    return HOURS * CAMERAS * files


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def find(world: World) -> None:
    subprocess.run(["find", str(world.store_path), "-printf", "%T@ %p\\n"], stdout=subprocess.DEVNULL, check=True)


def unchanged(world: World) -> int:
    return int(world.records("scan.completed")[-1]["unchanged"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", help="where to work; a directory on the disk that is meant")
    parser.add_argument("--files", type=int, default=4, help="in each directory")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.directory) as made:
        world = World(Path(made))
        world.layouts = (LAYOUT,)
        count = lay_out(world, chosen.files)
        world.start()
        world.cycle.tick()
        first = timed(world.scan)
        time.sleep(2.5)  # so that the stamps have settled
        world.keeper.list_all()
        whole = timed(world.scan)
        finds, same, some = [], [], []
        for number in range(chosen.rounds):
            finds.append(timed(lambda: find(world)))
            same.append(timed(world.scan))
            assert unchanged(world) == DIRECTORIES, "else something else was measured"
            for camera in range(CAMERAS):
                (world.store_path / f"{BEGIN - HOUR:%Y-%m-%d/%H}/cam-{camera}" / f"59.{50 + number}.mp4").touch()
            some.append(timed(world.scan))
            assert unchanged(world) == DIRECTORIES - CAMERAS
            time.sleep(2.5)
            world.scan()
        memory = psutil.Process().memory_info().rss / 1e6
        world.stop()
    peer = statistics.median(finds)
    rows = [
        (what, f"{seconds * 1000:,.0f} ms", f"{peer / seconds:.2f}")
        for what, seconds in (
            ("the first scan, into the catalogue", first),
            ("a scan that lists everything again", whole),
            ("a scan where nothing has changed", statistics.median(same)),
            ("a scan where each camera has a new recording", statistics.median(some)),
        )
    ]
    rows += [
        ("beside: `find -printf`", f"{peer * 1000:,.0f} ms", "1.0"),
        ("memory of this process", f"{memory:.0f} MB", ""),
    ]
    text = table(("what", "figure", "times as fast as `find`"), rows)
    put(
        "rescan-speed",
        f"{text}\n{count:,} empty recordings in {DIRECTORIES:,} directories, hot, {chosen.rounds} rounds. {host()}.\n",
        document=PERFORMANCE,
    )


if __name__ == "__main__":
    main()
