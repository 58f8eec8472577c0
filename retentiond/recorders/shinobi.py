"""The recorder `shinobi`: a directory for each group, in it one for each monitor, and in these films by local time.

Names alone tell camera, category and start. Its database says besides what somebody archived there; while it is down,
what it said last counts. Shinobi looks at its start which of its films are gone, and drops their rows.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import tzinfo
from typing import TypeVar

from retentiond.domain.errors import StorageError
from retentiond.domain.recording import CameraName, Category, Recording
from retentiond.ports import LOCKED
from retentiond.recorders import config_files
from retentiond.recorders.classifier import Classifier
from retentiond.recorders.configured import ConfiguredRecorder, Setup, Told
from retentiond.recorders.layout import CameraNaming, Layout
from retentiond.recorders.local_time import LocalTime
from retentiond.recorders.pattern import Camera, Extension, Item, parse_pattern
from retentiond.recorders.shinobi_books import kept_by, oddities_of, seen_monitor
from retentiond.recorders.shinobi_conf import ShinobiConf, parse_conf
from retentiond.recorders.shinobi_db import ShinobiBooks, archived_among, read_books
from retentiond.recorders.zoneminder_notes import Notes, NotesFile

BOOKS_EVERY_S = 900.0
"""The database is looked into so often; whether films are archived is asked right before they go."""

TRY_AGAIN_S = 30.0

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


_FILM = re.compile(rb"[^/]+/[^/]+/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}-[0-9]{2}-[0-9]{2}(?=\.[a-z0-9]+$)")


_Answer = TypeVar("_Answer")


class ShinobiSource:
    """`Source` by `conf.json` and the database that it names, where it is named; the names do not depend on it."""

    def __init__(
        self,
        setup: Setup,
        classifier: Classifier,
        notes: NotesFile,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._setup = setup
        self._classifier = classifier
        self._notes = notes
        self._monotonic = monotonic
        self._books: ShinobiBooks | None = None
        self._look_again_at = 0.0
        self._refused: StorageError | None = None
        self._try_again_at = 0.0

    def read(self, former: Classifier | None) -> Told:  # noqa: ARG002  its names do not change
        if self._setup.config is None:
            return Told(self._classifier)
        conf = self._conf(self._setup.config)
        if self._books is None or self._monotonic() >= self._look_again_at:
            self._books = self._asked(lambda: read_books(conf.database, self._setup.zone))
            self._look_again_at = self._monotonic() + BOOKS_EVERY_S
            self._notes.keep(Notes(locked=self._books.archived))
        books = self._books
        return Told(
            classifier=self._classifier,
            devices=tuple(seen_monitor(self._setup.store, monitor) for monitor in books.monitors),
            retentions=tuple(kept_by(monitor, conf, books) for monitor in books.monitors),
            oddities=tuple(oddities_of(self._setup, conf, books)),
        )

    def withheld(self, recordings: Sequence[Recording]) -> Mapping[Recording, str]:
        if self._setup.config is None:
            return {}
        films = {item: match[0] for item in recordings if (match := _FILM.match(item.place.path)) is not None}
        try:
            database = self._conf(self._setup.config).database
            archived = self._asked(lambda: archived_among(database, films.values(), self._setup.zone))
        except StorageError:
            archived = self._known()
        return {item: LOCKED for item, film in films.items() if film in archived}

    def _conf(self, path: str) -> ShinobiConf:
        return parse_conf(path, config_files.read_text(path))

    def _asked(self, ask: Callable[[], _Answer]) -> _Answer:
        """Ask the database, unless it did not answer a moment ago."""
        if self._refused is not None and self._monotonic() < self._try_again_at:
            raise self._refused
        self._refused = None
        try:
            return ask()
        except StorageError as error:
            self._refused, self._try_again_at = error, self._monotonic() + TRY_AGAIN_S
            raise

    def _known(self) -> frozenset[bytes]:
        """Return what was archived when the database was read last, also before a restart."""
        if self._books is not None:
            return self._books.archived
        with suppress(StorageError):
            return self._notes.load().locked
        return frozenset()


def build_shinobi(setup: Setup, notes: NotesFile) -> ConfiguredRecorder:
    """Build the recorder. Reads nothing yet. `setup.extra` are layouts in the operator's own words."""
    classifier = shinobi_classifier(setup.zone, setup.extra)
    return ConfiguredRecorder("shinobi", ShinobiSource(setup, classifier, notes), classifier)


def shinobi_classifier(zone: tzinfo, extra: Sequence[Layout] = ()) -> Classifier:
    """Return what Shinobi's names mean."""
    return Classifier((*extra, *_layouts(zone)))


def _layouts(zone: tzinfo) -> Iterator[Layout]:
    for text, category in _FORMS:
        yield Layout(parse_pattern(text, _WORDS), LocalTime(zone), CameraNaming(CameraName("-")), category)
