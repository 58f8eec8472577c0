"""What commands read beside a daemon, or without one."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING

from retentiond import __version__
from retentiond.bootstrap.configuration import Loaded
from retentiond.bootstrap.devices import build_sources
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
from retentiond.control.owner import enter
from retentiond.domain.decisions import Decisions
from retentiond.domain.errors import AuditDamagedError, RetentiondError, UsageError
from retentiond.domain.event import Record
from retentiond.ports import Catalogue, Head
from retentiond.services.journal import Journal
from retentiond.services.outlook import Forecaster
from retentiond.services.rulebook import RuleBook
from retentiond.services.scan import StoreScan, walk_whole
from retentiond.services.survey import Surveyor
from retentiond.services.view import Site, Sources, View
from retentiond.services.weigh import Weigher

if TYPE_CHECKING:
    from retentiond.audit.prune import PrunePlan
    from retentiond.audit.reader import AuditFilter


@contextmanager
def open_view(loaded: Loaded, progress: Callable[[], None] = lambda: None) -> Iterator[View]:
    """Open everything for reading. Without a catalogue the stores are scanned into one that nobody keeps.

    `progress` is called after each directory of such a scan.
    """
    from retentiond.audit.reader import records_since
    from retentiond.catalogue.open import open_in_memory, open_read_only

    settings = loaded.settings
    enter(settings.state)
    with ExitStack() as stack:
        decisions = read_decisions(loaded)
        timekeeper = timekeeper_of(settings.state)
        kept = os.path.exists(catalogue_path(settings.state))
        opened = open_read_only(catalogue_path(settings.state)) if kept else open_in_memory()
        catalogue = stack.enter_context(opened)
        sites = build_sites(settings, decisions)
        if not kept:
            _scan(sites, catalogue, loaded.book, timekeeper.now_or_wall(), progress)
        journal = _reading_journal(settings.state, decisions)
        planner = planner_of(settings, catalogue, journal)
        weigher = Weigher(planner, catalogue, journal, pause=lambda: None)
        forecaster = Forecaster(catalogue, journal, planner, weigher, clock_proven=timekeeper.synchronised())
        log = log_directory(settings.state)
        sources = Sources(
            sites,
            catalogue,
            timekeeper,
            Surveyor(catalogue, journal),
            forecaster,
            lambda: records_since(log),
            decisions,
            settings.enforcing,
            sampler_of(settings, catalogue),
            build_sources(settings),
            declared=declared_copies(settings),
        )
        yield View(sources, loaded.book)


def _scan(
    sites: Sequence[Site], catalogue: Catalogue, book: RuleBook, now: datetime, progress: Callable[[], None]
) -> None:
    from retentiond.observe.metrics import Metrics

    for site in (site for site in sites if _is_ready(site)):
        scan = StoreScan(site.store, site.recorder, catalogue, Metrics(__version__))
        walk_whole(scan, site.store, book, now, progress=progress)


def _is_ready(site: Site) -> bool:
    """Tell whether a recorder can say what a name is; one that has not looked yet looks now."""
    if not site.recorder.ready:
        with suppress(RetentiondError):  # `check` says why
            site.recorder.devices()
    return site.recorder.ready


def recorded_decisions(loaded: Loaded) -> Decisions:
    """Return what was decided. Raises StorageError where there is no trail yet: no record is no all-clear."""
    from retentiond.audit.reader import expect_trail

    enter(loaded.settings.state)
    expect_trail(log_directory(loaded.settings.state))
    return read_decisions(loaded)


def read_decisions(loaded: Loaded) -> Decisions:
    """Return what the trail says was decided, without the lock.

    Raises:
        AuditDamagedError: records are missing that the head on disk attests; what they decided is not known.
        StorageError: it cannot be read.
    """
    from retentiond.audit.cache import DecisionFile
    from retentiond.audit.reader import TrailOnDisk, expect_attested

    state = loaded.settings.state
    enter(state)
    log = log_directory(state)
    trail = TrailOnDisk(log)
    head = trail.head()  # before the records: a writer may be at work
    decisions = DecisionFile(os.path.join(state, "decisions.json"), log).load(trail)
    expect_attested(log, decisions.seq, head)
    return decisions


def _reading_journal(state: str, decisions: Decisions) -> Journal:
    from retentiond.audit.cache import DecisionFile
    from retentiond.audit.reader import TrailOnDisk
    from retentiond.audit.spool import Spool

    log = log_directory(state)
    cache = DecisionFile(os.path.join(state, "decisions.json"), log)
    return Journal(TrailOnDisk(log), cache, decisions, Spool(os.devnull, (), wall_now))


def cameras_on_record(loaded: Loaded) -> tuple[str, ...]:
    """Return every camera that a record is about. Raises AuditDamagedError, StorageError."""
    from retentiond.audit import reader

    enter(loaded.settings.state)
    log = log_directory(loaded.settings.state)
    reader.expect_trail(log)
    found: set[str] = set()
    for record in reader.records_since(log):
        found |= reader.cameras_in(record)
    return tuple(sorted(found))


def read_trail(loaded: Loaded, wanted: "AuditFilter", *, follow: bool) -> Iterator[Record]:
    """Yield the wanted records of the trail; with `follow` go on as it grows.

    Raises:
        AuditDamagedError: a line is none, or at the end: records are missing that the head on disk attests.
        StorageError: it cannot be read.
    """
    from retentiond.audit import reader

    enter(loaded.settings.state)
    log = log_directory(loaded.settings.state)
    reader.expect_trail(log)
    if follow:
        yield from (record for record in reader.follow(log, 0, lambda: False) if wanted.wants(record))
        return
    attested = _attested(log)
    count = 0
    for record in reader.records_since(log):
        count = record.seq + 1
        if wanted.wants(record):
            yield record
    reader.expect_attested(log, count, attested())


def _attested(log: str) -> Callable[[], Head]:
    """Read the head on disk now, before records are; what is wrong with it is raised when it is asked for."""
    from retentiond.audit.reader import TrailOnDisk

    try:
        head = TrailOnDisk(log).head()
    except AuditDamagedError as error:
        damage = error

        def raise_it() -> Head:
            raise damage

        return raise_it
    return lambda: head


def make_key(loaded: Loaded, *, rotate: bool = False) -> tuple[str, str]:
    """Make the signing key, or the next one; return where it lies, and its public half. Raises as `make_next_key`."""
    from retentiond.audit import keys
    from retentiond.audit.fork import origin_now

    settings = loaded.settings
    enter(settings.state)
    path, directory = settings.audit.key, os.path.join(settings.state, "audit")
    if not rotate:
        return path, keys.make_key(path, settings.audit.origin)
    return path + keys.NEXT, keys.make_next_key(path, origin_now(directory, settings.audit.origin))


def public_keys(loaded: Loaded) -> list[str]:
    """Return the public keys that sign heads now, or will at the next start.

    Raises:
        StorageError: `keys` or a key cannot be read.
        NotPermittedError: others may read the private key.
        UsageError: there is no key.
    """
    from retentiond.audit import keys
    from retentiond.audit.fork import origin_now
    from retentiond.tlog.key import format_vkey

    settings = loaded.settings
    enter(settings.state)
    directory = os.path.join(settings.state, "audit")
    known = [key.vkey for key in keys.known_keys(directory) if key.last is None]
    if known:
        return known
    signers = keys.load_signers(settings.audit.key, origin_now(directory, settings.audit.origin))
    if signers.current is None:
        raise UsageError(f"{settings.audit.key}: there is no key yet; make one: retentiond audit keygen")
    return [format_vkey(signers.current.key)]


def plan_pruning(loaded: Loaded) -> "PrunePlan":
    """Work out what of the trail is older than `audit.keep` says, as of now; changes nothing."""
    from retentiond.audit.prune import months_before, plan_pruning

    decisions = recorded_decisions(loaded)
    before = months_before(wall_now(), loaded.settings.audit.keep_months)
    return plan_pruning(os.path.join(loaded.settings.state, "audit"), before, decisions)
