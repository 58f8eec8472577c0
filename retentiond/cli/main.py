"""The `retentiond` command: finds the sub-command lazily, and turns every error into one line and an exit status."""

import importlib
import os
import sys
from typing import NoReturn

import click

from retentiond import __version__
from retentiond.domain.errors import ConfigurationError, RetentiondError

_COMMANDS = {
    "run": "retentiond.cli.run",
    "check": "retentiond.cli.check",
    "plan": "retentiond.cli.plan",
    "approve": "retentiond.cli.approve",
    "status": "retentiond.cli.status",
    "doctor": "retentiond.cli.doctor",
    "store": "retentiond.cli.store",
    "find": "retentiond.cli.find",
    "audit": "retentiond.cli.audit",
    "findings": "retentiond.cli.findings",
    "register": "retentiond.cli.register",
    "config": "retentiond.cli.config",
    "clock": "retentiond.cli.clock",
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
    "audit": "Show and verify the audit trail; make a signing key.",
    "findings": "List, show and acknowledge findings.",
    "register": "Show the register of rooms and devices at any time.",
    "config": "Propose, check and show the configuration.",
    "clock": "Show the state of trusted time; accept the clock.",
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

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(_SUMMARIES.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="retentiond")
@click.option("--config", "config", metavar="FILE", help="The configuration, for every command.")
@click.pass_context
def retentiond(ctx: click.Context, config: str | None) -> None:
    """Keep a CCTV deletion promise on the recording server, and prove it."""
    ctx.obj = config


def main() -> NoReturn:
    """Run the command line and end the process with its exit status. No traceback reaches a user."""
    sys.exit(_guarded())


def _guarded() -> int:
    try:
        status = retentiond.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return 2
    except click.Abort:
        return 130
    except ConfigurationError as error:
        for problem in error.problems:
            _complain(problem)
        return error.exit_status
    except RetentiondError as error:
        _complain(str(error))
        return error.exit_status
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # the last line of defence: a defect of ours is one line too
        if os.environ.get("RETENTIOND_DEBUG"):
            raise
        _complain(
            f"internal error ({type(error).__name__}); run it again with RETENTIOND_DEBUG=1 and report what it shows"
        )
        return 70
    return status if isinstance(status, int) else 0


def _complain(text: str) -> None:
    sys.stderr.write(f"retentiond: {text}\n".encode("utf-8", "backslashreplace").decode())
