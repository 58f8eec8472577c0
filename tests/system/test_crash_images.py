"""A power cut before any call of a run: what is gone has its intent, what is told is gone, the next start goes on."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.integration.storage.disk import needs_root
from tests.system.crash import SIZES, Seen, crash_disks
from tests.system.harness import needs
from tests.system.trial import KILLED, Fault, spread

pytestmark = [pytest.mark.system, pytest.mark.privileged, needs_root]

CUTS = {"renameat2": 4, "unlinkat": 5, "fsync": 4, "write": 5, "fdatasync": 4}
"""Before so many of these, evenly spread."""


def test_a_power_cut_before_any_call_of_a_run_loses_nothing(tmp_path: Path) -> None:
    needs("strace", "mkfs.xfs", "mkfs.ext4")
    with ThreadPoolExecutor(len(SIZES)) as pool:
        found = list(pool.map(cut, [tmp_path / kind for kind in SIZES], SIZES))
    for seen in found:
        assert seen.images == sum(CUTS.values())
        assert seen.with_open_intents > 0, "no power cut came in the middle"
        assert seen.untouched > 0
        assert seen.finished > 0


def cut(root: Path, kind: str) -> Seen:
    seen = Seen()
    with crash_disks(root, kind) as disks:
        counts = disks.counts()
        for call, wanted in CUTS.items():
            for number in spread(counts[call], wanted):
                disks.cut(Fault(call, number, KILLED), seen)
    return seen
