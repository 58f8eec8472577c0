"""What every catalogue promises of streams, listings and directories, the real one and the fake alike."""

from dataclasses import replace
from datetime import timedelta

from retentiond.domain import instants
from retentiond.domain.recording import CameraName, Category, Stream, Unit
from retentiond.domain.rule import Coverage, Term
from retentiond.domain.run import StoreCensus
from retentiond.domain.starts import Doubt
from retentiond.ports import (
    Arrived,
    Catalogue,
    CatalogueRow,
    Comparison,
    DirectoryStamp,
    ScanState,
    Sheaf,
    StreamBases,
)
from tests.builders import CAMERA, NOW, STORE, a_basis, a_recording, a_rule, a_stream, at, recordings
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
    told,
)

# --- streams ----------------------------------------------------------------------------------------------------


def test_an_empty_catalogue_knows_nothing(catalogue: Catalogue) -> None:
    assert catalogue.streams(STORE) == []
    assert catalogue.census(STORE) == StoreCensus(0, {}, None)
    assert (catalogue.oldest(a_stream(), None, None), catalogue.newest(a_stream())) == (None, None)
    assert (found(catalogue), catalogue.count((everything(),))) == ([], 0)
    assert catalogue.bases(a_stream()) == StreamBases(None, None)
    assert catalogue.scan_state(STORE) == ScanState(None, None)
    assert catalogue.unclassified(STORE) == (0, [])
    assert catalogue.count_directories(STORE) == 0
    assert catalogue.trail_position() == 0
    assert (catalogue.waiting(STORE), list(catalogue.members(STORE))) == (None, [])


def test_streams_are_counted_apart_by_camera_category_and_store(catalogue: Catalogue) -> None:
    still, elsewhere = a_stream(category=Category.STILL), a_stream(store=OTHER)
    arrive(catalogue, *recordings(3))
    arrive(catalogue, a_recording(stream=still, path=b"reception/a.jpg"))
    arrive(catalogue, *recordings(2, camera="entrance"))
    arrive(catalogue, a_recording(stream=elsewhere))
    assert list(catalogue.streams(STORE)) == [(a_stream(), 3), (still, 1), (a_stream(camera="entrance"), 2)]
    assert list(catalogue.streams(OTHER)) == [(elsewhere, 1)]


def test_a_stream_that_ran_empty_stays_known_with_its_bases(catalogue: Catalogue) -> None:
    items = arrive(catalogue, *recordings(2))
    bases = StreamBases(a_basis(), a_basis())
    catalogue.set_bases(a_stream(), bases)
    catalogue.forget(items)
    assert list(catalogue.streams(STORE)) == [(a_stream(), 0)]
    assert catalogue.bases(a_stream()) == bases


def test_cameras_are_those_that_own_a_recording(catalogue: Catalogue) -> None:
    gone = arrive(catalogue, *recordings(1, camera="ward"))
    arrive(catalogue, *recordings(2, camera="reception"), *recordings(1, camera="entrance"))
    arrive(catalogue, a_recording(stream=a_stream(category=Category.STILL), path=b"reception/a.jpg"))
    catalogue.forget(gone)


def test_a_census_adds_a_cameras_streams_up_and_has_the_newest_start(catalogue: Catalogue) -> None:
    arrive(catalogue, *recordings(3, first=FIRST))
    newest = a_recording(at("2026-03-20"), stream=a_stream(category=Category.STILL), path=b"reception/a.jpg")
    arrive(catalogue, newest, *recordings(2, camera="entrance", first=FIRST))
    gone = arrive(catalogue, *recordings(2, camera="ward", first=at("2026-03-25")))
    catalogue.forget(gone)
    assert catalogue.census(STORE) == StoreCensus(6, {CAMERA: 4, CameraName("entrance"): 2}, newest.start)
    assert catalogue.census(OTHER) == StoreCensus(0, {}, None)


