"""The HTTP endpoint, over real connections."""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from retentiond.domain.errors import ConfigurationError, TryAgainError
from retentiond.domain.finding import FindingKind, finding
from retentiond.observe.http import HttpEndpoint
from retentiond.observe.metrics import Metrics
from retentiond.web.serve import CONNECTIONS
from tests.unit.observe.builders import a_snapshot, a_store_status


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("1.2.3")


@pytest.fixture
def endpoint(metrics: Metrics) -> Iterator[HttpEndpoint]:
    running = HttpEndpoint("127.0.0.1", 0, metrics)
    running.start()
    yield running
    running.stop()


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()


def request(endpoint: HttpEndpoint, path: str, method: str = "GET", **headers: str) -> Answer:
    connection = http.client.HTTPConnection(*endpoint.address, timeout=5)
    try:
        connection.request(method, path, headers=headers)
        return Answer(connection.getresponse())
    finally:
        connection.close()


def raw(endpoint: HttpEndpoint, data: bytes) -> bytes:
    """Send bytes as they are and return everything that comes back, even if the server stops reading."""
    with socket.create_connection(endpoint.address, timeout=5) as connection:
        received = b""
        try:
            connection.sendall(data)
            while part := connection.recv(65536):
                received += part
        except ConnectionError:
            pass
        return received


def silent(endpoint: HttpEndpoint, count: int) -> list[socket.socket]:
    return [socket.create_connection(endpoint.address, timeout=5) for _ in range(count)]


def test_metrics_come_as_text_or_openmetrics_as_asked(endpoint: HttpEndpoint) -> None:
    plain = request(endpoint, "/metrics")
    assert plain.status == 200
    assert plain.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert b"retentiond_build_info" in plain.body
    modern = request(endpoint, "/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert modern.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert modern.body.endswith(b"# EOF\n")


def test_healthy_from_the_start_and_ready_after_the_first_scan(endpoint: HttpEndpoint, metrics: Metrics) -> None:
    assert request(endpoint, "/-/healthy").status == 200
    assert request(endpoint, "/-/ready").status == 503
    metrics.publish(a_snapshot(stores=(a_store_status(last_scan=None),)))
    assert request(endpoint, "/-/ready").status == 503
    metrics.publish(a_snapshot())
    assert request(endpoint, "/-/ready").status == 200


def test_the_status_is_json_and_unknown_before_the_first_snapshot(endpoint: HttpEndpoint, metrics: Metrics) -> None:
    early = request(endpoint, "/api/status")
    assert (early.status, json.loads(early.body)["schema"]) == (503, "retentiond.status/1")
    metrics.publish(a_snapshot())
    answer = request(endpoint, "/api/status?pretty")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert json.loads(answer.body)["audit"]["size"] == 42


@pytest.mark.parametrize("path", ["/", "/api/status", "/metrics"])
def test_no_path_and_no_name_of_a_person_is_served(endpoint: HttpEndpoint, metrics: Metrics, path: str) -> None:
    secret = "store 'main' is not there: [Errno 5] '/srv/Jane Doe/x.mp4'"
    metrics.publish(a_snapshot(findings=(finding(FindingKind.STORE_ABSENT, "main", secret, secret),)))
    body = request(endpoint, path).body
    assert b"store_absent" in body
    assert b"Jane" not in body
    assert b"/srv" not in body


def test_the_page_runs_no_script_and_may_not_be_framed(endpoint: HttpEndpoint, metrics: Metrics) -> None:
    metrics.publish(a_snapshot())
    answer = request(endpoint, "/")
    assert answer.status == 200
    assert answer.body.startswith(b"<!DOCTYPE html>")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


def test_no_answer_names_the_software_that_gave_it(endpoint: HttpEndpoint) -> None:
    for path in ("/", "/metrics", "/nothing"):
        assert "Server" not in request(endpoint, path).headers


def test_head_gives_the_length_and_no_body(endpoint: HttpEndpoint) -> None:
    answer = request(endpoint, "/-/healthy", "HEAD")
    assert answer.status == 200
    assert answer.body == b""
    assert int(answer.headers["Content-Length"]) == len(request(endpoint, "/-/healthy").body)
    assert raw(endpoint, b"HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").endswith(b"\r\n\r\n")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "GET-ALL"])
def test_nothing_can_be_changed(endpoint: HttpEndpoint, method: str) -> None:
    answer = request(endpoint, "/delete", method)
    assert answer.status == 405
    assert answer.headers["Allow"] == "GET, HEAD"


def test_a_client_may_finish_sending_a_body_that_nobody_wants(endpoint: HttpEndpoint) -> None:
    def slowly() -> Iterator[bytes]:
        for _ in range(4):
            yield b"x" * 10_000
            time.sleep(0.1)

    connection = http.client.HTTPConnection(*endpoint.address, timeout=5)
    connection.request("POST", "/delete", body=slowly(), headers={"Content-Length": "40000"})
    assert connection.getresponse().status == 405
    connection.close()


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:9723",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "192.168.1.5",
        "",
        "[::2]",
    ],
)
def test_a_foreign_host_is_refused(endpoint: HttpEndpoint, host: str) -> None:
    for path in ("/", "/metrics", "/api/status"):
        assert request(endpoint, path, Host=host).status == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.0.0.1:9723", "[::1]:9723", "127.8.8.8"])
