"""The `retentiond` command: finds the sub-command lazily, and turns every error into one line and an exit status."""

import importlib
import os
import sys
from typing import NoReturn

import click
from click.exceptions import NoArgsIsHelpError

from retentiond import __version__
from retentiond.cli.options import named
from retentiond.cli.streams import complain, flushed, give_up_output, open_standard_streams
from retentiond.domain.errors import (
    CannotCreateError,
    ConfigurationError,
    NotPermittedError,
    RetentiondError,
    StorageError,
    UsageError,
)

PROGRAM = "retentiond"
INTERRUPTED = 130
"""The exit status after Ctrl-C, as shells have it: 128 and the number of the signal."""


_COMMANDS = {
    "run": "retentiond.cli.run",
    "check": "retentiond.cli.check",
    "plan": "retentiond.cli.plan",
    "approve": "retentiond.cli.approve",
    "status": "retentiond.cli.status",
    "doctor": "retentiond.cli.doctor",
    "store": "retentiond.cli.store",
    "find": "retentiond.cli.find",
    "hold": "retentiond.cli.hold",
    "incident": "retentiond.cli.incident",
    "audit": "retentiond.cli.audit",
    "findings": "retentiond.cli.findings",
    "register": "retentiond.cli.register",
    "config": "retentiond.cli.config",
    "clock": "retentiond.cli.clock",
    "witness": "retentiond.cli.witness",
    "demo": "retentiond.cli.demo",
}
_SUMMARIES = {
    "run": "Run the daemon.",
    "check": "Check configuration, register and rooms; change nothing. Exit 1 on findings.",
    "plan": "Show what is deleted when, and what waits for approval.",
    "approve": "Release one exact plan that waits.",
    "status": "Show how things stand.",
    "doctor": "Show what this host lets the daemon do, and how to get what is missing.",
    "store": "Adopt, list and show stores.",
    "find": "Find recordings of a camera: what exists, what was deleted and when.",
    "hold": "Stop deletion of what has to be kept: place, approve, extend, release, list.",
    "incident": "Footage recorded while a room was prohibited: list, show, decide, approve.",
    "audit": "Show, verify and prove the audit trail; make a signing key.",
    "findings": "List, show and acknowledge findings.",
    "register": "Show the register of rooms and devices at any time.",
    "config": "Propose, check and show the configuration.",
    "clock": "Show the state of trusted time; accept the clock.",
    "witness": "Cosign heads of audit trails, on another machine.",
    "demo": "Make a small store of real recordings and run the daemon on it.",
}


class _Commands(click.Group):
    """Imports a sub-command only when it is called, so that `--version` and `status` answer at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        command = importlib.import_module(module).command
        return command if isinstance(command, click.Command) else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        near = [] if not args or args[0] in _COMMANDS else _close_to(args[0])
        if near:
            ctx.fail(f"no such command {args[0]!r}, did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_SUMMARIES.items()))


def _close_to(word: str) -> list[str]:
    from difflib import get_close_matches  # only for those who mistype

    return get_close_matches(word, _COMMANDS)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="retentiond")
@click.option("--config", "config", metavar="FILE", callback=named, help="The configuration, for every command.")
@click.pass_context
def retentiond(ctx: click.Context, config: str | None) -> None:
    """Keep a CCTV deletion promise on the recording server, and prove it."""
    ctx.obj = config


def main() -> NoReturn:
    """Run the command line and end the process with its exit status. No traceback reaches a user."""
    open_standard_streams()
    status = _guarded()
    sys.exit(flushed(status))


def _guarded() -> int:
    try:
        return _run()
    except (click.ClickException, RetentiondError) as error:
        return _told(error)
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        return give_up_output()
    except Exception as error:  # noqa: BLE001  the last line of defence: a defect of ours is one line too
        return _defect(error)


def _run() -> int:
    """Run the command that was typed. Click's own `main` would end a broken pipe with 1, which means findings here."""
    if "_RETENTIOND_COMPLETE" in os.environ:  # a shell asks for completions
        retentiond.main(prog_name=PROGRAM)
    try:
        with retentiond.make_context(PROGRAM, sys.argv[1:]) as context:
            status = retentiond.invoke(context)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    return status if isinstance(status, int) else 0


def _told(error: click.ClickException | RetentiondError) -> int:
    """Say in a line what is wrong, a line for each problem of a configuration; return the exit status."""
    match error:
        case NoArgsIsHelpError():
            error.show()
            return UsageError.exit_status
        case click.ClickException():
            complain(_in_our_words(error))
            return UsageError.exit_status
        case ConfigurationError():
            for problem in error.problems:
                complain(problem)
            return error.exit_status
        case RetentiondError():
            complain(str(error))
            return _status_of(error)


def _defect(error: Exception) -> int:
    if isinstance(error, OSError) and (failed := flushed(0, "\n")):
        return failed  # it was standard output, under a help text of click's
    if isinstance(error, ImportError) and not os.access(os.__file__, os.R_OK):
        complain(
            f"{sys.prefix}: this Python is closed to the user with number {os.geteuid()}, as whom the command works; "
            "install retentiond where the daemon's user can read it, such as /opt/retentiond, with the system's Python"
        )
        return NotPermittedError.exit_status
    if os.environ.get("RETENTIOND_DEBUG"):
        raise error
    complain(f"internal error ({type(error).__name__}); run it again with RETENTIOND_DEBUG=1 and report what it shows")
    return RetentiondError.exit_status


def _status_of(error: RetentiondError) -> int:
    """Return the exit status of an error: what the operating system forbade to this user is 77, whoever met it."""
    forbidden = isinstance(error.__cause__, PermissionError) and isinstance(error, StorageError | CannotCreateError)
    return NotPermittedError.exit_status if forbidden else error.exit_status


def _in_our_words(error: click.ClickException) -> str:
    """Return what is wrong with a command line as one line: the command, what is wrong, where help is."""
    text = error.format_message().replace(". Did you mean", ", did you mean").rstrip(".?")
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = PROGRAM if context is None else context.command_path
    command = path.removeprefix(PROGRAM).strip()
    return (f"{command}: " if command else "") + f"{text[:1].lower()}{text[1:]}; see: {path} --help"
