"""A change that does not come to its end leaves no part of itself."""

from collections.abc import Iterator

import pytest

from retentiond.catalogue.open import open_in_memory
from retentiond.catalogue.sqlite import SqliteCatalogue
from retentiond.domain.recording import Recording
from retentiond.domain.span import BEGINNING, Span
from retentiond.domain.starts import Doubt
from retentiond.ports import Arrived, CatalogueRow, DirectoryStamp, Listing
from tests.builders import NOW, STORE, a_plan, a_recording, a_rule, a_stream, recordings, wait_for

LISTING = Listing(b"d", DirectoryStamp(1, 1, 1), ())


class BrokenOffError(Exception):
    pass


class BrokenOff(list[Recording]):
    """A list that breaks off after its last item."""

    def __iter__(self) -> Iterator[Recording]:
        yield from super().__iter__()
        raise BrokenOffError


@pytest.fixture
def catalogue() -> Iterator[SqliteCatalogue]:
    with open_in_memory() as opened:
        yield opened


def arrive(catalogue: SqliteCatalogue, *items: Recording) -> None:
    catalogue.update(STORE, LISTING, [Arrived(item, NOW) for item in items], (), ())


def broken() -> Arrived:
    """Something at which a change breaks off, after all that comes before it was written."""
    return Arrived(a_recording(path=b"d/x", camera="zzz"), None, Doubt.DISPUTED)  # type: ignore[arg-type]


def test_a_listing_that_breaks_off_is_not_taken_in(catalogue: SqliteCatalogue) -> None:
    kept, new = a_recording(path=b"d/1"), a_recording(path=b"d/2", camera="entrance")
    arrive(catalogue, kept)
    with pytest.raises(TypeError):
        catalogue.update(STORE, LISTING, [Arrived(new, NOW), broken()], [kept], ())
    assert list(catalogue.streams(STORE)) == [(a_stream(), 1)]
    assert list(catalogue.find((Span(a_stream(), BEGINNING, NOW, a_rule()),))) == [CatalogueRow(kept)]


def test_the_number_of_a_stream_that_was_taken_back_is_given_to_no_other(catalogue: SqliteCatalogue) -> None:
    lost, other = a_recording(path=b"d/1", camera="ward"), a_recording(path=b"d/2", camera="entrance")
    with pytest.raises(TypeError):
        catalogue.update(STORE, LISTING, [Arrived(lost, NOW), broken()], (), ())
    arrive(catalogue, other)
    arrive(catalogue, lost)
    assert catalogue.compare(STORE, LISTING, {}).vanished == (other, lost)
    assert catalogue.newest(lost.stream) == lost.start


def test_forgetting_that_breaks_off_forgets_nothing(catalogue: SqliteCatalogue) -> None:
    items = recordings(3)
    arrive(catalogue, *items)
    with pytest.raises(BrokenOffError):
        catalogue.forget(BrokenOff(items), trail_seq=9)
    assert (catalogue.census(STORE).recordings, catalogue.trail_position()) == (3, 0)


def test_what_is_gathered_and_breaks_off_is_not_gathered(catalogue: SqliteCatalogue) -> None:
    items = recordings(3)
    arrive(catalogue, *items)
    wait_for(catalogue, a_plan("aa" * 32), items)
    with pytest.raises(BrokenOffError):
        catalogue.gather(STORE, BrokenOff(items[:1]))
    assert catalogue.waiting(STORE) == a_plan("aa" * 32)
    assert list(catalogue.members(STORE)) == [CatalogueRow(item) for item in items]


def test_a_part_that_breaks_off_leaves_the_others(catalogue: SqliteCatalogue) -> None:
    first, lost, last = (a_recording(path=b"d/%d" % number, camera=f"cam-{number}") for number in range(3))
    with catalogue.together():
        arrive(catalogue, first)
        with pytest.raises(TypeError):
            catalogue.update(STORE, LISTING, [Arrived(lost, NOW), broken()], (), ())
        arrive(catalogue, last)
    assert [stream.camera for stream, count in catalogue.streams(STORE) if count] == ["cam-0", "cam-2"]
