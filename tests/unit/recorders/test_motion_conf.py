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
    assert (camera.name, camera.ident, camera.target_dir) == ("front", 0, "/srv")
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
        "camera a.conf\ncamera b.conf\n", {"/etc/motion/a.conf": "camera_id 7\n", "/etc/motion/b.conf": "camera_id 7\n"}
    )
    assert [camera.ident for camera in found] == [1, 2]


def test_a_number_that_the_main_file_hands_down_is_a_number_twice() -> None:
    found = cameras(
        "camera_id 5\ncamera a.conf\ncamera b.conf\n",
        {"/etc/motion/a.conf": "camera_name a\n", "/etc/motion/b.conf": "camera_id 17\n"},
    )
    assert [camera.ident for camera in found] == [1, 2]


def test_the_files_of_a_directory_have_no_number_unless_they_say_so() -> None:
    found = cameras(
        "camera_dir /etc/motion/conf.d\n",
        {"/etc/motion/conf.d/a.conf": "camera_id 17\n", "/etc/motion/conf.d/b.conf": "target_dir /srv\n"},
    )
    assert [(camera.ident, camera.label) for camera in found] == [(17, "camera-17"), (None, "camera-b")]


def test_a_camera_file_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(StorageError, match=r"gone\.conf"):
        cameras("camera gone.conf\n")


@pytest.mark.parametrize("number", ["one", "-1", "١", "9" * 5000])
def test_a_number_that_is_none_is_an_error(number: str) -> None:
    with pytest.raises(ConfigurationError, match="is no number; correct it"):
        cameras(f"camera_id {number}\n")


@pytest.mark.parametrize(("text", "on"), [("on", True), ("YES", True), ("1", True), ("off", False), ("maybe", False)])
def test_passthrough_is_a_switch(text: str, *, on: bool) -> None:
    (camera,) = cameras(f"movie_passthrough {text}\n")
    assert camera.passthrough is on


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", {"movies"}),
        (
            "movie_output off\npicture_output first\nsnapshot_interval 60\ntimelapse_interval 0\n",
            {"pictures", "snapshots"},
        ),
        ("movie_output off\nmovie_output_motion on\n", {"movies"}),
        ("movie_output off\nmovie_extpipe_use on\nmovie_extpipe cat >%f.ts\n", {"movies"}),
        ("movie_output off\nmovie_extpipe_use on\n", set()),
        ("movie_output off\nmovie_extpipe cat >%f.ts\n", set()),
        ("movie_output maybe\npicture_output sometimes\nsnapshot_interval often\n", set()),
        ("movie_output off\npicture_output_motion on\ntimelapse_interval 60s\n", {"pictures", "timelapses"}),
    ],
)
def test_what_a_camera_writes_follows_its_switches(text: str, written: set[str]) -> None:
    (camera,) = cameras(text)
    assert camera.writes == written


@pytest.mark.parametrize(
    ("command", "extensions"),
    [
        ("x264 - --input-res %wx%h --fps %fps -o %f.mp4", ("mp4",)),
        ("ffmpeg -f rawvideo -i pipe:0 %f.ts -f mjpeg '%5f.mjpg'", ("mjpg", "ts")),
        ("ffmpeg -i pipe:0 %f.tar.gz %f", ()),
        ("cat > /dev/null", ()),
    ],
)
def test_a_program_that_films_are_piped_into_names_the_extension(command: str, extensions: tuple[str, ...]) -> None:
    (camera,) = cameras(f"movie_extpipe_use on\nmovie_extpipe {command}\n")
    assert camera.piped == extensions


def test_only_a_newline_ends_a_line() -> None:
    (camera,) = cameras("camera_name Hall\x0bcamera_id 3\x85\u2028x\n")
    assert (camera.name, camera.ident) == ("Hall\x0bcamera_id 3\x85\u2028x", 0)


def test_former_names_of_settings_count() -> None:
    (camera,) = cameras("jpeg_filename p-%s\nffmpeg_output_movies off\ndevice_id 3\nffmpeg_passthrough on\n")
    assert (camera.pictures, camera.writes, camera.ident, camera.passthrough) == ("p-%s", frozenset(), 3, True)
