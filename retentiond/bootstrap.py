"""The composition root: settings in, a wired daemon or a view out. The only module that names adapters.

Imports of adapters stand inside the functions that need them: a command pays for what it uses only.
"""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from retentiond import __version__
from retentiond.control.client import ask as ask_daemon
from retentiond.control.lock import state_lock
from retentiond.domain.clock import ClockReading, TrustedTime
from retentiond.domain.decisions import Decisions
from retentiond.domain.errors import UnreachableError
from retentiond.domain.event import Record
from retentiond.domain.recording import StoreName
from retentiond.domain.register import Register
from retentiond.ports import Catalogue, Observer, StoreIdentity, Watch
from retentiond.services.answer import answer
from retentiond.services.cycle import Cycle, Mode
from retentiond.services.delete import Deleter
from retentiond.services.journal import Journal
from retentiond.services.keep_store import Parts, StoreKeeper
from retentiond.services.keep_time import Timekeeper
from retentiond.services.outlook import Forecaster, Outlook
from retentiond.services.plan import Planner
from retentiond.services.rulebook import RuleBook
from retentiond.services.scan import StoreScan, walk_whole
from retentiond.services.survey import Surveyor, condition_name
from retentiond.services.view import Found, Site, Sources, View

if TYPE_CHECKING:
    from retentiond.audit.reader import AuditFilter
    from retentiond.audit.trail import TrailSettings
    from retentiond.audit.verify import Verified
    from retentiond.daemon import Daemon
    from retentiond.observe.host import Diagnosis
    from retentiond.observe.metrics import Metrics
    from retentiond.settings.propose import Proposal
    from retentiond.settings.values import Settings

__all__ = ["Found", "Outlook", "condition_name"]

