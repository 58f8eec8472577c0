"""Heads that a Prometheus has scraped: read raw and exactly, and compared with every one of them."""

import http.server
import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retentiond.domain.errors import AuditDamagedError, UnreachableError, UsageError
from retentiond.domain.root_words import root_words
from retentiond.evidence.prometheus import INFO, SIZE, WORD, Span, scraped_heads
from retentiond.observe.http import HttpEndpoint
from retentiond.observe.metrics import Metrics
from retentiond.ports import Head
from tests.integration.audit.disk_trail import ORIGIN, SIGNER
from tests.integration.evidence.desk import Desk
from tests.system.harness import free_port
from tests.unit.observe.builders import a_snapshot

END = datetime(2026, 3, 31, 12, tzinfo=UTC)
OTHER = "other.example/retentiond"


class Samples(http.server.ThreadingHTTPServer):
    """Answers the two queries as a Prometheus does, from samples in memory."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.series: dict[tuple[tuple[str, str], ...], list[tuple[float, str]]] = {}
        self.asked: list[dict[str, str]] = []
        self.instead: tuple[int, bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"

    def scrape(self, at: datetime, head: Head, *, instance: str = "nvr:9723", left_out: str = "") -> None:
        rows = {(SIZE, ""): head.size, (INFO, head.origin): 1}
        rows |= {(WORD, str(index)): word for index, word in enumerate(root_words(head.root))}
        for (name, label), value in rows.items():
            labels = {"__name__": name, "instance": instance, "job": "retentiond"}
            labels |= {"origin": label} if name == INFO else {"word": label} if name == WORD else {}
            if f"{name} {label}".strip() != left_out:
                self.series.setdefault(tuple(sorted(labels.items())), []).append((at.timestamp(), str(value)))

    def answer(self, path: str, asked: dict[str, str]) -> list[dict[str, Any]]:
        self.asked.append(asked)
        if path == "/api/v1/query_range":
            return self._counted(float(asked["start"]), float(asked["end"]), float(asked["step"]))
        assert path == "/api/v1/query"
        end, length = float(asked["time"]), float(asked["query"].rpartition("[")[2].rstrip("s]"))
        found = []
        for labels, samples in self.series.items():
            values = [[at, value] for at, value in samples if end - length < at <= end]
            if values:
                found.append({"metric": dict(labels), "values": values})
        return found

    def _counted(self, start: float, end: float, step: float) -> list[dict[str, Any]]:
        found = []
        for labels, samples in self.series.items():
            if dict(labels)["__name__"] == SIZE:
                steps = [start + number * step for number in range(int((end - start) / step) + 1)]
                counts = [(at, sum(at - step < when <= at for when, _ in samples)) for at in steps]
                found.append({"metric": {}, "values": [[at, str(count)] for at, count in counts if count]})
        return found


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Samples

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        result = self.server.answer(parts.path, {key: value[0] for key, value in parse_qs(parts.query).items()})
        body = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}).encode()
        status, body = self.server.instead or (200, body)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, *_: object) -> None:
        pass


@pytest.fixture
def samples() -> Iterator[Samples]:
    server = Samples()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def head(size: int, root: bytes | None = None, origin: str = ORIGIN) -> Head:
    return Head(size, root or bytes([size % 256]) * 32, signed=True, origin=origin)


def heads(server: Samples, *, days: float = 15) -> list[tuple[int, bytes]]:
    span = Span(origin=ORIGIN, begin=END - timedelta(days=days), end=END)
    return [(known.size, known.root) for known in scraped_heads(server.url, span)]


# --- what is asked, and how it is put together --------------------------------------------------------------------


def test_every_head_of_all_days_is_there_once_and_days_without_samples_are_not_asked_for(samples: Samples) -> None:
    for size, ago in ((5, 14.9), (6, 14.0), (6, 13.9), (8, 3.26), (9, 3.24), (12, 0.0)):
        samples.scrape(END - timedelta(days=ago), head(size))
    assert heads(samples) == [(size, bytes([size]) * 32) for size in (5, 6, 8, 9, 12)]
    days = {asked["time"] for asked in samples.asked if "time" in asked}
    assert len(days) == 4 * len({14, 13, 3, 0})


def test_other_trails_on_the_same_prometheus_are_left_alone(samples: Samples) -> None:
    samples.scrape(END, head(5))
    samples.scrape(END, head(9, origin=OTHER), instance="other:9723")
    samples.scrape(END - timedelta(hours=1), head(7, origin=f"{ORIGIN}/2"))
    assert heads(samples) == [(5, bytes([5]) * 32)]
    samples.series = {key: value for key, value in samples.series.items() if ("instance", "nvr:9723") not in key}
    with pytest.raises(UsageError, match=r"has no head of the audit trail 'nvr\.example/retentiond' since"):
        heads(samples)


@pytest.mark.parametrize("left_out", [SIZE, INFO + " " + ORIGIN, *(f"{WORD} {index}" for index in range(5))])
def test_a_scrape_of_which_something_is_missing_is_no_head(samples: Samples, left_out: str) -> None:
    samples.scrape(END - timedelta(minutes=1), head(5))
    samples.scrape(END, head(9), left_out=left_out)
    assert heads(samples) == [(5, bytes([5]) * 32)]


def test_samples_of_two_scrapes_are_never_mixed(samples: Samples) -> None:
    samples.scrape(END - timedelta(seconds=15), head(5), left_out=f"{WORD} 3")
    samples.scrape(END, head(5), left_out=f"{WORD} 4")
    with pytest.raises(UsageError, match="has no head"):
        heads(samples)


def test_two_trees_of_one_size_are_damage(samples: Samples) -> None:
    samples.scrape(END - timedelta(days=2), head(5))
    samples.scrape(END, head(5, bytes(32)))
    with pytest.raises(AuditDamagedError, match=r"two different audit trails of 5 records.*2026-03-29.*2026-03-31"):
        heads(samples)


@given(root=st.binary(min_size=32, max_size=32))
def test_a_root_survives_the_way_through_floats_and_text(root: bytes) -> None:
    from retentiond.evidence.prometheus import _Heads

    found = _Heads(ORIGIN)
    numbers = [
        ({"__name__": WORD, "word": str(index)}, repr(float(word))) for index, word in enumerate(root_words(root))
    ]
    numbers += [({"__name__": SIZE}, "3"), ({"__name__": INFO, "origin": ORIGIN}, "1")]
    found.add([{"metric": {"instance": "x", **labels}, "values": [[7.5, value]]} for labels, value in numbers])
    assert found.by_size[3].root == root


@pytest.mark.parametrize("value", ["4503599627370496", "-1", "0.5", "NaN", "+Inf", "x", ""])
def test_what_is_no_word_of_a_root_is_said_and_is_no_damage(samples: Samples, value: str) -> None:
    samples.scrape(END, head(5))
    for labels, rows in samples.series.items():
        if ("word", "4") in labels or ("word", "2") in labels:
            rows[0] = (rows[0][0], value)
    with pytest.raises(UsageError, match="keeps raw samples"):
        heads(samples)


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (200, b"", "no answer of a Prometheus"),
        (200, b"<html>", "no answer of a Prometheus"),
        (200, b"[]", "no answer of a Prometheus"),
        (200, b'{"status":"success","data":{}}', "no answer of a Prometheus"),
        (200, b'{"status":"success","data":{"result":{}}}', "cannot be read"),
        (200, b'{"status":"success","data":{"result":[1]}}', "cannot be read"),
        (200, b'{"status":"success","data":{"result":[{"metric":1,"values":[[1]]}]}}', "cannot be read"),
        (200, b"[" * 100_000, "no answer of a Prometheus"),
        (422, b'{"status":"error","error":"too many\\u001b[2Jsamples"}', r"refuses \(status 422\): too many\\x1b"),
        (404, b"nothing here", r"no answer of a Prometheus \(status 404\)"),
    ],
)
def test_what_is_no_answer_of_a_prometheus_is_said(samples: Samples, status: int, body: bytes, why: str) -> None:
    samples.instead = (status, body)
    with pytest.raises(UnreachableError, match=why):
        heads(samples)


# --- a real one ---------------------------------------------------------------------------------------------------


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, signer=SIGNER, now=datetime.now(UTC) - timedelta(hours=1))


@pytest.fixture
def metrics() -> Iterator[tuple[Metrics, int]]:
    metrics = Metrics("1.2.3")
    running = HttpEndpoint("127.0.0.1", 0, metrics)
    running.start()
    yield metrics, running.address[1]
    running.stop()


@pytest.fixture
def prometheus(metrics: tuple[Metrics, int], tmp_path: Path) -> Iterator[str]:
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed")
    job = {"job_name": "retentiond", "static_configs": [{"targets": [f"127.0.0.1:{metrics[1]}"]}]}
    config = {"global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"}, "scrape_configs": [job]}
    (tmp_path / "prometheus.yml").write_text(json.dumps(config))
    address = f"127.0.0.1:{free_port()}"
    command = [
        "prometheus",
        f"--config.file={tmp_path}/prometheus.yml",
        f"--storage.tsdb.path={tmp_path}/tsdb",
        f"--web.listen-address={address}",
    ]
    with (tmp_path / "prometheus.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        yield f"http://{address}"
        process.terminate()
        process.wait(timeout=30)


def until(done: Callable[[], bool]) -> None:
    for _ in range(300):
        if done():
            return
        time.sleep(0.1)
    pytest.fail("it never came to be")


@pytest.mark.system
def test_a_real_prometheus_tells_a_rollback_and_a_trail_written_anew(
    desk: Desk, metrics: tuple[Metrics, int], prometheus: str
) -> None:
    published, seen = metrics[0], set[int]()
    before: list[tuple[Path, bytes]] = []

    def scraped() -> bool:
        span = Span(origin=ORIGIN, begin=datetime.now(UTC) - timedelta(hours=2), end=datetime.now(UTC))
        try:
            return seen <= {known.size for known in scraped_heads(prometheus, span)}
        except (UsageError, UnreachableError):
            return False

    for number in range(3):
        if number == 1:
            before = [(path, path.read_bytes()) for path in [desk.disk.path / "checkpoint", *desk.disk.files()]]
        with desk.disk.open() as trail:
            trail.append([])
            newest = trail.head()
        seen.add(newest.size)
        published.publish(replace(a_snapshot(), head=newest))
        until(scraped)
    whole = desk.run("audit", "verify", "--prometheus", prometheus)
    assert "the audit trail is whole: 3 records" in whole
    assert "scraped 3 heads of up to 3 records" in whole
    assert "could have written it anew" not in whole

    for path, data in before:  # a snapshot of the machine is restored
        path.write_bytes(data)
    assert desk.ask("audit", "verify")["size"] == 1
    said = desk.run("audit", "verify", "--prometheus", prometheus, status=65)
    assert "1 records are there, and Prometheus (scraped" in said
    desk.disk.fill(4)  # it goes on from there, with the key, and so contradicts itself
    assert desk.ask("audit", "verify")["size"] > 3
    said = desk.run("audit", "verify", "--prometheus", prometheus, status=65)
    assert "the first 2 records are not those that Prometheus (scraped" in said
    assert "the first 1 are, by Prometheus" in said
