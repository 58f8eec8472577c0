"""A clinic whose camera hangs in a room that comes to be prohibited; a real store, catalogue and trail."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.incidents.clinic import Clinic


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    """Return a clinic in which the program runs, with the recordings of a day of two cameras."""
    clinic = Clinic(tmp_path)
    clinic.open()
    yield clinic
    if clinic.running:
        clinic.stop()
