"""The witness: it cosigns what extends what it saw, it never forgets, and nobody can make it wait."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from retentiond.domain.errors import ConfigurationError, StorageError, TryAgainError
from retentiond.evidence.witness_book import WitnessBook, open_book
from retentiond.evidence.witness_site import BODY_LIMIT, WitnessSite
from retentiond.tlog.checkpoint import Checkpoint, sign_checkpoint
from retentiond.tlog.cosignature import verify_cosignatures
from retentiond.tlog.key import Signer, VerifierKey, format_vkey, parse_vkey
from retentiond.tlog.note import Note, parse_note, parse_signatures
from retentiond.tlog.proof import consistency_proof
from retentiond.tlog.subtrees import Subtrees, range_root
from retentiond.tlog.tree import EMPTY_ROOT, leaf_hash
from retentiond.tlog.witness import AddCheckpoint, Refused, Status, format_request, seen_path
from retentiond.web.serve import HttpServer
from tests.integration.audit.disk_trail import ORIGIN, SIGNER
from tests.system.harness import free_port

NAME = "witness.example/w1"
NOW = datetime(2026, 3, 1, 2, 0, 4, tzinfo=UTC)
OTHER = Signer.from_seed("other.example/log", bytes(range(1, 33)))
LEAVES = [leaf_hash(bytes([number])) for number in range(64)]
TREE = Subtrees(LEAVES)


def a_request(new: int, old: int = 0, *, signer: Signer = SIGNER, root: bytes | None = None, **changed: Any) -> bytes:
    root = root or (range_root(TREE, 0, new) if new else EMPTY_ROOT)
    note = sign_checkpoint(Checkpoint(origin=signer.name, size=new, root=root), [signer])
    proof = consistency_proof(TREE, old, new) if 0 < old < new else ()
    return format_request(AddCheckpoint(**{"old_size": old, "proof": proof, "note": note, **changed}))


class Witness:
    """A book that is opened again and again in one directory, as a witness is started."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = NOW

    def opened(self, stack: ExitStack, *keys: VerifierKey, name: str = NAME) -> WitnessBook:
        return stack.enter_context(open_book(str(self.path), name, keys or (SIGNER.key,), lambda: self.now))

    def add(self, body: bytes, *keys: VerifierKey) -> int | Status:
        """Submit to a witness that was just started; return the size that it cosigned, or why not."""
        with ExitStack() as stack:
            book = self.opened(stack, *keys)
            done = book.add_checkpoint(body)
            if isinstance(done, Refused):
                return done.status
            checkpoint, line = done
            text = parse_note(body.partition(b"\n\n")[2]).text
            note = Note(text, parse_signatures(line))
            (said,) = verify_cosignatures(note, [book.key])
            assert said.timestamp == int(self.now.timestamp())
            return checkpoint.size


@pytest.fixture
def witness(tmp_path: Path) -> Witness:
    return Witness(tmp_path / "witness")


# --- what it cosigns ----------------------------------------------------------------------------------------------


def test_it_cosigns_what_extends_what_it_saw_also_after_each_restart(witness: Witness) -> None:
    assert witness.add(a_request(5)) == 5
    assert witness.add(a_request(5, 5)) == 5
    assert witness.add(a_request(40, 5)) == 40
    assert witness.add(a_request(64, 40)) == 64


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (a_request(6), Status.CONFLICT),
        (a_request(6, 4), Status.CONFLICT),
        (a_request(4, 4), Status.CONFLICT),  # the log was rolled back
        (a_request(6, 5, root=bytes(32)), Status.UNPROCESSABLE),
        (a_request(5, 5, root=bytes(32)), Status.UNPROCESSABLE),
        (a_request(6, 5, proof=()), Status.UNPROCESSABLE),
        (a_request(3, 5), Status.BAD_REQUEST),
        (a_request(6, 5, signer=OTHER), Status.UNKNOWN_ORIGIN),
        (a_request(6, 5, signer=Signer.from_seed(ORIGIN, bytes(32))), Status.FORBIDDEN),
        (b"", Status.BAD_REQUEST),
        (b"old 5\n\n", Status.BAD_REQUEST),
        (b"\xff" * 100, Status.BAD_REQUEST),
    ],
)
def test_it_refuses_everything_else_and_remembers_what_it_cosigned(
    witness: Witness, body: bytes, status: Status
) -> None:
    assert witness.add(a_request(5)) == 5
    assert witness.add(body) == status
    assert witness.add(a_request(9, 5)) == 9


