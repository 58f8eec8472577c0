"""A state directory in which something is damaged: every command says what, and none takes it for an all-clear."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.cli.commands import now_as_typed
from tests.integration.cli.conftest import Make
from tests.integration.cli.place import Place

LOOKING = ("check", "plan", "find --camera hall", "findings list", "findings show overdue", "store list", "audit show")
DECIDING = (
    "store adopt main",
    "approve main-0 --count 1 --digest 0",
    "findings acknowledge overdue x --why x --for 1d",
    "run --once",
)


def segment(state: Path) -> Path:
    return sorted((state / "audit" / "log").glob("*.jsonl"))[-1]


def exchange_a_line(state: Path) -> None:
    lines = segment(state).read_bytes().splitlines(keepends=True)
    segment(state).write_bytes(b"".join((*lines[:3], b'{"a":1}\n', *lines[4:])))


def put_a_directory(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def put_a_key(path: Path) -> None:
    path.touch(mode=0o600)
    path.write_bytes(b"x")


def put_a_file(path: Path) -> None:
    shutil.rmtree(path)
    path.write_bytes(b"")


TRAIL: dict[str, Callable[[Path], object]] = {
    "cut": lambda state: os.truncate(segment(state), segment(state).stat().st_size // 2),
    "gone": lambda state: segment(state).unlink(),
    "zeroes": lambda state: segment(state).write_bytes(bytes(segment(state).stat().st_size)),
    "one huge line": lambda state: segment(state).write_bytes(b"x" * (1 << 22) + b"\n"),
    "no head": lambda state: (state / "audit" / "checkpoint").write_bytes(b"\xff\n"),
}
OTHER: dict[str, Callable[[Path], object]] = {
    "catalogue.db garbage": lambda state: (state / "catalogue.db").write_bytes(b"garbage" * 1000),
    "catalogue.db empty": lambda state: (state / "catalogue.db").write_bytes(b""),
    "catalogue.db directory": lambda state: put_a_directory(state / "catalogue.db"),
    "clock.json garbage": lambda state: (state / "clock.json").write_bytes(b"\xff{"),
    "clock.json directory": lambda state: put_a_directory(state / "clock.json"),
    "lock directory": lambda state: put_a_directory(state / "lock"),
    "actor.key directory": lambda state: put_a_directory(state / "actor.key"),
    "audit file": lambda state: put_a_file(state / "audit"),
    "audit/log file": lambda state: put_a_file(state / "audit" / "log"),
    "audit/origin garbage": lambda state: (state / "audit" / "origin").write_bytes(b"\xff\n"),
    "audit.key garbage": lambda state: put_a_key(state / "audit.key"),
}
HARMLESS: dict[str, Callable[[Path], object]] = {
    "decisions.json garbage": lambda state: (state / "decisions.json").write_bytes(b"[[["),
    "decisions.json deep": lambda state: (state / "decisions.json").write_bytes(b"[" * 100_000),
    "control.sock file": lambda state: (state / "run" / "control.sock").write_bytes(b""),
}


@pytest.fixture(scope="module")
def whole(make: Make) -> Place:
    """A place without a daemon, whose state is copied beside it."""
    place = make()
    assert place.call("store", "adopt", "main").status == 0
    place.accept_clock()
    assert place.call("run", "--once").status == 1
    (place.state / "run").mkdir(exist_ok=True)
    subprocess.run(["cp", "-a", str(place.state), f"{place.state}.kept"], check=True)
    return place


@pytest.fixture
def place(whole: Place) -> Iterator[Place]:
    """The state as it was, to be damaged. Whatever is done then, nothing is deleted."""
    restore(whole)
    yield whole
    assert len(whole.files("*.mp4")) == 6


def restore(place: Place) -> None:
    shutil.rmtree(place.state)
    subprocess.run(["cp", "-a", f"{place.state}.kept", str(place.state)], check=True)


@pytest.mark.parametrize("damage", TRAIL)
def test_a_trail_that_has_lost_what_its_head_attests_is_65_everywhere(place: Place, damage: str) -> None:
    TRAIL[damage](place.state)
    for command in (*LOOKING, *DECIDING, "audit verify"):
        done = place.call(*command.split())
        assert done.status == 65, (command, done)
        (line,) = done.complaints
        assert str(place.state / "audit") in line
        assert "no open findings" not in done.out


def test_a_line_that_was_exchanged_is_found_by_all_that_read_it(place: Place) -> None:
    exchange_a_line(place.state)
    for command in ("audit show", "audit verify", "find --camera hall", *DECIDING):
        done = place.call(*command.split())
        assert done.status == 65, (command, done)
        assert f"{segment(place.state)}, line 4 (record 3): " in done.err


def test_what_is_left_of_a_cut_record_can_still_be_read(place: Place) -> None:
    TRAIL["cut"](place.state)
    done = place.call("audit", "show")
    assert done.status == 65
    assert "audit.open" in done.out
    assert "records are there, and the head on disk attests" in done.err


@pytest.mark.parametrize("damage", OTHER)
def test_something_else_that_is_damaged_is_named_with_what_to_do(place: Place, damage: str) -> None:
    OTHER[damage](place.state)
    name = damage.partition(" ")[0].partition("/")[0]
    told = 0
    for command in (*LOOKING, *DECIDING, "audit verify", "clock status", "status", "doctor", "register show"):
        done = place.call(*command.split())
        assert done.status in (0, 1, 2, 69, 73, 74), (command, done)
        assert "internal error" not in done.err
        assert len(done.complaints) <= 1, (command, done)
        if done.status in (73, 74):
            assert f"{place.state}/{name}" in done.err, (command, done)
            told += 1
        restore(place)
        OTHER[damage](place.state)
    assert told


@pytest.mark.parametrize("damage", HARMLESS)
def test_what_is_only_a_cache_is_made_anew(place: Place, damage: str) -> None:
    before = {command: place.call(*command.split()).out.splitlines()[1:] for command in LOOKING}
    HARMLESS[damage](place.state)
    for command in LOOKING:
        done = place.call(*command.split())
        assert (done.status in (0, 1), done.err) == (True, "")
        assert len(done.out.splitlines()[1:]) == len(before[command])
    assert place.call("run", "--once").status == 1


def test_a_damaged_catalogue_is_begun_anew_and_what_is_due_waits(place: Place) -> None:
    OTHER["catalogue.db garbage"](place.state)
    assert place.call("run", "--once").status == 1
    assert (place.state / "catalogue.db.corrupt-1").exists()
    assert "store 'main' has 2 recordings due and waiting" in place.call("check").out


def test_a_damaged_clock_is_mended_by_what_its_error_says(place: Place) -> None:
    OTHER["clock.json garbage"](place.state)
    done = place.call("run", "--once")
    assert done.status == 74
    assert "then run `retentiond clock accept --wall TIME`, which makes it anew" in done.err
    assert place.call("clock", "accept", "--wall", now_as_typed()).status == 0
    assert "state          trusted" in place.call("clock", "status").out
    assert place.call("run", "--once").status == 1
