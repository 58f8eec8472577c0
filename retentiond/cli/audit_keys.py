"""`retentiond audit keygen`: the key that signs heads, and its public half for the DPO."""

import click

from retentiond import bootstrap
from retentiond.cli.options import common, emit_json
from retentiond.cli.render import say


@click.command("keygen")
@common
def keygen(config: str, as_json: bool) -> None:
    """Make the key that signs heads of the trail, and print its public half for the DPO to keep."""
    path, vkey = bootstrap.make_key(bootstrap.load(config))
    if as_json:
        emit_json("retentiond.audit.keygen/1", {"key": path, "vkey": vkey})
        return
    say(f"made {path}; heads are signed after the next start of the daemon")
    say("Keep this public key outside the machine; with it anybody can check a head:")
    say(f"  {vkey}")
