"""Places to type commands in: where nothing has run yet, where a daemon has been, and where one is running."""

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.cli.place import Place
from tests.system.warm import Warm

Make = Callable[..., Place]


@pytest.fixture(scope="package")
def ground() -> Iterator[Path]:
    """A directory that every user may enter, which those of pytest are not."""
    with tempfile.TemporaryDirectory(prefix="retentiond-cli-") as directory:
        os.chmod(directory, 0o755)
        yield Path(directory).resolve()


@pytest.fixture(scope="package")
def warm(ground: Path) -> Iterator[Warm]:
    with Warm(ground) as running:
        yield running


@pytest.fixture(scope="package")
def make(ground: Path, warm: Warm) -> Make:
    """Make places, each in a directory of its own."""
    numbers = itertools.count()

    def new(**options: str) -> Place:
        place = Place(ground / f"place-{next(numbers)}", warm, **options)
        place.fill()
        return place

    return new


@pytest.fixture
def fresh(make: Make) -> Place:
    """Two files and a store; no daemon has ever run."""
    return make()


@pytest.fixture(scope="module")
def left(make: Make) -> Place:
    """A daemon has run, has adopted the store, and found that two old recordings wait for an approval."""
    place = make()
    with place.running():
        place.accept_clock()
        place.wait(place.is_waiting, "a plan")
    return place


@pytest.fixture(scope="module")
def beside(make: Make) -> Iterator[Place]:
    """As `left`, and the daemon is still running."""
    place = make()
    with place.running():
        place.accept_clock()
        place.wait(place.is_waiting, "a plan")
        yield place
