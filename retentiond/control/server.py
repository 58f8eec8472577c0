"""The control socket of the daemon."""

import grp
import os
import secrets
import socket
import stat
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeAlias

import structlog

from retentiond.control import wire
from retentiond.control.address import socket_address
from retentiond.domain.errors import NotPermittedError, RetentiondError, StorageError, TryAgainError, UsageError

ADMIN_GROUP = "retentiond-admin"
TIMEOUT_S = 10.0
CONNECTIONS = 16
BACKLOG = 128
"""So many more may wait to be turned away; without them the kernel refuses as if no daemon were there."""

_PEER = struct.Struct("iII")

Handler: TypeAlias = Callable[[dict[str, Any], int], dict[str, Any]]
"""Answers a request of the user with this uid. Called in the connection's thread; raises only RetentiondError."""


class ControlServer:
    """Answers requests of one JSON line each on a Unix socket that only the administrators' group may open."""

    def __init__(self, path: str, handler: Handler, *, group: str = ADMIN_GROUP, timeout_s: float = TIMEOUT_S) -> None:
        self._path = path
        self._handler = handler
        self._group = group
        self._timeout_s = timeout_s
        self._listener: socket.socket | None = None
        self._stopping = threading.Event()
        self._accepting: threading.Thread | None = None
        self._changed = threading.Condition()
        self._live: set[socket.socket] = set()

    def start(self) -> None:
        """Listen, and answer from threads of its own.

        A socket that a former daemon left behind is replaced, one that is listened on never is.

        Raises:
            TryAgainError: another process listens there.
            NotPermittedError: the directory is closed to this user.
            StorageError: the socket cannot be made, or something else has its name.
        """
        directory = os.path.dirname(self._path) or "."
        try:
            _make_directory(directory, self._gid())
            self._examine()
            self._listener = self._listen(directory)
        except PermissionError as error:
            raise NotPermittedError(
                f"{self._path}: the control socket cannot be made ({error.strerror}); run the daemon as its own user,"
                f" and let that user write to {directory}"
            ) from error
        except OSError as error:
            raise StorageError(
                f"{self._path}: the control socket cannot be made ({error}); repair {directory}"
            ) from error
        self._stopping.clear()
        self._accepting = threading.Thread(target=self._accept, args=(self._listener,), name="control", daemon=True)
        self._accepting.start()

    def stop(self) -> None:
        """Stop listening, and let requests that are being answered end. Does nothing if not started.

        The socket's name stays; nobody listens behind it, and the next start replaces it.
        """
        if self._listener is None or self._accepting is None:
            return
        self._stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        self._listener = None
        with self._changed:
            for connection in self._live:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RD)
            self._changed.wait_for(lambda: not self._live, timeout=self._timeout_s)

    def _gid(self) -> int | None:
        try:
            return grp.getgrnam(self._group).gr_gid
        except KeyError:
            return None

    def _examine(self) -> None:
        """Make sure that the name is free or belongs to a socket that nobody listens on."""
        try:
            mode = os.lstat(self._path).st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISSOCK(mode):
            raise StorageError(f"{self._path}: is no socket; move it away, its name is needed for the control socket")
        with (
            socket_address(self._path) as address,
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as probe,
        ):
            probe.settimeout(self._timeout_s)
            try:
                probe.connect(address)
            except ConnectionRefusedError:
                return
        raise TryAgainError(f"{self._path}: another daemon listens there; stop it first")

    def _listen(self, directory: str) -> socket.socket:
        """Return a listening socket that appears under its name with its final owner and mode, or not at all."""
        draft = os.path.join(directory, f".control.{secrets.token_hex(8)}")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            with socket_address(draft) as address:
                listener.bind(address)
            os.chmod(draft, 0o660)
            self._give_to_group(draft)
            listener.listen(BACKLOG)
            os.replace(draft, self._path)  # takes the place of a stale one without a moment of absence
        except OSError:
            listener.close()
            with suppress(OSError):
                os.unlink(draft)  # noqa: TID251  our own draft, never a recording
            raise
        return listener

    def _give_to_group(self, draft: str) -> None:
        gid = self._gid()
        if gid is None:
            return
        try:
            os.chown(draft, -1, gid)
        except PermissionError:
            # Deleting on time matters more than who may type commands: root still can.
            structlog.stdlib.get_logger(__name__).warning(
                "the control socket keeps the daemon's own group; make the daemon's user a member", group=self._group
            )

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                self._stopping.wait(0.1)  # out of descriptors, perhaps; the loop outlives it
                continue
            if not self._admit(connection):
                _turn_away(connection)

    def _admit(self, connection: socket.socket) -> bool:
        """Begin to serve `connection`, unless too many are being served."""
        with self._changed:
            if len(self._live) >= CONNECTIONS:
                return False
            self._live.add(connection)
        try:
            threading.Thread(target=self._serve, args=(connection,), name="control-request", daemon=True).start()
        except RuntimeError:  # no more threads; the accepting one has to go on
            self._release(connection)
            return False
        return True

    def _release(self, connection: socket.socket) -> None:
        with self._changed:
            self._live.discard(connection)
            self._changed.notify_all()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection:
                answer = self._answer(connection)
                with suppress(OSError):  # the client did not wait; what it asked for is done all the same
                    connection.settimeout(self._timeout_s)
                    connection.sendall(wire.encode(answer))
        finally:
            self._release(connection)

    def _answer(self, connection: socket.socket) -> dict[str, Any]:
        try:
            request = self._receive(connection)
            return self._handler(request, _uid_of(connection))
        except RetentiondError as error:
            return _refusal(error)

    def _receive(self, connection: socket.socket) -> dict[str, Any]:
        try:
            request = wire.receive(connection, limit=wire.REQUEST_LIMIT, timeout_s=self._timeout_s)
        except TimeoutError as error:
            raise UsageError(f"control request: not complete after {self._timeout_s:g} s; send it at once") from error
        except (OSError, wire.BrokenLineError) as error:
            raise UsageError(f"control request: {error}; send one JSON object on one line") from error
        if not isinstance(request.get("verb"), str):
            raise UsageError("control request: `verb` is missing; use a retentiond command of this version")
        return request


def _uid_of(connection: socket.socket) -> int:
    """Return who connected, as the kernel saw it at that moment; no request can claim otherwise."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    _pid, uid, _gid = _PEER.unpack(credentials)
    return int(uid)


def _refusal(error: RetentiondError) -> dict[str, Any]:
    return {"error": str(error), "exit_status": error.exit_status}


def _turn_away(connection: socket.socket) -> None:
    busy = TryAgainError(f"control socket: {CONNECTIONS} requests are being answered; try again")
    with connection, suppress(OSError):
        connection.settimeout(1)
        connection.sendall(wire.encode(_refusal(busy)))


def _make_directory(directory: str, gid: int | None) -> None:
    """Make the directory that the socket lies in, if it is missing, open to the administrators' group only."""
    if os.path.isdir(directory):
        return
    os.makedirs(directory, mode=0o750)
    if gid is not None:
        with suppress(PermissionError):
            os.chown(directory, -1, gid)
