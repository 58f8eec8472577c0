"""Identity and place of a recording (rule S7)."""

from dataclasses import replace

import pytest

from retentiond.domain.recording import Identity, Unit
from tests.builders import a_place, an_identity


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
