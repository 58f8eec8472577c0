"""What holds for every log: trees, proofs, pruning, notes and certificates of any shape."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from retentiond.tlog.certificate import (
    Certificate,
    TrustedLog,
    format_certificate,
    parse_certificate,
    verify_certificate,
)
from retentiond.tlog.checkpoint import Checkpoint, format_checkpoint, parse_checkpoint, sign_checkpoint
from retentiond.tlog.cosignature import Cosigner, verify_cosignature
from retentiond.tlog.encoding import MAX_NUMBER, format_base64, parse_base64, parse_decimal
from retentiond.tlog.errors import TlogError
from retentiond.tlog.key import Signer, format_vkey, parse_vkey
from retentiond.tlog.note import format_note, parse_note, sign_note, verify_note
from retentiond.tlog.proof import consistency_proof, inclusion_proof, verify_consistency, verify_inclusion
from retentiond.tlog.subtrees import Subtrees
from retentiond.tlog.tree import Frontier, leaf_hash
from retentiond.tlog.witness import (
    AddCheckpoint,
    Refused,
    format_request,
    format_size,
    judge,
    open_request,
    parse_request,
    parse_seen,
    parse_size,
)

ENTRIES = [b"entry %d" % index for index in range(300)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
SUBTREES = Subtrees(LEAVES)
SIGNER = Signer.from_seed("log.example/1", bytes(range(32)))
LOG = TrustedLog(origin=SIGNER.name, keys=(SIGNER.key,))

sizes = st.integers(0, len(LEAVES))
numbers = st.integers(0, MAX_NUMBER)
hashes = st.binary(min_size=32, max_size=32)
characters = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"], exclude_characters="+")
names = st.text(characters, min_size=1, max_size=30).filter(lambda name: not any(one.isspace() for one in name))
texts = st.lists(st.text(characters, max_size=10), min_size=1, max_size=6).map(lambda lines: "\n".join(lines) + "\n")


def head(size: int) -> Frontier:
    return Frontier().extend(LEAVES[:size])


NOTE = sign_checkpoint(Checkpoint(origin=SIGNER.name, size=9, root=head(9).root), [SIGNER])
MESSAGES: list[tuple[Callable[[bytes], Any], Callable[[Any], bytes], bytes]] = [
    (parse_note, format_note, format_note(NOTE)),
    (
        parse_certificate,
        format_certificate,
        format_certificate(Certificate(extra=b"x", index=4, hashes=inclusion_proof(SUBTREES, 4, 9), note=NOTE)),
    ),
    (
        parse_request,
        format_request,
        format_request(AddCheckpoint(old_size=4, proof=consistency_proof(SUBTREES, 4, 9), note=NOTE)),
    ),
    (parse_size, format_size, format_size(1234)),
]
PIECES = [b"\n", b"\n\n", b" ", "—".encode(), b"+", b"=", b"0", b"\r", b"\x00", b"\xff", "٣".encode()]


@settings(max_examples=40)
@given(cuts=st.lists(sizes, max_size=5), size=sizes)
def test_a_tree_does_not_depend_on_how_it_was_appended_to(cuts: list[int], size: int) -> None:
    frontier, done = Frontier(), 0
    for cut in [*sorted(cut for cut in cuts if cut < size), size]:
        frontier = Frontier.from_hashes(frontier.size, frontier.to_hashes()).extend(LEAVES[done:cut])
        done = cut
    assert frontier == head(size)


@settings(max_examples=60)
@given(data=st.data(), size=st.integers(1, len(LEAVES)))
def test_after_pruning_anywhere_all_that_is_left_can_be_proved(data: st.DataObject, size: int) -> None:
    first = data.draw(st.integers(0, size - 1))
    index = data.draw(st.integers(first, size - 1))
    old = data.draw(st.integers(first, size))
    subtrees = Subtrees(LEAVES[first:size], head(first))
    verify_inclusion(LEAVES[index], index, head(size).head, inclusion_proof(subtrees, index, size))
    verify_consistency(head(old).head, head(size).head, consistency_proof(subtrees, old, size))


@settings(max_examples=60)
@given(data=st.data(), size=st.integers(1, len(LEAVES)))
def test_a_changed_proof_shows_nothing(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = list(inclusion_proof(SUBTREES, index, size))
    changed = data.draw(st.permutations([*proof, data.draw(hashes)]).map(lambda some: some[: len(proof)]))
    assume(changed != proof)
    try:
        verify_inclusion(LEAVES[index], index, head(size).head, changed)
    except TlogError:
        return
    raise AssertionError("a changed proof was accepted")


@settings(max_examples=60)
@given(value=st.binary(max_size=80), number=numbers)
def test_encodings_are_read_back(value: bytes, number: int) -> None:
    assert parse_base64(format_base64(value)) == value
    assert parse_decimal(str(number)) == number


@settings(max_examples=60)
@given(text=st.text(alphabet="AQgZ+/=-_ \n", max_size=12))
def test_base64_has_one_spelling(text: str) -> None:
    try:
        value = parse_base64(text)
    except TlogError:
        return
    assert format_base64(value) == text


@settings(max_examples=60)
@given(name=names, seed=hashes, text=texts)
def test_what_is_signed_is_read_back_and_verified(name: str, seed: bytes, text: str) -> None:
    signer = Signer.from_seed(name, seed)
    note = sign_note(text, [signer])
    assert parse_note(format_note(note)) == note
    assert verify_note(note, [parse_vkey(format_vkey(signer.key))]) == (signer.key,)


@settings(max_examples=40)
@given(origin=names, size=numbers, root=hashes)
def test_a_checkpoint_is_read_back(origin: str, size: int, root: bytes) -> None:
    checkpoint = Checkpoint(origin=origin, size=size, root=root)
    assert parse_checkpoint(format_checkpoint(checkpoint)) == checkpoint


@settings(max_examples=100)
@given(data=st.one_of(st.binary(max_size=60), texts.map(str.encode)))
def test_garbage_raises_nothing_but_our_errors(data: bytes) -> None:
    for read, text in [
        (parse_note, data),
        (parse_note, b"text\n\n" + data),
        (parse_certificate, data),
        (parse_certificate, b"c2sp.org/tlog-proof@v1\n" + data),
        (parse_certificate, b"c2sp.org/tlog-proof@v1\nindex 0\n\n" + data),
        (parse_request, data),
        (parse_request, b"old 0\n" + data),
        (parse_request, b"old 0\n\n" + data),
        (parse_seen, data),
        (parse_seen, b"log.example/1\n0\n" + data),
        (parse_size, data),
    ]:
        with suppress(TlogError):
            read(text)


@settings(max_examples=100)
@given(data=st.data())
def test_a_message_with_anything_changed_is_refused_or_means_the_same(data: st.DataObject) -> None:
    read, write, whole = data.draw(st.sampled_from(MESSAGES))
    at = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(at, min(at + 4, len(whole))))
    changed = whole[:at] + data.draw(st.one_of(st.binary(max_size=4), st.sampled_from(PIECES))) + whole[end:]
    try:
        value = read(changed)
    except TlogError:
        return
    assert write(value) == changed, "one text has two spellings"


@settings(max_examples=60)
@given(data=st.data(), size=st.integers(0, len(LEAVES)))
def test_a_witness_follows_a_log_and_nothing_else(data: st.DataObject, size: int) -> None:
    seen = data.draw(st.integers(0, size))
    claimed = data.draw(st.integers(0, size))
    rewritten = data.draw(st.booleans()) and seen > 0
    note = sign_checkpoint(Checkpoint(origin=SIGNER.name, size=size, root=head(size).root), [SIGNER])
    request = AddCheckpoint(old_size=claimed, proof=consistency_proof(SUBTREES, claimed, size), note=note)
    opened = open_request(format_request(request), {SIGNER.name: [SIGNER.key]})
    assert not isinstance(opened, Refused)
    latest = Frontier().extend([bytes(32), *LEAVES[1:seen]]).head if rewritten else head(seen).head
    refused = judge(*opened, latest)
    assert (refused is None) is (claimed == seen and not rewritten)


@settings(max_examples=60)
@given(text=texts, seed=hashes, timestamp=st.integers(1, MAX_NUMBER), value=st.binary(min_size=1, max_size=90))
def test_a_cosignature_is_verified_or_refused(text: str, seed: bytes, timestamp: int, value: bytes) -> None:
    cosigner = Cosigner.from_seed("witness.example/1", seed)
    line = cosigner.cosign(text, timestamp)
    assert verify_cosignature(text, line, cosigner.key).timestamp == timestamp
    assume(value != line.value)
    try:
        verify_cosignature(text, replace(line, value=value), cosigner.key)
    except TlogError:
        return
    raise AssertionError("another signature was accepted")


@settings(max_examples=40)
@given(data=st.data(), size=st.integers(1, len(LEAVES)))
def test_a_certificate_shows_its_entry_and_no_other(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    frontier = head(size)
    certificate = Certificate(
        extra=ENTRIES[index],
        index=index,
        hashes=inclusion_proof(SUBTREES, index, size),
        note=sign_checkpoint(Checkpoint(origin=SIGNER.name, size=size, root=frontier.root), [SIGNER]),
    )
    assert verify_certificate(parse_certificate(format_certificate(certificate)), LOG).entry == ENTRIES[index]
    other = data.draw(st.sampled_from(ENTRIES).filter(lambda entry: entry != ENTRIES[index]))
    try:
        verify_certificate(replace(certificate, extra=other), LOG)
    except TlogError:
        return
    raise AssertionError("another entry was accepted")
