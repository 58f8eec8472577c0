"""What a deletion and a scan ask of the system, for each recording: counted, not timed.

Each figure is the difference between two amounts, so that what a start and a chunk cost falls out. A rise here is one
more call for each of millions; whoever wants it raises the figure, and says in the commit what the call is for.
"""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from tests.integration.enforce.counted import LATELY, MARK, begun, delete, known
from tests.system.harness import needs
from tests.world import MAIN, World

FEW, MANY = 100, 500
MORE = MANY - FEW

A_DELETION = {
    "open": 2,  # the pin; and the claimed file, to ask by a lease who else has it open
    "close": 2,
    "fcntl": 2,  # where to send a broken lease, and the lease
    "look": 5,  # the pin; the claim beside it; its links before and after; that the claim is gone
    "rename": 1,
    "unlink": 1,
    "share": 1,  # where blocks can be shared, which ext4 cannot
    "handle": 1,  # where no birth is told
}
KINDS = {
    "openat": "open",
    "openat2": "open",
    "statx": "look",
    "newfstatat": "look",
    "fstatat64": "look",
    "fstat": "look",
    "renameat2": "rename",
    "unlinkat": "unlink",
    "ioctl": "share",
    "name_to_handle_at": "handle",
}
MEMORY = {"brk", "mmap", "munmap", "mremap", "madvise", "mprotect", "futex", "getrandom", "rt_sigreturn", "gettid"}
"""What an interpreter does for itself, and not for a recording."""

NOISE = 0.5
"""What is done by the clock and not for a recording, such as keeping the trail's head once a second, stays below."""

A_SWEEP = 14
A_LOOK = 1
"""Statements of SQL: of a deletion of what one slot holds, and of a look that finds nothing due."""

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)

_A_CALL = re.compile(r"\d+ +(\w+)\(")
_A_MARK = re.compile(re.escape(MARK) + r"([a-z]+)/(\d+)/(begin|end)")


def calls_in(log: Path) -> dict[tuple[str, int], Counter[str]]:
    """Return the system calls between the marks; of work that was done twice, those of the second time."""
    counts: dict[tuple[str, int], Counter[str]] = {}
    current: Counter[str] | None = None
    with log.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if (marked := _A_MARK.search(line)) is not None:
                current = Counter() if marked[3] == "begin" else None
                if current is not None:
                    counts[marked[1], int(marked[2])] = current
            elif current is not None and (call := _A_CALL.match(line)) is not None:
                current[KINDS.get(call[1], call[1])] += call[1] not in MEMORY
    return counts


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], Counter[str]]:
    needs("strace")
    root, log = tmp_path_factory.mktemp("counted"), tmp_path_factory.mktemp("log") / "calls"
    tracer = ["strace", "-f", "-o", str(log)]
    worker = [sys.executable, "-m", "tests.integration.enforce.counted", str(root), str(FEW), str(MANY)]
    subprocess.run([*tracer, *worker], check=True, cwd=Path(__file__).parents[3], timeout=300)
    return calls_in(log)


def for_each_more(calls: dict[tuple[str, int], Counter[str]], what: str) -> dict[str, float]:
    few, many = calls[what, FEW], calls[what, MANY]
    return {kind: (many[kind] - few[kind]) / MORE for kind in few.keys() | many.keys()}


def test_a_deletion_takes_so_many_system_calls_and_no_more(calls: dict[tuple[str, int], Counter[str]]) -> None:
    each = for_each_more(calls, "delete")
    assert round(each["unlink"]) == round(each["rename"]) == 1, "what this test looks at was seen"
    more = {kind: figure for kind, figure in each.items() if figure > A_DELETION.get(kind, 0) + NOISE}
    assert not more, f"for each recording: {more}"


def test_a_chunk_is_synced_once_however_much_is_in_it(calls: dict[tuple[str, int], Counter[str]]) -> None:
    each = for_each_more(calls, "delete")
    for kind in ("fsync", "fdatasync"):
        assert calls["delete", MANY][kind] > 0
        assert each[kind] < NOISE


def test_a_scan_makes_no_system_call_for_a_file(calls: dict[tuple[str, int], Counter[str]]) -> None:
    assert calls["scan", MANY]["getdents64"] > 0, "what this test looks at was seen"
    each = for_each_more(calls, "scan")
    more = {kind: figure for kind, figure in each.items() if figure > NOISE}
    assert not more, f"for each file: {more}"


# --- statements of SQL ----------------------------------------------------------------------------------------------


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = begun(tmp_path)
    yield world
    world.stop()


def statements(world: World, work: Callable[[], object]) -> int:
    """Return how many statements of SQL some work takes."""
    seen: list[str] = []
    connection = world.catalogue._db._connection
    connection.set_trace_callback(seen.append)
    try:
        work()
    finally:
        connection.set_trace_callback(None)
    return len(seen)


def test_a_sweep_takes_as_many_statements_however_much_it_deletes(world: World) -> None:
    """What lies in one slot is read and written together, whether it is little or much."""
    costs = [statements(world, partial(delete, world, known(world, f"c-{count}", count))) for count in (FEW, 2 * FEW)]
    assert costs[0] > 0
    assert costs[1] <= min(costs[0], A_SWEEP)


def test_weighing_takes_as_many_statements_however_much_is_due(world: World) -> None:
    """What is due is counted and not read, so that a backlog that waits costs no more each minute than none."""
    costs = []
    for count in (FEW, 10 * FEW):
        world.record_many("hall", world.clock.wall - 90 * DAY, count, SECOND)
        world.scan()
        world.clock.pass_time(DAY)
        weigh = partial(world.parts.weigher.weigh, MAIN, world.book, world.clock.wall, clock_proven=True)
        assert weigh().waiting >= count, "else nothing was due"
        costs.append(statements(world, weigh))
    assert costs[0] == costs[1] > 0


def test_a_scan_takes_as_many_statements_however_much_lies_in_a_directory(world: World) -> None:
    costs = []
    for count in (FEW, 2 * FEW):
        world.record_many(f"c-{count}", LATELY, count, SECOND)
        whole = statements(world, world.scan)
        costs.append(whole - statements(world, world.scan))  # less what it takes to find that nothing is new
    assert costs[0] == costs[1] > 0


def test_a_look_with_nothing_due_asks_for_no_more_where_more_is_stored(world: World) -> None:
    costs = []
    for count in (FEW, MANY):
        world.record_many(f"c-{count}", LATELY, count, SECOND)
        world.scan()
        costs.append(statements(world, world.cycle.tick))
    assert max(costs) <= A_LOOK
