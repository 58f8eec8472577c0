"""What retentiond keeps about a ZoneMinder across restarts: what is locked in it, and which rows have still to go.

Of a Shinobi it keeps what is archived in it, in the same form.

Rows go after the directory of their event. A database that is down delays them; this file says which they are.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from retentiond.domain import names
from retentiond.domain.errors import StorageError
from retentiond.durable import replace_file
from retentiond.recorders.state_file import read_state

SCHEMA = "retentiond.zoneminder/1"
_LIMIT_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Notes:
    """Paths of events below the store."""

    locked: frozenset[bytes] = frozenset()
    pending: tuple[bytes, ...] = ()


class NotesFile:
    """Notes in one JSON file of the state directory. A command that only looks does not write (`writes`)."""

    def __init__(self, path: str | None, *, writes: bool) -> None:
        self._path = path
        self._writes = writes and path is not None
        self._notes: Notes | None = None

    def load(self) -> Notes:
        """Return the notes. Raises StorageError: they cannot be read."""
        if self._notes is None:
            data = None if self._path is None else read_state(self._path, _LIMIT_BYTES)
            try:
                self._notes = Notes() if data is None else parse_notes(data)
            except ValueError as error:
                raise StorageError(
                    f"{self._path}: cannot be used ({error}); remove it: what is locked in the recorder is asked for "
                    "again, and rows of events that are gone stay in ZoneMinder until zmaudit.pl removes them"
                ) from error
        return self._notes

    def keep(self, notes: Notes) -> None:
        """Keep the notes durably. Raises StorageError."""
        if notes == self._notes:
            return
        if self._writes and self._path is not None:
            try:
                replace_file(self._path, format_notes(notes), 0o640)
            except OSError as error:
                raise StorageError(f"{self._path}: cannot be written ({error.strerror})") from error
        self._notes = notes


UNWRITTEN = NotesFile(None, writes=False)
"""For commands that look at a configuration and keep nothing."""


def format_notes(notes: Notes) -> bytes:
    """Return the notes as one JSON object; `parse_notes` gives equal ones back."""
    held = {"schema": SCHEMA, "locked": _texts(sorted(notes.locked)), "pending": _texts(notes.pending)}
    return json.dumps(held, indent=1).encode() + b"\n"


def parse_notes(data: bytes) -> Notes:
    """Return the notes that `data` holds.

    Raises:
        ValueError: it was never written by this version.
    """
    try:
        held: Any = json.loads(data)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(held, dict) or held.get("schema") != SCHEMA:
        raise ValueError(f"it is no object with schema {SCHEMA}")
    return Notes(frozenset(_paths(held.get("locked"))), tuple(_paths(held.get("pending"))))


def _texts(paths: Collection[bytes]) -> list[str]:
    return [names.readable(path) for path in paths]


def _paths(listed: Any) -> list[bytes]:  # noqa: ANN401  checked here
    if not isinstance(listed, list) or not all(isinstance(text, str) for text in listed):
        raise ValueError("a list of paths is missing")
    return [names.from_readable(text) for text in listed]
