"""Hashes of parts of a tree, and proofs from a log that has pruned its beginning."""

import pytest

from retentiond.tlog.errors import ProofError
from retentiond.tlog.proof import consistency_proof, inclusion_proof, verify_consistency, verify_inclusion
from retentiond.tlog.subtrees import Subtrees, range_root
from retentiond.tlog.tree import Frontier
from tests.unit.tlog.builders import a_head, root_by_definition, some_leaves

LEAVES = some_leaves(40)


def pruned_at(first: int, size: int = 40) -> Subtrees:
    return Subtrees(LEAVES[first:size], Frontier().extend(LEAVES[:first]))


@pytest.mark.parametrize("size", range(41))
def test_the_root_of_every_past_size_is_that_of_the_definition(size: int) -> None:
    assert range_root(Subtrees(LEAVES), 0, size) == root_by_definition(LEAVES[:size])


@pytest.mark.parametrize("first", range(41))
def test_a_pruned_log_proves_everything_from_its_first_entry_on(first: int) -> None:
    subtrees = pruned_at(first)
    for size in range(first, 41):
        head = a_head(LEAVES[:size])
        assert range_root(subtrees, 0, size) == head.root
        verify_consistency(head, a_head(LEAVES), consistency_proof(subtrees, size, 40))
        for index in range(first, size):
            verify_inclusion(LEAVES[index], index, head, inclusion_proof(subtrees, index, size))


def test_a_pruned_log_gives_the_same_proofs_as_a_whole_one() -> None:
    for index in range(13, 40):
        assert inclusion_proof(pruned_at(13), index, 40) == inclusion_proof(Subtrees(LEAVES), index, 40)


@pytest.mark.parametrize("index", [0, 3, 7])
def test_a_pruned_entry_is_not_proved_any_more(index: int) -> None:
    with pytest.raises(ProofError, match="pruned"):
        inclusion_proof(pruned_at(8), index, 40)


def test_a_leaf_beyond_the_end_is_an_error() -> None:
    with pytest.raises(ProofError, match="no leaf 40"):
        inclusion_proof(pruned_at(8), 39, 41)


def test_the_log_may_grow_and_remembered_hashes_stay_right() -> None:
    leaves = some_leaves(600)
    growing = leaves[:520]
    subtrees = Subtrees(growing)
    before = inclusion_proof(subtrees, 300, 520)
    growing.extend(leaves[520:])
    verify_inclusion(leaves[300], 300, a_head(leaves[:520]), before)
    verify_inclusion(leaves[300], 300, a_head(leaves), inclusion_proof(subtrees, 300, 600))
    verify_inclusion(leaves[599], 599, a_head(leaves), inclusion_proof(subtrees, 599, 600))
    verify_inclusion(leaves[300], 300, a_head(leaves), inclusion_proof(subtrees, 300, 600))
