"""The published test vectors: every one of them, and the two deliberate deviations."""

import doctest
import hashlib

import pytest

import retentiond.tlog
from retentiond.tlog.errors import FormatError, ProofError, TlogError
from retentiond.tlog.proof import verify_consistency, verify_inclusion
from retentiond.tlog.tree import TreeHead
from tests.unit.tlog.reference_vectors import (
    ANY2,
    EMPTY,
    PUBLISHED_DIGEST,
    ConsistencyVector,
    InclusionVector,
    consistency_vectors,
    digest_of,
    inclusion_vectors,
)


def included(vector: InclusionVector) -> bool:
    try:
        verify_inclusion(vector.leaf, vector.index, TreeHead(vector.size, vector.root), vector.proof)
    except TlogError:
        return False
    return True


def consistent(vector: ConsistencyVector) -> bool:
    old, new = TreeHead(vector.old, vector.old_root), TreeHead(vector.new, vector.new_root)
    try:
        verify_consistency(old, new, vector.proof)
    except ProofError:
        return False
    return True


def hashed(value: bytes) -> bytes:
    """A text that stands for any root, as a root: it has 32 bytes."""
    return value if len(value) == 32 else hashlib.sha256(value).digest()


def test_what_is_rebuilt_here_are_the_published_vectors() -> None:
    vectors: list[InclusionVector | ConsistencyVector] = [*inclusion_vectors(), *consistency_vectors()]
    assert len(vectors) == 196
    assert sum(vector.holds for vector in vectors) == 12
    assert digest_of(vectors) == PUBLISHED_DIGEST


@pytest.mark.parametrize("vector", inclusion_vectors(), ids=lambda vector: f"{vector.index}-{vector.size}")
def test_inclusion_proofs_hold_where_they_should(vector: InclusionVector) -> None:
    assert included(vector) is vector.holds


def test_a_root_has_32_bytes_so_equal_texts_are_no_heads() -> None:
    odd = [vector for vector in consistency_vectors() if len(vector.old_root) != 32 or len(vector.new_root) != 32]
    assert len(odd) == 19
    for vector in odd:
        with pytest.raises(FormatError):
            consistent(vector)
    # The one of them that should hold does so as soon as its two equal roots are roots.
    assert [vector.holds for vector in odd].count(True) == 1
    assert consistent(ConsistencyVector(1, 1, hashed(ANY2), hashed(ANY2), (), holds=True))


def test_consistency_proofs_hold_where_they_should_but_for_the_empty_tree() -> None:
    differing = []
    for vector in consistency_vectors():
        roots = hashed(vector.old_root), hashed(vector.new_root)
        proof = tuple(value for value in vector.proof)
        usable = ConsistencyVector(vector.old, vector.new, *roots, proof, holds=vector.holds)
        if consistent(usable) is not vector.holds:
            differing.append(usable)
    # C2SP tlog-witness: "the empty tree is consistent with any tree, so no proof is necessary". The project that
    # publishes the vectors refuses every proof from size 0. Here it holds, with no hashes and the root of nothing.
    assert differing == [ConsistencyVector(0, 1, EMPTY, hashed(ANY2), (), holds=False)]


def test_the_example_of_the_package_works() -> None:
    tried = doctest.testmod(retentiond.tlog)
    assert (tried.failed, tried.attempted) == (0, 14)
