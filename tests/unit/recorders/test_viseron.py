"""Viseron's own configuration: its cameras, their sound, and what its last tier keeps."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from retentiond.domain.errors import StorageError
from retentiond.domain.finding import FindingKind
from retentiond.domain.recording import StoreName
from retentiond.recorders.configured import ConfiguredRecorder, Setup
from retentiond.recorders.viseron import build_viseron
from tests.unit.recorders.test_frigate import drift

CAMERAS = "ffmpeg: {camera: {hall: {host: 192.0.2.1, password: !secret cam}}}\ngstreamer: {camera: {yard: {}}}\n"


def build(root: Path, text: str = CAMERAS) -> ConfiguredRecorder:
    config = root / "config.yaml"
    config.write_text(text)
    return build_viseron(Setup(StoreName("main"), str(root), ZoneInfo("UTC"), str(config)))


def kept(root: Path, storage: str) -> dict[str, timedelta | None]:
    recorder = build(root, f"ffmpeg: {{camera: {{hall: {{}}}}}}\n{storage}\n")
    recorder.devices()
    return {own.category.value: own.kept for own in recorder.retentions}


def test_cameras_of_both_components_are_seen(tmp_path: Path) -> None:
    assert [device.camera for device in build(tmp_path).devices()] == ["hall", "yard"]


@pytest.mark.parametrize(
    ("settings", "sound"),
    [
        ("{}", True),
        ("{recorder: {audio_codec: aac}}", True),
        ("{recorder: {audio_codec: unset}}", True),
        ("{recorder: {audio_codec: null}}", False),
        ("{recorder: {audio_codec: }}", False),
        ("{audio_codec: null}", False),
        ("null", True),
    ],
)
def test_sound_is_recorded_unless_its_codec_is_null(tmp_path: Path, settings: str, sound: bool) -> None:
    (device,) = build(tmp_path, f"ffmpeg: {{camera: {{hall: {settings}}}}}").devices()
    assert device.records_audio is sound
    assert ("recorder.audio_codec" in device.sound) is sound


@pytest.mark.parametrize(
    ("tiers", "days"),
    [
        ("[{path: /, events: {max_age: {days: 45}}}]", 45),
        ("[{path: /, events: {max_age: {days: 3}}, continuous: {max_age: {hours: 48}}}]", 3),
        ("[{path: /ssd, events: {max_age: {days: 90}}}, {path: /hdd, events: {max_age: {days: 20}}}]", 20),
        ("[{path: /, events: {max_age: {days: 45}, min_size: {gb: 1}}}]", None),
        ("[{path: /, events: {max_size: {gb: 1}}}]", None),
        ("[{path: /, events: {max_age: {days: 5}}, continuous: {max_size: {gb: 1}}}]", None),
        ("[{path: /}]", None),
        ("[7]", None),
        ("[{path: /, events: {max_age: {days: 999999999999}}}]", 36_500),
        ("nonsense", 7),
    ],
)
def test_the_last_tier_decides_how_long_footage_is_kept(tmp_path: Path, tiers: str, days: int | None) -> None:
    found = kept(tmp_path, f"storage: {{recorder: {{tiers: {tiers}}}}}")
    assert found["video"] == (None if days is None else timedelta(days=days))


def test_a_camera_may_have_tiers_of_its_own_and_snapshots_have_others(tmp_path: Path) -> None:
    recorder = build(
        tmp_path,
        "ffmpeg: {camera: {hall: {storage: {recorder: {tiers: [{path: /, events: {max_age: {days: 60}}}]}}}}}\n"
        "storage: {snapshots: {tiers: [{path: /, max_age: {days: 30}}]}}",
    )
    recorder.devices()
    (longer,) = drift(recorder)
    assert longer.key.kind is FindingKind.RECORDER_KEEPS_LONGER
    assert "video recordings of camera 'hall' for 60d (storage.recorder.tiers)" in longer.message
    assert longer.remedy.startswith("write max_age: {days: 30}, and no min_size")


def test_without_a_configuration_names_are_read_and_nothing_is_compared(tmp_path: Path) -> None:
    recorder = build_viseron(Setup(StoreName("main"), str(tmp_path), ZoneInfo("UTC")))
    assert recorder.ready
    assert recorder.devices() == ()
    assert recorder.retentions == ()


def test_a_configuration_that_is_broken_is_told_and_names_are_read(tmp_path: Path) -> None:
    recorder = build(tmp_path, "ffmpeg: [")
    with pytest.raises(StorageError, match="is no configuration"):
        recorder.devices()
    assert recorder.ready
