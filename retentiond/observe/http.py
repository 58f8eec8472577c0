"""The HTTP endpoint: reading only, on this machine only, and no client can block another.

Own code on the standard library's request parser, because `start_http_server` of the metrics library reads without a
time limit. A request is read whole, within 10 s and 8 KiB, before anything looks at it; each connection serves one.
"""

import http.server
import io
import ipaddress
import json
import socket
import socketserver
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from errno import EADDRINUSE
from functools import partial
from http import HTTPStatus
from typing import Any, TypeAlias

import structlog

from retentiond.domain.errors import ConfigurationError, RetentiondError, TryAgainError
from retentiond.observe.discretion import for_everybody
from retentiond.observe.metrics import Metrics
from retentiond.observe.page import STYLE_SOURCE, render_page
from retentiond.observe.status import SCHEMA, is_ready, status_json

TIMEOUT_S = 10.0
HEAD_LIMIT = 8 * 1024
CONNECTIONS = 16

_Connection: TypeAlias = Any
_Peer: TypeAlias = Any
"""socketserver types both as unions with what only a datagram server meets."""

_DRAIN_LIMIT = 256 * 1024
_DRAIN_S = 1.0
_TEXT = "text/plain; charset=utf-8"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"default-src 'none'; style-src {STYLE_SOURCE}; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class HttpEndpoint:
    """Serves metrics, health and status of `metrics` on `host`:`port`; port 0 takes a free one."""

    def __init__(self, host: str, port: int, metrics: Metrics) -> None:
        self._host = host
        self._port = port
        self._site = _Site(metrics, frozenset({host.lower()}))
        self._server: _Server | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens; the port is the real one once started."""
        if self._server is None:
            return self._host, self._port
        host, port = self._server.socket.getsockname()[:2]
        return str(host), int(port)

    def start(self) -> None:
        """Listen, and serve from threads of its own.

        Raises:
            ConfigurationError: the address is not this machine's loopback, or cannot be listened on.
            TryAgainError: another program listens there.
        """
        server = _Server(_loopback(self._host), self._port, self._site)
        try:
            server.server_bind()
            server.server_activate()
        except OSError as error:
            server.server_close()
            raise self._refused(error) from error
        self._server = server
        threading.Thread(target=server.serve_forever, args=(0.05,), name="http", daemon=True).start()

    def stop(self) -> None:
        """Stop listening and end open connections. Does nothing if not started."""
        if self._server is not None:
            self._server.end()
            self._server = None

    def _refused(self, error: OSError) -> RetentiondError:
        where = f"http listen {self._host}:{self._port}"
        if error.errno == EADDRINUSE:
            return TryAgainError(f"{where}: another program listens there; stop it or choose another port")
        return ConfigurationError(f"{where}: {error.strerror}; write an address of this machine, as 127.0.0.1:9723")


def _loopback(host: str) -> str:
    """Return the loopback address that `host` is. Others need TLS, which this endpoint does not speak (case 59)."""
    if host.lower() == "localhost":
        return "127.0.0.1"
    if not _is_loopback(host):
        raise ConfigurationError(
            f"http listen {host}: reaches beyond this machine without TLS; listen on 127.0.0.1 or ::1 and put a"
            " reverse proxy or an SSH tunnel before it"
        )
    return host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class _Answer:
    status: HTTPStatus
    body: bytes
    content_type: str = _TEXT


def _plain(status: HTTPStatus, text: str) -> _Answer:
    return _Answer(status, text.encode() + b"\n")


class _Site:
    """What is behind the paths."""

    def __init__(self, metrics: Metrics, listens_on: frozenset[str]) -> None:
        self._metrics = metrics
        self._listens_on = listens_on

    def admits(self, host_header: str) -> bool:
        """Tell whether a request is meant for this machine; a browser lured by DNS rebinding names another."""
        name = host_header.strip().lower()
        bare = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
        return bare == "localhost" or bare in self._listens_on or _is_loopback(bare)

    def answer(self, path: str, accept: str) -> _Answer:
        match path:
            case "/metrics":
                return _Answer(HTTPStatus.OK, *self._metrics.expose(accept))
            case "/-/healthy":
                return _plain(HTTPStatus.OK, "retentiond is healthy.")
            case "/-/ready":
                return self._readiness()
            case "/":
                page = render_page(self._metrics.snapshot).encode("utf-8", "backslashreplace")
                return _Answer(HTTPStatus.OK, page, "text/html; charset=utf-8")
            case "/api/status":
                return self._status()
            case _:
                return _plain(HTTPStatus.NOT_FOUND, "There is nothing here.")

    def _readiness(self) -> _Answer:
        snapshot = self._metrics.snapshot
        if snapshot is None or not is_ready(snapshot):
            return _plain(HTTPStatus.SERVICE_UNAVAILABLE, "The first scan is not complete.")
        return _plain(HTTPStatus.OK, "retentiond is ready.")

    def _status(self) -> _Answer:
        snapshot = self._metrics.snapshot
        if snapshot is None:
            return _json(HTTPStatus.SERVICE_UNAVAILABLE, {"schema": SCHEMA, "error": "no snapshot is taken yet"})
        return _json(HTTPStatus.OK, status_json(for_everybody(snapshot)))


def _json(status: HTTPStatus, fields: dict[str, Any]) -> _Answer:
    return _Answer(status, json.dumps(fields).encode() + b"\n", "application/json")


class _Server(socketserver.ThreadingTCPServer):
    """A thread for each connection, 16 at most; more are turned away at once."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, host: str, port: int, site: _Site) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._live: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__((host, port), partial(_Request, site), bind_and_activate=False)

    def process_request(self, request: _Connection, client_address: _Peer) -> None:
        with self._changed:
            full = len(self._live) >= CONNECTIONS
            if not full:
                self._live.add(request)
        if full:
            _refuse(request, HTTPStatus.SERVICE_UNAVAILABLE)
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def shutdown_request(self, request: _Connection) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._live.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: _Connection, client_address: _Peer) -> None:  # noqa: ARG002  never shown
        """Say where a bug is, in the log; the client learns nothing of it, and nobody learns the client's address."""
        error = sys.exception()
        if isinstance(error, OSError):
            return  # the client went away
        structlog.stdlib.get_logger(__name__).error("http request failed", exc_info=error)
        _refuse(request, HTTPStatus.INTERNAL_SERVER_ERROR)

    def end(self) -> None:
        self.shutdown()
        with self._changed:
            for connection in self._live:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self._changed.wait_for(lambda: not self._live, timeout=2)
        self.server_close()


