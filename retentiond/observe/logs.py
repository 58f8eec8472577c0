"""Logs: one JSON object a line for the journal, coloured lines on a terminal.

What may be in a log (I10): constant messages and, as fields, store, camera, category, counts, finding kinds, record
numbers. Never a path, a recording's name, an IP address or the name of a person; those belong to the audit trail.
What would carry them in unnoticed is cut here: the text of exceptions (an `OSError` names its file), of which only the
class and the place in the program stay; the arguments of other libraries' messages, of which only the template stays;
fields that hold text and are not among those named above; and paths wherever they stand.
"""

import logging
import os
import sys
import threading
import traceback
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Any, TextIO

import structlog

from retentiond.observe.discretion import without_paths

TEXTS = frozenset({"store", "camera", "category", "kind", "task", "state", "reason", "group", "origin"})
"""The fields that may hold text."""

_OWN = frozenset({"event", "level", "at", "exc_info", "stack_info"})
_NOT_SHOWN = "(not shown)"
_QUIET = ("watchdog", "apscheduler", "asyncio")


def configure_logs(stream: TextIO, environ: Mapping[str, str], *, level: str = "info") -> None:
    """Send the logs of this process, our own and those of libraries, to `stream`.

    Args:
        stream: standard output, usually; a terminal gets lines for people, anything else JSON.
        environ: NO_COLOR in it turns colours off.
        level: debug, info, warning or error.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_common(),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(stream, environ)],
            use_get_message=False,
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_common(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def log_thread_failure(failure: threading.ExceptHookArgs) -> None:
    """Log a thread that died of a bug. Meant for `threading.excepthook`, whose own text would show the message."""
    structlog.stdlib.get_logger(__name__).critical("a thread died", exc_info=failure.exc_value)


def _common() -> list[structlog.typing.Processor]:
    return [
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(allow=()),
        _keep_discreet,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _cut_exception,
    ]


def _renderer(stream: TextIO, environ: Mapping[str, str]) -> structlog.typing.Processor:
    if stream.isatty():
        return structlog.dev.ConsoleRenderer(colors="NO_COLOR" not in environ, timestamp_key="at")
    return structlog.processors.JSONRenderer(sort_keys=True)


def _keep_discreet(
    _logger: Any,  # noqa: ANN401  structlog's own signature
    _method: str,
    event: MutableMapping[str, Any],
) -> MutableMapping[str, Any]:
    """Cut paths, and hide what may be anything."""
    for key, value in event.items():
        if key.startswith("_") or key in _OWN - {"event"} or isinstance(value, bool | int | float | None):
            continue
        shown = isinstance(value, str) and (key in TEXTS or key == "event")
        event[key] = without_paths(value) if shown else _NOT_SHOWN
    return event


def _cut_exception(
    _logger: Any,  # noqa: ANN401  structlog's own signature
    _method: str,
    event: MutableMapping[str, Any],
) -> MutableMapping[str, Any]:
    """Replace an exception by its class and the places it went through; its message may name a file."""
    error = _exception_of(event.pop("exc_info", None))
    event.pop("stack_info", None)
    if error is not None:
        event["error"] = type(error).__qualname__
        event["where"] = _places(error.__traceback__)
    return event


def _exception_of(given: object) -> BaseException | None:
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        return given[1] if isinstance(given[1], BaseException) else None
    return sys.exception() if given else None


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.extract_tb(trace)
    return [f"{os.path.basename(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]
