"""Writing the trail: what stands in its files, over restarts, months and other people's hands."""

import os
import stat
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from retentiond.audit.trail import HEAD_EVERY_S
from retentiond.audit.verify import verify_trail
from retentiond.domain.errors import ConfigurationError, StorageError, TryAgainError
from retentiond.domain.event import EventType
from tests.builders import an_event, at
from tests.integration.audit.disk_trail import ORIGIN, SIGNER, DiskTrail, beats, leaf, needs, root_by_definition


@pytest.fixture
def disk(tmp_path: Path) -> DiskTrail:
    return DiskTrail(tmp_path / "audit")


def test_the_first_line_says_who_began(disk: DiskTrail) -> None:
    with disk.open(opening=(("version", "1.2"), ("boot_id", "b-1"))):
        pass
    (line,) = disk.fields()
    del line["salt"]
    assert line == {
        "v": 1,
        "seq": 0,
        "ts": "2026-03-31T12:00:00.000Z",
        "type": "audit.open",
        "run": "run-1",
        "prev": "0" * 64,
        "origin": ORIGIN,
        "version": "1.2",
        "boot_id": "b-1",
    }
    assert (disk.path / "origin").read_text() == f"{ORIGIN}\n"
    assert [path.name for path in disk.files()] == ["00000000000000000000.jsonl"]


def test_chain_and_root_are_right_by_another_computation(disk: DiskTrail) -> None:
    """The ten lines that anybody can write who has the files."""
    for count in (1, 3, 7):
        disk.fill(count, each=5)
    prev = "0" * 64
    leaves = []
    for seq, (line, fields) in enumerate(zip(disk.lines(), disk.fields(), strict=True)):
        assert (fields["seq"], fields["prev"]) == (seq, prev)
        leaves.append(leaf(line))
        prev = leaves[-1].hex()
    assert disk.checkpoint() == (ORIGIN, len(leaves), root_by_definition(leaves))


def test_chain_is_right_in_the_shell(disk: DiskTrail) -> None:
    needs("jq")
    disk.fill(3, each=2)
    script = """
    want=$(printf '0%.0s' $(seq 64))
    while IFS= read -r line; do
      [ "$(printf %s "$line" | jq -r .prev)" = "$want" ] || { echo "broken at: $line"; exit 1; }
      want=$( (printf '\\0'; printf %s "$line") | sha256sum | cut -d' ' -f1)
    done < "$1"; echo whole
    """
    run = subprocess.run(["bash", "-c", script, "-", str(disk.files()[0])], capture_output=True, text=True, check=True)
    assert run.stdout == "whole\n"


def test_jq_writes_the_very_same_file(disk: DiskTrail) -> None:
    needs("jq")
    with disk.open() as trail:
        trail.append([an_event(EventType.HEARTBEAT, note='ä"\\/\u2028\U0001f600\x01\t\n', deep={"b": [], "a": {}})])
        trail.append(beats(50))
    run = subprocess.run(["jq", "-cS", ".", str(disk.files()[0])], capture_output=True, check=True)
    assert run.stdout == disk.files()[0].read_bytes()


def test_a_restart_goes_on_with_number_chain_and_tree(disk: DiskTrail) -> None:
    for expected in (0, 3, 6):
        with disk.open() as trail:
            assert [record.seq for record in trail.append(beats(2))] == [expected + 1, expected + 2]
            head = trail.head()
        assert (head.size, head.root) == (expected + 3, root_by_definition([leaf(line) for line in disk.lines()]))
    assert disk.types().count("audit.open") == 3
    assert verify_trail(str(disk.path)).size == 9


def test_every_line_has_a_salt_of_its_own_and_the_id_of_its_run(disk: DiskTrail) -> None:
    for _ in range(2):
        with disk.open(run="") as trail:
            trail.append(beats(20))
    fields = disk.fields()
    assert len({item["salt"] for item in fields}) == len(fields) == 42
    assert len({item["run"] for item in fields}) == 2
    assert all(len(item["run"]) == 32 for item in fields)


def test_salts_come_from_where_the_settings_say(disk: DiskTrail) -> None:
    with disk.open(random_bytes=lambda size: b"\0" * size):
        pass
    assert disk.fields()[0]["salt"] == "A" * 22


def test_the_salt_keeps_equal_records_apart(disk: DiskTrail) -> None:
    with disk.open() as trail:
        one, other = trail.append([beats()[0], beats()[0]])
    assert one.fields == other.fields
    assert disk.fields()[1]["salt"] != disk.fields()[2]["salt"]


