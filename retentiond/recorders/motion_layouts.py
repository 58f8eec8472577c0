"""The names that Motion gives to files, turned into layouts: by its configuration, or its default names without one.

Movies are video, pictures and snapshots stills, timelapse films derived.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import TypeAlias

from retentiond.domain.errors import ConfigurationError, RetentiondError, StorageError
from retentiond.domain.names import readable
from retentiond.domain.recording import CameraName, Category
from retentiond.recorders.layout import CameraNaming, Layout
from retentiond.recorders.local_time import LocalTime
from retentiond.recorders.motion_conf import DEFAULTS, MotionCamera
from retentiond.recorders.motion_names import FileNames, parts_of
from retentiond.recorders.pattern import Camera, Extension, Number, Part, carries_time

Prefix: TypeAlias = tuple[bytes, ...]
"""The parts of a path between the store and what is below it."""

ALONE = CameraName("motion")
"""The camera of default names in the store itself."""

NEWEST = frozenset({b"lastsnap.jpg", b"lastsnap.webp", b"lastsnap.ppm"})
"""Links to the newest snapshot."""

_MOVIES = (b"mkv", b"mp4", b"avi", b"mov", b"mpg", b"flv", b"swf", b"webm", b"ogg")
_STILLS = (b"jpg", b"webp", b"ppm")
THUMB = b".thumb"
_MASKED = b"m"
"""Motion appends it to films and pictures of what it took for movement."""

_DEBIAN_MOVIES = "%t-%v-%Y%m%d%H%M%S"
_DEBIAN_PICTURES = "%Y%m%d%H%M%S-%q"


@dataclass(frozen=True, slots=True)
class MotionStore:
    """Where a Motion configuration meets a store.

    `real_path` takes symbolic links out of a path. `thumbs` tells that motionEye lays a small picture beside each film.
    """

    path: str
    zone: tzinfo
    config_path: str
    real_path: Callable[[str], str]
    thumbs: bool = False


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A camera that writes names into `prefix` that cannot be read back. They could look like another camera's."""

    prefix: Prefix
    camera: CameraName

    def could_be_taken_for(self, layout: Layout) -> bool:
        """Tell whether `layout` might read a name of this camera as another one's."""
        told = any(item == Camera() for part in layout.parts for item in part) or layout.naming.alone == self.camera
        return not told and _overlap(self.prefix, layout.prefix)


@dataclass(frozen=True, slots=True)
class MotionLayouts:
    """What a configuration gives: layouts, cameras whose names cannot be read, and what is wrong, for people."""

    layouts: tuple[Layout, ...]
    unreadable: tuple[Unreadable, ...]
    problems: tuple[str, ...]


def layouts_of(cameras: Sequence[MotionCamera], store: MotionStore) -> MotionLayouts:
    """Return the layouts of the cameras that write into the store. Without any, the problems say why."""
    found = _Found(store, cameras)
    for camera in cameras:
        found.add(camera)
    return found.result()


def default_layouts(zone: tzinfo) -> tuple[Layout, ...]:
    """Return the layouts of Motion's default names, in the store and in directories of its first level."""
    forms = (
        (DEFAULTS["movie_filename"], Category.VIDEO, _MOVIES, (b"", _MASKED)),
        (_DEBIAN_MOVIES, Category.VIDEO, _MOVIES, (b"", _MASKED)),
        (DEFAULTS["picture_filename"], Category.STILL, _STILLS, (b"", _MASKED)),
        (_DEBIAN_PICTURES, Category.STILL, _STILLS, (b"", _MASKED)),
        (DEFAULTS["snapshot_filename"], Category.STILL, _STILLS, (b"",)),
        (DEFAULTS["timelapse_filename"], Category.DERIVED, _MOVIES, (b"",)),
    )
    layouts: list[Layout] = []
    for pattern, category, extensions, suffixes in forms:
        for suffix in suffixes:
            (name,) = parts_of(FileNames(pattern, (), extensions, None, suffix))
            nameless = tuple(Number(padded=True) if item == Camera(digits=True) else item for item in name)
            numbered = nameless != name
            layouts.append(Layout((name,), LocalTime(zone), CameraNaming(ALONE, numbered=numbered), category))
            layouts.append(Layout(((Camera(),), nameless), LocalTime(zone), CameraNaming(ALONE), category))
    return tuple(layouts)


@dataclass(frozen=True, slots=True)
class _Files:
    """One kind of file that a camera writes, as `MotionCamera.writes` names it."""

    kind: str
    category: Category
    pattern: str
    extensions: tuple[bytes, ...]
    suffix: bytes = b""
    after: bytes = b""


def _files(camera: MotionCamera, *, thumbs: bool) -> Sequence[_Files]:
    """Return what the camera writes. Any container counts: it may have been another one last month."""
    piped = tuple(extension.encode() for extension in camera.piped)
    # `preview` asks for one picture beside each film, under the film's name.
    pictures = camera.movies if camera.pictures == "preview" else camera.pictures
    return (
        _Files("movies", Category.VIDEO, camera.movies, tuple(dict.fromkeys((*_MOVIES, *piped)))),
        _Files("movies", Category.VIDEO, camera.movies, _MOVIES, _MASKED),
        _Files("pictures", Category.STILL, pictures, _STILLS),
        _Files("pictures", Category.STILL, pictures, _STILLS, _MASKED),
        _Files("snapshots", Category.STILL, camera.snapshots, _STILLS),
        _Files("timelapses", Category.DERIVED, camera.timelapses, _MOVIES),
        *(
            _Files("thumbs", Category.STILL, camera.movies, _MOVIES, suffix, THUMB)
            for suffix in ((b"", _MASKED) if thumbs else ())
        ),
    )


