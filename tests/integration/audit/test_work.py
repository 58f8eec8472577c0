"""How much work the trail does, counted and not timed: calls, lines parsed, bytes held. `tests/bench` has the speed."""

import os
import re
import subprocess
import sys
import tracemalloc
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from retentiond.audit.recovery import open_last_segment
from retentiond.audit.segment import begin_chain, whole_lines
from retentiond.audit.segment_file import RESERVE_BYTES
from retentiond.audit.verify import verify_trail
from tests.bench.audit_speed import deletions
from tests.integration.audit.disk_trail import SIGNER, DiskTrail, beats, needs

WRITER = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from tests.bench.audit_speed import deletions, settings
from retentiond.audit.trail import open_trail
events = deletions(100)
with open_trail(settings(Path(sys.argv[1]))) as trail:
    trail.append(events)
    os.write(1, b"begin\\n")
    for _ in range(int(sys.argv[3])):
        trail.append(events)
    os.write(1, b"end\\n")
"""
BATCHES = 60


def calls_of(path: Path, batches: int) -> Counter[str]:
    """Return how often a writer of so many batches called what matters, after its first batch."""
    needs("strace")
    root = str(Path(__file__).parents[3])
    calls = "write,fdatasync,fsync,rename,fallocate,ftruncate,unlink,openat"
    program = [sys.executable, "-B", "-c", WRITER, str(path), root, str(batches)]
    command = ["strace", "-f", "-o", str(path.parent / "calls"), "-e", f"trace={calls}", *program]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    if "ptrace" in run.stderr.lower():
        pytest.skip("strace may not trace here")
    assert run.stdout == "begin\nend\n", run.stderr
    lines = (path.parent / "calls").read_text().splitlines()
    marks = [number for number, line in enumerate(lines) if re.search(r'write\(1, "(begin|end)', line)]
    assert len(marks) == 2
    return Counter(re.sub(r"^\d+ +(\w+)\(.*", r"\1", line) for line in lines[marks[0] + 1 : marks[1]])


def test_a_batch_is_one_write_and_one_sync(tmp_path: Path) -> None:
    calls = calls_of(tmp_path / "audit", BATCHES)
    heads = calls["rename"]  # a head at most once a second: a file, a rename and a directory
    assert heads < BATCHES / 2
    assert calls["fdatasync"] == BATCHES
    assert calls["write"] == BATCHES + heads
    assert calls["fsync"] == 2 * heads
    assert calls["openat"] <= 2 * heads + 1  # and the C library, once
    assert calls["ftruncate"] == calls["unlink"] == 0
    size = (tmp_path / "audit" / "log" / "00000000000000000000.jsonl").stat().st_size
    assert calls["fallocate"] <= size / (RESERVE_BYTES // 2) + 1


def test_nearly_no_line_of_a_long_trail_is_parsed(tmp_path: Path) -> None:
    disk = DiskTrail(tmp_path / "audit")
    with disk.open() as trail:
        for _ in range(20):
            trail.append(deletions(100))
            trail.append(beats(5))
    chain, parsed = begin_chain(), 0
    for line in whole_lines(str(disk.files()[0])):
        parsed += chain.follow(line) is not None
    assert chain.seq == 20 * 105 + 1
    assert parsed <= 5


def test_a_start_opens_the_last_segment_only(tmp_path: Path) -> None:
    """What it does not open it does not read: the former segments cannot even be opened."""
    disk = DiskTrail(tmp_path / "audit", signer=SIGNER)
    for _ in range(6):
        disk.fill(2, each=20)
        disk.now += timedelta(days=31)
    disk.now -= timedelta(days=31)
    for path in disk.files()[:-1]:
        path.unlink()
        path.mkdir()
    opened = open_last_segment(str(disk.path), str(disk.log), disk.now)
    assert opened.segment.first == int(disk.files()[-1].stem)


def peak_of(path: Path, batches: int) -> int:
    """Return the most memory that a writer of so many batches held at once."""
    disk = DiskTrail(path)
    events = deletions(100)
    with disk.open(segment_bytes=1 << 20) as trail:
        for _ in range(50):  # more leaves than a chain holds back
            trail.append(events)
        tracemalloc.start()
        try:
            for _ in range(batches):
                trail.append(events)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


def test_the_memory_of_a_writer_does_not_grow_with_the_trail(tmp_path: Path) -> None:
    short, long = peak_of(tmp_path / "short", 10), peak_of(tmp_path / "long", 150)
    assert long < short * 1.3


def test_the_memory_of_a_check_does_not_grow_with_the_trail(tmp_path: Path) -> None:
    peaks = []
    disk = DiskTrail(tmp_path / "audit")
    for batches in (60, 180):
        with disk.open() as trail:
            for _ in range(batches):
                trail.append(deletions(100))
        verify_trail(str(disk.path))  # what is compiled once is not counted
        tracemalloc.start()
        verify_trail(str(disk.path))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.3
    assert os.path.getsize(disk.files()[0]) > 8 << 20
