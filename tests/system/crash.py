"""Disks as a power cut would leave them before some call of a run, and what the next start makes of them.

Store and state lie on two file systems, each in a file. A run is killed, and both files are cloned at once: they hold
what had reached their disks by then, and nothing of what was only in memory. Two of them, because on one a sync of the
record would make the directories of the store durable as well.
"""

import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.storage.disk import loop_disk, make_image, mounted
from tests.system.trial import Fault, Trial
from tests.system.warm import Warm, count_calls

SIZES = {"ext4": 32, "xfs": 320}
OUTER_MEGABYTES = 4096


@dataclass(slots=True)
class Seen:
    """How many pairs of images were looked at, and what the power cuts had left in them."""

    images: int = 0
    untouched: int = 0
    with_open_intents: int = 0
    with_claims: int = 0
    finished: int = 0


class CrashDisks:
    """A store and its state with work that is due; run on again and again from the same beginning."""

    def __init__(self, trial: Trial, directory: Path, kind: str) -> None:
        self._trial = trial
        # Another test's mount namespace may keep the image before this one mounted, and all have one UUID.
        self._options = "loop,nouuid" if kind == "xfs" else "loop"
        self._directory = directory
        self._points = {"store": trial.site.store, "state": trial.site.state}

    def counts(self) -> Counter[str]:
        """Return how often each call is made by a run that nothing disturbs."""
        self._clone("base", "whole")
        with self._mounted("whole"):
            return count_calls(self._trial.log_of_a_run())

    def cut(self, fault: Fault, seen: Seen) -> None:
        """Cut the power before a call of a run, look at what the disks hold, start again, and look again."""
        trial, scene = self._trial, self._trial.scene
        self._clone("base", "running")
        with self._mounted("running"):
            trial.killed_at(fault.call, fault.number)
            self._clone("running", "cut")
        with self._mounted("cut"):
            scene.hold_to_promise_at_any_instant()
            seen.images += 1
            seen.untouched += len(scene.present()) == len(scene.due)
            seen.finished += not scene.present()
            seen.with_open_intents += bool(scene.open_claims())
            seen.with_claims += bool(scene.claimed())
            trial.recover()
            trial.hold_to_promise_at_rest()

    def _clone(self, source: str, target: str) -> None:
        """Copy both images, each as it is at one instant.

        Into a new file: where another mount namespace still has the former one mounted, the kernel would show that one
        again, from its memory.
        """
        for name in self._points:
            old, new = (self._directory / f"{which}-{name}.img" for which in (source, target))
            new.unlink(missing_ok=True)
            command = ["cp", "--reflink=always", str(old), str(new)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0 and "not supported" in done.stderr:
                pytest.skip("this kernel clones no files")
            assert done.returncode == 0, done.stderr

    @contextmanager
    def _mounted(self, which: str) -> Iterator[None]:
        with ExitStack() as stack:
            for name, point in self._points.items():
                stack.enter_context(mounted(point, "-o", self._options, str(self._directory / f"{which}-{name}.img")))
            yield


@contextmanager
def crash_disks(root: Path, kind: str) -> Iterator[CrashDisks]:
    """Make a store and a state on disks of this kind, with work that is due, and unmount them for a beginning."""
    site = root / "site"
    site.mkdir(parents=True)
    with loop_disk(root, "xfs", OUTER_MEGABYTES) as outer, Warm(root) as warm:
        with ExitStack() as stack:
            for name, point in (("store", site / "srv" / "store"), ("state", site / "var" / "state")):
                image = make_image(outer, kind, SIZES[kind]).rename(outer / f"base-{name}.img")
                stack.enter_context(mounted(point, "-o", "loop", str(image)))
            trial = Trial(site, warm)
        yield CrashDisks(trial, outer, kind)