def _refuse(connection: socket.socket, status: HTTPStatus) -> None:
    line = f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    with suppress(OSError):
        connection.settimeout(_DRAIN_S)
        connection.sendall(line.encode())


class _Request(http.server.BaseHTTPRequestHandler):
    """One connection, one request, one answer."""

    protocol_version = "HTTP/1.1"
    request_version = default_request_version = "HTTP/1.1"  # never 0.9, whose answers have no status
    timeout = TIMEOUT_S
    rbufsize = 0
    command = ""

    def __init__(
        self, site: _Site, request: _Connection, client_address: _Peer, server: socketserver.BaseServer
    ) -> None:
        self._site = site
        super().__init__(request, client_address, server)

    def handle(self) -> None:
        self.close_connection = True
        head = self._read_head()
        if head is None:
            return
        if len(head) > HEAD_LIMIT:
            self._send(_plain(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request is longer than 8 KiB."))
            self._drain()
            return
        self.rfile.close()
        self.rfile = io.BytesIO(head)
        self.raw_requestline = self.rfile.readline()
        if self.parse_request():
            self._send(self._answer())
        self._drain()

    def _answer(self) -> _Answer:
        if self.command not in {"GET", "HEAD"}:
            return _plain(HTTPStatus.METHOD_NOT_ALLOWED, "Nothing can be changed here; use GET or HEAD.")
        hosts = self.headers.get_all("Host", [])
        if len(hosts) != 1:
            return _plain(HTTPStatus.BAD_REQUEST, "One Host header is needed.")
        if not self._site.admits(hosts[0]):
            return _plain(HTTPStatus.FORBIDDEN, "The Host header names another machine.")
        return self._site.answer(self.path.partition("?")[0], self.headers.get("Accept", ""))

    def _read_head(self) -> bytes | None:
        """Return all that came up to the empty line or beyond the limit, None if that takes too long or ends early."""
        deadline = time.monotonic() + TIMEOUT_S
        head = bytearray()
        while len(head) <= HEAD_LIMIT and b"\r\n\r\n" not in head and b"\n\n" not in head:
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            self.connection.settimeout(left)
            part = self.connection.recv(4096)
            if not part:
                return None
            head += part
        self.connection.settimeout(TIMEOUT_S)
        return bytes(head)

    def _send(self, answer: _Answer) -> None:
        self.send_response_only(answer.status)
        self.send_header("Date", self.date_time_string())
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        self.send_header("Connection", "close")
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    def _drain(self) -> None:
        """Read away what the client still sends, within limits: closing before it would reset the answer as well."""
        deadline = time.monotonic() + _DRAIN_S
        self.connection.shutdown(socket.SHUT_WR)
        self.connection.settimeout(_DRAIN_S)
        drained = 0
        while drained < _DRAIN_LIMIT and time.monotonic() < deadline:
            part = self.connection.recv(65536)
            if not part:
                return
            drained += len(part)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Answer a request that cannot be parsed, without repeating any of it."""
        self._send(_plain(HTTPStatus(code), HTTPStatus(code).phrase))

    def handle_expect_100(self) -> bool:
        return True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the base class's
        """Log nothing: clients' addresses are personal data."""
