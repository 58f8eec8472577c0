"""The Merkle tree of RFC 9162 section 2.1.1 (equal to that of RFC 6962) with SHA-256, and its growing edge."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

from retentiond.tlog.encoding import checked_hash, checked_number
from retentiond.tlog.errors import FormatError

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of the tree without leaves, MTH({}) of RFC 9162 section 2.1.1."""


def leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(0x00 || entry), the hash of a leaf (RFC 9162 section 2.1.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return SHA-256(0x01 || left || right), the hash of an inner node (RFC 9162 section 2.1.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def join_subtrees(roots: Sequence[bytes]) -> bytes:
    """Return the root over adjacent perfect subtrees, given from the largest (leftmost) to the smallest.

    RFC 9162 section 2.1.1 splits n leaves at the largest power of two below n, so the perfect subtrees of a tree,
    one for each bit set in n, hang from its right edge and are joined from the right.
    """
    if not roots:
        return EMPTY_ROOT
    return reduce(lambda right, left: node_hash(left, right), reversed(roots))


@dataclass(frozen=True, slots=True)
class TreeHead:
    """What a tree of `size` leaves is known by: the size and root of a checkpoint (C2SP tlog-checkpoint)."""

    size: int
    root: bytes

    def __post_init__(self) -> None:
        checked_number(self.size)
        checked_hash(self.root)


@dataclass(frozen=True, slots=True)
class Frontier:
    """The roots of the maximal perfect subtrees of a tree: all that is needed to append to it (at most 63 hashes).

    Attributes:
        size: the number of leaves.
        hashes: one root for each bit set in `size`, from the largest subtree (leftmost) to the smallest.

    Raises:
        FormatError: the number or the length of the hashes does not fit the size.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        checked_number(self.size)
        if len(self.hashes) != self.size.bit_count():
            raise FormatError(
                f"a tree of {self.size} leaves has {self.size.bit_count()} hashes, not {len(self.hashes)}"
            )
        for value in self.hashes:
            checked_hash(value)

    @classmethod
    def from_hashes(cls, size: int, hashes: Iterable[bytes]) -> "Frontier":
        """Rebuild the frontier from what `to_hashes` returned.

        Raises:
            FormatError: the number or the length of the hashes does not fit the size.
        """
        return cls(size, tuple(hashes))

    def to_hashes(self) -> list[bytes]:
        """Return the hashes for storage. They mean nothing without the size."""
        return list(self.hashes)

    def append(self, leaf: bytes) -> "Frontier":
        """Return the frontier after one more leaf hash (RFC 9162 section 2.1.1)."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> "Frontier":
        """Return the frontier after more leaf hashes, in time linear in their number (RFC 9162 section 2.1.1).

        Raises:
            FormatError: a leaf hash does not have 32 bytes.
        """
        nodes, stack, edge = [checked_hash(leaf) for leaf in leaves], list(self.hashes), []
        size = full = self.size + len(nodes)
        waiting = self.size
        # Height by height, because that costs half of what leaf by leaf does: a perfect subtree that waits for a right
        # neighbour of its own height gets the first of the new nodes, and a last one without a neighbour waits.
        while nodes:
            if waiting & 1:
                nodes.insert(0, stack.pop())
            if full & 1:
                edge.append(nodes.pop())
            nodes = [node_hash(left, right) for left, right in zip(nodes[::2], nodes[1::2], strict=True)]
            waiting >>= 1
            full >>= 1
        stack += reversed(edge)
        return Frontier(size, tuple(stack))

    @property
    def root(self) -> bytes:
        """The root of the tree, MTH(D[n]) of RFC 9162 section 2.1.1."""
        return join_subtrees(self.hashes)

    @property
    def head(self) -> TreeHead:
        """The size and the root of the tree."""
        return TreeHead(self.size, self.root)
