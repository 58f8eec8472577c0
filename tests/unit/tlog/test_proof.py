"""Inclusion and consistency proofs: reference vectors, every small tree, and everything that must not pass."""

import pytest

from retentiond.tlog.errors import ProofError
from retentiond.tlog.proof import consistency_proof, inclusion_proof, verify_consistency, verify_inclusion
from retentiond.tlog.subtrees import Subtrees
from retentiond.tlog.tree import EMPTY_ROOT, TreeHead, leaf_hash
from tests.unit.tlog.builders import a_head, some_leaves
from tests.unit.tlog.test_tree import REFERENCE_ENTRIES

LARGEST = 41
LEAVES = some_leaves(LARGEST)
SUBTREES = Subtrees(LEAVES)
HEADS = [a_head(LEAVES[:size]) for size in range(LARGEST + 1)]
FOREIGN = b"\xff" * 32


def refused_inclusion(leaf: bytes, index: int, head: TreeHead, proof: tuple[bytes, ...]) -> bool:
    try:
        verify_inclusion(leaf, index, head, proof)
    except ProofError:
        return True
    return False


def refused_consistency(old: TreeHead, new: TreeHead, proof: tuple[bytes, ...]) -> bool:
    try:
        verify_consistency(old, new, proof)
    except ProofError:
        return True
    return False


def flipped(value: bytes) -> bytes:
    return value[:-1] + bytes([value[-1] ^ 1])


# --- inclusion ----------------------------------------------------------------------------------------------------


def test_an_inclusion_proof_is_that_of_the_reference_vectors() -> None:
    proof = inclusion_proof(Subtrees([leaf_hash(entry) for entry in REFERENCE_ENTRIES]), 0, 8)
    assert [value.hex() for value in proof] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]


@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_every_leaf_of_every_small_tree_is_proved_and_no_other(size: int) -> None:
    for index in range(size):
        proof = inclusion_proof(SUBTREES, index, size)
        verify_inclusion(LEAVES[index], index, HEADS[size], proof)
        assert refused_inclusion(FOREIGN, index, HEADS[size], proof)
        for elsewhere in range(-1, size + 2):
            assert elsewhere == index or refused_inclusion(LEAVES[index], elsewhere, HEADS[size], proof)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 21, 41])
def test_an_inclusion_proof_with_anything_changed_is_refused(size: int) -> None:
    for index in range(size):
        leaf, head, proof = LEAVES[index], HEADS[size], inclusion_proof(SUBTREES, index, size)
        assert refused_inclusion(leaf, index, TreeHead(size, flipped(head.root)), proof)
        assert refused_inclusion(leaf, index, head, (*proof, FOREIGN))
        for at in range(len(proof)):
            assert refused_inclusion(leaf, index, head, (*proof[:at], *proof[at + 1 :]))
            assert refused_inclusion(leaf, index, head, (*proof[:at], flipped(proof[at]), *proof[at + 1 :]))
            assert refused_inclusion(leaf, index, head, (*proof[:at], proof[at][:-1], *proof[at + 1 :]))


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 5), (5, 5), (6, 5), (0, LARGEST + 1)])
def test_no_inclusion_proof_is_made_for_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ProofError):
        inclusion_proof(SUBTREES, index, size)


def test_nothing_is_included_in_the_empty_tree() -> None:
    assert refused_inclusion(LEAVES[0], 0, HEADS[0], ())


def test_a_leaf_hash_of_another_length_is_refused() -> None:
    assert refused_inclusion(b"", 0, HEADS[1], ())


def test_hashes_cannot_be_cut_at_another_place() -> None:
    leaf, sibling = LEAVES[0] + LEAVES[1][:1], LEAVES[1][1:]
    assert refused_inclusion(leaf, 0, HEADS[2], (sibling,))
    with pytest.raises(ProofError, match="32 bytes"):
        verify_consistency(HEADS[1], HEADS[2], (sibling,))


def test_an_inner_node_does_not_pass_for_a_leaf_of_the_same_tree() -> None:
    inner = SUBTREES(1, 0)
    assert refused_inclusion(inner, 0, HEADS[4], (SUBTREES(1, 1),))


