"""Every adapter beside its fake, for the suites that hold for both."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from retentiond.catalogue.open import open_catalogue
from retentiond.ports import Catalogue
from tests.fakes.catalogue import MemoryCatalogue


@pytest.fixture(params=["sqlite", "memory"])
def catalogue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalogue]:
    if request.param == "memory":
        yield MemoryCatalogue()
        return
    with open_catalogue(str(tmp_path / "catalogue.db")) as opened:
        yield opened
