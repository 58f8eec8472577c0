"""`retentiond audit accept-loss`: a person's consent to go on without records that are lost."""

import click

from retentiond import bootstrap
from retentiond.cli.options import common, emit_json, text
from retentiond.cli.render import count_of, say


@click.command("accept-loss")
@click.option("--count", type=int, required=True, help="How many records are lost, as `findings list` shows it.")
@click.option("--why", callback=text, required=True, help="Why they are lost and what was done; no names of people.")
@common
def accept_loss(count: int, why: str, config: str, as_json: bool) -> None:
    """Go on deleting though records are lost, after a rollback of the disk or damage; on the record.

    What was decided in them is not known any more. First place again the holds that there were: retentiond hold place.
    """
    answer = bootstrap.ask(bootstrap.load(config), {"verb": "accept_loss", "count": count, "why": why})
    if as_json:
        emit_json("retentiond.audit.accept-loss/1", answer)
    else:
        say(f"accepted: {count_of(answer['count'], 'record')} of the audit trail are lost; the daemon deletes again")
