"""`retentiond audit keygen`: the key that signs heads, and its public half for the DPO."""

import click

from retentiond import bootstrap
from retentiond.cli.options import common, emit_json
from retentiond.cli.render import say


@click.command("keygen")
@click.option("--rotate", is_flag=True, help="Make the key that takes the place of the one there is.")
@common
def keygen(rotate: bool, config: str, as_json: bool) -> None:
    """Make the key that signs heads of the trail, and print its public half for the DPO to keep.

    With --rotate the new key is put on the record at the next start. For seven days heads bear both signatures, then
    the old key retires. Nothing that it signed loses its proof.
    """
    path, vkey = bootstrap.make_key(bootstrap.load(config), rotate=rotate)
    if as_json:
        emit_json("retentiond.audit.keygen/1", {"key": path, "vkey": vkey})
        return
    when = "heads bear both signatures" if rotate else "heads are signed"
    say(f"made {path}; {when} after the next start of the daemon")
    say("Keep this public key outside the machine; with it anybody can check a head:")
    say(f"  {vkey}")
