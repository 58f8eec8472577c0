"""`audit verify` against what is kept elsewhere, of a part only, and as a person sees it."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from retentiond.audit.anchors import Anchor, keep_anchor, keep_cosigned
from retentiond.audit.head import Attested
from retentiond.audit.verify import PROGRESS_EVERY, verify_trail
from retentiond.domain.errors import AuditDamagedError, UsageError
from retentiond.tlog.cosignature import Cosigner
from retentiond.tlog.key import Signer, format_vkey
from retentiond.tlog.note import Note, parse_note
from tests.builders import at
from tests.integration.audit.disk_trail import ORIGIN, SIGNER, DiskTrail, beats, leaf, root_by_definition
from tests.integration.evidence.desk import Desk

WITNESS = Cosigner.from_seed("witness.example/w1", bytes(32))
STRANGER = Signer.from_seed(ORIGIN, bytes(32))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Return a signed trail of 20 records in three segments, begun in March, April and May at 0, 6 and 13."""
    desk = Desk(tmp_path, signer=SIGNER)
    for month in (3, 4, 5):
        desk.disk.now = at(f"2026-{month:02d}-10")
        desk.disk.fill(1, each=5)
    return desk


def root(disk: DiskTrail, size: int) -> bytes:
    return root_by_definition([leaf(line) for line in disk.lines()[:size]])


# --- a head kept elsewhere ----------------------------------------------------------------------------------------


def test_a_copy_of_the_head_is_a_head_kept_elsewhere(desk: Desk, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.write_bytes((desk.disk.path / "checkpoint").read_bytes())
    desk.disk.fill(2)
    assert "anew" not in desk.run("audit", "verify", "--head", str(copy))
    text = tmp_path / "three lines"
    text.write_text("".join(copy.read_text().splitlines(keepends=True)[:3]))
    assert desk.ask("audit", "verify", "--head", str(text))["heads"] == 2
    desk.disk.files()[-1].write_bytes(b"".join(line + b"\n" for line in desk.disk.lines()[13:19]))
    desk.disk.rewind(19)
    assert desk.ask("audit", "verify")["size"] == 19
    said = desk.run("audit", "verify", "--head", str(copy), status=65)
    assert "19 records are there, and the head kept elsewhere attests 20" in said


@pytest.mark.parametrize(
    ("content", "status", "why"),
    [
        (b"nothing", 2, "is no checkpoint"),
        (b"", 2, "is no checkpoint"),
        (b"\xff\xfe", 2, "is no checkpoint"),
        (b"other.example\n1\n" + b"A" * 43 + b"=\n", 2, "is the head of 'other.example', and the trail is that of"),
        (b"x" * (2 << 20), 2, "is longer than a certificate or a head is"),
    ],
)
def test_a_file_that_is_no_head_of_this_trail_is_said(
    desk: Desk, tmp_path: Path, content: bytes, status: int, why: str
) -> None:
    (tmp_path / "file").write_bytes(content)
    assert why in desk.run("audit", "verify", "--head", str(tmp_path / "file"), status=status)


def test_a_head_by_another_key_than_the_one_beside_the_trail_shows_the_exchange(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "copy").write_bytes((desk.disk.path / "checkpoint").read_bytes())
    (desk.disk.path / "keys").write_text(f"{format_vkey(STRANGER.key)} 0\n")
    said = desk.run("audit", "verify", "--head", str(tmp_path / "copy"), status=65)
    assert "does not verify with the keys beside the trail" in said


def test_a_head_that_is_typed_wrong_or_not_there_is_said(desk: Desk) -> None:
    assert "write it as SIZE:ROOT" in desk.run("audit", "verify", "--head", "20:abc", status=2)
    assert "is not there" in desk.run("audit", "verify", "--head", "no-such-file", status=2)
    assert "leave out all options" in desk.run("audit", "verify", "--head", "x", "--certificate", "y", status=2)


def test_with_a_pinned_key_nothing_beside_the_trail_is_believed(desk: Desk) -> None:
    assert desk.ask("audit", "verify", "--key", format_vkey(SIGNER.key))["signed"]
    said = desk.run("audit", "verify", "--key", format_vkey(STRANGER.key), status=65)
    assert "the head does not verify" in said
    assert "write a public key as it was printed" in desk.run("audit", "verify", "--key", "x", status=2)


# --- many heads ---------------------------------------------------------------------------------------------------


def test_all_heads_are_compared_and_the_last_good_one_narrows_the_place_down(desk: Desk) -> None:
    known = [Attested(f"number {size}", size, root(desk.disk, size)) for size in range(21)]
    result = verify_trail(str(desk.disk.path), attested=known)
    assert (len(result.heads), result.passed_over) == (22, 0)
    known[12] = Attested("number 12", 12, bytes(32))
    with pytest.raises(AuditDamagedError) as caught:
        verify_trail(str(desk.disk.path), attested=known)
    assert "line 6 (record 11): the first 12 records are not those that number 12 attests" in str(caught.value)
    assert str(caught.value).endswith("; the first 11 are, by number 11")


# --- heads that are kept beside the trail -------------------------------------------------------------------------


def test_anchors_and_the_cosigned_head_are_compared_as_well(desk: Desk) -> None:
    note = (desk.disk.path / "checkpoint").read_bytes()
    keep_anchor(str(desk.disk.path), Anchor(note, b"stamp"))
    parsed = parse_note(note)
    keep_cosigned(str(desk.disk.path), Note(parsed.text, (*parsed.signatures, WITNESS.cosign(parsed.text, 1))))
    desk.disk.fill(1)
    assert len(verify_trail(str(desk.disk.path)).heads) == 3
    lines = desk.disk.lines()
    desk.disk.files()[-1].write_bytes(b"".join(line + b"\n" for line in lines[13:18]))
    desk.disk.rewind(18)  # nobody signs any more, and an old head would do; but what was anchored is still there
    with pytest.raises(AuditDamagedError, match=r"18 records are there, and the head in .*/anchors/0+20\.note attests"):
        verify_trail(str(desk.disk.path))


@pytest.mark.parametrize("name", ["anchors/00000000000000000020.note", "checkpoint.cosigned"])
@pytest.mark.parametrize("spoilt", [b"", b"x", b"other.example\n20\nAAAA\n\n"])
def test_an_anchor_that_is_none_is_named(desk: Desk, name: str, spoilt: bytes) -> None:
    note = (desk.disk.path / "checkpoint").read_bytes()
    keep_anchor(str(desk.disk.path), Anchor(note))
    keep_cosigned(str(desk.disk.path), parse_note(note))
    assert verify_trail(str(desk.disk.path)).size == 20
    (desk.disk.path / name).write_bytes(spoilt)
    with pytest.raises(AuditDamagedError, match=name.replace(".", r"\.")):
        verify_trail(str(desk.disk.path))


def test_an_anchor_that_no_key_of_the_trail_signed_is_named(desk: Desk) -> None:
    note = (desk.disk.path / "checkpoint").read_bytes()
    keep_anchor(str(desk.disk.path), Anchor(note))
    (desk.disk.path / "keys").write_text(f"{format_vkey(STRANGER.key)} 0\n")
    (desk.disk.path / "checkpoint").unlink()
    with pytest.raises(AuditDamagedError, match=r"20\.note: the head does not verify"):
        verify_trail(str(desk.disk.path))


# --- a part only --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "began"),
    [
        ("2026-06-01", 13),
        ("2026-05-10", 13),
        ("2026-05-09", 6),
        ("2026-04-10", 6),
        ("2026-04-09", 0),
        ("1990-01-01", 0),
    ],
)
def test_reading_begins_with_the_segment_of_that_time(desk: Desk, since: str, began: int) -> None:
    result = verify_trail(str(desk.disk.path), since=at(since))
    assert (result.began, result.size, result.root, result.signed) == (began, 20, root(desk.disk, 20), True)


