"""The real cycle over a real directory, catalogue and trail, under a clock that the test moves."""

import json
import os
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from retentiond.audit.cache import DecisionFile
from retentiond.audit.pruner import TrailPruner
from retentiond.audit.spool import Spool
from retentiond.audit.trail import TrailSettings, open_trail
from retentiond.bootstrap import adopted_identity
from retentiond.catalogue.open import open_or_rebuild
from retentiond.domain import instants
from retentiond.domain.audit_failure import OnAuditFailure
from retentiond.domain.clock import ClockAnchor
from retentiond.domain.finding import FindingKind
from retentiond.domain.period import parse_deletion_period
from retentiond.domain.recording import Category, StoreName
from retentiond.domain.register import Register
from retentiond.domain.rule import DeletionRule, Policy
from retentiond.domain.run import Plan
from retentiond.domain.suspension import Ground
from retentiond.durable import SpareFile
from retentiond.ports import Probe
from retentiond.probe.memory import SampleFile
from retentiond.probe.process import WorkerProbe
from retentiond.recorders.registry import build_recorder
from retentiond.recorders.zoneminder_notes import NotesFile
from retentiond.services.answer import answer
from retentiond.services.approve import Consent
from retentiond.services.cycle import Cycle
from retentiond.services.delete import Deleter
from retentiond.services.journal import Journal
from retentiond.services.keep_store import StoreKeeper
from retentiond.services.keep_time import Timekeeper
from retentiond.services.overview import Mode
from retentiond.services.parts import Parts
from retentiond.services.plan import Planner
from retentiond.services.rulebook import RuleBook
from retentiond.services.sample import Sampler
from retentiond.services.scan import in_groups
from retentiond.services.survey import Surveyor
from retentiond.services.weigh import Weigher
from retentiond.storage.store import DirectoryStore
from tests.fakes.clock import FakeClock, FakeClockMemory
from tests.fakes.observer import RememberingObserver, WatchOff
from tests.fakes.trail import RefusingTrail

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
MAIN = StoreName("main")
EVERYTHING = frozenset(Category)
LAYOUT = "{camera}/%Y-%m-%d/%H-%M-%S.mp4"


def book(period: str = "30d", *rules: DeletionRule) -> RuleBook:
    """Return a rule book with one rule for everything, or with `rules`."""
    policy = Policy(
        rules or (DeletionRule("rule-1", EVERYTHING, parse_deletion_period(period)),), timedelta(seconds=60)
    )
    return RuleBook(policy, f"policy {policy.canonical()}", Register(), "register")


