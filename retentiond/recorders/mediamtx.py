"""The recorder `mediamtx`: its `recordPath`, its paths, and what its API says of their tracks.

MediaMTX has no books of its recordings: it reads its directories again, so that a file that is gone is gone for it too.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from retentiond.domain.drift import OwnRetention
from retentiond.domain.errors import ConfigurationError, StorageError
from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import CameraName, Category, Recording
from retentiond.recorders import config_files
from retentiond.recorders.classifier import Classifier
from retentiond.recorders.configured import ConfiguredRecorder, Setup, Told
from retentiond.recorders.layout import Layout
from retentiond.recorders.mediamtx_api import TracksAsked
from retentiond.recorders.mediamtx_names import below_store, layouts_of
from retentiond.recorders.yaml_config import Yaml, YamlFile, number, section

DEFAULT_RECORD_PATH = "./recordings/%path/%Y-%m-%d_%H-%M-%S-%f"
DEFAULT_DELETE_AFTER = "1d"
_API_PORT = 9997
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_DURATION = re.compile(r"(?:(?P<days>[0-9]{1,7})d)?(?P<rest>(?:[0-9]{1,9}(?:\.[0-9]{1,9})?(?:h|ms|m|us|µs|ns|s))*)")
_STEP = re.compile(r"([0-9.]+)(h|ms|m|us|µs|ns|s)")
_PATTERNS = frozenset({"all", "all_others"})


@dataclass(frozen=True, slots=True)
class MediaMtxPath:
    """One entry of `paths`. `name` is None for one that stands for several paths: a pattern, or all others."""

    name: str | None
    records: bool
    record_path: str
    delete_after: str


def paths_of(config: dict[str, Yaml]) -> tuple[MediaMtxPath, ...]:
    """Return the entries of `paths`, with what `pathDefaults` says where they are silent."""
    common = {**config, **section(config, "pathDefaults")}  # up to 1.1 the defaults stood at the top
    entries = section(config, "paths") or {"all_others": {}}
    return tuple(_path(name, {**common, **section(own)}) for name, own in entries.items())


def _path(name: str, settings: Mapping[str, Yaml]) -> MediaMtxPath:
    single = None if name in _PATTERNS or name.startswith("~") else name
    record_path = settings.get("recordPath")
    after = settings.get("recordDeleteAfter")
    return MediaMtxPath(
        name=single,
        records=settings.get("record") is True,
        record_path=record_path if isinstance(record_path, str) else DEFAULT_RECORD_PATH,
        delete_after=DEFAULT_DELETE_AFTER if after is None else str(after),
    )


def parse_length(text: str) -> timedelta | None:
    """Return a length of time as MediaMTX writes it, such as `1d12h`; None if it is none."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return timedelta() if number(text) == 0 else None
    seconds = sum(float(amount) * _UNITS[unit] for amount, unit in _STEP.findall(match["rest"]))
    return timedelta(days=int(match["days"] or "0"), seconds=seconds)


class MediaMtxSource:
    """`Source` by `mediamtx.yml`."""

    def __init__(self, setup: Setup, config: YamlFile, tracks: TracksAsked) -> None:
        self._setup = setup
        self._config = config
        self._tracks = tracks

    def read(self, former: Classifier | None) -> Told:
        config = self._config.read()
        paths = paths_of(config)
        problems: list[str] = []
        names = [name for path in dict.fromkeys(path.record_path for path in paths) if (name := self._below(path))]
        layouts = self._layouts(names, problems)
        if not names:
            problems.append(
                f"{self._config.path}: no path of MediaMTX records below {self._setup.path!r}; correct the `path` of "
                "the store or its `recorder_config`"
            )
        known = frozenset(CameraName(path.name) for path in paths if path.name is not None)
        before = former if former is not None else self._remembered()
        with_former = before.followed_by((*self._setup.extra, *layouts), known, lambda _: False)
        try:
            self._setup.memory.remember(names)
        except StorageError as error:
            problems.append(str(error))
        if not names and not with_former.former:
            raise StorageError("; ".join(problems))
        return Told(
            classifier=with_former,
            devices=tuple(self._devices(paths, config)),
            retentions=tuple(self._retentions(paths)),
            problems=tuple(problems),
        )

    def withheld(self, recordings: Sequence[Recording]) -> Mapping[Recording, str]:  # noqa: ARG002  it has no locks
        return {}

    def _below(self, record_path: str) -> str | None:
        return below_store(record_path, self._setup.path, config_files.real_path)

    def _layouts(self, names: Sequence[str], problems: list[str]) -> Sequence[Layout]:
        layouts: list[Layout] = []
        for name in names:
            try:
                layouts += layouts_of(name, self._setup.store, self._setup.zone)
            except ConfigurationError as error:
                problems.append(f"{self._config.path}: {error}")
        return layouts

    def _remembered(self) -> Classifier:
        """Return what earlier configurations named files like, as far as it is remembered."""
        lines: Sequence[str] = ()
        with suppress(StorageError):  # `remember` says the same, as a problem
            lines = self._setup.memory.load()
        return Classifier(tuple(self._layouts(lines, [])))

    def _devices(self, paths: Sequence[MediaMtxPath], config: dict[str, Yaml]) -> Iterator[SeenDevice]:
        sound = self._tracks.sound(_api_port(config))
        for path in paths:
            if path.name is not None:
                heard = sound.get(path.name)
                told = "its API says that the path has sound, and it records every track" if heard else ""
                records = heard if path.records else False
                yield SeenDevice(self._setup.store, CameraName(path.name), "mediamtx.yml", records, told)

    def _retentions(self, paths: Sequence[MediaMtxPath]) -> Iterator[OwnRetention]:
        named = any(path.name is not None for path in paths)
        for path in paths:
            if not path.records or self._below(path.record_path) is None or (path.name is None and named):
                continue
            length = parse_length(path.delete_after)
            if length is not None:
                camera = None if path.name is None else CameraName(path.name)
                change = f"write recordDeleteAfter: {{days}}d in {self._config.path}"
                setting = f"recordDeleteAfter {path.delete_after}"
                yield OwnRetention(camera, Category.VIDEO, length or None, setting, change)


def _api_port(config: dict[str, Yaml]) -> int | None:
    """Return the port on which the API listens without encryption, None if it does not."""
    if config.get("api") is not True or config.get("apiEncryption") is True:
        return None
    address: Any = config.get("apiAddress", f":{_API_PORT}")
    digits = str(address).rpartition(":")[2]
    return int(digits) if digits.isascii() and digits.isdigit() and int(digits) < 65_536 else None


def build_mediamtx(setup: Setup) -> ConfiguredRecorder:
    """Build the recorder. Its configuration is read once; if it cannot be used, that is its `trouble` and no error.

    Raises:
        ValueError: there is no configuration.
    """
    if setup.config is None:
        raise ValueError("recorder 'mediamtx' needs `recorder_config`, such as /etc/mediamtx.yml")
    recorder = ConfiguredRecorder("mediamtx", MediaMtxSource(setup, YamlFile(setup.config), TracksAsked()), None)
    with suppress(StorageError):
        recorder.devices()
    return recorder
