"""Links that a recorder lays to an event go with it: only those that say so, and only where nothing is any more."""

import os
from pathlib import Path

import pytest

from tests.integration.storage.disk import Disk

DAY = b"3/26/09/18"


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "store").adopt()


@pytest.fixture
def day(disk: Disk) -> Path:
    path = disk.path / os.fsdecode(DAY)
    path.mkdir(parents=True)
    return path


def prune(disk: Disk, *said: bytes, directory: bytes = DAY) -> int:
    with disk.store.chunk() as chunk:
        return chunk.prune_links(directory, said)


def test_a_link_to_what_is_gone_goes_and_others_stay(disk: Disk, day: Path) -> None:
    (day / ".77").symlink_to("10/41/10")
    (day / ".78").symlink_to("10/41/11")
    (day / "10").mkdir()
    (day / "notes").write_text("10/41/10")
    assert prune(disk, b"10/41/10", b"11/00/00") == 1
    assert sorted(os.listdir(day)) == [".78", "10", "notes"]


@pytest.mark.parametrize("kind", ["directory", "file", "link"])
def test_a_link_to_what_is_there_stays(disk: Disk, day: Path, kind: str) -> None:
    (day / ".77").symlink_to("10")
    match kind:
        case "directory":
            (day / "10").mkdir()
        case "file":
            (day / "10").touch()
        case _:
            (day / "10").symlink_to("nowhere")
    assert prune(disk, b"10") == 0
    assert (day / ".77").is_symlink()


def test_a_link_to_what_cannot_be_looked_at_stays(disk: Disk, day: Path) -> None:
    far = "x" * 300
    (day / ".77").symlink_to(far)
    (day / ".78").symlink_to("10")
    assert prune(disk, far.encode(), b"1\0", b"10") == 1
    assert os.listdir(day) == [".77"]


def test_what_a_link_leads_to_is_never_touched(disk: Disk, day: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("kept")
    (day / ".77").symlink_to(outside)
    assert prune(disk, os.fsencode(outside)) == 0
    assert (day / ".77").is_symlink()
    (day / ".78").symlink_to("10/41/10")
    (day / "10").symlink_to(outside)
    assert prune(disk, b"10/41/10") == 1
    assert (outside / "file").read_text() == "kept"


@pytest.mark.parametrize("directory", [b"gone", b".retentiond", b".retentiond/claimed", b"../x", b"linked"])
def test_a_directory_that_is_not_of_the_store_is_left_alone(disk: Disk, day: Path, directory: bytes) -> None:
    (disk.path / "linked").symlink_to(day)
    (day / ".77").symlink_to("gone")
    assert prune(disk, b"gone", directory=directory) == 0
    assert (day / ".77").is_symlink()
