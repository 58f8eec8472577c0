"""How a recorder was configured to name files before, across restarts: footage outlives what named it.

A way of naming is one line of text, which only its recorder reads.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Protocol

from retentiond.domain.errors import StorageError
from retentiond.durable import replace_file
from retentiond.recorders.state_file import read_state

SCHEMA = "retentiond.names/1"
KEPT = 100
"""So many lines are remembered, the newest ones."""

_LIMIT_BYTES = 1 << 20


class LineMemory(Protocol):
    """Remembers lines."""

    def load(self) -> Sequence[str]:
        """Return what is remembered, the oldest first. Raises StorageError."""
        ...

    def remember(self, lines: Iterable[str]) -> None:
        """Keep these lines as the newest, if they are not that already. Raises StorageError."""
        ...


class ForgetfulLines:
    """`LineMemory` for commands that look at a configuration and keep nothing."""

    def load(self) -> Sequence[str]:
        return ()

    def remember(self, lines: Iterable[str]) -> None:
        pass


FORGETFUL = ForgetfulLines()


class LineFile:
    """`LineMemory` in one JSON file of the state directory. A command that only looks does not write (`writes`)."""

    def __init__(self, path: str, *, writes: bool) -> None:
        self._path = path
        self._writes = writes

    def load(self) -> Sequence[str]:
        data = read_state(self._path, _LIMIT_BYTES)
        try:
            return () if data is None else parse_lines(data)
        except ValueError as error:
            raise StorageError(
                f"{self._path}: cannot be used ({error}); footage named by an earlier configuration of the recorder is "
                "not recognised. Remove the file, and name the earlier names as `layout:` of the store"
            ) from error

    def remember(self, lines: Iterable[str]) -> None:
        if not self._writes:
            return
        newest = tuple(dict.fromkeys(lines))
        before = tuple(self.load())
        kept = (*(line for line in before if line not in newest), *newest)[-KEPT:]
        if kept != before:
            data = json.dumps({"schema": SCHEMA, "names": kept}, indent=1).encode() + b"\n"
            replace_file(self._path, data, 0o640)


def parse_lines(data: bytes) -> Sequence[str]:
    """Return the lines that `data` holds.

    Raises:
        ValueError: it was never written by this version.
    """
    try:
        held = json.loads(data)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    lines = held.get("names") if isinstance(held, dict) and held.get("schema") == SCHEMA else None
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise ValueError(f"it is no object with schema {SCHEMA}")
    return tuple(lines)
