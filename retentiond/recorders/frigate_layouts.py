"""Every name that Frigate writes below its media directory, of versions 0.8 to 0.18.

Recordings are named in UTC since 0.12, in local time before; exports in local time. What carries the id of an event or
of a review item begins with its time in seconds since 1970. Files that say neither camera nor time (a face crop, a
renamed export) belong to no camera and count from when they were written.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, tzinfo
from typing import TypeVar

from retentiond.domain.recording import CameraName, Category
from retentiond.recorders.classifier import Classifier, KeptNames
from retentiond.recorders.layout import CameraNaming, Layout
from retentiond.recorders.local_time import LocalTime
from retentiond.recorders.pattern import Camera, Chars, Choice, Extension, Item, Part, parse_pattern

What = TypeVar("What")

COLLECTIVE = CameraName("frigate")
"""The camera of files that are of no camera."""

PARTS = ("recordings", "clips", "exports")
"""The directories below the media directory; one of them may be a store of its own."""

_WORDS: dict[str, Item] = {
    "camera": Camera(alphabet=rb"A-Za-z0-9_\-"),
    "digits": Chars(b"0-9", 1, 11),
    "fraction": Chars(b"0-9", 1, 9),
    "rand": Chars(b"a-z0-9", 6, 6),
    "id": Chars(b"A-Za-z0-9", 1, 32),
    "date": Chars(b"0-9", 8, 8),
    "time": Chars(b"0-9", 6, 6),
    "clean": Choice((b"-clean", b"")),
    "at": Choice((b"@", b"_")),
    "progress": Choice((b"in_progress.", b"")),
    "request": Choice((b"prompt", b"response")),
    "still": Extension((b"webp", b"jpg", b"png", b"jpeg")),
    "model": Chars(rb"A-Za-z0-9_. \-", 1, 100),
    "text": Chars(rb"^/\x00", 1, 200),
    "database": Choice((b"frigate.db", b"frigate.db-wal", b"frigate.db-shm")),
}
_EVENT = "%s.{fraction}-{rand}"

_UTC = (("recordings/%Y-%m-%d/%H/{camera}/%M.%S.mp4", Category.VIDEO),)
_LOCAL = (
    ("recordings/%Y-%m/%d/%H/{camera}/%M.%S.mp4", Category.VIDEO),  # before 0.12
    ("recordings/{camera}-%Y%m%d%H%M%S.mp4", Category.VIDEO),  # before 0.9, on its way there
    (f"clips/{{camera}}-{_EVENT}.mp4", Category.VIDEO),  # before 0.9
    (f"clips/{{camera}}-{_EVENT}{{clean}}.{{still}}", Category.STILL),
    (f"clips/thumbs/{{camera}}/{_EVENT}.{{still}}", Category.STILL),
    (f"clips/review/thumb-{{camera}}-{_EVENT}.{{still}}", Category.STILL),
    ("clips/previews/{camera}/%s.{fraction}-{digits}.{fraction}.mp4", Category.DERIVED),
    ("clips/preview_restart_cache/preview_{camera}-%s.{fraction}.{still}", Category.DERIVED),
    ("clips/preview_restart_cache/preview_frames/preview_{camera}-%s.{fraction}.{still}", Category.DERIVED),
    ("clips/export/{camera}_{rand}.{still}", Category.STILL),
    (f"clips/triggers/{{camera}}/{_EVENT}.{{still}}", Category.DERIVED),
    (f"clips/lpr/{{camera}}/{_EVENT}/{{number}}_{{number}}.jpg", Category.DERIVED),
    (f"clips/genai-requests/{_EVENT}/{{number}}.{{still}}", Category.DERIVED),
    (f"clips/genai-requests/{_EVENT}/{{request}}.txt", Category.DERIVED),
    ("clips/genai-requests/%s-{digits}/{request}.txt", Category.DERIVED),
    ("clips/genai-requests/%s.{fraction}-{digits}.{fraction}/{request}.txt", Category.DERIVED),
    ("clips/{model}/train/{digits}.{fraction}-{rand}-%s.{fraction}-{text}.{still}", Category.DERIVED),
    ("clips/{model}/train/none-none-%s.{fraction}-{text}.{still}", Category.DERIVED),
    ("clips/{model}/dataset/{model}/{text}-%s.{fraction}-{rand}.{still}", Category.DERIVED),
    ("clips/replay/_replay_{camera}.mp4", Category.DERIVED),
    ("exports/{camera}_%Y%m%d_%H%M%S-{date}_{time}_{id}.mp4", Category.DERIVED),
    ("exports/{progress}{camera}{at}%Y_%m_%d_%H_%M__{text}.mp4", Category.DERIVED),  # 0.13
    # 0.13 named exports by a clock of twelve hours at first: only the day of these is sure.
    ("exports/{progress}{camera}{at}%Y_%m_%d_{number}:{number}__{text}.mp4", Category.DERIVED),
)
_LAST = (
    ("exports/{text}.mp4", Category.DERIVED),
    ("clips/export/{text}.{still}", Category.STILL),
    ("clips/cache/clip_{text}.mp4", Category.DERIVED),
    ("clips/faces/train/{text}.{still}", Category.DERIVED),
    ("clips/triggers/{model}/{text}.{still}", Category.DERIVED),
    ("clips/{model}/train/{text}.{still}", Category.DERIVED),
    ("clips/{model}/dataset/{model}/{text}.{still}", Category.DERIVED),
)
_KEPT = (
    ("clips/faces/{text}/{text}.{still}", "a face that somebody enrolled under a name, in Frigate"),
    ("clips/{model}/.training_metadata.json", "how a model was trained: no footage"),
    ("{database}", "Frigate's database"),
    ("custom.png", "the logo of the bird's eye view"),
)


def frigate_classifier(zone: tzinfo, part: str | None = None, extra: Sequence[Layout] = ()) -> Classifier:
    """Return what Frigate's names mean; `part` names the directory that is the store, None the media directory.

    `extra` are layouts in the operator's own words.
    """
    return Classifier(
        layouts=(*extra, *_layouts(_UTC, UTC, part), *_layouts(_LOCAL, zone, part)),
        last=tuple(_layouts(_LAST, zone, part)),
        kept=tuple(KeptNames(parts, why) for parts, why in _below(_KEPT, part)),
    )


def _layouts(forms: tuple[tuple[str, Category], ...], zone: tzinfo, part: str | None) -> Iterator[Layout]:
    for parts, category in _below(forms, part):
        yield Layout(parts, LocalTime(zone), CameraNaming(COLLECTIVE), category)


def _below(forms: tuple[tuple[str, What], ...], part: str | None) -> Iterator[tuple[tuple[Part, ...], What]]:
    for text, what in forms:
        if part is None:
            yield parse_pattern(text, _WORDS), what
        elif text.startswith(f"{part}/"):
            yield parse_pattern(text.removeprefix(f"{part}/"), _WORDS), what
