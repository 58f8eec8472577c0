"""The status as JSON and as a page."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from retentiond.observe.page import render_page
from retentiond.observe.status import is_ready, overdue, status_json
from retentiond.ports import ScanProgress
from tests.unit.observe.builders import (
    ROOT,
    a_finding,
    a_plan,
    a_snapshot,
    a_store_status,
    a_stream,
    a_stream_status,
)


def test_the_status_is_json_with_a_versioned_schema() -> None:
    snapshot = a_snapshot(findings=(a_finding(),), stores=(a_store_status(waiting=a_plan()),))
    status = json.loads(json.dumps(status_json(snapshot)))
    assert status["schema"] == "retentiond.status/1"
    assert status["taken_at"] == "2026-03-01T12:00:00.000Z"
    assert status["audit"] == {
        "size": 42,
        "root": ROOT.hex(),
        "signed": True,
        "heartbeat_at": "2026-03-01T11:55:00.000Z",
    }
    assert status["findings"] == [
        {
            "kind": "overdue",
            "severity": "breach",
            "subject": "main/reception",
            "message": "one recording is overdue",
            "remedy": "look at `retentiond findings`",
            "acknowledged": False,
        }
    ]
    [store] = status["stores"]
    assert store["waiting"]["run"] == "main-cccccccc"
    assert store["streams"][0]["period_s"] == 30 * 86_400


def test_what_never_was_is_null() -> None:
    stream = a_stream_status(oldest=None, newest=None, period_s=None)
    store = a_store_status(last_scan=None, next_due=None, streams=(stream,))
    [shown] = status_json(a_snapshot(stores=(store,), heartbeat_at=None))["stores"]
    assert (shown["last_scan"], shown["next_due"], shown["waiting"]) == (None, None, None)
    assert shown["streams"][0]["oldest"] is None


def test_overdue_is_summed_over_all_stores() -> None:
    stores = (a_store_status(streams=(a_stream_status(overdue=1), a_stream_status(overdue=2))),) * 2
    assert overdue(a_snapshot(stores=stores)) == 6


@pytest.mark.parametrize(
    ("condition", "scanned", "ready"),
    [("present", True, True), ("present", False, False), ("read_only", False, False), ("absent", False, True)],
)
def test_ready_when_every_store_that_is_there_was_scanned(condition: str, scanned: bool, ready: bool) -> None:
    store = a_store_status(condition=condition) if scanned else a_store_status(condition=condition, last_scan=None)
    assert is_ready(a_snapshot(stores=(store,))) is ready


def test_asking_for_the_status_loads_no_metrics_library() -> None:
    heavy = ("prometheus_client", "structlog", "http", "yaml", "retentiond.ports")
    code = f"import sys, retentiond.observe.status; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_names_on_the_page_are_text_and_never_markup() -> None:
    nasty = "<script>alert('x')</script>\"&"
    store = a_store_status(streams=(a_stream_status(a_stream(nasty)),))
    page = render_page(a_snapshot(stores=(store,), findings=(a_finding(subject=nasty),)))
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;&quot;&amp;") == 2


def test_the_page_shows_what_was_measured_and_gives_no_verdict() -> None:
    page = render_page(a_snapshot(stores=(a_store_status(waiting=a_plan()),)))
    assert "Overdue recordings" in page
    assert ROOT.hex() in page
    assert "Waiting for approval: 7" in page
    assert "compliant" not in page.lower()
    assert "lawful" not in page.lower()


def test_the_page_says_so_when_nothing_is_known_yet() -> None:
    assert "not taken yet" in render_page(None)


@pytest.mark.parametrize(
    ("done", "expected", "left"), [(10, 40, 180.0), (40, 40, 0.0), (50, 40, 0.0), (0, 40, None), (10, None, None)]
)
def test_a_scan_says_how_far_it_is_and_how_long_it_takes_yet(
    done: int, expected: int | None, left: float | None
) -> None:
    snapshot = a_snapshot()
    scan = ScanProgress(snapshot.taken_at - timedelta(minutes=1), done, expected)
    (shown,) = status_json(replace(snapshot, stores=(a_store_status(scan=scan),)))["stores"]
    assert shown["scanning"] is True
    assert (shown["scan"]["directories"], shown["scan"]["expected"], shown["scan"]["left_s"]) == (done, expected, left)


def test_where_no_scan_runs_there_is_no_progress() -> None:
    (shown,) = status_json(replace(a_snapshot(), stores=(a_store_status(),)))["stores"]
    assert (shown["scanning"], shown["scan"]) == (False, None)
