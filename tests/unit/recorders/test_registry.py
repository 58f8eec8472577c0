"""`recorder:` in the configuration leads to a recorder, or to an error that says what to write."""

from pathlib import Path

import pytest

from retentiond.domain.errors import ConfigurationError
from retentiond.domain.recording import StoreName
from retentiond.recorders.registry import SUPPORTED, AnyRecorder, build_recorder


def build(
    kind: str,
    *,
    layouts: tuple[str, ...] = ("{camera}/%s.mp4",),
    timezone: str = "Europe/Tallinn",
    recorder_config: str | None = None,
) -> AnyRecorder:
    return build_recorder(
        kind,
        store=StoreName("main"),
        store_path="/srv/recordings",
        timezone=timezone,
        layouts=layouts,
        recorder_config=recorder_config,
    )


NEED_THEIR_OWN = ("mediamtx", "moonfire")


@pytest.mark.parametrize("kind", NEED_THEIR_OWN)
def test_what_its_own_configuration_has_to_tell_is_asked_for(kind: str) -> None:
    with pytest.raises(ConfigurationError, match=f"recorder '{kind}' needs `recorder_config`, such as /"):
        build(kind)


@pytest.mark.parametrize("kind", SUPPORTED)
def test_every_supported_recorder_can_be_built(kind: str) -> None:
    assert build(kind, recorder_config="/etc/it/is.yml" if kind in NEED_THEIR_OWN else None).kind == kind


def test_an_unknown_recorder_names_the_supported_ones() -> None:
    with pytest.raises(ConfigurationError, match="'moton' is not known; use one of: " + ", ".join(SUPPORTED)):
        build("moton")


def test_a_template_needs_a_layout() -> None:
    with pytest.raises(ConfigurationError, match="needs a layout, such as"):
        build("template", layouts=())


def test_a_layout_that_cannot_be_used_names_the_store() -> None:
    with pytest.raises(ConfigurationError, match=r"store 'main': layout '\{any\}' would recognise every file"):
        build("template", layouts=("{any}",))


@pytest.mark.parametrize("timezone", ["Europe/Talinn", "", "../etc/passwd", "/etc/passwd", "a\x00b", "Europe"])
def test_a_time_zone_that_is_none_is_refused(timezone: str) -> None:
    with pytest.raises(ConfigurationError, match="Europe/Tallinn"):
        build("template", timezone=timezone)


def test_a_configuration_of_motion_that_cannot_be_read_is_the_recorders_trouble_and_no_error(tmp_path: Path) -> None:
    missing = str(tmp_path / "motion.conf")
    recorder = build("motion", recorder_config=missing)
    assert not recorder.ready
    assert f"{missing}: the recorder's configuration cannot be read" in (recorder.trouble or "")


def test_layouts_serve_names_that_motion_gave_earlier(tmp_path: Path) -> None:
    conf = tmp_path / "motion.conf"
    conf.write_text("target_dir /srv/recordings\ncamera_name front\n")
    recorder = build("motion", layouts=("old/{camera}-%Y%m%d.avi",), recorder_config=str(conf))
    assert recorder.kind == "motion"
    assert [device.camera for device in recorder.devices()] == ["front"]
