"""A recorder whose layouts never change while the daemon runs: the operator's own words, or a recorder's defaults."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import CameraName, Sighting
from retentiond.ports import Entry, FilesRead
from retentiond.recorders.classifier import Classifier
from retentiond.recorders.plain import Plain


@dataclass(frozen=True, slots=True)
class FixedRecorder(Plain):
    """`Recorder` by layouts only; it has no configuration that could name cameras."""

    kind: str
    classifier: Classifier
    collective: CameraName | None = None

    @property
    def ready(self) -> bool:
        return True

    @property
    def reading(self) -> object | None:
        return self.classifier

    @property
    def trouble(self) -> str | None:
        return None

    def classify(self, directory: bytes, entries: Sequence[Entry]) -> Sequence[Sighting]:
        return self.classifier.classify(directory, entries)

    def read_files(self, directory: bytes, names: Sequence[bytes]) -> FilesRead:
        return self.classifier.read_files(directory, names)

    def is_past(self, directory: bytes, now: datetime) -> bool:
        return self.classifier.is_past(directory, now)

    def devices(self) -> Sequence[SeenDevice]:
        return ()