def test_the_oldest_start_is_looked_for_from_since_and_before_until(catalogue: Catalogue) -> None:
    arrive(catalogue, *(a_recording(FIRST + timedelta(hours=number)) for number in range(4)))
    arrive(catalogue, a_recording(FIRST - timedelta(days=9), camera="entrance"))
    second = FIRST + timedelta(hours=1)
    assert catalogue.oldest(a_stream(), None, None) == FIRST
    assert catalogue.oldest(a_stream(), second, None) == second
    assert catalogue.oldest(a_stream(), FIRST + MS, None) == second
    assert catalogue.oldest(a_stream(), None, FIRST + MS) == FIRST
    assert catalogue.oldest(a_stream(), None, FIRST) is None
    assert catalogue.newest(a_stream()) == FIRST + timedelta(hours=3)


def test_instants_are_kept_and_asked_for_in_whole_milliseconds(catalogue: Catalogue) -> None:
    fine = timedelta(microseconds=700)
    arrive(catalogue, a_recording(FIRST + fine), doubt=Doubt.FUTURE_TIME)
    (row,) = catalogue.find((a_span(FIRST - MS + fine, FIRST + fine),))
    assert (row.recording.start, row.first_seen) == (FIRST, NOW)
    assert found(catalogue, a_span(FIRST + fine, FIRST + MS)) == []
    assert catalogue.oldest(a_stream(), FIRST + fine, None) == FIRST


def test_bases_come_back_exactly_with_their_rules(catalogue: Catalogue) -> None:
    moved = at("2026-02-03 04:05:06.000007")
    rule = a_rule(
        "rule 2", period="36h", categories=(Category.AUDIO, Category.VIDEO), stores=(STORE,), rooms=("ward", "lobby")
    )
    terms = (Term(None, moved, None), Term(moved, NOW, rule), Term(NOW, None, a_rule(cameras=(CAMERA,))))
    current = a_basis(moved, coverage=Coverage(a_stream(), terms), margin=timedelta(milliseconds=1500))
    catalogue.set_bases(a_stream(), StreamBases(current, a_basis()))
    assert catalogue.bases(a_stream()) == StreamBases(current, a_basis())
    catalogue.set_bases(a_stream(), StreamBases(None, current))
    assert catalogue.bases(a_stream()) == StreamBases(None, current)
    assert catalogue.bases(a_stream(camera="entrance")) == StreamBases(None, None)


# --- listings ---------------------------------------------------------------------------------------------------


def test_a_listing_is_compared_with_its_own_directory(catalogue: Catalogue) -> None:
    first, second, third = recordings(3)
    arrive(catalogue, first, second, a_recording(path=b"reception/other/a.mp4"))
    directory = first.place.directory
    assert compared(catalogue, directory, second, third) == ({third.place.path}, {first})
    assert compared(catalogue, directory, first, second) == (set(), set())
    assert compared(catalogue, b"nowhere", first) == ({b"nowhere/" + first.place.name}, set())
    assert catalogue.compare(OTHER, a_listing(directory), {}).vanished == ()


def test_unknown_places_come_in_the_order_of_the_listing(catalogue: Catalogue) -> None:
    seen = [a_recording(path=b"d/%d.mp4" % number) for number in (3, 1, 2)]
    result = catalogue.compare(STORE, a_listing(b"d"), told(seen))
    assert {stream: list(new) for stream, new in result.unknown.items()} == {a_stream(): [b"3.mp4", b"1.mp4", b"2.mp4"]}


def test_one_whose_name_is_read_anew_as_another_start_counts_as_unknown(catalogue: Catalogue) -> None:
    """The layout was corrected: day and month had changed places, or the zone was another."""
    first, second, third = recordings(3)
    arrive(catalogue, first, second)
    arrive(catalogue, third, doubt=Doubt.FUTURE_TIME)
    directory = first.place.directory
    moved = replace(first, start=first.start + timedelta(days=9))
    in_doubt = replace(third, start=third.start + timedelta(days=9))
    assert compared(catalogue, directory, moved, second, in_doubt) == ({first.place.path}, set())
    catalogue.update(STORE, a_listing(directory), [Arrived(moved, NOW)], (), ())
    assert set(found(catalogue)) == {moved, second, third}
    assert compared(catalogue, directory, moved, second, in_doubt) == (set(), set())


