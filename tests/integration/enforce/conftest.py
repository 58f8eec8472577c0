"""A world to enforce rules in: a real directory, catalogue and trail under a clock that the test moves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Return a world that is not started yet; what the test leaves running is stopped."""
    world = World(tmp_path)
    yield world
    if world.running:
        world.stop()
