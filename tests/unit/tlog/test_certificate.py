"""Certificates: round trip, the one spelling, and every way to tamper with one."""

from dataclasses import replace

import pytest

from retentiond.tlog.certificate import (
    Certificate,
    TrustedLog,
    VerifiedEntry,
    format_certificate,
    parse_certificate,
    verify_certificate,
)
from retentiond.tlog.checkpoint import sign_checkpoint
from retentiond.tlog.errors import FormatError, ProofError, SignatureError, TlogError
from retentiond.tlog.note import MAX_NOTE_BYTES
from tests.unit.tlog.builders import ORIGIN, OTHER_SIGNER, SIGNER, Witness, a_certificate, a_checkpoint, some_entries

LOG = TrustedLog(origin=ORIGIN, keys=(SIGNER.key,))
WITNESSES = [Witness(f"w.example/{seed}", seed) for seed in range(3)]
TEXT = format_certificate(a_certificate()).decode()


def accepted(data: bytes) -> VerifiedEntry | None:
    try:
        return verify_certificate(parse_certificate(data), LOG)
    except TlogError:
        return None


@pytest.mark.parametrize("entries", [1, 2, 3, 7, 8, 20])
def test_every_entry_has_a_certificate_that_survives_a_round_trip(entries: int) -> None:
    for index, entry in enumerate(some_entries(entries)):
        certificate = a_certificate(index=index, entries=entries)
        read = parse_certificate(format_certificate(certificate))
        assert read == certificate
        shown = verify_certificate(read, LOG)
        assert (shown.entry, shown.index, shown.checkpoint) == (entry, index, a_checkpoint(entries=entries))
        assert shown.cosignatures == ()


def test_the_file_has_the_lines_of_the_specification() -> None:
    lines = format_certificate(a_certificate(index=0, entries=2)).decode().split("\n")
    assert lines[:3] == ["c2sp.org/tlog-proof@v1", "extra eyJzZXEiOjB9", "index 0"]
    assert lines[4:7] == ["", ORIGIN, "2"]
    assert lines[8] == ""
    assert lines[9].startswith(f"— {ORIGIN} ")
    assert lines[10:] == [""]


def test_every_bit_of_a_certificate_counts() -> None:
    data = format_certificate(a_certificate(index=1, entries=3))
    assert accepted(data) is not None
    for at in range(len(data)):
        for bit in range(8):
            assert accepted(data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :]) is None


def test_every_cut_of_a_certificate_is_noticed() -> None:
    assert not any(accepted(TEXT.encode()[:end]) for end in range(len(TEXT.encode())))


@pytest.mark.parametrize(
    "forged",
    [
        replace(a_certificate(), extra=b'{"seq":4}'),
        replace(a_certificate(), index=4),
        replace(a_certificate(), index=7),
        replace(a_certificate(), hashes=a_certificate().hashes[:-1]),
        replace(a_certificate(), hashes=a_certificate().hashes[::-1]),
        replace(a_certificate(), hashes=(*a_certificate().hashes, bytes(32))),
        replace(a_certificate(), note=sign_checkpoint(a_checkpoint(entries=8), [SIGNER])),
    ],
    ids=["entry", "index", "index beyond", "short", "order", "long", "other head"],
)
def test_an_entry_that_is_not_there_is_not_shown(forged: Certificate) -> None:
    with pytest.raises(ProofError):
        verify_certificate(forged, LOG)


def test_a_head_signed_by_a_stranger_shows_nothing() -> None:
    forged = replace(a_certificate(), note=sign_checkpoint(a_checkpoint(), [OTHER_SIGNER]))
    with pytest.raises(SignatureError):
        verify_certificate(forged, LOG)
    with pytest.raises(SignatureError):
        verify_certificate(a_certificate(), replace(LOG, origin="other.example"))


@pytest.mark.parametrize(("signed", "needed", "enough"), [(0, 0, True), (0, 1, False), (2, 2, True), (2, 3, False)])
def test_the_caller_says_how_many_witnesses_are_enough(signed: int, needed: int, enough: bool) -> None:
    certificate = a_certificate()
    lines = [witness.cosign(certificate.note.text) for witness in WITNESSES[:signed]]
    note = replace(certificate.note, signatures=(*certificate.note.signatures, *lines, *lines))
    log = replace(LOG, witnesses=tuple(witness.key for witness in WITNESSES), witnesses_needed=needed)
    if enough:
        assert len(verify_certificate(replace(certificate, note=note), log).cosignatures) == signed
    else:
        with pytest.raises(SignatureError, match="are needed"):
            verify_certificate(replace(certificate, note=note), log)


def test_a_certificate_without_extra_data_has_no_extra_line() -> None:
    bare = replace(a_certificate(), extra=b"")
    assert b"extra" not in format_certificate(bare)
    assert parse_certificate(format_certificate(bare)) == bare
    with pytest.raises(ProofError, match="no entry"):
        verify_certificate(bare, LOG)


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT.replace("@v1", "@v2"),
        "\n" + TEXT,
        TEXT.replace("extra ", "Extra "),
        TEXT.replace("extra ", "extra  "),
        TEXT.replace("extra eyJzZXEiOjN9", "extra "),
        TEXT.replace("extra eyJzZXEiOjN9", "extra"),
        TEXT.replace("extra eyJzZXEiOjN9", "extra eyJzZXEiOjN9\nextra eyJzZXEiOjN9"),
        TEXT.replace("extra eyJzZXEiOjN9\nindex 3", "index 3\nextra eyJzZXEiOjN9"),
        TEXT.replace("index 3\n", ""),
        TEXT.replace("index 3", "index 03"),
        TEXT.replace("index 3", "index -3"),
        TEXT.replace("index 3", f"index {2**63}"),
        TEXT.replace("index 3", "index 3\nAAAA"),
        TEXT.replace("index 3", "index 3 "),
        TEXT.replace("index 3\n", "index 3\n" + ("A" * 43 + "=\n") * 63),
        TEXT.replace("index 3", "index 3\né"),
        TEXT.replace("\n", "\r\n"),
        TEXT.split("\n\n", maxsplit=1)[0],
        TEXT.split("\n\n", maxsplit=1)[0] + "\n\n",
        TEXT + "\n",
    ],
)
def test_any_other_spelling_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        parse_certificate(text.encode())


def test_an_empty_line_too_early_moves_the_hashes_into_the_note_where_they_are_not_signed() -> None:
    with pytest.raises(SignatureError):
        verify_certificate(parse_certificate(TEXT.replace("index 3\n", "index 3\n\n").encode()), LOG)


def test_a_flood_is_refused() -> None:
    with pytest.raises(FormatError, match="limit"):
        parse_certificate(b"c2sp.org/tlog-proof@v1\n" + b"a" * MAX_NOTE_BYTES)


@pytest.mark.parametrize(("index", "hashes"), [(-1, ()), (2**63, ()), (0, (b"short",)), (0, (bytes(32),) * 64)])
def test_a_certificate_that_cannot_be_is_refused(index: int, hashes: tuple[bytes, ...]) -> None:
    with pytest.raises(FormatError):
        replace(a_certificate(), index=index, hashes=hashes)
