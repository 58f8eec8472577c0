"""A world for the cases of docs/reliability.md, as the tests of enforcement have it."""

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
