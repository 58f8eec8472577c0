"""What a deletion costs, beside the cheapest there can be. `python -m tests.bench.deletion_speed --directory DISK`.

The rows of each round are measured right after one another, on the same disk and the same kind of files. Nothing is
asserted: figures are of one machine.
"""

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from retentiond.domain.recording import CameraName, Category, Place, Recording, Stream, Unit
from retentiond.domain.run import CHUNK, DueRecording
from retentiond.ports import Arrived, DirectoryStamp, Listing, Pinned, Removed
from retentiond.services.delete import Order
from tests.attack.arena import compiled
from tests.bench.tables import host, put, table
from tests.world import MAIN, World

PER_DIRECTORY = 250
FILM = b"x" * 4096
UNLINKER = Path(__file__).parents[1] / "attack" / "unlinker.c"


class Rows:
    """Lays out recordings and deletes them in one way after the other."""

    def __init__(self, root: Path, count: int) -> None:
        self.count = count
        self.world = World(root, now=datetime.now(UTC).replace(microsecond=0))
        self.world.start()
        self.world.scan()
        self.unlinker = compiled(root, UNLINKER)

    def lay_out(self) -> list[Recording]:
        """Write recordings of so many days that none of their directories is large."""
        world, stream = self.world, Stream(MAIN, CameraName("hall"), Category.VIDEO)
        first = world.clock.wall.replace(hour=0, minute=0, second=0) - timedelta(days=400)
        made = []
        for number in range(self.count):
            day, second = divmod(number, PER_DIRECTORY)
            start = first + timedelta(days=day, seconds=second)
            path = world.path("hall", start)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(FILM)
            stamp = start.timestamp() + 1
            os.utime(path, (stamp, stamp))
            directory = os.fsencode(path.parent.relative_to(world.store_path))
            made.append(Recording(stream, Place(directory, os.fsencode(path.name)), start))
        os.sync()
        return made

    def bare(self, *more: str) -> float:
        """Return the seconds of a loop of unlinkat in C."""
        names = b"".join(item.place.path + b"\0" for item in self.lay_out())
        command = [str(self.unlinker), str(self.world.store_path), *more]
        count, nanoseconds = subprocess.run(command, input=names, capture_output=True, check=True).stdout.split()
        assert int(count) == self.count
        return int(nanoseconds) / 1e9

    def python(self) -> float:
        """Return the seconds of the same loop in Python."""
        paths = [os.path.join(os.fsencode(self.world.store_path), item.place.path) for item in self.lay_out()]
        begun = time.perf_counter()
        for path in paths:
            os.unlink(path)
        return time.perf_counter() - begun

    def sequence(self) -> float:
        """Return the seconds of pin, claim, verify, unlink and sync, in chunks, without a record."""
        places = [item.place for item in self.lay_out()]
        begun = time.perf_counter()
        for first in range(0, len(places), CHUNK):
            with self.world.keeper.store.chunk() as chunk:
                pins = [chunk.pin(place, Unit.FILE) for place in places[first : first + CHUNK]]
                for number, pin in enumerate(pins):
                    assert isinstance(pin, Pinned)
                    chunk.remove(pin, f"run-{first + number}")
                assert all(isinstance(removal, Removed) for removal in chunk.settle().values())
        return time.perf_counter() - begun

    def run(self) -> float:
        """Return the seconds of a whole run: with trail, catalogue and the rules asked again."""
        world, items = self.world, self.lay_out()
        (rule,) = world.book.policy.rules
        for first in range(0, len(items), PER_DIRECTORY):
            group = items[first : first + PER_DIRECTORY]
            listing = Listing(group[0].place.directory, DirectoryStamp(1, 1, 1), ())
            world.catalogue.update(MAIN, listing, [Arrived(item, item.start) for item in group], (), ())
        due = [DueRecording(item, rule) for item in items]
        begun = time.perf_counter()
        result = world.parts.deleter.run(
            Order(world.keeper.store, world.keeper.recorder, due, len(due), timedelta(seconds=60))
        )
        seconds = time.perf_counter() - begun
        assert result.deleted == self.count, result
        return seconds

    def all(self, rounds: int) -> Iterator[tuple[str, int, str, str]]:
        """Yield each way with recordings a second, the time of one, and how many times the bare loop that is."""
        ways = {
            "unlinkat in C, nothing else": self.bare,
            "the same, then syncfs": lambda: self.bare("sync"),
            "os.unlink in Python": self.python,
            "the whole sequence on the disk (claim, verify, unlink, sync)": self.sequence,
            "a whole run (rules, intents, sequence, outcomes, catalogue; all durable)": self.run,
        }
        best = {name: min(way() for _ in range(rounds)) for name, way in ways.items()}
        floor = min(best.values())
        for name, seconds in best.items():
            each = seconds / self.count
            yield name, round(1 / each), f"{each * 1e6:,.0f} µs", f"{seconds / floor:,.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", help="where to work; a directory on the disk that is meant")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.directory) as made:
        rows = Rows(Path(made), chosen.count)
        lines = list(rows.all(chosen.rounds))
        rows.world.stop()
    text = table(("way", "recordings a second", "each", "times the bare loop"), lines)
    what = f"{chosen.count:,} recordings of {len(FILM):,} bytes in directories of {PER_DIRECTORY}"
    put("deletion-speed", f"{text}\n{what}, the best of {chosen.rounds} rounds. {host()}.\n")


if __name__ == "__main__":
    main()
