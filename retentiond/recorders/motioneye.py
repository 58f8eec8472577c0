"""The recorder `motioneye`: Motion, set up by motionEye, which lays a small picture beside each film.

motionEye writes a file of Motion's for each camera. The main one names only those that are switched on; footage of
the others is there all the same. It has no books of recordings, and what is gone from the disk is gone for it too.
"""

import os
import re
from collections.abc import Sequence
from contextlib import suppress

from retentiond.domain.errors import StorageError
from retentiond.domain.recording import CameraName, Category
from retentiond.recorders import config_files
from retentiond.recorders.categories import STILL, VIDEO
from retentiond.recorders.classifier import Classifier, KeptNames
from retentiond.recorders.configured import Setup
from retentiond.recorders.fixed import FixedRecorder
from retentiond.recorders.layout import CameraNaming, Layout
from retentiond.recorders.local_time import LocalTime
from retentiond.recorders.motion import Dialect, Motion
from retentiond.recorders.motion_keeps import preserved_by
from retentiond.recorders.motion_layouts import NEWEST, THUMB, MotionStore
from retentiond.recorders.motion_memory import MotionMemory
from retentiond.recorders.pattern import Chars, Extension, Item, parse_pattern

COLLECTIVE = CameraName("motioneye")
"""The camera of what motionEye puts together of several recordings."""

_CAMERA_FILE = re.compile(r"camera-[0-9]{1,9}\.conf")
_WORDS: dict[str, Item] = {
    "film": Extension(VIDEO),
    "picture": Extension(STILL),
    "format": Chars(b"A-Za-z0-9_", 1, 10),
    "text": Chars(rb"^/\x00", 1, 200),
}
_DEFAULTS = (
    ("{camera}/%Y-%m-%d/%H-%M-%S.{film}", Category.VIDEO),
    (f"{{camera}}/%Y-%m-%d/%H-%M-%S.{{film}}{THUMB.decode()}", Category.STILL),
    ("{camera}/%Y-%m-%d/%H-%M-%S.{picture}", Category.STILL),
    ("{camera}/%Y-%m-%d/%H-%M-%S-{number}.{picture}", Category.STILL),
)
"""What motionEye proposes, for a store without a configuration."""

_PUT_TOGETHER = (".zip-%s", ".%s.{format}")
_KEPT = ((".keep", "{text}/.keep", "{text}/{text}/.keep"), "a mark of motionEye, which keeps the directory")


def build_motioneye(setup: Setup, memory: MotionMemory) -> Motion | FixedRecorder:
    """Build the recorder. A configuration that cannot be used is its `trouble` and no error."""
    time = LocalTime(setup.zone)
    names, why = _KEPT
    before = Classifier(
        layouts=(),
        newest=NEWEST,
        last=tuple(Layout(parse_pattern(text, _WORDS), time, _naming(), Category.DERIVED) for text in _PUT_TOGETHER),
        kept=tuple(KeptNames(parse_pattern(text, _WORDS), why) for text in names),
    )
    if setup.config is None:
        layouts = tuple(Layout(parse_pattern(text, _WORDS), time, _naming(), kind) for text, kind in _DEFAULTS)
        whole = before.followed_by(setup.extra or layouts, frozenset(), lambda _: False)
        return FixedRecorder("motioneye", whole, COLLECTIVE)
    where = MotionStore(setup.path, setup.zone, setup.config, config_files.real_path, thumbs=True)
    dialect = Dialect("motioneye", before, COLLECTIVE, _camera_files, preserved_by)
    recorder = Motion(setup.store, where, setup.extra, memory, dialect=dialect)
    with suppress(StorageError):  # what cannot be remembered is a trouble each time that the configuration is read
        recorder.recall()
    with suppress(StorageError):
        recorder.read()
    return recorder


def _camera_files(config: str) -> Sequence[str]:
    """Return the files of all cameras beside the main one. Raises StorageError."""
    files = config_files.list_conf(os.path.dirname(config) or ".")
    return [os.path.normpath(path) for path in files if _CAMERA_FILE.fullmatch(os.path.basename(path))]


def _naming() -> CameraNaming:
    return CameraNaming(COLLECTIVE)
