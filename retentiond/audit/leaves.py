"""The leaf hashes of the records that are kept; proofs are made from them with `tlog.proof`."""

import os
from collections.abc import Iterator, Sequence
from typing import overload

from retentiond.audit.kept import kept_segments, read_base
from retentiond.audit.segment import whole_lines
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


def read_tree(directory: str) -> tuple[Subtrees, TreeHead]:
    """Return the tree of the trail in `directory` as its lines are now, and its head; signed is only `checkpoint`.

    Nothing is checked but that no file is missing; `verify_trail` checks. Proofs of records before the first that is
    kept cannot be made and raise ProofError; consistency proofs begin at it.

    Raises:
        AuditDamagedError: a file is missing.
        StorageError: the files cannot be read.
    """
    base, leaves = read_base(directory), LeafHashes()
    for segment in kept_segments(os.path.join(directory, "log")):
        if segment.first != base.first + len(leaves):
            raise AuditDamagedError(
                f"{segment.path}: begins at record {segment.first}, and {base.first + len(leaves)} are before it"
            )
        for line in whole_lines(segment.path):
            leaves.append(leaf_hash(line))
    subtrees, size = Subtrees(leaves, base.frontier), base.first + len(leaves)
    return subtrees, TreeHead(size, range_root(subtrees, 0, size))
