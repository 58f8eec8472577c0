"""A Merkle root as numbers that a time series can keep."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retentiond.domain.root_words import ROOT_WORDS, root_of_words, root_words

LARGEST = (2**52 - 1,) * 4 + (2**48 - 1,)


def test_a_root_is_five_words_of_52_bits_the_least_significant_first() -> None:
    assert ROOT_WORDS == 5
    assert root_words(bytes(31) + b"\x01") == (1, 0, 0, 0, 0)
    assert root_words((2**52).to_bytes(32, "big")) == (0, 1, 0, 0, 0)
    assert root_words((3 * 2**104 + 2**208).to_bytes(32, "big")) == (0, 0, 3, 0, 1)
    assert root_words(b"\xff" * 32) == LARGEST


@given(root=st.binary(min_size=32, max_size=32))
def test_a_root_comes_back_from_its_words(root: bytes) -> None:
    words = root_words(root)
    assert all(int(float(word)) == word for word in words)
    assert root_of_words(words) == root


def test_the_smallest_and_the_largest_words_are_a_root() -> None:
    assert root_of_words([0] * 5) == bytes(32)
    assert root_of_words(LARGEST) == b"\xff" * 32


@pytest.mark.parametrize(
    "words", [[0] * 4, [0] * 6, [], [-1, 0, 0, 0, 0], [0, 0, 0, 0, -1], [2**52, 0, 0, 0, 0], [0, 0, 2**52, 0, 0]]
)
def test_what_is_no_word_of_a_root_is_refused(words: list[int]) -> None:
    with pytest.raises(ValueError, match="five whole numbers"):
        root_of_words(words)


@pytest.mark.parametrize("highest", [2**48, 2**49, 2**52 - 1])
def test_words_beyond_256_bits_are_no_root(highest: int) -> None:
    with pytest.raises(ValueError, match="more than 256 bits"):
        root_of_words([0, 0, 0, 0, highest])
