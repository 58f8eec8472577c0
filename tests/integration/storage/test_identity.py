"""Whether a directory is the store that was adopted."""

import json
import os
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from retentiond.domain.errors import StorageError
from retentiond.ports import Absent, Foreign, Present, Unadopted
from tests.integration.storage.disk import Disk, loop_disk, make_image, mounted, needs_root, run_python


def test_a_directory_that_was_never_adopted_is_unadopted(tmp_path: Path) -> None:
    assert Disk(tmp_path / "store").store.examine() == Unadopted()


def test_an_adopted_store_is_present(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store").adopt()
    assert disk.store.examine() == Present(disk.adopted)  # type: ignore[arg-type]
    assert disk.claimed.stat().st_mode & 0o777 == 0o700


def test_a_store_tells_how_much_room_its_file_system_has(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store")
    space = disk.store.space()
    assert space is not None
    assert space.size_bytes == psutil.disk_usage(str(tmp_path)).total
    assert 0 <= space.free_bytes <= space.size_bytes
    disk.path.rmdir()
    assert disk.store.space() is None


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


# --- a marker that is not what we wrote ----------------------------------------------------------------------------

DAMAGED = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"3",
    b"{}",
    b'{"uuid": 5}',
    b'{"uuid": null}',
    b'{"uuid": "main"}',
    b"\xff\xfe",
    b"[" * 4000,
    b'{"x":' * 800,
    b'{"uuid": "0b9f5c1e-8a41-4f0e-9a53-3f2a7c1d9e10", "x": "' + b"x" * 5000 + b'"}',
]


def marker_of(disk: Disk) -> Path:
    return disk.path / ".retentiond" / "store.json"


@pytest.mark.parametrize("data", DAMAGED)
@pytest.mark.parametrize("adopted", [True, False])
def test_a_damaged_marker_is_foreign(tmp_path: Path, data: bytes, adopted: bool) -> None:
    disk = Disk(tmp_path / "store").adopt()
    marker_of(disk).write_bytes(data)
    if not adopted:
        disk.adopted = None
    condition = disk.store.examine()
    assert isinstance(condition, Foreign)
    assert "damaged" in condition.why
    with pytest.raises(StorageError, match="damaged"):
        disk.store.adopt()
    assert marker_of(disk).read_bytes() == data


@pytest.mark.parametrize("kind", ["fifo", "directory", "link"])
def test_a_marker_that_is_no_file_is_foreign(tmp_path: Path, kind: str) -> None:
    disk = Disk(tmp_path / "store").adopt()
    marker = marker_of(disk)
    marker.rename(tmp_path / "marker")
    match kind:
        case "fifo":
            os.mkfifo(marker)
        case "directory":
            marker.mkdir()
        case _:
            marker.symlink_to(tmp_path / "marker")
    assert isinstance(disk.store.examine(), Foreign)


@pytest.mark.parametrize("name", [".retentiond/store.json", ".retentiond", ".retentiond/claimed"])
@pytest.mark.parametrize("mode", [0o020, 0o002])
def test_what_others_may_write_proves_nothing(tmp_path: Path, name: str, mode: int) -> None:
    disk = Disk(tmp_path / "store").adopt()
    path = disk.path / name
    path.chmod(path.stat().st_mode & 0o777 | mode)
    assert isinstance(disk.store.examine(), Foreign)
    with pytest.raises(StorageError), disk.store.chunk():
        pass


@pytest.mark.privileged
@needs_root
@pytest.mark.parametrize("name", [".retentiond/store.json", ".retentiond", ".retentiond/claimed"])
def test_what_belongs_to_another_user_proves_nothing(tmp_path: Path, name: str) -> None:
    disk = Disk(tmp_path / "store").adopt()
    os.chown(disk.path / name, 65534, 65534)
    assert isinstance(disk.store.examine(), Foreign)


@pytest.mark.privileged
@needs_root
@pytest.mark.parametrize("name", [".retentiond", ".retentiond/claimed"])
def test_a_mount_in_the_place_of_our_directories_is_foreign(tmp_path: Path, name: str) -> None:
    disk = Disk(tmp_path / "store").adopt()
    subprocess.run(["cp", "-a", disk.path / name, tmp_path / "copy"], check=True)
    with mounted(disk.path / name, "--bind", str(tmp_path / "copy")):
        assert not isinstance(disk.store.examine(), Present)
        with pytest.raises(StorageError), disk.store.chunk():
            pass


@pytest.mark.privileged
@needs_root
@pytest.mark.parametrize(("kind", "megabytes"), [("ext4", 16), ("xfs", 400), ("btrfs", 128)])
def test_the_same_disk_under_another_device_number_is_the_same_store(tmp_path: Path, kind: str, megabytes: int) -> None:
    """Disks get their numbers in the order in which a boot finds them."""
    image = make_image(tmp_path, kind, megabytes)
    disk = Disk(tmp_path / "point")
    with mounted(disk.path, "-o", "loop", str(image)):
        disk.adopt()
        device = disk.path.stat().st_dev
        assert isinstance(disk.store.examine(), Present)
    with loop_disk(tmp_path, "ext2", 4), mounted(disk.path, "-o", "loop", str(image)):
        if kind != "btrfs":  # which numbers its mounts by itself
            assert disk.path.stat().st_dev != device
        assert isinstance(disk.store.examine(), Present)


@pytest.mark.privileged
@needs_root
@pytest.mark.parametrize(("kind", "megabytes"), [("ext4", 16), ("xfs", 400), ("btrfs", 128)])
def test_another_disk_of_the_same_kind_is_another_store(tmp_path: Path, kind: str, megabytes: int) -> None:
    """Even with the right marker, at the same inode, under the same device number."""
    disk = Disk(tmp_path / "point")
    (tmp_path / "other").mkdir()
    with mounted(disk.path, "-o", "loop", str(make_image(tmp_path, kind, megabytes))):
        disk.adopt()
        subprocess.run(["cp", "-a", disk.path, tmp_path / "copy"], check=True)
    with mounted(disk.path, "-o", "loop", str(make_image(tmp_path / "other", kind, megabytes))):
        subprocess.run(["cp", "-a", f"{tmp_path}/copy/.", disk.path], check=True)
        assert isinstance(disk.store.examine(), Foreign)


# --- adoption ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0o000, 0o027, 0o077])
def test_adoption_makes_the_same_rights_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    disk = Disk(tmp_path / "store")
    before = os.umask(umask)
    try:
        disk.adopt()
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (disk.claimed.parent, disk.claimed, marker_of(disk))]
    assert modes == [0o755, 0o700, 0o644]


