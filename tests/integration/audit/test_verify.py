"""Verifying a trail: what is found, and how it is said."""

import json
import os
from pathlib import Path
from random import Random
from typing import Any

import pytest
import rfc8785

from retentiond.audit.verify import PROGRESS_EVERY, Verified, verify_trail
from retentiond.domain.errors import AuditDamagedError, StorageError
from retentiond.tlog.key import Signer
from tests.integration.audit.disk_trail import ORIGIN, SIGNER, DiskTrail, beats, leaf, root_by_definition


@pytest.fixture
def disk(tmp_path: Path) -> DiskTrail:
    """Return a trail of three segments of 6, 7 and 7 lines, with signed heads."""
    disk = DiskTrail(tmp_path / "audit", signer=SIGNER)
    for month in (3, 4, 5):
        disk.now = disk.now.replace(month=month, day=1)
        disk.fill(1, each=5)
    return disk


def verify(disk: DiskTrail, external: tuple[int, bytes] | None = None) -> Verified:
    return verify_trail(str(disk.path), external=external)


def kept_elsewhere(disk: DiskTrail) -> tuple[int, bytes]:
    leaves = [leaf(line) for line in disk.lines()]
    return len(leaves), root_by_definition(leaves)


def rewritten(lines: list[bytes], start: int, **fields: Any) -> list[bytes]:
    """Return lines with one changed and all after it made to follow, as a forger would."""
    out = list(lines)
    for seq in range(start, len(lines)):
        content = json.loads(out[seq]) | (fields if seq == start else {})
        content["prev"] = leaf(out[seq - 1]).hex() if seq else "0" * 64
        out[seq] = rfc8785.dumps(content)
    return out


def write_lines(path: Path, lines: list[bytes]) -> None:
    path.write_bytes(b"".join(line + b"\n" for line in lines))


def test_a_whole_trail_is_what_its_head_says(disk: DiskTrail) -> None:
    size, root = kept_elsewhere(disk)
    assert verify(disk) == verify(disk, (size, root)) == Verified(size, root, signed=True, torn_bytes=0)
    assert size == 20


def test_any_earlier_head_kept_elsewhere_is_good_too(disk: DiskTrail) -> None:
    leaves = [leaf(line) for line in disk.lines()]
    for size in range(len(leaves) + 1):
        assert verify(disk, (size, root_by_definition(leaves[:size]))).size == 20
        with pytest.raises(AuditDamagedError, match=f"first {size} records are not those that the head kept elsewhere"):
            verify(disk, (size, bytes(32)))


def test_every_bit_that_flips_is_found_with_a_head_kept_elsewhere(tmp_path: Path) -> None:
    disk = DiskTrail(tmp_path / "audit")
    disk.fill(1, each=5)
    head = kept_elsewhere(disk)
    (path,) = disk.files()
    (disk.path / "checkpoint").unlink()
    data = path.read_bytes()
    assert head[0] == 6
    for bit in range(0, len(data) * 8, 3):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(AuditDamagedError):
            verify(disk, head)
    path.write_bytes(data)
    assert verify(disk, head).size == 6


def test_lines_that_are_lost_doubled_swapped_or_moved_are_found(tmp_path: Path) -> None:
    disk = DiskTrail(tmp_path / "audit")
    disk.fill(1, each=8)
    head = kept_elsewhere(disk)
    (path,) = disk.files()
    lines = disk.lines()
    (disk.path / "checkpoint").unlink()
    random = Random(4711)
    for _ in range(300):
        changed = list(lines)
        one, other = random.randrange(len(lines)), random.randrange(len(lines))
        match random.randrange(4):
            case 0:
                del changed[one]
            case 1:
                changed.insert(other, changed[one])
            case 2:
                changed[one], changed[other] = changed[other], changed[one]
            case _:
                changed.insert(other, changed.pop(one))
        if changed == lines:
            continue
        write_lines(path, changed)
        with pytest.raises(AuditDamagedError):
            verify(disk, head)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda line: line.replace(b'"v":1', b'"v": 1'), "canonical form"),
        (lambda line: line[:-1], "no record in canonical JSON"),
        (lambda line: b"\0" * len(line), "no record in canonical JSON"),
        (lambda line: line.replace(b'"seq":9', b'"seq":8'), "its number is 8, and 9 comes next"),
    ],
)
def test_the_first_bad_line_is_named(disk: DiskTrail, change: Any, why: str) -> None:
    path = disk.files()[1]
    lines = path.read_bytes().split(b"\n")[:-1]
    write_lines(path, [*lines[:3], change(lines[3]), lines[4], b"also bad", *lines[6:]])
    with pytest.raises(AuditDamagedError) as caught:
        verify(disk)
    assert str(caught.value).startswith(f"{path}, line 4 (record 9): ")
    assert why in str(caught.value)


