"""One pass that deletes what is due of a store, beside the programs that people use for it.

`python -m tests.bench.sweep_speed --directory DISK`. Every way meets as many due recordings in the same store, and has
to delete exactly these. It takes `--count` recordings, or `BENCH_FULL=1` for as many as 64 cameras make in 30
days. Hot, and with a cache that was emptied just before. Nothing is asserted of the figures: they are of one machine.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from tests.attack.arena import compiled
from tests.bench.chart import draw
from tests.bench.loop_disk import disk_for, empty_the_cache
from tests.bench.tables import PERFORMANCE, host, put, table
from tests.world import World

CAMERAS = 8
DAYS = 29
FULL = 64 * 30 * 8640
HERE = "retentiond: all of it, with trail and catalogue"
PERIOD = timedelta(days=30)
CHART = PERFORMANCE.with_name("sweep.svg")
AHEAD = timedelta(minutes=10)
HOUR = timedelta(hours=1)


Figure = tuple[str, list[float], int]
"""A way to sweep, its seconds, and the fewest that it deleted."""


class Sweeps:
    """A store of recordings of which none is due, to which a few are added for each sweep."""

    def __init__(self, root: Path, count: int, due: int, tools: Path) -> None:
        self.due = due
        self.tools = tools
        self.world = World(root, now=datetime.now(UTC).replace(microsecond=0))
        self.world.start()
        self.world.scan()
        self.count = self._lay_out(count)
        self.world.scan()
        self.sweeper = compiled(tools, Path(__file__).with_name("sweeper.c"))

    def _lay_out(self, count: int) -> int:
        a_day = max(1, count // (DAYS * CAMERAS))
        for camera in range(CAMERAS):
            for day in range(DAYS):
                first = self.world.clock.wall - (day + 1) * timedelta(days=1) + 2 * HOUR
                self._touch(f"cam-{camera}", first, a_day, timedelta(hours=20) / a_day)
        return a_day * DAYS * CAMERAS

    def _touch(self, camera: str, first: datetime, count: int, every: timedelta, *, age_s: float = 0) -> None:
        """Make empty recordings, by directory, since a path for each costs more than the file."""
        known = set()
        for number in range(count):
            path = self.world.path(camera, first + every * number)
            if path.parent not in known:
                path.parent.mkdir(parents=True, exist_ok=True)
                known.add(path.parent)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o644))
            if age_s:
                stamp = time.time() - age_s
                os.utime(path, (stamp, stamp))

    def add_due(self) -> None:
        """Add what falls due within the hour, written long ago: due by its name and by its age."""
        first = self.world.clock.wall - PERIOD + AHEAD
        for camera in range(CAMERAS):
            share = self.due // CAMERAS + (camera < self.due % CAMERAS)
            self._touch(f"cam-{camera}", first, share, timedelta(seconds=1), age_s=PERIOD.total_seconds() + 86400)

    def here(self, prepare: Callable[[], object]) -> tuple[float, int]:
        """Let time pass and sweep."""
        self.world.scan()
        before = self.world.catalogue.census(self.world.keeper.name).recordings
        self.world.clock.pass_time(HOUR)
        prepare()
        begun = time.perf_counter()
        self.world.cycle.tick()
        seconds = time.perf_counter() - begun
        return seconds, before - self.world.catalogue.census(self.world.keeper.name).recordings

    def beside(self, command: list[str], prepare: Callable[[], object]) -> tuple[float, int]:
        """Let another program sweep."""
        before = self._inodes_used()
        prepare()
        begun = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        seconds = time.perf_counter() - begun
        os.sync()
        gone = before - self._inodes_used()
        self.world.clock.pass_time(HOUR)
        self.world.scan()
        return seconds, gone

    def _inodes_used(self) -> int:
        return sum(len(files) for top, _, files in os.walk(self.world.store_path) if ".retentiond" not in top)

    def ways(self) -> Mapping[str, Callable[[Callable[[], object]], tuple[float, int]]]:
        """Return each way to sweep that this machine has."""
        store = str(self.world.store_path)
        rules = self.tools / "sweep.conf"
        rules.write_text(f"e {store} - - - m:30d\n")
        before = str(int(time.time() - PERIOD.total_seconds()))
        commands = {
            "find -delete": ["find", store, "-type", "f", "-mmin", "+43200", "-delete"],
            "tmpreaper": ["tmpreaper", "--mtime", "--runtime=0", "30d", store],
            "systemd-tmpfiles --clean": ["systemd-tmpfiles", "--clean", str(rules)],
            "fd -X rm": ["fdfind", "-H", "-I", "-t", "f", "--changed-before", "30d", ".", store, "-X", "rm"],
            "readdir, stat and unlink in C": [str(self.sweeper), store, before],
        }
        found = {name: words for name, words in commands.items() if shutil.which(words[0]) is not None}
        return {HERE: self.here, **{name: partial(self.beside, words) for name, words in found.items()}}


def figures(sweeps: Sweeps, rounds: int, prepare: Callable[[], object]) -> Iterator[Figure]:
    """Yield each way with its seconds; the ways take turns, so that what else the machine does meets all of them."""
    seconds: dict[str, list[float]] = {}
    deleted: dict[str, int] = {}
    ways = sweeps.ways()
    for _ in range(rounds):
        for name, way in ways.items():
            sweeps.add_due()
            took, gone = way(prepare)
            seconds.setdefault(name, []).append(took)
            deleted[name] = min(gone, deleted.get(name, gone))
            remove_what_is_left(sweeps)
    for name, took_each in seconds.items():
        yield name, took_each, deleted[name]


def remove_what_is_left(sweeps: Sweeps) -> None:
    """Delete what another program left of the due ones, so that the next begins with as many."""
    subprocess.run(
        [str(sweeps.sweeper), str(sweeps.world.store_path), str(int(time.time() - 30 * 86400))],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    sweeps.world.scan()


def rows_of(found: Sequence[Figure], due: int, cache: str) -> Iterator[tuple[object, ...]]:
    """Yield the rows of a table: median and range, and how many times as long as ours each takes."""
    ours = statistics.median(found[0][1])
    for name, took, gone in found:
        middle = statistics.median(took)
        spread = f"{min(took) * 1000:,.0f} to {max(took) * 1000:,.0f}"
        note = "" if gone == due else f" (deleted {gone:,} only)"
        yield name + note, cache, f"{middle * 1000:,.0f} ms", spread, f"{middle / ours:,.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", help="where to work; a directory on the disk that is meant")
    parser.add_argument("--count", type=int, default=FULL if os.environ.get("BENCH_FULL") == "1" else 200_000)
    parser.add_argument("--due", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hot-only", action="store_true", help="leave the page cache of this machine as it is")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.directory) as made, disk_for(Path(made), chosen.count) as disk:
        root = disk / "world"
        root.mkdir()
        sweeps = Sweeps(root, chosen.count, chosen.due, Path(made))
        found = {"hot": list(figures(sweeps, chosen.rounds, lambda: None))}
        if not chosen.hot_only and empty_the_cache():
            found["emptied"] = list(figures(sweeps, chosen.rounds, empty_the_cache))
        sweeps.world.stop()
    rows = [row for cache, of_cache in found.items() for row in rows_of(of_cache, chosen.due, cache)]
    text = table(("one pass", "cache", "median", "range, ms", "times as long"), rows)
    what = f"{chosen.due:,} due of {sweeps.count + chosen.due:,} empty recordings on ext4, {chosen.rounds} rounds"
    medians = {
        f"{name.partition(':')[0]}, {cache}": statistics.median(took)
        for cache, of_cache in found.items()
        for name, took, _ in of_cache
    }
    draw(CHART, f"One pass: {what}", medians)
    put("sweep-speed", f"{text}\n{what}. {host()}.\n", document=PERFORMANCE)


if __name__ == "__main__":
    main()
