"""What may change state: the daemon, one run of it, and requests where none runs."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from retentiond import __version__
from retentiond.bootstrap.anchoring import evidence_findings, open_audit
from retentiond.bootstrap.configuration import Loaded
from retentiond.bootstrap.parts import (
    build_sites,
    catalogue_path,
    declared_copies,
    log_directory,
    planner_of,
    sampler_of,
    timekeeper_of,
    wall_now,
)
from retentiond.control.client import ask as ask_daemon
from retentiond.control.lock import state_lock
from retentiond.control.owner import enter
from retentiond.domain.errors import UnreachableError
from retentiond.durable import SpareFile
from retentiond.ports import AuditTrail, Observer, Watch
from retentiond.services.journal import Journal
from retentiond.services.survey import Surveyor

if TYPE_CHECKING:
    from retentiond.audit.spool import Spool
    from retentiond.services.cycle import Cycle
    from retentiond.settings.values import Settings


@contextmanager
def open_works(
    loaded: Loaded,
    observer: Observer,
    watch: Watch,
    stopping: Callable[[], bool],
    *,
    accepting: bool = False,
    forking: bool = False,
) -> "Iterator[Cycle]":
    """Take the lock and wire a cycle over the real disk, catalogue and trail.

    With `accepting` it does not matter whether what is remembered of trusted time can be used: a person replaces it.
    With `forking` a trail that is damaged is set aside and another is begun; without, that is an error.

    Raises:
        TryAgainError: a daemon works on this state directory already.
        RetentiondError: as the parts that are opened.
    """
    from retentiond.audit.pruner import TrailPruner
    from retentiond.catalogue.open import open_or_rebuild
    from retentiond.services.cycle import Cycle
    from retentiond.services.delete import Deleter
    from retentiond.services.keep_store import StoreKeeper
    from retentiond.services.overview import Mode
    from retentiond.services.parts import Parts
    from retentiond.services.weigh import Weigher

    settings = loaded.settings
    enter(settings.state)
    with ExitStack() as stack:
        stack.enter_context(state_lock(settings.state))
        spare = SpareFile(os.path.join(settings.state, "spare"))
        spare.keep()
        timekeeper = timekeeper_of(settings.state, forgiving=accepting)
        trail = stack.enter_context(open_audit(settings, forking=forking))
        journal = _open_journal(settings, trail)
        catalogue = stack.enter_context(open_or_rebuild(catalogue_path(settings.state)))
        deleter = Deleter(journal, catalogue, timekeeper, observer, new_id=_new_id, stopping=stopping)
        planner, surveyor = planner_of(settings, catalogue, journal), Surveyor(catalogue, journal)
        weigher = Weigher(planner, catalogue, journal, pause=stopping)
        sampler = sampler_of(settings, catalogue, writes=True)
        pruner = TrailPruner(trail, os.path.join(settings.state, "audit"), settings.audit.keep_months)
        tools = planner, weigher, deleter, surveyor, spare, pruner, sampler
        parts = Parts(trail, journal, catalogue, timekeeper, observer, *tools)
        keepers = [
            StoreKeeper(site.store, site.recorder, parts, enforcing=settings.enforcing)
            for site in build_sites(settings, journal.decisions, writes=True)
        ]
        cycle = Cycle(keepers, parts, loaded.book, mode=Mode(enforcing=settings.enforcing), watch=watch)
        for item in (*evidence_findings(settings), *declared_copies(settings)):
            cycle.raise_finding(item)
        yield cycle


def _open_journal(settings: "Settings", trail: AuditTrail) -> Journal:
    """Return what was decided so far, by the trail, and take up what was noted while it took nothing."""
    from retentiond.audit.cache import DecisionFile

    cache = DecisionFile(os.path.join(settings.state, "decisions.json"), log_directory(settings.state))
    journal = Journal(trail, cache, cache.load(trail), _spool_of(settings), on_failure=settings.audit.on_failure)
    journal.open()
    return journal


def _spool_of(settings: "Settings") -> "Spool":
    """Return where deletions are noted while the trail takes nothing: beside the socket, and in the journal."""
    from retentiond.audit.journald import Journald
    from retentiond.audit.spool import Spool

    path = os.path.join(os.path.dirname(settings.socket), "audit-gap.jsonl")
    spool = Spool(path, (Journald(),), wall_now)
    spool.open()
    return spool


def _new_id() -> str:
    return secrets.token_hex(8)


def run_once(loaded: Loaded) -> dict[str, Any]:
    """Settle, scan, delete what is due, and end. Returns how things stand then, as `status` gives it."""
    from retentiond.observe.metrics import Metrics
    from retentiond.observe.status import status_json
    from retentiond.services.scan import in_groups
    from retentiond.storage.watch import NoWatch

    with open_works(loaded, Metrics(__version__), NoWatch(), lambda: False) as cycle:
        cycle.start()
        for keeper, scan in cycle.begin_scans():
            for steps in in_groups(keeper.store.walk(scan.descends, scan.known)):
                cycle.take(keeper, *steps)
            cycle.complete_scan(keeper, whole=True)
        cycle.tick()
        look = cycle.samples_wanted()
        if look is not None:
            cycle.take_samples(look())
        snapshot = cycle.report()
        cycle.finish()
    return status_json(snapshot)


def ask(loaded: Loaded, request: dict[str, Any], *, alone: bool = True) -> dict[str, Any]:
    """Put a request to the daemon; if none runs and `alone`, take the lock and do what it asks here.

    The answer's `daemon` tells which it was: what is asked here is on the record, and nobody acts on it yet.
    """
    settings = loaded.settings
    try:
        return {**ask_daemon(settings.socket, request, 90.0), "daemon": True}
    except UnreachableError:
        if not alone:
            raise
    from retentiond.control.actor import actor_name
    from retentiond.observe.metrics import Metrics
    from retentiond.services.answer import answer
    from retentiond.storage.watch import NoWatch

    asking = os.getuid()
    accepting = request["verb"] == "accept_clock"
    with open_works(loaded, Metrics(__version__), NoWatch(), lambda: False, accepting=accepting) as cycle:
        cycle.start()
        reply = answer(cycle, request, actor_name(settings.state, asking))
        cycle.finish()
        return {**reply, "daemon": False}
