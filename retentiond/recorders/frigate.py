"""The recorder `frigate`: its names, its own configuration, and its database for a second opinion.

Names alone tell camera, category and start, so that nothing of Frigate has to be reachable for a deletion. Frigate
takes files that are gone for what it deleted itself; until then its history shows gaps.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from retentiond.domain.errors import StorageError
from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import Recording, StoreName
from retentiond.ports import LOCKED
from retentiond.recorders.classifier import Classifier
from retentiond.recorders.configured import ConfiguredRecorder, Setup, Told
from retentiond.recorders.frigate_config import frigate_cameras, kept_by, seen_camera
from retentiond.recorders.frigate_db import (
    FrigateBooks,
    book_findings,
    event_of,
    find_database,
    read_books,
    retained_among,
)
from retentiond.recorders.frigate_layouts import COLLECTIVE, PARTS, frigate_classifier
from retentiond.recorders.yaml_config import Yaml, YamlFile, section

BOOKS_EVERY_S = 900.0
"""The database is looked into so often; whether one event is to be kept is asked right before its pictures go."""


class FrigateSource:
    """`Source` by `config.yml`, where there is one, and the database beside it or in the store."""

    def __init__(
        self,
        store: StoreName,
        path: str,
        config: str | None,
        in_force: Classifier,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._path = path
        self._config = None if config is None else YamlFile(config)
        self._in_force = in_force
        self._monotonic = monotonic
        self._database: str | None = None
        self._books = FrigateBooks()
        self._look_again_at = 0.0
        self._unread: tuple[str, ...] = ()

    def read(self, former: Classifier | None) -> Told:  # noqa: ARG002  its names do not change
        config = {} if self._config is None else self._config.read()
        cameras = frigate_cameras(config)
        self._look_into_books(config)
        path = "" if self._config is None else self._config.path
        devices = {camera.name: seen_camera(self._store, camera, path) for camera in cameras}
        for name in self._books.cameras:
            devices.setdefault(name, SeenDevice(self._store, name, "Frigate's database"))
        return Told(
            classifier=self._in_force,
            devices=tuple(devices.values()),
            retentions=tuple(kept for camera in cameras for kept in kept_by(camera, path)),
            oddities=tuple(book_findings(self._store, self._books)),
            problems=self._unread,
        )

    def withheld(self, recordings: Sequence[Recording]) -> Mapping[Recording, str]:
        events = {recording: event for recording in recordings if (event := event_of(recording)) is not None}
        if not events:
            return {}
        kept = self._books.retained
        with suppress(StorageError):  # the configuration may be broken, and what was read last stands then
            database = self._database or self._find_database({} if self._config is None else self._config.read())
            if database is not None:
                kept = retained_among(database, tuple(events.values()))
        return {recording: LOCKED for recording, event in events.items() if event in kept}

    def _look_into_books(self, config: dict[str, Yaml]) -> None:
        if self._monotonic() < self._look_again_at:
            return
        self._look_again_at = self._monotonic() + BOOKS_EVERY_S
        self._database = self._find_database(config)
        self._unread = ()
        if self._database is None:
            return
        try:
            self._books = read_books(self._database)
        except StorageError as error:
            self._unread = (str(error),)

    def _find_database(self, config: dict[str, Yaml]) -> str | None:
        named = section(config, "database").get("path")
        beside = os.path.join(self._path, "-") if self._config is None else self._config.path
        return find_database(named if isinstance(named, str) else "", beside, self._path)


def build_frigate(setup: Setup) -> ConfiguredRecorder:
    """Build the recorder. Reads nothing yet."""
    part = os.path.basename(setup.path.rstrip("/"))
    classifier = frigate_classifier(setup.zone, part if part in PARTS else None, setup.extra)
    source = FrigateSource(setup.store, setup.path, setup.config, classifier)
    return ConfiguredRecorder("frigate", source, classifier, COLLECTIVE)
