"""What every catalogue promises of rows and of the set that waits, the real one and the fake alike."""

from datetime import timedelta

import pytest

from retentiond.domain.recording import Recording, Unit
from retentiond.domain.span import BEGINNING
from retentiond.domain.starts import Arrival, Doubt
from retentiond.ports import (
    Arrived,
    Catalogue,
    CatalogueRow,
    ScanState,
    Setback,
)
from tests.builders import NOW, STORE, a_plan, a_recording, a_stream, at, recordings, wait_for
from tests.contract.catalogues import (
    FIRST,
    MS,
    OTHER,
    a_listing,
    a_span,
    arrive,
    compared,
    everything,
    found,
    paths,
)

MINUTE = timedelta(minutes=1)

# --- looking for recordings -------------------------------------------------------------------------------------


def test_a_span_begins_after_its_first_instant_and_includes_its_last(catalogue: Catalogue) -> None:
    items = arrive(catalogue, *(a_recording(FIRST + number * MS) for number in range(5)))
    span = a_span(FIRST, FIRST + 3 * MS)
    assert found(catalogue, span) == list(items[1:4])
    assert catalogue.count((span,)) == 3
    assert found(catalogue, a_span(FIRST + 4 * MS, NOW)) == []


def test_rows_come_oldest_first_whatever_the_order_of_arrival(catalogue: Catalogue) -> None:
    items = recordings(30)
    arrive(catalogue, *items[::-1])
    assert found(catalogue) == items
    assert found(catalogue, limit=4) == items[:4]
    assert found(catalogue, limit=0) == []
    assert found(catalogue, limit=99) == items


def test_recordings_that_start_together_are_all_there(catalogue: Catalogue) -> None:
    items = arrive(catalogue, *(a_recording(path=path) for path in (b"a/1", b"a/2", b"b/1")))
    assert set(found(catalogue, a_span(FIRST - MS, FIRST))) == set(items)
    catalogue.forget([items[1]])
    assert set(found(catalogue)) == {items[0], items[2]}


def test_spans_of_one_stream_that_overlap_yield_each_row_once(catalogue: Catalogue) -> None:
    items = arrive(catalogue, *(a_recording(FIRST + number * MS) for number in range(10)))
    spans = (
        a_span(FIRST + 6 * MS, FIRST + 8 * MS),
        a_span(FIRST + 1 * MS, FIRST + 5 * MS),
        a_span(FIRST + 2 * MS, FIRST + 3 * MS),
        a_span(FIRST + 4 * MS, FIRST + 6 * MS),
        a_span(FIRST + 8 * MS, FIRST + 8 * MS),
    )
    assert found(catalogue, *spans) == list(items[2:9])
    assert catalogue.count(spans) == 7
    assert found(catalogue, *spans, limit=3) == list(items[2:5])


def test_spans_of_several_streams_stay_with_their_streams(catalogue: Catalogue) -> None:
    mine, theirs = recordings(4), recordings(4, camera="entrance")
    arrive(catalogue, *mine, *theirs, *recordings(4, camera="ward"))
    spans = (everything(theirs[0].stream), a_span(BEGINNING, mine[1].start))
    assert found(catalogue, *spans) == [*theirs, *mine[:2]]
    assert found(catalogue, *spans, limit=5) == [*theirs, mine[0]]
    assert catalogue.count(spans) == 6


def test_rows_may_be_forgotten_while_they_are_found(catalogue: Catalogue) -> None:
    items = [a_recording(FIRST + number * MS, path=b"d/%04d" % number) for number in range(2500)]
    arrive(catalogue, *items)
    met, chunk = [], []
    for row in catalogue.find((everything(),)):
        met.append(row.recording)
        chunk.append(row.recording)
        if len(chunk) == 500:
            catalogue.forget(chunk)
            chunk.clear()
    assert met == items
    assert found(catalogue) == []
    assert compared(catalogue, b"d") == (set(), set())


def test_many_rows_of_one_instant_are_found_over_several_pages(catalogue: Catalogue) -> None:
    items = arrive(catalogue, *(a_recording(path=b"%d/%04d" % (number % 3, number)) for number in range(2100)))
    assert sorted(paths(found(catalogue))) == sorted(paths(items))
    assert len(found(catalogue)) == 2100


