"""A defect of ours ends the daemon, at once and with its state whole; the next one finds what it left and goes on.

The defects are put in from outside, by a module that Python imports when it starts.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.system.harness import Site, deletions, register_of

pytestmark = pytest.mark.system

AT_CONFIRMATION = """
from retentiond.services.delete import Deleter
def broken(*_):
    raise ZeroDivisionError("/srv/secret/path")
Deleter._confirm = broken
"""
IN_THE_WALK = """
from retentiond.storage.store import DirectoryStore
def broken(*_):
    yield from ()
    raise ZeroDivisionError("/srv/secret/path")
DirectoryStore.walk = broken
"""
IN_THE_REPORT = """
from retentiond.services.survey import Surveyor
def broken(*_, **__):
    raise ZeroDivisionError("/srv/secret/path")
Surveyor.survey = broken
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A store that was adopted, with recordings that fall due in a few seconds."""
    site = Site(tmp_path, period="1h", register=register_of("hall"), watch=False)
    now = datetime.now(UTC).replace(microsecond=0)
    for minutes in range(40):
        site.record("hall", now - timedelta(minutes=minutes))
    with site.running():
        site.accept_clock()
        site.wait(lambda: site.ask("plan")["stores"][0]["scanned"], "the scan")
        site.wait(lambda: site.ask("status")["stores"][0]["condition"] == "present", "the adoption")
    yield site
    if site.daemon is not None:
        site.stop()


def run_broken(site: Site, tmp_path: Path, defect: str) -> None:
    """Start a daemon with a defect and wait until it has ended."""
    hook = tmp_path / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(defect)
    command = [sys.executable, "-m", "retentiond", "run", "--config", str(site.config)]
    environment = {**os.environ, "PYTHONPATH": str(hook)}
    environment.pop("RETENTIOND_DEBUG", None)
    with (site.root / "daemon.log").open("wb") as log:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, timeout=60, check=False
        )
    assert done.returncode == 70, site.log()


def test_a_defect_in_the_middle_of_a_deletion_loses_nothing(site: Site, tmp_path: Path) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    due = [site.record("hall", now - timedelta(minutes=59, seconds=number)) for number in range(3)]
    run_broken(site, tmp_path, AT_CONFIRMATION)
    assert "secret" not in site.log()
    assert "Traceback" not in site.log()
    left_open = deletions(site.lines())
    assert left_open[0]
    assert left_open[1] == {}
    site.must("audit", "verify")
    with site.running():
        site.wait(lambda: not any(path.exists() for path in due), "the deletions")
        site.wait(lambda: len(deletions(site.lines())[1]) >= len(due), "the outcomes")
    intents, outcomes = deletions(site.lines())
    assert all(outcomes[path][-1] == "recording.deleted" for path in left_open[0])
    assert {path: len(claims) for path, claims in intents.items()} == {
        path: len(told) for path, told in outcomes.items()
    }
    site.must("audit", "verify")


@pytest.mark.parametrize("defect", [IN_THE_WALK, IN_THE_REPORT], ids=["walk", "report"])
def test_a_defect_anywhere_ends_the_daemon_instead_of_a_part_of_it(site: Site, tmp_path: Path, defect: str) -> None:
    before = site.files()
    run_broken(site, tmp_path, defect)
    assert "secret" not in site.log()
    assert site.files() == before
    site.must("audit", "verify")
