"""`retentiond witness`: cosigns heads of audit trails, on another machine than the one that writes them."""

import click

from retentiond import bootstrap
from retentiond.cli.options import emit_json
from retentiond.cli.render import say


@click.command("witness")
@click.option("--state", metavar="DIR", required=True, help="Its own directory: key, name, heads cosigned last.")
@click.option("--name", required=True, help="What it is called, for life, such as witness.clinic.example/w1.")
@click.option("--log", "logs", metavar="VKEY", multiple=True, required=True, help="The public key of a trail it knows.")
@click.option("--listen", metavar="HOST:PORT", help="Where it is asked. There is no default.")
@click.option("--show-key", is_flag=True, help="Only print its public key, which is made if it is not there.")
@click.option("--json", "as_json", is_flag=True, help="Print the key as JSON with a versioned `schema` field.")
def command(state: str, name: str, logs: tuple[str, ...], listen: str | None, show_key: bool, as_json: bool) -> int:
    """Run a witness: it cosigns heads that extend the last ones it saw, and shows these to everybody.

    It belongs on a machine that the recording server cannot change, such as the one with the monitoring. It needs no
    configuration and speaks plain HTTP: what it says is signed, and what it is told, too.
    """
    order = bootstrap.WitnessOrder(state=state, name=name, vkeys=logs)
    if not show_key:
        if listen is None:
            raise click.UsageError("--listen is missing: name the address that the recording server reaches")
        return bootstrap.run_witness(order, listen)
    vkey = bootstrap.witness_key(order)
    if as_json:
        emit_json("retentiond.witness/1", {"name": name, "vkey": vkey})
        return 0
    say(vkey)
    return 0
