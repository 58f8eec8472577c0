"""The leaf hashes of the records that are kept; proofs are made from them with `tlog.proof`."""

import os
from collections.abc import Iterator, Sequence
from typing import overload

from retentiond.audit.kept import kept_segments, read_base
from retentiond.audit.segment import load_chain, whole_lines
from retentiond.domain.errors import AuditDamagedError
from retentiond.tlog.encoding import HASH_SIZE
from retentiond.tlog.subtrees import Subtrees, range_root
from retentiond.tlog.tree import TreeHead, leaf_hash


class LeafHashes(Sequence[bytes]):
    """Hashes in one block of memory: 32 bytes each, a third of what a list takes."""

    def __init__(self) -> None:
        self._data = bytearray()

    def append(self, leaf: bytes) -> None:
        """Add the next hash."""
        self._data += leaf

    def __len__(self) -> int:
        return len(self._data) // HASH_SIZE

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = index + len(self) if index < 0 else index
        if not 0 <= number < len(self):
            raise IndexError(index)
        return bytes(self._data[number * HASH_SIZE : (number + 1) * HASH_SIZE])

    def __iter__(self) -> Iterator[bytes]:
        return (self[number] for number in range(len(self)))


def read_tree(directory: str, since: int = 0) -> tuple[Subtrees, TreeHead]:
    """Return the tree of the trail in `directory` as its lines are now, and its head; signed is only `checkpoint`.

    Nothing is checked but that no file is missing; `verify_trail` checks. Segments before record `since` are not read
    where their edge is kept: inclusion proofs of `since` and later records can be made, and consistency proofs from
    there on. Proofs of earlier records, or of those that were pruned, raise ProofError.

    Raises:
        AuditDamagedError: a file is missing.
        StorageError: the files cannot be read.
    """
    base, leaves = read_base(directory), LeafHashes()
    segments = kept_segments(os.path.join(directory, "log"))
    before = base.frontier
    for number in reversed(range(len(segments))):
        edge = load_chain(segments[number]) if base.first < segments[number].first <= since else None
        if edge is not None:
            before, segments = edge.frontier, segments[number:]
            break
    for segment in segments:
        if segment.first != before.size + len(leaves):
            raise AuditDamagedError(
                f"{segment.path}: begins at record {segment.first}, and {before.size + len(leaves)} are before it"
            )
        for line in whole_lines(segment.path):
            leaves.append(leaf_hash(line))
    subtrees, size = Subtrees(leaves, before), before.size + len(leaves)
    return subtrees, TreeHead(size, range_root(subtrees, 0, size))
