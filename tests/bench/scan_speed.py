"""How fast a store is looked through, beside `find`. `python -m tests.bench.scan_speed --directory DISK`.

`find` lists and stats each file, which is what it takes to know ages by mtime. Here the names are listed, read by the
layout and put into the catalogue. Then a day falls due in each of both: `find -delete` looks at everything to find it,
and the daemon asks its catalogue. Nothing is asserted: figures are of one machine.
"""

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bench.tables import PERFORMANCE, host, put, table
from tests.world import MAIN, World

DAY = timedelta(days=1)
DAYS = 29
CAMERAS = 8


def lay_out(world: World, count: int) -> int:
    """Make empty recordings of 8 cameras over 29 days; return how many."""
    a_day = count // (DAYS * CAMERAS)
    begin = world.clock.wall - DAYS * DAY
    made = 0
    for camera in range(CAMERAS):
        for day in range(DAYS):
            first = begin + day * DAY
            for number in range(a_day):
                start = first + DAY / a_day * number
                path = world.path(f"cam-{camera}", start)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
                made += 1
    return made


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def find(world: World, *arguments: str) -> None:
    subprocess.run(["find", str(world.store_path), *arguments], stdout=subprocess.DEVNULL, check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", help="where to work; a directory on the disk that is meant")
    parser.add_argument("--count", type=int, default=200_000)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.directory) as made:
        world = World(Path(made), now=datetime.now(UTC).replace(microsecond=0))
        world.start()
        world.scan()
        count = lay_out(world, chosen.count)
        rows: list[tuple[object, ...]] = []
        listed = min(seconds(lambda: find(world, "-type", "f", "-printf", "%T@ %p\\n")) for _ in range(3))
        first = seconds(world.scan)
        again = min(seconds(world.scan) for _ in range(3))
        rows.append(
            (
                "first scan, into the catalogue",
                f"{first:.2f} s",
                f"find -printf {listed:.2f} s",
                f"{listed / first:.2f}",
            )
        )
        rows.append(
            ("scan of what has not changed", f"{again:.2f} s", f"find -printf {listed:.2f} s", f"{listed / again:.2f}")
        )
        swept = min(seconds(lambda: find(world, "-type", "f", "-mtime", "+4000", "-delete")) for _ in range(3))
        idle = min(seconds(world.cycle.tick) for _ in range(20))
        rows.append(
            ("a look with nothing due", f"{idle * 1000:.2f} ms", f"find -delete {swept:.2f} s", f"{swept / idle:,.0f}")
        )
        planned = min(
            seconds(lambda: world.parts.weigher.sort(MAIN, world.book, world.clock.wall, clock_proven=True))
            for _ in range(3)
        )
        rows.append(("what is due now (plan)", f"{planned * 1000:.1f} ms", "", ""))
        world.stop()
    text = table(("what", "here", "beside", "times as fast"), rows)
    put(
        "scan-speed",
        f"{text}\n{count:,} empty recordings in {CAMERAS * DAYS} directories, hot. {host()}.\n",
        document=PERFORMANCE,
    )


if __name__ == "__main__":
    main()
