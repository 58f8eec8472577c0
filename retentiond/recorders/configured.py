"""A recorder that is known by its own configuration, read again each time that its cameras are asked for.

The configuration belongs to somebody else: it may change, break or be closed to us at any time. While it cannot be
used, what was read last stays in force, and `trouble` says why (I9).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Protocol

from retentiond.domain.drift import OwnRetention
from retentiond.domain.errors import StorageError
from retentiond.domain.finding import Finding
from retentiond.domain.observed import Observed
from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import CameraName, Recording, Sighting, StoreName
from retentiond.ports import Entry, FilesRead
from retentiond.recorders.classifier import Classifier
from retentiond.recorders.layout import Layout
from retentiond.recorders.line_memory import FORGETFUL, LineMemory
from retentiond.recorders.plain import Plain


@dataclass(frozen=True, slots=True)
class Setup:
    """What our own configuration says of a store's recorder.

    Attributes:
        path: the store's.
        zone: in which the recorder names files in local time.
        config: the recorder's own configuration, if it is named.
        extra: layouts in the operator's own words; they come before the recorder's.
        memory: how the recorder named files before.
    """

    store: StoreName
    path: str
    zone: tzinfo
    config: str | None = None
    extra: tuple[Layout, ...] = ()
    memory: LineMemory = FORGETFUL


@dataclass(frozen=True, slots=True)
class Told:
    """What a recorder's own configuration and books tell. `problems` are parts of them that cannot be used."""

    classifier: Classifier
    devices: tuple[SeenDevice, ...] = ()
    retentions: tuple[OwnRetention, ...] = ()
    oddities: tuple[Finding, ...] = ()
    problems: tuple[str, ...] = ()
    observed: tuple[Observed, ...] = ()


class Source(Protocol):
    """One recorder's configuration and books."""

    def withheld(self, recordings: Sequence[Recording]) -> Mapping[Recording, str]:
        """As `Recorder.withheld`."""
        ...

    def read(self, former: Classifier | None) -> Told:
        """Read it. `former` is what was in force so far.

        Raises:
            StorageError: it cannot be used at all; what was read last stays in force.
        """
        ...


class ConfiguredRecorder(Plain):
    """`Recorder` by what a source tells. One thread asks for `devices`; any may classify."""

    def __init__(
        self, kind: str, source: Source, before: Classifier | None, collective: CameraName | None = None
    ) -> None:
        self._kind = kind
        self._source = source
        self._classifier = before
        self._collective = collective
        self._told: Told | None = None
        self._trouble: str | None = None if before is not None else "its configuration was not read yet"

    @property
    def kind(self) -> str:
        return self._kind

    @property
    def ready(self) -> bool:
        return self._classifier is not None

    @property
    def reading(self) -> object | None:
        return self._classifier

    @property
    def trouble(self) -> str | None:
        return self._trouble

    @property
    def collective(self) -> CameraName | None:
        return self._collective

    @property
    def retentions(self) -> Sequence[OwnRetention]:
        return () if self._told is None else self._told.retentions

    @property
    def observed(self) -> Sequence[Observed]:
        return () if self._told is None else self._told.observed

    @property
    def oddities(self) -> Sequence[Finding]:
        return () if self._told is None else self._told.oddities

    def classify(self, directory: bytes, entries: Sequence[Entry]) -> Sequence[Sighting]:
        return self._usable().classify(directory, entries)

    def read_files(self, directory: bytes, names: Sequence[bytes]) -> FilesRead:
        return self._usable().read_files(directory, names)

    def is_past(self, directory: bytes, now: datetime) -> bool:
        classifier = self._classifier
        return classifier is not None and classifier.is_past(directory, now)

    def devices(self) -> Sequence[SeenDevice]:
        try:
            told = self._source.read(self._classifier)
        except StorageError as error:
            self._trouble = str(error)
            raise
        self._told = told
        self._classifier = told.classifier
        self._trouble = "; ".join(told.problems) or None
        return told.devices

    def withheld(self, recordings: Sequence[Recording]) -> Mapping[Recording, str]:
        return self._source.withheld(recordings)

    def _usable(self) -> Classifier:
        if self._classifier is None:
            raise StorageError(self._trouble or "")
        return self._classifier
