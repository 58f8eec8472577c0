"""The exchange between a log and a witness: the texts, and what is refused with which status."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from retentiond.tlog.checkpoint import Checkpoint, sign_checkpoint
from retentiond.tlog.errors import FormatError
from retentiond.tlog.key import Signer, VerifierKey
from retentiond.tlog.note import MAX_NOTE_BYTES, format_note
from retentiond.tlog.proof import consistency_proof
from retentiond.tlog.subtrees import Subtrees
from retentiond.tlog.tree import TreeHead
from retentiond.tlog.witness import (
    NOTHING_SEEN,
    AddCheckpoint,
    Refused,
    Status,
    format_request,
    format_size,
    judge,
    open_request,
    parse_request,
    parse_seen,
    parse_size,
    seen_path,
)
from tests.unit.tlog.builders import ORIGIN, OTHER_SIGNER, SIGNER, Witness, a_checkpoint, a_head, some_leaves

LOGS: Mapping[str, Sequence[VerifierKey]] = {ORIGIN: [SIGNER.key]}
LEAVES = some_leaves(20)

# The example of C2SP tlog-witness, "add-checkpoint".
EXAMPLE = """old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
"""  # noqa: E501


def a_request(old: int, new: int, *, signer: Signer = SIGNER) -> AddCheckpoint:
    head = a_head(LEAVES[:new])
    checkpoint = Checkpoint(origin=ORIGIN, size=head.size, root=head.root)
    proof = consistency_proof(Subtrees(LEAVES), old, new) if old <= new else ()
    return AddCheckpoint(old_size=old, proof=proof, note=sign_checkpoint(checkpoint, [signer]))


def verdict(request: AddCheckpoint | bytes, latest: TreeHead = NOTHING_SEEN) -> Status | None:
    data = request if isinstance(request, bytes) else format_request(request)
    opened = open_request(data, LOGS)
    if isinstance(opened, Refused):
        return opened.status
    refused = judge(*opened, latest)
    return None if refused is None else refused.status


def test_the_example_of_the_specification_is_read_and_written_unchanged() -> None:
    request = parse_request(EXAMPLE.encode())
    assert (request.old_size, len(request.proof), len(request.note.signatures)) == (20852014, 4, 2)
    assert format_request(request).decode() == EXAMPLE


def test_every_step_of_a_log_is_cosigned() -> None:
    for old in range(len(LEAVES) + 1):
        latest = a_head(LEAVES[:old]) if old else NOTHING_SEEN
        for new in range(old, len(LEAVES) + 1):
            assert verdict(a_request(old, new), latest) is None


def test_other_logs_are_not_known() -> None:
    other = Signer.from_seed("other.example", bytes(32))
    note = sign_checkpoint(a_checkpoint(origin="other.example"), [other])
    assert verdict(AddCheckpoint(old_size=0, proof=(), note=note)) is Status.UNKNOWN_ORIGIN


def test_who_does_not_hold_the_key_of_the_log_gets_nothing() -> None:
    assert verdict(a_request(0, 7, signer=OTHER_SIGNER)) is Status.FORBIDDEN
    request = a_request(0, 7)
    line = replace(request.note.signatures[0], value=bytes(64))
    assert verdict(replace(request, note=replace(request.note, signatures=(line,)))) is Status.FORBIDDEN
    both = (*request.note.signatures, line)
    assert verdict(replace(request, note=replace(request.note, signatures=both))) is Status.FORBIDDEN


def test_signatures_of_others_do_no_harm() -> None:
    request = a_request(0, 7)
    cosigned = (*request.note.signatures, Witness("w.example/1").cosign(request.note.text))
    assert verdict(replace(request, note=replace(request.note, signatures=cosigned))) is None


@pytest.mark.parametrize("old", [1, 6, 8, 12])
def test_an_old_size_that_is_not_the_last_cosigned_is_answered_with_that(old: int) -> None:
    opened = open_request(format_request(a_request(old, 12)), LOGS)
    assert not isinstance(opened, Refused)
    refused = judge(*opened, a_head(LEAVES[:7]))
    assert refused == Refused(Status.CONFLICT, "the checkpoint cosigned last is of size 7", 7)


def test_a_rollback_is_a_conflict_and_never_cosigned() -> None:
    latest = a_head(LEAVES[:9])
    assert verdict(a_request(5, 5), latest) is Status.CONFLICT
    assert verdict(a_request(0, 5), latest) is Status.CONFLICT
    assert verdict(a_request(9, 5), latest) is Status.BAD_REQUEST


def test_a_history_that_was_written_anew_is_not_cosigned() -> None:
    latest = a_head([*LEAVES[:3], b"x" * 32, *LEAVES[4:9]])
    assert verdict(a_request(9, 15), latest) is Status.UNPROCESSABLE
    assert verdict(a_request(9, 9), latest) is Status.UNPROCESSABLE


def test_a_proof_from_nothing_is_empty() -> None:
    request = replace(a_request(0, 7), proof=(bytes(32),))
    assert verdict(request) is Status.UNPROCESSABLE


def test_an_empty_tree_has_the_root_of_nothing() -> None:
    note = sign_checkpoint(Checkpoint(origin=ORIGIN, size=0, root=bytes(32)), [SIGNER])
    assert verdict(AddCheckpoint(old_size=0, proof=(), note=note)) is Status.UNPROCESSABLE
    assert verdict(a_request(0, 0)) is None


TEXT = format_request(a_request(3, 7)).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "\n\n",
        TEXT[4:],
        "Old" + TEXT[3:],
        "old" + TEXT[4:],
        "old  3" + TEXT[5:],
        "old 03" + TEXT[5:],
        "old -3" + TEXT[5:],
        "old 3 " + TEXT[5:],
        f"old {2**63}" + TEXT[5:],
        "old ٣" + TEXT[5:],
        TEXT.replace("old 3\n", "old 3\nAAAA\n"),
        TEXT.replace("old 3\n", "old 3\n" + ("A" * 43 + "=\n") * 64),
        TEXT.replace("\n\n", "\n", 1),
        TEXT.replace("\n", "\r\n"),
        TEXT.split("\n\n", maxsplit=1)[0],
        TEXT.split("\n\n", maxsplit=1)[0] + "\n\n",
        TEXT + "\n",
        TEXT.removesuffix("\n"),
    ],
)
def test_any_other_spelling_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        parse_request(text.encode())
    assert verdict(text.encode()) is Status.BAD_REQUEST


def test_a_flood_is_refused() -> None:
    with pytest.raises(FormatError, match="limit"):
        parse_request(b"old 0\n\n" + b"a" * MAX_NOTE_BYTES)


@pytest.mark.parametrize(("old", "proof"), [(-1, ()), (2**63, ()), (0, (b"short",)), (1, (bytes(32),) * 64)])
def test_a_request_that_cannot_be_is_refused(old: int, proof: tuple[bytes, ...]) -> None:
    with pytest.raises(FormatError):
        replace(a_request(3, 7), old_size=old, proof=proof)


@pytest.mark.parametrize("size", [0, 7, 2**63 - 1])
def test_the_size_in_a_conflict_is_read_back(size: int) -> None:
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize("data", [b"", b"7", b"07\n", b"-1\n", b"7\n\n", b" 7\n", b"7\r\n", b"\xd9\xa3\n", b"1" * 99])
def test_any_other_size_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_size(data)


def test_the_latest_checkpoint_lies_under_the_hash_of_the_origin() -> None:
    assert seen_path(ORIGIN) == hashlib.sha256(ORIGIN.encode()).hexdigest() + "/checkpoint"
    note, checkpoint = parse_seen(format_note(a_request(0, 7).note))
    assert checkpoint == a_checkpoint(entries=7)
    assert note == a_request(0, 7).note