def test_each_log_is_a_log_of_its_own_and_a_fork_has_the_key_of_the_first(witness: Witness) -> None:
    keys = (SIGNER.key, OTHER.key)
    fork = Signer(f"{ORIGIN}/2", SIGNER.private_key)
    assert witness.add(a_request(5), *keys) == 5
    assert witness.add(a_request(7, signer=OTHER), *keys) == 7
    assert witness.add(a_request(3, signer=fork), *keys) == 3
    assert witness.add(a_request(6, 5), *keys) == 6
    stranger = Signer(f"{ORIGIN}/2", OTHER.private_key)
    assert witness.add(a_request(4, 3, signer=stranger), *keys) == Status.FORBIDDEN
    elsewhere = Signer(f"{ORIGIN}/x", SIGNER.private_key)
    assert witness.add(a_request(1, signer=elsewhere), *keys) == Status.UNKNOWN_ORIGIN


def test_a_log_with_two_keys_is_known_by_each(witness: Witness) -> None:
    new = Signer.from_seed(ORIGIN, bytes(32))
    assert witness.add(a_request(5)) == 5
    assert witness.add(a_request(6, 5, signer=new), SIGNER.key, new.key) == 6
    assert witness.add(a_request(7, 6, signer=new)) == Status.FORBIDDEN


# --- it never forgets ---------------------------------------------------------------------------------------------


def shown(book: WitnessBook) -> Note | None:
    data = book.shown(seen_path(ORIGIN).partition("/")[0])
    return None if data is None else parse_note(data)


def test_it_shows_what_it_cosigned_with_the_signature_of_the_log_and_no_stranger(witness: Witness) -> None:
    request = a_request(5)
    padded = request + "\u2014 somebody.example/else AAAAAAAAAAA=\n".encode()
    with ExitStack() as stack:
        book = witness.opened(stack)
        assert shown(book) is None
        assert not isinstance(book.add_checkpoint(padded), Refused)
        note = shown(book)
        assert note is not None
        assert [item.name for item in note.signatures] == [ORIGIN, NAME]
        assert verify_cosignatures(note, [book.key])[0].timestamp == int(NOW.timestamp())
        assert book.shown("../../etc/passwd") is None
        assert book.shown("0" * 64) is None


def test_the_new_head_is_durable_before_anything_is_signed(tmp_path: Path) -> None:
    """Whoever asks for the time is about to sign."""
    path, sizes = tmp_path / "witness", []
    file = path / seen_path(ORIGIN)

    def now() -> datetime:
        sizes.append(int(parse_note(file.read_bytes()).text.split("\n")[1]))
        raise KeyboardInterrupt

    with ExitStack() as stack:
        book = stack.enter_context(open_book(str(path), NAME, [SIGNER.key], now))
        with pytest.raises(KeyboardInterrupt):
            book.add_checkpoint(a_request(5))
    assert sizes == [5]
    witness = Witness(path)
    assert witness.add(a_request(4)) == Status.CONFLICT
    with ExitStack() as stack:  # what was never signed then is cosigned when somebody looks
        book = witness.opened(stack)
        note = shown(book)
        assert note is not None
        assert len(verify_cosignatures(note, [book.key])) == 1


def test_what_cannot_be_kept_is_not_signed(witness: Witness) -> None:
    assert witness.add(a_request(5)) == 5
    in_the_way = Path(f"{witness.path / seen_path(ORIGIN)}.new-{os.getpid()}")
    in_the_way.mkdir()
    asked: list[int] = []

    def now() -> datetime:
        asked.append(1)
        return NOW

    with ExitStack() as stack:
        book = stack.enter_context(open_book(str(witness.path), NAME, [SIGNER.key], now))
        with pytest.raises(StorageError, match="cannot be written"):
            book.add_checkpoint(a_request(6, 5))
    assert asked == []
    in_the_way.rmdir()
    assert witness.add(a_request(7, 5)) == 7


