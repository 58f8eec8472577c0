"""motionEye: Motion with small pictures beside its films, cameras that are switched off, and days to preserve."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from retentiond.domain.finding import FindingKind
from retentiond.domain.recording import Category, Recognised, StoreName, Unclassified
from retentiond.ports import Entry, EntryKind
from retentiond.recorders.registry import AnyRecorder, build_recorder
from tests.unit.recorders.test_frigate import drift

START = datetime(2026, 9, 18, 10, 41, 10, tzinfo=UTC)
CAMERA = """\
# @id {number}
# @preserve_movies {movies}
# @preserve_pictures {pictures}
camera_name {name}
target_dir {store}/Camera{number}
movie_output {films}
movie_filename %Y-%m-%d/%H-%M-%S
snapshot_interval 60
snapshot_filename %Y-%m-%d/%H-%M-%S
"""


class Eye:
    """The files of a motionEye."""

    def __init__(self, root: Path) -> None:
        self.conf = root / "motion.conf"
        self.store = root / "store"
        self.store.mkdir()
        self.conf.write_text("# @enabled on\ncamera camera-1.conf\n")

    def camera(
        self, number: int, name: str = "hall", *, movies: str = "30", pictures: str = "30", films: str = "on"
    ) -> None:
        words = {"number": number, "name": name, "movies": movies, "pictures": pictures, "films": films}
        self.conf.with_name(f"camera-{number}.conf").write_text(CAMERA.format(store=self.store, **words))

    def build(self, *, config: bool = True, kind: str = "motioneye") -> AnyRecorder:
        return build_recorder(
            kind,
            store=StoreName("main"),
            store_path=str(self.store),
            timezone="UTC",
            layouts=(),
            recorder_config=str(self.conf) if config else None,
        )


@pytest.fixture
def eye(tmp_path: Path) -> Eye:
    return Eye(tmp_path)


def seen(recorder: AnyRecorder, path: str) -> tuple[str, Category, datetime | None] | None:
    directory, _, name = path.encode().rpartition(b"/")
    (sighting,) = recorder.classify(directory, [Entry(name, EntryKind.FILE)])
    return (sighting.camera, sighting.category, sighting.start) if isinstance(sighting, Recognised) else None


def test_the_small_picture_of_a_film_is_the_cameras_and_begins_with_it(eye: Eye) -> None:
    eye.camera(1)
    assert seen(eye.build(), "Camera1/2026-09-18/10-41-10.mp4.thumb") == ("hall", Category.STILL, START)
    assert seen(eye.build(kind="motion"), "Camera1/2026-09-18/10-41-10.mp4.thumb") is None
    assert seen(eye.build(), "Camera1/2026-09-18/10-41-10.jpg.thumb") is None


def test_footage_of_a_camera_that_is_switched_off_is_its_own(eye: Eye) -> None:
    eye.camera(1)
    eye.camera(2, "yard")
    eye.conf.with_name("camera-x.conf").write_text("target_dir")
    eye.conf.with_name("thread-1.conf").write_text("nonsense")
    recorder = eye.build()
    assert recorder.trouble is None
    assert [device.camera for device in recorder.devices()] == ["hall", "yard"]
    assert seen(recorder, "Camera2/2026-09-18/10-41-10.mp4") == ("yard", Category.VIDEO, START)


def test_a_main_file_without_cameras_has_none_of_its_own_when_there_are_files_of_cameras(eye: Eye) -> None:
    eye.conf.write_text("# @enabled on\n")
    eye.camera(3, "attic")
    assert [device.camera for device in eye.build().devices()] == ["attic"]


def test_what_is_put_together_for_a_download_goes_too(eye: Eye) -> None:
    eye.camera(1)
    for config in (True, False):
        recorder = eye.build(config=config)
        assert seen(recorder, ".zip-1789728070") == ("motioneye", Category.DERIVED, START)
        assert seen(recorder, ".1789728070.matroska") == ("motioneye", Category.DERIVED, START)
        assert recorder.collective == "motioneye"
        assert seen(recorder, "Camera1/.zip-1789728070") is None
        assert recorder.classify(b"", [Entry(b".hidden", EntryKind.FILE)]) == [Unclassified()]


def test_without_a_configuration_the_names_that_motioneye_proposes_count(eye: Eye) -> None:
    recorder = eye.build(config=False)
    assert seen(recorder, "Camera1/2026-09-18/10-41-10.avi") == ("Camera1", Category.VIDEO, START)
    assert seen(recorder, "Camera1/2026-09-18/10-41-10.avi.thumb") == ("Camera1", Category.STILL, START)
    assert seen(recorder, "Camera1/2026-09-18/10-41-10-02.jpg") == ("Camera1", Category.STILL, START)
    assert seen(recorder, "Camera1/2026-09-18/10-41-10.exe") is None


def test_days_to_preserve_are_compared_with_the_rules_and_nought_is_for_ever(eye: Eye) -> None:
    eye.camera(1, movies="0", pictures="7")
    recorder = eye.build()
    recorder.devices()
    found = {item.key.kind: item for item in drift(recorder)}  # type: ignore[arg-type]
    assert "keeps video recordings of camera 'hall' without end (@preserve_movies)" in (
        found[FindingKind.RECORDER_KEEPS_LONGER].message
    )
    assert "`# @preserve_movies 30` in " in found[FindingKind.RECORDER_KEEPS_LONGER].remedy
    assert "still recordings of camera 'hall' for 7d" in found[FindingKind.RECORDER_KEEPS_SHORTER].message
    eye.camera(1, movies="30", pictures="30")
    recorder.devices()
    assert drift(recorder) == []  # type: ignore[arg-type]


def test_what_is_switched_off_is_not_compared(eye: Eye) -> None:
    eye.camera(1, movies="0", films="off")
    recorder = eye.build()
    recorder.devices()
    assert drift(recorder) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("params", "kept"),
    [
        ("", None),
        ("action=script,script=/bin/true", None),
        ("freq=daily", "14d"),
        ("freq=daily, dur_unit=d, dur_val=45", "45d"),
        ("dur_unit=h,dur_val=36", "36h"),
        ("dur_unit=x,dur_val=0", "7d"),
    ],
)
def test_what_motion_5_deletes_itself_is_compared(eye: Eye, params: str, kept: str | None) -> None:
    eye.conf.write_text(f"target_dir {eye.store}\ncamera_name hall\ncleandir_params {params}\n")
    recorder = eye.build(kind="motion")
    recorder.devices()
    assert {item.message.partition(" for ")[2].partition(" ")[0] for item in drift(recorder)} == (  # type: ignore[arg-type]
        set() if kept is None else {kept}
    )
