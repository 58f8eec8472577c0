"""Inclusion and consistency proofs of RFC 9162 sections 2.1.3 and 2.1.4: made from hashes, checked against heads.

Consistency with the empty tree, which RFC 9162 leaves undefined (section 2.1.4.1 has 0 < m), is decided here: every
tree extends the empty one, so the proof is empty; it is accepted only if the older root is SHA-256(""). C2SP
tlog-witness has the same rule for a first checkpoint ("old 0" and no hashes).
"""

from collections.abc import Iterator, Sequence

from retentiond.tlog.encoding import HASH_SIZE
from retentiond.tlog.errors import ProofError
from retentiond.tlog.subtrees import SubtreeRoot, range_root
from retentiond.tlog.tree import EMPTY_ROOT, TreeHead, node_hash

MAX_PROOF_HASHES = 63
"""The longest proof for a tree of at most 2^63 - 1 leaves (C2SP tlog-witness has the same limit)."""


def inclusion_proof(subtree: SubtreeRoot, index: int, size: int) -> tuple[bytes, ...]:
    """Return PATH(index, D[size]) of RFC 9162 section 2.1.3.1: the leaf's sibling first, the root's child last.

    Raises:
        ProofError: there is no such leaf in a tree of that size, or a hash it needs is not there.
    """
    if not 0 <= index < size:
        raise ProofError(f"a tree of {size} leaves has no leaf {index}")
    start, end = 0, size
    path: list[bytes] = []
    while end - start > 1:
        split = _split(start, end)
        if index < split:
            path.append(range_root(subtree, split, end))
            end = split
        else:
            path.append(range_root(subtree, start, split))
            start = split
    return tuple(reversed(path))


def consistency_proof(subtree: SubtreeRoot, old_size: int, new_size: int) -> tuple[bytes, ...]:
    """Return PROOF(old_size, D[new_size]) of RFC 9162 section 2.1.4.1; empty from size 0 and between equal sizes.

    Raises:
        ProofError: the older tree is the larger one, or a hash it needs is not there.
    """
    if not 0 <= old_size <= new_size:
        raise ProofError(f"a tree of {new_size} leaves does not extend one of {old_size}")
    if old_size == 0:
        return ()
    start, end = 0, new_size
    path: list[bytes] = []
    while old_size != end:
        split = _split(start, end)
        if old_size <= split:
            path.append(range_root(subtree, split, end))
            end = split
        else:
            path.append(range_root(subtree, start, split))
            start = split
    # The verifier has the older root. It needs this subtree only where that root is not the subtree's own.
    if start > 0:
        path.append(range_root(subtree, start, end))
    return tuple(reversed(path))


def verify_inclusion(leaf: bytes, index: int, head: TreeHead, proof: Sequence[bytes]) -> None:
    """Check that the leaf hash `leaf` is at `index` in the tree (RFC 9162 section 2.1.3.2).

    Raises:
        ProofError: it is not, as far as this proof shows.
    """
    if not 0 <= index < head.size:
        raise ProofError(f"a tree of {head.size} leaves has no leaf {index}")
    _check_lengths((leaf, *proof))
    root = leaf
    steps = _Steps(index, head.size - 1)
    for sibling, is_left in steps.over(proof):
        root = node_hash(sibling, root) if is_left else node_hash(root, sibling)
    if not steps.reached_root or root != head.root:
        raise ProofError(f"the inclusion proof of leaf {index} does not lead to the root of {head.size} leaves")


def verify_consistency(old: TreeHead, new: TreeHead, proof: Sequence[bytes]) -> None:
    """Check that the newer tree begins with all leaves of the older one, unchanged (RFC 9162 section 2.1.4.2).

    From size 0 the proof must be empty and the older root SHA-256(""), as the module's docstring decides.

    Raises:
        ProofError: it does not, as far as this proof shows.
    """
    if old.size > new.size:
        raise ProofError(f"a tree of {new.size} leaves does not extend one of {old.size}")
    if old.size in (0, new.size):
        _check_trivial(old, new, proof)
        return
    _check_lengths(proof)
    if old.size.bit_count() == 1:
        proof = (old.root, *proof)
    if not proof:
        raise ProofError(f"the proof from {old.size} to {new.size} leaves is empty")
    trailing = _trailing_zeros(old.size)
    steps = _Steps((old.size - 1) >> trailing, (new.size - 1) >> trailing)
    old_root = new_root = proof[0]
    for sibling, is_left in steps.over(proof[1:]):
        if is_left:
            old_root = node_hash(sibling, old_root)
            new_root = node_hash(sibling, new_root)
        else:
            new_root = node_hash(new_root, sibling)
    if not steps.reached_root or (old_root, new_root) != (old.root, new.root):
        raise ProofError(f"the tree of {new.size} leaves is not shown to extend the one of {old.size}")


class _Steps:
    """The walk from a node up to the root that both verifications of RFC 9162 share (their `fn` and `sn`)."""

    def __init__(self, node: int, last: int) -> None:
        self._node = node
        self._last = last

    @property
    def reached_root(self) -> bool:
        return self._last == 0

    def over(self, siblings: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
        """Yield each sibling and whether it stands on the left.

        Raises:
            ProofError: the root is reached and siblings are left over.
        """
        for sibling in siblings:
            if self.reached_root:
                raise ProofError("the proof is longer than the path to the root")
            is_left = self._node & 1 == 1 or self._node == self._last
            if is_left:
                # The last node of a level without a sibling moves up as it is, until it is a right child.
                self._up(_trailing_zeros(self._node))
            yield sibling, is_left
            self._up(1)

    def _up(self, levels: int) -> None:
        self._node >>= levels
        self._last >>= levels


def _check_trivial(old: TreeHead, new: TreeHead, proof: Sequence[bytes]) -> None:
    if proof:
        raise ProofError(f"the proof from {old.size} to {new.size} leaves must be empty")
    if old.size == 0 and old.root != EMPTY_ROOT:
        raise ProofError("the root of the empty tree is not SHA-256 of the empty string")
    if old.size == new.size and old.root != new.root:
        raise ProofError(f"two different roots for {old.size} leaves")


def _check_lengths(hashes: Sequence[bytes]) -> None:
    if any(len(value) != HASH_SIZE for value in hashes):
        raise ProofError(f"a proof has a hash that is not {HASH_SIZE} bytes long")


def _split(start: int, end: int) -> int:
    """Return where a range of at least two leaves is split: after the largest power of two below its length."""
    return start + (1 << (end - start - 1).bit_length() - 1)


def _trailing_zeros(number: int) -> int:
    """Return how often `number`, which is not 0, can be halved."""
    return (number & -number).bit_length() - 1
