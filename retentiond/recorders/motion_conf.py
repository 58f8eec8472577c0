"""Motion's own configuration: which cameras it has and how it names their files (Motion 4 and 5).

Parsing is pure: reading files and listing directories are arguments. Values are text in which bytes that are no
UTF-8 survive (`surrogateescape`), because names of files are made of them.
"""

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from retentiond.domain.errors import ConfigurationError
from retentiond.recorders.motion_numbers import Counted, numbers_of

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
        "movie_output_motion": "off",
        "movie_passthrough": "off",
        "movie_filename": "%v-%Y%m%d%H%M%S",
        "movie_extpipe_use": "off",
        "movie_extpipe": "",
        "picture_output": "off",
        "picture_output_motion": "off",
        "picture_filename": "%v-%Y%m%d%H%M%S-%q",
        "snapshot_interval": "0",
        "snapshot_filename": "%v-%Y%m%d%H%M%S-snapshot",
        "timelapse_interval": "0",
        "timelapse_filename": "%Y%m%d-timelapse",
        "cleandir_params": "",
    }
)
"""What Motion 4.5 and 5.0 use where the configuration is silent."""

_FORMER_NAMES = {
    "device_name": "camera_name",
    "device_id": "camera_id",
    "ffmpeg_filename": "movie_filename",
    "ffmpeg_output_movies": "movie_output",
    "ffmpeg_output_debug_movies": "movie_output_motion",
    "ffmpeg_passthrough": "movie_passthrough",
    "use_extpipe": "movie_extpipe_use",
    "extpipe": "movie_extpipe",
    "jpeg_filename": "picture_filename",
    "output_pictures": "picture_output",
    "output_debug_pictures": "picture_output_motion",
    "ffmpeg_timelapse": "timelapse_interval",
}
_CAMERA_FILE = frozenset({"camera", "thread"})
_CAMERA_DIRECTORY = frozenset({"camera_dir", "config_dir"})
_ON = frozenset({"on", "yes", "1", "true"})
_MOST_DIGITS = 9
_PICTURES = frozenset({"on", "first", "best", "center"})
_OF_MOTIONEYE = re.compile(r"^[ \t]*#[ \t]*(?P<key>@\w+)[ \t]*(?P<value>[^\r\n]*)", re.MULTILINE | re.ASCII)
_PIPED = re.compile(r"%[0-9]*f\.(?P<extension>[A-Za-z0-9]{1,5})(?![A-Za-z0-9.])")


@dataclass(frozen=True, slots=True)
class MotionCamera:
    """One camera. `name` is what `%$` gives and may be empty; `ident` is what `%t` gives.

    Attributes:
        ident: None where Motion counts in an order that only Motion knows.
        source: the name of its file, without the ending.
        piped: extensions of films that an external program writes (`movie_extpipe`).
        writes: which of movies, pictures, snapshots, timelapses are switched on.
    """

    name: str
    ident: int | None
    source: str
    target_dir: str
    movies: str
    pictures: str
    snapshots: str
    timelapses: str
    piped: tuple[str, ...]
    writes: frozenset[str]
    passthrough: bool

    @property
    def label(self) -> str:
        """What the camera is called: by its name, else by its number, else by its file."""
        return self.name or f"camera-{self.source if self.ident is None else self.ident}"


@dataclass(frozen=True, slots=True)
class _Found:
    """The settings of one camera. `listed` numbers the `camera_dir` that its file was found in, 0 for none."""

    settings: Mapping[str, str]
    path: str
    listed: int = 0


@dataclass(frozen=True, slots=True)
class ParsedCamera:
    """A camera with all of its settings, and those of motionEye (`@…`), and the file that says so."""

    camera: MotionCamera
    settings: Mapping[str, str]
    path: str


def parse_cameras(path: str, read: ReadText, list_conf: ListConf) -> tuple[MotionCamera, ...]:
    """Return the cameras of a Motion configuration. Raises as `parse_motion`."""
    return tuple(item.camera for item in parse_motion(path, read, list_conf))


