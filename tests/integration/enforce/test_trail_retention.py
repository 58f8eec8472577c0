"""The trail has a retention of its own: what the daemon does once a day, over months."""

from datetime import timedelta

import pytest

from retentiond.audit.verify import verify_trail
from retentiond.domain.errors import TryAgainError
from retentiond.domain.finding import FindingKind
from tests.world import BEGIN, World

DAY = timedelta(days=1)


def live(world: World, days: int) -> None:
    """Let days pass in which a recording comes each day, and each is looked over and told in the trail."""
    for _ in range(days):
        world.record("hall", world.clock.wall - timedelta(minutes=1))
        world.pass_time(DAY, look_every=DAY)
        world.scan()


def prune(world: World) -> int:
    """Do what the daemon does once a day; return how many records were to go."""
    records = world.cycle.pruning.plan()()
    if records:
        world.cycle.pruning.prune()
    return records


def segments(world: World) -> list[str]:
    return sorted(path.name for path in (world.state / "audit" / "log").glob("*.jsonl"))


def test_a_trail_keeps_as_many_months_as_it_has_to_and_no_more(world: World) -> None:
    world.keep_months = 3
    world.start()
    live(world, 80)
    assert len(segments(world)) == 3
    assert prune(world) == 0
    live(world, 75)
    before = segments(world)
    planned = prune(world)
    assert planned > 0
    gone = sorted(set(before) - set(segments(world)))
    assert gone == before[: len(gone)]
    oldest = min(
        line["ts"] for line in world.records(*{line["type"] for line in world.records("heartbeat", "scan.completed")})
    )
    assert oldest[:10] >= (BEGIN + 30 * DAY).date().isoformat()
    (pruned,) = world.records("audit.pruned")
    assert pruned["segments"] == gone
    assert verify_trail(str(world.state / "audit")).size == world.journal.head().size
    assert prune(world) == 0


def test_after_a_pruning_everything_that_was_decided_is_still_known(world: World) -> None:
    world.keep_months = 1
    world.start()
    live(world, 75)
    world.hold(BEGIN + 70 * DAY, BEGIN + 90 * DAY)
    decided = world.journal.decisions
    assert prune(world) > 0
    after = world.journal.decisions
    world.restart()
    again = world.journal.decisions
    for name in ("adopted", "suspensions", "policy_digest", "register_digest", "findings"):
        assert getattr(again, name) == getattr(after, name) == getattr(decided, name), name
    live(world, 3)
    assert len(world.records("store.adopted")) == 0
    assert FindingKind.STORE_UNADOPTED not in world.findings()


def test_without_trusted_time_nothing_is_too_old(world: World) -> None:
    world.memory.anchor = None
    world.clock.synchronised = False
    world.start()
    with pytest.raises(TryAgainError, match="the clock is not credible"):
        world.cycle.pruning.plan()


def test_what_stands_in_the_way_is_a_finding_until_it_does_not(world: World) -> None:
    world.start()
    world.cycle.note_pruning("a line is damaged")
    assert FindingKind.AUDIT_UNPRUNED in world.findings()
    world.cycle.note_pruning("")
    assert FindingKind.AUDIT_UNPRUNED not in world.findings()
