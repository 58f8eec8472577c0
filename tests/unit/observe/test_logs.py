"""Logs carry what happened and nothing about whom or which file."""

import io
import json
import logging
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from retentiond.observe.logs import configure_logs, log_thread_failure


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def only_line(stream: io.StringIO) -> dict[str, Any]:
    [line] = stream.getvalue().splitlines()
    fields: dict[str, Any] = json.loads(line)
    return fields


def test_a_line_is_one_json_object_when_nobody_watches() -> None:
    stream = io.StringIO()
    configure_logs(stream, {})
    structlog.stdlib.get_logger("x").info("scan completed", store="main", recordings=3)
    fields = only_line(stream)
    assert fields.pop("at").endswith("Z")
    assert fields == {"event": "scan completed", "level": "info", "store": "main", "recordings": 3}


def test_a_newline_in_a_value_forges_no_line() -> None:
    stream = io.StringIO()
    configure_logs(stream, {})
    structlog.stdlib.get_logger("x").info("seen", camera='a\n{"event": "forged"}')
    assert only_line(stream)["camera"] == 'a\n{"event": "forged"}'


def test_an_exception_leaves_its_class_and_place_but_not_its_text() -> None:
    stream = io.StringIO()
    configure_logs(stream, {})
    try:
        os.stat("/nonexistent/patient-jane-doe.mp4")
    except OSError:
        structlog.stdlib.get_logger("x").exception("it failed")
    assert "jane" not in stream.getvalue()
    fields = only_line(stream)
    assert fields["error"] == "FileNotFoundError"
    assert fields["where"][-1].startswith("test_logs.py:")


def test_arguments_and_exceptions_of_other_libraries_are_not_shown() -> None:
    stream = io.StringIO()
    configure_logs(stream, {})
    try:
        raise OSError("/srv/recordings/secret.mp4")
    except OSError:
        logging.getLogger("watchdog.observers").exception("queue overflowed below %r", b"/srv/recordings/secret")
    assert "secret" not in stream.getvalue()
    assert only_line(stream)["event"] == "queue overflowed below %r"


def test_libraries_that_tell_each_event_are_quiet() -> None:
    stream = io.StringIO()
    configure_logs(stream, {}, level="debug")
    logging.getLogger("watchdog.observers").info("event")
    logging.getLogger("apscheduler.executors").info("event")
    assert stream.getvalue() == ""


def test_the_level_is_respected() -> None:
    stream = io.StringIO()
    configure_logs(stream, {}, level="warning")
    structlog.stdlib.get_logger("x").info("not this")
    structlog.stdlib.get_logger("x").warning("this")
    assert only_line(stream)["event"] == "this"


def test_a_terminal_gets_colours_unless_no_color_is_set() -> None:
    coloured, plain = Terminal(), Terminal()
    configure_logs(coloured, {})
    structlog.stdlib.get_logger("x").info("hello")
    configure_logs(plain, {"NO_COLOR": "1"})
    structlog.stdlib.get_logger("x").info("hello")
    assert "\x1b[" in coloured.getvalue()
    assert "\x1b[" not in plain.getvalue()
    assert "hello" in plain.getvalue()


def test_a_thread_that_dies_of_a_bug_is_logged_without_the_text() -> None:
    stream = io.StringIO()
    configure_logs(stream, {})
    error = ValueError("/srv/recordings/secret.mp4")
    log_thread_failure(threading.ExceptHookArgs((ValueError, error, None, None)))
    fields = only_line(stream)
    assert (fields["level"], fields["error"]) == ("critical", "ValueError")
    assert "secret" not in stream.getvalue()
