"""The HTTP endpoint: metrics, health and status, reading only and on this machine only (limits: `web.serve`)."""

import ipaddress
import json
from http import HTTPStatus
from typing import Any

from retentiond.domain.errors import ConfigurationError
from retentiond.observe.discretion import for_everybody
from retentiond.observe.metrics import Metrics
from retentiond.observe.page import STYLE_SOURCE, render_page
from retentiond.observe.status import SCHEMA, is_ready, status_json
from retentiond.web.serve import Answer, HttpServer, Request, plain

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
        self._server: HttpServer | None = None

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens; the port is the real one once started."""
        return (self._host, self._port) if self._server is None else self._server.address

    def start(self) -> None:
        """Listen, and serve from threads of its own.

        Raises:
            ConfigurationError: the address is not this machine's loopback, or cannot be listened on.
            TryAgainError: another program listens there.
        """
        server = HttpServer(_loopback(self._host), self._port, self._site, called="http listen")
        server.start()
        self._server = server

    def stop(self) -> None:
        """Stop listening and end open connections. Does nothing if not started."""
        if self._server is not None:
            self._server.stop()
            self._server = None


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


class _Site:
    """What is behind the paths."""

    body_limit = 0
    headers = _HEADERS

    def __init__(self, metrics: Metrics, listens_on: frozenset[str]) -> None:
        self._metrics = metrics
        self._listens_on = listens_on

    def answer(self, request: Request) -> Answer:
        if request.method not in {"GET", "HEAD"}:
            text = "Nothing can be changed here; use GET or HEAD."
            return plain(HTTPStatus.METHOD_NOT_ALLOWED, text, Allow="GET, HEAD")
        hosts = request.headers.get_all("Host", [])
        if len(hosts) != 1:
            return plain(HTTPStatus.BAD_REQUEST, "One Host header is needed.")
        if not self._admits(hosts[0]):
            return plain(HTTPStatus.FORBIDDEN, "The Host header names another machine.")
        return self._at(request.path, request.headers.get("Accept", ""))

    def _admits(self, host_header: str) -> bool:
        """Tell whether a request is meant for this machine; a browser lured by DNS rebinding names another."""
        name = host_header.strip().lower()
        bare = name[1:].partition("]")[0] if name.startswith("[") else name.partition(":")[0]
        return bare == "localhost" or bare in self._listens_on or _is_loopback(bare)

    def _at(self, path: str, accept: str) -> Answer:
        match path:
            case "/metrics":
                return Answer(HTTPStatus.OK, *self._metrics.expose(accept))
            case "/-/healthy":
                return plain(HTTPStatus.OK, "retentiond is healthy.")
            case "/-/ready":
                return self._readiness()
            case "/":
                page = render_page(self._metrics.snapshot).encode("utf-8", "backslashreplace")
                return Answer(HTTPStatus.OK, page, "text/html; charset=utf-8")
            case "/api/status":
                return self._status()
            case _:
                return plain(HTTPStatus.NOT_FOUND, "There is nothing here.")

    def _readiness(self) -> Answer:
        snapshot = self._metrics.snapshot
        if snapshot is None or not is_ready(snapshot):
            return plain(HTTPStatus.SERVICE_UNAVAILABLE, "The first scan is not complete.")
        return plain(HTTPStatus.OK, "retentiond is ready.")

    def _status(self) -> Answer:
        snapshot = self._metrics.snapshot
        if snapshot is None:
            return _json(HTTPStatus.SERVICE_UNAVAILABLE, {"schema": SCHEMA, "error": "no snapshot is taken yet"})
        return _json(HTTPStatus.OK, status_json(for_everybody(snapshot)))


def _json(status: HTTPStatus, fields: dict[str, Any]) -> Answer:
    return Answer(status, json.dumps(fields).encode() + b"\n", "application/json")
