"""`retentiond demo`, as a person runs it, without a terminal."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

LONGEST_S = 120.0


def _without_rich(directory: Path) -> Path:
    """Hide `rich`, which a linter brings: structlog would load it, and no installation of the program has it."""
    directory.mkdir(exist_ok=True)
    (directory / "rich.py").write_text("raise ImportError('not a part of the program')\n")
    return directory


class Demonstration:
    """A demo that goes on until it is interrupted, in a process group of its own."""

    def __init__(self, directory: Path, output: Path) -> None:
        self.config = directory / "retentiond.yml"
        self._output = output
        with output.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-u", "-m", "retentiond", "demo", "--dir", str(directory)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(_without_rich(output.parent / "without"))},
            )

    @property
    def output(self) -> str:
        return self._output.read_text(errors="replace")

    def wait_for(self, text: str) -> None:
        until = time.monotonic() + LONGEST_S
        while text not in self.output:
            if self.process.poll() is not None or time.monotonic() > until:
                pytest.fail(f"the demo did not get to {text!r}: {self.process.poll()} {self.output[-3000:]}")
            time.sleep(0.05)

    def daemon(self) -> psutil.Process:
        """Return the daemon that the demo started."""
        (child,) = psutil.Process(self.process.pid).children()
        return child

    def members(self) -> list[int]:
        """Return the processes that the demo started, directly or not, and that are still there."""
        return [
            process.pid
            for process in psutil.process_iter()
            if process.status() != psutil.STATUS_ZOMBIE and os.getsid(process.pid) == self.process.pid
        ]

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "retentiond", *arguments, "--config", str(self.config)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def press_ctrl_c(self) -> None:
        """Do as a terminal does: it interrupts everything that the demo has started."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> int:
        """Wait for the end, and return the exit status."""
        return self.process.wait(timeout=60)


@contextmanager
def demonstration(root: Path) -> Iterator[Demonstration]:
    """Run a demo until it only stays, and interrupt it afterwards if it is still there."""
    demo = Demonstration(root / "demo", root / "output")
    try:
        demo.wait_for("Ctrl-C ends it.")
        yield demo
    finally:
        if demo.process.poll() is None:
            demo.press_ctrl_c()
            demo.end()
