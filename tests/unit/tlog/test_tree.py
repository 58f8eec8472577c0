"""The Merkle tree against the reference vectors of Certificate Transparency and against its own definition."""

import hashlib

import pytest

from retentiond.tlog.errors import FormatError, TlogError
from retentiond.tlog.tree import EMPTY_ROOT, Frontier, TreeHead, leaf_hash, node_hash
from tests.unit.tlog.builders import root_by_definition, some_leaves

REFERENCE_ENTRIES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
REFERENCE_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
HASH = bytes(32)


def test_leaf_and_node_hashes_have_their_prefixes() -> None:
    assert leaf_hash(b"entry") == hashlib.sha256(b"\x00entry").digest()
    assert node_hash(b"a" * 32, b"b" * 32) == hashlib.sha256(b"\x01" + b"a" * 32 + b"b" * 32).digest()


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_the_reference_vectors(size: int) -> None:
    frontier = Frontier().extend(leaf_hash(entry) for entry in REFERENCE_ENTRIES[:size])
    assert frontier.root.hex() == REFERENCE_ROOTS[size]
    assert frontier.head == TreeHead(size, bytes.fromhex(REFERENCE_ROOTS[size]))


def test_the_empty_tree_has_the_hash_of_the_empty_string() -> None:
    assert Frontier().root == EMPTY_ROOT == hashlib.sha256(b"").digest()


def test_appending_one_by_one_and_all_at_once_follow_the_definition() -> None:
    leaves = some_leaves(70)
    frontier = Frontier()
    for size, leaf in enumerate(leaves, start=1):
        frontier = frontier.append(leaf)
        assert frontier.root == root_by_definition(leaves[:size])
        assert frontier == Frontier().extend(leaves[:size])


def test_appending_leaves_the_older_frontier_as_it_was() -> None:
    older = Frontier().extend(some_leaves(3))
    before = older.to_hashes()
    older.append(HASH)
    assert (older.size, older.to_hashes()) == (3, before)


@pytest.mark.parametrize("size", [0, 1, 2, 7, 8, 12345])
def test_a_stored_frontier_goes_on_where_it_stopped(size: int) -> None:
    frontier = Frontier().extend(some_leaves(size))
    stored = frontier.to_hashes()
    assert len(stored) == size.bit_count()
    assert Frontier.from_hashes(size, stored).append(HASH) == frontier.append(HASH)


@pytest.mark.parametrize(
    ("size", "hashes"),
    [(0, [HASH]), (1, []), (2, [HASH, HASH]), (3, [HASH]), (1, [b"short"]), (-1, [HASH]), (2**63, [HASH])],
)
def test_a_frontier_that_cannot_be_is_refused(size: int, hashes: list[bytes]) -> None:
    with pytest.raises(FormatError):
        Frontier.from_hashes(size, hashes)


@pytest.mark.parametrize("leaf", [b"", b"entry, not hash", bytes(31), bytes(33)])
def test_what_is_no_leaf_hash_is_not_appended(leaf: bytes) -> None:
    with pytest.raises(FormatError):
        Frontier().append(leaf)
    with pytest.raises(FormatError):
        Frontier().extend([HASH, leaf])


@pytest.mark.parametrize(("size", "root"), [(-1, HASH), (2**63, HASH), (1, b""), (1, bytes(31))])
def test_a_head_that_cannot_be_is_refused(size: int, root: bytes) -> None:
    with pytest.raises(TlogError):
        TreeHead(size, root)
