"""Requests over the control socket, between real sockets."""

import errno
import grp
import json
import os
import re
import resource
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from retentiond.control.actor import actor_name
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
        with suppress(ConnectionResetError):  # after the answer, where the server did not read all of it
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
        assert b"not complete" in quiet.recv(4096)


def test_a_client_that_trickles_is_dropped_all_the_same(serve: Serve) -> None:
    path = serve(timeout_s=0.5)
    with connect(path) as slow, pytest.raises(BrokenPipeError):
        for _ in range(100):  # each byte well within the time that one may take
            slow.sendall(b" ")
            time.sleep(0.05)


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


def test_a_socket_that_cannot_take_its_name_leaves_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: str, target: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("retentiond.control.server.os.replace", full)
    with pytest.raises(StorageError, match=r"control\.sock.*No space left"):
        ControlServer(str(tmp_path / "control.sock"), echo).start()
    assert os.listdir(tmp_path) == []


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
        server.stop()
        assert finished.is_set()
        server.stop()
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


# --- clients that mean no good, or nothing ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b'{"verb": "x"}', b'{"verb": "x"}\n', b"\x00" * 100, b"x" * 1_000_000],
    ids=["nothing", "a brace", "half", "whole", "zeros", "a megabyte"],
)
def test_a_client_that_goes_away_at_once_hurts_nobody(serve: Serve, data: bytes) -> None:
    path = serve()
    for _ in range(3 * CONNECTIONS):
        with connect(path) as hasty:
            hasty.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            hasty.settimeout(0.05)
            with suppress(TimeoutError, BrokenPipeError, ConnectionResetError):
                hasty.sendall(data)
    assert answered(path)


def test_where_too_many_wait_to_be_heard_the_client_is_told_to_try_again(tmp_path: Path) -> None:
    path = str(tmp_path / "control.sock")
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listener.bind(path)
        listener.listen(0)
        waiting = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        waiting.connect(path)
        with pytest.raises(TryAgainError, match="too many"):
            ask(path, {"verb": "status"}, 0.2)


def test_ten_megabytes_without_an_end_are_cut_off_and_not_kept(serve: Serve) -> None:
    path = serve()
    before = peak_memory_kib()
    for _ in range(4):
        assert raw(path, b"x" * 10_000_000)["exit_status"] == 2
    assert peak_memory_kib() - before < 30_000
    assert answered(path)


def test_after_silent_clients_were_dropped_others_are_served_again(serve: Serve) -> None:
    path = serve(timeout_s=0.3)
    quiet = [connect(path) for _ in range(CONNECTIONS)]
    assert all(b"not complete" in connection.recv(4096) for connection in quiet)
    assert answered(path)
    for connection in quiet:
        connection.close()


def test_an_answer_that_nobody_reads_is_given_up(serve: Serve) -> None:
    path = serve(lambda request, uid: {"long": "x" * 8_000_000}, timeout_s=0.3)
    deaf = [connect(path) for _ in range(CONNECTIONS)]
    for connection in deaf:
        connection.sendall(b'{"verb": "x"}\n')
    assert answered(path)
    for connection in deaf:
        connection.close()


@pytest.mark.parametrize("text", [r"\ud800", r"a\udfffb"])
def test_half_a_surrogate_pair_never_reaches_the_handler(serve: Serve, text: str) -> None:
    path = serve()
    assert raw(path, b'{"verb": "%s"}\n' % text.encode())["exit_status"] == 2
    assert raw(path, b'{"verb": "x", "%s": 1}\n' % text.encode())["exit_status"] == 2


def test_the_socket_is_closed_to_others_from_the_first_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the umask, no mode but the final one is ever seen under the name."""
    seen: list[int] = []
    path = tmp_path / "control.sock"
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            try:
                seen.append(stat.S_IMODE(os.lstat(path).st_mode))
            except FileNotFoundError:
                continue

    watching = threading.Thread(target=watch)
    watching.start()
    former = os.umask(0)
    try:
        for _ in range(50):
            server = ControlServer(str(path), echo, group="no-such-group")
            server.start()
            server.stop()
    finally:
        os.umask(former)
        done.set()
        watching.join()
    assert set(seen) == {0o660}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
@pytest.mark.privileged
def test_a_user_outside_the_group_cannot_even_connect() -> None:
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        path = os.path.join(directory, "control.sock")
        server = ControlServer(path, echo, group="root")
        server.start()
        code = (
            "import os, socket, sys; os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "try: socket.socket(socket.AF_UNIX).connect(sys.argv[1])\n"
            "except PermissionError: print('closed')"
        )
        run = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
        server.stop()
    assert run.stdout.strip() == "closed", run.stderr


# --- who asked ----------------------------------------------------------------------------------------------------


def test_a_user_has_one_pseudonym_and_another_user_another(tmp_path: Path) -> None:
    first = actor_name(str(tmp_path), 1000)
    assert re.fullmatch(r"op-[0-9a-f]{8}", first)
    assert actor_name(str(tmp_path), 1000) == first
    assert actor_name(str(tmp_path), 1001) != first
    assert stat.S_IMODE((tmp_path / "actor.key").stat().st_mode) == 0o600


def test_two_who_ask_first_at_once_are_named_by_one_key(tmp_path: Path) -> None:
    for number in range(20):
        state = tmp_path / str(number)
        state.mkdir()
        together = threading.Barrier(8)
        names: list[str] = []

        def ask_once(state: Path = state, together: threading.Barrier = together, names: list[str] = names) -> None:
            together.wait()
            names.append(actor_name(str(state), 1000))

        threads = [threading.Thread(target=ask_once) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(names) == {actor_name(str(state), 1000)}


def test_a_key_that_a_crash_cut_short_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "actor.key").write_bytes(b"short")
    name = actor_name(str(tmp_path), 1000)
    assert len((tmp_path / "actor.key").read_bytes()) == 32
    assert actor_name(str(tmp_path), 1000) == name


@pytest.mark.parametrize("kind", ["directory", "link", "missing"])
def test_a_key_that_cannot_be_read_is_told(tmp_path: Path, kind: str) -> None:
    state = tmp_path
    if kind == "directory":
        (tmp_path / "actor.key").mkdir()
    elif kind == "link":
        (tmp_path / "actor.key").symlink_to("/etc/passwd")
    else:
        state = tmp_path / "gone"
    with pytest.raises(StorageError, match="the key of pseudonyms cannot be read"):
        actor_name(str(state), 1000)


def answered(path: str) -> bool:
    """Ask until the server has a place again, and tell whether it answers."""
    for _ in range(100):
        try:
            return "error" not in ask(path, {"verb": "status"}, 5)
        except TryAgainError:
            time.sleep(0.05)
    return False


def peak_memory_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
