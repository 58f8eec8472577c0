"""The parts that both the daemon and commands are made of: stores, clock, planner, and where things lie."""

import os
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from retentiond.bootstrap.configuration import Loaded, recorder_of
from retentiond.control.owner import enter, owner_of, work_as_owner_of
from retentiond.domain.clock import ClockReading, TrustedTime
from retentiond.domain.decisions import Decisions
from retentiond.domain.errors import StorageError
from retentiond.domain.finding import Finding
from retentiond.domain.recording import StoreName
from retentiond.ports import Catalogue, StoreIdentity
from retentiond.services.find_copies import declared_copy
from retentiond.services.journal import Journal
from retentiond.services.keep_time import Timekeeper
from retentiond.services.plan import Planner
from retentiond.services.sample import Sampler
from retentiond.services.view import Site

if TYPE_CHECKING:
    from retentiond.observe.rights import Diagnosis
    from retentiond.settings.values import Settings


def build_sites(settings: "Settings", decisions: Decisions, *, writes: bool = False) -> tuple[Site, ...]:
    """Build every store and what is known of its recorder. Only who holds the lock of the state `writes` into it."""
    from retentiond.recorders.line_memory import LineFile
    from retentiond.recorders.motion_memory import MotionFile
    from retentiond.recorders.zoneminder_notes import NotesFile
    from retentiond.storage.store import DirectoryStore

    sites = []
    owner = owner_of(settings.state)
    for item in settings.stores:
        expected = partial(adopted_identity, decisions, item.name)
        store = DirectoryStore(item.name, item.path, expected=expected, owner=owner)
        memory = MotionFile(os.path.join(settings.state, f"motion-{item.name}.json"), writes=writes)
        names = LineFile(os.path.join(settings.state, f"names-{item.name}.json"), writes=writes)
        kind = "shinobi" if item.recorder == "shinobi" else "zoneminder"
        notes = NotesFile(os.path.join(settings.state, f"{kind}-{item.name}.json"), writes=writes)
        sites.append(Site(store, recorder_of(item, memory, names, notes)))
    return tuple(sites)


def adopted_identity(decisions: Decisions, store: StoreName) -> StoreIdentity | None:
    """Return what the record says was adopted under this name last."""
    fields = decisions.adopted.get(store)
    if fields is None:
        return None
    return StoreIdentity(fields["uuid"], int(fields["fsid"]), fields["inode"], fields["fs_type"])


def planner_of(settings: "Settings", catalogue: Catalogue, journal: Journal) -> Planner:
    """Build the planner over a catalogue and what was decided."""
    winding_down = frozenset(item.name for item in settings.stores if item.winding_down)
    return Planner(catalogue, journal, dispute_grace=settings.dispute_grace, winding_down=winding_down)


def sampler_of(settings: "Settings", catalogue: Catalogue, *, writes: bool = False) -> Sampler:
    """Build what looks into recordings. Its process is begun when it is first needed."""
    from retentiond.probe.memory import SampleFile
    from retentiond.probe.process import WorkerProbe

    probe = WorkerProbe({item.name: item.path for item in settings.stores})
    return Sampler(catalogue, probe, SampleFile(os.path.join(settings.state, "samples.json"), writes=writes))


def declared_copies(settings: "Settings") -> tuple[Finding, ...]:
    """Return a finding for each copy that the configuration declares."""
    return tuple(declared_copy(item.name, copy) for item in settings.stores for copy in item.copies)


def timekeeper_of(state: str, *, forgiving: bool = False) -> Timekeeper:
    """Build the keeper of trusted time with what the state directory remembers of it.

    Raises:
        StorageError: what it remembers cannot be used. With `forgiving` there is no trusted time then: a person is
            about to say it anew.
    """
    from retentiond.observe.clock_memory import ClockFile
    from retentiond.observe.system_clock import LinuxClock, read_boot_id

    memory = ClockFile(os.path.join(state, "clock.json"))
    try:
        anchor = memory.load()
    except StorageError:
        if not forgiving:
            raise
        anchor = None
    return Timekeeper(LinuxClock(read_boot_id()), memory, anchor)


def wall_now() -> datetime:
    """Return the wall clock, for what is only shown."""
    from retentiond.observe.system_clock import LinuxClock

    return LinuxClock("").read().wall


def look_at_clock(loaded: Loaded) -> tuple[TrustedTime, ClockReading]:
    """Return trusted time as the state directory has it, beside the clocks now. Changes nothing."""
    from retentiond.observe.system_clock import LinuxClock, read_boot_id

    enter(loaded.settings.state)
    return timekeeper_of(loaded.settings.state).look(), LinuxClock(read_boot_id()).read()


def log_directory(state: str) -> str:
    """Return where the lines of the audit trail lie."""
    return os.path.join(state, "audit", "log")


def catalogue_path(state: str) -> str:
    """Return where the catalogue lies."""
    return os.path.join(state, "catalogue.db")


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


def diagnose(loaded: Loaded) -> "list[Diagnosis]":
    """Look at what this host lets the daemon do; root looks as the owner of the state directory."""
    from retentiond.observe import host, rights

    work_as_owner_of(loaded.settings.state)
    here = [rights.diagnose_user(), rights.diagnose_state(loaded.settings.state)]
    stores = [item for store in loaded.settings.stores for item in host.diagnose_store(store.name, store.path)]
    return [*here, *stores, *host.diagnose_host()]
