"""Trusted time across restarts: one small JSON file, replaced durably."""

import json
import os
import stat
from datetime import timedelta
from typing import Any

from retentiond.domain import instants
from retentiond.domain.clock import ClockAnchor
from retentiond.domain.errors import StorageError
from retentiond.durable import replace_file

SCHEMA = "retentiond.clock/1"
_LIMIT = 64 * 1024
_MICROSECOND = timedelta(microseconds=1)
_FIELDS = frozenset(
    {"schema", "trusted", "since_boot_us", "boot_id", "gap", "drifted_us", "advanced_us", "synchronised_since_us"}
)


class ClockFile:
    """`ClockMemory` in the file `path`, which is `clock.json` in the state directory."""

    def __init__(self, path: str) -> None:
        self._path = path

    def load(self) -> ClockAnchor | None:
        data = self._read()
        if data is None:
            return None
        try:
            return parse_anchor(data)
        except UnicodeDecodeError as error:
            raise self._damaged("it is no text") from error
        except ValueError as error:
            raise self._damaged(str(error)) from error

    def save(self, anchor: ClockAnchor) -> None:
        replace_file(self._path, format_anchor(anchor), 0o640)

    def _read(self) -> bytes | None:
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except PermissionError as error:
            raise StorageError(
                f"{self._path}: the saved trusted time is closed to this user; give it to the daemon's user, and run"
                " commands as that user or as root"
            ) from error
        except OSError as error:
            raise self._damaged(str(error.strerror)) from error
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise self._damaged("it is no regular file")
            return os.read(descriptor, _LIMIT)
        except OSError as error:
            raise self._damaged(str(error)) from error
        finally:
            os.close(descriptor)

    def _damaged(self, why: str) -> StorageError:
        return StorageError(
            f"{self._path}: the saved trusted time cannot be used ({why}); nothing is deleted without it. Check the"
            " disk, stop the daemon, set the system clock, then run `retentiond clock accept --wall TIME`, which makes"
            " it anew"
        )


def format_anchor(anchor: ClockAnchor) -> bytes:
    """Return the anchor as one JSON object; `parse_anchor` gives an equal one back."""
    since = anchor.synchronised_since
    fields = {
        "schema": SCHEMA,
        "trusted": anchor.trusted.isoformat(timespec="microseconds"),
        "since_boot_us": anchor.since_boot // _MICROSECOND,
        "boot_id": anchor.boot_id,
        "gap": anchor.gap,
        "drifted_us": anchor.drifted // _MICROSECOND,
        "advanced_us": anchor.advanced // _MICROSECOND,
        "synchronised_since_us": None if since is None else since // _MICROSECOND,
    }
    return json.dumps(fields, indent=1).encode() + b"\n"


def parse_anchor(data: bytes) -> ClockAnchor:
    """Return the anchor that `data` holds.

    Raises:
        ValueError: anything is missing, of another type or out of range. Half an anchor is none.
    """
    try:
        fields = json.loads(data)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(fields, dict) or fields.get("schema") != SCHEMA:
        raise ValueError(f"it is no object with schema {SCHEMA}")
    if fields.keys() != _FIELDS:
        raise ValueError(f"its keys are not {', '.join(sorted(_FIELDS))}")
    since = fields["synchronised_since_us"]
    return ClockAnchor(
        trusted=instants.from_text(_typed(fields, "trusted", str)),
        since_boot=_span(fields, "since_boot_us"),
        boot_id=_typed(fields, "boot_id", str),
        gap=_typed(fields, "gap", bool),
        drifted=_span(fields, "drifted_us"),
        advanced=_span(fields, "advanced_us"),
        synchronised_since=None if since is None else _span(fields, "synchronised_since_us"),
    )


def _typed(fields: dict[str, Any], key: str, kind: type) -> Any:  # noqa: ANN401  the caller names the type it gets
    value = fields[key]
    if type(value) is not kind:
        raise ValueError(f"{key} is not a {kind.__name__}")
    return value


def _span(fields: dict[str, Any], key: str) -> timedelta:
    microseconds = _typed(fields, key, int)
    if microseconds < 0:
        raise ValueError(f"{key} is negative")
    try:
        return timedelta(microseconds=microseconds)
    except OverflowError as error:
        raise ValueError(f"{key} is too large") from error
