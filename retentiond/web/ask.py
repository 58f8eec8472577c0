"""Asking another machine over HTTP, within limits of time and memory that it cannot stretch.

Only addresses that a person wrote are asked. No proxy of the environment is used, no redirect is followed and no
credential is sent. A certificate of TLS has to be good.
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from retentiond.domain.errors import UnreachableError, UsageError

_BLOCK = 65_536


@dataclass(frozen=True, slots=True)
class Limits:
    """How long an answer may take, from the look-up of the name to its last byte, and how long it may be."""

    seconds: float = 10.0
    size_bytes: int = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of whom. `roots` are certificates (PEM) that vouch for it instead of the system's."""

    url: str
    method: str = "GET"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    roots: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever the status says."""

    status: int
    content_type: str
    body: bytes


def checked_url(url: str) -> str:
    """Return `url` if it can be asked: http or https, a host, and neither user, password nor fragment.

    Raises:
        UsageError: it cannot.
    """
    _split(url)
    return url


def ask(question: Question, limits: Limits) -> Answer:
    """Ask once.

    Raises:
        UsageError: the address cannot be asked.
        UnreachableError: nothing that can be understood came within the limits.
    """
    parts = _split(question.url)
    where = parts.netloc
    try:
        with _connected(parts, limits, question.roots) as connection:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            headers = {"Connection": "close", "User-Agent": "retentiond", **question.headers}
            connection.request(question.method, target, body=question.body or None, headers=headers)
            with closing(connection.getresponse()) as response:
                body = _read(response, limits.size_bytes)
    except TimeoutError as error:
        raise UnreachableError(f"{where}: no whole answer within {limits.seconds:g} s") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UnreachableError(f"{where}: no answer ({_reason(error)})") from error
    if body is None:
        raise UnreachableError(f"{where}: its answer is longer than {limits.size_bytes} bytes")
    return Answer(response.status, response.headers.get_content_type(), body)


def _split(url: str) -> SplitResult:
    what = f"{url[:200]!r}: write an address such as http://127.0.0.1:9090"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise UsageError(what) from error
    if not usable or not url.isascii() or not url.isprintable() or " " in url:
        raise UsageError(what)
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise UsageError(f"{parts.hostname}: an address here has no user, password or fragment; leave them out")
    return parts


@contextmanager
def _connected(parts: SplitResult, limits: Limits, roots: str) -> Iterator[http.client.HTTPConnection]:
    """Connect; whatever is under way when the time is over ends with TimeoutError."""
    deadline = time.monotonic() + limits.seconds
    over = threading.Event()
    opened: list[socket.socket] = []

    def cut() -> None:
        over.set()
        for each in opened:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(limits.seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or _port(parts))
        connection.sock = _open(parts, deadline, opened, roots)
        if over.is_set():
            raise TimeoutError
        yield connection
        if over.is_set():  # an answer without a length looks whole where we cut it
            raise TimeoutError
    except (OSError, http.client.HTTPException, ValueError) as error:
        if over.is_set():
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()
        for each in opened:
            each.close()


def _open(parts: SplitResult, deadline: float, opened: list[socket.socket], roots: str) -> socket.socket:
    """Return a connected socket; every one that is opened is put into `opened`, so that it can be cut."""
    plain = _reach(parts, deadline)
    if parts.scheme == "http":
        opened.append(plain)
        return plain
    try:
        context = ssl.create_default_context(cadata=roots or None)
        secure = context.wrap_socket(plain, server_hostname=parts.hostname, do_handshake_on_connect=False)
    except OSError:
        plain.close()
        raise
    opened.append(secure)
    secure.do_handshake()
    return secure


def _reach(parts: SplitResult, deadline: float) -> socket.socket:
    """Try each address of the host in turn, as long as there is time."""
    found = socket.getaddrinfo(parts.hostname, parts.port or _port(parts), type=socket.SOCK_STREAM)
    failure: OSError = OSError("the name has no address")
    for family, kind, protocol, _, address in found:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        attempt = socket.socket(family, kind, protocol)
        attempt.settimeout(left)
        try:
            attempt.connect(address)
        except OSError as error:
            attempt.close()
            failure = error
        else:
            return attempt
    raise failure


def _port(parts: SplitResult) -> int:
    return 443 if parts.scheme == "https" else 80


def _read(response: http.client.HTTPResponse, limit: int) -> bytes | None:
    """Return the body, None if it is longer than `limit`."""
    body = bytearray()
    while block := response.read(_BLOCK):
        body += block
        if len(body) > limit:
            return None
    if response.length:
        raise http.client.IncompleteRead(bytes(body[-1:]), response.length)
    return bytes(body)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)[:200] or type(error).__name__
