"""I1 and I4 in the whole house: the intent is durable before a name changes, and a start settles what was left open."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from retentiond.domain.audit_failure import OnAuditFailure
from retentiond.domain.errors import DurabilityLostError, StorageError
from retentiond.domain.event import OUTCOMES, Event, EventType, Record
from tests.world import BEGIN, World

DAY = timedelta(days=1)


def filled(world: World) -> list[str]:
    """Let seven recordings be a minute from falling due, and return their paths below the store."""
    world.start()
    world.scan()
    paths = world.record_many("hall", BEGIN - timedelta(hours=7), 7, every=timedelta(seconds=9))
    world.record_many("hall", BEGIN - timedelta(hours=5), 30, every=timedelta(minutes=9))
    world.scan()
    world.clock.pass_time(30 * DAY - timedelta(hours=6, minutes=59))
    return [str(path.relative_to(world.store_path)) for path in paths]


def on_append(world: World, monkeypatch: pytest.MonkeyPatch, act: Callable[[Sequence[Event]], None]) -> None:
    append = world.parts.trail.append

    def acting(events: Sequence[Event]) -> Sequence[Record]:
        act(events)
        return append(events)

    monkeypatch.setattr(world.parts.trail, "append", acting)


def test_i1_everything_that_an_intent_names_is_still_there_when_it_is_written(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = filled(world)
    seen: list[str] = []

    def look(events: Sequence[Event]) -> None:
        for event in events:
            if event.type is EventType.DELETION_INTENT:
                named = [entry["path"] for entry in event.fields["recordings"]]
                assert all((world.store_path / path).is_file() for path in named)
                seen.extend(named)

    on_append(world, monkeypatch, look)
    world.cycle.tick()
    assert seen == paths
    assert not any((world.store_path / path).exists() for path in paths)


def test_i1_what_cannot_be_intended_on_the_record_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.on_failure = OnAuditFailure.HOLD
    filled(world)
    before = world.files()

    def refuse(events: Sequence[Event]) -> None:
        if any(event.type is EventType.DELETION_INTENT for event in events):
            raise StorageError("no space is left for the trail")

    on_append(world, monkeypatch, refuse)
    world.cycle.tick()
    assert world.files() == before
    monkeypatch.undo()
    world.cycle.tick()
    assert len(world.files()) == len(before) - 7


def test_i4_a_start_settles_what_was_left_open_before_it_does_anything_else(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = filled(world)

    def die(events: Sequence[Event]) -> None:
        if any(event.type in OUTCOMES for event in events):
            raise DurabilityLostError("the disk of the trail is gone")

    on_append(world, monkeypatch, die)
    with pytest.raises(DurabilityLostError):
        world.cycle.tick()
    world.crash()
    assert world.records(*OUTCOMES) == []
    world.start()
    assert sorted(record["rec"]["path"] for record in world.records("recording.deleted")) == sorted(paths)
    assert world.journal.decisions.intents == {}
    settled = [record["seq"] for record in world.records(*OUTCOMES)]
    (opened,) = [record["seq"] for record in world.records("audit.open")][1:]
    assert settled == list(range(opened + 1, opened + 1 + len(paths))), "nothing else came between"
    world.scan()
    world.pass_time(timedelta(hours=1))
    assert world.observer.by_others == 0


def test_i4_what_was_confirmed_but_not_forgotten_is_no_removal_by_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = filled(world)

    def die(*_: object, **__: object) -> None:
        raise DurabilityLostError("the power went")

    monkeypatch.setattr(world.catalogue, "forget", die)
    with pytest.raises(DurabilityLostError):
        world.cycle.tick()
    world.crash()
    world.start()
    world.scan()
    assert world.observer.by_others == 0
    assert len(world.records("recording.deleted")) == len(paths)