# --- consistency --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (1, 1, []),
        (
            1,
            8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ],
        ),
        (
            6,
            8,
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ],
        ),
        (
            2,
            5,
            [
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ],
        ),
    ],
)
def test_consistency_proofs_are_those_of_the_reference_vectors(old: int, new: int, expected: list[str]) -> None:
    subtrees = Subtrees([leaf_hash(entry) for entry in REFERENCE_ENTRIES])
    assert [value.hex() for value in consistency_proof(subtrees, old, new)] == expected


@pytest.mark.parametrize("new", range(LARGEST + 1))
def test_every_small_tree_extends_every_smaller_one(new: int) -> None:
    for old in range(new + 1):
        verify_consistency(HEADS[old], HEADS[new], consistency_proof(SUBTREES, old, new))


@pytest.mark.parametrize("new", [1, 2, 3, 8, 13, 32, 41])
def test_a_consistency_proof_with_anything_changed_is_refused(new: int) -> None:
    for old in range(new + 1):
        older, newer, proof = HEADS[old], HEADS[new], consistency_proof(SUBTREES, old, new)
        assert refused_consistency(older, newer, (*proof, FOREIGN))
        assert refused_consistency(TreeHead(old, flipped(older.root)), newer, proof)
        if old > 0:
            assert refused_consistency(older, TreeHead(new, flipped(newer.root)), proof)
        for at in range(len(proof)):
            assert refused_consistency(older, newer, (*proof[:at], *proof[at + 1 :]))
            assert refused_consistency(older, newer, (*proof[:at], flipped(proof[at]), *proof[at + 1 :]))
            assert refused_consistency(older, newer, (*proof[:at], b"", *proof[at + 1 :]))


@pytest.mark.parametrize("new", [2, 3, 8, 13, 32, 41])
def test_a_consistency_proof_fits_no_other_older_tree(new: int) -> None:
    for old in range(1, new):
        proof = consistency_proof(SUBTREES, old, new)
        for claimed in range(1, new + 1):
            assert claimed == old or refused_consistency(HEADS[claimed], HEADS[new], proof)


@pytest.mark.parametrize("old", range(1, 20))
def test_a_rewritten_entry_cannot_be_proved_consistent(old: int) -> None:
    for changed in range(old):
        rewritten = [*LEAVES[:changed], FOREIGN, *LEAVES[changed + 1 : 20]]
        proof = consistency_proof(Subtrees(rewritten), old, 20)
        assert refused_consistency(HEADS[old], a_head(rewritten), proof)


def test_the_past_is_never_larger_than_the_present() -> None:
    with pytest.raises(ProofError, match="does not extend"):
        verify_consistency(HEADS[5], HEADS[4], ())
    for old, new in [(5, 4), (-1, 4), (3, LARGEST + 1)]:
        with pytest.raises(ProofError):
            consistency_proof(SUBTREES, old, new)


def test_from_the_empty_tree_the_proof_is_empty_and_the_root_that_of_no_leaves() -> None:
    assert consistency_proof(SUBTREES, 0, 9) == ()
    verify_consistency(TreeHead(0, EMPTY_ROOT), HEADS[9], ())
    assert refused_consistency(TreeHead(0, HEADS[9].root), HEADS[9], ())
    assert refused_consistency(TreeHead(0, bytes(32)), HEADS[9], ())
    assert refused_consistency(TreeHead(0, EMPTY_ROOT), HEADS[9], (HEADS[9].root,))
    assert refused_consistency(TreeHead(0, EMPTY_ROOT), TreeHead(0, bytes(32)), ())


def test_an_empty_proof_shows_nothing_between_two_sizes() -> None:
    assert all(refused_consistency(HEADS[old], HEADS[9], ()) for old in range(1, 9))


@pytest.mark.parametrize("old", [1, 2, 4, 8])
def test_the_same_root_is_not_that_of_a_larger_tree(old: int) -> None:
    assert all(refused_consistency(HEADS[old], TreeHead(new, HEADS[old].root), ()) for new in range(old + 1, 20))
