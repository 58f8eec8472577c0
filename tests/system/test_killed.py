"""A run that is killed at any of its system calls, or is refused one, deletes nothing that it should not."""

import errno
import os
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.system.evidence import Scene
from tests.system.harness import Site, needs, register_of
from tests.system.warm import Warm, calls_in, count_calls

pytestmark = pytest.mark.system

WORKERS = 2
PERIOD, MARGIN = timedelta(days=30), timedelta(seconds=60)
SOON = timedelta(seconds=12)

EVERY = (
    "renameat2", "unlinkat", "unlink", "rename", "fsync", "fdatasync", "write", "pwrite64", "mkdir", "ftruncate",
    "fallocate",
)  # fmt: skip
"""What changes a disk, and what makes that durable: a run is killed at each of these calls that it makes."""

SPREAD = {"openat": 25, "openat2": 17, "fcntl": 12, "newfstatat": 12, "getdents64": 6, "close": 12}
"""At so many of these, evenly spread: what lies on the disk is the same as at the next of the others."""

REFUSED = ("renameat2", "unlinkat", "fsync", "fdatasync", "write", "pwrite64", "openat2", "rename", "fallocate")
"""What the kernel can refuse in the middle of a run."""

UNLINK_HALF_WAY = 6
"""The run of the two that fell due by themselves makes 2 unlinks and prunes 2 directories; then 3 are unlinked."""


class Trial:
    """A store in which all that is due has been approved or falls due by itself, made again for each trial."""

    def __init__(self, root: Path, warm: Warm) -> None:
        self.warm = warm
        self.site = Site(root, register=register_of("hall", "door"))
        self.kept = root / "kept"
        self.outside = root / "outside.mp4"
        self.scene = self._film()

    def _film(self) -> Scene:
        """Adopt a store, approve what is old in it, and let two more recordings fall due by themselves."""
        now = datetime.now(UTC).replace(microsecond=0)
        site, begun = self.site, time.monotonic()
        soon = now - PERIOD + MARGIN + SOON
        starts = [
            ("hall", now - timedelta(days=45)),
            ("hall", now - timedelta(days=45, minutes=7)),
            ("door", now - timedelta(days=31)),
            ("hall", soon),
            ("door", soon - timedelta(seconds=1)),
        ]
        due = {str(site.record(*item).relative_to(site.store)): item[1] + PERIOD - MARGIN for item in starts}
        young = [site.record("hall", now - timedelta(days=29)), site.record("door", now - timedelta(hours=1))]
        foreign = site.store / "hall" / f"{now - timedelta(days=45):%Y-%m-%d}" / "notes.txt"
        foreign.write_bytes(b"not a recording")
        self.outside.write_bytes(b"outside of the store")
        (foreign.parent / "00-00-00.mp4").symlink_to(self.outside)
        bystanders = {
            path: path.read_bytes() for path in (*young, foreign, self.outside, foreign.parent / "00-00-00.mp4")
        }
        self._must("clock", "accept", "--wall", now.isoformat())
        self.command("run", "--once")
        assert site.approve_all() == 3
        time.sleep(max(0.0, SOON.total_seconds() + 1 - (time.monotonic() - begun)))
        for part in (site.store, site.state):
            shutil.copytree(part, self.kept / part.name, symlinks=True)
        return Scene(site.store, site.state, due, bystanders)

    def restore(self) -> None:
        """Put store and state back as they were; the directories themselves stay the ones that were adopted."""
        for part in (self.site.store, self.site.state):
            for item in list(part.iterdir()):
                shutil.rmtree(item) if item.is_dir() and not item.is_symlink() else item.unlink()
            shutil.copytree(self.kept / part.name, part, symlinks=True, dirs_exist_ok=True)

    def command(self, *arguments: str) -> int:
        return self.warm.run(*arguments, "--config", str(self.site.config))

    def _must(self, *arguments: str) -> None:
        status = self.command(*arguments)
        assert status == 0, (arguments, status, self.warm.complaints)

    def run_traced(self, *trace: str) -> int:
        """Run the daemon once under strace."""
        return self.warm.run_traced(trace, "run", "--once", "--config", str(self.site.config))

    def killed_at(self, call: str, number: int) -> bool:
        """Run, killed on entering the given call; tell whether it came to that."""
        status = self.run_traced(
            "-f", "-o", os.devnull, "-e", f"trace={call}", "-e", f"inject={call}:signal=SIGKILL:when={number}"
        )
        assert status in (-9, 1), (call, number, status, self.warm.complaints)
        return status == -9

    def log_of_a_run(self, *more: str) -> Path:
        """Run undisturbed and return the log of its calls."""
        log = self.kept.with_name("calls")
        assert self.run_traced("-f", "-y", *more, "-o", str(log)) == 1, self.warm.complaints
        return log

    def recover(self) -> None:
        """Run again, undisturbed."""
        status = self.command("run", "--once")
        assert (status, self.warm.complaints) == (1, [])

    def hold_to_promise_at_rest(self, failed: frozenset[str] = frozenset()) -> None:
        """Everything due is gone but what `failed`, on the record, and there is nothing more to complain about."""
        self.scene.hold_to_promise_at_rest(left=failed)
        late = {"overdue", "waiting_for_approval"} if failed else set()
        assert self.scene.open_findings() - late == {"unclassified_files", "audit_unsigned"}
        self._must("audit", "verify")


