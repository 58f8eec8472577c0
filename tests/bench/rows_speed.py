"""What a catalogue of a whole month costs. `python -m tests.bench.rows_speed --directory DISK`.

64 cameras that begin a file each ten seconds make 16.6 million recordings in 30 days. They are put into a catalogue
without files, by another process, so that only what a restarted daemon holds is measured. Nothing is asserted.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from retentiond.domain import instants
from retentiond.domain.recording import CameraName, Category, Stream
from retentiond.domain.span import Span
from retentiond.ports import DirectoryStamp, Listing, ScanState, Sheaf
from tests.bench.tables import PERFORMANCE, host, put, table
from tests.world import MAIN, World

CAMERAS = 64
AN_HOUR = 360
EVERY_MS = 10_000
HOUR = timedelta(hours=1)
NEARLY = timedelta(days=29, hours=23)


def fill(world: World, count: int) -> None:
    """Put in what so many recordings would be, hour by hour, the oldest an hour before it is due."""
    hours = max(1, count // (CAMERAS * AN_HOUR))
    first = world.clock.wall.replace(minute=0, second=0) - NEARLY + HOUR
    names = [b"%02d.%02d.mp4" % divmod(number * 10, 60) for number in range(AN_HOUR)]
    for hour in range(hours):
        begin = first + hour * HOUR
        begin_ms = instants.to_ms(begin)
        starts = {name: begin_ms + number * EVERY_MS for number, name in enumerate(names)}
        for camera in range(CAMERAS):
            directory = f"{begin:%Y-%m-%d/%H}/cam-{camera}".encode()
            sheaf = Sheaf(Stream(MAIN, CameraName(f"cam-{camera}"), Category.VIDEO), begin, starts)
            world.catalogue.update(MAIN, Listing(directory, DirectoryStamp(1, 1, 1), ()), (), (), (), sheaves=[sheaf])
    world.catalogue.set_scan_state(MAIN, ScanState(world.clock.wall, None))


def filled_by_another(world: World, count: int) -> float:
    """Fill the catalogue in a process that ends, and return the seconds that took."""
    begun = time.perf_counter()
    child = os.fork()
    if child == 0:
        try:
            world.start()
            world.scan()
            fill(world, count)
            world.stop()
        except BaseException:  # noqa: BLE001  whatever it was, the parent has to hear of it, and nobody else
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        raise SystemExit("the catalogue could not be filled")
    return time.perf_counter() - begun


def best(work: Callable[[], object], times: int = 5) -> float:
    """Return the milliseconds of the quickest of several."""

    def once() -> float:
        begun = time.perf_counter()
        work()
        return (time.perf_counter() - begun) * 1000

    return min(once() for _ in range(times))


def questions(world: World) -> list[tuple[str, float]]:
    """Return what people and the daemon ask, and the milliseconds of each."""
    now = world.clock.wall
    (rule,) = world.book.policy.rules
    stream = Stream(MAIN, CameraName("cam-7"), Category.VIDEO)
    oldest = world.catalogue.oldest(stream, None, None) or now
    a_day = Span(stream, oldest, oldest + 24 * HOUR, rule)
    weigher = world.parts.weigher
    return [
        ("a look with nothing due", best(world.cycle.tick)),
        (
            "what is due, and waits (plan)",
            best(lambda: weigher.sort(MAIN, world.book, now, clock_proven=True)),
        ),
        ("all streams and findings (status)", best(world.cycle.report)),
        ("a thousand recordings of a camera (find)", best(lambda: list(world.catalogue.find([a_day], 1000)))),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", help="where to work; a directory on the disk that is meant")
    parser.add_argument("--count", type=int, default=16_588_800)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.directory) as made:
        world = World(Path(made), now=datetime.now(UTC).replace(microsecond=0))
        filling = filled_by_another(world, chosen.count)
        process = psutil.Process()
        bare = process.memory_info().rss
        begun = time.perf_counter()
        world.start()
        world.cycle.tick()
        restart = (time.perf_counter() - begun) * 1000
        stored = world.catalogue.census(MAIN).recordings
        rows: list[tuple[object, ...]] = [("restart, until it enforces", f"{restart:,.1f} ms")]
        rows += [(what, f"{each:,.2f} ms") for what, each in questions(world)]
        size = (world.state / "catalogue.db").stat().st_size
        rows.append(("the file, for each recording", f"{size / stored:.1f} bytes"))
        resident = process.memory_info().rss
        rows.append(("memory of this process, all in all", f"{resident / 1e6:,.0f} MB"))
        rows.append(("of that since the restart", f"{(resident - bare) / 1e6:,.0f} MB"))
        rows.append(("filling it", f"{stored / filling:,.0f} recordings/s"))
        world.stop()
    text = table(("what", "figure"), rows)
    put("rows-speed", f"{text}\n{stored:,} recordings without files. {host()}.\n", document=PERFORMANCE)


if __name__ == "__main__":
    main()
