"""Whether a directory is the store that was adopted."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from retentiond.ports import Absent, Foreign, Present, Unadopted
from tests.integration.storage.disk import Disk, mounted, needs_root


def test_a_directory_that_was_never_adopted_is_unadopted(tmp_path: Path) -> None:
    assert Disk(tmp_path / "store").store.examine() == Unadopted()


def test_an_adopted_store_is_present(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store").adopt()
    assert disk.store.examine() == Present(disk.adopted)  # type: ignore[arg-type]
    assert disk.claimed.stat().st_mode & 0o777 == 0o700


def test_adopting_again_changes_nothing(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store").adopt()
    assert disk.store.adopt() == disk.adopted


def test_a_path_that_is_not_there_is_absent(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store")
    disk.path.rmdir()
    assert isinstance(disk.store.examine(), Absent)


def test_a_link_in_the_place_of_the_store_is_absent(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store").adopt()
    disk.path.rename(tmp_path / "elsewhere")
    disk.path.symlink_to(tmp_path / "elsewhere")
    assert isinstance(disk.store.examine(), Absent)


@pytest.mark.privileged
@needs_root
def test_a_disk_that_is_unmounted_is_absent_and_comes_back_by_itself(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store")
    kept = tmp_path / "kept"
    with mounted(kept, "-t", "tmpfs", "none"):
        with mounted(disk.path, "--bind", str(kept)):
            disk.adopt()
            assert isinstance(disk.store.examine(), Present)
        assert isinstance(disk.store.examine(), Absent)
        with mounted(disk.path, "--bind", str(kept)):
            assert isinstance(disk.store.examine(), Present)


@pytest.mark.privileged
@needs_root
def test_another_disk_with_a_copied_marker_is_foreign(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store").adopt()
    marker = (disk.path / ".retentiond" / "store.json").read_bytes()
    with mounted(disk.path, "-t", "tmpfs", "none"):
        (disk.path / ".retentiond").mkdir()
        (disk.path / ".retentiond" / "store.json").write_bytes(marker)
        disk.claimed.mkdir(mode=0o700)
        assert isinstance(disk.store.examine(), Foreign)


@pytest.mark.privileged
@needs_root
def test_a_read_only_store_says_so(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store").adopt()
    with mounted(disk.path, "--bind", "-o", "ro", str(disk.path)):
        condition = disk.store.examine()
        assert isinstance(condition, Present)
        assert condition.read_only


@pytest.mark.parametrize("field", ["fsid", "inode"])
def test_another_place_than_the_one_adopted_is_foreign(tmp_path: Path, field: str) -> None:
    disk = Disk(tmp_path / "store").adopt()
    assert disk.adopted is not None
    disk.adopted = replace(disk.adopted, **{field: getattr(disk.adopted, field) ^ 1})
    assert isinstance(disk.store.examine(), Foreign)


def test_another_marker_is_foreign(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store").adopt()
    marker = disk.path / ".retentiond" / "store.json"
    fields = json.loads(marker.read_bytes()) | {"uuid": "0b9f5c1e-8a41-4f0e-9a53-3f2a7c1d9e10"}
    marker.write_text(json.dumps(fields))
    assert isinstance(disk.store.examine(), Foreign)


def test_a_removed_marker_is_not_made_again_silently(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store").adopt()
    (disk.path / ".retentiond" / "store.json").unlink()
    assert isinstance(disk.store.examine(), Absent)
    assert not (disk.path / ".retentiond" / "store.json").exists()


def test_a_claim_directory_that_is_gone_open_or_a_link_is_foreign(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store").adopt()
    disk.claimed.chmod(0o750)
    assert isinstance(disk.store.examine(), Foreign)
    disk.claimed.rmdir()
    assert isinstance(disk.store.examine(), Foreign)
    disk.claimed.symlink_to(tmp_path)
    assert isinstance(disk.store.examine(), Foreign)


@needs_root
def test_a_claim_directory_of_another_user_is_foreign(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store").adopt()
    os.chown(disk.claimed, 65534, 65534)
    assert isinstance(disk.store.examine(), Foreign)
