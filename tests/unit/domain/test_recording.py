"""Identity and place of a recording (rule S7)."""

from dataclasses import replace

import pytest

from retentiond.domain.recording import Identity, Unit
from tests.builders import a_place, a_stream, an_identity


@pytest.mark.parametrize(
    "other",
    [
        an_identity(inode=4712),
        an_identity(size_bytes=1_048_577),
        an_identity(mtime_ns=1_772_330_460_000_000_001),
        an_identity(birth_ns=1_772_330_400_000_000_001),
        an_identity(birth_ns=None),
        an_identity(birth_ns=0),
        an_identity(unit=Unit.DIRECTORY),
    ],
    ids=["inode", "size", "mtime", "birth", "no birth", "birth zero", "unit"],
)
def test_a_change_of_any_part_is_another_identity(other: Identity) -> None:
    assert not an_identity().same_as(other)
    assert not other.same_as(an_identity())


def test_an_unknown_birth_is_not_a_birth_at_zero() -> None:
    assert an_identity(birth_ns=None).mark != an_identity(birth_ns=0).mark


def test_another_link_to_the_same_file_changes_no_identity() -> None:
    assert an_identity(links=1).same_as(an_identity(links=2))
    assert an_identity(links=1).mark == an_identity(links=2).mark


def test_fields_never_run_into_one_another() -> None:
    assert an_identity(inode=1, size_bytes=23).mark != an_identity(inode=12, size_bytes=3).mark


def test_a_place_shows_itself_on_one_line() -> None:
    assert str(a_place(b"cam/a\nb.mp4")) == r"cam/a\x0ab.mp4"
    assert replace(a_place(b"cam/a.mp4"), directory=b"").path == b"a.mp4"


def test_a_handle_stands_in_for_an_unknown_birth() -> None:
    without, one, other = (replace(an_identity(birth_ns=None), handle=handle) for handle in (None, "00ff", "00fe"))
    assert len({without.mark, one.mark, other.mark}) == 3
    assert one.mark.endswith(":h00ff")
    assert without.mark.endswith(":-")
    assert replace(an_identity(), handle="00ff").mark == an_identity().mark, "where there is a birth it says enough"


def test_places_and_streams_have_an_order_for_lists_that_are_always_the_same() -> None:
    places = [a_place(b"b/1"), a_place(b"a/2"), a_place(b"a/1")]
    assert sorted(places) == places[::-1]
    streams = [a_stream(camera="b"), a_stream(camera="a"), a_stream(store="archive", camera="z")]
    assert sorted(streams) == streams[::-1]
