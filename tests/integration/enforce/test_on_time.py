"""While a long run goes on, what falls due does not wait for the end of it."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from retentiond.domain.recording import StoreName
from retentiond.domain.run import CHUNK
from tests.world import BEGIN, World

DAY = timedelta(days=1)
DUE = 4 * CHUNK
AWAY = 15 * DAY
NOW = BEGIN + AWAY
"""When the long run is."""

SOON = timedelta(seconds=30)
FRESH = NOW + SOON + timedelta(seconds=60) - 30 * DAY
"""The start of what falls due soon after the run has begun."""


class Meanwhile:
    """Does between two chunks what the daemon does there, after `act` has come between the second and the third."""

    def __init__(self, world: World, act: Callable[[], None]) -> None:
        self.chunks = 0
        self._world = world
        self._act = act

    def __call__(self) -> bool:
        self.chunks += 1
        if self.chunks == 2:
            self._act()
        self._world.cycle.keep_on_time()
        return self._world.stopping


def with_backlog(world: World, act: Callable[[], None]) -> None:
    """Let four chunks fall due while the daemon is down, and one more recording soon after it has started."""
    world.start()
    world.scan()
    world.record_many("hall", BEGIN - 20 * DAY, DUE, every=timedelta(minutes=1))
    world.record_many("hall", BEGIN - 2 * DAY, 2 * DUE, every=timedelta(seconds=45))
    world.record("yard", FRESH)
    world.record("yard", BEGIN)
    world.scan()
    world.stop()
    world.clock.pass_time(AWAY)
    world.between_chunks = Meanwhile(world, act)
    world.start()
    world.scan()


def gone(world: World) -> list[tuple[str, str]]:
    """Return what was deleted, camera and run, in the order of the record."""
    cameras = [line["rec"]["camera"] for line in world.records("recording.deleted")]
    runs = [entry["deletion_run"] for entry in world.records("deletion.intent") for _ in entry["recordings"]]
    return list(zip(cameras, runs, strict=True))


def pass_soon(world: World) -> Callable[[], None]:
    return lambda: world.clock.pass_time(SOON)


def test_what_falls_due_in_the_middle_goes_before_the_rest(world: World) -> None:
    with_backlog(world, pass_soon(world))
    order = gone(world)
    assert [camera for camera, _ in order].index("yard") == CHUNK, "after the first chunk"
    assert len(order) == DUE + 1
    assert len(world.files()) == 2 * DUE + 1


def test_it_is_a_run_of_its_own_on_the_record(world: World) -> None:
    with_backlog(world, pass_soon(world))
    runs = dict(gone(world))
    assert runs["yard"] != runs["hall"]
    completed = {line["deletion_run"]: line["deleted"] for line in world.records("run.completed")}
    assert completed == {runs["yard"]: 1, runs["hall"]: DUE}


def test_nothing_goes_before_its_time(world: World) -> None:
    with_backlog(world, lambda: world.clock.pass_time(SOON - timedelta(milliseconds=2)))
    assert "yard" not in dict(gone(world))


def test_what_was_due_already_is_left_to_the_run_that_has_it(world: World) -> None:
    with_backlog(world, lambda: None)
    assert len({run for _, run in gone(world)}) == 1
    assert len(gone(world)) == DUE


def test_a_hold_keeps_it(world: World) -> None:
    def hold() -> None:
        world.hold(BEGIN - 99 * DAY, BEGIN + 99 * DAY, cameras=["yard"])
        world.clock.pass_time(SOON)

    with_backlog(world, hold)
    assert "yard" not in dict(gone(world))


def test_what_time_does_not_explain_waits_for_the_next_look(world: World) -> None:
    """It was seen for the first time when it was due: how it came to be there is asked before it goes."""
    old = NOW + timedelta(seconds=65) - 30 * DAY

    def arrive() -> None:
        world.clock.pass_time(timedelta(seconds=90))
        world.record("yard", old)
        world.cycle.look_again(StoreName("main"), os.fsencode(f"yard/{old:%Y-%m-%d}"))

    with_backlog(world, arrive)
    assert [camera for camera, _ in gone(world)].index("yard") == CHUNK
    assert world.records("run.completed")[0]["deleted"] == 1


def test_where_the_limit_lets_all_of_it_wait_nothing_goes_in_between(world: World) -> None:
    world.start()
    world.scan()
    world.record_many("hall", BEGIN - 20 * DAY, DUE, every=timedelta(minutes=1))
    world.record_many("lane", BEGIN - 2 * DAY, 30, every=timedelta(seconds=45))
    world.record("yard", FRESH)
    world.record("yard", BEGIN)
    world.scan()
    world.stop()
    world.clock.pass_time(AWAY)
    world.between_chunks = Meanwhile(world, pass_soon(world))
    world.start()
    world.scan()
    assert gone(world) == [], "all but a few are due"
    world.approve()
    order = [camera for camera, _ in gone(world)]
    assert "yard" not in order[: 2 * CHUNK], "more than half of what is there is due"


@pytest.mark.parametrize("enforcing", [True, False])
def test_another_store_is_kept_on_time_as_well(tmp_path: Path, enforcing: bool) -> None:
    world = World(tmp_path, mode="enforce" if enforcing else "observe")
    second, main = tmp_path / "srv" / "second", world.store_path
    world.others[StoreName("second")] = world.store_path = second
    for start in (FRESH, BEGIN):
        world.record("yard", start)
    world.store_path = main
    with_backlog(world, pass_soon(world))
    stores = [line["store"] for line in world.records("deletion.intent") for _ in line["recordings"]]
    if enforcing:
        assert stores.index("second") in (CHUNK, CHUNK + 1), "after the first chunk, and the one of this store"
    else:
        assert stores == []
    world.stop()
