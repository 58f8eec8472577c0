"""The composition root: settings in, a wired daemon or a view out. The only module that names adapters.

Imports of adapters stand inside the functions that need them: a command pays for what it uses only.
"""

# ruff: noqa: PLC0415  for that reason

import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
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
from retentiond.ports import AuditTrail, Catalogue, Observer, StoreIdentity, Watch
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
        store = DirectoryStore(item.name, item.path, expected=lambda name=item.name: adopted_identity(decisions, name))
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
def open_works(loaded: Loaded, observer: Observer, watch: Watch, stopping: Callable[[], bool]) -> Iterator[Works]:
    """Take the lock and wire a cycle over the real disk, catalogue and trail."""
    from retentiond.audit.cache import DecisionFile
    from retentiond.audit.trail import open_trail
    from retentiond.catalogue.open import open_or_rebuild

    settings = loaded.settings
    with ExitStack() as stack:
        stack.enter_context(state_lock(settings.state))
        timekeeper = _timekeeper(settings.state)
        trail: AuditTrail = stack.enter_context(open_trail(settings))
        cache = DecisionFile(os.path.join(settings.state, "decisions.json"))
        journal = Journal(trail, cache, cache.load(trail))
        catalogue = stack.enter_context(open_or_rebuild(os.path.join(settings.state, "catalogue.db")))
        deleter = Deleter(journal, catalogue, timekeeper, observer, new_id=_new_id, stopping=stopping)
        planner = _planner(settings, catalogue)
        surveyor = Surveyor(catalogue, journal)
        parts = Parts(trail, journal, catalogue, timekeeper, observer, planner, deleter, surveyor)
        mode = Mode(enforcing=settings.enforcing)
        keepers = [
            StoreKeeper(site.store, site.recorder, parts, enforcing=mode.enforcing)
            for site in build_sites(settings, journal.decisions)
        ]
        yield Works(Cycle(keepers, parts, loaded.book, mode=mode, watch=watch), catalogue, journal)


def _new_id() -> str:
    return secrets.token_hex(8)


def run_once(loaded: Loaded) -> int:
    """Settle, scan, delete what is due, report, and end. Returns 1 if there are findings beyond notices."""
    raise NotImplementedError


def run_daemon(loaded: Loaded, path: str) -> int:
    """Run until SIGTERM."""
    raise NotImplementedError