def test_a_name_that_tells_no_start_moves_none(catalogue: Catalogue) -> None:
    (item,) = arrive(catalogue, *recordings(1))
    seen = {item.stream: {item.place.name: None}}
    assert catalogue.compare(STORE, a_listing(item.place.directory), seen) == Comparison({}, ())


def test_streams_that_share_a_directory_and_its_hours_are_told_apart(catalogue: Catalogue) -> None:
    mine, next_door = a_recording(path=b"day/a.mp4"), a_recording(path=b"day/b.mp4", camera="entrance")
    farther = a_recording(path=b"next/a.mp4")
    arrive(catalogue, mine, next_door, farther)
    assert compared(catalogue, b"day", mine) == (set(), {next_door})
    assert compared(catalogue, b"next") == (set(), {farther})


def test_a_directory_is_known_to_its_full_range_of_starts(catalogue: Catalogue) -> None:
    late, early = a_recording(at("2026-03-09"), path=b"d/b"), a_recording(at("2026-03-02"), path=b"d/a")
    arrive(catalogue, late)
    arrive(catalogue, early)
    assert compared(catalogue, b"d") == (set(), {late, early})
    catalogue.forget([late])
    assert compared(catalogue, b"d") == (set(), {early})


def test_a_directory_that_fills_and_empties_in_parts_keeps_its_last_row(catalogue: Catalogue) -> None:
    items = recordings(9)
    for part in (items[:1], items[1:4], items[4:]):
        arrive(catalogue, *part)
    for part in (items[:5], items[5:8]):
        catalogue.forget(part)
    assert compared(catalogue, items[0].place.directory) == (set(), {items[8]})


def test_a_file_that_is_another_cameras_now_is_unknown_and_takes_the_place(catalogue: Catalogue) -> None:
    former = a_recording(path=b"d/a.mp4")
    again = a_recording(former.start + MS, path=b"d/a.mp4", camera="entrance")
    arrive(catalogue, former, doubt=Doubt.DISPUTED)
    assert compared(catalogue, b"d", again) == ({b"d/a.mp4"}, {former})
    arrive(catalogue, again)
    assert list(catalogue.streams(STORE)) == [(a_stream(), 0), (again.stream, 1)]
    assert list(catalogue.find((everything(again.stream),))) == [CatalogueRow(again)]
    assert catalogue.odd(STORE) == []


def test_the_same_file_seen_twice_is_one_row_as_it_was_first_seen(catalogue: Catalogue) -> None:
    (item,) = arrive(catalogue, a_recording(), doubt=Doubt.UNKNOWN_TIME)
    arrive(catalogue, item, doubt=Doubt.DISPUTED)
    arrive(catalogue, item)
    assert list(catalogue.streams(STORE)) == [(a_stream(), 1)]
    assert list(catalogue.find((everything(),))) == [CatalogueRow(item, NOW, Doubt.UNKNOWN_TIME)]
    catalogue.forget([item])
    assert compared(catalogue, item.place.directory) == (set(), set())


def test_what_vanished_goes_and_what_arrived_stays(catalogue: Catalogue) -> None:
    first, second, third = recordings(3)
    arrive(catalogue, first, second)
    catalogue.update(STORE, a_listing(first.place.directory), [Arrived(third, NOW)], [first], ())
    assert found(catalogue) == [second, third]
    assert list(catalogue.streams(STORE)) == [(a_stream(), 2)]


