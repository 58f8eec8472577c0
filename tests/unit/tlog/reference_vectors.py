"""The 196 test vectors for proofs that the transparency-dev/merkle project publishes, rebuilt as data.

They belong to the eight entries that Certificate Transparency has always been tested with (`test_tree.py`). Of each
proof that is right there are a dozen that are not: other sizes, other hashes, more or fewer of them. What is here was
written down from the values of version 417fb0c of July 2026, directories `testdata/inclusion` and
`testdata/consistency`; none of that project's code is used. `PUBLISHED_DIGEST` holds the two together: it was taken
from the published files, and a test takes it from what is rebuilt.
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass

from tests.unit.tlog.builders import root_by_definition
from tests.unit.tlog.test_tree import REFERENCE_ENTRIES

PUBLISHED_DIGEST = "7de7e645c4b364c34f4a3fae70ef00affbb13364c9c67d08606b405965418b5a"
"""SHA-256 of the published vectors in the form of `digest_of`."""

EMPTY = hashlib.sha256(b"").digest()
LEAVES = [hashlib.sha256(b"\x00" + entry).digest() for entry in REFERENCE_ENTRIES]
FOREIGN = bytes.fromhex("abacaba000000000000000000000000000000000000000000060061e00123456")
SINGLE = bytes.fromhex("0d3aed023148ffd2a259fbd0cdc7fb3cf975658760d3775b82af6f90aacc2dfc")
ANY1, ANY2 = b"don't care 1", b"don't care 2"

Hashes = tuple[bytes, ...]


@dataclass(frozen=True)
class InclusionVector:
    """A leaf, its place, a head and a proof, and whether the proof is one."""

    index: int
    size: int
    root: bytes
    leaf: bytes
    proof: Hashes
    holds: bool


@dataclass(frozen=True)
class ConsistencyVector:
    """Two heads and a proof, and whether the proof is one."""

    old: int
    new: int
    old_root: bytes
    new_root: bytes
    proof: Hashes
    holds: bool


def inclusion_vectors() -> list[InclusionVector]:
    found = [vector for index, size in INCLUSION_CASES for vector in _about_inclusion(index, size)]
    for index, size in [(0, 0), (0, 1), (1, 0), (2, 1)]:
        found += [InclusionVector(index, size, EMPTY, leaf, (), holds=False) for leaf in (b"", FOREIGN)]
        found.append(InclusionVector(index, size, b"", FOREIGN, (), holds=False))
    for root, leaf in [(SINGLE, SINGLE), (SINGLE, b""), (b"", SINGLE), (b"", b"")]:
        found.append(InclusionVector(0, 1, root, leaf, (), holds=root == leaf == SINGLE))
    return found


def consistency_vectors() -> list[ConsistencyVector]:
    found = [vector for old, new in CONSISTENCY_CASES for vector in _about_consistency(old, new)]
    found.append(ConsistencyVector(1, 1, _root(1), _root(1), (), holds=True))
    for (old, new), roots, proof in ODD_HEADS:
        holds = (old, new) == (1, 1) and roots == (ANY2, ANY2)
        found.append(ConsistencyVector(old, new, *roots, proof, holds=holds))
    return found


INCLUSION_CASES = [(0, 1), (0, 8), (5, 8), (2, 3), (1, 5)]
CONSISTENCY_CASES = [(1, 8), (6, 8), (2, 5), (6, 7)]
ODD_HEADS: list[tuple[tuple[int, int], tuple[bytes, bytes], Hashes]] = [
    ((0, 0), (ANY1, ANY1), ()),
    ((0, 0), (ANY1, ANY2), ()),
    ((0, 0), (EMPTY, ANY2), ()),
    ((0, 0), (EMPTY, EMPTY), (EMPTY,)),
    ((0, 1), (ANY1, ANY2), ()),
    ((0, 1), (EMPTY, ANY2), ()),
    ((0, 1), (EMPTY, EMPTY), (EMPTY,)),
    ((1, 0), (ANY1, ANY2), ()),
    ((1, 1), (ANY2, ANY2), ()),
    ((1, 1), (ANY1, ANY2), ()),
    ((1, 1), (EMPTY, ANY2), ()),
    ((1, 1), (EMPTY, EMPTY), (EMPTY,)),
    ((1, 2), (ANY1, ANY2), ()),
    ((2, 1), (ANY1, ANY2), ()),
]


def _about_inclusion(index: int, size: int) -> Iterator[InclusionVector]:
    leaf, root, proof = LEAVES[index], _root(size), _path(index, 0, size)
    yield InclusionVector(index, size, root, leaf, proof, holds=True)
    below = index - 1 if index else 2**64 - 1  # of an unsigned number
    for other in (below, index + 1, index ^ 2):
        yield InclusionVector(other, size, root, leaf, proof, holds=False)
    for other in (size * 2, size // 2):
        yield InclusionVector(index, other, root, leaf, proof, holds=False)
    yield InclusionVector(index, size, root, b"WrongLeaf", proof, holds=False)
    for other_root in (EMPTY, FOREIGN):
        yield InclusionVector(index, size, other_root, leaf, proof, holds=False)
    changed = [_flipped(proof, at, 3) for at in range(len(proof))]
    changed += [(*proof, b""), (*proof, root), (b"", *proof), (root, *proof)]
    changed += [proof[:-1]] if proof else []
    changed += [(proof[0], FOREIGN, *proof[1:])] if len(proof) > 1 else []
    for other_proof in changed:
        yield InclusionVector(index, size, root, leaf, other_proof, holds=False)


def _about_consistency(old: int, new: int) -> Iterator[ConsistencyVector]:
    first, second, proof = _root(old), _root(new), _consistency(old, 0, new)
    yield ConsistencyVector(old, new, first, second, proof, holds=True)
    for other in (old - 1, old + 1, old ^ 2):
        yield ConsistencyVector(other, new, first, second, proof, holds=False)
    for other in (new * 2, new // 2):
        yield ConsistencyVector(old, other, first, second, proof, holds=False)
    for roots in ((b"WrongRoot", second), (first, b"WrongRoot"), (second, first)):
        yield ConsistencyVector(old, new, *roots, proof, holds=False)
    changed: list[Hashes] = [_flipped(proof, at, 4) for at in range(len(proof))]
    changed += [(), (*proof, b""), (*proof, first), (*proof, second), proof[:-1]]
    changed += [(b"", *proof), (first, *proof), (second, *proof), (proof[0], *proof)]
    for other_proof in changed:
        yield ConsistencyVector(old, new, first, second, other_proof, holds=False)


def _root(size: int) -> bytes:
    return root_by_definition(LEAVES[:size])


def _split(start: int, end: int) -> int:
    split = 1
    while split * 2 < end - start:
        split *= 2
    return start + split


def _path(index: int, start: int, end: int) -> Hashes:
    """PATH as RFC 6962 section 2.1.1 writes it down."""
    if end - start == 1:
        return ()
    split = _split(start, end)
    if index < split:
        return (*_path(index, start, split), root_by_definition(LEAVES[split:end]))
    return (*_path(index, split, end), root_by_definition(LEAVES[start:split]))


def _consistency(old: int, start: int, end: int, *, known: bool = True) -> Hashes:
    """PROOF and SUBPROOF as RFC 6962 section 2.1.2 writes them down."""
    if old == end:
        return () if known else (root_by_definition(LEAVES[start:end]),)
    split = _split(start, end)
    if old <= split:
        return (*_consistency(old, start, split, known=known), root_by_definition(LEAVES[split:end]))
    return (*_consistency(old, split, end, known=False), root_by_definition(LEAVES[start:split]))


def _flipped(proof: Hashes, at: int, bit: int) -> Hashes:
    return (*proof[:at], bytes([proof[at][0] ^ 1 << bit]) + proof[at][1:], *proof[at + 1 :])


def digest_of(vectors: Sequence[InclusionVector | ConsistencyVector]) -> str:
    """SHA-256 of the sorted JSON lists [numbers, hashes in base64, proof, verdict], a line each."""
    lines = []
    for vector in vectors:
        *fields, proof, holds = astuple(vector)
        texts = [b64encode(value).decode() if isinstance(value, bytes) else value for value in fields]
        kind = "inclusion" if isinstance(vector, InclusionVector) else "consistency"
        lines.append(json.dumps([kind, *texts, [b64encode(value).decode() for value in proof], holds]))
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
