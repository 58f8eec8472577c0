"""`retentiond demo`: what it says it does, it has done."""

import json
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.system.demonstration import Demonstration, demonstration

pytestmark = pytest.mark.system

PERIOD, MARGIN = timedelta(days=30), timedelta(seconds=60)


def demo(directory: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return command("demo", "--dir", str(directory), *more)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "retentiond", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def start_of(path: str) -> datetime:
    _, day, name = path.split("/")
    return datetime.strptime(f"{day} {name}", "%Y-%m-%d %H-%M-%S.mp4").replace(tzinfo=UTC)


def lines_in(state: Path) -> list[dict[str, Any]]:
    (segment,) = (state / "audit" / "log").glob("*.jsonl")
    return [json.loads(line) for line in segment.read_bytes().splitlines()]


def test_with_json_the_show_goes_to_standard_error(tmp_path: Path) -> None:
    done = demo(tmp_path / "demo", "--once", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout) == {
        "schema": "retentiond.demo/1",
        "config": str(tmp_path / "demo" / "retentiond.yml"),
        "register": str(tmp_path / "demo" / "register.yml"),
        "store": str(tmp_path / "demo" / "store"),
        "state": str(tmp_path / "demo" / "state"),
    }
    assert "── Proof" in done.stderr
    assert "the audit trail is whole" in done.stderr


def test_once_does_all_of_it_and_leaves_it_to_look_at(tmp_path: Path) -> None:
    where = tmp_path / "deep" / "demo"
    done = demo(where, "--once")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    deleted = [line for line in lines_in(where / "state") if line["type"] == "recording.deleted"]
    certified = next(line["seq"] for line in deleted if line["rec"]["camera"] == "entrance")
    certificate = f"demo.example-retentiond-{certified}"
    assert {path.name for path in where.iterdir()} == {
        f"{certificate}.html",
        f"{certificate}.tlog-proof",
        "retentiond.yml",
        "register.yml",
        "store",
        "state",
        "daemon.log",
    }
    made = re.search(r"made ([\d,]+) recordings", done.stdout)
    planned = re.search(r"wait for approval +([\d,]+) recordings", done.stdout)
    assert made is not None
    assert planned is not None
    left = [str(path.relative_to(where / "store")) for path in (where / "store").rglob("*.mp4")]
    assert len(deleted) >= int(planned[1].replace(",", "")) == 720
    assert len(deleted) + len(left) == int(made[1].replace(",", ""))
    assert len({line["rec"]["path"] for line in deleted}) == len(deleted)
    for line in deleted:
        assert datetime.fromisoformat(line["ts"]) - start_of(line["rec"]["path"]) >= PERIOD - MARGIN
    ended = datetime.fromisoformat(deleted[-1]["ts"])
    assert [path for path in left if ended - start_of(path) >= PERIOD] == []

    config = str(where / "retentiond.yml")
    assert command("audit", "verify", "--config", config).returncode == 0
    vkey = re.search(r"^  (demo\.example/retentiond\+\S+)$", done.stdout, re.MULTILINE)
    assert vkey is not None
    proof = str(where / f"{certificate}.tlog-proof")
    assert command("audit", "verify", "--certificate", proof, "--key", vkey[1]).returncode == 0
    assert command("status", "--config", config).returncode == 69  # its daemon has ended
    assert command("run", "--once", "--config", config).returncode == 1  # the room, and the camera that nobody knows
    found = json.loads(command("find", "--camera", "entrance", "--json", "--config", config).stdout)
    assert found

    again = demo(where, "--once")
    assert (again.returncode, again.stdout) == (73, "")
    assert again.stderr.startswith(f"retentiond: {where}: exists already; ")
    assert len(again.stderr.splitlines()) == 1


def test_ctrl_c_ends_a_demo_that_lasts_and_its_daemon(tmp_path: Path) -> None:
    with demonstration(tmp_path) as demo:
        daemon = demo.daemon()
        assert demo.command("status").returncode == 1
        demo.press_ctrl_c()
        assert demo.end() == 0, demo.output
        assert not daemon.is_running()
        assert "Traceback" not in demo.output
        assert "left behind to look at:" in demo.output
        assert demo.command("status").returncode == 69
        assert demo.command("audit", "verify").returncode == 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP])
def test_a_demo_that_is_ended_in_another_way_takes_its_daemon_along(tmp_path: Path, how: signal.Signals) -> None:
    with demonstration(tmp_path) as demo:
        daemon = demo.daemon()
        try:
            os.kill(demo.process.pid, how)
            demo.end()
            assert not daemon.is_running()
        finally:
            if daemon.is_running():
                daemon.terminate()


@pytest.mark.parametrize("moment", ["making recordings", "made ", "── Rooms"])
def test_ctrl_c_while_it_prepares_leaves_no_daemon(tmp_path: Path, moment: str) -> None:
    demo = Demonstration(tmp_path / "demo", tmp_path / "output")
    demo.wait_for(moment)
    demo.press_ctrl_c()
    assert demo.end() in (130, -signal.SIGINT), demo.output
    assert demo.members() == []
