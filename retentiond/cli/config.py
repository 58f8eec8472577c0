"""`retentiond config`: propose, check and show the configuration."""

import json
import os
import shlex
from pathlib import Path
from typing import Any

import click

from retentiond import bootstrap
from retentiond.cli.options import Subcommands, as_json_option, common, emit_json, named
from retentiond.cli.render import coloured, count_of, say, say_lines
from retentiond.domain.errors import CannotCreateError
from retentiond.domain.names import readable


@click.group("config", cls=Subcommands)
def command() -> None:
    """Propose, check and show the configuration."""


@command.command("init")
@click.argument("store", callback=named)
@click.option("--out", metavar="DIR", default=".", callback=named, help="Where to write them. Default: here.")
@click.option(
    "--recorder-config",
    metavar="FILE",
    callback=named,
    help="The recorder's own configuration, such as /etc/motion/motion.conf.",
)
@click.option(
    "--timezone", metavar="ZONE", help="The zone in which the recorder names its files. Default: this host's."
)
@as_json_option
def init(store: str, out: str, recorder_config: str | None, timezone: str | None, as_json: bool) -> None:
    """Look at the directory STORE, recognise recorder and cameras, and write both files for review.

    The files say `mode: observe`; nothing is deleted until you change that.
    """
    proposal = bootstrap.propose(store, recorder_config=recorder_config, timezone=timezone)
    texts = {Path(out) / "retentiond.yml": proposal.settings, Path(out) / "register.yml": proposal.register}
    for path in texts:
        if os.path.lexists(path):
            raise _exists(path)
    for path, text in texts.items():
        _write(path, text)
    if as_json:
        found = proposal.found
        fields: dict[str, Any] = {"recorder": found.recorder, "layout": found.layout, "cameras": list(found.cameras)}
        fields |= {"looked_at": found.looked_at, "matched": found.matched, "wrote": [_shown(path) for path in texts]}
        emit_json("retentiond.config.init/1", fields)
        return
    say(proposal.summary)
    for path in texts:
        say(f"wrote {_shown(path)}")
    option = f"--config {shlex.quote(_shown(Path(out) / 'retentiond.yml'))}"
    say("Review both, then look at what they would do:")
    for words in ("config check", "check", "plan"):
        say(f"  retentiond {words} {option}")


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
        path.chmod(0o644)  # the daemon is another user, and nothing in it is secret
    except FileExistsError as error:
        raise _exists(path) from error
    except FileNotFoundError as error:
        folder = _shown(path.parent)
        raise CannotCreateError(f"{folder}: is not there; run: mkdir -p {shlex.quote(folder)}") from error
    except OSError as error:
        why = f"cannot be written ({error.strerror}); look at its disk and rights, or write elsewhere with --out"
        raise CannotCreateError(f"{_shown(path)}: {why}") from error


def _exists(path: Path) -> CannotCreateError:
    return CannotCreateError(f"{_shown(path)}: exists already; move it away, or write elsewhere with --out")


def _shown(path: Path) -> str:
    return readable(os.fsencode(path))


@command.command("check")
@common
def check(config: str, as_json: bool) -> None:
    """Check both files: every problem at once, with file, line, key, what is wrong and what to write."""
    loaded = bootstrap.load(config)
    if as_json:
        emit_json("retentiond.config.check/1", {"config": config, "warnings": list(loaded.warnings)})
        return
    for warning in loaded.warnings:
        say(f"{coloured('note', 'dim')}  {warning}")
    rules, stores = count_of(len(loaded.book.policy.rules), "rule"), count_of(len(loaded.settings.stores), "store")
    say(coloured(f"fine: {stores}, {rules}, {count_of(len(loaded.register.devices), 'device')}", "good"))


@command.command("schema")
@click.option("--register", "of_register", is_flag=True, help="The schema of register.yml.")
@as_json_option
def schema(of_register: bool, as_json: bool) -> None:
    """Print the JSON Schema of retentiond.yml, for editors; with --json as a field of an answer like any other."""
    text = bootstrap.schema_text(of_register=of_register)
    if as_json:
        emit_json("retentiond.config.schema/1", {"json_schema": json.loads(text)})
    else:
        say_lines(text)


@command.command("show")
@common
def show(config: str, as_json: bool) -> None:
    """Show the configuration in force, with every default filled in and no secret."""
    text = bootstrap.effective_settings(bootstrap.load(config))
    if as_json:
        emit_json("retentiond.config/1", {"yaml": text})
    else:
        say_lines(text)
