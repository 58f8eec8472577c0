"""The recorder `template`: anything that names its files by camera and time, described by layouts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from retentiond.domain.names import from_readable
from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import CameraName, Sighting, StoreName
from retentiond.ports import Entry
from retentiond.recorders.classifier import Classifier
from retentiond.recorders.layout import CameraNaming, Layout
from retentiond.recorders.local_time import LocalTime
from retentiond.recorders.pattern import parse_pattern


@dataclass(frozen=True, slots=True)
class Template:
    """Recognises by layouts only; it has no configuration that could name cameras."""

    classifier: Classifier

    @property
    def kind(self) -> str:
        return "template"

    @property
    def ready(self) -> bool:
        return True

    @property
    def trouble(self) -> str | None:
        return None

    def classify(self, directory: bytes, entries: Sequence[Entry]) -> Sequence[Sighting]:
        return self.classifier.classify(directory, entries)

    def is_past(self, directory: bytes, now: datetime) -> bool:
        return self.classifier.is_past(directory, now)

    def devices(self) -> Sequence[SeenDevice]:
        return ()


def build_template(
    store: StoreName, zone: tzinfo, patterns: Iterable[str], cameras: Iterable[CameraName] = ()
) -> Template:
    """Build the recorder. Recordings of a layout without `{camera}` belong to a camera named like the store.

    `cameras` decide where a name can be read in several ways; others are recognised as well.

    Raises:
        ValueError: a layout cannot be used; the text tells the remedy.
    """
    known = frozenset(cameras)
    return Template(Classifier(template_layouts(store, zone, patterns, known), known))


def template_layouts(
    store: StoreName, zone: tzinfo, patterns: Iterable[str], cameras: Iterable[CameraName] = ()
) -> tuple[Layout, ...]:
    """Return the layouts that `patterns` describe. Raises ValueError as `build_template` does."""
    naming = CameraNaming(CameraName(str(store)), {from_readable(camera): camera for camera in cameras})
    return tuple(Layout(parse_pattern(text), LocalTime(zone), naming) for text in patterns)
