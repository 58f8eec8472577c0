"""The second device: one record as one entry of the systemd journal, by its native protocol.

<https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>: one datagram to a Unix socket, a line `FIELD=value` each. Entries of
priority 2 (critical) are the only ones that journald makes durable at once. Nothing comes back: that the datagram was
taken is all that is known here.
"""

import socket
from typing import Protocol

from retentiond.domain.errors import StorageError

SOCKET = "/run/systemd/journal/socket"
MESSAGE = "a record that the audit trail could not take"
MESSAGE_ID = "b6fbd4b2a7f24e3c9c1d5e0f6a7b8c9d"
"""Names this kind of entry, so that it can be searched: journalctl MESSAGE_ID=…"""

_CRITICAL = 2


class Device(Protocol):
    """A place beside the trail that takes lines."""

    @property
    def name(self) -> str:
        """What it is called in `audit.gap`."""
        ...

    def take(self, line: bytes) -> None:
        """Take a line without LF. Never waits. Raises StorageError if it was not taken."""
        ...


class Journald:
    """`Device` at the socket of journald."""

    def __init__(self, path: str = SOCKET) -> None:
        self._path = path

    @property
    def name(self) -> str:
        return "journald"

    def take(self, line: bytes) -> None:
        if b"\n" in line:
            raise StorageError(f"{self._path}: a record is one line")
        fields = {
            "MESSAGE": MESSAGE.encode(),
            "MESSAGE_ID": MESSAGE_ID.encode(),
            "PRIORITY": str(_CRITICAL).encode(),
            "SYSLOG_IDENTIFIER": b"retentiond",
            "RETENTIOND_RECORD": line,
        }
        datagram = b"".join(name.encode() + b"=" + value + b"\n" for name, value in fields.items())
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.settimeout(0)  # a journald that is stuck must not stop a deletion
                sender.sendto(datagram, self._path)
        except OSError as error:
            raise StorageError(f"{self._path}: took no record ({error.strerror}); look at systemd-journald") from error
