"""Messages to the service manager, on real datagram sockets."""

import os
import secrets
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from retentiond.observe.notify import Notifier, notifier_from, watchdog_interval


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    name = str(tmp_path / "notify") if request.param == "path" else "@retentiond-test-" + secrets.token_hex(8)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind("\0" + name[1:] if name.startswith("@") else name)
        receiver.settimeout(5)
        yield receiver, name


def test_each_message_arrives_as_systemd_reads_it(manager: tuple[socket.socket, str]) -> None:
    receiver, address = manager
    notifier = notifier_from({"NOTIFY_SOCKET": address})
    notifier.ready()
    notifier.status("3 stores\nREADY=1")
    notifier.watchdog()
    notifier.extend_timeout(timedelta(seconds=90))
    notifier.stopping()
    received = [receiver.recv(4096) for _ in range(5)]
    assert received == [
        b"READY=1",
        b"STATUS=3 stores READY=1",
        b"WATCHDOG=1",
        b"EXTEND_TIMEOUT_USEC=90000000",
        b"STOPPING=1",
    ]


def test_a_status_ends_where_a_path_begins(manager: tuple[socket.socket, str]) -> None:
    receiver, address = manager
    Notifier(address).status("store main is not there: /srv/Jane Doe/x: no such file")
    assert receiver.recv(4096).decode() == "STATUS=store main is not there: …"


def test_reloading_carries_the_monotonic_instant(manager: tuple[socket.socket, str]) -> None:
    receiver, address = manager
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    Notifier(address).reloading()
    first, second = receiver.recv(4096).decode().split("\n")
    assert first == "RELOADING=1"
    key, _, value = second.partition("=")
    assert key == "MONOTONIC_USEC"
    assert before <= int(value) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


@pytest.mark.parametrize(
    "address", [None, "", "relative", "/nonexistent/notify", "@nobody-listens-here", "/" + "x" * 300]
)
def test_where_nobody_listens_nothing_happens(address: str | None) -> None:
    Notifier(address).ready()


def test_a_manager_that_does_not_read_never_stops_the_caller(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(path)
        for _ in range(2000):  # far more than the socket holds; one that waits would wait for ever
            Notifier(path).watchdog()


@pytest.mark.parametrize(
    ("environ", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "180000000"}, 180.0),
        ({"WATCHDOG_USEC": "180000000", "WATCHDOG_PID": str(os.getpid())}, 180.0),
        ({"WATCHDOG_USEC": "180000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
    ],
)
def test_the_interval_is_all_that_systemd_allows_to_this_process(
    environ: dict[str, str], seconds: float | None
) -> None:
    assert watchdog_interval(environ) == seconds