def test_an_altered_line_is_named_and_not_the_one_after_it(disk: DiskTrail) -> None:
    """A salt that is another one breaks nothing in the line itself; only what follows from it tells."""
    seq = 0
    for number, path in enumerate(disk.files()):
        lines = path.read_bytes().split(b"\n")[:-1]
        for place, line in enumerate(lines):
            at = line.index(b'"salt":"') + 8
            altered = line[:at] + (b"B" if line[at : at + 1] == b"A" else b"A") + line[at + 1 :]
            write_lines(path, [*lines[:place], altered, *lines[place + 1 :]])
            with pytest.raises(AuditDamagedError) as caught:
                verify(disk)
            if seq == 19:  # the last one shows in the head
                assert "not those that the head on disk attests" in str(caught.value)
            elif place == len(lines) - 2:  # of the last two in a file it is not told which
                assert f"{path}, line {place + 2} (record {seq + 1}): it does not follow" in str(caught.value)
            elif place == len(lines) - 1 and number < 2:
                assert str(caught.value).startswith(f"{path}, the line of record {seq}: it was altered")
            else:
                assert str(caught.value).startswith(f"{path}, line {place + 1} (record {seq}): it was altered")
            seq += 1
        write_lines(path, lines)


def test_a_line_that_was_turned_away_from_the_one_before_is_named_itself(disk: DiskTrail) -> None:
    path = disk.files()[1]
    lines = path.read_bytes().split(b"\n")[:-1]
    at = lines[3].index(b'"prev":"') + 8
    lines[3] = lines[3][:at] + (b"b" if lines[3][at : at + 1] == b"a" else b"a") + lines[3][at + 1 :]
    write_lines(path, lines)
    with pytest.raises(AuditDamagedError, match=r"line 4 \(record 9\): it does not follow from the line before"):
        verify(disk)


def test_a_last_line_that_was_altered_shows_in_the_head(disk: DiskTrail) -> None:
    path = disk.files()[-1]
    path.write_bytes(path.read_bytes().replace(b"number 4", b"number 5"))
    with pytest.raises(AuditDamagedError, match="the first 20 records are not those that the head on disk attests"):
        verify(disk)


def test_a_past_written_anew_without_the_key_is_found(disk: DiskTrail) -> None:
    lines = rewritten(disk.lines(), 3, note="never was")
    for path, span in zip(disk.files(), (slice(0, 6), slice(6, 13), slice(13, 20)), strict=True):
        write_lines(path, lines[span])
    with pytest.raises(AuditDamagedError, match=r"line 1 \(record 6\): as the first of its file it has to state"):
        verify(disk)


def test_a_past_written_anew_whole_shows_in_the_head(tmp_path: Path) -> None:
    disk = DiskTrail(tmp_path / "audit", signer=SIGNER)
    disk.fill(1, each=5)
    head = kept_elsewhere(disk)
    write_lines(disk.files()[0], rewritten(disk.lines(), 3, note="never was"))
    with pytest.raises(AuditDamagedError, match="head on disk attests"):
        verify(disk)
    # With the head made to fit nothing on this machine tells; that the head is not signed any more does.
    disk.rewind(6)
    assert verify(disk).signed is False
    with pytest.raises(AuditDamagedError, match="the head kept elsewhere attests"):
        verify(disk, head)


def test_a_roll_back_shows_only_in_a_head_kept_elsewhere(disk: DiskTrail) -> None:
    before = [(path, path.read_bytes()) for path in [disk.path / "checkpoint", disk.files()[-1]]]
    disk.fill(3)
    head = kept_elsewhere(disk)
    for path, data in before:
        path.write_bytes(data)
    assert verify(disk).signed
    with pytest.raises(AuditDamagedError, match="20 records are there, and the head kept elsewhere attests 24"):
        verify(disk, head)


def test_lines_missing_from_the_end_show_in_the_head(disk: DiskTrail) -> None:
    path = disk.files()[-1]
    write_lines(path, path.read_bytes().split(b"\n")[:-3])
    with pytest.raises(AuditDamagedError, match="18 records are there, and the head on disk attests 20"):
        verify(disk)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_missing_segment_is_found(disk: DiskTrail, number: int) -> None:
    disk.files()[number].unlink()
    with pytest.raises(AuditDamagedError, match=["begins at record 6", "begins at record 13", "13 records"][number]):
        verify(disk)


def test_a_segment_under_another_name_is_found(disk: DiskTrail) -> None:
    path = disk.files()[1]
    path.rename(path.with_name("00000000000000000007.jsonl"))
    with pytest.raises(AuditDamagedError, match="begins at record 7, and 6 are before it"):
        verify(disk)


