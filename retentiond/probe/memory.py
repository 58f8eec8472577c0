"""`SampleMemory` in a JSON file of the state directory."""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from retentiond.domain import instants
from retentiond.domain.errors import StorageError
from retentiond.domain.media import OpaqueReason
from retentiond.domain.recording import CameraName, Category, StoreName, Stream
from retentiond.domain.sound import Sampled
from retentiond.durable import replace_file

SCHEMA = "retentiond.samples/1"
_LIMIT_BYTES = 16 << 20


class SampleFile:
    """Keeps samples. A command that only looks does not write (`writes`)."""

    def __init__(self, path: str, *, writes: bool) -> None:
        self._path = path
        self._writes = writes

    def load(self) -> Sequence[Sampled]:
        try:
            return parse_samples(_read(self._path))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return ()

    def save(self, samples: Sequence[Sampled]) -> None:
        if self._writes:
            with suppress(StorageError):
                data = {"schema": SCHEMA, "samples": [_fields(item) for item in samples]}
                replace_file(self._path, json.dumps(data, indent=1).encode() + b"\n", 0o640)


def parse_samples(data: bytes) -> Sequence[Sampled]:
    """Return the samples that `data` holds. Raises ValueError, KeyError, TypeError if it was not written here."""
    held = json.loads(data)
    if held["schema"] != SCHEMA:
        raise ValueError(f"it is no object with schema {SCHEMA}")
    return tuple(_sampled(item) for item in held["samples"])


def _fields(item: Sampled) -> dict[str, Any]:
    return {
        "store": item.stream.store,
        "camera": item.stream.camera,
        "category": item.stream.category.value,
        "facts": item.facts,
        "looked_at": instants.to_text(item.looked_at),
        "newest": _text(item.newest),
        "audio": item.audio,
        "failures": item.failures,
        "why": None if item.why is None else item.why.value,
        "heard": [instants.to_text(start) for start in item.heard],
    }


def _sampled(fields: dict[str, Any]) -> Sampled:
    return Sampled(
        stream=Stream(StoreName(fields["store"]), CameraName(fields["camera"]), Category(fields["category"])),
        facts=str(fields["facts"]),
        looked_at=instants.from_text(fields["looked_at"]),
        newest=_instant(fields["newest"]),
        audio=fields["audio"] is True,
        failures=int(fields["failures"]),
        why=None if fields["why"] is None else OpaqueReason(fields["why"]),
        heard=tuple(instants.from_text(start) for start in fields["heard"]),
    )


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instants.to_text(instant)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else instants.from_text(text)


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        return file.read(_LIMIT_BYTES)