def test_what_was_odd_at_first_sight_is_remembered(catalogue: Catalogue) -> None:
    ordinary, doubted, late = recordings(3)
    arrive(catalogue, ordinary)
    arrive(catalogue, doubted, doubt=Doubt.UNKNOWN_TIME)
    arrive(catalogue, late, arrival=Arrival.LATE)
    odd = [CatalogueRow(doubted, NOW, Doubt.UNKNOWN_TIME), CatalogueRow(late, NOW, None, Arrival.LATE)]
    assert list(catalogue.find((everything(),))) == [CatalogueRow(ordinary), *odd]
    assert list(catalogue.odd(STORE)) == odd
    assert catalogue.odd(OTHER) == []
    catalogue.forget([doubted, late])
    arrive(catalogue, doubted)
    assert catalogue.odd(STORE) == []


# --- forgetting -------------------------------------------------------------------------------------------------


def test_forgetting_drops_just_those_rows(catalogue: Catalogue) -> None:
    items = arrive(catalogue, *recordings(3), *recordings(2, camera="entrance"))
    catalogue.forget([items[1], items[3]])
    assert found(catalogue) == [items[0], items[2]]
    assert list(catalogue.streams(STORE)) == [(a_stream(), 2), (a_stream(camera="entrance"), 1)]


def test_forgetting_what_was_never_there_leaves_no_trace(catalogue: Catalogue) -> None:
    (known,) = arrive(catalogue, a_recording())
    catalogue.forget([a_recording(known.start + MS, path=known.place.path), a_recording(camera="ward", path=b"w/1")])
    catalogue.forget([known, known])
    catalogue.forget([known])
    assert list(catalogue.streams(STORE)) == [(a_stream(), 0)]
    assert not catalogue.knows_directory(STORE, b"w")


def test_an_older_recording_of_the_same_place_is_not_the_one_there_now(catalogue: Catalogue) -> None:
    now_there = a_recording(FIRST + MS, path=b"d/a", unit=Unit.DIRECTORY)
    arrive(catalogue, now_there, doubt=Doubt.REWRITTEN)
    catalogue.forget([a_recording(path=b"d/a", unit=Unit.DIRECTORY)])
    assert list(catalogue.odd(STORE)) == [CatalogueRow(now_there, NOW, Doubt.REWRITTEN)]


def test_the_position_in_the_trail_is_the_last_that_was_given(catalogue: Catalogue) -> None:
    items = arrive(catalogue, *recordings(2))
    catalogue.forget([items[0]], trail_seq=41)
    catalogue.forget([items[1]])
    assert catalogue.trail_position() == 41
    catalogue.forget([], trail_seq=7)
    assert catalogue.trail_position() == 7


def test_a_recording_that_was_written_again_has_a_new_start(catalogue: Catalogue) -> None:
    former, other = arrive(catalogue, *recordings(2))
    catalogue.note_setback(Setback(former, 1, "EBUSY", NOW))
    again = a_recording(at("2026-03-30 08:00"), path=former.place.path)
    catalogue.restart(former, Arrived(again, again.start, Doubt.REWRITTEN))
    assert found(catalogue) == [other, again]
    assert list(catalogue.odd(STORE)) == [CatalogueRow(again, again.start, Doubt.REWRITTEN)]
    assert list(catalogue.streams(STORE)) == [(a_stream(), 2)]
    assert catalogue.setbacks(STORE) == []
    assert compared(catalogue, former.place.directory, other) == (set(), {again})


@pytest.mark.parametrize("unit", Unit)
@pytest.mark.parametrize("arrival", [Arrival.ORDINARY, Arrival.LATE])
def test_the_first_sight_is_kept_to_the_minute_that_is_over_then(
    catalogue: Catalogue, unit: Unit, arrival: Arrival
) -> None:
    for number, delay in enumerate((timedelta(), MS, MINUTE, 3 * MINUTE + MS, timedelta(days=9), -4 * MINUTE)):
        item = a_recording(FIRST, path=b"d/%d" % number, unit=unit)
        arrived = Arrived(item, FIRST + delay, arrival=arrival)
        catalogue.update(STORE, a_listing(b"d"), [arrived], (), ())
        catalogue.update(STORE, a_listing(b"d"), [Arrived(item, NOW)], (), ())  # another look changes nothing
        seen = catalogue.first_seen(item)
        assert seen is not None
        assert timedelta() <= seen - (FIRST + delay) < MINUTE
        catalogue.forget([item])
        assert catalogue.first_seen(item) is None


