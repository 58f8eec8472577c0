"""Asking a running daemon."""

import socket
from contextlib import ExitStack, suppress
from typing import Any

from retentiond.control import wire
from retentiond.control.address import socket_address
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

_CLASSES: dict[int, type[RetentiondError]] = {
    kind.exit_status: kind
    for kind in (
        UsageError,
        AuditDamagedError,
        UnreachableError,
        CannotCreateError,
        StorageError,
        TryAgainError,
        NotPermittedError,
    )
}


def ask(path: str, request: dict[str, Any], timeout: float) -> dict[str, Any]:
    """Send `request` to the daemon that listens at `path` and return its answer.

    Raises:
        UnreachableError: nobody listens, or no answer came within `timeout` seconds.
        TryAgainError: too many others wait to be heard.
        NotPermittedError: the socket is closed to this user. A daemon may well be running behind it.
        RetentiondError: the daemon refused; of the class that it raised there, with its text.
    """
    with ExitStack() as stack:
        connection = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC))
        connection.settimeout(timeout)
        try:
            connection.connect(stack.enter_context(socket_address(path)))
        except PermissionError as error:
            raise NotPermittedError(
                f"{path}: the control socket is closed to you; join the group retentiond-admin, or use sudo"
            ) from error
        except (BlockingIOError, TimeoutError) as error:  # the daemon is there and does not come to accept
            raise TryAgainError(f"{path}: too many wait for the daemon's answer; ask again") from error
        except (OSError, ValueError) as error:
            raise UnreachableError(
                f"{path}: no daemon answers ({_reason(error)}); start it with `systemctl start retentiond`"
            ) from error
        answer = _exchange(connection, path, request, timeout)
    if "error" in answer:
        raise _error_of(answer)
    return answer


def _exchange(connection: socket.socket, path: str, request: dict[str, Any], timeout: float) -> dict[str, Any]:
    try:
        with suppress(BrokenPipeError, ConnectionResetError):  # refused half-way; the answer says why
            connection.sendall(wire.encode(request))
        return wire.receive(connection, limit=wire.ANSWER_LIMIT, timeout_s=timeout)
    except TimeoutError as error:
        raise UnreachableError(
            f"{path}: the daemon did not answer within {timeout:g} s; the request may still take effect, see"
            " `retentiond status` before asking again"
        ) from error
    except (OSError, wire.BrokenLineError) as error:
        raise UnreachableError(
            f"{path}: the daemon broke off ({error}); see `journalctl -u retentiond`, and `retentiond status` before"
            " asking again"
        ) from error


def _reason(error: Exception) -> str:
    """Return in words why there is no connection, without the number of the error."""
    return str((error.strerror if isinstance(error, OSError) else None) or error)


def _error_of(answer: dict[str, Any]) -> RetentiondError:
    text = str(answer["error"])
    status = answer.get("exit_status")
    if status == ConfigurationError.exit_status:
        return ConfigurationError(tuple(text.split("\n")))
    kind = _CLASSES.get(status, RetentiondError) if isinstance(status, int) else RetentiondError
    return kind(text)
