"""`retentiond run`: the daemon."""

import click

from retentiond import bootstrap
from retentiond.cli.options import common


@click.command("run")
@click.option("--once", is_flag=True, help="Settle, scan, delete what is due, report, and end; for a look or a timer.")
@common
def command(once: bool, config: str, as_json: bool) -> int:  # noqa: ARG001  logs are JSON already where nobody looks
    """Run the daemon until SIGTERM. SIGHUP reads deletion rules and register again."""
    loaded = bootstrap.load(config)
    return bootstrap.run_once(loaded) if once else bootstrap.run_daemon(loaded)
