"""The recorder `viseron`: one tier of its storage, by names and by its own configuration.

Viseron watches its directories, and drops the row of a file that is gone by itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, timedelta, tzinfo

from retentiond.domain.drift import OwnRetention
from retentiond.domain.names import readable
from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import CameraName, Category, Recording
from retentiond.recorders.categories import VIDEO
from retentiond.recorders.classifier import Classifier, KeptNames
from retentiond.recorders.configured import ConfiguredRecorder, Setup, Told
from retentiond.recorders.layout import CameraNaming, Layout
from retentiond.recorders.local_time import LocalTime
from retentiond.recorders.pattern import Camera, Chars, Choice, Extension, Item, parse_pattern
from retentiond.recorders.yaml_config import Yaml, YamlFile, number, section

ALONE = CameraName("viseron")

_WORDS: dict[str, Item] = {
    "camera": Camera(alphabet=rb"A-Za-z0-9_\-"),
    "domain": Choice((b"face_recognition", b"object_detector", b"license_plate_recognition", b"motion_detector")),
    "uuid": Chars(rb"0-9a-f\-", 36, 36),
    "segment": Extension((b"m4s", b"mp4")),
    "film": Extension(VIDEO),
    "text": Chars(rb"^/\x00", 1, 200),
}
_UTC = (
    ("segments/{camera}/%s.{segment}", Category.VIDEO),
    ("snapshots/{domain}/{camera}/%Y-%m-%d-%H-%M-%S-{uuid}.jpg", Category.STILL),
    ("thumbnails/{camera}/{number}.jpg", Category.STILL),
    ("thumbnails/{camera}/latest_thumbnail.jpg", Category.STILL),
    ("timelapse/{camera}/%s.jpg", Category.DERIVED),
    ("recordings/thumbnails/{camera}/latest_thumbnail.jpg", Category.STILL),  # before 3
)
_LOCAL = (
    ("event_clips/{camera}/%Y-%m-%d/%H:%M:%S.{film}", Category.DERIVED),
    ("recordings/{camera}/%Y-%m-%d/%H:%M:%S.{film}", Category.VIDEO),  # before 3
    ("recordings/{camera}/%Y-%m-%d/%H:%M:%S.jpg", Category.STILL),  # before 3
)
_LAST = (
    ("event_clips/{camera}/%Y-%m-%d/{text}.{film}", Category.DERIVED),
    ("recordings/{camera}/%Y-%m-%d/{text}.{film}", Category.VIDEO),
    ("recordings/{camera}/%Y-%m-%d/{text}.jpg", Category.STILL),
)
_KEPT = (("segments/{camera}/init.mp4", "what all segments of a camera begin with: it holds no picture"),)

_COMPONENTS = ("ffmpeg", "gstreamer")
_DEFAULT_AGE = timedelta(days=7)
_LONGEST = timedelta(days=36_500)


class ViseronSource:
    """`Source` by `config.yaml`, where there is one; the names do not depend on it."""

    def __init__(self, setup: Setup, classifier: Classifier) -> None:
        self._setup = setup
        self._config = None if setup.config is None else YamlFile(setup.config)
        self._classifier = classifier

    def read(self, former: Classifier | None) -> Told:  # noqa: ARG002  its names do not change
        if self._config is None:
            return Told(self._classifier)
        config, path = self._config.read(), self._config.path
        cameras = _cameras(config)
        return Told(
            classifier=self._classifier,
            devices=tuple(_seen(self._setup, name, own, path) for name, own in cameras.items()),
            retentions=tuple(kept for name, own in cameras.items() for kept in _kept(config, name, own, path)),
        )

    def withheld(self, recordings: Sequence[Recording]) -> Mapping[Recording, str]:  # noqa: ARG002  it has no locks
        return {}


def build_viseron(setup: Setup) -> ConfiguredRecorder:
    """Build the recorder. Reads nothing yet."""
    classifier = viseron_classifier(setup.zone, setup.extra)
    return ConfiguredRecorder("viseron", ViseronSource(setup, classifier), classifier)


def viseron_classifier(zone: tzinfo, extra: Sequence[Layout] = ()) -> Classifier:
    """Return what Viseron's names mean. `extra` are layouts in the operator's own words."""
    return Classifier(
        layouts=(*extra, *_layouts(_UTC, UTC), *_layouts(_LOCAL, zone)),
        last=tuple(_layouts(_LAST, zone)),
        kept=tuple(KeptNames(parse_pattern(text, _WORDS), why) for text, why in _KEPT),
    )


def _layouts(forms: tuple[tuple[str, Category], ...], zone: tzinfo) -> Iterator[Layout]:
    for text, category in forms:
        yield Layout(parse_pattern(text, _WORDS), LocalTime(zone), CameraNaming(ALONE), category)


def _cameras(config: dict[str, Yaml]) -> dict[CameraName, dict[str, Yaml]]:
    return {
        CameraName(readable(name.encode("utf-8", "surrogateescape"))): section(own)
        for component in _COMPONENTS
        for name, own in section(config, component, "camera").items()
    }


def _seen(setup: Setup, name: CameraName, own: dict[str, Yaml], path: str) -> SeenDevice:
    """Return a camera. Viseron records the sound that a camera sends, unless `audio_codec` is null."""
    recorder = section(own, "recorder")
    silent = any("audio_codec" in part and part["audio_codec"] is None for part in (own, recorder))
    sound = "" if silent else f"recorder.audio_codec is not null, so the camera's sound is recorded; in {path}"
    return SeenDevice(setup.store, name, "Viseron's configuration", not silent, sound)


# --- how long it keeps recordings itself ----------------------------------------------------------------------------


def _kept(config: dict[str, Yaml], name: CameraName, own: dict[str, Yaml], path: str) -> Iterator[OwnRetention]:
    for category, key, parts in (
        (Category.VIDEO, "recorder", ("continuous", "events")),
        (Category.STILL, "snapshots", ()),
    ):
        tiers = _tiers(own, key) or _tiers(config, key)
        setting = f"storage.{key}.tiers" + ("" if tiers else ", the default")
        kept = _DEFAULT_AGE if not tiers else _longest(tiers[-1], parts)
        change = f"write max_age: {{days: {{days}}}}, and no min_size, in the last tier of storage.{key} in {path}"
        yield OwnRetention(name, category, kept, setting, change)


def _tiers(settings: dict[str, Yaml], key: str) -> list[dict[str, Yaml]]:
    found = section(settings, "storage", key).get("tiers")
    return [section(tier) for tier in found] if isinstance(found, list) else []


def _longest(tier: dict[str, Yaml], parts: tuple[str, ...]) -> timedelta | None:
    """Return how long the last tier keeps at most; None without end. A least size goes before any age."""
    limits = [section(tier, part) for part in parts if section(tier, part)] or [tier]
    ages = [_age(section(limit, "max_age")) for limit in limits if not _has_size(section(limit, "min_size"))]
    if len(ages) < len(limits) or None in ages:
        return None
    return max(age for age in ages if age is not None)


def _age(limit: dict[str, Yaml]) -> timedelta | None:
    amounts = {unit: number(limit.get(unit)) or 0.0 for unit in ("days", "hours", "minutes", "seconds")}
    days = sum(
        amounts[unit] / per for unit, per in (("days", 1), ("hours", 24), ("minutes", 1440), ("seconds", 86_400))
    )
    return min(timedelta(days=min(days, _LONGEST.days)), _LONGEST) if days > 0 else None


def _has_size(limit: dict[str, Yaml]) -> bool:
    return any(number(limit.get(unit)) for unit in ("mb", "gb"))
