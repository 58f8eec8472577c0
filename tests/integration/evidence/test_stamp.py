"""Heads stamped by an authority on the loopback (RFC 3161), verified by us and by openssl."""

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import pytest

from retentiond.audit.anchors import anchored_sizes, keep_anchor, read_anchor
from retentiond.bootstrap import load
from retentiond.bootstrap.anchoring import build_anchorage
from retentiond.domain.errors import (
    AuditDamagedError,
    ConfigurationError,
    NotPermittedError,
    UnreachableError,
)
from retentiond.domain.finding import FindingKind
from retentiond.evidence.anchorage import GRACE, RETRY, HeadAnchorage
from retentiond.evidence.certificate import issue_certificate
from retentiond.evidence.stamp_errand import STAMP_EVERY, StampErrand
from retentiond.evidence.timestamp import (
    Authority,
    ask_stamp,
    open_stamp,
    open_stamp_beside,
    read_roots,
    read_stamps,
)
from retentiond.tlog.cosignature import Cosigner
from retentiond.tlog.key import format_vkey
from retentiond.tlog.note import format_signatures
from retentiond.web.serve import Answer
from tests.integration.audit.disk_trail import SIGNER, DiskTrail, needs
from tests.integration.evidence.authority import NAME, LocalAuthority
from tests.integration.evidence.desk import Desk, delete_one

DAY = STAMP_EVERY + timedelta(hours=1)
"""A stamp is made by the clock of this machine, which goes on after a trail's `now` was read."""


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> LocalAuthority:
    needs("openssl")
    pytest.importorskip("rfc3161_client")
    return LocalAuthority(tmp_path_factory.mktemp("authority") / "tsa")


@pytest.fixture
def authority(local: LocalAuthority) -> Iterator[Authority]:
    local.answer = None
    local.questions.clear()
    with local.running() as running:
        yield running


@pytest.fixture
def disk(tmp_path: Path) -> DiskTrail:
    disk = DiskTrail(tmp_path / "audit", now=datetime.now(UTC), signer=SIGNER)
    disk.fill(3)
    return disk


def files(disk: DiskTrail, size: int) -> tuple[Path, Path]:
    stem = disk.path / "anchors" / f"{size:020d}"
    return stem.with_suffix(".note"), stem.with_suffix(".tsr")


def test_a_stamped_head_is_kept_and_openssl_verifies_it(
    disk: DiskTrail, authority: Authority, local: LocalAuthority
) -> None:
    checkpoint = (disk.path / "checkpoint").read_bytes()
    at = StampErrand(str(disk.path), authority).run(disk.now)
    assert at is not None
    note, stamp = files(disk, len(disk.lines()))
    assert note.read_bytes() == checkpoint
    assert local.verifies(note, stamp)
    (said,) = read_stamps(str(disk.path), authority.roots).verified
    assert (said.size, said.at, said.by) == (len(disk.lines()), at, NAME)
    note.write_bytes(checkpoint.replace(b"\n", b" \n", 1))
    assert not local.verifies(note, stamp)


def test_only_the_hash_of_the_head_is_sent(disk: DiskTrail, authority: Authority, local: LocalAuthority) -> None:
    StampErrand(str(disk.path), authority).run(disk.now)
    (question,) = local.questions
    digest = hashlib.sha256((disk.path / "checkpoint").read_bytes()).digest()
    assert digest in question
    assert len(question) < len(digest) + 60  # the algorithm, a nonce, a flag, and what holds them
    assert b"nvr" not in question


def test_heads_are_stamped_daily_and_when_a_segment_has_ended(
    disk: DiskTrail, authority: Authority, local: LocalAuthority
) -> None:
    def stamps(now: datetime) -> int:
        StampErrand(str(disk.path), authority).run(now)  # as after a restart: what was stamped is seen on disk
        return len(local.questions)

    assert stamps(disk.now) == 1
    assert stamps(disk.now + 2 * DAY) == 1  # nothing new: the same head again says no more
    disk.fill(1)
    assert stamps(disk.now) == 1
    assert stamps(disk.now + DAY) == 2
    disk.fill(1)
    with disk.open(segment_bytes=1):
        pass
    assert len(disk.files()) == 2
    assert stamps(disk.now) == 3
    assert stamps(disk.now) == 3
    assert len(anchored_sizes(str(disk.path))) == 3


