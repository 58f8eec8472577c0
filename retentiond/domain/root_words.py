"""A Merkle root as numbers: what a time series can keep of a head of the audit trail (docs/audit-format.md)."""

from collections.abc import Sequence

ROOT_WORDS = 5
ROOT_WORD_BITS = 52


def root_words(root: bytes) -> tuple[int, ...]:
    """Return a 32-byte root as five numbers that a float holds exactly, the least significant first.

    A root as a label would make a new series of each; as numbers it is a sample that anybody's Prometheus keeps.
    """
    number = int.from_bytes(root, "big")
    return tuple((number >> ROOT_WORD_BITS * index) & ((1 << ROOT_WORD_BITS) - 1) for index in range(ROOT_WORDS))


def root_of_words(words: Sequence[int]) -> bytes:
    """Return the root that `root_words` took apart.

    Raises:
        ValueError: these are not five words of 52 bits that make up 256 bits.
    """
    if len(words) != ROOT_WORDS or any(not 0 <= word < 1 << ROOT_WORD_BITS for word in words):
        raise ValueError("a root is five whole numbers from 0 to 2^52-1")
    number = sum(word << ROOT_WORD_BITS * index for index, word in enumerate(words))
    if number >> 256:
        raise ValueError("the words make up more than 256 bits")
    return number.to_bytes(32, "big")