@pytest.mark.parametrize(
    ("field", "value"), [("size", 5), ("root", "00" * 32), ("previous", "x.jsonl"), ("type", "heartbeat")]
)
def test_a_segment_that_states_something_else_about_what_is_before_is_found(
    disk: DiskTrail, field: str, value: object
) -> None:
    lines = rewritten(disk.lines(), 13, **{field: value})
    write_lines(disk.files()[2], lines[13:])
    disk.rewind(20)
    with pytest.raises(AuditDamagedError, match=rf"line 1 \(record 13\): .* has to state the {field}"):
        verify(disk)


def test_a_line_that_follows_with_another_number_is_found(disk: DiskTrail) -> None:
    path = disk.files()[2]
    write_lines(path, rewritten(disk.lines(), 16, seq=17)[13:])
    with pytest.raises(AuditDamagedError, match=r"line 4 \(record 16\): its number is 17, and 16 comes next"):
        verify(disk)


# --- heads --------------------------------------------------------------------------------------------------------


def test_a_head_with_a_wrong_signature_is_found(disk: DiskTrail) -> None:
    path = disk.path / "checkpoint"
    lines = path.read_text().split("\n")
    lines[1] = "19"
    path.write_text("\n".join(lines))
    with pytest.raises(AuditDamagedError, match="the head does not verify"):
        verify(disk)


def test_a_head_signed_by_a_stranger_is_found(disk: DiskTrail, tmp_path: Path) -> None:
    keys = (disk.path / "keys").read_bytes()
    disk.signer = Signer.from_seed(ORIGIN, bytes(32))
    disk.fill(1)
    assert verify(disk).signed
    (disk.path / "keys").write_bytes(keys)
    with pytest.raises(AuditDamagedError, match="the head does not verify"):
        verify(disk)


def test_without_known_keys_a_head_counts_as_unsigned(disk: DiskTrail) -> None:
    (disk.path / "keys").unlink()
    assert verify(disk).signed is False


def test_a_head_of_another_trail_is_found(disk: DiskTrail) -> None:
    (disk.path / "keys").unlink()
    (disk.path / "origin").write_text("other.example/retentiond\n")
    with pytest.raises(AuditDamagedError, match=r"is the head of 'nvr\.example/retentiond'"):
        verify(disk)


@pytest.mark.parametrize("data", [b"", b"\xff", b"x\n1\n", b"x\n-1\nAAAA\n", b"a\n\nb\n"])
def test_a_head_that_is_none_is_found(disk: DiskTrail, data: bytes) -> None:
    (disk.path / "checkpoint").write_bytes(data)
    with pytest.raises(AuditDamagedError, match="checkpoint: the head does not verify"):
        verify(disk)


# --- beside a writer ----------------------------------------------------------------------------------------------


def test_lines_beyond_the_head_and_half_a_line_are_no_damage(disk: DiskTrail) -> None:
    disk.rewind(10)
    path = disk.files()[-1]
    data = path.read_bytes()
    path.write_bytes(data + data.split(b"\n")[-2][:40])
    assert verify(disk) == Verified(20, kept_elsewhere(disk)[1], signed=False, torn_bytes=40)


def test_half_a_line_below_the_head_is_damage(disk: DiskTrail) -> None:
    os.truncate(disk.files()[-1], disk.files()[-1].stat().st_size - 1)
    with pytest.raises(AuditDamagedError, match="19 records are there"):
        verify(disk)


def test_half_a_line_before_another_file_is_damage(disk: DiskTrail) -> None:
    path = disk.files()[0]
    path.write_bytes(path.read_bytes() + b"{")
    with pytest.raises(AuditDamagedError, match="1 bytes stand after its last line, and a file follows"):
        verify(disk)


def test_a_trail_verifies_at_any_time_while_it_is_written(disk: DiskTrail) -> None:
    sizes = []
    with disk.open(segment_bytes=3000) as trail:
        for _ in range(30):
            trail.append(beats(3))
            sizes.append(verify(disk).size)
            assert sizes[-1] == trail.head().size
    assert sizes == sorted(set(sizes))


def test_progress_is_told(tmp_path: Path) -> None:
    disk = DiskTrail(tmp_path / "audit")
    with disk.open() as trail:
        for _ in range(2):
            trail.append(beats(PROGRESS_EVERY))
    told: list[tuple[int, float]] = []
    assert verify_trail(str(disk.path), progress=lambda *now: told.append(now)).size == 2 * PROGRESS_EVERY + 1
    (first, half), (second, whole), end = told
    assert (first, second) == (PROGRESS_EVERY, 2 * PROGRESS_EVERY)
    assert 0.45 < half < 0.55
    assert 0.99 < whole <= 1
    assert end == (2 * PROGRESS_EVERY + 1, 1.0)


def test_where_no_trail_is_that_is_said(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="there is no audit trail"):
        verify_trail(str(tmp_path))