def test_a_clock_that_is_wrong_stops_no_stamp(disk: DiskTrail, authority: Authority, local: LocalAuthority) -> None:
    errand = StampErrand(str(disk.path), authority)
    errand.run(disk.now)
    disk.fill(1)
    errand.run(disk.now - timedelta(days=400))
    assert len(local.questions) == 2


def test_without_a_signed_head_nothing_is_sent(tmp_path: Path, authority: Authority, local: LocalAuthority) -> None:
    disk = DiskTrail(tmp_path / "unsigned")
    assert StampErrand(str(disk.path), authority).run(disk.now) is None
    disk.fill(1)
    assert StampErrand(str(disk.path), authority).run(disk.now) is None
    assert local.questions == []


def test_a_head_that_does_not_verify_is_not_sent(disk: DiskTrail, authority: Authority, local: LocalAuthority) -> None:
    path = disk.path / "checkpoint"
    path.write_bytes(path.read_bytes().replace(b"\n4\n", b"\n3\n"))
    with pytest.raises(AuditDamagedError, match="the head does not verify"):
        StampErrand(str(disk.path), authority).run(disk.now)
    assert local.questions == []


def test_an_authority_that_is_away_is_a_finding_and_tried_again(disk: DiskTrail, local: LocalAuthority) -> None:
    with local.running() as gone:
        pass
    clock = disk.now
    anchorage = HeadAnchorage([StampErrand(str(disk.path), gone)], lambda: clock)
    assert anchorage.tick().findings == ()
    clock += GRACE
    (found,) = anchorage.tick().findings
    assert (found.key.kind, found.key.subject) == (FindingKind.HEAD_NOT_STAMPED, gone.url)
    assert "deletion goes on" in found.remedy
    with local.running() as back:
        anchorage = HeadAnchorage([StampErrand(str(disk.path), back)], lambda: clock)
        clock += RETRY
        status = anchorage.tick()
    assert status.findings == ()
    assert set(status.newest) == {"tsa"}


def test_answers_that_are_no_stamp_of_this_head_are_not_kept(
    disk: DiskTrail, authority: Authority, local: LocalAuthority, tmp_path: Path
) -> None:
    note = (disk.path / "checkpoint").read_bytes()
    first = ask_stamp(authority, note, 4)[0]  # a replay has another nonce
    stranger = LocalAuthority(tmp_path / "stranger")
    other, _ = ask_stamp(authority, b"another head", 4)
    refusal = bytes.fromhex("30233021020102301c0c1a") + b"the clock is being repaired"[:26]
    replies = {
        first: UnreachableError,
        other: UnreachableError,
        b"": UnreachableError,
        b"\xff" * 50: UnreachableError,
        first[:-1]: UnreachableError,
        refusal: NotPermittedError,
    }
    for reply, error in replies.items():
        local.answer = lambda _, reply=reply: Answer(HTTPStatus.OK, reply)
        with pytest.raises(error):
            StampErrand(str(disk.path), authority).run(disk.now)
    local.answer = stranger.stamp
    with pytest.raises(UnreachableError, match="no time stamp of this head"):
        StampErrand(str(disk.path), authority).run(disk.now)
    local.answer = lambda _: Answer(HTTPStatus.SERVICE_UNAVAILABLE, b"")
    with pytest.raises(UnreachableError, match="status 503"):
        StampErrand(str(disk.path), authority).run(disk.now)
    assert anchored_sizes(str(disk.path)) == []


def test_no_bit_of_a_stamp_can_flip_and_say_another_time(disk: DiskTrail, authority: Authority) -> None:
    """A few bits are covered by nothing, as in the wrapping; then the stamp says what it said."""
    note = (disk.path / "checkpoint").read_bytes()
    stamp, said = ask_stamp(authority, note, 4)
    roots, silent = read_roots(authority.roots), 0
    for bit in range(0, 8 * len(stamp), 7):
        changed = bytearray(stamp)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            assert open_stamp(bytes(changed), note, 4, roots) == said, bit
            silent += 1
        except AuditDamagedError:
            pass
    assert silent < len(stamp) // 7