def test_a_directory_is_known_once_it_was_listed(catalogue: Catalogue) -> None:
    assert not catalogue.knows_directory(STORE, b"a")
    catalogue.update(STORE, a_listing(b"a"), (), (), ())
    assert catalogue.knows_directory(STORE, b"a")
    assert not catalogue.knows_directory(STORE, b"a/b")
    assert not catalogue.knows_directory(STORE, b"")
    assert not catalogue.knows_directory(OTHER, b"a")


def test_a_directory_with_the_largest_numbers_there_are_is_taken_in(catalogue: Catalogue) -> None:
    largest = DirectoryStamp((1 << 64) - 1, 1 << 63, -(1 << 63))
    catalogue.update(STORE, a_listing(b"a", stamp=largest), [Arrived(a_recording(path=b"a/b"), NOW)], (), ())
    assert catalogue.knows_directory(STORE, b"a")


def test_a_stamp_is_remembered_once_it_is_settled(catalogue: Catalogue) -> None:
    stamp = DirectoryStamp((1 << 64) - 1, 3, 4)
    settled = replace(a_listing(b"a", stamp=stamp), settled=True)
    catalogue.update(STORE, settled, (), (), ())
    catalogue.update(STORE, a_listing(b"b"), (), (), ())
    catalogue.update(OTHER, replace(settled, directory=b"c"), (), (), ())
    assert catalogue.stamps(STORE) == {b"a": stamp, b"b": None}
    catalogue.update(STORE, replace(settled, settled=False), (), (), ())
    assert catalogue.stamps(STORE) == {b"a": None, b"b": None}


def test_a_stamp_can_be_distrusted(catalogue: Catalogue) -> None:
    settled = replace(a_listing(b"a"), settled=True)
    for directory in (b"a", b"a/b"):
        catalogue.update(STORE, replace(settled, directory=directory), (), (), ())
    catalogue.update(OTHER, settled, (), (), ())
    catalogue.distrust(STORE, b"a")
    catalogue.distrust(STORE, b"never listed")
    assert catalogue.stamps(STORE) == {b"a": None, b"a/b": settled.stamp}
    assert catalogue.stamps(OTHER) == {b"a": settled.stamp}


def test_a_directory_of_which_a_row_is_dropped_is_to_be_listed_again(catalogue: Catalogue) -> None:
    first, second, third = items = [a_recording(path=b"%c/1" % letter) for letter in b"abc"]
    settled = replace(a_listing(b"c"), settled=True)
    for item in items:
        catalogue.update(STORE, replace(settled, directory=item.place.directory), [Arrived(item, NOW)], (), ())
    catalogue.forget([first])
    catalogue.restart(second, Arrived(replace(second, start=NOW), NOW))
    assert catalogue.stamps(STORE) == {b"a": None, b"b": None, b"c": settled.stamp}
    catalogue.update(STORE, settled, (), [third], ())
    assert catalogue.stamps(STORE)[b"c"] == settled.stamp, "it was listed just now"


def test_directories_that_are_gone_have_no_stamp(catalogue: Catalogue) -> None:
    spread(catalogue, b"a/1", b"a/b/1")
    catalogue.forget_directories(STORE, b"", ())
    assert catalogue.stamps(STORE) == {}


def test_names_are_bytes(catalogue: Catalogue) -> None:
    names = [b"\xff\xfe", b"a\nb", b"'; DROP TABLE recording; --", b"%", "ä".encode(), b"a" * 255]
    items = [a_recording(FIRST + number * MS, path=b"\xe4\n/" + name) for number, name in enumerate(names)]
    arrive(catalogue, *items)
    assert found(catalogue) == items
    assert compared(catalogue, b"\xe4\n", *items[1:]) == (set(), {items[0]})