def test_files_are_not_for_everybody(disk: DiskTrail) -> None:
    before = os.umask(0o022)
    try:
        disk.signer = SIGNER
        disk.fill(1)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [disk.path, disk.log, *disk.files()]}
    assert modes == {"audit": 0o750, "log": 0o750, "00000000000000000000.jsonl": 0o640}
    for public in ("origin", "keys", "checkpoint"):
        assert stat.S_IMODE((disk.path / public).stat().st_mode) == 0o644


def test_a_second_writer_is_refused_and_a_third_after_the_first_is_not(disk: DiskTrail) -> None:
    with disk.open():
        with pytest.raises(TryAgainError, match="another process writes"), disk.open():
            pass
        assert len(disk.lines()) == 1
    disk.fill(1)


def test_a_writer_in_another_process_is_refused(disk: DiskTrail) -> None:
    child = (
        "import sys, fcntl\n"
        "lock = open(sys.argv[1], 'w')\n"
        "try:\n    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "except BlockingIOError:\n    print('held')\n"
    )
    with disk.open():
        command = [sys.executable, "-c", child, str(disk.path / "origin.lock")]
        assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "held\n"


def test_another_origin_is_refused(disk: DiskTrail) -> None:
    disk.fill(1)
    (disk.path / "origin").write_text("other.example/retentiond\n")
    with (
        pytest.raises(ConfigurationError, match=r"the trail in .* is that of 'other\.example/retentiond'"),
        disk.open(),
    ):
        pass


def test_nothing_is_open_after_it_is_closed(disk: DiskTrail) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with disk.open() as trail:
        trail.append(beats())
    assert len(os.listdir("/proc/self/fd")) == before
    with pytest.raises(StorageError, match="is closed"):
        trail.append(beats())
    assert len(disk.lines()) == 2


# --- heads --------------------------------------------------------------------------------------------------------


def test_the_head_on_disk_is_written_once_a_second_at_most_and_at_the_end(disk: DiskTrail) -> None:
    with disk.open() as trail:
        begun = time.monotonic()
        written = set()
        for _ in range(50):
            trail.append(beats())
            written.add((disk.path / "checkpoint").stat().st_mtime_ns)
        assert len(written) <= 2 + (time.monotonic() - begun)
        trail.publish()
        assert disk.checkpoint()[1] == 51
        trail.append(beats())
    assert disk.checkpoint()[1] == 52


def test_a_head_that_was_put_off_is_kept_when_there_is_time(disk: DiskTrail, monkeypatch: pytest.MonkeyPatch) -> None:
    with disk.open() as trail:
        trail.append(beats())
        trail.append(beats())
        assert disk.checkpoint()[1] < trail.head().size
        trail.keep_head()
        assert disk.checkpoint()[1] < trail.head().size
        later = time.monotonic() + HEAD_EVERY_S
        monkeypatch.setattr(time, "monotonic", lambda: later)
        trail.keep_head()
        assert disk.checkpoint()[1] == trail.head().size
        written = (disk.path / "checkpoint").stat().st_ino
        monkeypatch.setattr(time, "monotonic", lambda: later + 1000)
        trail.keep_head()
        assert (disk.path / "checkpoint").stat().st_ino == written


def test_there_is_a_head_before_there_is_a_line(disk: DiskTrail) -> None:
    disk.log.mkdir(parents=True)
    (disk.log / "00000000000000000000.jsonl").mkdir()  # so that no line can be written
    with pytest.raises(StorageError), disk.open():
        pass
    (disk.log / "00000000000000000000.jsonl").rmdir()
    with disk.open():
        assert disk.checkpoint()[1] in {0, 1}


def test_a_head_that_cannot_be_written_stops_no_record(disk: DiskTrail) -> None:
    with disk.open() as trail:
        checkpoint = disk.path / "checkpoint"
        checkpoint.unlink()
        checkpoint.mkdir()
        with pytest.raises(StorageError):
            trail.publish()
        trail.append(beats())
        assert trail.head().size == 2
    checkpoint.rmdir()
    disk.fill(1)
    assert verify_trail(str(disk.path)).size == 4


def test_heads_are_signed_as_soon_as_there_is_a_key(disk: DiskTrail) -> None:
    disk.fill(1)
    assert verify_trail(str(disk.path)).signed is False
    disk.signer = SIGNER
    with disk.open() as trail:
        assert trail.head().signed
    assert verify_trail(str(disk.path)).signed
    assert (disk.path / "keys").read_text().endswith(" 2\n")


# --- segments -----------------------------------------------------------------------------------------------------