REPORT_EVERY = timedelta(seconds=15)
StatusTest = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that was read and found good."""

    path: str
    settings: "Settings"
    register: Register
    book: RuleBook
    warnings: tuple[str, ...]


def load(path: str) -> Loaded:
    """Read and check both files. Raises ConfigurationError with every problem."""
    from retentiond.settings.load import load_register_file, load_settings, warnings

    settings = load_settings(path)
    register = load_register_file(settings.register)
    book = RuleBook(
        policy=settings.policy,
        policy_digest=_digest(settings.policy.canonical()),
        register=register.register,
        register_digest=register.digest,
    )
    return Loaded(path, settings, register.register, book, warnings(settings, register.register))


def _digest(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


# --- state and stores -----------------------------------------------------------------------------------------


def build_sites(settings: "Settings", decisions: Decisions) -> tuple[Site, ...]:
    """Build every store and what is known of its recorder."""
    from retentiond.recorders.registry import build_recorder
    from retentiond.storage.store import DirectoryStore

    sites = []
    for item in settings.stores:
        recorder = build_recorder(
            item.recorder,
            store=item.name,
            store_path=item.path,
            timezone=item.timezone,
            layouts=item.layouts,
            recorder_config=item.recorder_config,
        )
        store = DirectoryStore(item.name, item.path, expected=partial(adopted_identity, decisions, item.name))
        sites.append(Site(store, recorder))
    return tuple(sites)


def adopted_identity(decisions: Decisions, store: StoreName) -> StoreIdentity | None:
    """Return what the record says was adopted under this name last."""
    fields = decisions.adopted.get(store)
    if fields is None:
        return None
    return StoreIdentity(fields["uuid"], int(fields["fsid"]), fields["inode"], fields["fs_type"])


def _planner(settings: "Settings", catalogue: Catalogue) -> Planner:
    winding_down = frozenset(item.name for item in settings.stores if item.winding_down)
    return Planner(catalogue, dispute_grace=settings.dispute_grace, winding_down=winding_down)


def _timekeeper(state: str) -> Timekeeper:
    from retentiond.observe.clock_memory import ClockFile
    from retentiond.observe.system_clock import LinuxClock, read_boot_id

    memory = ClockFile(os.path.join(state, "clock.json"))
    return Timekeeper(LinuxClock(read_boot_id()), memory, memory.load())


def wall_now() -> datetime:
    """Return the wall clock, for what is only shown."""
    from retentiond.observe.system_clock import LinuxClock

    return LinuxClock("").read().wall


def look_at_clock(loaded: Loaded) -> tuple[TrustedTime, ClockReading]:
    """Return trusted time as the state directory has it, beside the clocks now. Changes nothing."""
    from retentiond.observe.system_clock import LinuxClock, read_boot_id

    return _timekeeper(loaded.settings.state).look(), LinuxClock(read_boot_id()).read()


# --- a daemon, or what works like one -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Works:
    """Everything that may change state, with the lock held."""

    cycle: Cycle
    catalogue: Catalogue
    journal: Journal


@contextmanager
def open_works(loaded: Loaded, observer: Observer, watch: Watch, stopping: Callable[[], bool]) -> Iterator[Cycle]:
    """Take the lock and wire a cycle over the real disk, catalogue and trail.

    Raises:
        TryAgainError: a daemon works on this state directory already.
        RetentiondError: as the parts that are opened.
    """
    from retentiond.audit.cache import DecisionFile
    from retentiond.audit.trail import open_trail
    from retentiond.catalogue.open import open_or_rebuild

    settings = loaded.settings
    with ExitStack() as stack:
        stack.enter_context(state_lock(settings.state))
        timekeeper = _timekeeper(settings.state)
        trail = stack.enter_context(open_trail(_trail_settings(settings)))
        cache = DecisionFile(os.path.join(settings.state, "decisions.json"), _log_directory(settings.state))
        journal = Journal(trail, cache, cache.load(trail))
        catalogue = stack.enter_context(open_or_rebuild(_catalogue_path(settings.state)))
        deleter = Deleter(journal, catalogue, timekeeper, observer, new_id=_new_id, stopping=stopping)
        planner, surveyor = _planner(settings, catalogue), Surveyor(catalogue, journal)
        parts = Parts(trail, journal, catalogue, timekeeper, observer, planner, deleter, surveyor)
        keepers = [
            StoreKeeper(site.store, site.recorder, parts, enforcing=settings.enforcing)
            for site in build_sites(settings, journal.decisions)
        ]
        yield Cycle(keepers, parts, loaded.book, mode=Mode(enforcing=settings.enforcing), watch=watch)


def _trail_settings(settings: "Settings") -> "TrailSettings":
    from retentiond.audit.keys import load_signer
    from retentiond.audit.trail import TrailSettings
    from retentiond.observe.system_clock import LinuxClock, read_boot_id

    boot_id = read_boot_id()
    return TrailSettings(
        directory=os.path.join(settings.state, "audit"),
        origin=settings.audit.origin,
        now=lambda: LinuxClock(boot_id).read().wall,
        signer=load_signer(settings.audit.key, settings.audit.origin),
        opening=(("version", __version__), ("boot_id", boot_id)),
    )


def _log_directory(state: str) -> str:
    return os.path.join(state, "audit", "log")


def _catalogue_path(state: str) -> str:
    return os.path.join(state, "catalogue.db")


def _new_id() -> str:
    return secrets.token_hex(8)


def run_once(loaded: Loaded) -> int:
    """Settle, scan, delete what is due, report, and end. Returns 1 if there are findings beyond notices."""
    from retentiond.domain.finding import Severity
    from retentiond.observe.metrics import Metrics
    from retentiond.storage.watch import NoWatch

    with open_works(loaded, Metrics(__version__), NoWatch(), lambda: False) as cycle:
        cycle.start()
        for keeper, scan in cycle.begin_scans():
            for step in keeper.store.walk(scan.descends):
                cycle.take(keeper, step)
            cycle.complete_scan(keeper, whole=True)
        cycle.tick()
        snapshot = cycle.report()
        cycle.finish()
    return 1 if any(item.severity is not Severity.NOTICE for item in snapshot.findings) else 0


def run_daemon(loaded: Loaded) -> int:
    """Run until SIGTERM or SIGINT. Raises what the start raises, and MustRestartError."""
    import sys
    import threading

    import structlog

    from retentiond.daemon import Daemon, Surroundings
    from retentiond.observe.logs import configure_logs, log_thread_failure
    from retentiond.observe.metrics import Metrics
    from retentiond.observe.notify import notifier_from, watchdog_interval

    configure_logs(sys.stdout, os.environ)
    threading.excepthook = log_thread_failure
    _allow_many_files()
    settings, metrics = loaded.settings, Metrics(__version__)
    watch, ended = _watch(settings), _Late()
    with ExitStack() as stack:
        cycle = stack.enter_context(open_works(loaded, metrics, watch, ended))
        around = Surroundings(
            watch=watch,
            observer=metrics,
            manager=notifier_from(os.environ),
            log=structlog.stdlib.get_logger("retentiond"),
            reload=lambda: _reload(loaded),
            scan_interval=settings.scan_interval,
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
    from retentiond.domain.errors import ConfigurationError

    fresh = load(loaded.path)
    kept = ("enforcing", "stores", "state", "audit", "http", "scan_interval", "dispute_grace", "watch", "socket")
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


# --- what commands ask ----------------------------------------------------------------------------------------


def ask(loaded: Loaded, request: dict[str, Any], *, alone: bool = True) -> dict[str, Any]:
    """Put a request to the daemon; if none runs and `alone`, take the lock and do what it asks here."""
    settings = loaded.settings
    try:
        return ask_daemon(settings.socket, request, 90.0)
    except UnreachableError:
        if not alone:
            raise
    from retentiond.control.actor import actor_name
    from retentiond.observe.metrics import Metrics
    from retentiond.storage.watch import NoWatch

    with open_works(loaded, Metrics(__version__), NoWatch(), lambda: False) as cycle:
        cycle.start()
        reply = answer(cycle, request, actor_name(settings.state, os.getuid()))
        cycle.finish()
        return reply


@contextmanager
def open_view(loaded: Loaded) -> Iterator[View]:
    """Open everything for reading. Without a catalogue the stores are scanned into one that nobody keeps."""
    from retentiond.audit.reader import records_since
    from retentiond.catalogue.open import open_in_memory, open_read_only
    from retentiond.observe.metrics import Metrics

    settings = loaded.settings
    with ExitStack() as stack:
        decisions = read_decisions(loaded)
        timekeeper = _timekeeper(settings.state)
        kept = os.path.exists(_catalogue_path(settings.state))
        opened = open_read_only(_catalogue_path(settings.state)) if kept else open_in_memory()
        catalogue = stack.enter_context(opened)
        sites = build_sites(settings, decisions)
        if not kept:
            for site in sites:
                scan = StoreScan(site.store, site.recorder, catalogue, Metrics(__version__))
                walk_whole(scan, site.store, loaded.book, timekeeper.now_or_wall())
        journal = _reading_journal(settings.state, decisions)
        forecaster = Forecaster(
            catalogue, journal, _planner(settings, catalogue), clock_proven=timekeeper.synchronised()
        )
        log = _log_directory(settings.state)
        sources = Sources(
            sites, catalogue, timekeeper, Surveyor(catalogue, journal), forecaster, lambda: records_since(log)
        )
        yield View(sources, loaded.book)


def read_decisions(loaded: Loaded) -> Decisions:
    """Return what the trail says was decided, without the lock."""
    from retentiond.audit.cache import DecisionFile
    from retentiond.audit.reader import TrailOnDisk

    state = loaded.settings.state
    log = _log_directory(state)
    return DecisionFile(os.path.join(state, "decisions.json"), log).load(TrailOnDisk(log))


def _reading_journal(state: str, decisions: Decisions) -> Journal:
    from retentiond.audit.cache import DecisionFile
    from retentiond.audit.reader import TrailOnDisk

    log = _log_directory(state)
    return Journal(TrailOnDisk(log), DecisionFile(os.path.join(state, "decisions.json"), log), decisions)


def read_trail(loaded: Loaded, wanted: "AuditFilter", *, follow: bool) -> Iterator[Record]:
    """Yield the wanted records of the trail; with `follow` go on as it grows."""
    from retentiond.audit import reader

    log = _log_directory(loaded.settings.state)
    records = reader.follow(log, 0, lambda: False) if follow else reader.records_since(log)
    return (record for record in records if wanted.wants(record))


def verify_trail(loaded: Loaded, external: tuple[int, bytes] | None, progress: Callable[[int], None]) -> "Verified":
    """Check the whole trail. Raises AuditDamagedError."""
    from retentiond.audit import verify

    directory = os.path.join(loaded.settings.state, "audit")
    return verify.verify_trail(directory, external=external, progress=progress)


def make_key(loaded: Loaded) -> tuple[str, str]:
    """Make the signing key; return where it lies, and its public half."""
    from retentiond.audit import keys

    settings = loaded.settings
    return settings.audit.key, keys.make_key(settings.audit.key, settings.audit.origin)


def load_register(path: str) -> Register:
    """Read a register file. Raises ConfigurationError."""
    from retentiond.settings.load import load_register_file

    return load_register_file(path).register


def schema_text(*, of_register: bool) -> str:
    """Return the JSON Schema of one of the files."""
    import json

    from retentiond.settings.schema import register_schema, settings_schema

    return json.dumps(register_schema() if of_register else settings_schema(), indent=2)


def effective_settings(loaded: Loaded) -> str:
    """Return the settings in force as YAML."""
    from retentiond.settings.render import render

    return render(loaded.settings)


def propose(store: str, *, recorder_config: str | None, timezone: str | None) -> "Proposal":
    """Look at a directory and propose both files for it. Raises UsageError, StorageError."""
    from retentiond.domain.errors import UsageError
    from retentiond.recorders.recognise import recognise
    from retentiond.settings.paths import parse_store_path
    from retentiond.settings.propose import Recognised
    from retentiond.settings.propose import propose as propose_files

    try:
        path = parse_store_path(os.path.realpath(store))
    except ValueError as error:
        raise UsageError(str(error)) from error
    configs = (
        (recorder_config,) if recorder_config else ("/etc/motion/motion.conf", "/usr/local/etc/motion/motion.conf")
    )
    found = recognise(path, configs)
    if not found:
        raise UsageError(
            f"{path}: nothing in it looks like recordings of a recorder that is known here; write recorder: template "
            "with a layout such as {camera}/%Y-%m-%d/%H-%M-%S.mp4"
        )
    best = found[0]
    recognised = Recognised(best.recorder, best.layout, best.cameras, best.recorder_config, timezone or _host_zone())
    return propose_files(path, recognised, looked_at=best.looked_at, matched=best.matched)


def _host_zone() -> str:
    """Return this host's time zone as systemd and Debian keep it, UTC where it cannot be told."""
    link = os.path.realpath("/etc/localtime")
    _, _, zone = link.partition("/zoneinfo/")
    return zone or "UTC"


def diagnose(loaded: Loaded) -> "list[Diagnosis]":
    """Look at what this host lets the daemon do."""
    from retentiond.observe import host

    stores = [item for store in loaded.settings.stores for item in host.diagnose_store(store.name, store.path)]
    return [*stores, *host.diagnose_host()]


def free_address() -> str:
    """Return a loopback address with a port that is free right now; the usual one if it is."""
    import socket

    for port in (9723, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return f"127.0.0.1:{probe.getsockname()[1]}"
    return "none"