def test_recordings_that_are_directories_stay_so(catalogue: Catalogue) -> None:
    whole = a_recording(path=b"1/event", unit=Unit.DIRECTORY)
    odd = a_recording(FIRST + MS, path=b"1/odd", unit=Unit.DIRECTORY)
    arrive(catalogue, whole, a_recording(FIRST + 2 * MS, path=b"1/file"))
    arrive(catalogue, odd, doubt=Doubt.UNKNOWN_TIME)
    assert [item.unit for item in found(catalogue)] == [Unit.DIRECTORY, Unit.DIRECTORY, Unit.FILE]
    assert compared(catalogue, b"1")[1] == {whole, odd, a_recording(FIRST + 2 * MS, path=b"1/file")}
    catalogue.forget([whole])
    arrive(catalogue, a_recording(path=b"1/event"))
    assert found(catalogue)[0] == a_recording(path=b"1/event", unit=Unit.FILE)


def test_a_sheaf_says_of_all_its_files_what_would_be_said_of_each(catalogue: Catalogue) -> None:
    items = recordings(700)
    directory = items[0].place.directory
    mine = [item for item in items if item.place.directory == directory]
    starts = {item.place.name: instants.to_ms(item.start) for item in mine}
    (known,) = arrive(catalogue, mine[5], doubt=Doubt.UNKNOWN_TIME)
    for _ in range(2):
        catalogue.update(STORE, a_listing(directory), (), (), (), sheaves=[Sheaf(a_stream(), NOW, starts)])
    assert found(catalogue) == mine
    assert list(catalogue.odd(STORE)) == [CatalogueRow(known, NOW, Doubt.UNKNOWN_TIME)]
    assert list(catalogue.streams(STORE)) == [(a_stream(), len(mine))]
    assert catalogue.first_seen(mine[0]) == NOW
    assert compared(catalogue, directory, *mine[1:]) == (set(), {mine[0]})


def test_a_sheaf_whose_names_do_not_sort_as_its_starts_is_kept_in_the_order_of_starts(catalogue: Catalogue) -> None:
    starts = {b"%04d" % (999 - number): instants.to_ms(FIRST) + number for number in range(999)}
    catalogue.update(STORE, a_listing(b"d"), (), (), (), sheaves=[Sheaf(a_stream(), NOW, starts)])
    assert [item.place.name for item in found(catalogue)] == list(starts)


def test_a_sheaf_takes_the_places_of_what_was_there(catalogue: Catalogue) -> None:
    (former,) = arrive(catalogue, a_recording(path=b"d/a"))
    sheaf = Sheaf(a_stream(camera="entrance"), NOW, {b"a": instants.to_ms(FIRST)})
    catalogue.update(STORE, a_listing(b"d"), (), (), (), sheaves=[sheaf, Sheaf(a_stream(camera="ward"), NOW, {})])
    assert list(catalogue.streams(STORE)) == [(former.stream, 0), (sheaf.stream, 1)]


# --- directories that are gone ----------------------------------------------------------------------------------


def spread(catalogue: Catalogue, *places: bytes, stream: Stream | None = None) -> None:
    """Let one recording arrive at each of the places."""
    arrive(
        catalogue, *(a_recording(FIRST + number * MS, path=path, stream=stream) for number, path in enumerate(places))
    )


def test_directories_that_are_gone_take_all_below_them_along(catalogue: Catalogue) -> None:
    spread(catalogue, b"top.mp4", b"a/1", b"a/x/1", b"a/x/y/1", b"a!b/1", b"ab/1", b"b/1", b"b/c/1")
    assert paths(catalogue.forget_directories(STORE, b"", [b"ab", b"b"])) == {b"a/1", b"a/x/1", b"a/x/y/1", b"a!b/1"}
    assert paths(found(catalogue)) == {b"top.mp4", b"ab/1", b"b/1", b"b/c/1"}
    assert not any(catalogue.knows_directory(STORE, path) for path in (b"a", b"a/x", b"a/x/y", b"a!b"))
    assert all(catalogue.knows_directory(STORE, path) for path in (b"", b"ab", b"b", b"b/c"))


