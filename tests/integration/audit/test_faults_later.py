"""A pruning, a rotation and a new beginning that are killed at any call, or whose calls fail, lose nothing."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from retentiond.audit.cache import DecisionFile
from retentiond.audit.fork import kept_evidence, open_or_fork
from retentiond.audit.reader import TrailOnDisk
from retentiond.audit.trail import TrailSettings
from retentiond.audit.verify import Verified, verify_trail
from retentiond.domain.decisions import Decisions
from retentiond.domain.event import EventType, finding_opened
from retentiond.tlog.key import Signer, format_vkey
from tests.builders import a_finding, an_event, at
from tests.integration.audit.disk_trail import ORIGIN, SIGNER, DiskTrail, beats, needs

NEXT = Signer.from_seed(ORIGIN, bytes(range(1, 33)))
ACTOR = """
import os, sys
sys.path.insert(0, sys.argv[2])
from retentiond.domain.errors import RetentiondError
from tests.integration.audit.test_faults_later import ACTS, Scene
from pathlib import Path
scene, act = Scene(Path(sys.argv[1])), ACTS[sys.argv[3]]
os.write(1, b"begin\\n")
try:
    act(scene)
except RetentiondError as error:
    sys.stderr.write(str(error))
    sys.exit(error.exit_status)
os.write(1, b"end\\n")
"""


class Scene:
    """A state directory with a trail of four months, decisions in the first, and a cache."""

    def __init__(self, root: Path) -> None:
        self.disk = DiskTrail(root / "audit", now=at("2026-05-01"), signer=SIGNER)
        self.cache = str(root / "decisions.json")

    def fill(self) -> None:
        for month in range(1, 5):
            self.disk.now = at(f"2026-{month:02d}-10")
            with self.disk.open() as trail:
                trail.append(beats(3))
                if month == 1:
                    trail.append([an_event(EventType.POLICY_LOADED, digest="p1"), finding_opened(a_finding())])
        self.save()

    def decisions(self) -> Decisions:
        decisions = DecisionFile(self.cache, str(self.disk.log)).load(TrailOnDisk(str(self.disk.log)))
        decisions.seq = 0
        return decisions

    def save(self) -> None:
        cache = DecisionFile(self.cache, str(self.disk.log))
        cache.save(cache.load(TrailOnDisk(str(self.disk.log))))

    def settings(self, next_signer: Signer | None = None) -> TrailSettings:
        return TrailSettings(str(self.disk.path), ORIGIN, lambda: self.disk.now, SIGNER, next_signer, run="run-1")

    def start(self, next_signer: Signer | None = None) -> None:
        with open_or_fork(self.settings(next_signer), self.cache) as trail:
            trail.append(beats())

    def verify(self, *pinned: str) -> Verified:
        return verify_trail(str(self.disk.path), pinned=pinned)


def prune(scene: Scene) -> None:
    from retentiond.audit.prune import plan_pruning

    cache = DecisionFile(scene.cache, str(scene.disk.log))
    with open_or_fork(scene.settings(), scene.cache) as trail:
        decisions = cache.load(trail)
        trail.prune(plan_pruning(str(scene.disk.path), at("2026-04-11"), decisions), decisions)


def rotate(scene: Scene) -> None:
    scene.start(NEXT)


def fork(scene: Scene) -> None:
    scene.start()


ACTS = {"prune": prune, "rotate": rotate, "fork": fork}
FAULTS = [
    *[(call, "signal=KILL") for call in ("fdatasync", "fsync", "rename", "unlink", "write", "mkdir")],
    *[(call, "error=EIO") for call in ("fsync", "rename", "unlink")],
    ("write", "error=ENOSPC"),
]


def act_with_fault(scene: Scene, act: str, injection: str) -> int | None:
    """Let something be done into a fault; return its exit status, None if the fault came before it began."""
    needs("strace")
    root = str(Path(__file__).parents[3])
    program = [sys.executable, "-B", "-c", ACTOR, str(scene.disk.path.parent), root, act]
    command = ["strace", "-f", "-o", "/dev/null", "-e", f"inject={injection}", *program]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if "ptrace" in run.stderr.lower():
        pytest.skip("strace may not trace here")
    return run.returncode if "begin" in run.stdout else None


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    scene = Scene(tmp_path / "state")
    scene.disk.path.parent.mkdir()
    scene.fill()
    return scene


def tries(scene: Scene, act: str, call: str, fault: str) -> list[int]:
    """Do it with a fault at the first such call, at the second, and so on until none is met; check after each."""
    pristine = scene.disk.path.parent.with_name("pristine")
    shutil.copytree(scene.disk.path.parent, pristine)
    expected, statuses, number = scene.decisions(), [], 0
    while 0 not in statuses:
        number += 1
        assert number < 60
        shutil.rmtree(scene.disk.path.parent)
        shutil.copytree(pristine, scene.disk.path.parent)
        status = act_with_fault(scene, act, f"{call}:{fault}:when={number}")
        if status is None:
            continue
        statuses.append(status)
        assert status in {0, 73, 74, -signal.SIGKILL, 128 + signal.SIGKILL}
        scene.start()
        assert scene.decisions() == expected
        assert scene.verify().signed
        scene.save()
    return statuses


@pytest.mark.parametrize(("call", "fault"), FAULTS)
def test_a_pruning_that_breaks_off_loses_nothing(scene: Scene, call: str, fault: str) -> None:
    tries(scene, "prune", call, fault)
    result = scene.verify(format_vkey(SIGNER.key))
    assert result.first > 0
    assert min(int(path.stem) for path in scene.disk.log.iterdir()) == result.first


@pytest.mark.parametrize(("call", "fault"), FAULTS)
def test_a_rotation_that_breaks_off_leaves_a_key_that_is_trusted(scene: Scene, call: str, fault: str) -> None:
    tries(scene, "rotate", call, fault)
    scene.start(NEXT)
    for vkey in (format_vkey(SIGNER.key), format_vkey(NEXT.key)):
        assert scene.verify(vkey).signed


@pytest.mark.parametrize(("call", "fault"), FAULTS)
def test_a_new_beginning_that_breaks_off_is_finished(scene: Scene, call: str, fault: str) -> None:
    (scene.disk.path / "checkpoint").write_text("nonsense")
    tries(scene, "fork", call, fault)
    assert len(kept_evidence(str(scene.disk.path))) == 1
    assert scene.disk.types()[0] == "audit.forked"
    assert scene.verify(format_vkey(SIGNER.key)).signed
