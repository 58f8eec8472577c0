"""`retentiond config`: propose, check and show the configuration."""

from pathlib import Path

import click

from retentiond import bootstrap
from retentiond.cli.options import Subcommands, common, emit_json
from retentiond.cli.render import coloured, count_of, say, say_lines
from retentiond.domain.errors import CannotCreateError


@click.group("config", cls=Subcommands)
def command() -> None:
    """Propose, check and show the configuration."""


@command.command("init")
@click.argument("store", type=click.Path())
@click.option("--out", metavar="DIR", default=".", help="Where to write the two files. Default: here.")
@click.option(
    "--recorder-config", metavar="FILE", help="The recorder's own configuration, such as /etc/motion/motion.conf."
)
@click.option(
    "--timezone", metavar="ZONE", help="The zone in which the recorder names its files. Default: this host's."
)
def init(store: str, out: str, recorder_config: str | None, timezone: str | None) -> None:
    """Look at the directory STORE, recognise recorder and cameras, and write both files for review.

    The files say `mode: observe`; nothing is deleted until you change that.
    """
    proposal = bootstrap.propose(store, recorder_config=recorder_config, timezone=timezone)
    for name in ("retentiond.yml", "register.yml"):
        if (Path(out) / name).exists():
            raise CannotCreateError(f"{Path(out) / name}: exists already; move it away, or write elsewhere with --out")
    say(proposal.summary)
    for name, text in (("retentiond.yml", proposal.settings), ("register.yml", proposal.register)):
        path = Path(out) / name
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
            path.chmod(0o644)  # the daemon is another user, and nothing in it is secret
        except FileExistsError as error:
            raise CannotCreateError(f"{path}: exists already; move it away, or write elsewhere with --out") from error
        except OSError as error:
            raise CannotCreateError(f"{path}: cannot be written ({error.strerror})") from error
        say(f"wrote {path}")
    say("Review both; then: retentiond config check, retentiond check, retentiond plan")


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
def schema(of_register: bool) -> None:
    """Print the JSON Schema of retentiond.yml, for editors."""
    say_lines(bootstrap.schema_text(of_register=of_register))


@command.command("show")
@common
def show(config: str, as_json: bool) -> None:
    """Show the configuration in force, with every default filled in and no secret."""
    text = bootstrap.effective_settings(bootstrap.load(config))
    if as_json:
        emit_json("retentiond.config/1", {"yaml": text})
    else:
        say_lines(text)
