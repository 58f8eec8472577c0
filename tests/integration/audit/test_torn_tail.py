"""After a crash: what was never durable is kept aside and cut off, what was attested is never mended."""

import hashlib
import shutil
from pathlib import Path

import pytest

from retentiond.audit.recovery import open_last_segment
from retentiond.audit.verify import verify_trail
from retentiond.domain.errors import AuditDamagedError
from tests.builders import NOW
from tests.integration.audit.disk_trail import DiskTrail, leaf, root_by_definition


@pytest.fixture
def disk(tmp_path: Path) -> DiskTrail:
    """Return a trail of 9 lines of which 5 are attested."""
    disk = DiskTrail(tmp_path / "audit")
    disk.fill(4, each=2)
    disk.rewind(5)
    return disk


def ends_of_lines(data: bytes) -> list[int]:
    return [offset + 1 for offset, byte in enumerate(data) if byte == 10]


def test_whatever_is_cut_off_the_longest_whole_part_is_restored(disk: DiskTrail) -> None:
    (path,) = disk.files()
    data = path.read_bytes()
    ends = ends_of_lines(data)
    for cut in range(ends[4], len(data)):
        path.write_bytes(data[:cut])
        whole = max(end for end in ends if end <= cut)
        opened = open_last_segment(str(disk.path), str(disk.log), NOW)
        assert path.read_bytes() == data[:whole]
        assert opened.size_bytes == whole
        assert opened.chain.seq == ends.index(whole) + 1
        assert opened.chain.root == root_by_definition([leaf(line) for line in data[:whole].split(b"\n")[:-1]])
        torn = data[whole:cut]
        assert [(item.size_bytes, item.sha256) for item in opened.torn] == (
            [(len(torn), hashlib.sha256(torn).hexdigest())] if torn else []
        )
        shutil.rmtree(disk.path / "torn", ignore_errors=True)


