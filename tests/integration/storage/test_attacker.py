"""Somebody who exchanges fresh and old footage as fast as the kernel can, while we delete."""

import os
import subprocess
import sys
import time
from pathlib import Path

from retentiond.domain.recording import Unit
from retentiond.ports import Pinned, Removed
from tests.integration.storage.disk import Disk, place

DELETIONS = 2000
LONGEST_S = 9.0
ATTACK = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
one, other = (os.fsencode(path) for path in sys.argv[1:])
while os.getppid() == PARENT:
    libc.renameat2(-100, one, -100, other, 2)
"""


def test_no_fresh_recording_is_ever_deleted(tmp_path: Path) -> None:
    disk = Disk(tmp_path / "store").adopt()
    names = (b"1.mp4", b"2.mp4")
    paths = [os.path.join(os.fsencode(disk.path), name) for name in names]
    fresh = os.stat(disk.write(names[1], b"fresh footage")).st_ino
    code = ATTACK.replace("PARENT", str(os.getpid()))
    attacker = subprocess.Popen([sys.executable, "-c", code, *map(os.fsdecode, paths)])
    deleted = tries = 0
    end = time.monotonic() + LONGEST_S
    try:
        while deleted < DELETIONS and time.monotonic() < end:
            with disk.store.chunk() as chunk:
                for _ in range(100):
                    tries += 1
                    old = _lay_out_old(disk, paths, tries)
                    pinned = chunk.pin(place(names[tries % 2]), Unit.FILE)
                    if isinstance(pinned, Pinned) and pinned.identity.inode == old:
                        chunk.remove(pinned, f"run-{tries}")
                    assert fresh in _inodes(disk), "fresh footage was deleted"
                outcomes = chunk.settle()
            deleted += sum(isinstance(outcome, Removed) for outcome in outcomes.values())
            assert os.listdir(disk.claimed) == []
    finally:
        attacker.kill()
        attacker.wait()
    assert deleted > 0
    assert fresh in _inodes(disk)


def _lay_out_old(disk: Disk, paths: list[bytes], number: int) -> int:
    """Put an old recording under whichever name is free, and say which inode it is. With one missing none moves."""
    missing = [path for path in paths if not os.path.lexists(path)]
    if missing:
        draft = disk.write(b"draft-%d" % number, b"old")
        inode = os.stat(draft).st_ino
        os.rename(draft, missing[0])
        return inode
    olds = [item for path in paths if (item := os.stat(path)).st_size == len(b"old")]
    return olds[0].st_ino if olds else -1


def _inodes(disk: Disk) -> set[int]:
    """Return the inodes in the store; looked at by listing, so that an exchange in between hides none."""
    with os.scandir(disk.path) as entries:
        return {entry.inode() for entry in entries}