@pytest.fixture(scope="module")
def trials(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Trial]]:
    needs("strace")
    with ExitStack() as stack, ThreadPoolExecutor(WORKERS) as pool:
        roots = [tmp_path_factory.mktemp(f"worker{number}") for number in range(WORKERS)]
        warm = [stack.enter_context(Warm(root)) for root in roots]
        yield list(pool.map(Trial, roots, warm))


def for_each(
    trials: Sequence[Trial], cases: Sequence[tuple[str, int]], work: Callable[[Trial, str, int], bool]
) -> None:
    """Try all cases, one after the other in each of the trials; `work` tells whether it came to what it is about."""
    queue, lock = iter(cases), threading.Lock()

    def shard(trial: Trial) -> int:
        happened = 0
        while True:
            with lock:
                case = next(queue, None)
            if case is None:
                return happened
            try:
                happened += work(trial, *case)
            except Exception as error:
                raise AssertionError(f"at {case[0]} number {case[1]}") from error

    with ThreadPoolExecutor(len(trials)) as pool:
        happened = sum(done.result() for done in [pool.submit(shard, trial) for trial in trials])
    # A slow run keeps a head more often than a fast one, so that the last numbers may never come.
    assert happened >= len(cases) - 6, f"only {happened} of {len(cases)} cases came to pass"


def spread(count: int, wanted: int) -> list[int]:
    """Return `wanted` of the numbers 1 to `count`, evenly spread, with the first and the last."""
    if count <= wanted:
        return list(range(1, count + 1))
    return sorted({1 + round(number * (count - 1) / (wanted - 1)) for number in range(wanted)})


def kill_and_recover(trial: Trial, call: str, number: int) -> bool:
    """Kill a run at a call, look at what it left, let another run settle that, and look again."""
    trial.restore()
    killed = trial.killed_at(call, number)
    trial.scene.hold_to_promise_at_any_instant()
    trial.recover()
    trial.hold_to_promise_at_rest()
    return killed


@pytest.fixture(scope="module")
def counts(trials: list[Trial]) -> Counter[str]:
    """How often each system call is made by a run that nothing disturbs."""
    trials[0].restore()
    counts = count_calls(trials[0].log_of_a_run())
    trials[0].hold_to_promise_at_rest()
    return counts


@pytest.mark.parametrize("call", EVERY)
def test_killed_at_every_call_that_changes_a_disk(trials: list[Trial], counts: Counter[str], call: str) -> None:
    assert counts[call] > 0, "a run makes no such call: the list is out of date"
    for_each(trials, [(call, number) for number in range(1, counts[call] + 1)], kill_and_recover)