def test_what_is_before_is_not_read_and_what_is_after_is_checked_whole(desk: Desk) -> None:
    good = desk.disk.files()[0].read_bytes()
    desk.disk.files()[0].write_bytes(good.replace(b"number 1", b"number 9"))
    assert "read    from number 6 on" in desk.run("audit", "verify", "--since", "2026-04-12")
    desk.run("audit", "verify", "--since", "2026-03-12", status=65)
    desk.disk.files()[0].write_bytes(good)
    for path in desk.disk.files()[1:]:
        data = path.read_bytes()
        for place in range(0, len(data), 97):
            path.write_bytes(data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :])
            with pytest.raises(AuditDamagedError):
                verify_trail(str(desk.disk.path), since=at("2026-04-12"))
        path.write_bytes(data)


def test_an_edge_that_was_made_to_fit_a_forged_beginning_shows_in_the_head(desk: Desk) -> None:
    """Whoever forges the edge and the first line that states it has to forge all that follows, and its head."""
    path = desk.disk.files()[1]
    (desk.disk.log / f"{6:020d}.frontier").write_text(f"{'0' * 64}\n{'1' * 64}\n{'2' * 64}\n")
    assert verify_trail(str(desk.disk.path), since=at("2026-04-12")).began == 0  # such an edge is not used
    first = json.loads(path.read_bytes().split(b"\n")[0])
    assert first["root"] == root(desk.disk, 6).hex()


def test_a_head_that_lags_behind_the_last_segment_is_still_compared(desk: Desk) -> None:
    desk.disk.rewind(10)
    assert verify_trail(str(desk.disk.path), since=at("2026-05-12")).began == 6
    desk.disk.set_checkpoint(10, bytes(32))
    with pytest.raises(AuditDamagedError, match="the first 10 records are not those"):
        verify_trail(str(desk.disk.path), since=at("2026-05-12"))


def test_heads_of_what_is_not_read_are_counted_and_one_that_was_named_is_refused(desk: Desk) -> None:
    known = [Attested(f"number {size}", size, root(desk.disk, size)) for size in (3, 13, 19)]
    result = verify_trail(str(desk.disk.path), attested=known, since=at("2026-05-12"))
    assert (len(result.heads), result.passed_over) == (3, 1)
    with pytest.raises(UsageError, match="those before 13 were not read; leave --since out"):
        verify_trail(str(desk.disk.path), external=(3, known[0].root), since=at("2026-05-12"))


# --- as a person sees it ------------------------------------------------------------------------------------------


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)


def test_a_person_sees_how_far_it_is_and_a_program_does_not(tmp_path: Path, terminal: tuple[int, int]) -> None:
    desk = Desk(tmp_path, signer=SIGNER)
    with desk.disk.open() as trail:
        for _ in range(3):
            trail.append(beats(PROGRESS_EVERY))
    command = [sys.executable, "-m", "retentiond", "audit", "verify", "--config", str(desk.config)]
    ours, theirs = terminal
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                shown += os.read(ours, 4096)
            except OSError:  # the other end is closed
                break
        assert process.stdout is not None
        assert "the audit trail is whole: 30,001 records" in process.stdout.read()
        assert process.wait(timeout=60) == 0
    assert b"20,000 records" in shown
    assert b"\r" in shown
    assert shown.endswith(b"\n")
    quiet = subprocess.run(command, capture_output=True, text=True, check=True)
    assert quiet.stderr == ""
