"""How late recordings go while new ones come, and what the daemon costs. `python -m tests.bench.lateness`.

64 cameras begin a file each ten seconds, and as many fall due. The daemon is the real one, with its watcher. How late
is what its record says: the instant at which the outcome was written, less that at which the recording fell due. With a
backlog, so many more are overdue and were approved just before. Nothing is asserted: figures are of one machine.
"""

import argparse
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from retentiond.domain import instants
from tests.bench.tables import PERFORMANCE, host, put, table
from tests.system.harness import Site, register_of

CAMERAS = tuple(f"cam-{number}" for number in range(64))
EVERY = timedelta(seconds=10)
PERIOD = timedelta(hours=2)
MARGIN = timedelta(seconds=60)
BEFORE = timedelta(seconds=90)
"""So long after the laying out begins the first of them falls due: the daemon has to start and scan before."""


def lay_out(site: Site, first_due: datetime, length: timedelta, backlog: int) -> None:
    """Write what falls due in the time that is measured, what stays, and what is overdue already."""
    first = first_due - PERIOD + MARGIN
    for number, camera in enumerate(CAMERAS):
        shift = timedelta(seconds=number % EVERY.seconds)
        for step in range(length // EVERY):
            site.record(camera, first + shift + EVERY * step)
        for step in range(2 * (length // EVERY)):  # what is all of a camera waits for a person, by the limit
            site.record(camera, first + length + timedelta(minutes=10) + shift + EVERY * step)
        for step in range(backlog // len(CAMERAS)):
            site.record(camera, first - timedelta(minutes=30) - timedelta(seconds=step))


def measured(length: timedelta, backlog: int, root: Path) -> tuple[list[float], float, float]:
    """Return how many seconds late each went, the share of one core that it took, and the memory in MB."""
    site = Site(root, period="2h", register=register_of(*CAMERAS))
    first_due = datetime.now(UTC).replace(microsecond=0) + BEFORE + timedelta(seconds=backlog // 2000)
    lay_out(site, first_due, length, backlog)
    with site.running():
        assert site.daemon is not None
        process = psutil.Process(site.daemon.pid)
        site.accept_clock()
        site.wait(lambda: site.ask("status")["stores"][0]["recordings"] > 0, "the scan", 600)
        if datetime.now(UTC) >= first_due:
            raise SystemExit("the first fell due before all was laid out; choose a smaller backlog")
        time.sleep(max(0.0, (first_due - datetime.now(UTC)).total_seconds() - 5))
        if backlog:
            site.wait(lambda: site.approve_all() > 0, "the backlog to wait", 60)
        used, begun = _cpu_s(process), time.monotonic()
        record_on(site, begun, length)
        share = (_cpu_s(process) - used) / (time.monotonic() - begun)
        memory = process.memory_info().rss / 1e6
    return late_in(site, first_due, first_due + length), share, memory


def _cpu_s(process: psutil.Process) -> float:
    """Return the seconds of processor that a daemon and what it started have used."""
    each = [item.cpu_times() for item in (process, *process.children(recursive=True))]
    return sum(times.user + times.system for times in each)


def record_on(site: Site, begun: float, length: timedelta) -> None:
    """Write what the cameras would, while the daemon works, for as long and a little longer."""
    number = 0
    while time.monotonic() - begun < length.total_seconds() + 10:
        site.record(CAMERAS[number % len(CAMERAS)], datetime.now(UTC).replace(microsecond=0))
        number += 1
        time.sleep(max(0.0, begun + number * EVERY.total_seconds() / len(CAMERAS) - time.monotonic()))


def late_in(site: Site, since: datetime, until: datetime) -> list[float]:
    """Return how late those were that fell due between the two, from the record."""
    late = []
    for line in site.lines():
        if line["type"] == "recording.deleted":
            due = instants.from_text(line["deadline"]) - MARGIN
            if since <= due < until:
                late.append((instants.from_text(line["ts"]) - due).total_seconds())
    return sorted(late)


def row(name: str, expected: int, late: list[float], share: float, memory: float) -> tuple[object, ...]:
    """Return a row of the table."""
    if not late:
        return name, f"0 of {expected:,}", "", "", "", "", ""
    middle, nearly_all = late[len(late) // 2], late[min(len(late) - 1, len(late) * 99 // 100)]
    shown = [f"{seconds * 1000:,.0f} ms" for seconds in (late[0], middle, nearly_all, late[-1])]
    return name, f"{len(late):,} of {expected:,}", *shown, f"{share:.1%}, {memory:,.0f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", help="where to work; a directory on the disk that is meant")
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--backlog", type=int, default=20_000)
    chosen = parser.parse_args()
    length = timedelta(seconds=chosen.seconds)
    expected = len(CAMERAS) * (length // EVERY)
    rows = []
    for name, backlog in (("nothing overdue", 0), (f"{chosen.backlog:,} overdue", chosen.backlog)):
        with tempfile.TemporaryDirectory(dir=chosen.directory) as made:
            rows.append(row(name, expected, *measured(length, backlog, Path(made))))
    head = ("beside", "deleted", "soonest", "half within", "99 % within", "latest", "of one core, memory")
    put(
        "lateness",
        f"{table(head, rows)}\n{len(CAMERAS)} cameras, a file each {EVERY.seconds} s, {chosen.seconds} s. {host()}.\n",
        document=PERFORMANCE,
    )


if __name__ == "__main__":
    main()
