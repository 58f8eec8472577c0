"""`retentiond approve`: a person's consent to one exact plan."""

import click

from retentiond import bootstrap
from retentiond.cli.options import common, emit_json, text
from retentiond.cli.render import count_of, say


@click.command("approve")
@click.argument("run", callback=text)
@click.option("--count", type=int, required=True, help="How many recordings the plan holds, as `plan` shows it.")
@click.option("--digest", callback=text, required=True, help="The digest of the plan, as `plan` shows it.")
@common
def command(run: str, count: int, digest: str, config: str, as_json: bool) -> None:
    """Release the plan RUN: exactly that set or what is left of it, once, within 24 hours, on the record."""
    answer = bootstrap.ask(bootstrap.load(config), {"verb": "approve", "run": run, "count": count, "digest": digest})
    if as_json:
        emit_json("retentiond.approve/1", answer)
    else:
        when = "now" if answer["daemon"] else "when it is started, within 24 hours"
        say(f"approved: {answer['run']}, {count_of(answer['count'], 'recording')}; the daemon deletes them {when}")
