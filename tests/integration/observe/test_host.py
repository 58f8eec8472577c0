"""What `doctor` sees of the host, on real mounts."""

from pathlib import Path

import pytest

from retentiond.observe.host import diagnose_store
from retentiond.observe.rights import Diagnosis
from tests.integration.storage.disk import mounted, needs_root

pytestmark = [pytest.mark.privileged, needs_root]


def file_system_of(path: Path) -> Diagnosis:
    return next(iter(diagnose_store("main", str(path))))


def test_a_mount_point_with_a_blank_in_its_name_is_known(tmp_path: Path) -> None:
    disk = tmp_path / "disk one"
    with mounted(disk, "-t", "tmpfs", "none"):
        (disk / "store").mkdir()
        assert file_system_of(disk / "store") == Diagnosis("store main", "fine", "tmpfs, writable")
        assert file_system_of(disk) == Diagnosis("store main", "fine", "tmpfs, writable")


def test_a_store_that_is_mounted_read_only_is_told(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with mounted(disk, "-t", "tmpfs", "-o", "ro", "none"):
        (told,) = diagnose_store("main", str(disk))  # and no rights that nobody has there
        assert (told.verdict, told.text) == ("missing", "tmpfs, mounted read-only")


def test_a_disk_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert file_system_of(tmp_path / "none").remedy.startswith("mount the disk, or correct the path")
