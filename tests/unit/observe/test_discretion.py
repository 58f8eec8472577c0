"""I10: whatever an error, a directory or a person is called, the world does not read it."""

import io
import logging
import threading
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from retentiond.domain.finding import FindingKind, finding
from retentiond.domain.meaning import MEANING
from retentiond.domain.recording import StoreName
from retentiond.observe.discretion import for_everybody, in_public, without_paths
from retentiond.observe.logs import configure_logs, log_thread_failure
from retentiond.observe.metrics import Metrics
from retentiond.observe.page import render_page
from retentiond.observe.status import status_json
from tests.unit.observe.builders import NOW, a_finding, a_snapshot, a_stream

SECRETS = (
    "/srv/recordings/Jane Doe/2026-03-01/12-00-00.mp4",
    "[Errno 5] Input/output error: '/srv/recordings/Jane Doe'",
    "store 'main' could not be worked on: /srv/Jane Doe: cannot be opened (Permission denied)",
    "the recorder of Jane Doe cannot be read",
    "room of Jane Doe\n/srv/x",
)


def tells(text: str) -> bool:
    return any(word in text for word in ("Jane", "Doe", "/srv", "recordings/"))


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("kind", FindingKind)
def test_page_status_and_metrics_carry_no_text_of_a_finding(kind: FindingKind, secret: str) -> None:
    metrics = Metrics("1.2.3")
    metrics.publish(a_snapshot(findings=(finding(kind, "main", secret, secret),)))
    metrics.not_deleted(StoreName("main"), secret)
    metrics.task(secret, ok=False, seconds=1, at=NOW)
    assert metrics.snapshot is not None
    for shown in (
        metrics.expose("")[0].decode(),
        metrics.expose("application/openmetrics-text")[0].decode(),
        render_page(metrics.snapshot),
        repr(status_json(for_everybody(metrics.snapshot))),
    ):
        assert not tells(shown)
        assert kind.value in shown


@pytest.mark.parametrize("secret", SECRETS)
def test_logs_carry_no_text_that_may_be_anything(secret: str) -> None:
    stream = io.StringIO()
    configure_logs(stream, {})
    log = structlog.stdlib.get_logger("x")
    log.warning("it failed", error=secret, why=secret, path=secret.encode(), where=[secret], store="main", count=3)
    log.warning("it failed %s", secret)
    log.info("it failed", store="/srv/Jane Doe")
    try:
        raise OSError(secret)
    except OSError as error:
        log.exception("it failed", reason="EIO")
        log_thread_failure(threading.ExceptHookArgs((OSError, error, None, None)))
    logging.getLogger("watchdog").error("overflow in %r", secret, extra={"store": secret})
    logging.getLogger("other").error("overflow in /srv/Jane Doe/x")
    assert not tells(stream.getvalue())
    assert stream.getvalue().count("\n") == 7
    assert '"store": "main"' in stream.getvalue()
    assert '"count": 3' in stream.getvalue()
    assert '"reason": "EIO"' in stream.getvalue()


def test_every_kind_of_finding_says_to_everybody_what_it_means() -> None:
    assert MEANING.keys() == set(FindingKind)


def test_what_a_finding_is_about_and_how_bad_it_is_stays() -> None:
    shown = in_public(a_finding(FindingKind.OVERDUE, "main / reception / video"))
    assert shown.key.subject == "main / reception / video"
    assert shown.severity == a_finding(FindingKind.OVERDUE).severity
    assert "retentiond findings show overdue" in shown.remedy
    assert in_public(a_finding(subject="main / /srv/x")).key.subject == "main / …"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("nothing to hide", "nothing to hide"),
        ("main / reception / video", "main / reception / video"),
        ("and/or", "and/or"),
        ("see http://localhost/x", "see http://localhost/x"),
        ("/srv/x", "…"),
        ("open '/srv/x y' failed", "open '…"),
        ("cannot open:/srv/x", "cannot open:…"),
        ("a (/srv/x)\nb", "a (…"),
    ],
)
def test_a_text_ends_where_an_absolute_path_begins(text: str, shown: str) -> None:
    assert without_paths(text) == shown


@given(st.text(), st.text(alphabet=st.characters(exclude_characters="\x00 /\n"), min_size=1))
def test_no_absolute_path_survives_at_the_end_of_a_sentence(text: str, name: str) -> None:
    assert f"/srv/{name}" not in without_paths(f"{text}: /srv/{name}").removeprefix(text)


@pytest.mark.parametrize("reason", ["Jane Doe", "Jane", "jane doe", "/srv/x", "x" * 41, "", "é"])
def test_a_label_is_a_word_of_the_program_or_other(reason: str) -> None:
    metrics = Metrics("1.2.3")
    metrics.not_deleted(StoreName("main"), reason)
    metrics.not_deleted(StoreName("main"), "NOT_PUT_BACK_EIO")
    metrics.deleted(a_stream(), late_s=0, size_bytes=0, seq=1, approved=False)
    text = metrics.expose("")[0].decode()
    assert 'reason="other"' in text
    assert 'reason="NOT_PUT_BACK_EIO"' in text
