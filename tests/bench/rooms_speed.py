"""How fast the rooms of a large clinic are checked. `python -m tests.bench.rooms_speed`; asserts nothing on time.

A thousand cameras that moved every year for ten years, three hundred rooms, and a recording of each camera on the disk;
`retentiond check` as somebody types it, with all that it reads.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.clinic import camera_name, clinic_register

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


def measure(config: Path, *command: str) -> tuple[float, float, int]:
    """Return wall and processor seconds of one command, and how many findings it has."""
    before, begun = os.times(), time.perf_counter()
    program = [sys.executable, "-m", "retentiond", *command, "--config", str(config), "--json"]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    wall, after = time.perf_counter() - begun, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, used, len(json.loads(done.stdout).get("findings", ()))


def main() -> None:
    """Print a line for each command."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("devices", 1_000), ("rooms", 300), ("years", 10)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="retentiond-bench-") as directory:
        config = build(Path(directory).resolve(), given.devices, given.rooms, given.years)
        size = (config.parent / "register.yml").stat().st_size
        print(f"{given.devices:,} devices, {given.rooms:,} rooms, {given.years} years: a register of {size:,} bytes")
        measure(config, "run", "--once")  # so that what lies in the store is known, as beside a daemon
        for command in (("config", "check"), ("check",)):
            best = min(measure(config, *command) for _ in range(3))
            print(
                f"retentiond {' '.join(command):13} {best[0]:.2f} s, {best[1]:.2f} s of a processor; {best[2]} findings"
            )


if __name__ == "__main__":
    main()
