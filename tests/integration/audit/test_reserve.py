"""A full disk under the trail: the reserve carries the run, and no deletion is left without its outcome."""

import json
import os
from collections import Counter
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from retentiond.audit.segment_file import RESERVE_BYTES
from retentiond.audit.trail import Trail
from retentiond.audit.verify import verify_trail
from retentiond.domain.errors import StorageError
from retentiond.domain.event import Event, intents, recording_deleted
from tests.builders import NOW, STORE, a_due, a_recording, an_intended
from tests.integration.audit.disk_trail import DiskTrail, beats, fill_disk, small_ext4
from tests.world import World

DAY = timedelta(days=1)


def outcomes_of(seq: int, claims: list[str]) -> list[Event]:
    """Return outcomes as long as they get: everything that may be said of a deletion is said."""
    facts = {
        "bytes": 1 << 40,
        "links_left": 99,
        "open_elsewhere": True,
        "shared_extents": True,
        "observed": "finished_at_recovery",
    }
    long_path = b"/".join([b"x" * 250] * 4) + b".mp4"
    due = a_due(a_recording(path=long_path))
    return [recording_deleted(seq, claim, due, facts, now=NOW + 4000 * DAY) for claim in claims]


def delete_chunk(trail: Trail, run: str) -> None:
    """Put the deletion of a hundred recordings on the record, as a run does."""
    long_path = b"/".join([b"x" * 250] * 4) + b".mp4"
    intended = [an_intended(f"{run}-{number}", recording=a_recording(path=long_path)) for number in range(100)]
    records = trail.append(intents(STORE, run, intended))
    by_claim = {entry["claim"]: record.seq for record in records for entry in record.fields["recordings"]}
    for claim, seq in by_claim.items():
        trail.append(outcomes_of(seq, [claim]))


def open_claims(lines: list[dict[str, Any]]) -> set[str]:
    """Return the claims that have an intent and no outcome, as an independent reader finds them."""
    claims: Counter[str] = Counter()
    for line in lines:
        if line["type"] == "deletion.intent":
            claims.update(entry["claim"] for entry in line["recordings"])
        elif "claim" in line:
            claims[line["claim"]] -= 1
    assert set(claims.values()) <= {0, 1}
    return {claim for claim, count in claims.items() if count}


@pytest.mark.privileged
def test_an_intent_is_taken_only_if_its_outcomes_will_have_room(tmp_path: Path) -> None:
    with small_ext4(tmp_path) as path:
        disk = DiskTrail(path / "audit")
        disk.fill(1)
        stuff = fill_disk(path)
        with disk.open() as trail:
            runs = 0
            with pytest.raises(StorageError, match="has no room for what follows on what is to be written"):
                while True:
                    delete_chunk(trail, f"run-{runs}")
                    runs += 1
            assert runs > 1
            assert open_claims(disk.fields()) == set()
            trail.append(beats())
            stuff.unlink()
            delete_chunk(trail, f"run-{runs}")
        assert open_claims(disk.fields()) == set()
        assert verify_trail(str(disk.path)).size == len(disk.lines())


@pytest.mark.privileged
def test_the_reserve_carries_the_runs_of_days(tmp_path: Path) -> None:
    """The whole program, with its trail on a disk of 24 MiB that fills up to the last block."""
    world = World(tmp_path)
    with small_ext4(tmp_path / "state") as small, ExitStack() as stack:
        (tmp_path / "state" / "audit").symlink_to(small)
        world.start()
        stack.callback(stop, world)
        world.scan()
        for camera in ("hall", "yard"):
            world.record_many(camera, world.clock.wall - 20 * DAY, 240, every=timedelta(hours=1))
        world.scan()
        fill_disk(small)
        assert os.statvfs(small).f_bavail == 0
        world.pass_time(12 * DAY, look_every=timedelta(hours=3))
        world.scan()
        deleted = world.records("recording.deleted")
        assert len(deleted) > 90
        lines = [json.loads(line) for line in _lines(small)]
        assert open_claims(lines) == set()
        gone = {line["rec"]["path"] for line in deleted}
        left = {str(path.relative_to(world.store_path)) for path in world.files()}
        assert len(gone) + len(left) == 480
        assert not gone & left
        assert max(_age(world, path) for path in left) < timedelta(days=30)
        (log,) = (small / "log").glob("*.jsonl")
        assert log.stat().st_size < RESERVE_BYTES
        world.stop()
        assert verify_trail(str(small)).size == len(_lines(small))


def stop(world: World) -> None:
    if world.running:
        world.stop()


def _age(world: World, path: str) -> timedelta:
    _, day, name = path.split("/")
    return world.clock.wall - datetime.strptime(f"{day} {name} +0000", "%Y-%m-%d %H-%M-%S.mp4 %z")


def _lines(audit: Path) -> list[bytes]:
    return [line for path in sorted((audit / "log").glob("*.jsonl")) for line in path.read_bytes().split(b"\n")[:-1]]


@pytest.mark.privileged
def test_the_reserve_of_an_earlier_run_counts(tmp_path: Path) -> None:
    with small_ext4(tmp_path) as path:
        disk = DiskTrail(path / "audit")
        disk.fill(1)
        fill_disk(path)
        for run in range(3):
            with disk.open() as trail:
                delete_chunk(trail, f"run-{run}")
        assert open_claims(disk.fields()) == set()


def test_where_there_is_room_nothing_is_refused(tmp_path: Path) -> None:
    disk = DiskTrail(tmp_path / "audit")
    with disk.open() as trail:
        delete_chunk(trail, "run-1")
    assert open_claims(disk.fields()) == set()
