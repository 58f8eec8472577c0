"""Rule 7 in the whole house: what is deleted while the audit trail takes no records, and how it comes to know."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from retentiond.audit.verify import verify_trail
from retentiond.domain.audit_failure import JUST_BEFORE, OnAuditFailure
from retentiond.domain.finding import FindingKind
from tests.world import BEGIN, World

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
PERIOD = timedelta(days=30)
MARGIN = timedelta(seconds=60)


def fall_due(world: World, count: int) -> list[Path]:
    """Fill a store that is watched since long, and let `count` recordings in it fall due together in a minute."""
    world.start()
    world.scan()
    world.record_many("hall", BEGIN - 10 * HOUR, count + 60, every=SECOND)
    start = BEGIN + timedelta(minutes=1) - (PERIOD - MARGIN)
    paths = [world.record(f"yard-{number}", start) for number in range(count)]
    world.scan()
    return paths


@pytest.fixture
def due(world: World) -> list[Path]:
    return fall_due(world, 3)


def left(paths: list[Path]) -> int:
    return sum(path.exists() for path in paths)


def pass_until_margin_is_used_up(world: World) -> None:
    """Let a second more pass than the whole margin of what is due."""
    world.pass_time(timedelta(minutes=1) + MARGIN - JUST_BEFORE - 2 * SECOND, look_every=SECOND)


def check_record(world: World, paths: list[Path]) -> None:
    """One intent and one outcome for each, in a trail that is whole."""
    intents = [item for line in world.records("deletion.intent") for item in line["recordings"]]
    outcomes = world.records("recording.deleted")
    names = sorted(str(path.relative_to(world.store_path)) for path in paths)
    assert sorted(item["path"] for item in intents) == names
    assert sorted(line["rec"]["path"] for line in outcomes) == names
    lines = {line["seq"]: line for line in world.records("deletion.intent")}
    for outcome in outcomes:
        assert outcome["claim"] in {item["claim"] for item in lines[outcome["intent"]]["recordings"]}
    verify_trail(str(world.state / "audit"))
    assert world.journal.decisions.intents == {}


@pytest.mark.parametrize("count", [1, 520], ids=["one", "more than a chunk"])
def test_what_is_due_waits_for_the_trail_and_goes_at_its_deadline(world: World, count: int) -> None:
    due = fall_due(world, count)
    world.trail.refuse()
    pass_until_margin_is_used_up(world)
    assert left(due) == count, "deleted before its deadline without a record"
    assert FindingKind.AUDIT_UNWRITABLE in world.findings()
    world.pass_time(3 * SECOND, look_every=SECOND)
    assert left(due) == 0, "kept beyond its deadline because the trail takes nothing"
    assert world.cycle.report().noted > count
    assert world.records("recording.deleted", "audit.gap") == []
    world.trail.refusal = None
    world.pass_time(SECOND)
    (gap,) = world.records("audit.gap")
    assert (gap["deleted"], gap["lost"]) == (count, 0)
    assert gap["why"] == "log: cannot be written; make room"
    check_record(world, due)
    assert FindingKind.AUDIT_UNWRITABLE not in world.findings()
    assert world.cycle.report().noted == 0


def test_with_hold_nothing_goes_without_a_record(world: World, due: list[Path]) -> None:
    world.on_failure = OnAuditFailure.HOLD
    world.restart()
    world.trail.refuse()
    world.pass_time(2 * HOUR, look_every=timedelta(minutes=1))
    assert left(due) == len(due)
    assert {FindingKind.AUDIT_UNWRITABLE, FindingKind.OVERDUE} <= world.findings()
    world.trail.refusal = None
    world.pass_time(timedelta(minutes=2))
    assert left(due) == 0
    (gap,) = world.records("audit.gap")
    assert (gap["noted"], gap["deleted"]) == (0, 0)
    check_record(world, due)


def test_with_proceed_all_that_is_due_goes_at_once(world: World, due: list[Path]) -> None:
    world.on_failure = OnAuditFailure.PROCEED
    world.restart()
    world.trail.refuse()
    world.pass_time(timedelta(seconds=58), look_every=SECOND)
    assert left(due) == len(due)
    world.pass_time(timedelta(seconds=3), look_every=SECOND)
    assert left(due) == 0
    world.trail.refusal = None
    world.pass_time(2 * SECOND, look_every=SECOND)
    check_record(world, due)


@pytest.mark.parametrize("batches", range(5))
def test_a_trail_that_fails_in_the_middle_of_a_run_gets_one_intent_and_one_outcome(
    world: World, due: list[Path], batches: int
) -> None:
    world.trail.refuse(after=batches)
    world.pass_time(timedelta(minutes=1) + 10 * SECOND, look_every=SECOND)
    world.trail.refusal = None
    world.pass_time(2 * MARGIN, look_every=SECOND)
    assert left(due) == 0
    check_record(world, due)


@pytest.mark.parametrize("stays", [True, False], ids=["refuses on", "is back"])
def test_a_crash_while_deletions_are_only_noted_loses_none(world: World, due: list[Path], stays: bool) -> None:
    world.trail.refuse()
    world.pass_time(timedelta(minutes=3), look_every=SECOND)
    assert left(due) == 0
    world.crash()
    world.refuses = stays
    world.start()
    world.scan()
    assert world.journal.decisions.intents == {}
    assert world.observer.by_others == 0
    world.trail.refusal = None
    world.pass_time(timedelta(minutes=1), look_every=SECOND)
    check_record(world, due)


def test_the_loop_does_not_spin_while_the_trail_refuses(world: World, due: list[Path]) -> None:
    world.on_failure = OnAuditFailure.HOLD
    world.restart()
    world.trail.refuse()
    world.pass_time(timedelta(minutes=2), look_every=timedelta(minutes=1))
    assert left(due) == len(due)
    assert world.cycle.tick() >= SECOND


def test_notes_are_lines_that_anybody_can_read(world: World, due: list[Path]) -> None:
    world.trail.refuse()
    world.pass_time(timedelta(minutes=3), look_every=SECOND)
    head, *notes = [json.loads(line) for line in (world.root / "gap.jsonl").read_bytes().splitlines()]
    assert head["schema"] == "retentiond.gap/1"
    assert [note["n"] for note in notes] == list(range(1, len(notes) + 1))
    assert notes[0]["type"] == "run.started"
    assert notes[-1]["type"] == "run.completed"


def test_each_recording_waits_for_its_own_deadline(world: World) -> None:
    fall_due(world, 1)
    first = BEGIN + timedelta(minutes=2) - (PERIOD - MARGIN)
    paths = [world.record("yard", first + 20 * SECOND * number) for number in range(6)]
    world.scan()
    world.trail.refuse()
    for number in range(1, 6):
        deadline = first + 20 * SECOND * number + PERIOD
        world.pass_time(deadline - JUST_BEFORE - SECOND - world.clock.wall, look_every=SECOND)
        assert [path.exists() for path in paths] == [False] * number + [True] * (6 - number)
        world.pass_time(2 * SECOND, look_every=SECOND)
        assert [path.exists() for path in paths] == [False] * (number + 1) + [True] * (5 - number)