def test_the_first_sight_of_one_whose_start_was_in_doubt_is_not_told(catalogue: Catalogue) -> None:
    arrive(catalogue, doubted := a_recording(path=b"d/1"), doubt=Doubt.CLOCK_UNSETTLED)
    assert catalogue.first_seen(doubted) is None
    assert catalogue.first_seen(a_recording(path=b"d/2")) is None


def test_a_recording_that_was_forgotten_meanwhile_starts_again_all_the_same(catalogue: Catalogue) -> None:
    again = a_recording(at("2026-03-30 08:00"), path=b"d/a")
    catalogue.restart(a_recording(path=b"d/a"), Arrived(again, NOW, Doubt.REWRITTEN))
    assert found(catalogue) == [again]
    assert compared(catalogue, b"d", again) == (set(), set())
    assert not catalogue.knows_directory(STORE, b"d")


# --- scans, setbacks --------------------------------------------------------------------------------------------


def test_the_state_of_a_scan_is_kept_by_store(catalogue: Catalogue) -> None:
    catalogue.set_scan_state(STORE, ScanState(None, b"a/\xff"))
    catalogue.set_scan_state(OTHER, ScanState(NOW, None))
    catalogue.update(STORE, a_listing(b"a"), (), (), [b"strange"])
    assert catalogue.scan_state(STORE) == ScanState(None, b"a/\xff")
    catalogue.set_scan_state(STORE, ScanState(NOW, None))
    assert catalogue.scan_state(STORE) == ScanState(NOW, None)
    assert catalogue.unclassified(STORE)[0] == 1


def test_a_setback_is_replaced_by_the_next_and_forgotten_with_its_row(catalogue: Catalogue) -> None:
    first, second = arrive(catalogue, *recordings(2))
    catalogue.note_setback(Setback(first, 1, "EBUSY", NOW))
    catalogue.note_setback(Setback(second, 1, "EPERM", NOW))
    again = Setback(first, 2, "EIO", NOW + timedelta(hours=1))
    catalogue.note_setback(again)
    assert set(catalogue.setbacks(STORE)) == {again, Setback(second, 1, "EPERM", NOW)}
    assert catalogue.setbacks(OTHER) == []
    catalogue.forget([first])
    arrive(catalogue, first)
    assert list(catalogue.setbacks(STORE)) == [Setback(second, 1, "EPERM", NOW)]


def test_a_setback_of_a_recording_that_is_gone_is_not_kept(catalogue: Catalogue) -> None:
    (item,) = arrive(catalogue, a_recording())
    catalogue.forget([item])
    catalogue.note_setback(Setback(item, 1, "EBUSY", NOW))
    arrive(catalogue, item)
    assert catalogue.setbacks(STORE) == []


# --- together ---------------------------------------------------------------------------------------------------


class BrokenOffError(Exception):
    """Something went wrong in the middle."""


def test_what_is_done_together_is_there_afterwards(catalogue: Catalogue) -> None:
    mine, theirs = recordings(2), recordings(2, camera="entrance")
    with catalogue.together():
        arrive(catalogue, *mine)
        arrive(catalogue, *theirs)
        assert catalogue.census(STORE).recordings == 4
        catalogue.forget([mine[0]])
    assert catalogue.census(STORE).by_camera == {"reception": 1, "entrance": 2}


def test_of_what_is_done_together_nothing_is_there_if_it_breaks_off(catalogue: Catalogue) -> None:
    kept = arrive(catalogue, *recordings(2))
    with pytest.raises(BrokenOffError), catalogue.together():
        arrive(catalogue, *recordings(2, camera="entrance"))
        catalogue.forget([kept[0]])
        raise BrokenOffError
    assert catalogue.streams(STORE) == [(a_stream(), 2)]
    later = arrive(catalogue, a_recording(path=b"y/1", camera="yard"), a_recording(path=b"e/1", camera="entrance"))
    assert {stream.camera for stream, _ in catalogue.streams(STORE)} == {"reception", "yard", "entrance"}
    assert [row.recording for row in catalogue.find((everything(stream=later[0].stream),))] == [later[0]]


# --- the set that waits -----------------------------------------------------------------------------------------


def waiting_members(catalogue: Catalogue) -> list[Recording]:
    return [row.recording for row in catalogue.members(STORE)]