def test_directories_whose_parent_was_never_listed_are_found(catalogue: Catalogue) -> None:
    spread(catalogue, b"a/x/y/1", b"b/x/y/1")
    assert paths(catalogue.forget_directories(STORE, b"", [b"b"])) == {b"a/x/y/1"}
    assert paths(catalogue.forget_directories(STORE, b"b/x", [])) == {b"b/x/y/1"}


def test_only_what_lies_below_the_parent_is_looked_at(catalogue: Catalogue) -> None:
    spread(catalogue, b"a/1", b"a/x/1", b"a-b/x/1", b"ab/x/1", b"b/a/x/1")
    spread(catalogue, b"a/x/1", stream=a_stream(store=OTHER))
    assert paths(catalogue.forget_directories(STORE, b"a", [b"y"])) == {b"a/x/1"}
    assert paths(found(catalogue)) == {b"a/1", b"a-b/x/1", b"ab/x/1", b"b/a/x/1"}
    assert found(catalogue, everything(a_stream(store=OTHER))) != []


def test_nothing_is_forgotten_where_all_children_are_there(catalogue: Catalogue) -> None:
    spread(catalogue, b"a/1", b"a/x/1", b"\xff\xff/1", b"\x01/1")
    assert catalogue.forget_directories(STORE, b"", [b"a", b"\xff\xff", b"\x01", b"new"]) == []
    assert catalogue.forget_directories(STORE, b"a/x", []) == []
    assert len(found(catalogue)) == 4
    assert paths(catalogue.forget_directories(STORE, b"", [b"a"])) == {b"\xff\xff/1", b"\x01/1"}


def test_counts_follow_directories_that_are_gone(catalogue: Catalogue) -> None:
    spread(catalogue, b"a/1", b"b/1")
    catalogue.update(STORE, a_listing(b"a"), (), (), [b"strange"])
    catalogue.forget_directories(STORE, b"", [b"b"])
    assert list(catalogue.streams(STORE)) == [(a_stream(), 1)]
    assert catalogue.unclassified(STORE) == (0, [])


# --- names that no layout explains ------------------------------------------------------------------------------


def test_unclassified_names_are_counted_by_store_and_replaced_by_the_next_listing(catalogue: Catalogue) -> None:
    catalogue.update(STORE, a_listing(b"a"), (), (), [b"x", b"y"])
    catalogue.update(STORE, a_listing(b""), (), (), [b"z"])
    catalogue.update(OTHER, a_listing(b"a"), (), (), [b"w"])
    count, sample = catalogue.unclassified(STORE)
    assert (count, sorted(sample)) == (3, [b"a/x", b"a/y", b"z"])
    catalogue.update(STORE, a_listing(b"a"), (), (), [b"v"])
    count, sample = catalogue.unclassified(STORE)
    assert (count, sorted(sample)) == (2, [b"a/v", b"z"])
    catalogue.update(STORE, a_listing(b"a"), (), (), [])
    catalogue.update(STORE, a_listing(b""), (), (), [])
    assert catalogue.unclassified(STORE) == (0, [])


def test_as_many_other_names_in_a_directory_replace_the_sample(catalogue: Catalogue) -> None:
    catalogue.update(STORE, a_listing(b"a"), (), (), [b"x"])
    catalogue.update(STORE, a_listing(b"a"), (), (), [b"y"])
    assert catalogue.unclassified(STORE) == (1, [b"a/y"])


def test_the_sample_of_a_store_is_bounded_and_the_count_is_not(catalogue: Catalogue) -> None:
    for directory in (b"a", b"b", b"c"):
        catalogue.update(STORE, a_listing(directory), (), (), [b"%03d" % number for number in range(70)])
    count, sample = catalogue.unclassified(STORE)
    assert (count, len(sample)) == (210, 100)
    catalogue.update(STORE, a_listing(b"a"), (), (), [])
    catalogue.update(STORE, a_listing(b"c"), (), (), [b"%03d" % number for number in range(70)])
    assert len(catalogue.unclassified(STORE)[1]) == 100
