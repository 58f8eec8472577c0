"""What a crash can leave of an intent, each state made by hand and settled."""

import os
import shutil
from pathlib import Path

import pytest

from retentiond.domain.errors import StorageError
from retentiond.domain.recording import Unit
from retentiond.ports import Failed, Pinned, Removal, Removed, Voided
from tests.integration.storage.disk import Disk, an_intent, flagged, mounted, needs_root, place


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
    assert isinstance(removal, Removed)
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


# --- put back, and where to ----------------------------------------------------------------------------------------


def claimed_by_mistake(disk: Disk, path: bytes) -> str:
    """Leave what a crash leaves of a claim that took another file; return the mark of the one that was meant."""
    whole = disk.write(path, b"old")
    mark = mark_of(disk, path)
    os.unlink(whole)
    os.rename(disk.write(b"draft", b"fresh!"), disk.claimed / "run-0")
    return mark


def left(disk: Disk) -> dict[str, bytes]:
    """Return the files in the store, but for ours."""
    files = (path for path in disk.path.rglob("*") if path.is_file() and path.name != "store.json")
    return {str(path.relative_to(disk.path)): path.read_bytes() for path in files}


@pytest.mark.parametrize("gone", ["cam/day", "cam"])
def test_a_directory_that_is_gone_is_made_again_with_the_rights_of_the_one_above(disk: Disk, gone: str) -> None:
    disk.path.chmod(0o2775)
    if os.getuid() == 0:
        os.chown(disk.path, 1234, 4321)
    mark = claimed_by_mistake(disk, b"cam/day/1.mp4")
    for path in ("cam/day", "cam"):
        (disk.path / path).chmod(0o2775)
        if os.getuid() == 0:
            os.chown(disk.path / path, 1234, 4321)
    shutil.rmtree(disk.path / gone)
    assert recover(disk, b"cam/day/1.mp4", mark) == Voided("changed")
    assert left(disk) == {"cam/day/1.mp4": b"fresh!"}
    for path in ("cam", "cam/day"):
        status = os.stat(disk.path / path)
        assert status.st_mode & 0o7777 == 0o2775
        assert os.getuid() != 0 or (status.st_uid, status.st_gid) == (1234, 4321)


def test_a_file_in_the_place_of_its_directory_sends_it_further_up(disk: Disk) -> None:
    mark = claimed_by_mistake(disk, b"cam/day/1.mp4")
    (disk.path / "cam" / "day").rmdir()
    disk.write(b"cam/day", b"a file")
    assert recover(disk, b"cam/day/1.mp4", mark) == Voided("changed")
    assert left(disk) == {"cam/day": b"a file", "cam/1.mp4.restored-run-0": b"fresh!"}


def test_a_link_in_the_place_of_its_directory_is_not_followed(disk: Disk, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "day").mkdir(parents=True)
    mark = claimed_by_mistake(disk, b"cam/day/1.mp4")
    shutil.rmtree(disk.path / "cam")
    (disk.path / "cam").symlink_to(outside)
    assert recover(disk, b"cam/day/1.mp4", mark) == Voided("changed")
    assert os.listdir(outside / "day") == []
    assert left(disk) == {"1.mp4.restored-run-0": b"fresh!"}


def test_a_name_of_255_bytes_that_is_taken_again_has_one_beside_it(disk: Disk) -> None:
    name = b"\xff" * 250 + b"5.mp4"
    mark = claimed_by_mistake(disk, b"cam/" + name)
    disk.write(b"cam/" + name, b"newest")
    assert recover(disk, b"cam/" + name, mark) == Voided("changed")
    assert sorted(left(disk).values()) == [b"fresh!", b"newest"]
    assert sorted(map(os.fsencode, os.listdir(disk.path / "cam"))) == [b"\xff" * 200 + b".restored-run-0", name]


