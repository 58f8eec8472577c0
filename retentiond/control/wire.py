"""One JSON object a line, each way: what server and client agree on."""

import json
import socket
import time
from typing import Any

REQUEST_LIMIT = 64 * 1024
ANSWER_LIMIT = 16 * 1024 * 1024


class BrokenLineError(Exception):
    """What came is not one JSON object on one line within the limits. Never leaves this package."""


def encode(fields: dict[str, Any]) -> bytes:
    """Return `fields` as one line."""
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def receive(connection: socket.socket, *, limit: int, timeout_s: float) -> dict[str, Any]:
    """Return the object that the other side sends.

    Raises:
        BrokenLineError: it is no such object, or is longer than `limit` bytes, or the line never ended.
        TimeoutError: the line was not complete after `timeout_s` seconds, however steadily bytes trickled in.
        OSError: the connection broke.
    """
    deadline = time.monotonic() + timeout_s
    line = bytearray()
    while not line.endswith(b"\n"):
        connection.settimeout(max(deadline - time.monotonic(), 0.001))
        part = connection.recv(65536)
        if not part:
            raise BrokenLineError("the connection ended before the line did")
        line += part
        if len(line) > limit:
            raise BrokenLineError(f"the line is longer than {limit} bytes")
        if time.monotonic() > deadline:
            raise TimeoutError
    return _parse(bytes(line))


def _parse(line: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(line)
        json.dumps(fields, ensure_ascii=False).encode()  # half a surrogate pair is text that nothing can write
    except (ValueError, RecursionError) as error:
        raise BrokenLineError("the line is not JSON") from error
    if not isinstance(fields, dict):
        raise BrokenLineError("the line is not a JSON object")
    return fields
