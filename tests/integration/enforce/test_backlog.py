"""Much that is due at once, or waits: it is read in parts, and nothing else waits for that."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from retentiond.domain.run import CHUNK, DueRecording
from retentiond.services.delete import Order, RunResult
from tests.world import BEGIN, World

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
WAITING = 3 * CHUNK
SOON = timedelta(seconds=30)
FRESH = BEGIN + SOON + timedelta(seconds=60) - 30 * DAY
"""The start of what falls due soon after the store was looked at for the first time."""


class Pauses:
    """Does in a pause what the daemon does there, after `act` has come in the one of this number."""

    def __init__(self, world: World, act: Callable[[], None], at: int = 1) -> None:
        self.count = 0
        self._world = world
        self._act = act
        self._at = at

    def __call__(self) -> bool:
        self.count += 1
        if self.count == self._at:
            self._act()
        self._world.cycle.keep_on_time()
        return self._world.stopping


def adopted(world: World, act: Callable[[], None], at: int = 1) -> Pauses:
    """Let three chunks wait for a person, as at a first adoption, and much that is not due lie beside it."""
    world.record_many("hall", BEGIN - 40 * DAY, WAITING, every=MINUTE)
    world.record_many("hall", BEGIN - 2 * DAY, WAITING + 100, every=timedelta(seconds=45))
    world.record("yard", FRESH)
    world.record("yard", BEGIN)
    pauses = Pauses(world, act, at)
    world.between_chunks = pauses
    world.start()
    world.scan()
    return pauses


def deleted(world: World) -> list[str]:
    return [line["rec"]["camera"] for line in world.records("recording.deleted")]


@pytest.mark.parametrize("at", [1, 4])
def test_what_falls_due_while_a_plan_is_made_goes_before_it_stands(world: World, at: int) -> None:
    """Once while its digest is worked out, once while its members are gathered."""
    seen: list[bool] = []

    def act() -> None:
        world.clock.pass_time(SOON)
        seen.append(world.waiting() is None)

    pauses = adopted(world, act, at)
    assert pauses.count >= 6
    assert seen == [True]
    assert deleted(world) == ["yard"]
    plan = world.waiting()
    assert plan is not None
    assert (plan.count, world.catalogue.left_of_plan(plan.store)) == (WAITING, WAITING)


@pytest.mark.parametrize("at", [1, 2, 3, 4, 5, 6])
def test_a_hold_that_comes_while_a_plan_is_made_is_no_part_of_it(world: World, at: int) -> None:
    def hold() -> None:
        world.hold(BEGIN - 41 * DAY, BEGIN - 40 * DAY + 10 * MINUTE)

    adopted(world, hold, at)
    world.pass_time(2 * MINUTE, look_every=MINUTE)
    plan = world.waiting()
    assert plan is not None
    assert (plan.count, world.catalogue.left_of_plan(plan.store)) == (WAITING - 10, WAITING - 10)
    world.approve()
    assert len(deleted(world)) == WAITING - 10 + deleted(world).count("yard")
    assert all(world.path("hall", BEGIN - 40 * DAY + number * MINUTE).exists() for number in range(10))


def test_what_is_approved_goes_oldest_first_of_all_cameras_and_is_gone_at_the_end(world: World) -> None:
    world.record_many("lane", BEGIN - 40 * DAY - 30 * MINUTE, CHUNK, every=2 * MINUTE)
    adopted(world, lambda: None)
    assert world.approve() == WAITING + CHUNK
    starts = [line["rec"]["start"] for line in world.records("recording.deleted")]
    assert starts == sorted(starts)
    assert len(starts) == WAITING + CHUNK
    (run,) = world.records("run.started")
    (end,) = world.records("run.completed")
    assert (run["count"], end["deleted"]) == (WAITING + CHUNK, WAITING + CHUNK)
    assert end["approval"] == run["approval"] is not None
    assert world.waiting() is None


def test_after_an_outage_what_fell_due_is_read_as_it_goes_and_none_waits(world: World) -> None:
    """More than is read at once: the passing of time explains it, so nobody is asked."""
    world.start()
    world.scan()
    world.record_many("hall", BEGIN - 20 * DAY, 5 * CHUNK, every=MINUTE)
    world.record_many("hall", BEGIN - 2 * DAY, 6 * CHUNK, every=timedelta(seconds=45))
    world.scan()
    world.restart(away=15 * DAY)
    starts = [line["rec"]["start"] for line in world.records("recording.deleted")]
    assert len(starts) == 5 * CHUNK
    assert starts == sorted(starts)
    assert world.waiting() is None
    (run,) = world.records("run.started")
    assert run["count"] == 5 * CHUNK


def test_what_falls_due_is_read_as_a_whole_up_to_a_bound(world: World) -> None:
    world.record("hall", BEGIN)
    world.start()
    world.scan()
    world.record_many("hall", BEGIN - 30 * DAY + 2 * MINUTE, 3, every=MINUTE)
    world.scan()
    world.clock.pass_time(10 * MINUTE)
    planner = world.parts.planner
    spans = planner.spans(world.keeper.name, world.book, world.clock.wall)
    assert [len(found or ()) for found in (planner.ordinary(spans, 3), planner.ordinary(spans, 2))] == [3, 0]
    assert planner.ordinary(spans, 2) is None


def run_approved(world: World, **fields: Any) -> RunResult:
    """Carry out an approved run of three recordings."""
    world.record_many("hall", BEGIN - 40 * DAY, 3, every=MINUTE)
    world.record_many("hall", BEGIN - 2 * DAY, 4, every=MINUTE)
    world.start()
    world.scan()
    rows = list(world.catalogue.members(world.keeper.name))
    rule = world.book.policy.rules[0]
    due = [DueRecording(row.recording, rule) for row in rows]
    keeper = world.keeper
    return world.parts.deleter.run(
        Order(keeper.store, keeper.recorder, due, 3, timedelta(), approval="ab" * 32, **fields)
    )


def test_an_approval_is_used_up_when_nothing_of_it_is_left(world: World) -> None:
    run_approved(world)
    (end,) = world.records("run.completed")
    assert (end["deleted"], end["approval"]) == (3, "ab" * 32)


def test_an_approval_of_which_something_has_to_wait_is_not_used_up(world: World) -> None:
    waiting = world.path("hall", BEGIN - 40 * DAY + MINUTE)
    result = run_approved(world, wait=lambda item: item.recording.start == BEGIN - 40 * DAY + MINUTE)
    (end,) = world.records("run.completed")
    assert (end["deleted"], end["skipped"], end["approval"]) == (2, 0, None)
    assert result.left_out == 1
    assert waiting.exists()


def test_a_part_of_what_was_approved_uses_no_approval_up(world: World) -> None:
    run_approved(world, part=True)
    (end,) = world.records("run.completed")
    assert (end["deleted"], end["approval"]) == (3, None)


def test_where_all_has_to_wait_there_is_no_run(world: World) -> None:
    run_approved(world, wait=lambda _: True)
    assert world.records("run.started", "run.completed") == []
