"""Whatever a name or a file says about its time, the settled start is safe."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from retentiond.domain.recording import TimeSource
from retentiond.domain.starts import ARRIVAL_TOLERANCE, Arrival, classify_arrival, is_plausible, settle_start
from tests.builders import NOW, at

FIRST, LAST = at("0001-01-02"), at("9999-12-30")
anything = st.timedeltas(timedelta(), LAST - FIRST).map(lambda since: FIRST + since)
near = st.integers(min_value=-(40 * 86_400_000), max_value=2 * 86_400_000).map(
    lambda ms: NOW + timedelta(milliseconds=ms)
)
times = st.one_of(st.none(), anything, near)
lately = st.integers(min_value=0, max_value=40 * 86_400_000).map(lambda ms: NOW - timedelta(milliseconds=ms))


@given(times, times, lately)
def test_a_settled_start_never_pins_a_recording_beyond_its_first_sight(
    named: datetime | None, written: datetime | None, first_seen: datetime
) -> None:
    settled = settle_start(named, written, first_seen=first_seen, now=NOW)
    assert settled.instant <= first_seen + ARRIVAL_TOLERANCE
    assert is_plausible(settled.instant, NOW)


@given(times, times, lately)
def test_a_settled_start_is_one_that_something_said(
    named: datetime | None, written: datetime | None, first_seen: datetime
) -> None:
    settled = settle_start(named, written, first_seen=first_seen, now=NOW)
    said = {TimeSource.NAME: named, TimeSource.MTIME: written, TimeSource.FIRST_SEEN: first_seen}
    assert settled.instant == said[settled.source]
    assert (settled.doubt is None) is (settled.source is not TimeSource.FIRST_SEEN)


periods = st.sampled_from([timedelta(hours=1), timedelta(hours=48), timedelta(days=30)])


@given(near, periods, st.one_of(st.none(), near), lately, st.one_of(st.none(), lately))
def test_an_arrival_is_ordinary_only_when_the_daemon_could_not_have_seen_it_in_time(
    start: datetime, period: timedelta, birth: datetime | None, first_seen: datetime, last_scan: datetime | None
) -> None:
    deadline = start + period
    found = classify_arrival(start, deadline, birth=birth, first_seen=first_seen, last_scan=last_scan)
    came = first_seen if birth is None else min(birth, first_seen)
    if last_scan is None:
        assert found is Arrival.ORDINARY
    elif came >= deadline:
        assert found is (Arrival.DISPUTED if came - start > timedelta(hours=48) else Arrival.LATE)
    else:
        assert found is (Arrival.LATE if came < last_scan else Arrival.ORDINARY)