@pytest.mark.parametrize("spoilt", [b"", b"x", b"a\n5\n", b"\xff\xfe"])
def test_a_memory_that_cannot_be_read_is_not_taken_for_none(witness: Witness, spoilt: bytes) -> None:
    assert witness.add(a_request(5)) == 5
    (witness.path / seen_path(ORIGIN)).write_bytes(spoilt)
    for body in (a_request(3), a_request(6, 5)):
        with pytest.raises(StorageError, match="a witness that forgets must not cosign"):
            witness.add(body)


def test_one_process_a_directory_and_one_name_for_life(witness: Witness) -> None:
    with ExitStack() as stack:
        first = witness.opened(stack)
        with pytest.raises(TryAgainError, match="another witness is running"):
            witness.opened(stack)
    with ExitStack() as stack:
        assert witness.opened(stack).key == first.key
    with ExitStack() as stack, pytest.raises(ConfigurationError, match=r"is called 'witness\.example/w1'"):
        witness.opened(stack, name="witness.example/w2")
    assert (witness.path / "witness.key").stat().st_mode & 0o777 == 0o600


# --- over the wire ------------------------------------------------------------------------------------------------


class Told:
    """`Log` that remembers."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def info(self, event: str, **fields: object) -> None:
        self.lines.append((event, fields))

    warning = error = info


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def served(witness: Witness, told: Told) -> Iterator[HttpServer]:
    with ExitStack() as stack:
        server = HttpServer("127.0.0.1", 0, WitnessSite(witness.opened(stack), told), called="--listen")
        server.start()
        yield server
        server.stop()


def call(server: HttpServer, method: str, path: str, body: bytes | None = None) -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection(*server.address, timeout=5)
    connection.request(method, path, body)
    response = connection.getresponse()
    found = response.status, response.headers["Content-Type"], response.read()
    connection.close()
    return found


def test_the_answers_are_those_of_the_protocol(served: HttpServer, witness: Witness, told: Told) -> None:
    at = f"/{seen_path(ORIGIN)}"
    assert call(served, "GET", at)[0] == HTTPStatus.NOT_FOUND
    status, _, line = call(served, "POST", "/add-checkpoint", a_request(5))
    assert (status, line[:4]) == (HTTPStatus.OK, "\u2014 ".encode())
    assert call(served, "POST", "/add-checkpoint", a_request(9)) == (HTTPStatus.CONFLICT, "text/x.tlog.size", b"5\n")
    assert call(served, "POST", "/add-checkpoint", a_request(9, 5, proof=()))[0] == HTTPStatus.UNPROCESSABLE_ENTITY
    assert call(served, "POST", "/add-checkpoint", a_request(9, signer=OTHER))[0] == HTTPStatus.NOT_FOUND
    assert call(served, "POST", "/add-checkpoint", b"?")[0] == HTTPStatus.BAD_REQUEST
    status, _, note = call(served, "GET", at)
    assert status == HTTPStatus.OK
    assert note.endswith(line)
    assert call(served, "GET", "/-/healthy")[0] == HTTPStatus.OK
    for method, path in (("GET", "/"), ("PUT", "/add-checkpoint"), ("POST", at), ("GET", "/../x/checkpoint")):
        assert call(served, method, path, b"x" if method != "GET" else None)[0] == HTTPStatus.NOT_FOUND
    assert told.lines[0] == ("checkpoint cosigned", {"origin": ORIGIN, "size": 5})
    assert ("checkpoint refused", {"status": 409, "reason": "conflict"}) in told.lines
    (witness.path / seen_path(ORIGIN)).write_bytes(b"")
    assert call(served, "POST", "/add-checkpoint", a_request(9, 5))[0] == HTTPStatus.INTERNAL_SERVER_ERROR
    assert call(served, "GET", at)[0] == HTTPStatus.INTERNAL_SERVER_ERROR


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], HTTPStatus.LENGTH_REQUIRED),
        (["Content-Length: x"], HTTPStatus.LENGTH_REQUIRED),
        (["Content-Length: -1"], HTTPStatus.LENGTH_REQUIRED),
        (["Content-Length: 5", "Content-Length: 6"], HTTPStatus.LENGTH_REQUIRED),
        (["Transfer-Encoding: chunked"], HTTPStatus.LENGTH_REQUIRED),
        ([f"Content-Length: {BODY_LIMIT + 1}"], HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
        (["Content-Length: 9999999999999999999999"], HTTPStatus.LENGTH_REQUIRED),
    ],
)
def test_a_body_without_a_good_length_is_not_read(served: HttpServer, headers: list[str], status: HTTPStatus) -> None:
    with socket.create_connection(served.address, timeout=5) as connection:
        head = ["POST /add-checkpoint HTTP/1.1", "Host: x", *headers, "", ""]
        connection.sendall("\r\n".join(head).encode())
        assert int(connection.recv(4096).split(b" ")[1]) == status


def test_a_body_that_comes_in_pieces_is_read_and_one_that_stops_is_cut_off(
    served: HttpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = a_request(5)
    head = f"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with socket.create_connection(served.address, timeout=5) as connection:
        for begin in range(0, len(head + body), 100):
            connection.sendall((head + body)[begin : begin + 100])
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    monkeypatch.setattr("retentiond.web.serve.TIMEOUT_S", 0.3)
    with socket.create_connection(served.address, timeout=5) as connection:
        connection.sendall(head + body[:-1])
        assert connection.recv(4096) == b""
    assert call(served, "POST", "/add-checkpoint", a_request(6, 5))[0] == HTTPStatus.OK


# --- the command --------------------------------------------------------------------------------------------------


def command(tmp_path: Path, *more: str) -> list[str]:
    return [
        sys.executable, "-m", "retentiond", "witness", "--state", str(tmp_path / "w"), "--name", NAME,
        "--log", format_vkey(SIGNER.key), *more,
    ]  # fmt: skip


def test_the_command_shows_its_key_serves_and_ends(tmp_path: Path) -> None:
    shown = subprocess.run(command(tmp_path, "--show-key"), capture_output=True, text=True, check=True).stdout.strip()
    assert parse_vkey(shown).name == NAME
    again = subprocess.run(command(tmp_path, "--show-key", "--json"), capture_output=True, text=True, check=True)
    assert json.loads(again.stdout) == {"schema": "retentiond.witness/1", "name": NAME, "vkey": shown}
    port = free_port()
    notify = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(notify))
        manager.settimeout(30)
        environ = {**os.environ, "NOTIFY_SOCKET": str(notify)}
        with subprocess.Popen(
            command(tmp_path, "--listen", f"127.0.0.1:{port}"), env=environ, stdout=subprocess.PIPE, text=True
        ) as process:
            assert manager.recv(100) == b"READY=1"
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("POST", "/add-checkpoint", a_request(5))
            line = connection.getresponse().read().decode()
            connection.close()
            assert parse_signatures(line)[0].name == NAME
            process.send_signal(signal.SIGTERM)
            log, _ = process.communicate(timeout=30)
            assert process.returncode == 0
    lines = [json.loads(item) for item in log.splitlines()]
    assert [item["event"] for item in lines] == ["witness started", "checkpoint cosigned", "witness stopped"]
    assert (lines[1]["origin"], lines[1]["size"]) == (ORIGIN, 5)


@pytest.mark.parametrize(
    ("more", "status", "why"),
    [
        ([], 2, "--listen is missing"),
        (["--listen", "9724"], 2, "write an address and a port"),
        (["--listen", "127.0.0.1:99999"], 2, "write an address and a port"),
        (["--listen", "192.0.2.1:9724"], 78, "write an address of this machine"),
        (["--listen", "127.0.0.1:1", "--log", "x"], 2, "write it as it was printed"),
        (["--listen", "127.0.0.1:1", "--name", "a b"], 2, "--name: a key name"),
    ],
)
def test_what_is_typed_wrong_is_said_in_one_line(tmp_path: Path, more: list[str], status: int, why: str) -> None:
    done = subprocess.run(command(tmp_path, *more), capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (status, "")
    assert why in done.stderr
    assert "Traceback" not in done.stderr
