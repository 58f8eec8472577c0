"""A real Prometheus reads the endpoint."""

import json
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retentiond.domain.root_words import root_of_words
from retentiond.observe.http import HttpEndpoint
from retentiond.observe.metrics import Metrics
from tests.unit.observe.builders import ROOT, a_snapshot, a_stream

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed"),
]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture
def endpoint() -> Iterator[HttpEndpoint]:
    metrics = Metrics("1.2.3")
    metrics.publish(a_snapshot())
    metrics.deleted(a_stream(), late_s=0.3, size_bytes=1000, seq=4711, approved=False)
    running = HttpEndpoint("127.0.0.1", 0, metrics)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def prometheus(endpoint: HttpEndpoint, tmp_path: Path) -> Iterator[str]:
    host, port = endpoint.address
    config = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": "retentiond", "static_configs": [{"targets": [f"{host}:{port}"]}]}],
    }
    (tmp_path / "prometheus.yml").write_text(json.dumps(config))
    address = f"127.0.0.1:{free_port()}"
    command = [
        "prometheus",
        f"--config.file={tmp_path}/prometheus.yml",
        f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address={address}",
        "--enable-feature=exemplar-storage",
    ]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        yield f"http://{address}"
        process.terminate()
        process.wait(timeout=30)


def ask(base: str, path: str, **parameters: str) -> Any:
    with urllib.request.urlopen(f"{base}{path}?{urllib.parse.urlencode(parameters)}", timeout=5) as answer:
        return json.load(answer)["data"]


def eventually(base: str, path: str, **parameters: str) -> Any:
    last: Any = None
    for _ in range(150):
        try:
            last = ask(base, path, **parameters)
        except OSError as error:
            last = error
        else:
            if last and (not isinstance(last, dict) or last["result"]):
                return last
        time.sleep(0.2)
    pytest.fail(f"{path} {parameters} gave {last!r}")


def query(base: str, expression: str) -> list[Any]:
    result: list[Any] = eventually(base, "/api/v1/query", query=expression)["result"]
    return result


def test_prometheus_scrapes_gauges_roots_and_exemplars(prometheus: str) -> None:
    [up] = query(prometheus, 'up{job="retentiond"} == 1')
    assert up["value"][1] == "1"
    [overdue] = query(prometheus, "retentiond_overdue")
    assert overdue["value"][1] == "0"
    words = {item["metric"]["word"]: int(item["value"][1]) for item in query(prometheus, "retentiond_audit_root_word")}
    assert root_of_words([words[str(index)] for index in range(5)]) == ROOT
    now = time.time()
    [series] = eventually(
        prometheus,
        "/api/v1/query_exemplars",
        query="retentiond_recordings_deleted_total",
        start=str(now - 600),
        end=str(now + 600),
    )
    assert series["exemplars"][0]["labels"] == {"audit_seq": "4711"}
