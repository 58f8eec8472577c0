"""The number of a camera is what Motion 4.5.1 gives it, or nothing where only Motion can know."""

import pytest

from retentiond.recorders.motion_numbers import Counted, numbers_of


def numbers(*given: int, main: int = 0, listed: tuple[int, ...] = ()) -> list[int | None]:
    groups = listed or (0,) * len(given)
    return list(numbers_of([Counted(number, group) for number, group in zip(given, groups, strict=True)], main))


def test_without_a_number_a_camera_has_its_place() -> None:
    assert numbers(0, 0, 0) == [1, 2, 3]


def test_a_number_that_is_given_counts() -> None:
    assert numbers(17, 0, 5) == [17, 2, 5]


@pytest.mark.parametrize(
    ("given", "main"),
    [((7, 7, 0), 0), ((2, 0, 0), 0), ((32_001, 0, 9), 0), ((5, 0, 9), 5), ((0, 9, 0), 40_000), ((0, 9, 0), 3)],
)
def test_where_two_are_the_same_or_one_is_too_high_all_have_their_places(given: tuple[int, ...], main: int) -> None:
    assert numbers(*given, main=main) == [1, 2, 3]


def test_places_in_a_directory_of_several_are_not_known() -> None:
    assert numbers(0, 0, 0, listed=(9, 9, 9)) == [None, None, None]
    assert numbers(0, 0, 0, 0, listed=(0, 9, 9, 0)) == [1, None, None, 4]
    assert numbers(17, 0, 18, listed=(9, 9, 9)) == [17, None, 18]


def test_a_directory_of_one_is_no_riddle() -> None:
    assert numbers(0, 0, listed=(8, 9)) == [1, 2]


def test_a_number_that_may_be_somebodys_place_is_not_known_either() -> None:
    assert numbers(2, 0, 0, 40, listed=(9, 9, 9, 0)) == [None, None, None, None]
    assert numbers(0, 7, 7, listed=(0, 9, 9)) == [1, None, None]
