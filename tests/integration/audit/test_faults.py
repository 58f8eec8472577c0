"""A writer that is killed, or whose calls fail, keeps what it promised and promises nothing that it cannot keep."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from retentiond.audit.segment_file import RESERVE_BYTES
from retentiond.audit.verify import verify_trail
from retentiond.domain.errors import DurabilityLostError, StorageError
from tests.integration.audit.disk_trail import (
    DiskTrail,
    beats,
    fill_disk,
    leaf,
    needs,
    root_by_definition,
    small_disk,
    small_ext4,
)

WRITER = """
import os, sys
from datetime import UTC, datetime, timedelta
sys.path.insert(0, sys.argv[2])
from retentiond.audit.trail import TrailSettings, open_trail
from retentiond.domain.errors import DurabilityLostError, StorageError
from retentiond.domain.event import Event, EventType
now = datetime(2026, 3, 31, 23, tzinfo=UTC)
os.write(1, b"begin\\n")
try:
    with open_trail(TrailSettings(sys.argv[1], "nvr.example/retentiond", lambda: now)) as trail:
        for batch in range(4):
            if batch == 2:
                now += timedelta(days=1)
            records = trail.append([Event(EventType.HEARTBEAT, {"batch": batch})] * 3)
            os.write(1, b"%d\\n" % records[-1].seq)
except DurabilityLostError as error:
    try:
        trail.append([Event(EventType.HEARTBEAT, {})])
    except (DurabilityLostError, NameError):
        os.write(1, b"lost\\n")
    sys.exit(74)
except StorageError as error:
    os.write(1, b"failed\\n")
    sys.exit(1)
