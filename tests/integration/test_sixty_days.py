"""Sixty simulated days on a real disk: never early, never late, and a restart in the middle changes nothing."""

from collections import deque
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.system.harness import deletions
from tests.world import BEGIN, World

CAMERAS = ("hall", "reception", "stairs", "yard")
EVERY = timedelta(minutes=10)
PERIOD = timedelta(days=30)
MARGIN = timedelta(seconds=60)


@pytest.mark.system
def test_sixty_days_of_recordings_go_on_time(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.start()
    world.scan()
    expected: deque[tuple[datetime, Path]] = deque()
    gone = 0
    for number in range(60 * 144):
        now = BEGIN + EVERY * number
        due = now - MARGIN
        for instant in (due, now):
            if instant > world.clock.wall:
                world.clock.pass_until(instant)
                world.cycle.tick()
                gone += _check(expected, instant)
        for camera in CAMERAS:
            expected.append((now, world.record(camera, now)))
        if number % 6 == 5:
            for camera in CAMERAS:
                world.cycle.look_again(world.keeper.name, f"{camera}/{now:%Y-%m-%d}".encode())
        if number == 45 * 144 + 7:
            world.stop()
            world.start()
            world.scan()
    assert gone == 4 * 30 * 144
    assert world.files() == {path for _, path in expected}
    world.stop()
    intents, outcomes = deletions(_lines(world.state))
    assert len(outcomes) == gone
    assert all(len(item) == 1 for item in intents.values())
    assert all(item == ["recording.deleted"] for item in outcomes.values())


def _check(expected: deque[tuple[datetime, Path]], now: datetime) -> int:
    """Take off what is gone, and fail if any of it was early or any that is left is late."""
    gone = 0
    while expected and not expected[0][1].exists():
        start, path = expected.popleft()
        assert now >= start + PERIOD - MARGIN - timedelta(seconds=1), f"{path} went early"
        gone += 1
    if expected:
        start, path = expected[0]
        assert now < start + PERIOD, f"{path} is late"
        assert expected[-1][1].exists()
    return gone


def _lines(state: Path) -> list[dict[str, object]]:
    import json

    return [
        json.loads(line)
        for segment in sorted((state / "audit" / "log").glob("*.jsonl"))
        for line in segment.read_bytes().splitlines()
    ]
