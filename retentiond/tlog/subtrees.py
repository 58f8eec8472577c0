"""Roots of parts of a tree, computed from its leaf hashes, also when the oldest of them are gone.

A log that prunes its oldest entries keeps the `Frontier` at the first entry that is left. Every proof about the
entries that are left needs only hashes that are in that frontier or follow from it (C2SP tlog-tiles, "Pruning").
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from retentiond.tlog.errors import ProofError
from retentiond.tlog.tree import Frontier, join_subtrees, node_hash

SubtreeRoot: TypeAlias = Callable[[int, int], bytes]
"""Given (level, index), returns the root over the leaves `index << level` up to `(index + 1) << level`."""

_CACHED_FROM_LEVEL = 8

NOTHING_PRUNED = Frontier()


class Subtrees:
    """A `SubtreeRoot` over the leaf hashes that a log still has.

    The sequence is read when a hash is needed and may grow at its end, never change. Roots over 256 leaves and more
    are remembered, so that later proofs read some hundreds of leaves and not all.
    """

    def __init__(self, leaves: Sequence[bytes], pruned: Frontier = NOTHING_PRUNED) -> None:
        """Look at `leaves`, which follow on the leaves that the frontier `pruned` stands for."""
        self._leaves = leaves
        self._first = pruned.size
        self._known = _placed(pruned)

    def __call__(self, level: int, index: int) -> bytes:
        """Return the root over the leaves `index << level` up to `(index + 1) << level` (RFC 9162 section 2.1.1).

        Raises:
            ProofError: a leaf it needs was pruned, or the log is not that long.
        """
        known = self._known.get((level, index))
        if known is not None:
            return known
        if (index + 1) << level <= self._first:
            raise ProofError(f"leaves before {self._first} were pruned, and their hashes with them")
        if level == 0:
            return self._leaf(index)
        root = node_hash(self(level - 1, 2 * index), self(level - 1, 2 * index + 1))
        if level >= _CACHED_FROM_LEVEL:
            self._known[level, index] = root
        return root

    def _leaf(self, index: int) -> bytes:
        if index - self._first >= len(self._leaves):
            raise ProofError(f"the log has no leaf {index}: it has {self._first + len(self._leaves)}")
        return self._leaves[index - self._first]


def range_root(subtree: SubtreeRoot, start: int, end: int) -> bytes:
    """Return MTH(D[start:end]) of RFC 9162 section 2.1.1; with `start` 0, the root that the log had at size `end`.

    Args:
        subtree: gives the roots of perfect subtrees.
        start: a multiple of a power of two that is not smaller than the length of the range, as are all the ranges
            that the definition splits a tree into.
        end: the end of the range, exclusive.
    """
    roots: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        roots.append(subtree(level, start >> level))
        start += 1 << level
    return join_subtrees(roots)


def _placed(frontier: Frontier) -> dict[tuple[int, int], bytes]:
    """Return the hashes of a frontier by the level and index of their subtrees."""
    placed: dict[tuple[int, int], bytes] = {}
    start = 0
    for root in frontier.hashes:
        level = (frontier.size - start).bit_length() - 1
        placed[level, start >> level] = root
        start += 1 << level
    return placed
