"""Standard output that is closed, full, a pipe without a reader, a terminal, or of another encoding."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.cli.commands import Row
from tests.integration.cli.conftest import Make
from tests.integration.cli.place import PLAIN, Place
from tests.integration.cli.test_every_command import LOOKS, expect, ids, typed

SPEAKS = [row for row in LOOKS if row.alone in (0, 1)]
HOSTILE = "cam\x1b[2Jera"


def environment(**more: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if name not in PLAIN}
    return {**plain, **{name: value for name, value in PLAIN.items() if value is not None}, **more}


def in_a_shell(place: Place, line: str, **more: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of shell in which `retentiond` is the program, as a process of its own from the first byte on."""
    program = f'retentiond() {{ "{sys.executable}" -m retentiond "$@"; }}; '
    settings = environment(RETENTIOND_CONFIG=str(place.config), **more)
    command = ["bash", "-c", program + line]
    return subprocess.run(command, capture_output=True, env=settings, stdin=subprocess.DEVNULL, timeout=60, check=False)


def on_a_terminal(place: Place, *arguments: str, **more: str) -> str:
    """Return what a command writes to a terminal."""
    master, slave = pty.openpty()
    settings = environment(RETENTIOND_CONFIG=str(place.config), **{"TERM": "xterm", **more})
    command = [sys.executable, "-m", "retentiond", *arguments]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave, env=settings)
    os.close(slave)
    written = b""
    try:
        while part := os.read(master, 65536):
            written += part
    except OSError:  # EIO: the last writer is gone
        pass
    finally:
        os.close(master)
        process.wait(timeout=60)
    return written.decode()


@pytest.mark.parametrize("row", SPEAKS, ids=ids(SPEAKS))
def test_a_reader_that_went_away_is_no_error_and_no_finding(row: Row, left: Place) -> None:
    done = left.call(*typed(row, left), with_config=row.reads != "nothing", broken_pipe=True)
    assert (done.status, done.err) == (141, "")


@pytest.mark.parametrize("row", SPEAKS, ids=ids(SPEAKS))
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["people", "json"])
def test_a_full_disk_below_the_output_is_told(row: Row, form: tuple[str, ...], left: Place) -> None:
    arguments = (*typed(row, left), *(form if row.schema else ()))
    done = left.call(*arguments, with_config=row.reads != "nothing", output="/dev/full")
    expect(done, 74)
    assert done.err == (
        "retentiond: standard output: cannot be written (No space left on device); free its disk, or write elsewhere\n"
    )


@pytest.mark.parametrize("line", ["retentiond --help", "retentiond --version", "retentiond plan --help"])
def test_help_ends_as_well_as_everything_else(left: Place, line: str) -> None:
    full = in_a_shell(left, f"{line} >/dev/full")
    assert full.returncode == 74
    assert full.stderr.decode().startswith("retentiond: standard output: cannot be written (")
    gone = in_a_shell(left, f"{line} | true; exit ${{PIPESTATUS[0]}}")
    assert gone.returncode in (0, 141)  # whoever is faster
    assert gone.stderr == b""


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_was_never_open_harms_nothing(make: Make, closed: str) -> None:
    """Its number must not become that of the trail, the lock or the catalogue, in which words would then stand."""
    place = make()
    done = in_a_shell(place, f"retentiond store adopt main {closed}")
    assert done.returncode == 0
    assert b"Traceback" not in done.stderr
    expect(place.call("audit", "verify"), 0)
    assert [line["type"] for line in place.lines()][-1] == "store.adopted"
    wrong = in_a_shell(place, f"retentiond store adopt nix {closed}")
    assert wrong.returncode == 2


def test_errors_that_nobody_can_read_change_no_status(left: Place) -> None:
    assert in_a_shell(left, "retentiond store show nix 2>/dev/full").returncode == 2
    assert in_a_shell(left, "retentiond plan --at never 2>&-").returncode == 2


def test_colours_are_for_terminals_that_have_them(left: Place) -> None:
    assert "\x1b[" in on_a_terminal(left, "check")
    assert "\x1b[" in on_a_terminal(left, "check", NO_COLOR="")
    assert "\x1b" not in on_a_terminal(left, "check", NO_COLOR="1")
    assert "\x1b" not in on_a_terminal(left, "check", TERM="dumb")
    assert "\x1b" not in on_a_terminal(left, "check", "--json")
    assert b"\x1b" not in in_a_shell(left, "retentiond check", TERM="xterm").stdout


def test_a_terminal_shows_what_a_name_says_and_does_not_obey_it(left: Place) -> None:
    (left.store / HOSTILE).mkdir(exist_ok=True)
    (left.store / HOSTILE / "x.mp4").write_bytes(b"x")
    for command in (("find", "--camera", HOSTILE), ("store", "show", HOSTILE), ("findings", "show", HOSTILE)):
        shown = on_a_terminal(left, *command)
        assert "\\x1b[2J" in shown
        assert "\x1b[2J" not in shown


@pytest.mark.parametrize(
    "settings",
    [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}],
    ids=["ascii", "C"],
)
def test_any_encoding_of_the_output_will_do(left: Place, settings: dict[str, str]) -> None:
    people = in_a_shell(left, "retentiond config show", **settings)
    assert (people.returncode, people.stderr) == (0, b"")
    assert b'controller: "Example Clinic O' in people.stdout
    programs = in_a_shell(left, "retentiond config show --json", **settings)
    assert "Example Clinic OÜ" in json.loads(programs.stdout.decode("ascii"))["yaml"]


def test_ctrl_c_ends_following_without_a_word(beside: Place, tmp_path: Path) -> None:
    output = tmp_path / "followed"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "retentiond", "audit", "show", "--follow", "--json"],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env=environment(RETENTIOND_CONFIG=str(beside.config)),
        )
    try:
        beside.wait(lambda: len(output.read_bytes().splitlines()) >= len(beside.lines()), "the records so far")
        beside.must("findings", "acknowledge", "waiting_for_approval", "main", "--why", "looked at", "--for", "1d")
        beside.wait(lambda: b"finding.acknowledged" in output.read_bytes(), "the record of the acknowledgement")
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
    shown = [json.loads(line) for line in output.read_text().splitlines()]
    assert [item["seq"] for item in shown] == list(range(len(shown)))
    assert shown[-1]["type"] == "finding.acknowledged"


def test_ctrl_c_while_a_command_waits_for_the_daemon_is_130(left: Place, tmp_path: Path) -> None:
    import socket

    silent = left.state / "run" / "control.sock"
    silent.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(silent))
        listener.listen()
        process = subprocess.Popen(
            [sys.executable, "-m", "retentiond", "approve", "main-0", "--count", "1", "--digest", "0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(RETENTIOND_CONFIG=str(left.config)),
        )
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
    silent.unlink()
    assert (process.returncode, out, err) == (130, b"", b"")
