"""What is judged in a sheaf is judged as it would be alone: nothing is odd about it, and no file had to be looked at.

A recording whose name is said to tell nothing is judged alone. There is no file, so what asks for one drops out.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retentiond.catalogue.open import open_in_memory
from retentiond.catalogue.sqlite import SqliteCatalogue
from retentiond.domain.instants import EARLIEST, from_ms, to_ms
from retentiond.domain.misnamed import ClockDoubts, Misnamed, Spell
from retentiond.domain.recording import Place, Recording
from retentiond.ports import Arrived, ScanState
from retentiond.recorders.template import build_template
from retentiond.services.arrive import Arrivals, Met, Moment
from retentiond.services.rulebook import RuleBook
from retentiond.storage.store import DirectoryStore
from tests.builders import NOW, STORE, a_policy, a_register, a_rule, a_stream

PERIOD, MARGIN = timedelta(days=30), timedelta(seconds=60)
TOLERANCE = timedelta(minutes=5)
DIRECTORY = b"reception"
STREAM = a_stream(camera="reception")
EDGES = (EARLIEST, NOW, NOW + TOLERANCE, NOW - PERIOD, NOW - PERIOD + MARGIN, NOW - timedelta(days=3))

second = timedelta(seconds=1)
edges = st.builds(
    lambda edge, seconds: edge + seconds * second, st.sampled_from(EDGES), st.integers(-1, 1) | st.integers(-400, 400)
)
anytime = st.integers(-86_400 * 365, 86_400 * 3).map(lambda seconds: NOW + seconds * second)
starts = edges | anytime
aheads = st.sampled_from([-100, -1, 1, 30]).map(lambda hours: timedelta(hours=hours))
spells = st.builds(
    lambda since, length, ahead: Spell(since, length and since + length, ahead),
    starts,
    st.none() | st.just(timedelta(hours=10)),
    aheads,
)
misnamed = st.builds(lambda since, later: Misnamed(since, since + timedelta(hours=10), abs(later)), starts, aheads)
doubts = st.builds(ClockDoubts, st.lists(spells, max_size=2).map(tuple), st.lists(misnamed, max_size=2).map(tuple))
moments = st.builds(Moment, st.just(NOW), st.none() | aheads, st.just(ClockDoubts()) | doubts)
scans = st.none() | st.just(NOW - timedelta(days=1))
periods = st.lists(st.sampled_from([timedelta(hours=1), timedelta(days=2), PERIOD]), min_size=1, max_size=2)


@pytest.fixture(scope="module")
def arrivals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Arrivals, SqliteCatalogue]]:
    store = DirectoryStore(STORE, str(tmp_path_factory.mktemp("store")), expected=lambda: None)
    store.examine()
    recorder = build_template(STORE, UTC, ["{camera}/%Y-%m-%dT%H-%M-%S.mp4"])
    with open_in_memory() as catalogue:
        yield Arrivals(store, recorder, catalogue), catalogue


@given(st.lists(starts, max_size=12, unique=True), moments, scans, periods)
@settings(max_examples=600)
def test_what_is_judged_together_is_judged_as_alone(
    arrivals: tuple[Arrivals, SqliteCatalogue],
    named: list[datetime],
    moment: Moment,
    last_scan: datetime | None,
    lengths: list[timedelta],
) -> None:
    judge, catalogue = arrivals
    catalogue.set_scan_state(STORE, ScanState(last_scan, None))
    rules = [a_rule(f"rule {number}", period=length) for number, length in enumerate(lengths)]
    book = RuleBook(a_policy(*rules, margin=MARGIN), "policy", a_register(), "register")
    told = {start.strftime("%Y-%m-%dT%H-%M-%S.mp4").encode(): to_ms(start) for start in named}

    careful, sheaves = judge.judge(met(told), {STREAM: tuple(told)}, book, moment)
    alone, none = judge.judge(met(dict.fromkeys(told)), {STREAM: tuple(told)}, book, moment)

    assert none == []
    together = [
        Arrived(Recording(STREAM, Place(DIRECTORY, name), from_ms(start)), sheaf.first_seen)
        for sheaf in sheaves
        for name, start in sheaf.starts_ms.items()
    ]
    assert sorted([*careful, *together], key=place_of) == sorted(alone, key=place_of)


def test_what_says_enough_is_judged_together(arrivals: tuple[Arrivals, SqliteCatalogue]) -> None:
    judge, catalogue = arrivals
    catalogue.set_scan_state(STORE, ScanState(NOW, None))
    told = {b"2026-03-%02dT12-00-00.mp4" % day: to_ms(NOW.replace(day=day)) for day in range(2, 32)}
    book = RuleBook(a_policy(margin=MARGIN), "policy", a_register(), "register")
    careful, sheaves = judge.judge(met(told), {STREAM: tuple(told)}, book, Moment(NOW))
    assert careful == []
    assert [sheaf.starts_ms for sheaf in sheaves] == [told]


def met(told: Mapping[bytes, int | None]) -> Met:
    return Met(DIRECTORY, {STREAM: told}, {}, ())


def place_of(item: Arrived) -> Place:
    return item.recording.place
