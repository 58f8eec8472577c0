"""A trail in a directory of the test's own, and ways to check it that share no code with the program."""

import base64
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from retentiond.audit.trail import Trail, TrailSettings, open_trail
from retentiond.domain.event import Event, EventType
from retentiond.tlog.key import Signer
from tests.builders import NOW, an_event

ORIGIN = "nvr.example/retentiond"
SIGNER = Signer.from_seed(ORIGIN, bytes(range(32)))


class DiskTrail:
    """Where a trail lies, and the clock that its writer reads."""

    def __init__(self, path: Path, *, now: datetime = NOW, signer: Signer | None = None) -> None:
        self.path = path
        self.now = now
        self.signer = signer

    @property
    def log(self) -> Path:
        return self.path / "log"

    def open(self, **settings: Any) -> AbstractContextManager[Trail]:
        """Open it for writing."""
        chosen = {"signer": self.signer, "run": "run-1", **settings}
        return open_trail(TrailSettings(str(self.path), ORIGIN, lambda: self.now, **chosen))

    def fill(self, count: int, *, each: int = 1) -> None:
        """Open it, append `count` batches, and close it."""
        with self.open() as trail:
            for _ in range(count):
                trail.append(beats(each))

    def files(self) -> list[Path]:
        return sorted(self.log.glob("*.jsonl"))

    def lines(self) -> list[bytes]:
        """Return all lines, without LF."""
        return [line for path in self.files() for line in path.read_bytes().split(b"\n")[:-1]]

    def fields(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines()]

    def types(self) -> list[str]:
        return [fields["type"] for fields in self.fields()]

    def checkpoint(self) -> tuple[str, int, bytes]:
        """Return origin, size and root of the head on disk."""
        origin, size, root, *_ = (self.path / "checkpoint").read_text().split("\n")
        return origin, int(size), base64.b64decode(root)

    def set_checkpoint(self, size: int, root: bytes) -> None:
        """Replace the head on disk by an unsigned one."""
        (self.path / "checkpoint").write_text(f"{ORIGIN}\n{size}\n{base64.b64encode(root).decode()}\n")

    def rewind(self, size: int) -> None:
        """Let the head on disk lag: it attests the first `size` lines only, as they are."""
        self.set_checkpoint(size, root_by_definition([leaf(line) for line in self.lines()[:size]]))


def beats(count: int = 1) -> list[Event]:
    return [an_event(EventType.HEARTBEAT, overdue=0, note=f"number {number} öäü") for number in range(count)]


def leaf(line: bytes) -> bytes:
    return hashlib.sha256(b"\0" + line).digest()


def root_by_definition(leaves: list[bytes]) -> bytes:
    """MTH as RFC 9162 section 2.1.1 writes it down: slow, and independent of the program."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root_by_definition(leaves[:split]) + root_by_definition(leaves[split:])).digest()


def needs(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"needs {program}")


# --- small disks --------------------------------------------------------------------------------------------------


@contextmanager
def small_disk(path: Path, *options: str) -> Iterator[Path]:
    """Mount a small disk at `path`."""
    if os.geteuid() != 0:
        pytest.skip("needs root to mount")
    path.mkdir()
    run = subprocess.run(["mount", *options, str(path)], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        pytest.skip(f"needs to mount: {run.stderr.strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)


@contextmanager
def small_ext4(tmp_path: Path) -> Iterator[Path]:
    needs("mkfs.ext4")
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(24 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True)
    with small_disk(tmp_path / "disk", "-o", "loop", str(image)) as path:
        yield path


def fill_disk(path: Path) -> Path:
    """Fill the disk to its last byte with one file, and return that."""
    stuff = path / "stuff"
    with stuff.open("wb", buffering=0) as file:
        for size in (1 << 20, 4096, 512, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                continue
    return stuff