def test_killed_at_other_calls(trials: list[Trial], counts: Counter[str]) -> None:
    cases = [(call, number) for call, wanted in SPREAD.items() for number in spread(counts[call], wanted)]
    for_each(trials, cases, kill_and_recover)


def refuse_and_recover(trial: Trial, call: str, number: int) -> bool:
    """Let the kernel refuse one call of a run, then run again; nothing is lost, and a failure is one clear line."""
    trial.restore()
    error = ("EIO", "ENOSPC")[number % 2]
    log = trial.kept.with_name("refused")
    status = trial.run_traced(
        "-f", "-o", str(log), "-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={number}"
    )
    said = trial.warm.complaints
    if status == 74:
        assert len(said) == 1
        assert said[0].startswith(("retentiond: /", "retentiond: standard output: "))
        assert os.strerror(getattr(errno, error)) in said[0] or "catalogue" in said[0]
    else:
        assert (status, said) == (1, [])
    trial.scene.hold_to_promise_at_any_instant()
    trial.recover()
    trial.hold_to_promise_at_rest(failed=trial.scene.failed())
    return "(INJECTED)" in log.read_text()


@pytest.mark.parametrize("call", REFUSED)
def test_refused_by_the_kernel(trials: list[Trial], counts: Counter[str], call: str) -> None:
    for_each(trials, [(call, number) for number in spread(counts[call], 12)], refuse_and_recover)


def break_off_half_way(trial: Trial) -> None:
    """Kill a run between two unlinks: of three intents, one recording is gone, one is claimed, one has its name."""
    trial.restore()
    trial.killed_at("unlinkat", UNLINK_HALF_WAY)
    scene = trial.scene
    scene.hold_to_promise_at_any_instant()
    assert (len(scene.open_claims()), len(scene.claimed()), len(scene.present())) == (3, 1, 1)


def test_killed_again_while_it_recovers(trials: list[Trial]) -> None:
    break_off_half_way(trials[0])
    counts = count_calls(trials[0].log_of_a_run())
    trials[0].hold_to_promise_at_rest()

    def kill_recovery(trial: Trial, call: str, number: int) -> bool:
        break_off_half_way(trial)
        killed = trial.killed_at(call, number)
        trial.scene.hold_to_promise_at_any_instant()
        trial.recover()
        trial.hold_to_promise_at_rest()
        return killed

    calls = ("renameat2", "unlinkat", "fsync", "fdatasync", "write", "rename")
    for_each(trials, [(call, number) for call in calls for number in range(1, counts[call] + 1)], kill_recovery)


def test_an_intent_is_durable_before_a_name_goes_and_a_deletion_before_it_is_told(trials: list[Trial]) -> None:
    """I1 and I2, as the kernel saw them: a kill shows the order of calls, a power cut the order of syncs."""
    trial = trials[0]
    trial.restore()
    calls = calls_in(trial.log_of_a_run("-s", "10000"))
    trial.hold_to_promise_at_rest()
    claims = [line["claim"] for line in trial.scene.lines() if line["type"] == "recording.deleted"]
    assert len(claims) == 5
    for claim in claims:
        intent = find(calls, "write", "deletion.intent", claim)
        durable = find(calls, "fdatasync", ".jsonl", after=intent)
        taken = find(calls, "renameat2", ".retentiond/claimed", claim)
        removed = find(calls, "unlinkat", ".retentiond/claimed", claim)
        synced = find(calls, "fsync", ".retentiond/claimed", after=removed)
        told = find(calls, "write", "recording.deleted", claim)
        assert intent < durable < taken < removed < synced < told
        home = calls[taken][1].partition("<")[2].partition(">")[0]  # the directory that the recording was in
        assert removed < find(calls, "fsync", f"<{home}>", after=removed) < told


def find(calls: Sequence[tuple[str, str]], name: str, *texts: str, after: int = -1) -> int:
    """Return the place of the first call of that name with all of the texts in its arguments."""
    for place, (called, arguments) in enumerate(calls):
        if place > after and called == name and all(text in arguments for text in texts):
            return place
    pytest.fail(f"no {name} with {texts} after call {after}")
