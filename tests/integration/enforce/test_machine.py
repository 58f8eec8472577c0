"""A machine that does to a store whatever can happen to it, beside a model that knows what is true of it.

Always: nothing goes before its time, nothing that is held goes, and what is said to be deleted is what has gone. In
the end, when all is well again: nothing is late. `test_any_history.py` tells shorter stories of clocks; here are
crashes in the middle of a deletion, policies, rewritten files and holds too.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from retentiond.domain import instants
from retentiond.storage.syscalls import SystemCalls
from tests.world import World, book

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LAPSE = timedelta(hours=72)
EARLY = timedelta(seconds=60 + 120 + 1)
"""The margin, what C4 lets the clock drift forward, and a second."""

LONG_DOUBT = timedelta(days=40)
"""Beyond this the end of a history is not waited for: it takes too long, and shows nothing new."""

CAMERAS = ("hall", "yard")
PEOPLE = ("op-one", "op-two")


class Killed(BaseException):
    """The program is killed here."""


@contextmanager
def killed_at_call(number: int) -> Iterator[None]:
    """Kill the program at its next `number`-th call that changes a disk, before the call is made."""
    left = number
    patch = pytest.MonkeyPatch()

    def fatal(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return real(*arguments, **named)

        return call

    for name in ("unlink", "rmdir", "fsync", "fdatasync", "rename", "replace", "write", "pwrite"):
        patch.setattr(os, name, fatal(getattr(os, name)))
    patch.setattr(SystemCalls, "rename_noreplace", fatal(SystemCalls.rename_noreplace))
    try:
        yield
    finally:
        patch.undo()


@dataclass
class Hold:
    """A hold on one camera as the model knows it, in trusted time."""

    camera: str
    placed: datetime
    ends: datetime
    by: str
    approved: bool = False
    extension: tuple[datetime, datetime, str] | None = None

    def effective_until(self) -> datetime:
        if not self.approved:
            return min(self.ends, self.placed + LAPSE)
        if self.extension is None:
            return self.ends
        until, asked, _ = self.extension
        return max(self.ends, min(until, asked + LAPSE))


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="retentiond-machine-"))
        now = datetime.now(UTC).replace(microsecond=0)  # the births of files are real
        self.world = World(self.root, now=now)
        self.made: dict[Path, datetime] = {}
        self.gone: set[str] = set()
        self.holds: dict[str, Hold] = {}
        self.period = 30 * DAY
        self.off_by = timedelta()
        self.doubt = timedelta()
        self.away: Path | None = None

    @initialize()
    def begin(self) -> None:
        """Both cameras have recorded, so that everybody knows them."""
        self.world.start()
        self.world.scan()
        for camera in CAMERAS:
            self.record(camera)
        self.world.scan()

    # --- what is true -------------------------------------------------------------------------------------------

    @property
    def true_now(self) -> datetime:
        return self.world.clock.wall - self.off_by

    def camera_of(self, path: Path) -> str:
        return path.parent.parent.name

    @invariant()
    def check(self) -> None:
        """Fail if anything went that should still be there."""
        trusted = self.world.cycle.now() if self.world.running else None
        if self.away is None:
            for path in [path for path in self.made if not path.exists()]:
                age = self.true_now - self.made.pop(path)
                assert age >= self.period - EARLY, f"{path} went {self.period - age} early"
                held = [
                    ident
                    for ident, hold in self.holds.items()
                    if hold.camera == self.camera_of(path) and trusted is not None and trusted < hold.effective_until()
                ]
                assert held == [], f"{path} went in spite of {held}"
                self.gone.add(str(path.relative_to(self.world.store_path)))
        if trusted is not None:
            for hold in self.holds.values():
                if hold.extension is not None and trusted >= hold.extension[1] + LAPSE:
                    hold.extension = None
            self.holds = {key: hold for key, hold in self.holds.items() if trusted < hold.effective_until()}
            assert set(self.world.journal.decisions.suspensions) >= set(self.holds), "a hold is forgotten"

    def elapse(self, length: timedelta, *, every: timedelta = 6 * HOUR) -> None:
        end = self.world.clock.since_boot + length
        while self.world.clock.since_boot < end:
            self.world.clock.pass_time(min(every, end - self.world.clock.since_boot))
            self.world.cycle.tick()
            self.check()

    def record(self, camera: str) -> None:
        if self.away is not None:
            return
        name = self.world.clock.wall.replace(microsecond=0)
        path = self.world.path(camera, name)
        if path.exists() or str(path.relative_to(self.world.store_path)) in self.gone:
            return
        self.world.record(camera, name)
        self.made[path] = self.true_now
        if not self.world.running:
            return
        self.world.cycle.look_again(self.world.keeper.name, f"{camera}/{name:%Y-%m-%d}".encode())
        self.world.cycle.look_again(self.world.keeper.name, camera.encode())

    # --- time ---------------------------------------------------------------------------------------------------

    @rule(hours=st.sampled_from([1, 8, 30, 100, 260]))
    def live(self, hours: int) -> None:
        """Time passes, and each camera records now and then."""
        for _ in range(4):
            self.elapse(hours * HOUR / 4)
            for camera in CAMERAS:
                self.record(camera)

    @rule(hours=st.sampled_from([-8000, -500, -30, -1, 1, 2, 30, 500, 9000]))
    def step(self, hours: int) -> None:
        """Somebody sets the clock, or its battery fails: it is off by so much from now on."""
        self.world.clock.synchronised = False
        self.world.clock.step(hours * HOUR - self.off_by)
        self.off_by = hours * HOUR
        self.doubt += abs(self.off_by)
        self.world.cycle.tick()

    @rule()
    def synchronise(self) -> None:
        self.world.clock.step(-self.off_by)
        self.off_by = timedelta()
        self.world.clock.synchronised = True
        self.elapse(timedelta(minutes=12), every=timedelta(minutes=1))

    @rule(hours=st.sampled_from([1, 30, 100]), remembers=st.booleans())
    def power_off(self, hours: int, remembers: bool) -> None:
        """The machine is off for a while; its clock goes on, or goes on from where it was switched off.

        The recorder begins before the daemon does.
        """
        self.world.clock.synchronised = False
        self.world.stop()
        if remembers:
            self.world.clock.pass_time(hours * HOUR)
        else:
            self.off_by -= hours * HOUR
        self.doubt += 2 * hours * HOUR
        self.world.clock.boot()
        for _ in range(2):
            self.world.clock.pass_time(HOUR / 2)
            for camera in CAMERAS:
                self.record(camera)
        self.come_back()

    # --- the program --------------------------------------------------------------------------------------------

    def come_back(self) -> None:
        self.world.start()
        self.world.scan()

    @rule(hours=st.sampled_from([0, 8, 100]), without_catalogue=st.booleans())
    def restart(self, hours: int, without_catalogue: bool) -> None:
        """The daemon is down for a while, and the recorder is not."""
        self.world.stop()
        for _ in range(4):
            self.world.clock.pass_time(hours * HOUR / 4)
            for camera in CAMERAS:
                self.record(camera)
        self.world.start()
        self.world.restart(without_catalogue=without_catalogue)

    @rule(number=st.integers(0, 40), hours=st.sampled_from([6, 30, 200]))
    def kill(self, number: int, hours: int) -> None:
        """Kill the program in the middle of its work, and start it again."""
        try:
            with killed_at_call(number):
                for _ in range(4):
                    self.world.clock.pass_time(hours * HOUR / 4)
                    self.world.cycle.tick()
                self.world.cycle.report()
        except Killed:
            self.world.crash()
            self.come_back()

    @rule()
    def scan(self) -> None:
        self.world.scan()

    # --- the disk -----------------------------------------------------------------------------------------------

    @precondition(lambda self: self.away is None)
    @rule()
    def unmount(self) -> None:
        self.away = self.root / "away"
        shutil.move(self.world.store_path, self.away)
        self.world.store_path.mkdir()
        self.world.cycle.tick()

    @precondition(lambda self: self.away is not None)
    @rule()
    def mount(self) -> None:
        assert self.away is not None
        self.world.store_path.rmdir()
        shutil.move(self.away, self.world.store_path)
        self.away = None
        self.world.cycle.tick()
        self.check()
        self.world.scan()

    @precondition(lambda self: self.away is None and not self.off_by and self.made)
    @rule(data=st.data())
    def rewrite(self, data: st.DataObject) -> None:
        """A recorder uses an old name again, or a user writes into an old film."""
        path = data.draw(st.sampled_from(sorted(self.made)))
        with path.open("ab") as file:
            file.write(b"more")
        stamp = self.world.clock.wall.timestamp()
        os.utime(path, (stamp, stamp))
        begun = datetime.strptime(f"{path.parent.name} {path.stem}", "%Y-%m-%d %H-%M-%S").replace(tzinfo=UTC)
        if self.world.clock.wall - begun > DAY + HOUR:
            self.made[path] = self.true_now
            self.doubt += HOUR

    # --- people -------------------------------------------------------------------------------------------------

    @rule(days=st.sampled_from([20, 30, 45]))
    def policy(self, days: int) -> None:
        self.period = days * DAY
        self.world.book = book(f"{days}d")
        self.world.cycle.replace_book(self.world.book)
        self.world.cycle.tick()

    @rule()
    def approve(self) -> None:
        """A person who approves whatever is asked."""
        if self.world.waiting() is not None and not self.world.is_approved():
            self.world.approve()

    @precondition(lambda self: len(self.holds) < 3)
    @rule(camera=st.sampled_from(CAMERAS), days=st.sampled_from([2, 50, 300]), actor=st.sampled_from(PEOPLE))
    def hold(self, camera: str, days: int, actor: str) -> None:
        everything = datetime(2001, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
        answer = self.world.hold(*everything, cameras=[camera], until=f"{days}d", actor=actor)
        placed = self.world.cycle.now()
        self.holds[answer["hold"]] = Hold(camera, placed, instants.from_text(answer["until"]), actor)

    @precondition(lambda self: any(not hold.approved or hold.extension for hold in self.holds.values()))
    @rule()
    def approve_hold(self) -> None:
        ident, hold = next((key, hold) for key, hold in self.holds.items() if not hold.approved or hold.extension)
        asked = hold.by if hold.extension is None else hold.extension[2]
        other = next(person for person in PEOPLE if person != asked)
        self.world.ask("hold_approve", hold=ident, actor=other)
        if hold.extension is not None:
            hold.ends, hold.extension = hold.extension[0], None
        hold.approved = True

    @precondition(lambda self: any(hold.approved and not hold.extension for hold in self.holds.values()))
    @rule(actor=st.sampled_from(PEOPLE))
    def extend_hold(self, actor: str) -> None:
        ident, hold = next((key, hold) for key, hold in self.holds.items() if hold.approved and not hold.extension)
        now = self.world.cycle.now()
        until = max(hold.ends, now) + 5 * DAY
        if until > now + 364 * DAY:
            return
        self.world.ask("hold_extend", hold=ident, until=instants.to_text(until), actor=actor)
        hold.extension = (until, now, actor)

    @precondition(lambda self: self.holds)
    @rule(data=st.data())
    def release_hold(self, data: st.DataObject) -> None:
        ident = data.draw(st.sampled_from(sorted(self.holds)))
        self.world.ask("hold_release", hold=ident, why="settled")
        del self.holds[ident]
        self.world.cycle.tick()

    # --- the end ------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            if self.world.running:
                self.end_well()
        finally:
            if self.world.running:
                self.world.stop()
            shutil.rmtree(self.root)

    def end_well(self) -> None:
        """Everything is put right, and people do what they are asked: then nothing may be late."""
        if self.away is not None:
            self.mount()
        self.synchronise()
        for ident in list(self.holds):
            self.world.ask("hold_release", hold=ident, why="settled")
            del self.holds[ident]
        self.check()
        if self.doubt <= LONG_DOUBT:
            self.world.cycle.accept_clock(self.world.clock.wall, "op-one")
            self.elapse(self.period + self.doubt + DAY, every=DAY)
            for _ in range(3):
                self.approve()
                self.elapse(2 * DAY)
            assert self.made == {}, "late"
            assert self.world.files() == set()
        self.check_the_record()

    def check_the_record(self) -> None:
        """Each file that went was said to go, and to have gone, once; nothing else was."""
        intents = [entry["claim"] for line in self.world.records("deletion.intent") for entry in line["recordings"]]
        outcomes = self.world.records("recording.deleted", "deletion.void", "deletion.failed")
        assert len(intents) == len(set(intents))
        assert sorted(intents) == sorted(line["claim"] for line in outcomes)
        told = [line["rec"]["path"] for line in outcomes if line["type"] == "recording.deleted"]
        assert len(told) == len(set(told))
        assert set(told) == self.gone


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
