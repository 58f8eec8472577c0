"""Checkpoints: the one spelling, and who may sign them."""

from base64 import b64encode
from dataclasses import replace

import pytest

from retentiond.tlog.checkpoint import (
    Checkpoint,
    format_checkpoint,
    open_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
)
from retentiond.tlog.errors import FormatError, SignatureError
from retentiond.tlog.key import Signer
from retentiond.tlog.note import format_note, parse_note, sign_note
from retentiond.tlog.tree import EMPTY_ROOT
from tests.unit.tlog.builders import ORIGIN, OTHER_SIGNER, SIGNER, Witness, a_checkpoint

# The example of C2SP tlog-checkpoint.
EXAMPLE = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="


def test_the_example_of_the_specification_is_read_and_written_unchanged() -> None:
    checkpoint = parse_checkpoint(EXAMPLE)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert b64encode(checkpoint.root).decode() == ROOT
    assert format_checkpoint(checkpoint) == EXAMPLE


@pytest.mark.parametrize(
    "text",
    [
        "",
        EXAMPLE[:-1],
        EXAMPLE + "\n",
        EXAMPLE + "extension\n",
        "\n" + EXAMPLE,
        EXAMPLE.replace("example.com/behind-the-sofa", ""),
        EXAMPLE.replace("20852163", "020852163"),
        EXAMPLE.replace("20852163", "00"),
        EXAMPLE.replace("20852163", "+20852163"),
        EXAMPLE.replace("20852163", "-1"),
        EXAMPLE.replace("20852163", ""),
        EXAMPLE.replace("20852163", " 20852163"),
        EXAMPLE.replace("20852163", "2_0"),
        EXAMPLE.replace("20852163", "0x10"),
        EXAMPLE.replace("20852163", "٢"),
        EXAMPLE.replace("20852163", "2٢"),
        EXAMPLE.replace("20852163", str(2**63)),
        EXAMPLE.replace("20852163", "1" * 5000),
        EXAMPLE.replace("\n", "\r\n"),
        EXAMPLE.replace(ROOT, ROOT[:-1]),
        EXAMPLE.replace(ROOT, ROOT.replace("/", "_")),
        EXAMPLE.replace(ROOT, ROOT.replace("2I=", "2J=")),
        EXAMPLE.replace(ROOT, ROOT + " "),
        EXAMPLE.replace(ROOT, "é" + ROOT[1:]),
        EXAMPLE.replace(ROOT, "AAAA"),
        EXAMPLE.replace(ROOT, ""),
    ],
)
def test_any_other_spelling_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        parse_checkpoint(text)


@pytest.mark.parametrize("origin", ["", "a\nb", "a\tb", "\ud800"])
def test_an_origin_is_one_line(origin: str) -> None:
    with pytest.raises(FormatError):
        Checkpoint(origin=origin, size=0, root=EMPTY_ROOT)


@pytest.mark.parametrize(("size", "root"), [(-1, bytes(32)), (2**63, bytes(32)), (1, bytes(31))])
def test_a_checkpoint_that_cannot_be_is_refused(size: int, root: bytes) -> None:
    with pytest.raises(FormatError):
        Checkpoint(origin=ORIGIN, size=size, root=root)


@pytest.mark.parametrize("entries", [0, 1, 7])
def test_a_signed_checkpoint_opens_as_what_it_was(entries: int) -> None:
    checkpoint = a_checkpoint(entries=entries)
    note = parse_note(format_note(sign_checkpoint(checkpoint, [SIGNER])))
    opened = open_checkpoint(note, ORIGIN, [SIGNER.key])
    assert opened == checkpoint
    assert (opened.head.size, opened.head.root) == (checkpoint.size, checkpoint.root)


def test_while_keys_rotate_either_key_opens_it_and_a_witness_does_no_harm() -> None:
    note = sign_checkpoint(a_checkpoint(), [SIGNER, OTHER_SIGNER])
    note = replace(note, signatures=(*note.signatures, Witness("w.example/1").cosign(note.text)))
    for keys in [[SIGNER.key], [OTHER_SIGNER.key], [SIGNER.key, OTHER_SIGNER.key]]:
        assert open_checkpoint(note, ORIGIN, keys) == a_checkpoint()


def test_a_log_signs_under_its_own_name_only() -> None:
    with pytest.raises(FormatError, match="origin"):
        sign_checkpoint(a_checkpoint(), [Signer.from_seed("other.example", bytes(32))])


def test_the_checkpoint_of_another_log_is_refused_even_if_its_key_is_known() -> None:
    other = Signer.from_seed("other.example", bytes(32))
    note = sign_checkpoint(a_checkpoint(origin="other.example"), [other])
    with pytest.raises(SignatureError, match="is of 'other"):
        open_checkpoint(note, ORIGIN, [SIGNER.key, other.key])


def test_an_unsigned_head_is_not_opened() -> None:
    with pytest.raises(SignatureError):
        open_checkpoint(sign_checkpoint(a_checkpoint(), [OTHER_SIGNER]), ORIGIN, [SIGNER.key])


def test_a_signed_note_that_is_no_checkpoint_is_refused() -> None:
    with pytest.raises(FormatError):
        open_checkpoint(sign_note(f"{ORIGIN}\n", [SIGNER]), ORIGIN, [SIGNER.key])
