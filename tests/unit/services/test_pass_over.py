"""When a scan may pass over directories that have not changed."""

from datetime import timedelta

import pytest

from retentiond.services.pass_over import LIST_ALL_AFTER, PassOver
from tests.builders import NOW

READING = "a layout"
HOUR = timedelta(hours=1)


@pytest.fixture
def after_a_scan() -> PassOver:
    pass_over = PassOver()
    assert not pass_over.begin(READING, NOW, resumed=False), "the first of this process"
    pass_over.complete()
    return pass_over


def test_after_a_whole_scan_the_next_may(after_a_scan: PassOver) -> None:
    assert after_a_scan.begin(READING, NOW + HOUR, resumed=False)
    after_a_scan.complete()
    assert after_a_scan.begin(READING, NOW + 2 * HOUR, resumed=False)


def test_one_that_broke_off_stands_for_nothing(after_a_scan: PassOver) -> None:
    assert after_a_scan.begin(READING, NOW + HOUR, resumed=False)
    assert not after_a_scan.begin(READING, NOW + 2 * HOUR, resumed=False)


def test_names_that_are_read_otherwise_are_read_again(after_a_scan: PassOver) -> None:
    assert not after_a_scan.begin("another layout", NOW + HOUR, resumed=False)
    after_a_scan.complete()
    assert after_a_scan.begin("another layout", NOW + HOUR, resumed=False)


def test_where_nobody_can_tell_how_names_are_read_everything_is_listed() -> None:
    pass_over = PassOver()
    for _ in range(2):
        assert not pass_over.begin(None, NOW, resumed=False)
        pass_over.complete()


def test_once_a_week_everything_is_listed(after_a_scan: PassOver) -> None:
    assert after_a_scan.begin(READING, NOW + LIST_ALL_AFTER - HOUR, resumed=False)
    after_a_scan.complete()
    assert not after_a_scan.begin(READING, NOW + LIST_ALL_AFTER, resumed=False)
    after_a_scan.complete()
    assert after_a_scan.begin(READING, NOW + LIST_ALL_AFTER + HOUR, resumed=False)


def test_a_clock_that_went_back_makes_nothing_stand_for_longer(after_a_scan: PassOver) -> None:
    assert not after_a_scan.begin(READING, NOW - HOUR, resumed=False)


def test_one_that_goes_on_where_another_process_stood_has_not_seen_everything(after_a_scan: PassOver) -> None:
    assert not after_a_scan.begin(READING, NOW + HOUR, resumed=True)
    after_a_scan.complete()
    assert not after_a_scan.begin(READING, NOW + 2 * HOUR, resumed=False)


def test_a_scan_that_runs_when_all_is_forgotten_stands_for_nothing(after_a_scan: PassOver) -> None:
    assert after_a_scan.begin(READING, NOW + HOUR, resumed=False)
    after_a_scan.forget()
    after_a_scan.complete()
    assert not after_a_scan.begin(READING, NOW + 2 * HOUR, resumed=False)