def test_a_cut_below_the_head_is_damage_and_stays(disk: DiskTrail) -> None:
    (path,) = disk.files()
    data = path.read_bytes()
    end = ends_of_lines(data)[4]
    for cut in {0, 1, end // 2, end - 2, end - 1}:
        path.write_bytes(data[:cut])
        with pytest.raises(AuditDamagedError, match=r"000\.jsonl, line \d.*5 records are attested.*restore") as caught:
            open_last_segment(str(disk.path), str(disk.log), NOW)
        line = data[:cut].count(b"\n")
        assert f"line {line + 1} (record {line})" in str(caught.value)
        assert path.read_bytes() == data[:cut]
    assert not (disk.path / "torn").exists()


def test_what_was_torn_off_is_kept_and_on_the_record(disk: DiskTrail) -> None:
    (path,) = disk.files()
    torn = path.read_bytes()[-40:-7]
    before = path.read_bytes()
    path.write_bytes(before[:-7])
    whole = before[: before.rindex(b"\n", 0, -1) + 1]
    disk.fill(1)
    (kept,) = (disk.path / "torn").iterdir()
    assert kept.name == f"00000000000000000000-{len(whole)}-20260331T120000Z"
    assert kept.read_bytes() == before[len(whole) : -7]
    assert kept.read_bytes().endswith(torn)
    opened, recovered, beat = disk.fields()[-3:]
    assert (opened["type"], recovered["type"], beat["type"]) == ("audit.open", "audit.recovered", "heartbeat")
    assert recovered["bytes"] == len(kept.read_bytes())
    assert recovered["sha256"] == hashlib.sha256(kept.read_bytes()).hexdigest()
    assert verify_trail(str(disk.path)).size == len(disk.lines()) == 11


def test_a_crash_between_the_cut_and_its_record_loses_no_record(disk: DiskTrail) -> None:
    (path,) = disk.files()
    path.write_bytes(path.read_bytes()[:-7])
    for _ in range(3):
        assert len(open_last_segment(str(disk.path), str(disk.log), NOW).torn) == 1
    disk.fill(1)
    disk.fill(1)
    assert disk.types().count("audit.recovered") == 1


def test_a_crash_between_the_copy_and_the_cut_is_recorded_once(disk: DiskTrail) -> None:
    (path,) = disk.files()
    torn = path.read_bytes()[:-7]
    for _ in range(2):
        path.write_bytes(torn)
        open_last_segment(str(disk.path), str(disk.log), disk.now)
        disk.now = disk.now.replace(minute=disk.now.minute + 1)
    assert len(list((disk.path / "torn").iterdir())) == 2
    disk.fill(1)
    assert disk.types().count("audit.recovered") == 1


@pytest.mark.parametrize(
    "tail",
    [
        b"\0" * 4096,
        b"\0" * 4095 + b"\n",
        b"{}\n",
        b'{"seq":9}\n',
        b"\n",
        b"\n\n\n",
        b"\xff\xfe\n",
        b"half a line",
    ],
    ids=lambda tail: repr(tail[-9:]),
)
def test_an_end_that_is_no_line_is_torn(disk: DiskTrail, tail: bytes) -> None:
    (path,) = disk.files()
    data = path.read_bytes()
    path.write_bytes(data + tail)
    disk.fill(1)
    assert path.read_bytes().startswith(data + b"{")
    assert [kept.read_bytes() for kept in (disk.path / "torn").iterdir()] == [tail]
    assert disk.types()[-3:] == ["audit.open", "audit.recovered", "heartbeat"]
    assert verify_trail(str(disk.path)).size == 12


def test_an_end_that_stands_twice_is_torn(disk: DiskTrail) -> None:
    (path,) = disk.files()
    data = path.read_bytes()
    path.write_bytes(data + data[ends_of_lines(data)[6] :])
    disk.fill(1)
    assert verify_trail(str(disk.path)).size == 12


def test_a_zeroed_page_inside_the_unattested_batch_takes_what_follows_with_it(disk: DiskTrail) -> None:
    (path,) = disk.files()
    data = path.read_bytes()
    ends = ends_of_lines(data)
    path.write_bytes(data[: ends[5] + 3] + b"\0" * 10 + data[ends[5] + 13 :])
    disk.fill(1)
    assert path.read_bytes()[: ends[5]] == data[: ends[5]]
    (kept,) = (disk.path / "torn").iterdir()
    assert kept.stat().st_size == len(data) - ends[5]
    assert verify_trail(str(disk.path)).size == 9


def test_a_zeroed_page_below_the_head_is_damage(disk: DiskTrail) -> None:
    (path,) = disk.files()
    data = path.read_bytes()
    broken = data[:700] + b"\0" * 10 + data[710:]
    path.write_bytes(broken)
    with pytest.raises(AuditDamagedError, match="attested"), disk.open():
        pass
    assert path.read_bytes() == broken


def test_lines_that_are_well_formed_and_not_those_of_the_head_are_damage(disk: DiskTrail) -> None:
    disk.set_checkpoint(5, bytes(32))
    with pytest.raises(AuditDamagedError, match="first 5 records are not those that the head on disk attests"):
        disk.fill(1)


def test_a_broken_end_without_any_head_is_not_mended(disk: DiskTrail) -> None:
    (path,) = disk.files()
    (disk.path / "checkpoint").unlink()
    torn = path.read_bytes()[:-7]
    path.write_bytes(torn)
    with pytest.raises(AuditDamagedError, match="no head says how many records were durable"):
        disk.fill(1)
    assert path.read_bytes() == torn


def test_a_lost_head_over_whole_lines_is_made_again(disk: DiskTrail) -> None:
    (disk.path / "checkpoint").unlink()
    disk.fill(1)
    assert verify_trail(str(disk.path)).size == 11


def test_a_trail_that_is_gone_while_its_head_is_not_is_damage(disk: DiskTrail) -> None:
    disk.files()[0].unlink()
    with pytest.raises(AuditDamagedError, match="5 records are attested and none are there"):
        disk.fill(1)
    assert not disk.files()


def test_a_very_first_line_that_was_torn_is_begun_anew(tmp_path: Path) -> None:
    disk = DiskTrail(tmp_path / "audit")
    disk.log.mkdir(parents=True)
    disk.set_checkpoint(0, root_by_definition([]))
    (disk.log / "00000000000000000000.jsonl").write_bytes(b'{"origin":"nvr')
    disk.fill(1)
    assert disk.types() == ["audit.open", "audit.recovered", "heartbeat"]


def test_a_former_segment_that_is_missing_is_noticed_when_it_has_to_be_read(disk: DiskTrail) -> None:
    for month in (5, 7):
        disk.now = disk.now.replace(month=month)
        disk.fill(2)
    first, second, last = disk.files()
    last.with_suffix(".frontier").unlink()
    second.unlink()
    with pytest.raises(AuditDamagedError, match=rf"{last.name}: begins at record 13, and 9 are before it"):
        disk.fill(1)
    assert first.exists()
