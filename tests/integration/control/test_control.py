"""Requests over the control socket, between real sockets."""

import grp
import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from retentiond.control.client import ask
from retentiond.control.server import CONNECTIONS, ControlServer
from retentiond.control.wire import REQUEST_LIMIT
from retentiond.domain.errors import (
    AuditDamagedError,
    CannotCreateError,
    ConfigurationError,
    NotPermittedError,
    RetentiondError,
    StorageError,
    TryAgainError,
    UnreachableError,
    UsageError,
)

Serve = Callable[..., str]


def echo(request: dict[str, Any], uid: int) -> dict[str, Any]:
    return {"request": request, "uid": uid}


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    running: list[ControlServer] = []

    def start(handler: Callable[[dict[str, Any], int], dict[str, Any]] = echo, **options: Any) -> str:
        path = str(options.pop("path", tmp_path / "run" / "control.sock"))
        server = ControlServer(path, handler, **options)
        server.start()
        running.append(server)
        return path

    yield start
    for server in running:
        server.stop()


def connect(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(5)
    connection.connect(path)
    return connection


def raw(path: str, data: bytes, *, end: bool = True) -> dict[str, Any]:
    with connect(path) as connection:
        try:
            connection.sendall(data)
            if end:
                connection.shutdown(socket.SHUT_WR)
        except BrokenPipeError:
            pass
        received = b""
        while part := connection.recv(65536):
            received += part
    answer: dict[str, Any] = json.loads(received)
    return answer


def test_a_request_is_answered_and_the_kernel_says_who_asked(serve: Serve) -> None:
    answer = ask(serve(), {"verb": "status", "uid": 4711, "camera": "Küche"}, 5)
    assert answer == {"request": {"verb": "status", "uid": 4711, "camera": "Küche"}, "uid": os.getuid()}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
@pytest.mark.privileged
def test_another_user_is_seen_as_that_user() -> None:
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        path = os.path.join(directory, "control.sock")
        server = ControlServer(path, echo, group="no-such-group")
        server.start()
        os.chmod(path, 0o666)
        code = (
            "import json, os, socket, sys; os.setgid(65534); os.setuid(65534)\n"
            'c = socket.socket(socket.AF_UNIX); c.connect(sys.argv[1]); c.sendall(b\'{"verb": "x"}\\n\')\n'
            "print(json.loads(c.makefile().readline())['uid'])"
        )
        run = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
        server.stop()
    assert run.stdout.strip() == "65534", run.stderr


def test_only_owner_and_group_may_open_socket_and_directory(serve: Serve) -> None:
    path = serve()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o660
    assert stat.S_IMODE(os.stat(os.path.dirname(path)).st_mode) == 0o750
    assert os.listdir(os.path.dirname(path)) == ["control.sock"]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file to any group")
@pytest.mark.privileged
def test_the_socket_belongs_to_the_group_if_it_exists(serve: Serve) -> None:
    group = grp.getgrgid(65534)
    path = serve(group=group.gr_name)
    assert os.stat(path).st_gid == 65534
    assert os.stat(os.path.dirname(path)).st_gid == 65534


@pytest.mark.parametrize(
    "kind",
    [
        RetentiondError,
        UsageError,
        AuditDamagedError,
        UnreachableError,
        CannotCreateError,
        StorageError,
        TryAgainError,
        NotPermittedError,
    ],
)
def test_a_refusal_arrives_as_the_class_that_was_raised(serve: Serve, kind: type[RetentiondError]) -> None:
    def refuse(request: dict[str, Any], uid: int) -> dict[str, Any]:
        raise kind("hold h-1: approved by its own author; ask somebody else")

    path = serve(refuse)
    with pytest.raises(kind, match="hold h-1: approved by its own author") as caught:
        ask(path, {"verb": "hold.approve"}, 5)
    assert type(caught.value) is kind


def test_a_configuration_error_keeps_all_its_problems(serve: Serve) -> None:
    def refuse(request: dict[str, Any], uid: int) -> dict[str, Any]:
        raise ConfigurationError(("line 3: no period", "line 9: unknown key"))

    path = serve(refuse)
    with pytest.raises(ConfigurationError) as caught:
        ask(path, {"verb": "reload"}, 5)
    assert caught.value.problems == ("line 3: no period", "line 9: unknown key")


@pytest.mark.parametrize(
    "data",
    [b"\n", b"null\n", b"[1]\n", b'"verb"\n', b"{\n", b"\xff\xfe\n", b"[" * 60_000 + b"\n", b'{"verb": 1}\n', b"{}\n"],
)
def test_garbage_is_a_usage_error_and_never_reaches_the_handler(serve: Serve, data: bytes) -> None:
    reached: list[Any] = []

    def remember(request: dict[str, Any], uid: int) -> dict[str, Any]:
        reached.append(request)
        return {}

    answer = raw(serve(remember), data)
    assert answer["exit_status"] == 2
    assert "control request" in answer["error"]
    assert reached == []


def test_half_a_request_is_none(serve: Serve) -> None:
    assert raw(serve(), b'{"verb": "status"}')["exit_status"] == 2


def test_a_request_beyond_64_kib_is_refused(serve: Serve) -> None:
    path = serve()
    assert "65536" in raw(path, b'{"verb": "' + b"x" * REQUEST_LIMIT + b'"}\n')["error"]
    with pytest.raises(UsageError, match="65536"):
        ask(path, {"verb": "x" * 10_000_000}, 5)
    assert ask(path, {"verb": "x" * 60_000}, 5)["uid"] == os.getuid()


def test_two_objects_in_one_request_are_refused(serve: Serve) -> None:
    assert raw(serve(), b'{"verb": "a"}\n{"verb": "b"}\n')["exit_status"] == 2


def test_a_silent_client_is_dropped_and_blocks_nobody(serve: Serve) -> None:
    path = serve(timeout_s=0.3)
    with connect(path) as quiet:
        assert ask(path, {"verb": "status"}, 5)["uid"] == os.getuid()
        begun = time.monotonic()
        assert b"not complete" in quiet.recv(4096)
        assert time.monotonic() - begun < 3


def test_a_client_that_trickles_is_dropped_all_the_same(serve: Serve) -> None:
    path = serve(timeout_s=0.5)
    begun = time.monotonic()
    with connect(path) as slow, pytest.raises(BrokenPipeError):
        while time.monotonic() - begun < 4:
            slow.sendall(b" ")
            time.sleep(0.05)
    assert time.monotonic() - begun < 3


def test_more_connections_than_16_are_turned_away(serve: Serve) -> None:
    path = serve()
    quiet = [connect(path) for _ in range(CONNECTIONS)]
    with pytest.raises(TryAgainError, match="try again"):
        ask(path, {"verb": "status"}, 5)
    for connection in quiet:
        connection.close()


def test_a_path_longer_than_a_socket_address_works(serve: Serve, tmp_path: Path) -> None:
    directory = tmp_path / ("d" * 120) / ("e" * 120)
    path = serve(path=directory / "control.sock")
    assert len(path) > 240
    assert ask(path, {"verb": "status"}, 5)["uid"] == os.getuid()
    with pytest.raises(TryAgainError, match="another daemon"):
        ControlServer(path, echo).start()


def test_no_descriptor_is_left_over(serve: Serve, tmp_path: Path) -> None:
    path = serve(path=tmp_path / ("d" * 120) / "control.sock")
    ask(path, {"verb": "status"}, 5)
    time.sleep(0.1)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        ask(path, {"verb": "status"}, 5)
    time.sleep(0.1)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_socket_that_nobody_listens_on_is_replaced(serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stale:
        stale.bind(str(path))
    with pytest.raises(UnreachableError, match="systemctl start"):
        ask(str(path), {"verb": "status"}, 5)
    serve(path=path)
    assert ask(str(path), {"verb": "status"}, 5)["uid"] == os.getuid()
    assert os.listdir(tmp_path) == ["control.sock"]


def test_a_daemon_that_listens_is_never_replaced(serve: Serve) -> None:
    path = serve()
    with pytest.raises(TryAgainError, match="another daemon"):
        ControlServer(path, lambda request, uid: {"usurper": True}).start()
    assert "usurper" not in ask(path, {"verb": "status"}, 5)


def test_what_is_no_socket_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    path.write_text("precious")
    with pytest.raises(StorageError, match="is no socket; move it away"):
        ControlServer(str(path), echo).start()
    assert path.read_text() == "precious"


def test_a_link_is_no_socket_even_if_it_leads_to_one(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "link.sock").symlink_to(serve())
    with pytest.raises(StorageError, match="is no socket"):
        ControlServer(str(tmp_path / "link.sock"), echo).start()


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"control\.sock.*cannot be made"):
        ControlServer(str(tmp_path / "file" / "control.sock"), echo).start()


def test_where_no_daemon_is_the_client_says_how_to_start_one(tmp_path: Path) -> None:
    for path in (tmp_path / "control.sock", tmp_path / ("d" * 200) / "control.sock"):
        with pytest.raises(UnreachableError, match="systemctl start retentiond"):
            ask(str(path), {"verb": "status"}, 5)


def test_a_daemon_that_does_not_answer_may_still_have_acted(serve: Serve) -> None:
    release = threading.Event()

    def wait(request: dict[str, Any], uid: int) -> dict[str, Any]:
        release.wait(5)
        return {}

    path = serve(wait)
    with pytest.raises(UnreachableError, match="may still take effect"):
        ask(path, {"verb": "hold.place"}, 0.2)
    release.set()


def test_a_bug_in_a_handler_ends_one_connection_only(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    died = threading.Event()
    monkeypatch.setattr(threading, "excepthook", lambda failure: died.set())

    def fail_once(request: dict[str, Any], uid: int) -> dict[str, Any]:
        if request["verb"] == "bug":
            raise KeyError("bug")
        return {"fine": True}

    path = serve(fail_once)
    with pytest.raises(UnreachableError, match="journalctl"):
        ask(path, {"verb": "bug"}, 5)
    assert died.wait(5)
    assert ask(path, {"verb": "status"}, 5) == {"fine": True}


def test_stopping_lets_a_request_end_and_drops_silent_clients(tmp_path: Path) -> None:
    begun = threading.Event()
    finished = threading.Event()

    def slow(request: dict[str, Any], uid: int) -> dict[str, Any]:
        begun.set()
        time.sleep(0.3)
        finished.set()
        return {"done": True}

    path = str(tmp_path / "control.sock")
    server = ControlServer(path, slow)
    server.start()
    answers: list[dict[str, Any]] = []
    client = threading.Thread(target=lambda: answers.append(ask(path, {"verb": "hold.place"}, 5)))
    with connect(path):
        client.start()
        assert begun.wait(5)
        at = time.monotonic()
        server.stop()
        assert finished.is_set()
        server.stop()
        assert time.monotonic() - at < 3
    client.join()
    assert answers == [{"done": True}]
    with pytest.raises(UnreachableError):
        ask(path, {"verb": "status"}, 5)


def test_a_stopped_server_may_start_again(tmp_path: Path) -> None:
    path = str(tmp_path / "control.sock")
    server = ControlServer(path, echo)
    for _ in range(2):
        server.start()
        assert ask(path, {"verb": "status"}, 5)["uid"] == os.getuid()
        server.stop()


@pytest.mark.skipif(os.getuid() != 0, reason="root has to become somebody whom the mode keeps out")
@pytest.mark.privileged
def test_a_socket_closed_to_the_user_is_no_missing_daemon(serve: Serve) -> None:
    path = serve()
    code = (
        "import os, sys\n"
        "from retentiond.control.client import ask\n"
        "from retentiond.domain.errors import NotPermittedError\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "try: ask(sys.argv[1], {'verb': 'status'}, 5)\n"
        "except NotPermittedError as error: print(error)"
    )
    run = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    assert "join the group retentiond-admin" in run.stdout, run.stderr
