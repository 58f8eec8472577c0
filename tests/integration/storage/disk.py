"""Real stores, mounts and chunks for the tests of storage. Everything lies below the directory a test hands in."""

import os
import shutil
import subprocess
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

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.mkdir(parents=True, exist_ok=True)
        self.adopted: StoreIdentity | None = None
        self.store = DirectoryStore(StoreName("main"), str(path), expected=lambda: self.adopted)

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


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


@contextmanager
def mounted(point: Path, *arguments: str) -> Iterator[Path]:
    """Mount something at `point` for the length of the block."""
    point.mkdir(parents=True, exist_ok=True)
    run = subprocess.run(["mount", *arguments, str(point)], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        pytest.skip(f"cannot mount here: {run.stderr.strip()}")
    try:
        yield point
    finally:
        # A failing test may hold a descriptor in it. A mount that stays would be emptied by pytest's own cleaning.
        if subprocess.run(["umount", str(point)], check=False, capture_output=True).returncode != 0:
            subprocess.run(["umount", "--lazy", str(point)], check=True)
