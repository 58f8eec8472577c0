"""The recorder `shinobi`: a directory for each group, in it one for each monitor, and in these films by local time.

Shinobi looks at its start which of its films are gone, and drops their rows. Its database is not asked: what somebody
archived there is not known here.
"""

from collections.abc import Iterator, Sequence
from datetime import tzinfo

from retentiond.domain.recording import CameraName, Category
from retentiond.recorders.classifier import Classifier
from retentiond.recorders.configured import Setup
from retentiond.recorders.fixed import FixedRecorder
from retentiond.recorders.layout import CameraNaming, Layout
from retentiond.recorders.local_time import LocalTime
from retentiond.recorders.pattern import Camera, Extension, Item, parse_pattern

_WORDS: dict[str, Item] = {
    "group": Camera(alphabet=b"A-Za-z0-9", level=1),
    "monitor": Camera(alphabet=b"A-Za-z0-9", level=2),
    "film": Extension((b"mp4", b"webm")),
    "picture": Extension((b"jpg", b"jpeg", b"png")),
}
_START = "%Y-%m-%dT%H-%M-%S"
_FORMS = (
    (f"{{group}}/{{monitor}}/{_START}.{{film}}", Category.VIDEO),
    (f"{{group}}/{{monitor}}/{_START}.{{picture}}", Category.STILL),
    (f"{{group}}/{{monitor}}_timelapse/%Y-%m-%d/{_START}.{{picture}}", Category.DERIVED),
)


def build_shinobi(setup: Setup) -> FixedRecorder:
    """Build the recorder. `setup.extra` are layouts in the operator's own words."""
    return FixedRecorder("shinobi", shinobi_classifier(setup.zone, setup.extra))


def shinobi_classifier(zone: tzinfo, extra: Sequence[Layout] = ()) -> Classifier:
    """Return what Shinobi's names mean."""
    return Classifier((*extra, *_layouts(zone)))


def _layouts(zone: tzinfo) -> Iterator[Layout]:
    for text, category in _FORMS:
        yield Layout(parse_pattern(text, _WORDS), LocalTime(zone), CameraNaming(CameraName("-")), category)
