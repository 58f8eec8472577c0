"""`config init` proposes the recorder whose names are seen, and nothing else."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retentiond.domain.errors import StorageError
from retentiond.ports import EntryKind
from retentiond.recorders.recognise import COMMON_LAYOUTS, MAX_NAMES, Recognition, recognise
from retentiond.recorders.registry import build_recorder
from tests.moonfire_tree import Moonfire
from tests.unit.recorders.test_census import PAGES, census


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_a_directory_for_each_camera_and_day_is_recognised(tmp_path: Path) -> None:
    write(tmp_path, "front/2026-07-01/12-00-00.mp4", "yard/2026-07-01/12-00-00.mp4", "readme.txt")
    assert recognise(str(tmp_path))[0] == Recognition(
        recorder="template",
        layout="{camera}/%Y-%m-%d/%H-%M-%S.mp4",
        cameras=("front", "yard"),  # type: ignore[arg-type]
        recorder_config=None,
        matched=2,
        looked_at=3,
    )


def test_more_than_one_extension_stays_open(tmp_path: Path) -> None:
    write(tmp_path, "front/2026-07-01/12-00-00.mp4", "front/2026-07-01/12-00-00.jpg")
    assert recognise(str(tmp_path))[0].layout == "{camera}/%Y-%m-%d/%H-%M-%S.{ext}"


def test_a_directory_for_each_hour_is_recognised(tmp_path: Path) -> None:
    write(tmp_path, "2026-09-18/07/front_door/41.10.mp4", "2026-09-18/07/yard/41.20.mp4")
    best = recognise(str(tmp_path))[0]
    assert best.layout == "%Y-%m-%d/%H/{camera}/%M.%S.mp4"
    assert best.cameras == ("front_door", "yard")


def test_default_names_of_motion_are_recognised(tmp_path: Path) -> None:
    write(tmp_path, "01-20261123030019.mkv", "01-20261123030019-06.jpg", "20261123-timelapse.mpg")
    best = recognise(str(tmp_path))[0]
    assert (best.recorder, best.layout, best.matched) == ("motion", None, 3)


def test_a_configuration_of_motion_that_fits_comes_first(tmp_path: Path) -> None:
    store = tmp_path / "store"
    write(store, "2026-11-22/waiting_room-123113-01.mp4", "2026-11-22/waiting_room-123103-01-01.jpg")
    fits, elsewhere, gone = tmp_path / "motion.conf", tmp_path / "other.conf", tmp_path / "gone.conf"
    fits.write_text(
        f"target_dir {store}\ncamera_name waiting_room\nmovie_filename %Y-%m-%d/%$-%H%M%S-%v\n"
        "picture_filename %Y-%m-%d/%$-%H%M%S-%v-%q\n"
    )
    elsewhere.write_text("target_dir /srv\n")
    best = recognise(str(store), [str(gone), str(elsewhere), str(fits)])[0]
    assert (best.recorder, best.recorder_config, best.matched) == ("motion", str(fits), 2)
    assert best.cameras == ("waiting_room",)


def test_a_tree_of_frigate_is_recognised_with_the_configuration_that_fits(tmp_path: Path) -> None:
    config, store = tmp_path / "config.yml", tmp_path / "media"
    config.write_text("cameras: {front_door: {}, yard: {}}\n")
    write(store, "recordings/2026-09-18/07/front_door/41.10.mp4", "clips/thumbs/yard/1789717270.5-k3x9ab.webp")
    write(store, "exports/Holiday.mp4", "custom.png")
    for configs, named in (((), None), ((str(tmp_path / "gone"), str(config)), str(config))):
        best = recognise(str(store), configs)[0]
        assert (best.recorder, best.recorder_config, best.layout) == ("frigate", named, None)
        assert (best.cameras, best.matched) == (("front_door", "yard"), 3)


def test_a_tree_of_motioneye_is_recognised_with_its_configuration_and_without(tmp_path: Path) -> None:
    config, store = tmp_path / "motion.conf", tmp_path / "media"
    config.write_text("# @enabled on\ncamera camera-1.conf\n")
    names = "%Y-%m-%d/%H-%M-%S"
    (tmp_path / "camera-1.conf").write_text(
        f"camera_name Hall\ntarget_dir {store}/Camera1\nmovie_filename {names}\nsnapshot_filename {names}\n"
    )
    write(store, *(f"Camera1/2026-09-18/10-41-10.{end}" for end in ("mp4", "mp4.thumb", "jpg")), "Camera1/.keep")
    best = recognise(str(store), [str(config)])[0]
    assert (best.recorder, best.recorder_config, best.matched, best.cameras) == ("motioneye", str(config), 3, ("Hall",))
    best = recognise(str(store))[0]
    assert (best.recorder, best.recorder_config, best.matched, best.cameras) == ("motioneye", None, 3, ("Camera1",))


def test_a_tree_of_zoneminder_is_recognised_by_its_event_directories(tmp_path: Path) -> None:
    config, store = tmp_path / "zm.conf", tmp_path / "events"
    config.write_text(f"ZM_DB_HOST=localhost:{tmp_path}/none.sock\nZM_DB_NAME=zm\nZM_DB_USER=u\n")
    for event in (101, 102):
        write(store, *(f"3/2026-09-18/{event}/{frame:05d}-capture.jpg" for frame in range(30)))
    write(store, "4/2026-09-18/103/103-video.mp4", "notes.txt")
    for configs, named in (([], None), ([str(config)], str(config))):
        best = recognise(str(store), configs)[0]
        assert (best.recorder, best.recorder_config, best.layout) == ("zoneminder", named, None)
        assert (best.cameras, best.matched, best.looked_at) == (("monitor-3", "monitor-4"), 3, 4)


def test_a_tree_of_viseron_is_recognised_with_its_configuration_and_without(tmp_path: Path) -> None:
    config, store = tmp_path / "config.yaml", tmp_path / "tier"
    config.write_text("ffmpeg: {camera: {hall: {}}}\n")
    write(store, "segments/hall/1789717270.m4s", "segments/hall/init.mp4", "thumbnails/hall/7.jpg")
    for configs, named in (([], None), ([str(config)], str(config))):
        best = recognise(str(store), configs)[0]
        assert (best.recorder, best.recorder_config, best.cameras) == ("viseron", named, ("hall",))
        assert (best.matched, best.looked_at) == (2, 3)


def test_a_tree_of_mediamtx_is_recognised_by_its_configuration(tmp_path: Path) -> None:
    config, store = tmp_path / "mediamtx.yml", tmp_path / "recordings"
    config.write_text("paths: {all_others: {record: yes}}\n")
    write(store, "ward1/cam3/2026-09-18_07-00-00-123456.mp4", "lobby/2026-09-18_07-00-00-123456.ts")
    best = recognise(str(store), [str(config)])[0]
    assert (best.recorder, best.recorder_config, best.layout) == ("mediamtx", str(config), None)
    assert best.cameras == ("lobby", "ward1/cam3")


def test_what_nobody_names_is_not_recognised(tmp_path: Path) -> None:
    write(tmp_path, "holiday/beach.mp4", "music/1.wav")
    assert recognise(str(tmp_path)) == ()


def test_links_and_hidden_directories_are_not_followed(tmp_path: Path) -> None:
    outside, store = tmp_path / "outside", tmp_path / "store"
    write(outside, "2026-07-01/12-00-00.mp4")
    write(store, ".trash/2026-07-01/12-00-00.mp4")
    (store / "front").symlink_to(outside)
    assert recognise(str(store)) == ()


def test_only_so_many_names_are_looked_at(tmp_path: Path) -> None:
    for camera in range(12):
        directory = tmp_path / f"cam{camera:02d}" / "2026-07-01"
        directory.mkdir(parents=True)
        for second in range(500):
            os.close(os.open(directory / f"{second // 60:02d}-{second % 60:02d}-00.mp4", os.O_CREAT))
    best = recognise(str(tmp_path))[0]
    assert MAX_NAMES - 100 < best.looked_at <= MAX_NAMES


def test_one_full_directory_does_not_hide_the_others(tmp_path: Path) -> None:
    write(tmp_path, *(f"a/2026-07-01/{n // 60:02d}-{n % 60:02d}-00.mp4" for n in range(1000)))
    write(tmp_path, "b/2026-07-01/00-00-00.mp4")
    assert recognise(str(tmp_path))[0].cameras == ("a", "b")


def test_only_so_deep_is_looked(tmp_path: Path) -> None:
    write(tmp_path, "1/2/3/4/5/6/7/20260701.mp4")
    assert recognise(str(tmp_path)) == ()


def test_a_directory_that_cannot_be_listed_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"cannot be listed \(No such file"):
        recognise(str(tmp_path / "gone"))


@pytest.mark.parametrize("layout", COMMON_LAYOUTS)
def test_every_layout_that_may_be_proposed_can_be_used(layout: str) -> None:
    recorder = build_recorder(
        "template",
        store="main",  # type: ignore[arg-type]
        store_path="/srv/recordings",
        timezone="UTC",
        layouts=(layout,),
        recorder_config=None,
    )
    assert recorder.kind == "template"


@pytest.mark.parametrize("kind", ["dahua", "hikvision", "reolink", "shinobi", "viseron", "frigate"])
def test_a_directory_that_holds_what_a_page_lists_is_that_recorders(kind: str, tmp_path: Path) -> None:
    page = next(page for page in PAGES if page.stem == kind)
    rows = [row for row in census(page) if row.kind is EntryKind.FILE and row.begins.strip().endswith("Z")]
    write(tmp_path, *(row.path.decode() for row in rows))
    best = recognise(str(tmp_path))[0]
    assert best.recorder == kind
    assert best.matched == len(rows)


def test_moonfire_is_recognised_by_its_database(tmp_path: Path) -> None:
    moonfire = Moonfire(tmp_path / "db" / "db", tmp_path / "sample")
    moonfire.record(moonfire.add_stream("hall"), datetime(2026, 9, 18, tzinfo=UTC))
    best = recognise(str(tmp_path / "sample"), [str(tmp_path / "db"), str(tmp_path / "none")])[0]
    assert best == Recognition("moonfire", None, ("hall",), str(tmp_path / "db"), 2, 2)  # type: ignore[arg-type]


def test_a_camera_that_has_recorded_nothing_yet_is_proposed_too(tmp_path: Path) -> None:
    config, store = tmp_path / "config.yaml", tmp_path / "store"
    config.write_text("ffmpeg: {camera: {hall: {}, yard: {}}}")
    write(store, "segments/hall/1789717270.m4s", "segments/gone/1789717270.m4s")
    best = recognise(str(store), [str(config)])[0]
    assert (best.recorder, best.cameras) == ("viseron", ("gone", "hall", "yard"))
