"""Frigate's own configuration (0.12 to 0.18): its cameras, whether they record sound, and what it keeps for how long.

Sound is on by default: without `ffmpeg.output_args.record`, Frigate uses `preset-record-generic-audio-aac`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from retentiond.domain.drift import OwnRetention
from retentiond.domain.names import readable
from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import CameraName, Category, StoreName
from retentiond.recorders.yaml_config import Yaml, number, section

DEFAULT_RECORD = "preset-record-generic-audio-aac"
_SILENT = frozenset({"preset-record-generic", "preset-record-mjpeg", "preset-record-jpeg"})
_REVIEW_DAYS = 10.0
_SNAPSHOT_DAYS = 10.0
_LONGEST_DAYS = 36_500.0


@dataclass(frozen=True, slots=True)
class FrigateCamera:
    """One camera of `cameras`, beside the settings for all."""

    name: CameraName
    own: dict[str, Yaml]
    common: dict[str, Yaml]

    def value(self, *keys: str) -> Yaml:
        """Return a setting: the camera's own, else the common one, else None."""
        *way, last = keys
        for settings in (self.own, self.common):
            found = section(settings, *way).get(last)
            if found is not None:
                return found
        return None

    @property
    def records(self) -> bool:
        """Whether recording is switched on in the configuration."""
        return self.value("record", "enabled") is True


def frigate_cameras(config: dict[str, Yaml]) -> tuple[FrigateCamera, ...]:
    """Return the cameras of a configuration, in its order."""
    common = {key: value for key, value in config.items() if key != "cameras"}
    return tuple(
        FrigateCamera(CameraName(readable(name.encode("utf-8", "surrogateescape"))), section(own), common)
        for name, own in section(config, "cameras").items()
    )


def seen_camera(store: StoreName, camera: FrigateCamera, path: str) -> SeenDevice:
    """Return a camera for the room check, with the setting that lets it record or listen."""
    sound = _recorded_sound(camera)
    if sound is None and camera.value("audio", "enabled") is True:
        sound = "audio.enabled: Frigate listens for sounds"
    told = "" if sound is None else f"{sound}; in {path}"
    return SeenDevice(store, camera.name, "Frigate's configuration", sound is not None, told)


def _recorded_sound(camera: FrigateCamera) -> str | None:
    """Return the setting by which the camera's recordings have a sound track, None if they have none."""
    if not camera.records:
        return None
    given = camera.value("ffmpeg", "output_args", "record")
    words = [str(word) for word in given] if isinstance(given, list) else str(given or DEFAULT_RECORD).split()
    if words[:1] and words[0].startswith("preset-"):
        if words[0] in _SILENT:
            return None
        by_default = "" if given else ", the default"
        return f"ffmpeg.output_args.record is {words[0]}{by_default}; preset-record-generic records no sound"
    return None if "-an" in words else "ffmpeg.output_args.record has no -an"


def kept_by(camera: FrigateCamera, path: str) -> Iterator[OwnRetention]:
    """Yield how long Frigate keeps the recordings and pictures of a camera by itself."""
    if camera.common.get("safe_mode") is True:
        change = f"write `safe_mode: false` in {path}, else Frigate deletes nothing"
        yield OwnRetention(camera.name, Category.VIDEO, None, "safe_mode", change)
        return
    if camera.records:
        days, setting = max(_recording_days(camera))
        yield _kept(camera, Category.VIDEO, days, setting, path)
    days, setting = max(_snapshot_days(camera))
    yield _kept(camera, Category.STILL, days, setting, path)


def _kept(camera: FrigateCamera, category: Category, days: float, setting: str, path: str) -> OwnRetention:
    kept = timedelta(days=min(days, _LONGEST_DAYS))
    change = f"write {setting.partition(',')[0]}: {{days}} in {path}"
    return OwnRetention(camera.name, category, kept, setting, change)


def _recording_days(camera: FrigateCamera) -> Iterator[tuple[float, str]]:
    """Yield every setting that keeps recordings: the longest of them decides, whatever the others say."""
    for keys, default in (
        (("record", "continuous", "days"), 0.0),
        (("record", "motion", "days"), 0.0),
        (("record", "alerts", "retain", "days"), _REVIEW_DAYS),
        (("record", "detections", "retain", "days"), _REVIEW_DAYS),
        (("record", "retain", "days"), 0.0),
        (("record", "events", "retain", "default"), 0.0),
    ):
        yield _days(camera, keys, default)


def _snapshot_days(camera: FrigateCamera) -> Iterator[tuple[float, str]]:
    yield _days(camera, ("snapshots", "retain", "default"), _SNAPSHOT_DAYS)
    for settings in (camera.own, camera.common):
        for label, value in section(settings, "snapshots", "retain", "objects").items():
            yield number(value) or 0.0, f"snapshots.retain.objects.{label}"


def _days(camera: FrigateCamera, keys: tuple[str, ...], default: float) -> tuple[float, str]:
    days, setting = number(camera.value(*keys)), ".".join(keys)
    return (default, f"{setting}, the default") if days is None else (max(days, 0.0), setting)
