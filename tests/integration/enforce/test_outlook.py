"""What `plan` says beforehand is what happens: later, and under other rules."""

from datetime import datetime, timedelta

import pytest

from retentiond.domain.period import parse_deletion_period
from retentiond.domain.recording import CameraName
from retentiond.domain.rule import DeletionRule
from retentiond.services.outlook import Forecaster, Outlook
from retentiond.services.rulebook import RuleBook
from tests.world import BEGIN, EVERYTHING, MAIN, World, book

DAY = timedelta(days=1)


@pytest.fixture
def filled(world: World) -> World:
    """Recordings of two cameras, one every eight hours over 29 days, all of them young enough, and watched."""
    for camera in ("hall", "yard"):
        world.record_many(camera, BEGIN - 29 * DAY, 87, every=timedelta(hours=8))
    world.start()
    world.scan()
    return world


def look(world: World, rules: RuleBook | None = None, *, at: datetime | None = None, proven: bool = True) -> Outlook:
    forecaster = Forecaster(
        world.catalogue, world.journal, world.parts.planner, world.parts.weigher, clock_proven=proven
    )
    return forecaster.outlook(MAIN, world.keeper.condition, rules or world.book, world.clock.wall, at=at)


def changes(outlook: Outlook) -> dict[str, tuple[tuple[timedelta | None, ...], tuple[timedelta | None, ...], int, int]]:
    return {item.stream.camera: (item.before, item.after, item.due, item.spared) for item in outlook.changes}


@pytest.mark.parametrize("days", [2, 7, 20])
def test_what_is_said_to_go_until_a_day_is_what_has_gone_by_then(filled: World, days: int) -> None:
    at = filled.clock.wall + days * DAY
    said = look(filled, at=at)
    before = len(filled.files())
    filled.pass_time(days * DAY)
    assert said.going == before - len(filled.files()) > 0
    assert said.waiting is None


def test_a_day_on_which_nothing_new_has_come_yet_is_no_reason_to_wait(filled: World) -> None:
    """Then the newest recording is old, and all of a camera is due: as of today, and only because of the question."""
    said = look(filled, at=filled.clock.wall + 90 * DAY, proven=False)
    assert (said.going, said.waiting, said.next_due) == (2 * 87, None, None)


def test_an_instant_in_the_past_shows_what_was_due_then(filled: World) -> None:
    filled.pass_time(3 * DAY)
    assert look(filled, at=filled.clock.wall - DAY).going == 0
    assert look(filled).in_force


def test_a_shorter_period_is_said_to_make_due_what_then_waits(filled: World) -> None:
    said = look(filled, book("10d"))
    assert not said.in_force
    assert said.waiting is not None
    assert not said.approvable
    assert {camera: item[:2] for camera, item in changes(said).items()} == {
        "hall": ((30 * DAY,), (10 * DAY,)),
        "yard": ((30 * DAY,), (10 * DAY,)),
    }
    assert sum(item[2] for item in changes(said).values()) == said.waiting.count
    filled.cycle.replace_book(book("10d"))
    filled.cycle.tick()
    waiting = filled.waiting()
    assert waiting is not None
    assert waiting.count == said.waiting.count
    assert waiting.digest == said.waiting.digest


def test_a_longer_period_spares_what_is_due_and_waits(filled: World) -> None:
    filled.cycle.replace_book(book("10d"))
    filled.cycle.tick()
    waiting = filled.waiting()
    assert waiting is not None
    said = look(filled, book("60d"))
    assert {item[3] for item in changes(said).values()} == {waiting.count // 2}
    assert (said.going, said.waiting) == (0, None)


def test_only_the_cameras_that_change_are_named(filled: World) -> None:
    hall = DeletionRule("hall", EVERYTHING, parse_deletion_period("72h"), cameras=frozenset({CameraName("hall")}))
    usual = DeletionRule("usual", EVERYTHING, parse_deletion_period("30d"))
    said = look(filled, book("30d", usual, hall))
    assert set(changes(said)) == {"hall"}


def test_another_name_for_a_rule_changes_nothing(filled: World) -> None:
    said = look(filled, RuleBook(renamed().policy, "another digest", filled.book.register, "register"))
    assert not said.in_force
    assert said.changes == ()


def renamed() -> RuleBook:
    return book("30d", DeletionRule("other-name", EVERYTHING, parse_deletion_period("30d")))


def test_a_rule_that_is_gone_is_told(filled: World) -> None:
    hall = DeletionRule("hall", EVERYTHING, parse_deletion_period("30d"), cameras=frozenset({CameraName("hall")}))
    assert changes(look(filled, book("30d", hall)))["yard"] == ((30 * DAY,), (None,), 0, 0)
