"""Ways to delete what is older than thirty days: ours, and two that anybody would write first."""

import os
import stat
import subprocess
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from retentiond.domain.recording import CameraName, Category, Place, Recording, Stream
from retentiond.domain.run import DueRecording
from retentiond.ports import Arrived, DirectoryStamp, Listing
from retentiond.services.delete import Order, RunResult
from tests.attack.arena import CAMERA, Arena, Told
from tests.world import MAIN, World

PERIOD_DAYS = 30


def stat_and_unlink(names: Sequence[Path]) -> list[Told]:
    """Look at the path; if it is an old file, unlink the path. What a script does."""
    told = []
    limit = time.time() - PERIOD_DAYS * 86_400
    for path in names:
        try:
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode) and status.st_mtime < limit:
                os.unlink(path)
                told.append(Told(status.st_ino, str(path)))
        except OSError:
            continue
    return told


def find_delete(names: Sequence[Path]) -> list[Told]:
    """`find -mtime +30 -delete`, which tells what it deleted by inode and path."""
    top = names[0].parents[1]
    tests = ["-type", "f", "-name", "*.mp4", "-mtime", f"+{PERIOD_DAYS}", "-delete", "-printf", r"%i %p\n"]
    done = subprocess.run(["find", str(top), *tests], capture_output=True, text=True, check=False)
    lines = [line.partition(" ") for line in done.stdout.splitlines()]
    return [Told(int(inode), path) for inode, _, path in lines]


class Ours:
    """A deletion run of the daemon over the names, with its catalogue and its audit trail."""

    def __init__(self, arena: Arena, world: World) -> None:
        self._arena = arena
        self._world = world
        self._read = 0
        self.results: list[RunResult] = []

    def __call__(self, names: Sequence[Path]) -> list[Told]:
        """Delete what is due and return what the trail says of it."""
        world, due = self._world, self._due(names)
        world.catalogue.update(
            MAIN,
            Listing(due[0].recording.place.directory, DirectoryStamp(1, 1, 1), ()),
            [Arrived(item.recording, item.recording.start + timedelta(minutes=1)) for item in due],
            (),
            (),
        )
        order = Order(world.keeper.store, world.keeper.recorder, due, len(due), world.book.policy.margin)
        self.results.append(world.parts.deleter.run(order))
        return self._told()

    def _due(self, names: Sequence[Path]) -> list[DueRecording]:
        stream = Stream(MAIN, CameraName(CAMERA), Category.VIDEO)
        (rule,) = self._world.book.policy.rules
        starts = self._arena.starts(len(names))
        directory = os.fsencode(self._arena.day.relative_to(self._arena.store))
        return [
            DueRecording(Recording(stream, Place(directory, os.fsencode(path.name)), start), rule)
            for path, start in zip(names, starts, strict=True)
        ]

    def _told(self) -> list[Told]:
        """Return what the record of the last run says is deleted, each with the inode that its intent names."""
        records = list(self._world.parts.trail.records(self._read))
        self._read = records[-1].seq + 1
        inodes = {
            item["claim"]: int(item["identity"].split(":")[0])
            for record in records
            if record.type == "deletion.intent"
            for item in record.fields["recordings"]
        }
        return [
            Told(inodes[record.fields["claim"]], record.fields["rec"]["path"])
            for record in records
            if record.type == "recording.deleted"
        ]
