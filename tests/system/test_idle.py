"""What the daemon costs while there is nothing to do."""

import signal
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.system.demonstration import Demonstration, demonstration
from tests.system.harness import Site, needs, register_of

pytestmark = pytest.mark.system

CAMERAS = ("entrance", "reception", "procedure-2", "back-door")
DAYS = 29
EVERY = timedelta(hours=2)
MIB = 1 << 20


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A daemon on the recordings of 4 cameras over 29 days, of which none is due for hours."""
    site = Site(tmp_path, register=register_of(*CAMERAS))
    newest = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    starts = [newest - EVERY * number for number in range(timedelta(days=DAYS) // EVERY)]
    for camera in CAMERAS:
        for start in starts:
            site.record(camera, start)
    with site.running():
        site.accept_clock()
        site.wait(lambda: recordings(site) == len(CAMERAS) * len(starts), "the scan")
        yield site


def recordings(site: Site) -> int:
    return int(site.ask("status")["stores"][0]["recordings"])


def directories_read(site: Site, log: Path, meanwhile: Callable[[], None]) -> list[str]:
    """Return what the daemon, all its threads, lists while something is done."""
    assert site.daemon is not None
    tracer = subprocess.Popen(
        ["strace", "-f", "-y", "-e", "trace=getdents64", "-o", str(log), "-p", str(site.daemon.pid)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert tracer.stderr is not None
    said = tracer.stderr.readline()
    assert "attached" in said, said
    try:
        meanwhile()
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.communicate(timeout=30)
    return [line for line in log.read_text().splitlines() if "getdents64(" in line]


def test_a_sweep_with_nothing_due_reads_no_directory(site: Site, tmp_path: Path) -> None:
    needs("strace")
    assert directories_read(site, tmp_path / "idle", lambda: time.sleep(16)) == []  # three sweeps and a report

    before = recordings(site)
    log = tmp_path / "hinted"

    def let_one_come() -> None:
        site.record("entrance", datetime.now(UTC))
        site.wait(lambda: recordings(site) > before, "the hint", 90)

    read = directories_read(site, log, let_one_come)
    assert read, "what this test looks at would have been seen"
    assert all(str(site.store / "entrance") in line for line in read), "one hint, one directory"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    with demonstration(tmp_path_factory.mktemp("demo")) as demo:
        yield demo


def test_the_daemon_of_the_demo_stays_small(demo: Demonstration) -> None:
    resident = demo.daemon().memory_info().rss
    print(f"\nRSS of the daemon on the demo store: {resident / MIB:.1f} MiB")
    assert resident < 60 * MIB


def test_status_says_how_long_it_takes(demo: Demonstration) -> None:
    """Prints a figure, and asserts none: a test that depends on how busy a machine is proves nothing."""
    seconds = []
    for _ in range(20):
        begin = time.perf_counter()
        assert demo.command("status").returncode == 1
        seconds.append(time.perf_counter() - begin)
    print(f"\nretentiond status: median {statistics.median(seconds) * 1000:.0f} ms, least {min(seconds) * 1000:.0f} ms")
