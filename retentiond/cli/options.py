"""Options that every command has, and what they mean."""

import json
import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

DEFAULT_CONFIG = "/etc/retentiond/retentiond.yml"

_F = TypeVar("_F", bound=Callable[..., Any])


def common(function: _F) -> _F:
    """Add `--config FILE` and `--json` to a command; it gets `config: str` and `as_json: bool`."""
    function = click.option(
        "--config",
        metavar="FILE",
        default=None,
        callback=_config,
        help=f"The configuration. Default: $RETENTIOND_CONFIG, else {DEFAULT_CONFIG}.",
    )(function)
    return click.option("--json", "as_json", is_flag=True, help="Print JSON with a versioned `schema` field.")(function)


def _config(ctx: click.Context, _param: click.Parameter, value: str | None) -> str:
    root = ctx.find_root().obj
    return value or root or os.environ.get("RETENTIOND_CONFIG") or DEFAULT_CONFIG


def emit_json(schema: str, fields: dict[str, Any]) -> None:
    """Print one JSON object; `schema` names its shape and version, such as `retentiond.plan/1`."""
    json.dump({"schema": schema, **fields}, sys.stdout, indent=2, ensure_ascii=True)
    sys.stdout.write("\n")
