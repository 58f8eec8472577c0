"""The recorder `motion` (Motion 4 and 5): recognises files by the names that its own configuration gives them.

The configuration belongs to somebody else: it may change, break or be closed to us at any time. That is the store's
own trouble (I9). Without a configuration Motion's default names count, of the upstream project and of Debian; cameras
are then the directories of the first level, or `motion` for files in the store itself.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, tzinfo

from retentiond.domain.drift import OwnRetention
from retentiond.domain.errors import ConfigurationError, StorageError
from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import CameraName, Sighting, StoreName
from retentiond.ports import Entry, FilesRead
from retentiond.recorders import config_files
from retentiond.recorders.classifier import Classifier
from retentiond.recorders.fixed import FixedRecorder
from retentiond.recorders.layout import Layout
from retentiond.recorders.motion_conf import ParsedCamera, parse_motion
from retentiond.recorders.motion_keeps import cleandir_of
from retentiond.recorders.motion_layouts import NEWEST, MotionLayouts, MotionStore, default_layouts, layouts_of, name_of
from retentiond.recorders.motion_memory import Cameras, ForgetfulMemory, MotionMemory
from retentiond.recorders.plain import Plain

SOURCE = "motion.conf"
FORGETFUL = ForgetfulMemory()


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a relative of Motion differs from it.

    Attributes:
        before: what is recognised and kept besides what the configuration names.
        unlisted: returns files of cameras that the main file does not name.
        kept_by: returns how long it keeps the recordings of a camera itself.
    """

    kind: str
    before: Classifier
    collective: CameraName | None = None
    unlisted: Callable[[str], Sequence[str]] = lambda _: ()
    kept_by: Callable[[ParsedCamera], Iterable[OwnRetention]] = cleandir_of


class Motion(Plain):
    """Recognises by the layouts of a configuration that is read again each time `devices` is asked for.

    What was read is in force from then on. What was written under layouts that were in force before is still
    recognised, after a restart too: `memory` keeps them. While the configuration cannot be used, the layouts read last
    stay in force, and `trouble` says why; without any, nothing can be classified. One thread asks for `devices`; any
    may classify.
    """

    def __init__(
        self,
        store: StoreName,
        where: MotionStore,
        extra: Sequence[Layout] = (),
        memory: MotionMemory = FORGETFUL,
        *,
        dialect: "Dialect | None" = None,
    ) -> None:
        self._store = store
        self._where = where
        self._extra = tuple(extra)
        self._memory = memory
        self._dialect = dialect or Dialect("motion", Classifier((), newest=NEWEST))
        self._in_force: Classifier | None = None
        self._retentions: tuple[OwnRetention, ...] = ()
        self._trouble: str | None = f"{where.config_path}: not read yet"

    @property
    def kind(self) -> str:
        return self._dialect.kind

    @property
    def collective(self) -> CameraName | None:
        return self._dialect.collective

    @property
    def retentions(self) -> Sequence[OwnRetention]:
        return self._retentions

    @property
    def ready(self) -> bool:
        """Whether names can be classified: from when the configuration could be used for the first time."""
        return self._in_force is not None

    @property
    def reading(self) -> object | None:
        return self._in_force

    @property
    def trouble(self) -> str | None:
        """Why the configuration as read last is not in force, for people; None if it is."""
        return self._trouble

    def classify(self, directory: bytes, entries: Sequence[Entry]) -> Sequence[Sighting]:
        """Say of each entry, in order, what it is. Raises StorageError while there is no layout."""
        return self._usable().classify(directory, entries)

    def read_files(self, directory: bytes, names: Sequence[bytes]) -> FilesRead:
        """Say the same of regular files, of all at once. Raises StorageError while there is no layout."""
        return self._usable().read_files(directory, names)

    def _usable(self) -> Classifier:
        if self._in_force is None:
            raise StorageError(self._trouble or "")
        return self._in_force

    def is_past(self, directory: bytes, now: datetime) -> bool:
        return self._in_force is not None and self._in_force.is_past(directory, now)

    def devices(self) -> Sequence[SeenDevice]:
        sound: dict[CameraName, bool] = {}
        for camera in self.read():
            name = name_of(camera)
            sound[name] = sound.get(name, False) or camera.passthrough
        why = f"movie_passthrough on: films have the sound that the camera sends; in {self._where.config_path}"
        return [SeenDevice(self._store, name, SOURCE, audio, why if audio else "") for name, audio in sound.items()]

    def read(self) -> Cameras:
        """Read the configuration, put its layouts in force, and return its cameras.

        A camera whose names cannot be read back is a `trouble` of its own; what of the others could be taken for its
        names is not recognised meanwhile.

        Raises:
            StorageError: it cannot be read, or it is no configuration of Motion.
        """
        try:
            unlisted = self._dialect.unlisted(self._where.config_path)
            path = self._where.config_path
            parsed = parse_motion(path, config_files.read_text, config_files.list_conf, unlisted)
        except (ConfigurationError, StorageError) as error:
            self._trouble = str(error)
            raise StorageError(self._trouble) from error
        cameras = tuple(item.camera for item in parsed)
        self._retentions = tuple(kept for item in parsed for kept in self._dialect.kept_by(item))
        laid = layouts_of(cameras, self._where)
        if laid.layouts or (laid.unreadable and self.ready):
            self._put_in_force(laid, frozenset(name_of(camera) for camera in cameras))
        self._trouble = "; ".join((*laid.problems, *self._remember(cameras))) or None
        return cameras

    def recall(self) -> None:
        """Put in force what is remembered, so that it is former by the time that the configuration is read.

        Raises:
            StorageError: it cannot be read.
        """
        for cameras in self._memory.load():
            laid = layouts_of(cameras, self._where)
            if laid.layouts:
                self._put_in_force(laid, frozenset(name_of(camera) for camera in cameras))

    def _remember(self, cameras: Cameras) -> Sequence[str]:
        """Keep a configuration for the next start; return what is wrong with that."""
        try:
            self._memory.remember(cameras)
        except StorageError as error:
            return (str(error),)
        return ()

    def _put_in_force(self, laid: MotionLayouts, known: frozenset[CameraName]) -> None:
        former = self._in_force or self._dialect.before

        def forget(layout: Layout) -> bool:
            mistaken = any(camera.could_be_taken_for(layout) for camera in laid.unreadable)
            return mistaken and layout not in self._extra

        self._in_force = former.followed_by((*self._extra, *laid.layouts), known, forget)


def build_motion(
    store: StoreName,
    path: str,
    zone: tzinfo,
    config_path: str | None,
    extra: Sequence[Layout] = (),
    *,
    memory: MotionMemory = FORGETFUL,
) -> Motion | FixedRecorder:
    """Build the recorder; `extra` layouts come first, as the operator's own words.

    The configuration is read once. If it cannot be used, that is the recorder's `trouble` and no error.
    """
    if config_path is None:
        return FixedRecorder("motion", Classifier(tuple(extra) or default_layouts(zone), newest=NEWEST))
    recorder = Motion(store, MotionStore(path, zone, config_path, config_files.real_path), extra, memory)
    with suppress(StorageError):  # what cannot be remembered is a trouble each time that the configuration is read
        recorder.recall()
    with suppress(StorageError):
        recorder.read()
    return recorder
