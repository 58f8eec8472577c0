"""Motion's configuration is read as Motion 4.5.1 reads it."""

from collections.abc import Mapping, Sequence

import pytest

from retentiond.domain.errors import ConfigurationError, StorageError
from retentiond.recorders.motion_conf import MotionCamera, parse_cameras

MAIN = "/etc/motion/motion.conf"


def cameras(main: str, files: Mapping[str, str] | None = None) -> tuple[MotionCamera, ...]:
    texts = {MAIN: main, **(files or {})}

    def read(path: str) -> str:
        if path not in texts:
            raise StorageError(f"{path}: cannot be read")
        return texts[path]

    def list_conf(directory: str) -> Sequence[str]:
        return sorted(path for path in texts if path.startswith(directory + "/") and path != MAIN)

    return parse_cameras(MAIN, read, list_conf)


def test_without_camera_files_the_main_file_is_the_camera() -> None:
    (camera,) = cameras("target_dir /srv\ncamera_name front\n")
    assert (camera.name, camera.ident, camera.ident_given, camera.target_dir) == ("front", 0, False, "/srv")
    assert camera.movies == "%v-%Y%m%d%H%M%S"
    assert camera.pictures == "%v-%Y%m%d%H%M%S-%q"
    assert camera.snapshots == "%v-%Y%m%d%H%M%S-snapshot"
    assert camera.timelapses == "%Y%m%d-timelapse"
    assert camera.writes == {"movies"}
    assert not camera.passthrough


@pytest.mark.parametrize(
    "line",
    [
        "camera_name Waiting room",
        "camera_name = Waiting room",
        "camera_name=Waiting room",
        "camera_name\tWaiting room  ",
        "  camera_name   Waiting room\r",
        'camera_name "Waiting room"',
        "camera_name 'Waiting room'",
        "CAMERA_NAME Waiting room",
        "device_name Waiting room",
    ],
)
def test_every_way_to_write_a_value_is_read(line: str) -> None:
    (camera,) = cameras(f"# camera_name no\n; camera_name no\n\n{line}\n")
    assert camera.name == "Waiting room"


def test_a_value_keeps_its_comment_signs_and_inner_quotes() -> None:
    (camera,) = cameras('camera_name ward "3" # left\n')
    assert camera.name == 'ward "3" # left'


def test_a_camera_starts_out_with_what_stood_before_its_line() -> None:
    first, second = cameras(
        "target_dir /srv\ncamera one.conf\nmovie_filename late-%s\ncamera /etc/motion/two.conf\n",
        {"/etc/motion/one.conf": "camera_name a\n", "/etc/motion/two.conf": "camera_name b\ncamera more.conf\n"},
    )
    assert (first.name, first.movies, first.ident) == ("a", "%v-%Y%m%d%H%M%S", 1)
    assert (second.name, second.movies, second.ident) == ("b", "late-%s", 2)


@pytest.mark.parametrize("key", ["camera_dir", "config_dir"])
def test_a_directory_of_cameras_is_read(key: str) -> None:
    found = cameras(
        f"{key} /etc/motion/conf.d\n",
        {"/etc/motion/conf.d/a.conf": "camera_id 17\n", "/etc/motion/conf.d/b.conf": "camera_name b\n"},
    )
    assert [camera.label for camera in found] == ["camera-17", "b"]


def test_numbers_that_occur_twice_are_dropped_as_motion_does() -> None:
    found = cameras(
        "camera a.conf\ncamera b.conf\n", {"/etc/motion/a.conf": "camera_id 2\n", "/etc/motion/b.conf": "camera_id 2\n"}
    )
    assert [(camera.ident, camera.ident_given) for camera in found] == [(1, False), (2, False)]


def test_a_number_of_the_main_file_is_not_inherited() -> None:
    (found,) = cameras("camera_id 5\ncamera a.conf\n", {"/etc/motion/a.conf": "camera_name a\n"})
    assert found.ident == 1


def test_a_camera_file_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(StorageError, match=r"gone\.conf"):
        cameras("camera gone.conf\n")


@pytest.mark.parametrize("number", ["one", "-1", "١"])
def test_a_number_that_is_none_is_an_error(number: str) -> None:
    with pytest.raises(ConfigurationError, match="is no number; correct it"):
        cameras(f"camera_id {number}\n")


@pytest.mark.parametrize(("text", "on"), [("on", True), ("YES", True), ("1", True), ("off", False), ("maybe", False)])
def test_passthrough_is_a_switch(text: str, *, on: bool) -> None:
    (camera,) = cameras(f"movie_passthrough {text}\n")
    assert camera.passthrough is on


def test_what_a_camera_writes_follows_its_switches() -> None:
    (camera,) = cameras("movie_output off\npicture_output first\nsnapshot_interval 60\ntimelapse_interval 0\n")
    assert camera.writes == {"pictures", "snapshots"}


def test_former_names_of_settings_count() -> None:
    (camera,) = cameras("jpeg_filename p-%s\nffmpeg_output_movies off\ndevice_id 3\n")
    assert (camera.pictures, camera.writes, camera.ident) == ("p-%s", frozenset(), 3)
