"""What a crash can leave of an intent, each state made by hand and settled."""

import os
from pathlib import Path

import pytest

from retentiond.domain.recording import Unit
from retentiond.ports import Pinned, Removal, Removed, Voided
from tests.integration.storage.disk import Disk, an_intent, place


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path / "store").adopt()


def mark_of(disk: Disk, path: bytes, unit: Unit = Unit.FILE) -> str:
    identity = disk.store.inspect(place(path), unit)
    assert identity is not None
    return identity.mark


def recover(disk: Disk, path: bytes, mark: str, unit: Unit = Unit.FILE) -> Removal:
    with disk.store.chunk() as chunk:
        return chunk.recover(an_intent(path, mark, unit))


def test_claimed_and_the_same_is_finished(disk: Disk) -> None:
    path = disk.write(b"cam/1.mp4")
    mark = mark_of(disk, b"cam/1.mp4")
    os.rename(path, disk.claimed / "run-0")
    removal = recover(disk, b"cam/1.mp4", mark)
    assert isinstance(removal, Removed)
    assert removal.observed == "finished_at_recovery"
    assert os.listdir(disk.claimed) == []


def test_claimed_and_another_is_put_back(disk: Disk) -> None:
    path = disk.write(b"cam/1.mp4", b"old")
    mark = mark_of(disk, b"cam/1.mp4")
    os.unlink(path)
    disk.write(b"cam/1.mp4", b"fresh!")
    os.rename(path, disk.claimed / "run-0")
    assert isinstance(recover(disk, b"cam/1.mp4", mark), Voided)
    assert Path(os.fsdecode(path)).read_bytes() == b"fresh!"


def test_another_is_put_back_beside_a_name_that_is_taken_again(disk: Disk) -> None:
    path = disk.write(b"cam/1.mp4", b"old")
    mark = mark_of(disk, b"cam/1.mp4")
    os.unlink(path)
    disk.write(b"claimed-one", b"fresh!")
    os.rename(disk.path / "claimed-one", disk.claimed / "run-0")
    disk.write(b"cam/1.mp4", b"newest")
    assert isinstance(recover(disk, b"cam/1.mp4", mark), Voided)
    assert (disk.path / "cam" / "1.mp4").read_bytes() == b"newest"
    assert (disk.path / "cam" / "1.mp4.restored-run-0").read_bytes() == b"fresh!"


def test_another_is_put_back_where_its_directory_is_gone(disk: Disk) -> None:
    path = disk.write(b"cam/day/1.mp4", b"old")
    mark = mark_of(disk, b"cam/day/1.mp4")
    os.unlink(path)
    os.rmdir(disk.path / "cam" / "day")
    disk.write(b"claimed-one", b"fresh!")
    os.rename(disk.path / "claimed-one", disk.claimed / "run-0")
    assert isinstance(recover(disk, b"cam/day/1.mp4", mark), Voided)
    assert os.listdir(disk.claimed) == []
    assert [item.read_bytes() for item in disk.path.rglob("1.mp4*")] == [b"fresh!"]


def test_never_claimed_is_void(disk: Disk) -> None:
    path = disk.write(b"cam/1.mp4")
    assert recover(disk, b"cam/1.mp4", mark_of(disk, b"cam/1.mp4")) == Voided("never_claimed")
    assert os.path.exists(path)


@pytest.mark.parametrize("with_directory", [False, True])
def test_neither_claimed_nor_there_is_gone(disk: Disk, with_directory: bool) -> None:
    path = disk.write(b"cam/1.mp4", b"1234567")
    mark = mark_of(disk, b"cam/1.mp4")
    os.unlink(path)
    if with_directory:
        os.rmdir(disk.path / "cam")
    assert recover(disk, b"cam/1.mp4", mark) == Removed(7, observed="absent_at_recovery")


def test_a_half_emptied_event_directory_is_finished(disk: Disk) -> None:
    disk.write(b"event/1.jpg")
    disk.write(b"event/2.jpg")
    mark = mark_of(disk, b"event", Unit.DIRECTORY)
    os.rename(disk.path / "event", disk.claimed / "run-0")
    os.unlink(disk.claimed / "run-0" / "1.jpg")
    removal = recover(disk, b"event", mark, Unit.DIRECTORY)
    assert isinstance(removal, Removed | Voided)
    assert os.listdir(disk.claimed) == []


def test_a_recording_that_is_written_at_recovery_is_put_back(disk: Disk) -> None:
    path = disk.write(b"cam/1.mp4")
    mark = mark_of(disk, b"cam/1.mp4")
    os.rename(path, disk.claimed / "run-0")
    with open(disk.claimed / "run-0", "ab"):
        assert recover(disk, b"cam/1.mp4", mark) == Voided("still_written")
    assert os.path.exists(path)


def test_what_no_intent_names_is_told_and_left_alone(disk: Disk) -> None:
    (disk.claimed / "run-9").write_bytes(b"?")
    (disk.claimed / "run-1").write_bytes(b"?")
    with disk.store.chunk() as chunk:
        assert list(chunk.unexplained(["run-1"])) == ["run-9"]
        pinned = chunk.pin(place(b"nothing"), Unit.FILE)
        assert not isinstance(pinned, Pinned)
    assert sorted(os.listdir(disk.claimed)) == ["run-1", "run-9"]