def test_a_stamp_under_another_note_is_damage_that_names_the_file(disk: DiskTrail, authority: Authority) -> None:
    errand = StampErrand(str(disk.path), authority)
    errand.run(disk.now)
    disk.fill(1)
    errand.run(disk.now + DAY)
    one, two = anchored_sizes(str(disk.path))
    files(disk, two)[1].write_bytes(read_anchor(str(disk.path), one).stamp)
    with pytest.raises(AuditDamagedError, match=rf"{two:020d}\.tsr: the time stamp is not of this head"):
        read_stamps(str(disk.path), authority.roots)


def test_certificates_that_cannot_be_used_are_said(tmp_path: Path, disk: DiskTrail, authority: Authority) -> None:
    none = tmp_path / "none.pem"
    none.write_text("nothing")
    for path, why in ((tmp_path / "gone.pem", "cannot be read"), (none, "holds no certificates")):
        with pytest.raises(ConfigurationError, match=why):
            ask_stamp(Authority(authority.url, str(path)), b"head", 1)


def test_without_the_library_stamps_are_counted_and_none_is_made(
    disk: DiskTrail, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    StampErrand(str(disk.path), authority).run(disk.now)
    monkeypatch.setitem(sys.modules, "rfc3161_client", None)
    found = read_stamps(str(disk.path), authority.roots)
    assert (found.verified, found.unread) == ((), 1)
    assert "retentiond[tsa]" in found.why
    with pytest.raises(ConfigurationError, match=r"retentiond\[tsa\]"):
        ask_stamp(authority, b"head", 1)


def test_a_stamp_is_found_to_be_of_a_head_that_witnesses_have_cosigned_since(
    disk: DiskTrail, authority: Authority
) -> None:
    StampErrand(str(disk.path), authority).run(disk.now)
    (size,) = anchored_sizes(str(disk.path))
    anchor = read_anchor(str(disk.path), size)
    line = format_signatures([Cosigner.from_seed("w.example/1", bytes(32)).cosign(anchor.cosigned.text, 1)])
    keep_anchor(str(disk.path), replace(anchor, cosignatures=line))
    proof = issue_certificate(str(disk.path), 1).proof
    assert line.encode() in proof
    assert open_stamp_beside(proof, anchor.stamp, read_roots(authority.roots)).by == NAME
    with pytest.raises(AuditDamagedError, match="the certificate does not verify"):
        open_stamp_beside(b"none", anchor.stamp, read_roots(authority.roots))


def test_as_a_person_sees_it(tmp_path: Path, authority: Authority, local: LocalAuthority) -> None:
    desk = Desk(tmp_path, signer=SIGNER, now=datetime.now(UTC))
    seq = delete_one(desk.disk)
    tsa = f'tsa: {{url: "{authority.url}", roots: {authority.roots}}}'
    plain = desk.config.read_text()
    desk.config.write_text(plain.replace("audit: {", f"audit: {{{tsa}, "))
    anchorage = build_anchorage(load(str(desk.config)).settings)
    assert isinstance(anchorage, HeadAnchorage)
    assert anchorage.tick().findings == ()
    configured = desk.config.read_text()
    desk.config.write_text(plain)
    assert "1 not verified: audit.tsa names no certificates" in desk.run("audit", "verify")
    assert f"by {NAME}" in desk.run("audit", "verify", "--tsa-roots", authority.roots)
    desk.config.write_text(configured)
    (stamped,) = desk.ask("audit", "verify")["stamped"]
    assert (stamped["by"], stamped["size"]) == (NAME, len(desk.disk.lines()))
    desk.run("audit", "certificate", str(seq), "--out", str(tmp_path))
    (page,), (stamp,) = tmp_path.glob("*.html"), tmp_path.glob("*.tsr")
    assert "by the clock of CN=Clock of the test" in page.read_text()
    note, _ = files(desk.disk, stamped["size"])
    assert local.verifies(note, stamp)
    (proof,) = tmp_path.glob("*.tlog-proof")
    check = ("audit", "verify", "--certificate", str(proof), "--key", format_vkey(SIGNER.key), "--tsa-roots")
    shown = desk.run(*check, authority.roots)
    assert f"by {NAME}" in shown
    stamp.write_bytes(ask_stamp(authority, b"another head", 1)[0])
    assert "the time stamp is not of the head in the certificate" in desk.run(*check, authority.roots, status=65)
    stamp = files(desk.disk, stamped["size"])[1]
    stamp.write_bytes(stamp.read_bytes()[:-1])
    assert f"{stamp}: the time stamp is not of this head" in desk.run("audit", "verify", status=65)
