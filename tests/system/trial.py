"""Runs that are killed at a system call, refused one, or lied to about one, and what has to be true afterwards."""

import errno
import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.system.evidence import Scene
from tests.system.harness import Site, register_of
from tests.system.warm import Warm

PERIOD, MARGIN = timedelta(days=30), timedelta(seconds=60)
SOON = timedelta(seconds=12)

ERRORS = ("EIO", "ENOSPC", "EROFS", "EMFILE", "EACCES", "ESTALE", "EINTR")
"""What the kernel may answer to a call, in the order in which they take turns."""

KILLED, LIE = "KILLED", "LIE"

FAILURES = (73, 74, 75, 77, 78)
"""How a command ends that was refused something: the disk, a lock, a right, its configuration (domain/errors.py)."""

NEVER_REFUSED = frozenset({"close", "getrandom", "uname"})
"""Calls that no disk refuses."""

LOOKS = frozenset({"newfstatat", "openat", "read", "pread64", "getdents64", "lseek", "statx", "fstatfs", "statfs"})
"""What cannot be looked at may be told as what it then seems to be: a zone that is none, a lock that cannot be made."""


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


@dataclass(frozen=True, slots=True)
class Fault:
    """What befalls the `number`th call of this name in a run: KILLED before it, LIE, or the error that it returns."""

    call: str
    number: int
    kind: str

    def __str__(self) -> str:
        return f"{self.kind} at {self.call} number {self.number}"


def undergo(trial: Trial, fault: Fault) -> bool:
    """Let a run undergo a fault, look at what it left, let another run settle that, and look again.

    Tells whether it came to the fault.
    """
    trial.restore()
    happened = _killed(trial, fault) if fault.kind == KILLED else _answered(trial, fault)
    trial.scene.hold_to_promise_at_any_instant()
    trial.recover()
    trial.hold_to_promise_at_rest(frozenset() if fault.kind == KILLED else trial.scene.failed())
    return happened


def _killed(trial: Trial, fault: Fault) -> bool:
    return trial.killed_at(fault.call, fault.number)


def _answered(trial: Trial, fault: Fault) -> bool:
    """Have the kernel give a false answer or an error to one call; a failure is one clear line."""
    log = trial.kept.with_name("refused")
    answer = "retval=0" if fault.kind == LIE else f"error={fault.kind}"
    inject = f"inject={fault.call}:{answer}:when={fault.number}"
    status = trial.run_traced("-f", "-o", str(log), "-e", f"trace={fault.call}", "-e", inject)
    said = trial.warm.complaints
    if fault.call in NEVER_REFUSED:
        # Nothing answers so, and what comes of it may be said anyhow, as a bug too. Its state has to be whole.
        assert status in (1, 70, *FAILURES), (status, said)
    elif status != 1:
        assert status in FAILURES, (status, said)
        assert len(said) == 1, said
        assert re.match(r"retentiond: (/|standard output: )", said[0]), said
        named = fault.kind == LIE or fault.call in LOOKS or _reason(fault.kind) in said[0]
        assert named or "catalogue" in said[0], said
    else:
        assert said == []
    return "(INJECTED)" in log.read_text()


def _reason(error: str) -> str:
    return os.strerror(getattr(errno, error))


def for_each(trials: Sequence[Trial], faults: Sequence[Fault], work: Callable[[Trial, Fault], bool]) -> int:
    """Try all faults, one after the other in each of the trials; return how many of them came to pass."""
    queue, lock = iter(faults), threading.Lock()

    def shard(trial: Trial) -> int:
        happened = 0
        while True:
            with lock:
                fault = next(queue, None)
            if fault is None:
                return happened
            try:
                happened += work(trial, fault)
            except Exception as error:
                raise AssertionError(str(fault)) from error

    with ThreadPoolExecutor(len(trials)) as pool:
        happened = sum(done.result() for done in [pool.submit(shard, trial) for trial in trials])
    # A slow run keeps a head more often than a fast one, so that the last numbers may never come.
    assert happened >= len(faults) - max(6, len(faults) // 50), f"only {happened} of {len(faults)} came to pass"
    return happened


def spread(count: int, wanted: int) -> list[int]:
    """Return `wanted` of the numbers 1 to `count`, evenly spread, with the first and the last."""
    if count <= wanted:
        return list(range(1, count + 1))
    return sorted({1 + round(number * (count - 1) / (wanted - 1)) for number in range(wanted)})


@contextmanager
def trials_in(roots: Sequence[Path]) -> Iterator[list[Trial]]:
    """Make a trial in each directory, with what runs its commands."""
    with ExitStack() as stack, ThreadPoolExecutor(len(roots)) as pool:
        warm = [stack.enter_context(Warm(root)) for root in roots]
        yield list(pool.map(Trial, roots, warm))
