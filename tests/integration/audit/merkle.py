"""RFC 9162, sections 2.1.1 to 2.1.4, once more and from its text: shares nothing with the program."""

import hashlib
from collections.abc import Sequence


def hash_leaf(entry: bytes) -> bytes:
    return hashlib.sha256(b"\0" + entry).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def root_of(entries: Sequence[bytes]) -> bytes:
    """Return the root of the tree over the entries (2.1.1)."""
    if len(entries) < 2:
        return hash_leaf(entries[0]) if entries else hashlib.sha256(b"").digest()
    split = 1 << (len(entries) - 1).bit_length() - 1
    return hash_node(root_of(entries[:split]), root_of(entries[split:]))


def includes(entry: bytes, index: int, size: int, root: bytes, path: tuple[bytes, ...]) -> bool:
    """Verify an inclusion proof (2.1.3.2)."""
    if index >= size:
        return False
    fn, sn, r = index, size - 1, hash_leaf(entry)
    for p in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = hash_node(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = hash_node(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def extends(first: int, second: int, first_root: bytes, second_root: bytes, path: tuple[bytes, ...]) -> bool:
    """Verify a consistency proof (2.1.4.2), for 0 < first < second."""
    hashes = list(path)
    if first & (first - 1) == 0:
        hashes.insert(0, first_root)
    if not hashes:
        return False
    fn, sn = first - 1, second - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = hashes[0]
    for c in hashes[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = hash_node(c, fr), hash_node(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = hash_node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and (fr, sr) == (first_root, second_root)
