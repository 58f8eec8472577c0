"""`retentiond audit keygen`: the key that signs heads, and its public half for the DPO."""

import sys

import click

from retentiond import bootstrap
from retentiond.cli.options import common, emit_json
from retentiond.cli.qr import show_qr
from retentiond.cli.render import say
from retentiond.domain.errors import UsageError


@click.command("keygen")
@click.option("--rotate", is_flag=True, help="Make the key that takes the place of the one there is.")
@click.option("--show", is_flag=True, help="Make none; show the public half of the one there is again.")
@click.option("--qr/--no-qr", default=None, help="Show it as a QR code too. Default: on a terminal.")
@common
def keygen(rotate: bool, show: bool, qr: bool | None, config: str, as_json: bool) -> None:
    """Make the key that signs heads of the trail, and print its public half for the DPO to keep.

    With --rotate the new key is put on the record at the next start. For seven days heads bear both signatures, then
    the old key retires. Nothing that it signed loses its proof.
    """
    if show and rotate:
        raise UsageError("--show makes no key, and --rotate makes one; leave one of them out")
    loaded = bootstrap.load(config)
    if show:
        _say(bootstrap.public_keys(loaded), qr, as_json=as_json)
        return
    path, vkey = bootstrap.make_key(loaded, rotate=rotate)
    if as_json:
        emit_json("retentiond.audit.keygen/1", {"key": path, "vkey": vkey})
        return
    when = "heads bear both signatures" if rotate else "heads are signed"
    say(f"made {path}; {when} after the next start of the daemon")
    _say([vkey], qr, as_json=False)


def _say(vkeys: list[str], qr: bool | None, *, as_json: bool) -> None:
    if as_json:
        emit_json("retentiond.audit.keygen.show/1", {"vkeys": vkeys})
        return
    say("Keep this public key outside the machine; with it anybody can check a head:")
    for vkey in vkeys:
        say(f"  {vkey}")
        if sys.stdout.isatty() if qr is None else qr:
            show_qr(vkey)