def test_the_set_that_waits_comes_back_oldest_first_across_streams(catalogue: Catalogue) -> None:
    mine, theirs = recordings(3), recordings(3, camera="entrance", first=at("2026-02-01 00:00:30"))
    arrive(catalogue, *theirs, *mine)
    arrive(catalogue, odd := a_recording(at("2026-02-09"), unit=Unit.DIRECTORY), doubt=Doubt.DISPUTED)
    wait_for(catalogue, a_plan(count=6), [odd, theirs[1], theirs[0], *mine[1:]])
    assert catalogue.waiting(STORE) == a_plan(count=6)
    assert waiting_members(catalogue) == [theirs[0], mine[1], theirs[1], mine[2], odd]
    assert list(catalogue.members(STORE))[-1] == CatalogueRow(odd, NOW, Doubt.DISPUTED)
    assert (catalogue.waiting(OTHER), list(catalogue.members(OTHER))) == (None, [])


def test_the_next_plan_replaces_the_whole_set(catalogue: Catalogue) -> None:
    items = arrive(catalogue, *recordings(3))
    wait_for(catalogue, a_plan("aa" * 32), items[:2])
    wait_for(catalogue, a_plan("bb" * 32, count=1), items[2:])
    assert catalogue.waiting(STORE) == a_plan("bb" * 32, count=1)
    assert waiting_members(catalogue) == [items[2]]
    catalogue.thaw(STORE)
    assert (catalogue.waiting(STORE), waiting_members(catalogue)) == (None, [])
    assert found(catalogue) == list(items)


def test_a_set_is_gathered_in_parts_and_waits_once_it_is_frozen(catalogue: Catalogue) -> None:
    items = arrive(catalogue, *recordings(3))
    catalogue.gather(STORE, items[:2])
    catalogue.gather(STORE, items[1:])
    assert (catalogue.waiting(STORE), waiting_members(catalogue), catalogue.left_of_plan(STORE)) == (None, [], 0)
    catalogue.freeze(a_plan())
    assert waiting_members(catalogue) == list(items)
    assert (catalogue.left_of_plan(STORE), catalogue.left_of_plan(OTHER)) == (3, 0)


def test_a_plan_that_waits_never_grows(catalogue: Catalogue) -> None:
    items = arrive(catalogue, *recordings(3))
    wait_for(catalogue, a_plan(), items[:2])
    catalogue.gather(STORE, items[2:])
    assert (catalogue.waiting(STORE), waiting_members(catalogue), catalogue.left_of_plan(STORE)) == (None, [], 0)


def test_what_is_forgotten_leaves_the_set_and_does_not_come_back_to_it(catalogue: Catalogue) -> None:
    items = arrive(catalogue, *recordings(3))
    wait_for(catalogue, a_plan(), items)
    catalogue.forget([items[0]])
    catalogue.restart(items[1], Arrived(a_recording(NOW, path=items[1].place.path), NOW))
    arrive(catalogue, items[0])
    assert waiting_members(catalogue) == [items[2]]
    assert catalogue.left_of_plan(STORE) == 1
    assert catalogue.waiting(STORE) == a_plan()


def test_a_directory_that_was_renamed_takes_nothing_of_the_set_along(catalogue: Catalogue) -> None:
    """An approval names paths; the same films under another path were never approved."""
    arrive(catalogue, *(former := [a_recording(FIRST + number * MS, path=b"old/%d" % number) for number in range(3)]))
    wait_for(catalogue, a_plan(), former)
    assert len(catalogue.forget_directories(STORE, b"", [b"new"])) == 3
    arrive(catalogue, *(a_recording(FIRST + number * MS, path=b"new/%d" % number) for number in range(3)))
    assert waiting_members(catalogue) == []


def test_members_that_are_not_in_the_catalogue_are_no_part_of_what_is_left(catalogue: Catalogue) -> None:
    (known,) = arrive(catalogue, a_recording())
    unknown = a_recording(known.start + MS, path=known.place.directory + b"/new")
    wait_for(catalogue, a_plan(count=3), [known, unknown, a_recording(camera="ward", path=b"w/1")])
    assert waiting_members(catalogue) == [known]
    assert not catalogue.knows_directory(STORE, b"w")
    assert list(catalogue.streams(STORE)) == [(a_stream(), 1)]


def test_members_may_be_forgotten_while_they_are_yielded(catalogue: Catalogue) -> None:
    items = [a_recording(FIRST + number * MS, path=b"d/%04d" % number) for number in range(2100)]
    arrive(catalogue, *items)
    wait_for(catalogue, a_plan(count=2100), items)
    met = []
    for row in catalogue.members(STORE):
        met.append(row.recording)
        catalogue.forget([row.recording])
    assert met == items
    assert waiting_members(catalogue) == []
