"""Signed notes: published examples, the rules of the format, and every bit of a note turned over."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from retentiond.tlog.errors import FormatError, SignatureError, TlogError
from retentiond.tlog.key import SignatureType, VerifierKey, parse_vkey
from retentiond.tlog.note import (
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    Note,
    Signature,
    format_note,
    format_signatures,
    parse_note,
    parse_signatures,
    sign_note,
    verify_note,
)
from tests.unit.tlog.builders import ORIGIN, OTHER_SIGNER, SIGNER

TEXT = "This is an example message.\n"
SPECIFICATION_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
SPECIFICATION_NOTE = (
    "This is an example message.\n"
    "\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
).encode()


def a_line(value: bytes = b"signature", *, name: str = ORIGIN, key_id: bytes = b"\0\0\0\1") -> Signature:
    return Signature(name=name, key_id=key_id, value=value)


def accepted(data: bytes) -> bool:
    try:
        verify_note(parse_note(data), [SIGNER.key])
    except TlogError:
        return False
    return True


def flips(data: bytes) -> list[bytes]:
    return [data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :] for at in range(len(data)) for bit in range(8)]


# --- the published example ----------------------------------------------------------------------------------------


def test_the_example_of_the_specification_verifies() -> None:
    key = parse_vkey(SPECIFICATION_VKEY)
    note = parse_note(SPECIFICATION_NOTE)
    assert verify_note(note, [key]) == (key,)
    assert note.text == TEXT
    assert format_note(note) == SPECIFICATION_NOTE


def test_the_example_of_the_specification_fails_with_another_text() -> None:
    note = parse_note(SPECIFICATION_NOTE.replace(b"example message", b"example massage"))
    with pytest.raises(SignatureError, match="does not verify"):
        verify_note(note, [parse_vkey(SPECIFICATION_VKEY)])


# --- signatures ---------------------------------------------------------------------------------------------------


def test_a_signed_note_verifies_after_a_round_trip() -> None:
    note = parse_note(format_note(sign_note(TEXT, [SIGNER, OTHER_SIGNER])))
    assert verify_note(note, [OTHER_SIGNER.key, SIGNER.key]) == (SIGNER.key, OTHER_SIGNER.key)


def test_every_bit_of_a_note_counts() -> None:
    data = format_note(sign_note("nvr7.example.org\n12\n\nthird, after an empty line: é\n", [SIGNER]))
    assert accepted(data)
    assert [changed for changed in flips(data) if accepted(changed)] == []


def test_every_cut_of_a_note_is_noticed() -> None:
    data = format_note(sign_note(TEXT, [SIGNER]))
    assert not any(accepted(data[:end]) for end in range(len(data)))


@pytest.mark.parametrize(
    "line",
    [
        a_line(name="unknown.example", key_id=SIGNER.key.key_id),
        a_line(name=ORIGIN, key_id=b"\xff\xff\xff\xff"),
        a_line(name=ORIGIN, key_id=OTHER_SIGNER.key.key_id),
        a_line(b"x" * 4000, name="other.example", key_id=b"\0\0\0\0"),
    ],
)
def test_signatures_of_unknown_keys_are_ignored(line: Signature) -> None:
    note = sign_note(TEXT, [SIGNER])
    for signatures in [(line, *note.signatures), (*note.signatures, line)]:
        assert verify_note(replace(note, signatures=signatures), [SIGNER.key]) == (SIGNER.key,)


def test_one_bad_signature_of_a_known_key_rejects_the_whole_note() -> None:
    note = sign_note(TEXT, [SIGNER, OTHER_SIGNER])
    bad = replace(note.signatures[1], value=bytes(64))
    for signatures in [(note.signatures[0], bad), (bad, note.signatures[0]), (*note.signatures, bad)]:
        with pytest.raises(SignatureError, match="does not verify"):
            verify_note(replace(note, signatures=signatures), [SIGNER.key, OTHER_SIGNER.key])


@pytest.mark.parametrize("keys", [[], [OTHER_SIGNER.key]])
def test_a_note_that_no_known_key_has_signed_is_rejected(keys: list[VerifierKey]) -> None:
    with pytest.raises(SignatureError, match="no known key"):
        verify_note(sign_note(TEXT, [SIGNER]), keys)


def test_a_signature_given_twice_counts_once() -> None:
    note = sign_note(TEXT, [SIGNER, SIGNER])
    assert verify_note(note, [SIGNER.key, SIGNER.key]) == (SIGNER.key,)


def test_a_key_of_another_type_does_not_verify_a_note() -> None:
    witness = VerifierKey(name=ORIGIN, kind=SignatureType.COSIGNATURE_V1, public_key=SIGNER.key.public_key)
    with pytest.raises(FormatError, match="type"):
        verify_note(sign_note(TEXT, [SIGNER]), [SIGNER.key, witness])


def test_known_keys_that_cannot_be_told_apart_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    note = sign_note(TEXT, [SIGNER])
    monkeypatch.setattr(VerifierKey, "key_id", b"same")
    with pytest.raises(FormatError, match="two keys"):
        verify_note(note, [SIGNER.key, OTHER_SIGNER.key])


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_verifies_the_signature_of_a_note(tmp_path: Path) -> None:
    note = sign_note(TEXT, [SIGNER])
    public = SIGNER.private_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(public)
    (tmp_path / "signature").write_bytes(note.signatures[0].value)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem"]
    command += ["-rawin", "-in", "text", "-sigfile", "signature"]
    for text, passes in [(TEXT, True), (TEXT.replace("T", "t"), False)]:
        (tmp_path / "text").write_text(text)
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=20)
        assert (done.returncode == 0) is passes, done.stderr


# --- the format ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["\n", "a\n\nb\n", "a\n\n", "\n\n\n", "— a b\n", "a\n\n— a b\n", "é\u2028\u0085\x7f\n"]
)
def test_unusual_texts_survive(text: str) -> None:
    note = parse_note(format_note(sign_note(text, [SIGNER])))
    assert note.text == text
    assert verify_note(note, [SIGNER.key]) == (SIGNER.key,)


@pytest.mark.parametrize("text", ["", "a", "a\nb", "a\r\n", "a\tb\n", "\0\n", "a\x1f\n", "\ud800\n"])
def test_what_cannot_be_the_text_of_a_note_is_neither_signed_nor_built(text: str) -> None:
    with pytest.raises(FormatError):
        sign_note(text, [SIGNER])
    with pytest.raises(FormatError):
        Note(text, (a_line(),))


LINE = "— example.com/foo AAAAAXNpZ25hdHVyZQ==\n"


def test_the_line_of_the_next_test_is_well_formed() -> None:
    assert parse_signatures(LINE) == (a_line(name="example.com/foo"),)
    assert format_signatures(parse_signatures(LINE * 2)) == LINE * 2


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "\n",
        LINE[:-1],
        LINE + "\n",
        LINE.replace("— ", "- "),
        LINE.replace("— ", "—"),
        LINE.replace("— ", "—  "),
        LINE.replace("— ", ""),
        LINE.replace(" AAAA", ""),
        LINE.replace(" AAAA", "  AAAA"),
        LINE.replace("/foo", "+foo"),
        LINE.replace("/foo", "\u00a0foo"),
        LINE.replace("example.com/foo", ""),
        LINE.replace("==", "="),
        LINE.replace("==", ""),
        LINE.replace("ZQ==", "ZR=="),
        LINE.replace("AAAAAX", "AAAA-X"),
        LINE.replace("AAAAAX", "AAAA AX"),
        LINE.replace("\n", " \n"),
        LINE.replace("\n", "\r\n"),
        "— example.com/foo AAAA\n",
        "— example.com/foo AAAAAA==\n",
        "— example.com/foo \n",
        "— example.com/foo\n",
    ],
)
def test_malformed_signature_lines_are_refused(lines: str) -> None:
    with pytest.raises(FormatError):
        parse_signatures(lines)
    with pytest.raises(FormatError):
        parse_note(f"text\n\n{lines}".encode())


@pytest.mark.parametrize(
    ("key_id", "value"), [(b"", b"signature"), (b"123", b"signature"), (b"12345", b"signature"), (b"1234", b"")]
)
def test_a_signature_that_cannot_be_is_refused(key_id: bytes, value: bytes) -> None:
    with pytest.raises(FormatError):
        a_line(value, key_id=key_id)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n",
        b"text\n",
        b"text\n\n",
        LINE.encode(),
        b"\xff\n\n" + LINE.encode(),
        b"a\tb\n\n" + LINE.encode(),
    ],
)
def test_what_is_no_note_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_note(data)


def test_an_empty_line_is_no_signature_line_but_may_end_a_text() -> None:
    with pytest.raises(FormatError):
        parse_signatures("\n" + LINE)
    assert parse_note(("text\n\n\n" + LINE).encode()).text == "text\n\n"


def test_sixteen_signatures_are_accepted_and_a_flood_is_not() -> None:
    assert len(parse_note(("a\n\n" + LINE * 16).encode()).signatures) == 16
    with pytest.raises(FormatError):
        parse_note(("a\n\n" + LINE * (MAX_SIGNATURES + 1)).encode())
    with pytest.raises(FormatError, match="limit"):
        parse_note(b"a" * MAX_NOTE_BYTES + b"\n\n" + LINE.encode())


def test_a_note_without_signatures_is_none() -> None:
    with pytest.raises(FormatError):
        sign_note(TEXT, [])
