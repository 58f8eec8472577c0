"""A walk with a bound lists no more than that, on average and in a burst, and one without never waits."""

import pytest

from retentiond.daemon.pace import CREDIT_S, Pace, names_in
from retentiond.ports import DirectoryStamp, Entry, EntryKind, Listing, Unchanged, Unlisted

STAMP = DirectoryStamp(1, 1, 1)


class Time:
    """A clock that moves when somebody waits, or works."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waited = 0.0

    def wait(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds
        self.waited += seconds


def paced(names_per_s: int | None) -> tuple[Pace, Time]:
    time = Time()
    return Pace(names_per_s, time.wait, monotonic=lambda: time.now), time


def test_without_a_bound_nothing_waits() -> None:
    pace, time = paced(None)
    pace.listed(10**9)
    assert time.waited == 0


def test_so_many_names_take_as_long_as_they_may() -> None:
    pace, time = paced(1000)
    for _ in range(50):
        pace.listed(100)
    assert time.waited == pytest.approx(5.0)


def test_what_the_work_itself_took_counts() -> None:
    pace, time = paced(1000)
    for _ in range(50):
        time.now += 0.08
        pace.listed(100)
    assert time.waited == pytest.approx(5.0 - 49 * 0.08)


def test_a_walk_that_was_slower_catches_up_on_a_second_of_it_only() -> None:
    pace, time = paced(1000)
    pace.listed(1)
    time.now += 3600
    for _ in range(50):
        pace.listed(100)
    assert time.waited == pytest.approx(0.001 + 5.0 - CREDIT_S)


def test_a_wait_that_ends_early_is_made_up_for() -> None:
    """Whoever stops the daemon ends the wait; whoever does not, finds the bound kept."""
    time = Time()
    waits: list[float] = []
    pace = Pace(1000, waits.append, monotonic=lambda: time.now)
    pace.listed(500)
    pace.listed(500)
    assert waits == pytest.approx([0.5, 1.0])


def test_a_directory_counts_as_a_name() -> None:
    files, others = (b"1.mp4", b"2.mp4"), (Entry(b"d", EntryKind.DIRECTORY),)
    assert names_in(Listing(b"a", STAMP, files, others, settled=True)) == 4
    assert names_in(Unchanged(46_000)) == 46_000
    assert names_in(Unlisted(b"a", "cannot be opened")) == 1
