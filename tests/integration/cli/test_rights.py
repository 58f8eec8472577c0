"""Who may do what at the command line: nobody in particular, root, and the user to whom the state belongs.

What is closed must never look like what is not there: "no trail", "no findings" and "nothing waits" would be lies.
"""

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.cli.commands import ROWS, Row
from tests.integration.cli.place import NOBODY, Place
from tests.integration.cli.test_every_command import carry_out, expect, ids, typed

pytestmark = [pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else"), pytest.mark.privileged]

DAEMON = 4711
"""A user without a name, as a state directory has it that came from another machine."""

CLOSED = [row for row in ROWS if row.reads == "state" and row.name != "doctor"]
OPEN = [row for row in ROWS if row.reads != "state"]


@pytest.fixture(scope="module")
def owned(make: object, request: pytest.FixtureRequest) -> Iterator[Place]:
    """The daemon ran as a user of its own; store and state belong to it."""
    place: Place = request.getfixturevalue("make")()
    place.give_to(DAEMON)
    place.state.mkdir(mode=0o750)
    os.chown(place.state, DAEMON, DAEMON)
    assert place.call("store", "adopt", "main").status == 0
    assert place.call("run", "--once").status == 1
    yield place


def owners(place: Place) -> set[int]:
    return {path.lstat().st_uid for path in place.state.rglob("*")}


@pytest.mark.parametrize("row", CLOSED, ids=ids(CLOSED))
@pytest.mark.parametrize("situation", ["left", "beside"])
def test_nobody_in_particular_is_told_that_it_is_closed(
    row: Row, situation: str, request: pytest.FixtureRequest
) -> None:
    place: Place = request.getfixturevalue(situation)
    before = place.files()
    done = place.call(*typed(row, place), user=NOBODY)
    expect(done, 77)
    assert f"{place.state}" in done.err
    assert "closed to you" in done.err
    assert "there is no" not in done.err
    assert place.files() == before


@pytest.mark.parametrize("row", OPEN, ids=ids(OPEN))
def test_nobody_in_particular_may_read_what_is_no_secret(row: Row, left: Place) -> None:
    done = left.call(*typed(row, left), user=NOBODY, with_config=row.reads != "nothing")
    expect(done, row.alone)


def test_doctor_tells_a_user_what_is_closed_to_him_and_whose_it_is(left: Place) -> None:
    done = left.call_json("doctor", user=NOBODY)["diagnoses"]
    told = {(item["subject"], item["verdict"]): item for item in reversed(done)}
    assert told["state", "missing"]["text"].endswith(f"is closed to {pwd.getpwuid(NOBODY).pw_name}")
    assert "chown" in told["state", "missing"]["remedy"]
    closed = [item["text"] for item in done if item["subject"] == "store main" and item["verdict"] == "missing"]
    assert [text.split(":")[0].split(" (")[0] for text in closed] == ["the store itself", "entrance", "hall"]
    assert all("belongs to root:root, mode 0755; this user may not delete in it" in text for text in closed)


def test_doctor_says_which_group_opens_a_camera_and_quotes_its_name(fresh: Place) -> None:
    hostile = fresh.store / "cam; reboot"
    hostile.mkdir(mode=0o755)
    os.chown(hostile, 0, 44)
    fresh.state.mkdir(mode=0o750)
    fresh.give_to(DAEMON)
    os.chown(hostile, 0, 44)
    (item,) = [item for item in fresh.call_json("doctor")["diagnoses"] if item["verdict"] == "missing"]
    assert item["text"].startswith("cam; reboot: belongs to root:")
    assert f"usermod -aG {item['text'].split(':')[2].split(',')[0]} {DAEMON}" in item["remedy"]
    assert f"find '{hostile}' -type d -exec chmod g+rwx {{}} +" in item["remedy"]


def test_a_trail_that_is_closed_inside_an_open_state_is_closed_too(fresh: Place) -> None:
    assert fresh.call("store", "adopt", "main").status == 0
    fresh.state.chmod(0o755)
    (fresh.state / "audit").chmod(0o700)
    for command in ("audit show", "audit verify", "findings list", "check", "plan"):
        done = fresh.call(*command.split(), user=NOBODY)
        expect(done, 77)
        assert "Permission denied" in done.err
        assert "there is no" not in done.err


def test_a_saved_clock_that_is_closed_is_not_called_damaged(left: Place) -> None:
    left.state.chmod(0o755)
    clock = left.state / "clock.json"
    clock.chmod(0o600)
    try:
        done = left.call("clock", "status", user=NOBODY)
        expect(done, 77)
        assert str(clock) in done.err
        assert "closed to this user" in done.err
        assert "accept" not in done.err
    finally:
        left.state.chmod(0o750)
        clock.chmod(0o640)


@pytest.mark.parametrize(
    "typed_", ["store adopt main", "run --once", "clock accept --wall {now}", "audit keygen", "plan", "check"]
)
def test_root_works_as_the_user_to_whom_the_state_belongs(owned: Place, typed_: str) -> None:
    done = carry_out(Row(typed_, ""), owned)
    assert done.status in (0, 1), done
    assert owners(owned) == {DAEMON}
    assert (owned.store / ".retentiond").stat().st_uid == DAEMON
    assert len(owned.files("*.mp4")) == 6


def test_root_sees_a_store_as_the_daemon_would(owned: Place) -> None:
    """What the daemon may not list is a finding for root as well, who could list it."""
    closed = owned.store / "entrance"
    os.chown(closed, 0, 0)
    closed.chmod(0o700)
    try:
        missing = [item for item in owned.call_json("doctor")["diagnoses"] if item["verdict"] == "missing"]
        assert [item["text"].split(" (")[0].split(":")[0] for item in missing] == ["entrance"]
        assert "looking as 4711" in owned.call("doctor").out
    finally:
        os.chown(closed, DAEMON, -1)
        closed.chmod(0o755)


@pytest.mark.parametrize("kind", ["file", "link to nowhere", "pipe"])
def test_something_else_in_the_place_of_the_state_is_told(fresh: Place, kind: str) -> None:
    match kind:
        case "file":
            fresh.state.write_bytes(b"")
        case "link to nowhere":
            fresh.state.symlink_to(fresh.root / "nowhere")
        case _:
            os.mkfifo(fresh.state)
    before = fresh.files()
    for row in CLOSED:
        done = fresh.call(*typed(row, fresh))
        if kind == "link to nowhere" and done.status in (0, 1):
            continue  # nothing is there yet, as far as a look can tell
        assert done.status in (2, 69, 73, 74, 75), done
        assert "Traceback" not in done.err
        assert "internal error" not in done.err
        assert len(done.complaints) == 1
    assert fresh.files() == before
    assert not Path(fresh.root / "nowhere").exists() or kind == "link to nowhere"