"""
BATCHES = ["3", "6", "10", "13"]
"""The number of the last record of each batch; a header takes 7."""


@pytest.fixture
def disk(tmp_path: Path) -> DiskTrail:
    return DiskTrail(tmp_path / "audit")


def write_with_fault(disk: DiskTrail, injection: str, *, only: Sequence[Path] = ()) -> tuple[int, list[str]]:
    """Let a writer run into a fault, in all files or `only` in some; return its exit status and what it said."""
    needs("strace")
    root = str(Path(__file__).parents[3])
    program = [sys.executable, "-B", "-c", WRITER, str(disk.path), root]
    paths = [word for path in only for word in ("-P", str(path))]
    command = ["strace", "-f", "-o", "/dev/null", *paths, "-e", f"inject={injection}", *program]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if "ptrace" in run.stderr.lower():
        pytest.skip("strace may not trace here")
    assert "begin" in run.stdout, run.stderr
    return run.returncode, run.stdout.split()[1:]


def start_again(disk: DiskTrail, said: list[str]) -> None:
    """Start again, and check that every record that was promised is there."""
    promised = [int(word) for word in said if word.isdigit()]
    disk.now = disk.now.replace(month=4, day=2)
    disk.fill(1)
    assert [fields["seq"] for fields in disk.fields()] == list(range(len(disk.lines())))
    assert verify_trail(str(disk.path)).size > max(promised, default=-1)
    assert all(disk.fields()[seq]["batch"] == batch for batch, seq in enumerate(promised))


@pytest.mark.parametrize("call", ["fdatasync", "fsync", "rename", "fallocate"])
def test_a_writer_that_is_killed_at_any_call_keeps_what_it_promised(disk: DiskTrail, call: str) -> None:
    number = 0
    while True:
        number += 1
        shutil.rmtree(disk.path, ignore_errors=True)
        status, said = write_with_fault(disk, f"{call}:signal=KILL:when={number}")
        if status == 0:
            break
        assert status in {-signal.SIGKILL, 128 + signal.SIGKILL}
        start_again(disk, said)
    assert said == BATCHES
    assert number > 2


@pytest.mark.parametrize("call", ["fsync:error=EIO", "rename:error=EIO", "fallocate:error=EOPNOTSUPP"])
def test_a_writer_whose_calls_fail_keeps_what_it_promised(disk: DiskTrail, call: str) -> None:
    number = 0
    said: list[str] = []
    while said != BATCHES or number < 6:
        number += 1
        shutil.rmtree(disk.path, ignore_errors=True)
        status, said = write_with_fault(disk, f"{call}:when={number}")
        assert (status, said[-1]) in {(0, "13"), (1, "failed"), (74, "lost")}
        start_again(disk, said)


@pytest.mark.parametrize("fault", ["signal=KILL", "error=EIO", "error=ENOSPC", "retval=7"])
def test_a_writer_whose_lines_are_not_written_keeps_what_it_promised(disk: DiskTrail, fault: str) -> None:
    """`retval=7`: the call says that it wrote seven bytes, and wrote none."""
    segments = [disk.log / f"{first:020d}.jsonl" for first in (0, 7)]
    statuses = []
    for number in range(1, 8):
        shutil.rmtree(disk.path, ignore_errors=True)
        status, said = write_with_fault(disk, f"write:{fault}:when={number}", only=segments)
        assert status in {0, 1, -signal.SIGKILL, 128 + signal.SIGKILL}
        assert (status == 0) == (said == BATCHES)
        start_again(disk, said)
        statuses.append(status)
    assert statuses[1] and statuses[4]
    # The writer has five batches. The very first waits for the second if the disk takes nothing yet.
    assert statuses[5:] == [0, 0]


@pytest.mark.parametrize(
    ("number", "batches", "durable"),
    [(1, 0, 0), (2, 0, 1), (3, 1, 4), (4, 2, 8), (5, 3, 11)],
)
def test_a_failed_sync_is_not_tried_again_and_the_next_start_reads_back(
    disk: DiskTrail, number: int, batches: int, durable: int
) -> None:
    status, said = write_with_fault(disk, f"fdatasync:error=EIO:when={number}")
    assert (status, said) == (74, [*BATCHES[:batches], "lost"])
    _, size, root = disk.checkpoint()
    assert size == durable
    assert root == root_by_definition([leaf(line) for line in disk.lines()[:size]])
    start_again(disk, said)


# --- a full disk --------------------------------------------------------------------------------------------------


@pytest.mark.privileged
def test_a_full_disk_refuses_whole_batches_and_the_trail_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "-t", "tmpfs", "-o", "size=64k", "tmpfs") as path:
        disk = DiskTrail(path / "audit")
        with disk.open() as trail:
            trail.append(beats())
            stuff = fill_disk(path)
            before, kept = trail.head(), b""
            for _ in range(3):
                with pytest.raises(StorageError, match=r"No space left on device.*make room"):
                    for _ in range(1000):
                        before, kept = trail.head(), disk.files()[0].read_bytes()
                        trail.append(beats(7))
                assert trail.head() == before
                assert disk.files()[0].read_bytes() == kept
            stuff.unlink()
            assert trail.append(beats())[0].seq == before.size
        assert verify_trail(str(disk.path)).size == before.size + 1


@pytest.mark.privileged
def test_on_a_full_disk_the_reserve_takes_records_also_after_a_restart_and_in_another_month(tmp_path: Path) -> None:
    with small_ext4(tmp_path) as path:
        disk = DiskTrail(path / "audit")
        disk.fill(1)
        stuff = fill_disk(path)
        for month in (4, 5):
            disk.now = disk.now.replace(month=month, day=1)
            with disk.open() as trail:
                for _ in range(100):
                    trail.append(beats(10))
        assert len(disk.files()) == 1
        size = disk.files()[0].stat().st_size
        assert RESERVE_BYTES // 3 < size < RESERVE_BYTES
        assert verify_trail(str(disk.path)).size == 2004
        with pytest.raises(StorageError, match="make room"), disk.open() as trail:
            for _ in range(1000):
                trail.append(beats(10))
        stuff.unlink()
        disk.fill(1)
        assert len(disk.files()) == 2
        assert verify_trail(str(disk.path)).size == len(disk.lines()) > 2500


@pytest.mark.privileged
def test_the_reserve_does_not_show_in_the_file_and_goes_back_with_the_segment(tmp_path: Path) -> None:
    with small_ext4(tmp_path) as path:
        disk = DiskTrail(path / "audit")
        disk.fill(1)
        (first,) = disk.files()
        assert first.stat().st_blocks * 512 >= RESERVE_BYTES
        assert b"\0" not in first.read_bytes()
        disk.now = disk.now.replace(month=4, day=1)
        disk.fill(1)
        assert first.stat().st_blocks * 512 <= 8192


@pytest.mark.privileged
def test_a_disk_that_takes_writes_and_loses_them_ends_the_writer(tmp_path: Path) -> None:
    """The file below the disk has no room: writes succeed, and the sync tells."""
    needs("mkfs.ext4")
    with small_disk(tmp_path / "host", "-t", "tmpfs", "-o", "size=1m", "tmpfs") as host:
        image = host / "image"
        with image.open("wb") as file:
            file.truncate(16 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", str(image)], check=True)
        with small_disk(tmp_path / "disk", "-o", "loop", str(image)) as path:
            disk = DiskTrail(path / "audit")
            with pytest.raises(DurabilityLostError, match="a sync failed"), disk.open() as trail:
                for _ in range(5000):
                    trail.append(beats(20))
