"""Second copies that can be seen are told while the recording is still there: links, reflinks, snapshots, bins."""

import os
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from retentiond.domain.finding import FindingKind
from retentiond.domain.recording import Place, StoreName, Unit
from retentiond.ports import Copies
from retentiond.storage.store import DirectoryStore
from tests.integration.storage.disk import loop_disk, needs_root
from tests.world import BEGIN, World

FILM = b"footage." * 100_000
SIZES = {"xfs": 400, "btrfs": 128}
RECORDING = (Place(b"cam", b"1.mp4"), Unit.FILE)


def a_store(path: Path) -> DirectoryStore:
    (path / "cam").mkdir(parents=True)
    (path / "cam" / "1.mp4").write_bytes(FILM)
    store = DirectoryStore(StoreName("main"), str(path), expected=lambda: None)
    store.examine()
    return store


def test_a_recording_of_its_own_has_no_copy(tmp_path: Path) -> None:
    assert a_store(tmp_path / "x" / "y" / "store").copies([RECORDING]) == Copies(looked=1)


def test_another_name_of_a_recording_is_seen(tmp_path: Path) -> None:
    store = a_store(tmp_path / "x" / "y" / "store")
    os.link(tmp_path / "x" / "y" / "store" / "cam" / "1.mp4", tmp_path / "kept.mp4")
    assert store.copies([RECORDING]) == Copies(looked=1, linked=1)


def test_what_is_no_plain_file_is_not_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "x" / "y" / "store"
    store = a_store(path)
    (path / "cam" / "link.mp4").symlink_to(path / "cam" / "1.mp4")
    os.mkfifo(path / "cam" / "pipe.mp4")
    (path / "event" / "sub").mkdir(parents=True)
    places = [(Place(b"cam", name), Unit.FILE) for name in (b"link.mp4", b"pipe.mp4", b"none.mp4", b"../cam")]
    assert store.copies([*places, (Place(b"", b"event"), Unit.DIRECTORY)]) == Copies()
    (path / "event" / "00001-capture.jpg").write_bytes(b"jpg")
    assert store.copies([(Place(b"", b"event"), Unit.DIRECTORY)]) == Copies(looked=1)


@pytest.mark.parametrize("above", [0, 1, 2, 3])
@pytest.mark.parametrize("name", ["@Recycle", ".Trash-1000", ".snapshots"])
def test_bins_in_the_store_and_around_it_are_seen_unless_they_are_empty(above: int, name: str, tmp_path: Path) -> None:
    path = tmp_path / "share" / "x" / "y" / "store"
    store = a_store(path)
    place = (path, *path.parents)[above] / name
    place.mkdir()
    assert store.copies([]) == Copies()
    (place / "1.mp4").write_bytes(FILM)
    found = [what.partition(":")[0] for what in store.copies([]).places]
    assert found == ([] if above == 3 else [name.partition("-")[0]])


def test_a_file_of_that_name_is_no_bin(tmp_path: Path) -> None:
    store = a_store(tmp_path / "x" / "y" / "store")
    (tmp_path / "x" / "@Recycle").write_text("x")
    (tmp_path / "x" / ".snapshots").symlink_to("/etc")
    assert store.copies([]) == Copies()


@pytest.mark.privileged
@needs_root
@pytest.mark.parametrize("kind", SIZES)
def test_a_reflink_anywhere_on_the_disk_is_seen(tmp_path: Path, kind: str) -> None:
    with loop_disk(tmp_path, kind, SIZES[kind]) as point:
        store = a_store(point / "store")
        os.sync()
        assert store.copies([RECORDING]) == Copies(looked=1)
        command = ["cp", "--reflink=always", str(point / "store" / "cam" / "1.mp4"), str(point / "copy")]
        subprocess.run(command, check=True)
        os.sync()
        assert store.copies([RECORDING]) == Copies(looked=1, shared=1)


@pytest.mark.privileged
@needs_root
def test_a_snapshot_of_the_store_is_seen(tmp_path: Path) -> None:
    with loop_disk(tmp_path, "btrfs", SIZES["btrfs"]) as point:
        subprocess.run(["btrfs", "subvolume", "create", str(point / "store")], check=True, capture_output=True)
        store = a_store(point / "store")
        os.sync()
        command = ["btrfs", "subvolume", "snapshot", "-r", str(point / "store"), str(point / "yesterday")]
        subprocess.run(command, check=True, capture_output=True)
        os.sync()
        assert store.copies([RECORDING]) == Copies(looked=1, shared=1)


def test_they_are_findings_until_they_are_gone(tmp_path: Path) -> None:
    world = World(tmp_path / "a" / "b" / "c")
    world.start()
    path = world.record("hall", BEGIN - timedelta(hours=1))
    world.scan()
    assert FindingKind.SECOND_COPY not in world.findings()
    os.link(path, tmp_path / "kept.mp4")
    trash = world.store_path.parent / "#recycle"
    trash.mkdir()
    (trash / "old.mp4").touch()
    world.scan()
    found = [item for item in world.cycle.report().findings if item.key.kind is FindingKind.SECOND_COPY]
    assert {item.key.subject for item in found} == {"main / other names", "main / #recycle"}
    assert all(item.message and item.remedy for item in found)
    (tmp_path / "kept.mp4").unlink()
    (trash / "old.mp4").unlink()
    world.scan()
    assert FindingKind.SECOND_COPY not in world.findings()
    world.stop()
