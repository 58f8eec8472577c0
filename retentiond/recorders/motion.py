"""The recorder `motion` (Motion 4 and 5): recognises files by the names that its own configuration gives them.

Movies are video, pictures and snapshots stills, timelapse films derived. Files named under an earlier configuration
need a layout of their own. Without a configuration Motion's default names count, of the upstream project and of
Debian; cameras are then the directories of the first level, or `motion` for files in the store itself.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from retentiond.domain.errors import ConfigurationError, StorageError
from retentiond.domain.names import readable
from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import CameraName, Category, Sighting, StoreName
from retentiond.ports import Entry
from retentiond.recorders import config_files
from retentiond.recorders.classifier import Classifier
from retentiond.recorders.layout import CameraNaming, Layout
from retentiond.recorders.local_time import LocalTime
from retentiond.recorders.motion_conf import DEFAULTS, MotionCamera, parse_cameras
from retentiond.recorders.motion_names import FileNames, parts_of
from retentiond.recorders.pattern import Camera, Number, Part, carries_time

SOURCE = "motion.conf"
ALONE = CameraName("motion")
"""The camera of default names in the store itself."""

_MOVIES = (b"mkv", b"mp4", b"avi", b"mov", b"mpg", b"flv", b"swf", b"webm", b"ogg")
_STILLS = (b"jpg", b"webp", b"ppm")
_NEWEST = frozenset(b"lastsnap." + extension for extension in _STILLS)
_MASKED = b"m"
"""Motion appends it to films and pictures of what it took for movement."""

_DEBIAN_MOVIES = "%t-%v-%Y%m%d%H%M%S"
_DEBIAN_PICTURES = "%Y%m%d%H%M%S-%q"


@dataclass(frozen=True, slots=True)
class Motion:
    """Recognises by layouts from a configuration that was read once; `devices` reads it anew each time."""

    store: StoreName
    classifier: Classifier
    config_path: str | None

    @property
    def kind(self) -> str:
        return "motion"

    def classify(self, directory: bytes, entries: Sequence[Entry]) -> Sequence[Sighting]:
        return self.classifier.classify(directory, entries)

    def made_directory(self, directory: bytes) -> bool:
        return self.classifier.made_directory(directory)

    def devices(self) -> Sequence[SeenDevice]:
        if self.config_path is None:
            return ()
        try:
            cameras = parse_cameras(self.config_path, config_files.read_text, config_files.list_conf)
        except ConfigurationError as error:
            raise StorageError(str(error)) from error
        sound: dict[CameraName, bool] = {}
        for camera in cameras:
            name = _name_of(camera)
            sound[name] = sound.get(name, False) or camera.passthrough
        return [SeenDevice(self.store, name, SOURCE, audio) for name, audio in sound.items()]


@dataclass(frozen=True, slots=True)
class MotionStore:
    """Where a Motion configuration meets a store: `path` has no symbolic links, `real_path` removes them."""

    path: str
    zone: tzinfo
    config_path: str
    real_path: Callable[[str], str]


def layouts_of(cameras: Sequence[MotionCamera], store: MotionStore) -> tuple[Layout, ...]:
    """Return the layouts of the cameras that write into the store.

    Raises:
        ConfigurationError: no camera writes there, or the names of two cannot be told apart.
    """
    layouts: dict[object, Layout] = {}
    writers: dict[object, MotionCamera] = {}
    for camera in cameras:
        prefix = _prefix(camera, store)
        if prefix is None:
            continue
        for kind, category, names in _file_names(camera, prefix, store):
            parts = parts_of(names)
            naming = _naming(parts, camera, cameras)
            key = (parts, category, naming.alone)
            layouts.setdefault(key, Layout(parts, LocalTime(store.zone), naming, category))
            if kind in camera.writes:
                _refuse_a_shared_name(writers.setdefault((parts, category), camera), camera, parts, names, store)
    if not layouts:
        raise ConfigurationError(
            f"{store.config_path}: no camera of Motion writes below {store.path!r}; "
            "correct the `path` of the store or its `recorder_config`"
        )
    return tuple(layouts.values())


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


def build_motion(
    store: StoreName, path: str, zone: tzinfo, config_path: str | None, extra: Sequence[Layout] = ()
) -> Motion:
    """Build the recorder; reads the configuration. `extra` layouts come first, as the operator's own words.

    Raises:
        StorageError: the configuration cannot be read.
        ConfigurationError: it cannot be used for this store.
    """
    if config_path is None:
        return Motion(store, Classifier(tuple(extra) or default_layouts(zone), newest=_NEWEST), None)
    cameras = parse_cameras(config_path, config_files.read_text, config_files.list_conf)
    where = MotionStore(config_files.real_path(path), zone, config_path, config_files.real_path)
    known = frozenset(_name_of(camera) for camera in cameras)
    return Motion(store, Classifier((*extra, *layouts_of(cameras, where)), known, _NEWEST), config_path)


def _file_names(
    camera: MotionCamera, prefix: tuple[bytes, ...], store: MotionStore
) -> Iterator[tuple[str, Category, FileNames]]:
    """Yield what the camera's files are called. Any container counts: it may have been another one last month."""

    def names(pattern: str, extensions: tuple[bytes, ...], suffix: bytes = b"") -> FileNames:
        return FileNames(pattern, prefix, extensions, _literal_name(camera, pattern, store), suffix)

    yield "movies", Category.VIDEO, names(camera.movies, _MOVIES)
    yield "movies", Category.VIDEO, names(camera.movies, _MOVIES, _MASKED)
    # `preview` asks for one picture beside each film, under the film's name.
    pictures = camera.movies if camera.pictures == "preview" else camera.pictures
    yield "pictures", Category.STILL, names(pictures, _STILLS)
    yield "pictures", Category.STILL, names(pictures, _STILLS, _MASKED)
    yield "snapshots", Category.STILL, names(camera.snapshots, _STILLS)
    yield "timelapses", Category.DERIVED, names(camera.timelapses, _MOVIES)