@pytest.mark.parametrize("name", [".retentiond", ".retentiond/claimed", ".retentiond/store.json"])
def test_adoption_writes_nothing_through_a_link(tmp_path: Path, name: str) -> None:
    disk, outside = Disk(tmp_path / "store"), tmp_path / "outside"
    outside.mkdir()
    path = disk.path / name
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(outside / "file" if name.endswith("json") else outside)
    with pytest.raises(StorageError):
        disk.store.adopt()
    assert os.listdir(outside) == []


@pytest.mark.privileged
@needs_root
def test_adoption_takes_no_directory_that_another_user_put_there(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store")
    disk.claimed.mkdir(parents=True, mode=0o700)
    os.chown(disk.path / ".retentiond", 65534, 65534)
    with pytest.raises(StorageError, match="somebody may have put it there"):
        disk.store.adopt()
    assert os.listdir(disk.path / ".retentiond") == ["claimed"]


EXAMINE = """
from retentiond.domain.recording import StoreName
from retentiond.ports import StoreIdentity
from retentiond.storage.store import DirectoryStore
fields = eval(sys.argv[2])
store = DirectoryStore(StoreName("main"), sys.argv[1], expected=lambda: fields and StoreIdentity(**fields), owner=65534)
if fields is None:
    print(store.adopt())
print(type(store.examine()).__name__)
if fields is not None:
    with store.chunk() as chunk:
        print(chunk.unexplained(()))
"""


@pytest.mark.privileged
@needs_root
@pytest.mark.parametrize("adopts", ["root", "daemon"])
def test_root_and_the_daemon_see_the_same_store(tmp_path: Path, adopts: str) -> None:
    disk = Disk(tmp_path / "store", owner=65534)
    os.chown(disk.path, 65534, 65534)
    if adopts == "root":
        disk.adopt()
    else:
        assert run_python(EXAMINE, str(disk.path), "None", user=65534).endswith("Unadopted")
        disk.adopted = disk.store.adopt()  # takes up what is there
    assert disk.adopted is not None
    assert {path.stat().st_uid for path in (disk.claimed.parent, disk.claimed, marker_of(disk))} == {65534}
    assert isinstance(disk.store.examine(), Present)
    fields = repr({name: getattr(disk.adopted, name) for name in disk.adopted.__slots__})
    for user in (65534, None):
        assert run_python(EXAMINE, str(disk.path), fields, user=user) == "Present\n[]"


@pytest.mark.privileged
@needs_root
def test_root_and_the_daemon_both_refuse_a_store_of_another_user(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store", owner=65534).adopt()
    assert disk.adopted is not None
    os.chown(disk.claimed, 1234, 1234)
    fields = repr({name: getattr(disk.adopted, name) for name in disk.adopted.__slots__})
    code = EXAMINE.partition("if fields is not None")[0]
    assert [run_python(code, str(disk.path), fields, user=user) for user in (65534, None)] == ["Foreign", "Foreign"]


@pytest.mark.privileged
@needs_root
def test_the_type_of_a_file_system_is_that_of_the_mount(tmp_path: Path) -> None:
    with mounted(tmp_path / "a b\nc", "-t", "tmpfs", "none") as point:  # /proc writes such names in octal
        assert Disk(point / "store").store.adopt().fs_type == "tmpfs"
