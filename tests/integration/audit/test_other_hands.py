"""Somebody else deletes, replaces or changes what is being written."""

import os
from pathlib import Path

import pytest

from retentiond.audit.verify import verify_trail
from retentiond.domain.errors import StorageError
from tests.integration.audit.disk_trail import DiskTrail, beats


@pytest.fixture
def disk(tmp_path: Path) -> DiskTrail:
    return DiskTrail(tmp_path / "audit")


def test_a_deleted_file_is_noticed_before_the_next_batch(disk: DiskTrail) -> None:
    with disk.open() as trail:
        trail.append(beats())
        (path,) = disk.files()
        kept = path.read_bytes()
        path.unlink()
        with pytest.raises(StorageError, match=r"was deleted or replaced.*can be copied from /proc/") as caught:
            trail.append(beats())
        source = str(caught.value).split("copied from ")[1].split(".")[0]
        assert Path(source).read_bytes() == kept
        assert not disk.files()
        path.write_bytes(kept)
        with pytest.raises(StorageError, match="deleted or replaced"):
            trail.append(beats())
    disk.fill(1)
    assert verify_trail(str(disk.path)).size == 4


def test_a_replaced_file_is_noticed_before_the_next_batch(disk: DiskTrail) -> None:
    with disk.open() as trail:
        (path,) = disk.files()
        copy = path.with_name("copy")
        copy.write_bytes(path.read_bytes())
        copy.rename(path)
        with pytest.raises(StorageError, match="deleted or replaced"):
            trail.append(beats())
        assert len(disk.lines()) == 1


@pytest.mark.parametrize("hand", ["grow", "shrink"])
def test_a_file_that_somebody_else_wrote_into_is_noticed(disk: DiskTrail, hand: str) -> None:
    with disk.open() as trail:
        trail.append(beats(5))
        (path,) = disk.files()
        before = path.stat().st_size
        os.truncate(path, before + 7 if hand == "grow" else before - 7)
        with pytest.raises(StorageError, match="somebody else changed its length"):
            trail.append(beats())
        os.truncate(path, before)


def test_a_failed_append_leaves_a_trail_that_goes_on(disk: DiskTrail) -> None:
    with disk.open() as trail:
        (path,) = disk.files()
        away = path.with_name("away")
        path.rename(away)
        before = trail.head()
        with pytest.raises(StorageError):
            trail.append(beats(3))
        assert trail.head() == before
        away.rename(path)
        assert trail.append(beats(1))[0].seq == 1
    assert verify_trail(str(disk.path)).size == 2


def test_a_link_in_place_of_the_file_is_not_followed(disk: DiskTrail, tmp_path: Path) -> None:
    disk.log.mkdir(parents=True)
    (tmp_path / "victim").write_bytes(b"")
    (disk.log / "00000000000000000000.jsonl").symlink_to(tmp_path / "victim")
    with pytest.raises(StorageError, match="cannot be opened"), disk.open():
        pass
    assert (tmp_path / "victim").read_bytes() == b""


def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="cannot be made"), DiskTrail(tmp_path / "file" / "audit").open():
        pass
