"""What Motion was configured to write, across restarts: footage outlives the configuration that named it.

Without this memory, whoever changes `movie_filename` and restarts the server would leave a month of recordings behind
that no layout explains any more.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any, Protocol, TypeAlias

from retentiond.domain.errors import StorageError
from retentiond.durable import replace_file
from retentiond.recorders.motion_conf import MotionCamera
from retentiond.recorders.state_file import read_state

SCHEMA = "retentiond.motion/1"
KEPT = 20
"""So many configurations are remembered, the newest ones."""

_LIMIT_BYTES = 8 << 20
_FIELDS = {field.name: field.type for field in fields(MotionCamera)}

Cameras: TypeAlias = tuple[MotionCamera, ...]


class MotionMemory(Protocol):
    """Remembers the cameras of configurations that were in force."""

    def load(self) -> Sequence[Cameras]:
        """Return what is remembered, the oldest first. Raises StorageError."""
        ...

    def remember(self, cameras: Cameras) -> None:
        """Keep these cameras as the newest configuration, if they are not that already. Raises StorageError."""
        ...


class ForgetfulMemory:
    """`MotionMemory` for commands that look at a configuration and keep nothing."""

    def load(self) -> Sequence[Cameras]:
        return ()

    def remember(self, cameras: Cameras) -> None:
        pass


class MotionFile:
    """`MotionMemory` in one JSON file of the state directory. A command that only looks does not write (`writes`)."""

    def __init__(self, path: str, *, writes: bool) -> None:
        self._path = path
        self._writes = writes

    def load(self) -> Sequence[Cameras]:
        data = read_state(self._path, _LIMIT_BYTES)
        try:
            return () if data is None else parse_memory(data)
        except ValueError as error:
            raise StorageError(
                f"{self._path}: cannot be used ({error}); footage named by an earlier configuration of Motion is not "
                "recognised. Remove the file, and name the earlier names as `layout:` of the store"
            ) from error

    def remember(self, cameras: Cameras) -> None:
        if not self._writes:
            return
        remembered = self.load()
        if remembered and remembered[-1] == cameras:
            return
        kept = [former for former in remembered if former != cameras]
        replace_file(self._path, format_memory([*kept, cameras][-KEPT:]), 0o640)


def format_memory(configurations: Sequence[Cameras]) -> bytes:
    """Return the configurations as one JSON object; `parse_memory` gives equal ones back."""
    listed = [[{**asdict(camera), "writes": sorted(camera.writes)} for camera in cameras] for cameras in configurations]
    return json.dumps({"schema": SCHEMA, "configurations": listed}, indent=1).encode() + b"\n"


def parse_memory(data: bytes) -> Sequence[Cameras]:
    """Return the configurations that `data` holds.

    Raises:
        ValueError: anything is missing, of another type, or was never written by this version.
    """
    try:
        held = json.loads(data)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(held, dict) or held.get("schema") != SCHEMA or not isinstance(held.get("configurations"), list):
        raise ValueError(f"it is no object with schema {SCHEMA}")
    return tuple(tuple(_camera(item) for item in _list(listed)) for listed in held["configurations"])


def _camera(item: Any) -> MotionCamera:  # noqa: ANN401  checked here
    if not isinstance(item, dict) or item.keys() != _FIELDS.keys():
        raise ValueError("a camera has other keys than this version writes")
    texts = ("name", "source", "target_dir", "movies", "pictures", "snapshots", "timelapses")
    right = all(isinstance(item[key], str) for key in texts) and isinstance(item["passthrough"], bool)
    if not right or not (item["ident"] is None or type(item["ident"]) is int):
        raise ValueError("a camera has a value of another type than this version writes")
    words = {key: _list(item[key]) for key in ("piped", "writes")}
    if not all(isinstance(word, str) for listed in words.values() for word in listed):
        raise ValueError("a camera has a word that is no text")
    return MotionCamera(**{**item, "piped": tuple(words["piped"]), "writes": frozenset(words["writes"])})


def _list(value: Any) -> list[Any]:  # noqa: ANN401  checked here
    if not isinstance(value, list):
        raise ValueError("a list is missing")  # noqa: TRY004  it is the text that is wrong
    return value
