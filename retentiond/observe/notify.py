"""Messages to the service manager (sd_notify(3)), by hand: twelve lines that no maintained library offers."""

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta

from retentiond.observe.discretion import without_paths


class Notifier:
    """Tells systemd how the daemon is. Does nothing where nobody listens, and never raises."""

    def __init__(self, address: str | None) -> None:
        """Store the address as $NOTIFY_SOCKET gives it; a leading `@` means an abstract socket."""
        self._address = address

    def ready(self) -> None:
        """Say that start or reload is complete."""
        self._send("READY=1")

    def status(self, text: str) -> None:
        """Show one line in `systemctl status`, without paths (I10)."""
        self._send("STATUS=" + without_paths(" ".join(text.split())))

    def watchdog(self) -> None:
        """Prove that work goes on. To be called by the loop that does the work, never by a timer of its own."""
        self._send("WATCHDOG=1")

    def reloading(self) -> None:
        """Say that the configuration is being read again; `ready` ends it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """Say that the daemon is about to end."""
        self._send("STOPPING=1")

    def extend_timeout(self, by: timedelta) -> None:
        """Ask for so much more time, counted from now, to start, reload or stop."""
        self._send(f"EXTEND_TIMEOUT_USEC={by // timedelta(microseconds=1)}")

    def _send(self, message: str) -> None:
        if not self._address or self._address[0] not in "/@":
            return
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
            channel.settimeout(0)  # a manager that does not read must not stop the deleting loop
            channel.sendto(message.encode("utf-8", "backslashreplace"), address)


def notifier_from(environ: Mapping[str, str]) -> Notifier:
    """Return a notifier to the manager that `environ` names, or one that does nothing."""
    return Notifier(environ.get("NOTIFY_SOCKET"))


def watchdog_interval(environ: Mapping[str, str]) -> float | None:
    """Return after how many seconds without a `watchdog` message the manager ends this process.

    None if it does not. This is the whole time that the manager allows; the daemon feeds it at half of that, as
    sd_watchdog_enabled(3) advises.
    """
    if environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    text = environ.get("WATCHDOG_USEC", "")
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        return None
    return int(text) / 1_000_000
