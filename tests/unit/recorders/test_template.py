"""The recorder `template`: categories by extension, and only where the layout itself matched."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from retentiond.domain.recording import (
    CameraName,
    Category,
    Kept,
    Recognised,
    Sighting,
    StoreName,
    Unclassified,
    Unit,
)
from retentiond.ports import Entry, EntryKind, Recorder
from retentiond.recorders.fixed import FixedRecorder
from retentiond.recorders.template import build_template

STORE = StoreName("main")


def a_template(*layouts: str, cameras: tuple[str, ...] = ()) -> FixedRecorder:
    return build_template(STORE, ZoneInfo("UTC"), layouts, tuple(CameraName(camera) for camera in cameras))


def classify(recorder: Recorder, directory: bytes, name: bytes, kind: EntryKind = EntryKind.FILE) -> Sighting:
    (sighting,) = recorder.classify(directory, [Entry(name, kind)])
    return sighting


@pytest.mark.parametrize(
    ("extension", "category"),
    [
        (b"mp4", Category.VIDEO),
        (b"MP4", Category.VIDEO),
        (b"3gp", Category.VIDEO),
        (b"mjpeg", Category.VIDEO),
        (b"wav", Category.AUDIO),
        (b"opus", Category.AUDIO),
        (b"jpg", Category.STILL),
        (b"webp", Category.STILL),
        (b"json", Category.DERIVED),
    ],
)
def test_the_extension_tells_the_category(extension: bytes, category: Category) -> None:
    sighting = classify(a_template("{camera}/%Y%m%d%H%M%S.{ext}"), b"front", b"20260701120000." + extension)
    assert isinstance(sighting, Recognised)
    assert sighting.category is category
    assert sighting.unit is Unit.FILE


def test_a_layout_with_its_own_extension_has_that_category() -> None:
    sighting = classify(a_template("%Y%m%d.wav"), b"", b"20260701.wav")
    assert isinstance(sighting, Recognised)
    assert sighting.category is Category.AUDIO
    assert sighting.camera == "main"


def test_a_layout_without_an_extension_is_derived() -> None:
    sighting = classify(a_template("{camera}/%Y%m%d"), b"front", b"20260701")
    assert isinstance(sighting, Recognised)
    assert sighting.category is Category.DERIVED


@pytest.mark.parametrize("name", [b"20260701.", b"20260701.toolong", b"20260701.m-4", b"holiday.mp4"])
def test_a_film_that_no_layout_names_is_unclassified(name: bytes) -> None:
    assert classify(a_template("{camera}/%Y%m%d.{ext}"), b"front", name) == Unclassified()


@pytest.mark.parametrize("kind", [EntryKind.LINK, EntryKind.OTHER, EntryKind.DIRECTORY])
def test_only_files_are_recordings(kind: EntryKind) -> None:
    assert not isinstance(classify(a_template("{camera}/%Y%m%d.mp4"), b"front", b"20260701.mp4", kind), Recognised)


def test_entries_are_answered_in_order_directories_included() -> None:
    entries = [
        Entry(b"2026-07-01", EntryKind.DIRECTORY),
        Entry(b"notes.txt", EntryKind.FILE),
        Entry(b"export", EntryKind.DIRECTORY),
    ]
    on_the_way, notes, export = a_template("{camera}/%Y-%m-%d/%H.mp4").classify(b"front", entries)
    assert isinstance(on_the_way, Kept)
    assert notes == Unclassified()
    assert export == Unclassified()


def test_of_two_layouts_with_the_same_camera_the_first_decides() -> None:
    recorder = a_template("{camera}/%Y%m%d-{any}.mp4", "{camera}/{any}.mp4")
    dated = classify(recorder, b"front", b"20260701-1.mp4")
    undated = classify(recorder, b"front", b"x.mp4")
    assert isinstance(dated, Recognised)
    assert dated.start is not None
    assert isinstance(undated, Recognised)
    assert undated.start is None


def test_two_layouts_that_see_different_cameras_see_none() -> None:
    layouts = ("{camera}-%Y%m%d.mp4", "{camera}_{any}-%Y%m%d.mp4")
    assert classify(a_template(*layouts), b"", b"front_door-20260701.mp4") == Unclassified()


def test_a_known_camera_decides_between_two_layouts() -> None:
    layouts = ("{camera}-%Y%m%d.mp4", "{camera}_{any}-%Y%m%d.mp4")
    sighting = classify(a_template(*layouts, cameras=("front",)), b"", b"front_door-20260701.mp4")
    assert isinstance(sighting, Recognised)
    assert sighting.camera == "front"


def test_a_reading_in_doubt_makes_an_unknown_camera_doubtful_too() -> None:
    layouts = ("{camera}-{any}.mp4", "{any}-to-{camera}.mp4")
    doubtful = b"a-b-to-c.mp4"
    assert classify(a_template(*layouts), b"", doubtful) == Unclassified()
    assert classify(a_template(*layouts, cameras=("a", "a-b")), b"", doubtful) == Unclassified()
    assert classify(a_template(*layouts, cameras=("a", "a-b", "c")), b"", doubtful) == Unclassified()
    sighting = classify(a_template(*layouts, cameras=("c",)), b"", doubtful)
    assert isinstance(sighting, Recognised)
    assert sighting.camera == "c"


def test_a_directory_in_doubt_makes_an_unknown_camera_doubtful_too() -> None:
    layouts = ("{camera}-{any}/%s.mp4", "{any}-to-{camera}/%s.mp4")
    assert classify(a_template(*layouts), b"a-b-to-c", b"1780000000.mp4") == Unclassified()
    sighting = classify(a_template(*layouts, cameras=("c",)), b"a-b-to-c", b"1780000000.mp4")
    assert isinstance(sighting, Recognised)
    assert sighting.camera == "c"


def test_a_directory_is_past_by_the_layout_that_made_it() -> None:
    recorder = a_template("{camera}/%Y-%m-%d/%H.mp4", "audio/%Y%m%d/%H.wav")
    later = datetime(2026, 8, 1, tzinfo=UTC)
    assert recorder.is_past(b"front/2026-07-01", later)
    assert recorder.is_past(b"audio/20260701", later)
    assert not recorder.is_past(b"audio", later)


def test_a_template_has_no_configuration_that_names_cameras() -> None:
    assert a_template("%s.mp4").devices() == ()
    assert a_template("%s.mp4").kind == "template"
