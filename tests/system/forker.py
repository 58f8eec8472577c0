"""Imports the whole program once, then runs each command that it is told in a fork of itself.

A command line spends most of its life importing. Tests that need hundreds of them start this instead: what a fork
runs is the same `main`, in a process of its own that can be traced and killed.

Run as a script. Reads one order a line, as JSON: `arguments` of the command, `output` for what it prints, and `hold`
to have it wait for SIGUSR1 before it begins. Answers with the fork's pid when that is ready, then with its status.
"""

import importlib
import json
import os
import pkgutil
import signal
import sys
from typing import Any

import retentiond

REPLIES = 1


def import_everything() -> None:
    for module in pkgutil.walk_packages(retentiond.__path__, "retentiond."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in ("apscheduler.schedulers.background", "structlog", "prometheus_client.exposition", "encodings.idna"):
        importlib.import_module(name)


def serve() -> None:
    """Carry out orders until there are no more. In a fork this returns after the first one has begun."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    while line := sys.stdin.buffer.readline():
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            begin(order)
            return
        _, status = os.waitpid(pid, 0)
        os.write(REPLIES, b"ended %d\n" % os.waitstatus_to_exitcode(status))


def begin(order: dict[str, Any]) -> None:
    """Become the command: its arguments, its output, nothing to read."""
    replies = os.dup(REPLIES)
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, place in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(descriptor, place)
    os.close(nothing)
    os.close(output)
    sys.argv = ["retentiond", *order["arguments"]]
    os.write(replies, b"begins %d\n" % os.getpid())
    os.close(replies)
    if order["hold"]:
        signal.sigwait({signal.SIGUSR1})
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})


if __name__ == "__main__":
    import_everything()
    from retentiond.cli.main import main

    serve()
    if len(sys.argv) > 1:
        main()