class _Found:
    """What is found in a configuration, camera by camera."""

    def __init__(self, store: MotionStore, cameras: Sequence[MotionCamera]) -> None:
        self._store = store
        self._cameras = cameras
        self._layouts: dict[object, Layout] = {}
        self._writers: dict[object, MotionCamera] = {}
        self._unreadable: list[Unreadable] = []
        self._problems: list[str] = []

    def add(self, camera: MotionCamera) -> None:
        """Add the layouts of a camera, or what is wrong with it."""
        try:
            prefix = _prefix(camera, self._store)
        except (ConfigurationError, StorageError) as error:
            self._note(camera, error)
            return
        for files in () if prefix is None else _files(camera, thumbs=self._store.thumbs):
            try:
                self._add_files(camera, prefix or (), files)
            except ConfigurationError as error:
                self._note(camera, error)
                self._unreadable.append(Unreadable(prefix or (), name_of(camera)))

    def result(self) -> MotionLayouts:
        """Return all of it, without layouts that could mistake a name."""
        if not self._layouts and not self._problems:
            self._problems.append(
                f"{self._store.config_path}: no camera of Motion writes below {self._store.path!r}; "
                "correct the `path` of the store or its `recorder_config`"
            )
        clear = [
            layout
            for layout in self._layouts.values()
            if not any(camera.could_be_taken_for(layout) for camera in self._unreadable)
        ]
        return MotionLayouts(tuple(clear), tuple(self._unreadable), tuple(dict.fromkeys(self._problems)))

    def _add_files(self, camera: MotionCamera, prefix: Prefix, files: _Files) -> None:
        names = FileNames(
            files.pattern, prefix, files.extensions, _literal_name(camera, files.pattern), files.suffix, files.after
        )
        parts = parts_of(names)
        layout = Layout(parts, LocalTime(self._store.zone), _naming(parts, camera, self._cameras), files.category)
        self._layouts.setdefault((layout.form, layout.naming.alone), layout)
        if files.kind in camera.writes and not _tells_camera(layout):
            self._check_writer(camera, (_without_extension(parts), files.category))

    def _check_writer(self, camera: MotionCamera, names: object) -> None:
        """Note where two cameras write the same names. The layouts of both make such a name nobody's."""
        first = self._writers.setdefault(names, camera)
        if first.label != camera.label:
            self._problems.append(
                f"{self._store.config_path}: cameras {first.label!r} and {camera.label!r} both write the same names "
                "into one directory, so no name tells whose file it is; put %$ into the file name, or give each its "
                "own target_dir"
            )

    def _note(self, camera: MotionCamera, error: RetentiondError) -> None:
        self._problems.append(f"{self._store.config_path}: camera {camera.label!r}: {error}")


def _literal_name(camera: MotionCamera, pattern: str) -> bytes | None:
    """Return what to put for `%$` where it cannot stay open: nothing, or several parts of the path."""
    if "%$" in pattern and "%" in camera.name:
        raise ConfigurationError("its camera_name has a '%', which Motion reads as a time; rename the camera")
    if camera.name and "/" not in camera.name:
        return None
    return _bytes(camera.name)


def _prefix(camera: MotionCamera, store: MotionStore) -> Prefix | None:
    """Return the parts between the store and the camera's target_dir, None if that lies elsewhere.

    Raises:
        ConfigurationError: it depends on where Motion was started.
        StorageError: it is no path.
    """
    if not camera.target_dir.startswith("/"):
        raise ConfigurationError(
            f"its target_dir {camera.target_dir!r} depends on where Motion was started; write an absolute path"
        )
    target, root = store.real_path(camera.target_dir), store.real_path(store.path).rstrip("/")
    if target == root:
        return ()
    if not target.startswith(root + "/"):
        return None
    return tuple(_bytes(text) for text in target[len(root) + 1 :].split("/"))


def _overlap(one: Prefix, other: Prefix) -> bool:
    """Tell whether one directory is the other, or lies in it."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _naming(parts: tuple[Part, ...], camera: MotionCamera, cameras: Sequence[MotionCamera]) -> CameraNaming:
    items = {item for part in parts for item in part}
    if Camera() in items:
        return CameraNaming(ALONE, {_bytes(other.name): name_of(other) for other in cameras if other.name})
    if Camera(digits=True) in items:
        known = {b"%d" % other.ident: name_of(other) for other in cameras if other.ident is not None}
        if len(cameras) == 1 and camera.ident in {0, 1}:
            known |= {b"0": name_of(camera), b"1": name_of(camera)}  # Motion 4 counts from 0 here, Motion 5 from 1
        return CameraNaming(ALONE, known, numbered=True)
    return CameraNaming(name_of(camera))


def _tells_camera(layout: Layout) -> bool:
    """Tell whether names say whose they are, or are of one file that all overwrite, such as `lastsnap`: nobody's."""
    return any(isinstance(item, Camera) for part in layout.parts for item in part) or not carries_time(layout.parts)


def _without_extension(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    return tuple(tuple(item for item in part if not isinstance(item, Extension)) for part in parts)


def name_of(camera: MotionCamera) -> CameraName:
    """Return the camera's name as people read it."""
    return CameraName(readable(_bytes(camera.label)))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
