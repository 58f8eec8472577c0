"""A month of 64 cameras on a disk of its own, from the very first start to a day that was lost.

`python -m tests.bench.month_on_disk [--files N] [--kind xfs]`. There is a directory for each hour and camera: 46,080 of
them, with 360 files each where `BENCH_FULL=1` is set, as a file each ten seconds makes, which is 16.6 million, and with
four else. What is emptied is the page cache of this machine. Nothing is asserted: figures are of one machine.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from tests.bench.loop_disk import disk_for, empty_the_cache
from tests.bench.rows_speed import questions
from tests.bench.tables import PERFORMANCE, host, put, table
from tests.world import World

LAYOUT = "%Y-%m-%d/%H/{camera}/%M.%S.mp4"
CAMERAS = 64
HOURS = 30 * 24
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PERIOD = timedelta(days=30)
MARGIN = timedelta(seconds=60)
DUE = 1000
TO_BE_DELETED = 72
"""So many of the oldest hours have files that are as old as their names say; what others are is not looked at."""

Row = tuple[str, str, str]


class Month:
    """A store, a program that has never seen it, and what others take for the same."""

    def __init__(self, root: Path, files: int, rounds: int) -> None:
        self.world = World(root, now=datetime.now(UTC).replace(minute=0, second=0, microsecond=0))
        self.world.layouts = (LAYOUT,)
        self.files = files
        self.rounds = rounds

    def lay_out(self) -> int:
        """Make empty recordings, the oldest of which are due already; return how many."""
        seconds = [3600 * number // self.files for number in range(self.files)]
        names = [f"{second // 60:02}.{second % 60:02}.mp4" for second in seconds]
        for hour in range(1, HOURS + 1):
            begin = self.world.clock.wall - hour * HOUR
            dated = begin.timestamp() if hour > HOURS - TO_BE_DELETED else None
            for camera in range(CAMERAS):
                directory = self.world.store_path / f"{begin:%Y-%m-%d}/{begin:%H}/cam-{camera}"
                directory.mkdir(parents=True)
                descriptor = os.open(directory, os.O_RDONLY)
                for name, second in zip(names, seconds, strict=True):
                    os.close(os.open(name, os.O_CREAT | os.O_WRONLY | os.O_EXCL, dir_fd=descriptor))
                    if dated is not None:
                        os.utime(name, (dated + second + 1, dated + second + 1), dir_fd=descriptor)
                os.close(descriptor)
        return HOURS * CAMERAS * self.files

    # --- looking ------------------------------------------------------------------------------------------------

    def first_start(self) -> tuple[float, float]:
        """Start for the first time; return the seconds until something due is known, and until all is."""
        world = self.world
        begun, known = time.perf_counter(), 0.0
        world.start()
        ((keeper, scan),) = world.cycle.begin_scans()
        latest = world.clock.wall - PERIOD + MARGIN
        for step in keeper.store.walk(scan.descends, scan.known):
            world.cycle.take(keeper, step)
            if not known and any(
                (oldest := world.catalogue.oldest(stream, None, None)) is not None and oldest <= latest
                for stream, _ in world.catalogue.streams(keeper.name)
            ):
                known = time.perf_counter() - begun
        world.cycle.complete_scan(keeper, whole=True)
        world.cycle.tick()
        return known, time.perf_counter() - begun

    def list_with_find(self) -> float:
        return took(["find", str(self.world.store_path), "-printf", "%T@ %p\\n"])

    # --- sweeping -----------------------------------------------------------------------------------------------

    def sweep(self, length: timedelta, prepare: Callable[[], object]) -> tuple[float, int]:
        """Let time pass and delete what falls due; return the seconds, and how many went."""
        world = self.world
        before = world.catalogue.census(world.keeper.name).recordings
        world.clock.pass_time(length)
        prepare()
        seconds = timed(world.cycle.tick)
        return seconds, before - world.catalogue.census(world.keeper.name).recordings

    def sweep_with_find(self, length: timedelta, prepare: Callable[[], object]) -> float:
        """Let `find` delete what falls due in as long."""
        self.world.clock.pass_time(length)
        latest = self.world.clock.wall - PERIOD + MARGIN + timedelta(seconds=1)  # a file is as old as its last write
        prepare()
        seconds = took(
            ["find", str(self.world.store_path), "-type", "f", "!", "-newermt", latest.isoformat(), "-delete"]
        )
        self.world.scan()
        return seconds

    def day_with_find(self) -> float:
        """Let `find` delete a whole day that is nobody's to delete: the newest but one."""
        newest = max(path for path in self.world.store_path.iterdir() if path.name[:2] == "20")
        a_day = newest.with_name(f"{datetime.fromisoformat(newest.name) - DAY:%Y-%m-%d}")
        empty_the_cache()
        return took(["find", str(a_day), "-delete"])


def timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def took(command: list[str]) -> float:
    return timed(lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True))


def laid_out_by_another(month: Month) -> int:
    """Lay the store out in a process that ends, so that its memory is not measured."""
    child = os.fork()
    if child == 0:
        try:
            month.lay_out()
        except BaseException:  # noqa: BLE001  whatever it was, the parent has to hear of it, and nobody else
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        raise SystemExit("the store could not be laid out")
    return HOURS * CAMERAS * month.files


def rows_of(month: Month) -> Iterator[Row]:
    """Yield what is measured, how long it took, and how many times as long `find` takes."""
    world, process = month.world, psutil.Process()
    cold = empty_the_cache()
    known, first = month.first_start()
    state = "emptied" if cold else "as it was"
    yield f"the very first start, until something due is known ({state})", f"{known:,.2f} s", ""
    empty_the_cache()
    peer = month.list_with_find()
    yield f"the very first scan ({state})", f"{first:,.1f} s", f"{peer / first:.2f} (`find -printf`: {peer:,.1f} s)"
    world.approve()
    time.sleep(2.5)  # so that the stamps of what was deleted have settled
    world.scan()
    peer = month.list_with_find()
    same = statistics.median(timed(world.scan) for _ in range(month.rounds))
    yield (
        "a scan where nothing has changed, hot",
        f"{same:,.2f} s",
        f"{peer / same:.1f} (`find -printf`: {peer:,.1f} s)",
    )
    yield "memory of this process", f"{process.memory_info().rss / 1e6:,.0f} MB", ""
    world.stop()
    begun = time.perf_counter()
    world.start()
    world.cycle.tick()
    restart = time.perf_counter() - begun
    yield "restart, until it enforces", f"{restart:,.2f} s", ""
    yield from ((what, f"{each:,.1f} ms", "") for what, each in questions(world))
    yield from sweep_rows(month)
    lost, gone = month.sweep(DAY, empty_the_cache)
    peer = month.day_with_find()
    speed = f"{gone / lost:,.0f}/s"
    yield f"a lost day: {gone:,} due ({state})", f"{lost:,.1f} s, {speed}", f"{peer / lost:.2f} (`find DAY -delete`)"
    yield "memory of this process at its highest", f"{_highest_mb():,.0f} MB", ""


def sweep_rows(month: Month) -> Iterator[Row]:
    """Yield what a sweep of a thousand takes, where everything is in memory and where nothing is."""
    length = timedelta(seconds=DUE * 3600 / (CAMERAS * month.files))
    for cache, prepare in (("hot", lambda: None), ("emptied", empty_the_cache)):
        ours, theirs, gone = [], [], []
        for _ in range(month.rounds):
            theirs.append(month.sweep_with_find(length, prepare))
            seconds, count = month.sweep(length, prepare)
            ours.append(seconds)
            gone.append(count)
        middle, peer = statistics.median(ours), statistics.median(theirs)
        what = f"a sweep, {min(gone):,} to {max(gone):,} due, {cache}"
        yield what, f"{middle * 1000:,.0f} ms", f"{peer / middle:,.0f} (`find -delete`: {peer:,.1f} s)"


def _highest_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1000


def main() -> None:
    full = os.environ.get("BENCH_FULL") == "1"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", help="where to work; a directory on the disk that is meant")
    parser.add_argument("--files", type=int, default=360 if full else 4, help="in each directory")
    parser.add_argument("--rounds", type=int, default=1 if full else 3)
    parser.add_argument("--kind", choices=("ext4", "xfs"), default="ext4")
    chosen = parser.parse_args()
    files = HOURS * CAMERAS * (chosen.files + 1)  # with the directory of each
    with tempfile.TemporaryDirectory(dir=chosen.directory) as made, disk_for(Path(made), files, chosen.kind) as disk:
        root = disk / "world"
        root.mkdir()
        month = Month(root, chosen.files, chosen.rounds)
        count = laid_out_by_another(month)
        rows: list[Row] = []
        for row in rows_of(month):
            rows.append(row)
            print(*row, sep=" | ", flush=True)
        month.world.stop()
    text = table(("what", "figure", "times as fast as `find`"), rows)
    what = f"{count:,} empty recordings in {HOURS * CAMERAS:,} directories on {chosen.kind}, {chosen.rounds} rounds"
    name = f"month-on-{chosen.kind}" + ("" if full else "-small")
    put(name, f"{text}\n{what}. {host()}.\n", document=PERFORMANCE)


if __name__ == "__main__":
    main()
