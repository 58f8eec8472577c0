"""Verifier keys and signers."""

import hashlib
from base64 import b64encode

import pytest

from retentiond.tlog.errors import FormatError
from retentiond.tlog.key import SignatureType, Signer, VerifierKey, format_vkey, parse_vkey
from tests.unit.tlog.builders import ORIGIN, SIGNER

# The first is the example of C2SP signed-note, the second the key of a large public log.
SPECIFICATION_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
PUBLIC_LOG_VKEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"


@pytest.mark.parametrize("vkey", [SPECIFICATION_VKEY, PUBLIC_LOG_VKEY])
def test_known_verifier_keys_are_read_and_written_unchanged(vkey: str) -> None:
    key = parse_vkey(vkey)
    assert key.kind is SignatureType.ED25519
    assert key.key_id.hex() == vkey.split("+")[1]
    assert format_vkey(key) == vkey


def test_the_key_id_depends_on_name_type_and_key() -> None:
    key = SIGNER.key
    others = [
        VerifierKey(name=ORIGIN + "2", public_key=key.public_key),
        VerifierKey(name=ORIGIN, kind=SignatureType.COSIGNATURE_V1, public_key=key.public_key),
        VerifierKey(name=ORIGIN, public_key=bytes(32)),
    ]
    assert len({one.key_id for one in [key, *others]}) == 4


def test_a_witness_key_is_read_with_its_type() -> None:
    key = VerifierKey(name="w.example/1", kind=SignatureType.COSIGNATURE_V1, public_key=SIGNER.key.public_key)
    assert parse_vkey(format_vkey(key)) == key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com/foo",
        "example.com/foo+530d903a",
        SPECIFICATION_VKEY.removeprefix("example.com/foo"),
        SPECIFICATION_VKEY.replace("530d903a", "530D903A"),
        SPECIFICATION_VKEY.replace("530d903a", "530d903b"),
        SPECIFICATION_VKEY.replace("530d903a", "30d903a"),
        SPECIFICATION_VKEY.replace("foo", "bar"),
        SPECIFICATION_VKEY.replace("/foo", " foo"),
        SPECIFICATION_VKEY[:-4],
        SPECIFICATION_VKEY[:-1],
        SPECIFICATION_VKEY + "\n",
        " " + SPECIFICATION_VKEY,
        "example.com/foo+530d903a+",
        "example.com/foo+530d903a+AAAA",
        SPECIFICATION_VKEY.replace("+Ae", "+Aue"),
        SPECIFICATION_VKEY.replace("+Ae", "+Bu"),
    ],
)
def test_a_malformed_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        parse_vkey(text)


@pytest.mark.parametrize(("kind", "size"), [(0x02, 32), (0x06, 1312), (0xFF, 32), (0x01, 31), (0x01, 33), (0x04, 0)])
def test_a_key_of_another_type_or_length_is_refused_though_its_id_is_right(kind: int, size: int) -> None:
    material = bytes([kind]) + bytes(size)
    key_id = hashlib.sha256(b"example.com/foo\n" + material).hexdigest()[:8]
    with pytest.raises(FormatError, match=r"0x01|32 bytes"):
        parse_vkey(f"example.com/foo+{key_id}+{b64encode(material).decode()}")


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\tb", "a\nb", "a\u00a0b", "a\u2003b", "a\x01b", "a\ud800"])
def test_what_cannot_name_a_key_names_none(name: str) -> None:
    with pytest.raises(FormatError):
        VerifierKey(name=name, public_key=bytes(32))
    with pytest.raises(FormatError):
        Signer.from_seed(name, bytes(32))


@pytest.mark.parametrize("size", [0, 31, 33, 64])
def test_keys_and_seeds_have_32_bytes(size: int) -> None:
    with pytest.raises(FormatError):
        VerifierKey(name=ORIGIN, public_key=bytes(size))
    with pytest.raises(FormatError):
        Signer.from_seed(ORIGIN, bytes(size))


def test_a_seed_gives_the_key_of_rfc_8032() -> None:
    signer = Signer.from_seed("x", bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    assert signer.key.public_key.hex() == "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    assert signer.sign(b"").hex().startswith("e5564300c360ac729086e2cc806e828a")


def test_a_signer_does_not_show_its_key() -> None:
    assert "private" not in repr(SIGNER)


@pytest.mark.parametrize("signature", [b"", bytes(63), bytes(64), bytes(65)])
def test_what_is_no_signature_verifies_nothing(signature: bytes) -> None:
    assert not SIGNER.key.has_signed(b"message", signature)


def test_a_public_key_that_is_no_point_verifies_nothing() -> None:
    assert not VerifierKey(name=ORIGIN, public_key=b"\xff" * 32).has_signed(b"message", SIGNER.sign(b"message"))
