"""How fast the trail is written, opened and checked. `python -m tests.bench.audit_speed`; asserts nothing on time."""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from retentiond.audit.trail import TrailSettings, open_trail
from retentiond.audit.verify import verify_trail
from retentiond.domain.event import Event, EventType
from retentiond.tlog.key import Signer
from tests.bench.tables import PERFORMANCE, host, put, table

ORIGIN = "nvr.example/retentiond"
NOW = datetime(2026, 3, 1, 2, 0, 4, 123_000, tzinfo=UTC)


def deletions(count: int) -> list[Event]:
    """Return what the daemon writes most of: `count` outcomes."""
    return [
        Event(
            EventType.RECORDING_DELETED,
            {
                "outcome": "success",
                "intent": number,
                "claim": f"bbb17c7b7c05f4df-{number}",
                "store": "main",
                "rec": {
                    "camera": f"cam-{number % 100:03d}",
                    "category": "video",
                    "path": f"cam-{number % 100:03d}/2026-01-30/01-{number % 60:02d}-00.mp4",
                    "start": f"2026-01-30T01:{number % 60:02d}:00.000Z",
                    "bytes": 187_342_432 + number,
                },
                "rule": "rule-1",
                "deadline": f"2026-03-01T01:{number % 60:02d}:00.000Z",
                "age_s": 2_592_011,
            },
        )
        for number in range(count)
    ]


def settings(path: Path) -> TrailSettings:
    return TrailSettings(str(path), ORIGIN, lambda: NOW, signer=Signer.from_seed(ORIGIN, bytes(32)))


def write(path: Path, batch: int, total: int) -> float:
    """Write `total` records in batches; return the seconds that took, without opening and closing."""
    events = deletions(batch)
    with open_trail(settings(path)) as trail:
        begun = time.perf_counter()
        for _ in range(total // batch):
            trail.append(events)
        return time.perf_counter() - begun


def write_bare(path: Path, size_bytes: int, times: int) -> float:
    """Write and sync as many bytes as often, and do nothing else."""
    data = b"x" * size_bytes
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        begun = time.perf_counter()
        for _ in range(times):
            os.write(descriptor, data)
            os.fdatasync(descriptor)
        return time.perf_counter() - begun
    finally:
        os.close(descriptor)


def measure_append(directory: Path, rounds: int) -> Iterator[tuple[str, ...]]:
    for batch, total in ((1, 2_000), (10, 10_000), (100, 50_000), (1000, 100_000)):
        ours, bare = [], []
        for number in range(rounds):
            path = directory / f"append-{batch}-{number}"
            ours.append(write(path, batch, total))
            log = next((path / "log").glob("*.jsonl"))
            size_bytes = log.stat().st_size // (total // batch)
            bare.append(write_bare(directory / f"bare-{batch}-{number}", size_bytes, total // batch))
        best, floor = min(ours), min(bare)
        yield (
            f"{batch:,}",
            f"{total / best:,.0f}",
            f"{total / floor:,.0f}",
            f"{floor / best:.0%}",
        )


def measure_long(directory: Path, lines: int) -> Iterator[tuple[str, ...]]:
    """Check and open a long trail."""
    path = directory / "long"
    write(path, 1000, lines)
    size = sum(item.stat().st_size for item in (path / "log").iterdir())
    for _ in range(2):
        begun = time.perf_counter()
        verified = verify_trail(str(path))
        seconds = time.perf_counter() - begun
        yield (
            f"verify {verified.size:,} lines",
            f"{verified.size / seconds:,.0f} lines/s",
            f"{size / seconds / 1e6:,.0f} MB/s",
        )
    begun = time.perf_counter()
    with open_trail(settings(path)):
        yield f"open after {lines:,} lines", f"{time.perf_counter() - begun:.2f} s", "reads the last segment"


def measure_memory(directory: Path) -> Iterator[tuple[str, ...]]:
    """Peak memory of a writer, in a process of its own, by how much it writes."""
    for lines in (10_000, 200_000):
        command = [
            sys.executable,
            "-m",
            "tests.bench.audit_speed",
            "--only-write",
            str(lines),
            "--directory",
            str(directory),
        ]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        yield f"memory of a writer of {lines:,} lines", f"{int(run.stdout) // 1024:,} MiB at most", ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", help="where to write; a directory on the disk that is meant")
    parser.add_argument("--lines", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only-write", type=int, default=0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.directory) as made:
        directory = Path(made)
        if chosen.only_write:
            write(directory / "memory", 100, chosen.only_write)
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
            return
        appended = list(measure_append(directory, chosen.rounds))
        put(
            "audit-append",
            table(("records a call", "records a second", "bare write and fdatasync", "of that"), appended)
            + f"\nThe best of {chosen.rounds} rounds; each round has both, on the same disk. {host()}.\n",
            document=PERFORMANCE,
        )
        checked = [*measure_long(directory, chosen.lines), *measure_memory(directory)]
        put("audit-check", table(("what", "figure", ""), checked) + f"\n{host()}.\n", document=PERFORMANCE)


if __name__ == "__main__":
    main()
