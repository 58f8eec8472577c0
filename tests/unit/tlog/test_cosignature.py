"""What a witness signs, and what is believed of it."""

from dataclasses import replace

import pytest

from retentiond.tlog.checkpoint import sign_checkpoint
from retentiond.tlog.cosignature import Cosigner, cosignature_message, verify_cosignature, verify_cosignatures
from retentiond.tlog.errors import FormatError, SignatureError, TlogError
from retentiond.tlog.key import VerifierKey
from retentiond.tlog.note import Note, Signature, parse_signatures
from tests.unit.tlog.builders import SIGNER, Witness, a_checkpoint

WITNESS = Witness("witness.example.net/w1")
OTHER = Witness("witness.example.net/w2", seed=8)
TIME = 1_679_315_147


def cosigned(*lines: Signature) -> Note:
    note = sign_checkpoint(a_checkpoint(), [SIGNER])
    return replace(note, signatures=(*note.signatures, *lines))


TEXT = cosigned().text


def test_the_message_is_that_of_the_specification() -> None:
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    assert cosignature_message(text, TIME).decode() == (
        "cosignature/v1\n"
        "time 1679315147\n"
        "example.com/behind-the-sofa\n"
        "20852163\n"
        "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    )


@pytest.mark.parametrize(("text", "timestamp"), [("a", 0), ("", 0), ("a\t\n", 0), ("a\n", -1), ("a\n", 2**63)])
def test_there_is_no_message_for_what_cannot_be_cosigned(text: str, timestamp: int) -> None:
    with pytest.raises(FormatError):
        cosignature_message(text, timestamp)


@pytest.mark.parametrize("timestamp", [0, TIME, 2**63 - 1])
def test_a_line_verifies_and_tells_its_time(timestamp: int) -> None:
    said = verify_cosignature(TEXT, WITNESS.cosign(TEXT, timestamp), WITNESS.key)
    assert (said.witness, said.timestamp) == (WITNESS.key, timestamp)


def test_every_bit_of_a_cosignature_counts() -> None:
    line = WITNESS.cosign(TEXT)
    for at in range(len(line.value)):
        for bit in range(8):
            changed = line.value[:at] + bytes([line.value[at] ^ (1 << bit)]) + line.value[at + 1 :]
            with pytest.raises(TlogError):
                verify_cosignature(TEXT, replace(line, value=changed), WITNESS.key)


@pytest.mark.parametrize(
    ("text", "line", "key", "error"),
    [
        (TEXT.replace("7", "8"), WITNESS.cosign(TEXT), WITNESS.key, SignatureError),
        (TEXT, WITNESS.cosign(TEXT), OTHER.key, SignatureError),
        (TEXT, replace(WITNESS.cosign(TEXT), name="else.example"), WITNESS.key, SignatureError),
        (TEXT, replace(WITNESS.cosign(TEXT), key_id=b"else"), WITNESS.key, SignatureError),
        (TEXT, replace(WITNESS.cosign(TEXT), value=b"x"), WITNESS.key, FormatError),
        (TEXT, replace(WITNESS.cosign(TEXT), value=WITNESS.cosign(TEXT).value + b"x"), WITNESS.key, FormatError),
    ],
    ids=["other text", "other witness", "other name", "other id", "short", "long"],
)
def test_a_line_that_does_not_fit_is_refused(
    text: str, line: Signature, key: VerifierKey, error: type[TlogError]
) -> None:
    with pytest.raises(error):
        verify_cosignature(text, line, key)


def test_known_witnesses_are_returned_once_each_with_their_latest_time() -> None:
    lines = [WITNESS.cosign(TEXT, 5), OTHER.cosign(TEXT, 6), WITNESS.cosign(TEXT, 9), WITNESS.cosign(TEXT, 7)]
    said = verify_cosignatures(cosigned(*lines), [WITNESS.key, OTHER.key])
    assert {(one.witness, one.timestamp) for one in said} == {(WITNESS.key, 9), (OTHER.key, 6)}
    assert len(said) == 2


def test_unknown_witnesses_are_ignored_and_none_is_no_error() -> None:
    assert verify_cosignatures(cosigned(OTHER.cosign(TEXT)), [WITNESS.key]) == ()
    assert verify_cosignatures(cosigned(), []) == ()


def test_a_bad_line_of_a_known_witness_rejects_the_note() -> None:
    bad = replace(WITNESS.cosign(TEXT), value=bytes(72))
    with pytest.raises(SignatureError):
        verify_cosignatures(cosigned(WITNESS.cosign(TEXT), bad), [WITNESS.key])


def test_a_log_key_is_no_witness() -> None:
    with pytest.raises(FormatError, match="type"):
        verify_cosignature(TEXT, cosigned().signatures[0], SIGNER.key)
    with pytest.raises(FormatError, match="type"):
        verify_cosignatures(cosigned(), [SIGNER.key])


# --- the witness's own side ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("timestamp", [1, TIME, 2**63 - 1])
def test_a_cosigner_makes_the_line_of_the_specification(timestamp: int) -> None:
    cosigner = Cosigner.from_seed("witness.example.net/w1", bytes([7]) * 32)
    assert cosigner.key == WITNESS.key
    assert cosigner.cosign(TEXT, timestamp) == WITNESS.cosign(TEXT, timestamp)


@pytest.mark.parametrize(("text", "timestamp"), [(TEXT, 0), (TEXT, -1), (TEXT, 2**63), ("no newline", TIME)])
def test_a_cosigner_says_nothing_without_a_time_or_a_text(text: str, timestamp: int) -> None:
    with pytest.raises(FormatError):
        Cosigner.from_seed("w.example/1", bytes(32)).cosign(text, timestamp)


@pytest.mark.parametrize(("name", "seed"), [("w example", bytes(32)), ("", bytes(32)), ("w.example", bytes(31))])
def test_a_cosigner_has_a_name_and_a_seed(name: str, seed: bytes) -> None:
    with pytest.raises(FormatError):
        Cosigner.from_seed(name, seed)


def test_a_cosigner_does_not_show_its_key() -> None:
    assert "private" not in repr(Cosigner.from_seed("w.example/1", bytes(32)))


def test_the_example_of_the_specification_has_the_shape_that_is_read() -> None:
    """C2SP tlog-cosignature gives this line without the witness's key, so its time and its length can be told."""
    line = (
        "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0"
        "xUe+mbIUBkBIfZ+qnA==\n"
    )
    (signature,) = parse_signatures(line)
    assert (signature.name, signature.key_id.hex()) == ("witness.example.com/w1", "8d66cf3f")
    assert int.from_bytes(signature.value[:8], "big") == TIME
    assert len(signature.value) == 72
