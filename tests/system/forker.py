"""Imports the whole program once, then runs each command that it is told in a fork of itself.

A command line spends most of its life importing. Tests that need hundreds of them start this instead: what a fork
runs is the same `main`, in a process of its own that can be traced and killed.

Run as a script. Reads one order a line, as JSON: `arguments` of the command, `output` for what it prints, and `hold`
to have it wait for SIGUSR1 before it begins. Answers with the fork's pid when that is ready, then with its status.
An order may also say where the command stands in the world: `errors` for its complaints apart from the rest,
`environment` to add (null takes a variable away), `directory` to work in, `user` to be, and `pipe` for an output that
nobody reads any more. One that is `quick` ends without taking the interpreter down.
"""

import gc
import importlib
import json
import os
import pkgutil
import signal
import sys
import time
from typing import Any

import retentiond

REPLIES = 1
CODECS = ("encodings.idna", "encodings.ascii", "encodings.latin_1")


def import_everything() -> None:
    for module in pkgutil.walk_packages(retentiond.__path__, "retentiond."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in ("apscheduler.schedulers.background", "structlog", "psutil", "prometheus_client.exposition", *CODECS):
        importlib.import_module(name)


def serve() -> bool:
    """Carry out orders until there are no more. In a fork this returns when the order has begun: is it a quick one?"""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    while line := sys.stdin.buffer.readline():
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            begin(order)
            return bool(order.get("quick"))
        _, status = os.waitpid(pid, 0)
        os.write(REPLIES, b"ended %d\n" % os.waitstatus_to_exitcode(status))
    return False


def begin(order: dict[str, Any]) -> None:
    """Become the command: its arguments, its output, nothing to read."""
    replies = os.dup(REPLIES)
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    errors = os.open(order["errors"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) if "errors" in order else output
    nothing = os.open(os.devnull, os.O_RDONLY)
    for descriptor, place in ((nothing, 0), (output, 1), (errors, 2)):
        os.dup2(descriptor, place)
    for descriptor in {nothing, output, errors}:
        os.close(descriptor)
    settle(order)
    sys.argv = ["retentiond", *order["arguments"]]
    os.write(replies, b"begins %d\n" % os.getpid())
    os.close(replies)
    if order["hold"]:
        signal.sigwait({signal.SIGUSR1})
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})


def settle(order: dict[str, Any]) -> None:
    """Take the place in the world that an order names."""
    if order.get("pipe"):
        read_end, write_end = os.pipe()
        os.close(read_end)
        os.dup2(write_end, 1)
        os.close(write_end)
    for name, value in order.get("environment", {}).items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    time.tzset()
    os.chdir(order.get("directory", "."))
    user = order.get("user")
    if user is not None:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)


if __name__ == "__main__":
    import_everything()
    gc.freeze()  # a fork that ends would else look at every object there is, and copy its page
    from retentiond.cli.main import main

    quick = serve()
    if len(sys.argv) > 1:
        try:
            main()
        except SystemExit as end:
            if not quick or not isinstance(end.code, int):
                raise
            os._exit(end.code)  # to take so large an interpreter down costs more than most commands
