"""`retentiond run`: the daemon."""

import click

from retentiond import bootstrap
from retentiond.cli.options import common
from retentiond.cli.status import show_status


@click.command("run")
@click.option("--once", is_flag=True, help="Settle, scan, delete what is due, say how things stand, and end.")
@common
def command(once: bool, config: str, as_json: bool) -> int:
    """Run the daemon until SIGTERM. SIGHUP reads deletion rules and register again.

    With --once it does what a daemon does at its start, says how things stand, and ends: with 1 if a promise is broken
    or needs a person. The daemon's logs are JSON where no terminal is, with or without --json.
    """
    loaded = bootstrap.load(config)
    if once:
        return show_status(bootstrap.run_once(loaded), as_json=as_json)
    return bootstrap.run_daemon(loaded)
