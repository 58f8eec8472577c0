"""Certificates: one record, one text file, good for ever and for everybody."""

import base64
import json
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retentiond.audit.anchors import Anchor, keep_anchor, keep_cosigned
from retentiond.audit.prune import plan_pruning
from retentiond.audit.reader import TrailOnDisk
from retentiond.audit.rotation import OVERLAP
from retentiond.audit.trail import TrailSettings, open_trail
from retentiond.domain.decisions import Decisions
from retentiond.domain.errors import AuditDamagedError, TryAgainError, UsageError
from retentiond.evidence.certificate import check_certificate, issue_certificate
from retentiond.evidence.page import render_certificate
from retentiond.tlog.cosignature import Cosigner
from retentiond.tlog.key import Signer, format_vkey
from retentiond.tlog.note import Note, format_note, format_signatures, parse_note
from tests.builders import NOW, at
from tests.integration.audit.disk_trail import ORIGIN, SIGNER, DiskTrail, beats, leaf, needs, root_by_definition
from tests.integration.audit.merkle import includes
from tests.integration.evidence.desk import Desk, delete_one, openssl_verifies, take_apart

NEXT = Signer.from_seed(ORIGIN, bytes(range(1, 33)))
WITNESS = Cosigner.from_seed("witness.example/w1", bytes(32))


@pytest.fixture
def disk(tmp_path: Path) -> DiskTrail:
    """Return a signed trail of three segments, with 20 records."""
    disk = DiskTrail(tmp_path / "audit", signer=SIGNER)
    for month in (3, 4, 5):
        disk.now = disk.now.replace(month=month, day=1)
        disk.fill(1, each=5)
    return disk


def prune(disk: DiskTrail, before: str) -> None:
    decisions = Decisions()
    decisions.apply_all(TrailOnDisk(str(disk.log)).records())
    with disk.open() as trail:
        decisions.apply_all(trail.records(decisions.seq))
        trail.prune(plan_pruning(str(disk.path), at(before), decisions), decisions)


def test_every_record_is_proved_to_somebody_with_none_of_our_code(disk: DiskTrail, tmp_path: Path) -> None:
    needs("openssl")
    lines = disk.lines()
    root = root_by_definition([leaf(line) for line in lines])
    found = take_apart(issue_certificate(str(disk.path), 0).proof)
    for seq, line in enumerate(lines):
        found = take_apart(issue_certificate(str(disk.path), seq).proof)
        assert (found.entry, found.index, found.origin) == (line, seq, ORIGIN)
        assert (found.size, found.root) == (20, root)
        assert includes(line, seq, 20, root, found.path)
        assert not includes(lines[seq - 1], seq, 20, root, found.path)
    ((name, signature),) = found.signatures
    assert name == ORIGIN
    assert openssl_verifies(tmp_path, found.text, signature, format_vkey(SIGNER.key))
    assert not openssl_verifies(tmp_path, found.text, signature, format_vkey(NEXT.key))


def test_only_segments_from_the_record_on_are_read(disk: DiskTrail) -> None:
    before = issue_certificate(str(disk.path), 8)
    disk.files()[0].write_bytes(b"not looked at\n")
    assert issue_certificate(str(disk.path), 8) == before
    with pytest.raises(AuditDamagedError):
        issue_certificate(str(disk.path), 3)


def test_an_edge_that_is_wrong_is_not_used(disk: DiskTrail) -> None:
    before = issue_certificate(str(disk.path), 8)
    edge = disk.log / f"{6:020d}.frontier"
    edge.write_text(edge.read_text().replace("0", "1"))
    assert issue_certificate(str(disk.path), 8) == before


def test_what_does_not_verify_is_never_handed_out(disk: DiskTrail) -> None:
    path = disk.files()[1]
    path.write_bytes(path.read_bytes().replace(b"number 1", b"number 9"))
    for seq in range(13):
        with pytest.raises(AuditDamagedError):
            issue_certificate(str(disk.path), seq)
    assert issue_certificate(str(disk.path), 13).certified.fields["seq"] == 13  # these follow from the edge before them


