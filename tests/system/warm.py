"""Commands without their start-up, plain or under strace."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

SERVER = Path(__file__).with_name("forker.py")
LONGEST_S = 120.0


class Warm:
    """Runs commands in forks of a process that has imported everything; a context manager."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Warm":
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}  # nobody is killed while it writes into the tree
        environment.pop("RETENTIOND_DEBUG", None)
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

    def run(self, *arguments: str) -> int:
        """Run a command and return its exit status, negative if a signal ended it."""
        pid = self._order(arguments, hold=False)
        return self._status(pid)

    def run_traced(self, trace: Sequence[str], *arguments: str) -> int:
        """Run a command under strace with the arguments `trace`, from its first own step on."""
        pid = self._order(arguments, hold=True)
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

    def _order(self, arguments: tuple[str, ...], *, hold: bool) -> int:
        assert self._server is not None
        assert self._server.stdin is not None
        order = {"arguments": arguments, "output": str(self.root / "output"), "hold": hold}
        self._server.stdin.write(json.dumps(order).encode() + b"\n")
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
