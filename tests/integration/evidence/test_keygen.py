"""Keys at the command line: shown as text and as a code for a phone; and how they are changed."""

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.evidence.desk import Desk

LIT = {"█": (255, 255), "▀": (255, 0), "▄": (0, 255), " ": (0, 0)}
"""Of each character the upper and the lower half, on a dark terminal."""


def seen_by_a_camera(lines: list[str]) -> str:
    """Return what a reader of other hands finds in the picture that these lines make."""
    zxingcpp = pytest.importorskip("zxingcpp")
    rows = [[LIT[letter][half] for letter in line] for line in lines for half in (0, 1)]
    picture = bytes(value for row in rows for _ in range(4) for value in row for _ in range(4))
    (found,) = zxingcpp.read_barcodes(memoryview(picture).cast("B", (4 * len(rows), 4 * len(rows[0]))))
    return str(found.text)


def on_a_terminal(desk: Desk, *arguments: str, **environment: str) -> str:
    """Run a command whose standard output is a terminal, and return what is shown there."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "retentiond", *arguments, "--config", str(desk.config)]
    with subprocess.Popen(command, stdout=theirs, env={**os.environ, "LC_ALL": "C.UTF-8", **environment}) as running:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
        except OSError:
            pass  # as a terminal says that nobody writes any more
        assert running.wait(60) == 0
    os.close(ours)
    return shown.decode().replace("\r\n", "\n")


def test_a_key_is_shown_as_text_and_as_a_code_that_a_phone_reads(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert "there is no key yet" in desk.run("audit", "keygen", "--show", status=2)
    shown = desk.run("audit", "keygen", "--qr")
    made, _, text, *code = shown.rstrip("\n").split("\n")
    vkey = text.strip()
    assert made.startswith("made ")
    assert seen_by_a_camera(code) == vkey
    assert max(map(len, code)) <= 80
    assert desk.ask("audit", "keygen", "--show") == {"schema": "retentiond.audit.keygen.show/1", "vkeys": [vkey]}
    desk.run("run", "--once", status=1)
    again = desk.run("audit", "keygen", "--show")
    assert again.split()[-1] == vkey  # in a pipe, the text alone
    assert "leave one of them out" in desk.run("audit", "keygen", "--show", "--rotate", status=2)


def test_on_a_terminal_the_code_has_its_own_colours(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    vkey = desk.ask("audit", "keygen")["vkey"]
    shown = on_a_terminal(desk, "audit", "keygen", "--show", TERM="xterm-256color", NO_COLOR="")
    code = re.findall("\x1b\\[97;40m(.*)\x1b\\[0m", shown)  # white on black, whatever the terminal has
    assert seen_by_a_camera(code) == vkey
    plain = on_a_terminal(desk, "audit", "keygen", "--show", NO_COLOR="1")
    assert "\x1b" not in plain
    assert seen_by_a_camera(plain.rstrip("\n").split("\n")[2:]) == vkey
    assert "█" not in on_a_terminal(desk, "audit", "keygen", "--show", PYTHONIOENCODING="ascii")
    assert "█" not in on_a_terminal(desk, "audit", "keygen", "--show", "--no-qr")


def test_a_rotation_is_begun_by_a_command_and_on_the_record_at_the_next_start(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert "no key that could be rotated" in desk.run("audit", "keygen", "--rotate", status=73)
    old = desk.ask("audit", "keygen")["vkey"]
    desk.run("run", "--once", status=1)
    made = desk.ask("audit", "keygen", "--rotate")
    assert made["key"].endswith("audit.key.next")
    assert Path(made["key"]).stat().st_mode & 0o777 == 0o600
    assert "a rotation is under way already" in desk.run("audit", "keygen", "--rotate", status=73)
    desk.run("run", "--once", status=1)
    (rotated,) = [fields for fields in desk.disk.fields() if fields["type"] == "key.rotated"]
    assert (rotated["old"], rotated["new"]) == (old, made["vkey"])
    assert (desk.disk.path / "checkpoint").read_text().count("\u2014 ") == 2
    for vkey in (old, made["vkey"]):
        assert desk.ask("audit", "verify", "--key", vkey)["signed"]
