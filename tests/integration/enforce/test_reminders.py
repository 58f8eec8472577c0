"""Rule 4: waiting is loud. What waits for a person is said again every day, and `plan` says why each part waits."""

import os
from datetime import timedelta

from retentiond.domain.finding import FindingKey, FindingKind
from retentiond.domain.run import WaitReason
from retentiond.services.outlook import Forecaster, Outlook
from tests.world import BEGIN, MAIN, World, book

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def adopted(world: World) -> None:
    """A store in which a hundred recordings wait, because nobody watched it before."""
    world.record_many("hall", BEGIN - 60 * DAY, 100)
    world.record_many("yard", BEGIN - 5 * DAY, 100)
    world.start()
    world.scan()


def live(world: World, length: timedelta) -> None:
    """Let time pass, with a look over everything each hour."""
    for _ in range(length // HOUR):
        world.pass_time(HOUR)
        world.cycle.report()


def told(world: World) -> list[dict[str, object]]:
    return [line for line in world.records("finding.opened") if line["kind"] == "waiting_for_approval"]


def look(world: World) -> Outlook:
    forecaster = Forecaster(world.catalogue, world.journal, world.parts.planner, world.parts.weigher, clock_proven=True)
    return forecaster.outlook(MAIN, world.keeper.condition, world.cycle.book, world.clock.wall)


def test_a_plan_that_waits_is_said_again_each_day_with_what_is_overdue(world: World) -> None:
    adopted(world)
    world.cycle.report()
    live(world, 3 * DAY + HOUR)
    lines = told(world)
    assert [line.get("reminder", False) for line in lines] == [False, True, True, True]
    assert all("past the deadline in the store: 100" in str(line["message"]) for line in lines)
    assert all("retentiond approve" in str(line["remedy"]) for line in lines)


def test_a_restart_neither_forgets_nor_repeats_a_reminder(world: World) -> None:
    adopted(world)
    world.cycle.report()
    live(world, 20 * HOUR)
    world.restart()
    world.cycle.report()
    assert len(told(world)) == 1
    live(world, 5 * HOUR)
    assert len(told(world)) == 2
    opened = world.journal.decisions.opened_at[FindingKey(FindingKind.WAITING_FOR_APPROVAL, "main")]
    assert opened == BEGIN, "it is still the same finding"


def test_who_has_said_that_he_knows_is_left_alone_for_so_long(world: World) -> None:
    adopted(world)
    world.cycle.report()
    key = {"kind": "waiting_for_approval", "subject": "main"}
    world.ask("acknowledge", **key, why="the DPO decides on Monday", lasts="3d")
    live(world, 3 * DAY - HOUR)
    assert len(told(world)) == 1
    live(world, 2 * HOUR)
    assert len(told(world)) == 2


def test_what_nobody_has_to_decide_is_said_once(world: World) -> None:
    adopted(world)
    world.approve()
    world.cycle.report()
    live(world, 3 * DAY)
    repeated = [line for line in world.records("finding.opened") if line.get("reminder")]
    assert repeated == []


def test_a_hold_that_waits_for_the_other_is_said_again(world: World) -> None:
    world.start()
    world.scan()
    world.record("hall", BEGIN - HOUR)
    world.scan()
    world.hold(BEGIN - DAY, BEGIN)
    world.cycle.report()
    live(world, 2 * DAY + HOUR)
    lines = [line for line in world.records("finding.opened") if line["kind"] == "hold_unapproved"]
    assert [line.get("reminder", False) for line in lines] == [False, True, True]


# --- why each part waits ------------------------------------------------------------------------------------------


def test_an_adoption_waits_as_a_whole(world: World) -> None:
    adopted(world)
    (part,) = look(world).parts
    assert (part.why, part.camera, part.count) == (WaitReason.ADOPTION, "hall", 100)
    assert (part.oldest, part.newest) == (BEGIN - 60 * DAY, BEGIN - 60 * DAY + 99 * HOUR)


def test_each_part_of_a_plan_says_why_it_waits(world: World) -> None:
    """A shorter period, and old footage that somebody restored meanwhile."""
    world.start()
    world.scan()
    world.record_many("hall", BEGIN - 20 * DAY, 300)
    world.record_many("gate", BEGIN - 5 * DAY, 800, every=timedelta(minutes=5))
    world.scan()
    world.record_many("yard", BEGIN - 60 * DAY, 70)
    world.cycle.replace_book(book("10d"))
    world.scan()
    parts = {str(part.camera): (part.why, part.count) for part in look(world).parts}
    assert parts["yard"] == (WaitReason.DISPUTED, 70)
    assert parts["hall"] == (WaitReason.RULES_CHANGED, 241)
    assert "gate" not in parts
    world.pass_time(26 * HOUR)
    assert {str(part.camera): part.why for part in look(world).parts}["yard"] is WaitReason.LATE


def test_what_is_more_than_half_of_the_store_waits_for_that(world: World) -> None:
    world.start()
    world.scan()
    world.record_many("hall", BEGIN - 2 * DAY, 40)
    world.scan()
    world.restart(away=35 * DAY)
    assert {part.why for part in look(world).parts} == {WaitReason.HALF_OF_STORE}


def test_what_could_not_be_deleted_says_why_and_when_it_is_tried_again(world: World) -> None:
    world.start()
    world.scan()
    path = world.record("hall", BEGIN)
    world.scan()
    with path.open("ab"):
        world.pass_time(30 * DAY, look_every=6 * HOUR)
        (refused,) = look(world).refused
    assert (refused.why, refused.text, refused.count) == ("still_written", "are still being written", 1)
    assert refused.retry_at > world.clock.wall - HOUR


def test_a_store_that_is_not_there_says_so_and_what_to_do(world: World) -> None:
    adopted(world)
    assert look(world).obstacles == ()
    os.rename(world.store_path, world.root / "unmounted")
    world.cycle.tick()
    (obstacle,) = look(world).obstacles
    assert obstacle.key.kind is FindingKind.STORE_ABSENT
    assert obstacle.remedy.startswith("mount the disk")
