"""Real stores, mounts and chunks for the tests of storage. Everything lies below the directory a test hands in."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from retentiond.domain.decisions import OpenIntent
from retentiond.domain.recording import Place, StoreName, Unit
from retentiond.ports import Pinned, Removal, StoreIdentity
from retentiond.storage.store import DirectoryStore
from tests.builders import NOW, a_recording

needs_root = pytest.mark.skipif(os.getuid() != 0, reason="mounting and file attributes need root")


class Disk:
    """A store on a real directory, and what the record says was adopted there."""

    def __init__(self, path: Path, *, owner: int | None = None) -> None:
        self.path = path
        self.path.mkdir(parents=True, exist_ok=True)
        self.adopted: StoreIdentity | None = None
        self.store = DirectoryStore(StoreName("main"), str(path), expected=lambda: self.adopted, owner=owner)

    @property
    def claimed(self) -> Path:
        return self.path / ".retentiond" / "claimed"

    def adopt(self) -> "Disk":
        self.adopted = self.store.adopt()
        return self

    def write(self, path: bytes, data: bytes = b"footage") -> bytes:
        """Write a file below the store and return its whole path."""
        whole = os.path.join(os.fsencode(self.path), path)
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, "wb") as file:
            file.write(data)
        return whole

    def delete(self, path: bytes, unit: Unit = Unit.FILE) -> Removal:
        """Delete one recording as a run does."""
        with self.store.chunk() as chunk:
            pinned = chunk.pin(place(path), unit)
            assert isinstance(pinned, Pinned), pinned
            chunk.remove(pinned, "run-0")
            return chunk.settle()["run-0"]


def place(path: bytes) -> Place:
    directory, _, name = path.rpartition(b"/")
    return Place(directory, name)


def an_intent(path: bytes, mark: str, unit: Unit = Unit.FILE) -> OpenIntent:
    return OpenIntent(7, "run-0", "run", a_recording(path=path, unit=unit), mark, "rule 1", NOW)


def run_python(code: str, *arguments: str, injections: tuple[str, ...] = (), user: int | None = None) -> str:
    """Run code in a process of its own, which has the sources on its path, and return what it prints.

    `injections` are faults that strace puts into its system calls. `user` is the user id that it runs as; it may look
    at anything all the same, because pytest closes its directories to others.
    """
    root = str(Path(__file__).parents[3])
    command = [sys.executable, "-B", "-c", f"import sys; sys.path.insert(0, {root!r})\n{code}", *arguments]
    if injections:
        needs("strace")
        faults = [item for injection in injections for item in ("-e", f"inject={injection}")]
        calls = ",".join(injection.partition(":")[0] for injection in injections)
        fast = (
            [] if any("delay" in injection for injection in injections) else ["--seccomp-bpf"]
        )  # which ignores delays
        command = ["strace", "-f", *fast, "-o", "/dev/null", "-e", f"trace={calls}", *faults, *command]
    if user is not None:
        needs("setpriv")
        look = "+dac_read_search"
        command = [
            "setpriv",
            f"--reuid={user}",
            "--clear-groups",
            f"--inh-caps={look}",
            f"--ambient-caps={look}",
            *command,
        ]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    if injections and "ptrace" in run.stderr.lower():
        pytest.skip("strace may not trace here")
    assert run.returncode == 0, (run.returncode, run.stderr)
    return run.stdout.strip()


@contextmanager
def few_descriptors(free: int) -> Iterator[None]:
    """Leave this process so many descriptors more than it has open."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 1 + free, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@contextmanager
def flagged(path: bytes | Path, flag: str) -> Iterator[None]:
    """Set a file attribute (`i` immutable, `a` append-only) for the length of the block."""
    needs("chattr")
    if subprocess.run(["chattr", f"+{flag}", path], check=False, capture_output=True).returncode != 0:
        pytest.skip("this file system knows no such flag")
    try:
        yield
    finally:
        subprocess.run(["chattr", f"-{flag}", path], check=True)


def make_image(directory: Path, kind: str, megabytes: int, *options: str) -> Path:
    """Make a file system in a file."""
    needs(f"mkfs.{kind}")
    image = directory / f"{kind}.img"
    with open(image, "wb") as file:
        file.truncate(megabytes << 20)
    subprocess.run([f"mkfs.{kind}", "-q", *options, str(image)], check=True, capture_output=True)
    return image


@contextmanager
def loop_disk(directory: Path, kind: str, megabytes: int, *options: str) -> Iterator[Path]:
    """Make a file system in a file and mount it for the length of the block."""
    image = make_image(directory, kind, megabytes, *options)
    with mounted(directory / kind, "-o", "loop", str(image)) as point:
        yield point


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


@contextmanager
def mounted(point: Path, *arguments: str) -> Iterator[Path]:
    """Mount something at `point` for the length of the block."""
    if not point.exists():
        point.mkdir(parents=True)
    run = subprocess.run(["mount", *arguments, str(point)], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        pytest.skip(f"cannot mount here: {run.stderr.strip()}")
    try:
        yield point
    finally:
        # A failing test may hold a descriptor in it. A mount that stays would be emptied by pytest's own cleaning.
        if subprocess.run(["umount", str(point)], check=False, capture_output=True).returncode != 0:
            subprocess.run(["umount", "--lazy", str(point)], check=True)
