"""`retentiond witness`: the small witness for the monitoring host, with nothing of the daemon in it."""

from collections.abc import Sequence
from dataclasses import dataclass

from retentiond.bootstrap.parts import wall_now
from retentiond.domain.errors import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessOrder:
    """What a witness is started with, as somebody typed it: where it keeps its state, its name, the logs it knows."""

    state: str
    name: str
    vkeys: Sequence[str]


def witness_key(order: WitnessOrder) -> str:
    """Return the public key of a witness, which is made if it is not there. Raises as `open_book`."""
    from retentiond.evidence.certificate import parse_keys
    from retentiond.evidence.witness_book import open_book
    from retentiond.tlog.key import format_vkey

    with open_book(order.state, _checked(order.name), parse_keys(order.vkeys), wall_now) as book:
        return format_vkey(book.key)


def run_witness(order: WitnessOrder, listen: str) -> int:
    """Run a witness until SIGTERM or SIGINT. Raises as `open_book`, and as `HttpServer.start`."""
    import os
    import signal
    import sys
    import threading

    import structlog

    from retentiond.evidence.certificate import parse_keys
    from retentiond.evidence.witness_book import open_book
    from retentiond.evidence.witness_site import WitnessSite
    from retentiond.observe.logs import configure_logs
    from retentiond.observe.notify import notifier_from
    from retentiond.web.serve import HttpServer

    host, port = _address(listen)
    configure_logs(sys.stdout, os.environ)
    log, manager, ended = structlog.stdlib.get_logger("retentiond"), notifier_from(os.environ), threading.Event()
    with open_book(order.state, _checked(order.name), parse_keys(order.vkeys), wall_now) as book:
        server = HttpServer(host, port, WitnessSite(book, log), called="--listen")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        server.start()
        manager.ready()
        log.info("witness started", logs=len(order.vkeys), port=server.address[1])
        ended.wait()
        manager.stopping()
        server.stop()
    log.info("witness stopped")
    return 0


def _address(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`. Raises UsageError."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isascii() or not port.isdecimal() or len(port) > 5 or int(port) > 65_535:
        raise UsageError(f"--listen {text!r}: write an address and a port, such as 127.0.0.1:9724 or [::1]:9724")
    return host, int(port)


def _checked(name: str) -> str:
    from retentiond.tlog.errors import TlogError
    from retentiond.tlog.key import checked_key_name

    try:
        return checked_key_name(name)
    except TlogError as error:
        raise UsageError(f"--name: {error}; write one such as witness.clinic.example/w1") from error