def test_every_name_of_this_machine_is_admitted(endpoint: HttpEndpoint, host: str) -> None:
    assert request(endpoint, "/-/healthy", Host=host).status == 200


@pytest.mark.parametrize("hosts", [b"", b"Host: localhost\r\nHost: evil.example\r\n"])
def test_none_or_two_hosts_are_refused(endpoint: HttpEndpoint, hosts: bytes) -> None:
    assert raw(endpoint, b"GET / HTTP/1.1\r\n" + hosts + b"\r\n").startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "data",
    [
        b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 9000 + b"\r\n\r\n",
        b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 2000 + b"\r\n",
        b"GET /" + b"a" * 200_000,
    ],
)
def test_a_head_beyond_8_kib_is_refused(endpoint: HttpEndpoint, data: bytes) -> None:
    assert raw(endpoint, data).startswith(b"HTTP/1.1 431 ")


def test_a_client_that_never_stops_sending_is_cut_off(endpoint: HttpEndpoint) -> None:
    with socket.create_connection(endpoint.address, timeout=5) as connection, pytest.raises(ConnectionError):
        for _ in range(1024):
            connection.sendall(b"x" * 65_536)
    assert request(endpoint, "/-/healthy").status == 200


@pytest.mark.parametrize(
    "data",
    [
        b"\0\1\2\3\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/x\r\nHost: localhost\r\n\r\n",
        b"GET\r\n\r\n",
        b"<script> /<script> x\r\n\r\n",
    ],
)
def test_garbage_gets_an_error_that_repeats_nothing_of_it(endpoint: HttpEndpoint, data: bytes) -> None:
    answer = raw(endpoint, data)
    assert answer.split(b" ")[1][:1] in {b"4", b"5"}
    assert b"script" not in answer
    assert b"Traceback" not in answer
    assert request(endpoint, "/-/healthy").status == 200


@pytest.mark.parametrize(
    "path", [b"/nothing", b"/metrics/", b"/../metrics", b"http://evil.example/metrics", b"/%2e", b"*"]
)
def test_other_paths_are_not_there(endpoint: HttpEndpoint, path: bytes) -> None:
    assert raw(endpoint, b"GET " + path + b" HTTP/1.1\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 404 ")


def test_a_silent_client_blocks_nobody(endpoint: HttpEndpoint) -> None:
    clients = silent(endpoint, CONNECTIONS - 1)
    assert request(endpoint, "/metrics").status == 200
    for client in clients:
        client.close()


def test_more_connections_than_16_are_turned_away_at_once(endpoint: HttpEndpoint) -> None:
    clients = silent(endpoint, CONNECTIONS)
    assert raw(endpoint, b"").startswith(b"HTTP/1.1 503 ")
    for client in clients:
        client.close()
    _wait_until_served(endpoint)


def _wait_until_served(endpoint: HttpEndpoint) -> None:
    for _ in range(100):
        if request(endpoint, "/-/healthy").status == 200:
            return
        time.sleep(0.02)
    pytest.fail("the places of clients that left were never free again")


def test_a_silent_client_is_cut_off_in_time(endpoint: HttpEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retentiond.web.serve.TIMEOUT_S", 0.3)
    with socket.create_connection(endpoint.address, timeout=5) as connection:
        assert connection.recv(1) == b""


def test_a_client_that_trickles_is_cut_off_in_time(endpoint: HttpEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retentiond.web.serve.TIMEOUT_S", 0.5)
    with socket.create_connection(endpoint.address, timeout=5) as connection, pytest.raises(ConnectionError):
        for _ in range(50):  # each byte well within the time that one may take
            connection.sendall(b"x")
            time.sleep(0.1)


class Broken(Metrics):
    def expose(self, accept: str) -> Any:
        raise KeyError("/srv/recordings/secret.mp4")


def test_a_bug_shows_no_trace_to_the_client_and_ends_nothing() -> None:
    endpoint = HttpEndpoint("127.0.0.1", 0, Broken("1.2.3"))
    endpoint.start()
    answer = request(endpoint, "/metrics")
    assert (answer.status, answer.body) == (500, b"")
    assert request(endpoint, "/-/healthy").status == 200
    endpoint.stop()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "nvr.example", ""])
def test_an_address_beyond_this_machine_is_refused_without_tls(host: str, metrics: Metrics) -> None:
    with pytest.raises(ConfigurationError, match=r"TLS.*127\.0\.0\.1"):
        HttpEndpoint(host, 0, metrics).start()


def test_a_port_that_is_taken_is_told(endpoint: HttpEndpoint, metrics: Metrics) -> None:
    host, port = endpoint.address
    with pytest.raises(TryAgainError, match=str(port)):
        HttpEndpoint(host, port, metrics).start()


def test_localhost_and_ipv6_may_be_listened_on(metrics: Metrics) -> None:
    for host in ("localhost", "::1"):
        endpoint = HttpEndpoint(host, 0, metrics)
        endpoint.start()
        assert request(endpoint, "/-/healthy").status == 200
        endpoint.stop()


def test_stopping_ends_open_connections_and_may_be_repeated(metrics: Metrics) -> None:
    endpoint = HttpEndpoint("127.0.0.1", 0, metrics)
    endpoint.start()
    address = endpoint.address
    [client] = silent(endpoint, 1)
    time.sleep(0.1)
    endpoint.stop()
    endpoint.stop()
    assert client.recv(1) == b""
    client.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=1)
