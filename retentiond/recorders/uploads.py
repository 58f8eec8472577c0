"""What cameras upload by FTP or SMB by themselves, as their makers name it: ready-made layouts.

A recorder of several channels uploads all of them under one address, so the channel is a part of a camera's name here,
and so is the directory that a person gave it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo

from retentiond.domain.recording import CameraName, Category
from retentiond.recorders.categories import STILL, VIDEO
from retentiond.recorders.classifier import Classifier
from retentiond.recorders.configured import Setup
from retentiond.recorders.fixed import FixedRecorder
from retentiond.recorders.layout import CameraNaming, Layout
from retentiond.recorders.local_time import LocalTime
from retentiond.recorders.pattern import Camera, Chars, Extension, Item, parse_pattern

_WORDS: dict[str, Item] = {
    "dir": Camera(level=1),
    "dir2": Camera(level=2),
    "source": Camera(level=3),
    "serial": Camera(level=1),
    "channel": Camera(alphabet=b"0-9", level=2),
    "ms": Chars(b"0-9", 3, 3),
    "event": Chars(b"A-Za-z_", 1, 64),
    "until": Chars(b"0-9.", 8, 8),
    "flag": Chars(b"A-Za-z0-9", 1, 8),
    "range": Chars(b"0-9@", 1, 16),
    "medium": Extension((*VIDEO, *STILL)),
    "film": Extension((b"dav", *VIDEO)),
}
_HIKVISION = "{source}_%Y%m%d%H%M%S{ms}_{event}.{medium}"
_REOLINK = "%Y/%m/%d/{source}_%Y%m%d%H%M%S.{medium}"
_BRACKETS = "[{flag}][{range}][{number}]"
_DAHUA_FILM = f"%H/%H.%M.%S-{{until}}{_BRACKETS}"

Form = tuple[str, Category | None]

UPLOADS: Mapping[str, tuple[Form, ...]] = {
    "hikvision": tuple((f"{where}{_HIKVISION}", None) for where in ("", "{dir}/", "{dir}/{dir2}/")),
    "dahua": (
        (f"{{serial}}/%Y-%m-%d/{{channel}}/dav/{_DAHUA_FILM}.{{film}}", Category.VIDEO),
        (f"{{serial}}/%Y-%m-%d/{{channel}}/dav/{_DAHUA_FILM}.idx", Category.DERIVED),
        (f"{{serial}}/%Y-%m-%d/{{channel}}/jpg/%H/%M/%S{_BRACKETS}.jpg", Category.STILL),
        (f"{{serial}}/%Y-%m-%d/{{channel}}/jpg/%H/%H.%M.%S{_BRACKETS}.jpg", Category.STILL),
        (f"{{serial}}/%Y-%m-%d/pic_{{channel}}/%H.%M.%S{_BRACKETS}.jpg", Category.STILL),
        (f"{{serial}}/%Y-%m-%d/video_{{channel}}/%H.%M.%S-{{until}}{_BRACKETS}.{{film}}", Category.VIDEO),
    ),
    "reolink": tuple((f"{where}{_REOLINK}", None) for where in ("", "{dir}/", "{dir}/{dir2}/")),
}
"""For each maker the forms of its names and their category; by the extension where there is none."""


def build_upload(kind: str, setup: Setup) -> FixedRecorder:
    """Build the recorder of a maker in `UPLOADS`. `setup.extra` are layouts in the operator's own words."""
    return FixedRecorder(kind, upload_classifier(kind, setup.zone, setup.extra))


def upload_classifier(kind: str, zone: tzinfo, extra: Sequence[Layout] = ()) -> Classifier:
    """Return what the names of a maker's cameras mean."""
    return Classifier((*extra, *_layouts(UPLOADS[kind], zone)))


def _layouts(forms: Sequence[Form], zone: tzinfo) -> Iterator[Layout]:
    for text, category in forms:
        yield Layout(parse_pattern(text, _WORDS), LocalTime(zone), CameraNaming(CameraName("-")), category)