def test_a_certificate_outlives_pruning_and_its_key(disk: DiskTrail) -> None:
    early = [issue_certificate(str(disk.path), seq) for seq in range(20)]
    with disk.open(next_signer=NEXT) as trail:
        trail.append(beats())
    disk.now += OVERLAP
    with disk.open(next_signer=NEXT) as trail:
        trail.append(beats())
    disk.signer = NEXT
    prune(disk, "2026-04-15")
    with pytest.raises(UsageError, match=r"record 3 was pruned: the trail begins at record 6.*still good"):
        issue_certificate(str(disk.path), 3)
    for seq, issued in enumerate(early):
        shown = check_certificate(issued.proof, [SIGNER.key])
        assert (shown.entry.index, shown.signers) == (seq, (SIGNER.key,))
        with pytest.raises(AuditDamagedError, match="no known key has signed"):
            check_certificate(issued.proof, [NEXT.key])
    assert issue_certificate(str(disk.path), 13).certified.signers == (NEXT.key,)
    for seq in range(6, 20):
        later = issue_certificate(str(disk.path), seq).proof
        assert check_certificate(later, [NEXT.key]).fields == early[seq].certified.fields


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_no_letter_of_a_certificate_can_be_another(disk: DiskTrail, data: st.DataObject) -> None:
    """Whatever is changed in the bytes, either it does not verify or it says the very same."""
    issued = issue_certificate(str(disk.path), 8)
    proof = bytearray(issued.proof)
    place = data.draw(st.integers(0, len(proof) - 1))
    proof[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(AuditDamagedError):
        check_certificate(bytes(proof), [SIGNER.key])


@pytest.mark.parametrize("other", [b"", b"c2sp.org/tlog-proof@v1\n", b"\xff" * 400, b"x" * (1 << 20)])
def test_what_is_no_certificate_is_said(other: bytes) -> None:
    with pytest.raises(AuditDamagedError, match="the certificate does not verify"):
        check_certificate(other, [SIGNER.key])


def test_a_certificate_of_another_trail_is_refused_and_that_of_its_fork_is_not(tmp_path: Path) -> None:
    forked = Signer(f"{ORIGIN}/2", SIGNER.private_key)
    path = str(tmp_path / "audit")
    with open_trail(TrailSettings(path, f"{ORIGIN}/2", lambda: NOW, signer=forked)) as trail:
        trail.append(beats())
    proof = issue_certificate(path, 1).proof
    assert check_certificate(proof, [SIGNER.key]).entry.checkpoint.origin == f"{ORIGIN}/2"
    stranger = Signer("other.example/retentiond", SIGNER.private_key)
    with pytest.raises(AuditDamagedError, match=r"of the audit trail '.*/2', and no key of that one is given"):
        check_certificate(proof, [stranger.key])


# --- which head ---------------------------------------------------------------------------------------------------


def cosigned(note: Note, timestamp: int = 1_790_000_000) -> Note:
    return Note(note.text, (*note.signatures, WITNESS.cosign(note.text, timestamp)))


def cosigned_line(note: Note) -> str:
    return format_signatures(cosigned(note).signatures[-1:])


def test_a_stamped_head_is_taken_before_a_cosigned_one_and_that_before_the_newest(disk: DiskTrail) -> None:
    heads = {}
    for _ in range(3):
        disk.fill(1)
        heads[disk.checkpoint()[1]] = parse_note((disk.path / "checkpoint").read_bytes())
    stamped, newer, newest = sorted(heads)
    keep_anchor(str(disk.path), Anchor(format_note(heads[stamped])))  # not stamped yet
    assert issue_certificate(str(disk.path), 5, [WITNESS.key]).certified.entry.checkpoint.size == newest
    keep_cosigned(str(disk.path), cosigned(heads[newer]))
    issued = issue_certificate(str(disk.path), 5, [WITNESS.key])
    assert issued.certified.entry.checkpoint.size == newer
    assert [item.timestamp for item in issued.certified.entry.cosignatures] == [1_790_000_000]
    keep_anchor(str(disk.path), Anchor(format_note(heads[stamped]), b"a stamp", cosigned_line(heads[stamped])))
    issued = issue_certificate(str(disk.path), 5, [WITNESS.key])
    assert issued.stamped is not None
    assert (issued.certified.entry.checkpoint.size, issued.stamped.stamp) == (stamped, b"a stamp")
    assert len(issued.certified.entry.cosignatures) == 1
    assert issued.stamped.note in issued.proof  # the bytes that were stamped, then the witnesses
    assert issue_certificate(str(disk.path), newest - 1).certified.entry.checkpoint.size == newest


def test_a_head_that_somebody_put_there_is_not_believed(disk: DiskTrail) -> None:
    note = parse_note((disk.path / "checkpoint").read_bytes())
    forged = note.text.replace("\n20\n", "\n19\n")
    keep_cosigned(str(disk.path), Note(forged, note.signatures))
    with pytest.raises(AuditDamagedError, match="record 5 cannot be proved"):
        issue_certificate(str(disk.path), 5)


def test_without_a_signed_head_nothing_is_proved(tmp_path: Path) -> None:
    disk = DiskTrail(tmp_path / "audit")
    disk.fill(1)
    with pytest.raises(TryAgainError, match="no signed head covers record 1 yet"):
        issue_certificate(str(disk.path), 1)
    with pytest.raises(UsageError, match="has no record 2"):
        issue_certificate(str(disk.path), 2)


# --- the page and the commands ------------------------------------------------------------------------------------


class Seen(HTMLParser):
    """What a browser would show, and the elements that are there."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not {name for name, _ in attrs} & {"src", "href", "onload", "onclick"}

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_says_what_is_proved_and_what_not_and_holds_the_proof(tmp_path: Path) -> None:
    disk = DiskTrail(tmp_path / "audit", signer=SIGNER)
    seq = delete_one(disk, "<script>alert(1)</script>\u202e\n/x.mp4".encode())
    issued = issue_certificate(str(disk.path), seq)
    page = render_certificate(issued)
    seen = Seen()
    seen.feed(page)
    assert "script" not in seen.tags
    assert "\u202e" not in page
    assert issued.proof.decode() in seen.text
    assert "of camera reception in store main" in seen.text
    assert "was deleted" in seen.text
    assert "Deleted means that the name was removed" in seen.text
    assert "Whoever holds the private key" in seen.text
    assert "\\xe2\\x80\\xae" in seen.text
    for word in ("compliant", "lawful", "erased", "destroyed"):
        assert word not in seen.text.lower()


def test_the_commands_write_prove_and_check(tmp_path: Path) -> None:
    desk = Desk(tmp_path, signer=SIGNER)
    seq = delete_one(desk.disk, more=3)
    proof = desk.run("audit", "prove", str(seq))
    assert take_apart(proof.encode()).index == seq
    said = desk.run("audit", "certificate", str(seq), "--out", str(tmp_path))
    stem = tmp_path / f"nvr.example-retentiond-{seq}"
    assert f"wrote {stem}.html" in said
    assert Path(f"{stem}.tlog-proof").read_text() == proof
    assert desk.run("audit", "certificate", str(seq), "--out", str(tmp_path)) == said
    desk.disk.fill(1)
    assert "is there already" in desk.run("audit", "certificate", str(seq), "--out", str(tmp_path), status=73)
    vkey = format_vkey(SIGNER.key)
    beside = desk.run("audit", "verify", "--certificate", f"{stem}.tlog-proof")
    assert "the certificate verifies: record 2" in beside
    assert "lies beside the trail" in beside
    desk.config.unlink()  # somebody else, who has neither a trail nor a configuration
    shown = desk.ask("audit", "verify", "--certificate", f"{stem}.tlog-proof", "--key", vkey)
    assert (shown["seq"], shown["signers"]) == (seq, [vkey])
    assert shown["record"] == json.loads(take_apart(proof.encode()).entry)
    other = format_vkey(NEXT.key)
    assert "no known key has signed" in desk.run(
        "audit", "verify", "--certificate", f"{stem}.tlog-proof", "--key", other, status=65
    )
    assert "is not there" in desk.run("audit", "verify", "--certificate", f"{stem}.x", "--key", vkey, status=2)
    assert "write it as it was printed" in desk.run(
        "audit", "verify", "--certificate", f"{stem}.tlog-proof", "--key", vkey[:-2], status=2
    )


def test_a_certificate_is_small(tmp_path: Path) -> None:
    disk = DiskTrail(tmp_path / "audit", signer=SIGNER)
    seq = delete_one(disk, more=200)
    proof = issue_certificate(str(disk.path), seq).proof
    assert len(proof) < 2000
    assert base64.b64encode(take_apart(proof).entry) in proof
