"""A catalogue of which a page cannot be read once is not thrown away: what is due would wait for an approval."""

import os
from pathlib import Path

import pytest

from tests.integration.storage.disk import run_python

FILL = """
from retentiond.catalogue.open import open_or_rebuild
from retentiond.ports import Arrived, DirectoryStamp, Listing
from tests.builders import NOW, STORE, recordings
with open_or_rebuild(sys.argv[1]) as catalogue:
    items = recordings(3000)
    listing = Listing(items[0].place.directory, DirectoryStamp(1, 1, 1), ())
    catalogue.update(STORE, listing, [Arrived(item, NOW) for item in items], (), ())
"""
READ = """
from retentiond.catalogue.open import open_or_rebuild
from retentiond.domain.errors import StorageError
from tests.builders import STORE, a_stream
try:
    with open_or_rebuild(sys.argv[1]) as catalogue:
        catalogue.census(STORE), catalogue.newest(a_stream()), list(catalogue.odd(STORE)), catalogue.waiting(STORE)
except StorageError as error:
    print(type(error).__name__)
"""


# The first two such calls are the loader's.
@pytest.mark.parametrize("number", range(3, 16))
def test_a_page_that_cannot_be_read_once_costs_nothing_but_a_restart(tmp_path: Path, number: int) -> None:
    path = str(tmp_path / "catalogue.db")
    run_python(FILL, path)
    run_python(READ, path, injections=(f"pread64:error=EIO:when={number}",))
    assert sorted(os.listdir(tmp_path)) == ["catalogue.db"]
    assert run_python(READ, path) == ""
