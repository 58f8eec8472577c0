"""What holds for every log: trees, proofs, pruning, notes and certificates of any shape."""

from contextlib import suppress
from dataclasses import replace

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
from retentiond.tlog.encoding import MAX_NUMBER, format_base64, parse_base64, parse_decimal
from retentiond.tlog.errors import TlogError
from retentiond.tlog.key import Signer, format_vkey, parse_vkey
from retentiond.tlog.note import format_note, parse_note, sign_note, verify_note
from retentiond.tlog.proof import consistency_proof, inclusion_proof, verify_consistency, verify_inclusion
from retentiond.tlog.subtrees import Subtrees
from retentiond.tlog.tree import Frontier, leaf_hash

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
    ]:
        with suppress(TlogError):
            read(text)


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
