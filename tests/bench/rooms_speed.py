"""How fast the rooms of a large clinic are checked. `python -m tests.bench.rooms_speed`; asserts nothing on time.

A thousand cameras that moved every year for ten years, three hundred rooms, and a recording of each camera on the disk;
`retentiond check` as somebody types it, with all that it reads. Beside it PyYAML with libyaml reads the same register,
and checks nothing.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.bench.tables import PERFORMANCE, host, put, table
from tests.clinic import camera_name, clinic_register

PEER = "import sys, yaml; yaml.load(open(sys.argv[1], encoding='utf-8'), Loader=yaml.CSafeLoader)"
SETTINGS = """\
controller: Bench
mode: observe
deletion_rules: [{{categories: [video, audio, still, derived], deletion_period: 30d}}]
stores: [{{name: main, path: {store}, recorder: template, layout: "{{camera}}/%Y-%m-%d/%H-%M-%S.mp4"}}]
state: {state}
register: register.yml
"""


def build(root: Path, devices: int, rooms: int, years: int) -> Path:
    """Write the configuration, the register and the store; return where the configuration is."""
    store, state, config = root / "srv" / "store", root / "state", root / "retentiond.yml"
    state.mkdir(mode=0o750)
    config.write_text(SETTINGS.format(store=store, state=state))
    (root / "register.yml").write_text(clinic_register(devices, rooms, years))
    start = datetime.now(UTC) - timedelta(days=1)
    for number in range(devices):
        day = store / camera_name(number, years - 1) / f"{start:%Y-%m-%d}"
        day.mkdir(parents=True)
        (day / f"{start:%H-%M-%S}.mp4").write_bytes(b"x")
    for path in (config, root / "register.yml"):
        path.chmod(0o644)
    return config


@dataclass(frozen=True, slots=True)
class Timed:
    """Wall and processor seconds of one command, and what it wrote."""

    wall_s: float
    processor_s: float
    output: str


def time_of(*arguments: str) -> Timed:
    """Run Python once with these arguments."""
    before, begun = os.times(), time.perf_counter()
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - begun, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return Timed(wall, used, done.stdout)


def retentiond(config: Path, *command: str) -> Timed:
    """Run one of our commands."""
    return time_of("-m", "retentiond", *command, "--config", str(config), "--json")


def compare(config: Path, rounds: int) -> list[list[object]]:
    """Return a row for each command and for the peer: the best of some rounds, in which each had its turn."""
    register = str(config.parent / "register.yml")
    runs: dict[str, Callable[[], Timed]] = {
        "beside: `yaml.load` with libyaml, and nothing checked": lambda: time_of("-c", PEER, register),
        "`retentiond config check`": lambda: retentiond(config, "config", "check"),
        "`retentiond check`": lambda: retentiond(config, "check"),
    }
    taken: dict[str, list[Timed]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            taken[name].append(run())
    best = {name: min(times, key=lambda timed: timed.wall_s) for name, times in taken.items()}
    peer = next(iter(best.values())).wall_s
    return [
        [name, f"{timed.wall_s:.2f} s", f"{timed.processor_s:.2f} s", f"{timed.wall_s / peer:.2f}"]
        for name, timed in best.items()
    ]


def main() -> None:
    """Take the figures, and put them into the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("devices", 1_000), ("rooms", 300), ("years", 10), ("rounds", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="retentiond-bench-") as directory:
        config = build(Path(directory).resolve(), given.devices, given.rooms, given.years)
        size = (config.parent / "register.yml").stat().st_size
        retentiond(config, "run", "--once")  # so that what lies in the store is known, as beside a daemon
        found = len(json.loads(retentiond(config, "check").output)["findings"])
        rows = compare(config, given.rounds)
    compiled = "not kept" if sys.dont_write_bytecode else "kept"
    text = table(["what", "time", "of a processor", "times as long"], rows) + (
        f"\n{given.devices:,} devices, {given.rooms:,} rooms, {given.years} years in {size:,} bytes; {found} "
        f"finding{'s' * (found != 1)}. The best of {given.rounds} rounds; compiled modules of Python {compiled}. "
        f"{host()}.\n"
    )
    put("rooms-speed", text, document=PERFORMANCE)


if __name__ == "__main__":
    main()