def parse_motion(
    path: str, read: ReadText, list_conf: ListConf, unlisted: Sequence[str] = ()
) -> tuple[ParsedCamera, ...]:
    """Return the cameras of a Motion configuration, in Motion's order as far as it can be told.

    As in Motion, a camera starts out with what the main file said *before* its `camera` line, its number included.
    `unlisted` are files of cameras that are switched off, so that the main file does not name them.

    Raises:
        StorageError: a file cannot be read.
        ConfigurationError: a value makes no sense.
    """
    main = dict(DEFAULTS)
    found: list[_Found] = []
    for line, (key, value) in enumerate(_settings(read(path)), start=1):
        listed = line if key in _CAMERA_DIRECTORY else 0
        found += [
            _Found({**main, **dict(_known_settings(read(camera_path)))}, camera_path, listed)
            for camera_path in _camera_paths(key, value, path, list_conf)
        ]
        if key in DEFAULTS:
            main[key] = value
    named = {posixpath.normpath(item.path) for item in found}
    off = [_Found({**main, **dict(_known_settings(read(item)))}, item) for item in unlisted if item not in named]
    if not found and not off:
        return (_parsed(_Found(main, path), _given_number(main, path)),)
    counted = [Counted(_given_number(item.settings, path), item.listed) for item in found]
    numbers = numbers_of(counted, _given_number(main, path))
    return (
        *(_parsed(item, number) for item, number in zip(found, numbers, strict=True)),
        *(_parsed(item, _given_number(item.settings, path) or None) for item in off),
    )


def _settings(text: str) -> Iterator[tuple[str, str]]:
    for raw in text.split("\n"):
        line = raw.strip(" \t\r")
        if not line or line[0] in "#;":
            continue
        end = next((index for index, char in enumerate(line) if char in " \t="), len(line))
        key = line[:end].lower()
        yield _FORMER_NAMES.get(key, key), _unquoted(line[end:].lstrip(" \t="))


def _known_settings(text: str) -> Iterator[tuple[str, str]]:
    yield from ((key, value) for key, value in _settings(text) if key in DEFAULTS)
    yield from ((match["key"], match["value"]) for match in _OF_MOTIONEYE.finditer(text))


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


def _given_number(settings: Mapping[str, str], path: str) -> int:
    given = settings["camera_id"]
    if given and not (given.isascii() and given.isdigit() and len(given) <= _MOST_DIGITS):
        raise ConfigurationError(f"{path}: camera_id {given!r} is no number; correct it in Motion's configuration")
    return int(given or "0")


def _parsed(found: _Found, number: int | None) -> ParsedCamera:
    return ParsedCamera(_camera(found, number), found.settings, found.path)


def _camera(found: _Found, number: int | None) -> MotionCamera:
    settings = found.settings
    return MotionCamera(
        name=settings["camera_name"],
        ident=number,
        source=posixpath.basename(found.path).removesuffix(".conf"),
        target_dir=settings["target_dir"],
        movies=_file_name(settings, "movie_filename"),
        pictures=_file_name(settings, "picture_filename"),
        snapshots=_file_name(settings, "snapshot_filename"),
        timelapses=_file_name(settings, "timelapse_filename"),
        piped=tuple(sorted({match["extension"] for match in _PIPED.finditer(_pipe(settings))})),
        writes=frozenset(_writes(settings)),
        passthrough=_is_on(settings, "movie_passthrough"),
    )


def _file_name(settings: Mapping[str, str], key: str) -> str:
    return settings[key].lstrip("/") or DEFAULTS[key]


def _writes(settings: Mapping[str, str]) -> Iterator[str]:
    if _is_on(settings, "movie_output") or _is_on(settings, "movie_output_motion") or _pipe(settings):
        yield "movies"
    if settings["picture_output"].lower() in _PICTURES or _is_on(settings, "picture_output_motion"):
        yield "pictures"
    if _is_running(settings, "snapshot_interval"):
        yield "snapshots"
    if _is_running(settings, "timelapse_interval"):
        yield "timelapses"


def _pipe(settings: Mapping[str, str]) -> str:
    """Return the command that films are piped into, empty if there is none."""
    return settings["movie_extpipe"] if _is_on(settings, "movie_extpipe_use") else ""


def _is_on(settings: Mapping[str, str], key: str) -> bool:
    return settings[key].lower() in _ON


def _is_running(settings: Mapping[str, str], key: str) -> bool:
    """Tell whether an interval is set; Motion reads the digits at the beginning, and `on` for 1."""
    return _is_on(settings, key) or re.match(r"0*[1-9]", settings[key]) is not None
