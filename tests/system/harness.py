"""A daemon as a user has it: configuration files, processes, commands. Everything below a directory of the test."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

SETTINGS = """\
controller: Example Clinic OÜ
mode: {mode}
deletion_rules:
  - {{categories: [video, audio], deletion_period: {period}}}
  - {{categories: [still, derived], deletion_period: {period}}}
margin: 60s
stores:
  - name: main
    path: {store}
    recorder: {recorder}
    timezone: UTC
{extra}
state: {state}
register: register.yml
audit: {{origin: test.example/retentiond}}
http: {{listen: "127.0.0.1:{port}"}}
watch: {watch}
"""

REGISTER = """\
rooms:
  - {id: hall, name: Hall, class: public}
devices: []
"""


def register_of(*cameras: str) -> str:
    """Return a register of one room in which these cameras hang since long ago."""
    devices = "".join(
        f"  - id: 0190a3c4-0000-7000-8000-{number:012}\n"
        f"    name: {camera}\n"
        "    kind: camera\n"
        "    tracks: {video: true, audio: false}\n"
        f"    known_as: {{main: {camera}}}\n"
        "    assignments: [{room: hall, from: 2020-01-01}]\n"
        for number, camera in enumerate(cameras, start=1)
    )
    return REGISTER.replace("devices: []", f"devices:\n{devices}")


def needs(*programs: str) -> None:
    """Skip the test where a program is not installed."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Site:
    """One store with its configuration and, in between, its daemon."""

    def __init__(
        self,
        root: Path,
        *,
        recorder: str = "template",
        extra: str = '    layout: "{camera}/%Y-%m-%d/%H-%M-%S.mp4"',
        mode: str = "enforce",
        period: str = "30d",
        watch: bool = True,
        register: str = REGISTER,
        more: str = "",
    ) -> None:
        self.root = root
        self.store = root / "srv" / "store"
        self.state = root / "var" / "state"
        self.config = root / "etc" / "retentiond.yml"
        self.port = free_port()
        self.daemon: subprocess.Popen[bytes] | None = None
        for directory in (self.store, self.state.parent, self.config.parent):
            directory.mkdir(parents=True, exist_ok=True)
        self.config.write_text(
            SETTINGS.format(
                mode=mode,
                period=period,
                store=self.store,
                state=self.state,
                port=self.port,
                recorder=recorder,
                extra=extra,
                watch="true" if watch else "false",
            )
            + more
        )
        self.register = self.config.parent / "register.yml"
        self.register.write_text(register)
        for path in (self.config, self.register):
            path.chmod(0o644)

    # --- commands -----------------------------------------------------------------------------------------------

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command as a person would type it."""
        command = [sys.executable, "-m", "retentiond", *arguments, "--config", str(self.config)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)

    def ask(self, *arguments: str) -> Any:
        """Run a command with --json and return what it printed."""
        done = self.run(*arguments, "--json")
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def must(self, *arguments: str) -> str:
        """Run a command that has to end with 0."""
        done = self.run(*arguments)
        assert done.returncode == 0, (arguments, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def accept_clock(self) -> None:
        self.must("clock", "accept", "--wall", datetime.now(UTC).isoformat(timespec="seconds"))

    def approve_all(self) -> int:
        """Approve every plan that waits, as a person would, and return how many recordings they hold."""
        total = 0
        for run in self.ask("plan")["runs"]:
            if run["approvable"] and not run["approved"]:
                self.must("approve", run["run"], "--count", str(run["count"]), "--digest", run["digest"])
                total += run["count"]
        return total

    # --- the daemon ---------------------------------------------------------------------------------------------

    def start(self, *, wrap: tuple[str, ...] = (), env: dict[str, str] | None = None) -> None:
        """Start the daemon and wait until it answers."""
        command = [*wrap, sys.executable, "-m", "retentiond", "run", "--config", str(self.config)]
        with (self.root / "daemon.log").open("ab") as log:
            self.daemon = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **(env or {})}
            )
        self.wait(lambda: self.run("status", "--json").returncode in (0, 1), "the daemon to answer")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop the daemon and return its exit status."""
        assert self.daemon is not None
        self.daemon.send_signal(how)
        status = self.daemon.wait(timeout=60)
        self.daemon = None
        return status

    @contextmanager
    def running(self) -> Iterator["Site"]:
        """Run the daemon for a while."""
        self.start()
        try:
            yield self
        finally:
            if self.daemon is not None:
                self.stop()

    def wait(self, done: Callable[[], object], what: str, seconds: float = 60) -> None:
        """Wait until `done`, or fail with the daemon's log."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if self.daemon is not None and self.daemon.poll() is not None:
                pytest.fail(f"the daemon ended with {self.daemon.returncode}: {self.log()}")
            if done():
                return
            time.sleep(0.1)
        pytest.fail(f"waited {seconds} s for {what}: {self.log()}")

    def log(self) -> str:
        return (self.root / "daemon.log").read_text(errors="replace")[-4000:]

    # --- the disk and the record --------------------------------------------------------------------------------

    def record(self, camera: str, start: datetime, *, content: bytes = b"a recording") -> Path:
        """Put a recording into the store, as its recorder would have at `start`."""
        path = self.store / camera / f"{start:%Y-%m-%d}" / f"{start:%H-%M-%S}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        stamp = (start + timedelta(seconds=1)).timestamp()
        os.utime(path, (stamp, stamp))
        return path

    def files(self, pattern: str = "*") -> set[Path]:
        """Return the files of the store, without our own."""
        return {
            path
            for path in self.store.rglob(pattern)
            if path.is_file() and ".retentiond" not in path.relative_to(self.store).parts
        }

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines of the audit trail, read from the disk by nobody's code but json."""
        records = []
        for segment in sorted((self.state / "audit" / "log").glob("*.jsonl")):
            records += [json.loads(line) for line in segment.read_bytes().splitlines()]
        return records

    def metric(self, name: str) -> float:
        """Return the sum over the series of a metric."""
        import urllib.request

        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        values = [
            float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.split("{")[0].split(" ")[0] == name
        ]
        assert values, f"no series {name}"
        return sum(values)


def deletions(lines: list[dict[str, Any]]) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return, for each path, the claims of its intents and the types of its outcomes."""
    intents: dict[str, list[str]] = {}
    outcomes: dict[str, list[str]] = {}
    for line in lines:
        if line["type"] == "deletion.intent":
            for item in line["recordings"]:
                intents.setdefault(item["path"], []).append(item["claim"])
        elif line["type"] in ("recording.deleted", "deletion.failed", "deletion.void"):
            outcomes.setdefault(line["rec"]["path"], []).append(line["type"])
    return intents, outcomes
