"""The daemon with its surroundings: service manager, timers, control socket, metrics."""

import os
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from retentiond import __version__
from retentiond.bootstrap.anchoring import build_anchorage
from retentiond.bootstrap.configuration import Loaded, load
from retentiond.bootstrap.devices import build_rounds
from retentiond.bootstrap.working import open_works
from retentiond.domain.errors import ConfigurationError
from retentiond.ports import Watch
from retentiond.services.rulebook import RuleBook

if TYPE_CHECKING:
    from retentiond.daemon import Daemon
    from retentiond.observe.metrics import Metrics
    from retentiond.settings.values import Settings

REPORT_EVERY = timedelta(seconds=15)


def run_daemon(loaded: Loaded) -> int:
    """Run until SIGTERM or SIGINT. Raises what the start raises, and MustRestartError."""
    import sys
    import threading

    import structlog

    from retentiond.daemon import Daemon, Surroundings
    from retentiond.observe.logs import configure_logs, log_thread_failure
    from retentiond.observe.metrics import Metrics
    from retentiond.observe.notify import notifier_from, watchdog_interval
    from retentiond.storage.give_way import give_way
    from retentiond.storage.syscalls import load_system_calls

    configure_logs(sys.stdout, os.environ)
    threading.excepthook = log_thread_failure
    _allow_many_files()
    settings, metrics = loaded.settings, Metrics(__version__)
    metrics.watch_process()
    watch, ended = _watch(settings), _Late()
    with ExitStack() as stack:
        cycle = stack.enter_context(open_works(loaded, metrics, watch, ended, forking=True))
        around = Surroundings(
            watch=watch,
            anchorage=build_anchorage(settings),
            devices=build_rounds(settings),
            observer=metrics,
            manager=notifier_from(os.environ),
            log=structlog.stdlib.get_logger("retentiond"),
            reload=lambda: _reload(loaded),
            scan_interval=settings.scan_interval,
            scan_rate=settings.scan_rate,
            give_way=lambda: give_way(load_system_calls()),
            report_interval=REPORT_EVERY,
            watchdog_s=watchdog_interval(os.environ),
        )
        daemon = Daemon(cycle, around)
        ended.ask = daemon.stopping
        daemon.install_signals()
        _serve(stack, settings, daemon, metrics)
        daemon.run()
    return 0


def _serve(stack: ExitStack, settings: "Settings", daemon: "Daemon", metrics: "Metrics") -> None:
    """Open the control socket and the metrics endpoint until `stack` ends."""
    from retentiond.control.actor import actor_name
    from retentiond.control.server import ControlServer
    from retentiond.observe.http import HttpEndpoint
    from retentiond.observe.status import status_json

    def answer_request(request: dict[str, Any], uid: int) -> dict[str, Any]:
        if request.get("verb") == "status" and metrics.snapshot is not None:
            return status_json(metrics.snapshot)
        return daemon.ask(request, actor_name(settings.state, uid))

    control = ControlServer(settings.socket, answer_request)
    control.start()
    stack.callback(control.stop)
    if settings.http.listen is not None:
        endpoint = HttpEndpoint(settings.http.host, settings.http.port, metrics)
        endpoint.start()
        stack.callback(endpoint.stop)


class _Late:
    """Asks the daemon whether it is stopping; the parts that ask are made before it is."""

    def __init__(self) -> None:
        self.ask: Callable[[], bool] = lambda: False

    def __call__(self) -> bool:
        return self.ask()


def _watch(settings: "Settings") -> Watch:
    from retentiond.storage.watch import InotifyWatch, NoWatch

    return InotifyWatch({item.name: item.path for item in settings.stores}) if settings.watch else NoWatch()


def _reload(loaded: Loaded) -> RuleBook:
    """Read both files again for their rules; what else differs is in force after a restart only."""
    fresh = load(loaded.path)
    started_with = ("enforcing", "stores", "sources", "state", "audit", "http", "socket")
    kept = (*started_with, "scan_interval", "scan_rate", "dispute_grace", "watch")
    changed = [key for key in kept if getattr(fresh.settings, key) != getattr(loaded.settings, key)]
    if changed:
        raise ConfigurationError(f"{loaded.path}: {', '.join(changed)} changed; that takes a restart of the daemon")
    return fresh.book


def _allow_many_files() -> None:
    """A chunk holds its recordings and their directories open; the usual limit of 1,024 is too near for that."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192 if hard == resource.RLIM_INFINITY else min(8192, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
