"""Being asked over HTTP: a request is read whole, within 10 s and its limits, before anything looks at it.

Own code on the standard library's request parser, because its servers and those of the metrics library read without a
time limit, and one silent client blocks all others. Each connection serves one request.
"""

import http.server
import io
import re
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from errno import EADDRINUSE
from functools import partial
from http import HTTPStatus
from typing import Any, Protocol, TypeAlias

import structlog

from retentiond.domain.errors import ConfigurationError, RetentiondError, TryAgainError

TIMEOUT_S = 10.0
HEAD_LIMIT = 8 * 1024
CONNECTIONS = 16
TEXT = "text/plain; charset=utf-8"

_Connection: TypeAlias = Any
_Peer: TypeAlias = Any
"""socketserver types both as unions with what only a datagram server meets."""

_DRAIN_LIMIT = 256 * 1024
_DRAIN_S = 1.0
_BLOCK = 65_536
_LENGTH = re.compile(r"[0-9]{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked: the path without what follows a `?`, and a body of no more than the site takes."""

    method: str
    path: str
    headers: Message
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered."""

    status: HTTPStatus
    body: bytes
    content_type: str = TEXT
    headers: Mapping[str, str] = field(default_factory=dict)


def plain(status: HTTPStatus, text: str, **headers: str) -> Answer:
    """Return an answer of one line of text."""
    return Answer(status, text.encode() + b"\n", headers=headers)


class Site(Protocol):
    """What is behind a server. Used from several threads at once."""

    @property
    def body_limit(self) -> int:
        """How long the body of a request may be; 0 where none is read."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """What every answer bears."""
        ...

    def answer(self, request: Request) -> Answer:
        """Answer a request."""
        ...


class HttpServer:
    """Serves a site on `host`:`port` from threads of its own; port 0 takes a free one."""

    def __init__(self, host: str, port: int, site: Site, *, called: str) -> None:
        self._host = host
        self._port = port
        self._site = site
        self._called = called
        self._server: _Server | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens; the port is the real one once started."""
        if self._server is None:
            return self._host, self._port
        host, port = self._server.socket.getsockname()[:2]
        return str(host), int(port)

    def start(self) -> None:
        """Listen.

        Raises:
            ConfigurationError: the address cannot be listened on.
            TryAgainError: another program listens there.
        """
        server = _Server(self._host, self._port, self._site)
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
        where = f"{self._called} {self._host}:{self._port}"
        if error.errno == EADDRINUSE:
            return TryAgainError(f"{where}: another program listens there; stop it or choose another port")
        return ConfigurationError(f"{where}: {error.strerror}; write an address of this machine, as 127.0.0.1:9723")


class _Server(socketserver.ThreadingTCPServer):
    """A thread for each connection, 16 at most; more are turned away at once."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, host: str, port: int, site: Site) -> None:
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


class _TooLateError(OSError):
    """The request did not come in time, or ended early. Nobody is there to hear of it."""


class _Request(http.server.BaseHTTPRequestHandler):
    """One connection, one request, one answer."""

    protocol_version = "HTTP/1.1"
    request_version = default_request_version = "HTTP/1.1"  # never 0.9, whose answers have no status
    timeout = TIMEOUT_S
    rbufsize = 0
    command = ""

    def __init__(
        self, site: Site, request: _Connection, client_address: _Peer, server: socketserver.BaseServer
    ) -> None:
        self._site = site
        super().__init__(request, client_address, server)

    def handle(self) -> None:
        self.close_connection = True
        deadline = time.monotonic() + TIMEOUT_S
        head = self._read_head(deadline)
        if len(head) > HEAD_LIMIT:
            self._send(plain(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The request is longer than 8 KiB."))
            self._drain()
            return
        self.rfile.close()
        self.rfile = io.BytesIO(head)
        self.raw_requestline = self.rfile.readline()
        if self.parse_request():
            self._send(self._answer(deadline))
        self._drain()

    def _answer(self, deadline: float) -> Answer:
        path = self.path.partition("?")[0]
        if self._site.body_limit == 0 or self.command in {"GET", "HEAD"}:
            return self._site.answer(Request(self.command, path, self.headers))
        lengths = self.headers.get_all("Content-Length", [])
        if len(lengths) != 1 or not _LENGTH.fullmatch(lengths[0]):
            return plain(HTTPStatus.LENGTH_REQUIRED, "One Content-Length header of at most 12 digits is needed.")
        length = int(lengths[0])
        if length > self._site.body_limit:
            return plain(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is longer than {self._site.body_limit} bytes.")
        body = self.rfile.read(length)  # what came with the head
        while len(body) < length:
            body += self._receive(deadline, length - len(body))
        return self._site.answer(Request(self.command, path, self.headers, body))

    def _read_head(self, deadline: float) -> bytes:
        """Return all that came up to the empty line, or beyond the limit."""
        head = b""
        while len(head) <= HEAD_LIMIT and b"\r\n\r\n" not in head and b"\n\n" not in head:
            head += self._receive(deadline, 4096)
        return head

    def _receive(self, deadline: float, most: int) -> bytes:
        left = deadline - time.monotonic()
        if left <= 0:
            raise _TooLateError
        self.connection.settimeout(left)
        part: bytes = self.connection.recv(min(most, _BLOCK))
        if not part:
            raise _TooLateError
        return part

    def _send(self, answer: Answer) -> None:
        self.connection.settimeout(TIMEOUT_S)
        self.send_response_only(answer.status)
        self.send_header("Date", self.date_time_string())
        for name, value in {**self._site.headers, **answer.headers}.items():
            self.send_header(name, value)
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
            part = self.connection.recv(_BLOCK)
            if not part:
                return
            drained += len(part)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Answer a request that cannot be parsed, without repeating any of it."""
        self._send(plain(HTTPStatus(code), HTTPStatus(code).phrase))

    def handle_expect_100(self) -> bool:
        return True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is the base class's
        """Log nothing: clients' addresses are personal data."""