def _literal_name(camera: MotionCamera, pattern: str, store: MotionStore) -> bytes | None:
    """Return what to put for `%$` where it cannot stay open: nothing, or several parts of the path."""
    if "%$" in pattern and "%" in camera.name:
        raise ConfigurationError(
            f"{store.config_path}: camera_name {camera.name!r} has a '%', which Motion reads as a time; "
            "rename the camera"
        )
    if camera.name and "/" not in camera.name:
        return None
    return camera.name.encode("utf-8", "surrogateescape")


def _prefix(camera: MotionCamera, store: MotionStore) -> tuple[bytes, ...] | None:
    """Return the parts between the store and the camera's target_dir, None if that lies elsewhere."""
    if not camera.target_dir.startswith("/"):
        raise ConfigurationError(
            f"{store.config_path}: camera {camera.label!r} has target_dir {camera.target_dir!r}, which depends on "
            "where Motion was started; write an absolute path"
        )
    target = store.real_path(camera.target_dir)
    if target == store.path:
        return ()
    if not target.startswith(store.path.rstrip("/") + "/"):
        return None
    below = target[len(store.path.rstrip("/")) + 1 :]
    return tuple(text.encode("utf-8", "surrogateescape") for text in below.split("/"))


def _naming(parts: tuple[Part, ...], camera: MotionCamera, cameras: Sequence[MotionCamera]) -> CameraNaming:
    items = {item for part in parts for item in part}
    if Camera() in items:
        return CameraNaming(ALONE, {_bytes(other.name): _name_of(other) for other in cameras if other.name})
    if Camera(digits=True) in items:
        known = {b"%d" % other.ident: _name_of(other) for other in cameras}
        if len(cameras) == 1 and not camera.ident_given:
            known |= {b"0": _name_of(camera), b"1": _name_of(camera)}  # Motion 4 counts from 0 here, Motion 5 from 1
        return CameraNaming(ALONE, known, numbered=True)
    return CameraNaming(_name_of(camera))


def _refuse_a_shared_name(
    first: MotionCamera, camera: MotionCamera, parts: tuple[Part, ...], names: FileNames, store: MotionStore
) -> None:
    tells = any(isinstance(item, Camera) for part in parts for item in part)
    overwritten = not carries_time(parts)  # `lastsnap`, one file for all: nobody's, but no reason to stop
    if not tells and not overwritten and first.label != camera.label:
        raise ConfigurationError(
            f"{store.config_path}: cameras {first.label!r} and {camera.label!r} both write {names.pattern!r} into one "
            "directory, so no name tells whose file it is; put %$ into the file name, or give each its own target_dir"
        )


def _name_of(camera: MotionCamera) -> CameraName:
    return CameraName(readable(_bytes(camera.label)))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