class World:
    """One store under `root`, and a program that can be started, stopped and started again."""

    def __init__(self, root: Path, *, now: datetime = BEGIN, mode: str = "enforce", period: str = "30d") -> None:
        self.root = root
        self.store_path = root / "srv" / "store"
        self.state = root / "state"
        self.store_path.mkdir(parents=True)
        self.state.mkdir()
        self.clock = FakeClock(now)
        self.memory = FakeClockMemory()
        self.memory.anchor = ClockAnchor(now, self.clock.since_boot, self.clock.boot_id)
        self.mode = Mode(enforcing=mode == "enforce")
        self.book = book(period)
        self.recorder = "template"
        self.recorder_config: str | None = None
        self.layouts: tuple[str, ...] = (LAYOUT,)
        self.others: dict[StoreName, Path] = {}
        self.winding_down = False
        self.stopping = False
        self.on_failure = OnAuditFailure.HOLD_UNTIL_DEADLINE
        self.refuses = False
        self.keep_months = 24
        self.between_chunks: Callable[[], bool] = lambda: self.stopping
        self.observer = RememberingObserver()
        self.probe: Probe = WorkerProbe({MAIN: str(self.store_path)})
        self._open: ExitStack | None = None

    # --- the program --------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start the program: open everything, recover, and be ready to tick."""
        self._open = stack = ExitStack()
        audit = str(self.state / "audit")
        opened = stack.enter_context(
            open_trail(TrailSettings(audit, "test.example/retentiond", now=lambda: self.clock.wall))
        )
        self.trail = trail = RefusingTrail(opened)
        if self.refuses:
            trail.refuse()
        cache = DecisionFile(str(self.state / "decisions.json"), os.path.join(audit, "log"))
        spool = Spool(str(self.root / "gap.jsonl"), (), lambda: self.clock.wall)
        spool.open()
        self.journal = Journal(trail, cache, cache.load(trail), spool, on_failure=self.on_failure)
        self.journal.open()
        self.catalogue = stack.enter_context(open_or_rebuild(str(self.state / "catalogue.db")))
        timekeeper = Timekeeper(self.clock, self.memory, self.memory.load())
        planner = Planner(
            self.catalogue,
            self.journal,
            dispute_grace=timedelta(hours=24),
            winding_down=frozenset({MAIN, *self.others} if self.winding_down else ()),
        )
        deleter = Deleter(
            self.journal,
            self.catalogue,
            timekeeper,
            self.observer,
            new_id=_ids(),
            stopping=lambda: self.between_chunks(),  # noqa: PLW0108  a test may replace it during a run
        )
        surveyor = Surveyor(self.catalogue, self.journal)
        spare = SpareFile(str(self.state / "spare"))
        self.parts = parts = Parts(
            trail,
            self.journal,
            self.catalogue,
            timekeeper,
            self.observer,
            planner,
            Weigher(planner, self.catalogue, self.journal, pause=lambda: self.between_chunks()),  # noqa: PLW0108
            deleter,
            surveyor,
            spare,
            TrailPruner(opened, audit, self.keep_months),
            Sampler(self.catalogue, self.probe, SampleFile(str(self.state / "samples.json"), writes=True)),
        )
        self.keeper = self._keeper(MAIN, self.store_path)
        others = [self._keeper(name, path) for name, path in self.others.items()]
        self.cycle = Cycle([self.keeper, *others], parts, self.book, mode=self.mode, watch=WatchOff())
        self.cycle.start()

    def _keeper(self, name: StoreName, path: Path) -> StoreKeeper:
        decisions = self.journal.decisions
        store = DirectoryStore(name, str(path), expected=lambda: adopted_identity(decisions, name))
        recorder = build_recorder(
            self.recorder,
            store=name,
            store_path=str(path),
            timezone="UTC",
            layouts=self.layouts,
            recorder_config=self.recorder_config,
            notes=NotesFile(str(self.state / "zoneminder-main.json"), writes=True),
        )
        return StoreKeeper(store, recorder, self.parts, enforcing=self.mode.enforcing)

    @property
    def running(self) -> bool:
        """Whether the program is running."""
        return self._open is not None

    def stop(self) -> None:
        """Stop the program cleanly."""
        assert self._open is not None
        self.cycle.finish()
        self._open.close()
        self._open = None

    def crash(self) -> None:
        """Let the program go without a word, as a kill does."""
        assert self._open is not None
        self._open.close()
        self._open = None

    def restart(self, *, away: timedelta = timedelta(), reboot: bool = False, without_catalogue: bool = False) -> None:
        """Stop the program, let time pass without it, start it again and scan."""
        self.stop()
        self.clock.pass_time(away)
        if reboot:
            self.clock.boot()
        if without_catalogue:
            for path in self.state.glob("catalogue.db*"):
                path.unlink()
        self.start()
        self.scan()

    def pass_time(self, length: timedelta, *, look_every: timedelta = timedelta(hours=1)) -> None:
        """Let time pass while the program runs."""
        end = self.clock.since_boot + length
        while self.clock.since_boot < end:
            self.clock.pass_time(min(look_every, end - self.clock.since_boot))
            self.cycle.tick()

    def scan(self, *, only_wanted: bool = False) -> int:
        """Scan the store, whole, then tick; return how many scans there were."""
        scans = self.cycle.begin_scans(only_wanted=only_wanted)
        for keeper, scan in scans:
            for steps in in_groups(keeper.store.walk(scan.descends, scan.known)):
                self.cycle.take(keeper, *steps)
            self.cycle.complete_scan(keeper, whole=True)
        self.cycle.tick()
        return len(scans)

    def waiting(self) -> Plan | None:
        """Return the plan that waits for an approval."""
        return self.catalogue.waiting(MAIN)

    def findings(self) -> set[FindingKind]:
        """Return the kinds of findings that are open now."""
        return {item.key.kind for item in self.cycle.report().findings}

    def records(self, *types: str) -> list[dict[str, Any]]:
        """Return the records of these types, read from the lines on the disk."""
        lines = [
            json.loads(line)
            for segment in sorted((self.state / "audit" / "log").glob("*.jsonl"))
            for line in segment.read_bytes().splitlines()
        ]
        return [line for line in lines if line["type"] in types]

    def is_approved(self) -> bool:
        """Whether the plan that waits is approved already and is only waiting for its retries."""
        plan = self.waiting()
        now = self.cycle.now()
        return plan is not None and self.journal.decisions.approval_for(plan.digest, now) is not None

    def approve(self) -> int:
        """Approve what waits, and tick."""
        plan = self.waiting()
        if plan is None:
            return 0
        self.cycle.approve(Consent(plan.run, plan.count, plan.digest, "op-test"))
        self.cycle.tick()
        return plan.count

    def hold(self, begin: datetime, end: datetime, *, actor: str = "op-test", **fields: Any) -> dict[str, Any]:
        """Place a hold, as the command does, on every camera unless told otherwise; return the answer."""
        return answer(self.cycle, hold_request(begin, end, **fields), actor)

    def ask(self, verb: str, *, actor: str = "op-test", **fields: Any) -> dict[str, Any]:
        """Ask for something as a command does."""
        return answer(self.cycle, {"verb": verb, **fields}, actor)

    # --- the disk -----------------------------------------------------------------------------------------------

    def path(self, camera: str, start: datetime) -> Path:
        return self.store_path / camera / f"{start:%Y-%m-%d}" / f"{start:%H-%M-%S}.mp4"

    def record(self, camera: str, start: datetime) -> Path:
        """Write a recording as its recorder does."""
        path = self.path(camera, start)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        stamp = start.timestamp() + 1
        os.utime(path, (stamp, stamp))
        return path

    def record_many(
        self, camera: str, first: datetime, count: int, every: timedelta = timedelta(hours=1)
    ) -> list[Path]:
        """Write recordings one after the other."""
        return [self.record(camera, first + every * number) for number in range(count)]

    def files(self) -> set[Path]:
        return {path for path in self.store_path.rglob("*.mp4") if ".retentiond" not in path.parts}


def hold_request(begin: datetime, end: datetime, **fields: Any) -> dict[str, Any]:
    """Return the request for a hold on every camera, unless told otherwise."""
    return {
        "verb": "hold_place",
        "all_cameras": not {"cameras", "rooms"} & fields.keys(),
        "from": instants.to_text(begin),
        "to": instants.to_text(end),
        "ground": Ground.LEGAL_CLAIMS.value,
        "reason": "a claim",
        "reference": "case 7",
        "requested_by": "the lawyer",
        "until": "300d",
        **fields,
    }


def start_of(path: Path) -> datetime:
    """Return the start that the name of a recording tells."""
    return datetime.strptime(f"{path.parent.name} {path.stem}", "%Y-%m-%d %H-%M-%S").replace(tzinfo=UTC)


def _ids() -> Callable[[], str]:
    numbers = iter(range(10**9))
    prefix = os.urandom(4).hex()
    return lambda: f"{prefix}{next(numbers):08x}"
