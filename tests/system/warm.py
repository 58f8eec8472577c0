"""Commands without their start-up, plain or under strace."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SERVER = Path(__file__).with_name("forker.py")
LONGEST_S = 120.0


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended: its exit status, negative if a signal ended it, and what it printed, as it is."""

    status: int
    out: str
    err: str

    @property
    def complaints(self) -> list[str]:
        """The lines on standard error."""
        return self.err.splitlines()


class Warm:
    """Runs commands in forks of a process that has imported everything; a context manager."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Warm":
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}  # nobody is killed while it writes into the tree
        for name in ("RETENTIOND_DEBUG", "PYTHONUNBUFFERED"):
            environment.pop(name, None)
        with (self.root / "server.log").open("ab") as log:
            self._server = subprocess.Popen(
                [sys.executable, "-P", str(SERVER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
            )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.communicate(timeout=30)

    @property
    def output(self) -> str:
        """What the last command printed."""
        return (self.root / "output").read_text(errors="replace")

    @property
    def complaints(self) -> list[str]:
        """The lines that the last command wrote to standard error."""
        return (self.root / "errors").read_text(errors="replace").splitlines()

    def run(self, *arguments: str) -> int:
        """Run a command and return its exit status, negative if a signal ended it."""
        pid = self._order({"arguments": arguments})
        return self._status(pid)

    def call(
        self,
        *arguments: str,
        environment: Mapping[str, str | None] | None = None,
        directory: str | None = None,
        user: int | None = None,
        output: str | None = None,
        broken_pipe: bool = False,
    ) -> Done:
        """Run a command at some place in the world; None in `environment` takes a variable away.

        `output` is a file to print to instead, such as /dev/full; with `broken_pipe` nobody reads what it prints.
        """
        out, err = self.root / "out", self.root / "err"
        order: dict[str, Any] = {"arguments": arguments, "output": output or str(out), "errors": str(err)}
        order |= {"environment": dict(environment or {}), "user": user, "pipe": broken_pipe, "quick": True}
        if directory is not None:
            order["directory"] = directory
        out.write_bytes(b"")
        status = self._status(self._order(order))
        return Done(status, *(os.fsdecode(path.read_bytes()) for path in (out, err)))

    def run_traced(self, trace: Sequence[str], *arguments: str) -> int:
        """Run a command under strace with the arguments `trace`, from its first own step on."""
        pid = self._order({"arguments": arguments, "hold": True})
        tracer = subprocess.Popen(
            ["strace", *trace, "-p", str(pid)], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        try:
            assert tracer.stderr is not None
            said = tracer.stderr.readline()
            assert "attached" in said, said + tracer.stderr.read()
        finally:
            os.kill(pid, signal.SIGUSR1)
        status = self._status(pid)
        tracer.communicate(timeout=30)
        return status

    def _order(self, order: dict[str, Any]) -> int:
        assert self._server is not None
        assert self._server.stdin is not None
        whole = {"output": str(self.root / "output"), "errors": str(self.root / "errors"), "hold": False, **order}
        self._server.stdin.write(json.dumps(whole).encode() + b"\n")
        self._server.stdin.flush()
        return self._reply("begins")

    def _status(self, pid: int) -> int:
        """Wait for the end of a command; one that hangs is killed, and its status tells."""
        end = threading.Timer(LONGEST_S, os.kill, (pid, signal.SIGKILL))
        end.start()
        try:
            return self._reply("ended")
        finally:
            end.cancel()

    def _reply(self, what: str) -> int:
        assert self._server is not None
        assert self._server.stdout is not None
        line = self._server.stdout.readline()
        said, _, number = line.decode().partition(" ")
        assert said == what, line.decode() + (self.root / "server.log").read_text(errors="replace")
        return int(number)


_CALL = re.compile(r"^(?:\d+\s+)?(\w+)\((.*)\)\s+= (.*)$")


def calls_in(log: Path) -> list[tuple[str, str]]:
    """Return name and arguments of each system call in a log of strace, in order."""
    return [
        (match[1], match[2]) for line in log.read_text(errors="replace").splitlines() if (match := _CALL.match(line))
    ]


def count_calls(log: Path) -> Counter[str]:
    return Counter(name for name, _ in calls_in(log))
