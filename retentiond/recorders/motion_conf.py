"""Motion's own configuration: which cameras it has and how it names their files (Motion 4 and 5).

Parsing is pure: reading files and listing directories are arguments. Values are text in which bytes that are no
UTF-8 survive (`surrogateescape`), because names of files are made of them.
"""

import posixpath
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from retentiond.domain.errors import ConfigurationError

ReadText = Callable[[str], str]
"""Returns the text of a file. Raises StorageError."""

ListConf = Callable[[str], Sequence[str]]
"""Returns the paths of the `*.conf` files in a directory, sorted. Raises StorageError."""

DEFAULTS = MappingProxyType(
    {
        "camera_name": "",
        "camera_id": "",
        "target_dir": "",
        "movie_output": "on",
        "movie_passthrough": "off",
        "movie_filename": "%v-%Y%m%d%H%M%S",
        "picture_output": "off",
        "picture_filename": "%v-%Y%m%d%H%M%S-%q",
        "snapshot_interval": "0",
        "snapshot_filename": "%v-%Y%m%d%H%M%S-snapshot",
        "timelapse_interval": "0",
        "timelapse_filename": "%Y%m%d-timelapse",
    }
)
"""What Motion 4.5 and 5.0 use where the configuration is silent."""

_FORMER_NAMES = {
    "device_name": "camera_name",
    "device_id": "camera_id",
    "ffmpeg_filename": "movie_filename",
    "ffmpeg_output_movies": "movie_output",
    "jpeg_filename": "picture_filename",
    "output_pictures": "picture_output",
    "ffmpeg_timelapse": "timelapse_interval",
}
_CAMERA_FILE = frozenset({"camera", "thread"})
_CAMERA_DIRECTORY = frozenset({"camera_dir", "config_dir"})
_OFF = frozenset({"", "off", "no", "0", "false"})
_ON = frozenset({"on", "yes", "1", "true"})


@dataclass(frozen=True, slots=True)
class MotionCamera:
    """One camera. `name` is what `%$` gives and may be empty; `ident` is what `%t` gives.

    `ident_given` tells whether the number stands in the configuration or is Motion's own counting.
    """

    name: str
    ident: int
    ident_given: bool
    target_dir: str
    movies: str
    pictures: str
    snapshots: str
    timelapses: str
    writes: frozenset[str]
    passthrough: bool

    @property
    def label(self) -> str:
        """What the camera is called: by its name, else by its number."""
        return self.name or f"camera-{self.ident}"


def parse_cameras(path: str, read: ReadText, list_conf: ListConf) -> tuple[MotionCamera, ...]:
    """Return the cameras of a Motion configuration, in Motion's order.

    As in Motion, a camera starts out with what the main file said *before* its `camera` line.

    Raises:
        StorageError: a file cannot be read.
        ConfigurationError: a value makes no sense.
    """
    main = dict(DEFAULTS)
    found: list[Mapping[str, str]] = []
    for key, value in _settings(read(path)):
        found += [
            {**main, "camera_id": "", **dict(_known_settings(read(camera_path)))}
            for camera_path in _camera_paths(key, value, path, list_conf)
        ]
        if key in DEFAULTS:
            main[key] = value
    if not found:
        return (_camera(main, 0, path),)
    cameras = tuple(_camera(settings, index, path) for index, settings in enumerate(found, start=1))
    if len({camera.ident for camera in cameras}) < len(cameras):
        # Motion drops all numbers where two are the same, and counts.
        return tuple(
            _camera({**settings, "camera_id": ""}, index, path) for index, settings in enumerate(found, start=1)
        )
    return cameras


def _settings(text: str) -> Iterator[tuple[str, str]]:
    for raw in text.splitlines():
        line = raw.strip(" \t\r")
        if not line or line[0] in "#;":
            continue
        end = next((index for index, char in enumerate(line) if char in " \t="), len(line))
        key = line[:end].lower()
        yield _FORMER_NAMES.get(key, key), _unquoted(line[end:].lstrip(" \t="))


def _known_settings(text: str) -> Iterator[tuple[str, str]]:
    return ((key, value) for key, value in _settings(text) if key in DEFAULTS)


def _unquoted(value: str) -> str:
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


def _camera_paths(key: str, value: str, main_path: str, list_conf: ListConf) -> Sequence[str]:
    """Return the camera files that a line names. A relative path is looked for beside the main file."""
    if not value:
        return ()
    path = posixpath.join(posixpath.dirname(main_path), value)
    if key in _CAMERA_FILE:
        return (path,)
    return list_conf(path) if key in _CAMERA_DIRECTORY else ()


def _camera(settings: Mapping[str, str], index: int, path: str) -> MotionCamera:
    given = settings["camera_id"]
    if given and not (given.isascii() and given.isdigit()):
        raise ConfigurationError(f"{path}: camera_id {given!r} is no number; correct it in Motion's configuration")
    number = int(given or "0")
    return MotionCamera(
        name=settings["camera_name"],
        ident=number or index,
        ident_given=number > 0,
        target_dir=settings["target_dir"],
        movies=_file_name(settings, "movie_filename"),
        pictures=_file_name(settings, "picture_filename"),
        snapshots=_file_name(settings, "snapshot_filename"),
        timelapses=_file_name(settings, "timelapse_filename"),
        writes=frozenset(_writes(settings)),
        passthrough=settings["movie_passthrough"].lower() in _ON,
    )


def _file_name(settings: Mapping[str, str], key: str) -> str:
    return settings[key].lstrip("/") or DEFAULTS[key]


def _writes(settings: Mapping[str, str]) -> Iterator[str]:
    switches = {
        "movies": "movie_output",
        "pictures": "picture_output",
        "snapshots": "snapshot_interval",
        "timelapses": "timelapse_interval",
    }
    return (kind for kind, key in switches.items() if settings[key].lower() not in _OFF)