def test_a_month_has_a_segment_of_its_own_that_states_what_was_before(disk: DiskTrail) -> None:
    disk.now = at("2026-03-31 23:59:59.999")
    with disk.open() as trail:
        trail.append(beats(2))
        before = trail.head()
        disk.now = at("2026-04-01")
        trail.append(beats(2))
    first, second = disk.files()
    assert second.name == f"{before.size:020d}.jsonl"
    header = disk.fields()[before.size]
    assert (header["type"], header["previous"], header["size"], header["root"]) == (
        "audit.segment",
        first.name,
        before.size,
        before.root.hex(),
    )
    assert verify_trail(str(disk.path)).size == 6


def test_months_are_those_of_utc(disk: DiskTrail) -> None:
    disk.now = datetime.fromisoformat("2026-04-01T01:00+02:00")
    with disk.open() as trail:
        disk.now = at("2026-03-31 23:59")
        trail.append(beats())
        assert len(disk.files()) == 1
        disk.now = datetime.fromisoformat("2026-03-31T22:00-02:00")
        trail.append(beats())
    assert len(disk.files()) == 2


def test_a_segment_that_is_full_is_followed_by_another(disk: DiskTrail) -> None:
    for _ in range(2):
        with disk.open(segment_bytes=2000) as trail:
            for _ in range(20):
                trail.append(beats())
    sizes = [path.stat().st_size for path in disk.files()]
    assert len(sizes) > 4
    assert all(2000 <= size < 2600 for size in sizes[:-1])
    assert verify_trail(str(disk.path)).size == len(disk.lines())


def test_a_start_in_another_month_begins_another_segment(disk: DiskTrail) -> None:
    disk.fill(2)
    disk.now += timedelta(days=31)
    disk.fill(2)
    disk.fill(2)
    assert [path.name for path in disk.files()] == ["00000000000000000000.jsonl", "00000000000000000003.jsonl"]
    assert disk.types()[3:6] == ["audit.segment", "audit.open", "heartbeat"]
    assert verify_trail(str(disk.path)).size == len(disk.lines()) == 10


def test_a_clock_that_was_ahead_costs_no_more_than_a_segment(disk: DiskTrail) -> None:
    disk.now = datetime(2099, 1, 1, tzinfo=UTC)
    disk.fill(1)
    disk.now = at("2026-03-01")
    disk.fill(1)
    disk.now = at("2026-04-01")
    disk.fill(1)
    assert len(disk.files()) == 3
    assert verify_trail(str(disk.path)).size == len(disk.lines())


def months(disk: DiskTrail, count: int = 3) -> None:
    """Fill some segments, one a month."""
    for _ in range(count):
        disk.fill(3, each=3)
        disk.now += timedelta(days=31)
    disk.now -= timedelta(days=31)


def test_a_start_reads_the_last_segment_only(disk: DiskTrail) -> None:
    months(disk)
    for path in disk.files()[:-1]:
        path.write_bytes(b"not looked at\n")
    disk.fill(1)


@pytest.mark.parametrize("frontier", [None, b"", b"\xff", b"0\n1\n", b"00" * 32 + b"\n" + b"11" * 32 + b"\n"])
def test_an_edge_that_is_missing_or_none_is_made_again_from_the_lines(disk: DiskTrail, frontier: bytes | None) -> None:
    months(disk)
    edge = disk.files()[-1].with_suffix(".frontier")
    right = edge.read_bytes()
    edge.unlink() if frontier is None else edge.write_bytes(frontier)
    disk.fill(1)
    assert edge.read_bytes() == right
    assert disk.checkpoint()[2] == root_by_definition([leaf(line) for line in disk.lines()])


@pytest.mark.parametrize("row", [0, 1, -1])
def test_an_edge_with_another_hash_is_made_again_from_the_lines(disk: DiskTrail, row: int) -> None:
    months(disk)
    edge = disk.files()[-1].with_suffix(".frontier")
    right = edge.read_bytes()
    rows = right.decode().splitlines()
    rows[row] = "5a" * 32
    edge.write_text("\n".join(rows) + "\n")
    disk.fill(1)
    assert edge.read_bytes() == right
    assert disk.checkpoint()[2] == root_by_definition([leaf(line) for line in disk.lines()])


def test_a_header_that_was_torn_off_is_written_again(disk: DiskTrail) -> None:
    months(disk)
    first, header = disk.files()[-2], disk.files()[-1]
    line = header.read_bytes().split(b"\n")[0]
    header.write_bytes(line[: len(line) // 2])
    size = int(header.stem)
    leaves = [leaf(line) for line in disk.lines()[:size]]
    disk.set_checkpoint(size, root_by_definition(leaves))
    disk.fill(1)
    assert disk.types()[size:] == ["audit.segment", "audit.open", "audit.recovered", "heartbeat"]
    assert disk.fields()[size]["previous"] == first.name
    assert verify_trail(str(disk.path)).size == len(disk.lines())
