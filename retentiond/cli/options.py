"""Options that every command has, and what they mean."""

import json
import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from retentiond.cli.streams import write
from retentiond.domain.names import readable

DEFAULT_CONFIG = "/etc/retentiond/retentiond.yml"

_F = TypeVar("_F", bound=Callable[..., Any])


class Subcommands(click.Group):
    """A command that has commands of its own, each shown with the whole first sentence of its help."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, item.get_short_help_str(limit=500)) for name, item in commands if item is not None]
            )


def text(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return a name or a sentence that was typed. What is no UTF-8 can neither be put on the record nor into JSON."""
    try:
        (value or "").encode()
    except UnicodeEncodeError:
        shown = readable(os.fsencode(value or ""))
        message = f"'{shown}' is no UTF-8; write a name as it is shown, with \\xNN for such bytes"
        raise click.BadParameter(message, ctx, param) from None
    return value


def common(function: _F) -> _F:
    """Add `--config FILE` and `--json` to a command; it gets `config: str` and `as_json: bool`."""
    function = click.option(
        "--config",
        metavar="FILE",
        default=None,
        callback=_config,
        help=f"The configuration. Default: $RETENTIOND_CONFIG, else {DEFAULT_CONFIG}.",
    )(function)
    return as_json_option(function)


def as_json_option(function: _F) -> _F:
    """Add `--json` to a command that needs no configuration; it gets `as_json: bool`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON with a versioned `schema` field.")(function)


def named(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return the name of a file that was typed; `--config "$UNSET"` must not mean the default one."""
    if value == "":
        raise click.BadParameter("is empty; name the file, or leave the option out", ctx, param)
    return value


def _config(ctx: click.Context, param: click.Parameter, value: str | None) -> str:
    return named(ctx, param, value) or ctx.find_root().obj or os.environ.get("RETENTIOND_CONFIG") or DEFAULT_CONFIG


def emit_json(schema: str, fields: dict[str, Any]) -> None:
    """Print one JSON object; `schema` names its shape and version, such as `retentiond.plan/1`."""
    write(json.dumps({"schema": schema, **fields}, indent=2, ensure_ascii=True) + "\n")