@pytest.mark.privileged
@needs_root
def test_what_nothing_takes_back_keeps_its_intent_open_until_something_does(disk: Disk) -> None:
    mark = claimed_by_mistake(disk, b"cam/1.mp4")
    with mounted(disk.path, "--bind", "-o", "ro", str(disk.path)):
        for _ in range(2):
            with pytest.raises(StorageError, match=r"can they be put back .EROFS.*intents stay open"):
                recover(disk, b"cam/1.mp4", mark)
    assert recover(disk, b"cam/1.mp4", mark) == Voided("changed")
    assert left(disk) == {"cam/1.mp4": b"fresh!"}


@pytest.mark.privileged
@needs_root
def test_a_claimed_recording_that_became_immutable_is_not_lost_sight_of(disk: Disk) -> None:
    path = disk.write(b"cam/1.mp4")
    mark = mark_of(disk, b"cam/1.mp4")
    os.rename(path, disk.claimed / "run-0")
    with flagged(disk.claimed / "run-0", "i"), pytest.raises(StorageError, match="EPERM"):
        recover(disk, b"cam/1.mp4", mark)
    assert isinstance(recover(disk, b"cam/1.mp4", mark), Removed)


# --- what is found under the name ----------------------------------------------------------------------------------


def test_a_recording_that_grew_and_was_not_claimed_is_void(disk: Disk) -> None:
    path = disk.write(b"cam/1.mp4")
    mark = mark_of(disk, b"cam/1.mp4")
    with open(path, "ab") as file:
        file.write(b"more")
    assert recover(disk, b"cam/1.mp4", mark) == Voided("never_claimed")


@pytest.mark.parametrize("kind", ["file", "directory", "link"])
def test_another_file_under_the_name_is_not_the_one_intended(disk: Disk, kind: str) -> None:
    """The crash came after the unlink, and the recorder has used the name again; the number of the inode as well."""
    path = Path(os.fsdecode(disk.write(b"cam/1.mp4", b"1234567")))
    mark = mark_of(disk, b"cam/1.mp4")
    path.unlink()
    match kind:
        case "file":
            path.write_bytes(b"fresh!")
        case "directory":
            path.mkdir()
        case _:
            path.symlink_to("2.mp4")
    assert recover(disk, b"cam/1.mp4", mark) == Removed(7, observed="replaced_at_recovery")
    assert os.path.lexists(path)


def test_a_directory_that_cannot_be_entered_tells_nothing_of_what_is_in_it(disk: Disk, tmp_path: Path) -> None:
    disk.write(b"cam/1.mp4")
    mark = mark_of(disk, b"cam/1.mp4")
    (disk.path / "cam").rename(tmp_path / "elsewhere")
    (disk.path / "cam").symlink_to(tmp_path / "elsewhere")
    assert recover(disk, b"cam/1.mp4", mark) == Failed("ENOTDIR")
    assert (tmp_path / "elsewhere" / "1.mp4").exists()


@pytest.mark.parametrize("name", [b"event/1.jpg", b"event/sub/1.jpg"])
def test_an_event_directory_that_is_written_at_recovery_is_put_back(disk: Disk, name: bytes) -> None:
    path = disk.write(name)
    mark = mark_of(disk, b"event", Unit.DIRECTORY)
    with open(path, "ab"):
        os.rename(disk.path / "event", disk.claimed / "run-0")
        assert recover(disk, b"event", mark, Unit.DIRECTORY) == Voided("still_written")
    assert os.path.exists(path)


def test_readers_at_recovery_are_told(disk: Disk) -> None:
    path = disk.write(b"cam/1.mp4")
    mark = mark_of(disk, b"cam/1.mp4")
    with open(path, "rb"):
        os.rename(path, disk.claimed / "run-0")
        removal = recover(disk, b"cam/1.mp4", mark)
    assert isinstance(removal, Removed)
    assert removal.open_elsewhere is True


def test_a_link_to_what_was_intended_is_not_what_was_intended(disk: Disk) -> None:
    disk.write(b"cam/1.mp4")
    mark = mark_of(disk, b"cam/1.mp4")
    (disk.claimed / "run-0").symlink_to(disk.path / "cam" / "1.mp4")
    assert recover(disk, b"cam/1.mp4", mark) == Voided("changed")
    assert (disk.path / "cam" / "1.mp4").exists()
