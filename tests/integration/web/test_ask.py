"""Asking another machine: whatever it does, the answer comes within the limits or an error does."""

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from retentiond.domain.errors import UnreachableError, UsageError
from retentiond.web.ask import Limits, Question, ask, checked_url
from tests.system.harness import free_port, needs

QUICK = Limits(seconds=0.5, size_bytes=1000)
Serve = Callable[[socket.socket], None]


@contextmanager
def server(serve: Serve, *, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Answer one connection after the other with `serve`, on loopback."""
    listening = socket.create_server(("127.0.0.1", 0))
    host, port = listening.getsockname()

    def work() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                with suppress(OSError), connection:
                    connection.settimeout(5)
                    if context is None:
                        serve(connection)
                        continue
                    with context.wrap_socket(connection, server_side=True) as secure:
                        serve(secure)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield f"{'http' if context is None else 'https'}://{host}:{port}"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(timeout=10)
        assert not thread.is_alive()


def head(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(4096)
        if not part:
            break
        data += part
    return data


def says(text: bytes) -> Serve:
    def serve(connection: socket.socket) -> None:
        head(connection)
        connection.sendall(text)

    return serve


def test_an_answer_is_what_came_whatever_its_status_says() -> None:
    said = b"HTTP/1.1 409 Conflict\r\nContent-Type: text/x.tlog.size; x=y\r\nContent-Length: 3\r\n\r\n42\n"
    with server(says(said)) as url:
        answer = ask(Question(url=f"{url}/add", method="POST", body=b"x"), QUICK)
    assert (answer.status, answer.content_type, answer.body) == (409, "text/x.tlog.size", b"42\n")


def test_what_is_asked_is_what_was_written_and_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    seen: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        seen.append(head(connection))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with server(serve) as url:
        ask(Question(url=f"{url}/a/b?c=d%20e", headers={"Content-Type": "x/y"}), QUICK)
    request, *headers = seen[0].decode().split("\r\n")[:-2]
    assert request == "GET /a/b?c=d%20e HTTP/1.1"
    names = {line.split(":")[0].lower() for line in headers}
    assert names == {"host", "accept-encoding", "connection", "user-agent", "content-type"}


def test_a_redirection_is_an_answer_and_not_followed() -> None:
    asked: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        asked.append(head(connection))
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")

    with server(serve) as url:
        assert ask(Question(url=url), QUICK).status == 302
    assert len(asked) == 1


def _drip(connection: socket.socket) -> None:
    head(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
    for _ in range(500):
        connection.sendall(b"x")
        time.sleep(0.1)


def _slow_head(connection: socket.socket) -> None:
    head(connection)
    for letter in b"HTTP/1.1 200 OK\r\n" * 20:
        connection.sendall(bytes([letter]))
        time.sleep(0.1)


def _endless(connection: socket.socket) -> None:
    head(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 65536)


@pytest.mark.parametrize(
    ("serve", "why"),
    [
        (_drip, "no whole answer within 0.5 s"),
        (_slow_head, "no whole answer within 0.5 s"),
        (lambda _: time.sleep(2), "no whole answer within 0.5 s"),
        (_endless, "longer than 1000 bytes"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001), "longer than 1000 bytes"),
        (says(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nshort"), "no answer"),
        (says(b"SSH-2.0-OpenSSH\r\n"), "no answer"),
        (says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300 + b"\r\n"), "no answer"),
        (says(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"), "no answer"),
        (says(b""), "no answer"),
        (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), "no answer"),
    ],
)
def test_an_answer_that_is_too_slow_too_long_or_none_is_an_error(serve: Serve, why: str) -> None:
    with server(serve) as url, pytest.raises(UnreachableError, match=why) as caught:
        ask(Question(url=f"{url}/secret-path"), QUICK)
    assert "secret-path" not in str(caught.value)


def test_where_nobody_listens_that_is_said() -> None:
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:\d+: no answer \(Connection refused\)"):
        ask(Question(url=f"http://127.0.0.1:{free_port()}"), QUICK)


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("openssl")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 2 -subj /CN=other"
    more = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command.split(), *more], cwd=tmp_path, capture_output=True, check=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert", tmp_path / "key")
    with server(says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), context=context) as url:
        with pytest.raises(UnreachableError, match="certificate verify failed"):
            ask(Question(url=url), Limits(5.0, 1000))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert"))
        assert ask(Question(url=url), Limits(5.0, 1000)).body == b"ok"
        with pytest.raises(UnreachableError, match="certificate"):
            ask(Question(url=url.replace("127.0.0.1", "localhost")), Limits(5.0, 1000))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:9090",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "http://",
        "http://127.0.0.1:0",
        "http://127.0.0.1:99999",
        "http://user:password@127.0.0.1",
        "http://user@127.0.0.1",
        "http://127.0.0.1/#x",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\r\nX: y",
        "http://[::1",
        "http://ünicode.example",
    ],
)
def test_an_address_that_cannot_be_asked_is_refused_and_no_password_repeated(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        checked_url(url)
    assert "password" not in str(caught.value).replace("user, password or fragment", "")
