"""Somebody who may write in the store exchanges, moves and links in it as fast as the kernel can, while we delete."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.attack.arena import Arena, Attack, compiled
from tests.attack.methods import Ours, find_delete, stat_and_unlink
from tests.world import World

COUNT = 200
ROUNDS = 4
FEW, FEW_ROUNDS = 2, 50
MANY_ROUNDS = 300

two_at_once = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="an attacker needs a processor of his own")


@pytest.fixture(scope="module")
def attacker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("attacker"))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, now=datetime.now(UTC).replace(microsecond=0))  # the births of files are real
    world.start()
    world.scan()
    yield world
    world.stop()


@pytest.mark.parametrize("attack", Attack, ids=lambda attack: attack.name.lower())
def test_no_fresh_footage_goes_and_no_record_lies_whatever_is_done_meanwhile(
    world: World, attacker: Path, attack: Attack
) -> None:
    arena = Arena(world.root, world.store_path, attacker, attack)
    ours = Ours(arena, world)
    for _ in range(ROUNDS):
        arena.round(ours, COUNT)
    for _ in range(FEW_ROUNDS):  # the fewer there are, the more often each of them is exchanged
        arena.round(ours, FEW)
    tally = arena.tally
    assert (tally.wrong, tally.false_records, tally.witnesses) == (0, 0, [])
    assert tally.deleted > 0
    assert (tally.attacks > 0) is (attack is not Attack.NOTHING)
    if attack is Attack.NOTHING:
        assert tally.deleted == ROUNDS * COUNT + FEW_ROUNDS * FEW
    settled = world.records("recording.deleted", "deletion.failed", "deletion.void")
    intended = [item["claim"] for line in world.records("deletion.intent") for item in line["recordings"]]
    assert sorted(line["claim"] for line in settled) == sorted(intended)
    assert tally.deleted == len(world.records("recording.deleted")), "nothing went that is not on the record"


@two_at_once
def test_the_attacker_is_one_who_beats_a_look_at_the_path(tmp_path: Path, attacker: Path) -> None:
    """What this shows about ours is worth something only if he does destroy fresh footage elsewhere."""
    for attack in (Attack.FILES, Attack.LINK):
        arena = Arena(tmp_path, tmp_path / "store", attacker, attack)
        while not arena.tally.wrong and arena.tally.rounds < MANY_ROUNDS:
            arena.round(stat_and_unlink, FEW if attack is Attack.FILES else COUNT)
        assert arena.tally.wrong > 0


def test_the_harness_counts_right_where_nobody_attacks(tmp_path: Path, attacker: Path) -> None:
    for method in (stat_and_unlink, find_delete):
        arena = Arena(tmp_path, tmp_path / "store", attacker, Attack.NOTHING)
        arena.round(method, COUNT)
        assert (arena.tally.deleted, arena.tally.wrong, arena.tally.false_records) == (COUNT, 0, 0)
