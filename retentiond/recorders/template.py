"""The recorder `template`: anything that names its files by camera and time, described by layouts."""

from collections.abc import Iterable
from datetime import tzinfo

from retentiond.domain.names import from_readable
from retentiond.domain.recording import CameraName, StoreName
from retentiond.recorders.classifier import Classifier
from retentiond.recorders.fixed import FixedRecorder
from retentiond.recorders.layout import CameraNaming, Layout
from retentiond.recorders.local_time import LocalTime
from retentiond.recorders.pattern import parse_pattern


def build_template(
    store: StoreName, zone: tzinfo, patterns: Iterable[str], cameras: Iterable[CameraName] = ()
) -> FixedRecorder:
    """Build the recorder. Recordings of a layout without `{camera}` belong to a camera named like the store.

    `cameras` decide where a name can be read in several ways; others are recognised as well.

    Raises:
        ValueError: a layout cannot be used; the text tells the remedy.
    """
    known = frozenset(cameras)
    return FixedRecorder("template", Classifier(template_layouts(store, zone, patterns, known), known))


def template_layouts(
    store: StoreName, zone: tzinfo, patterns: Iterable[str], cameras: Iterable[CameraName] = ()
) -> tuple[Layout, ...]:
    """Return the layouts that `patterns` describe. Raises ValueError as `build_template` does."""
    naming = CameraNaming(CameraName(str(store)), {from_readable(camera): camera for camera in cameras})
    return tuple(Layout(parse_pattern(text), LocalTime(zone), naming) for text in patterns)
