"""`retentiond audit prune`: what of the trail is older than it has to be kept."""

import click

from retentiond import bootstrap
from retentiond.cli.options import common, emit_json
from retentiond.cli.render import count_of, local, say, table
from retentiond.domain import instants
from retentiond.domain.errors import UsageError


@click.command("prune")
@click.option("--plan", is_flag=True, help="Show what would go. The daemon prunes by itself, once a day.")
@common
def prune(plan: bool, config: str, as_json: bool) -> None:
    """Show which whole segments of the trail are older than `audit.keep` says; nothing is changed."""
    if not plan:
        raise UsageError("the daemon prunes the trail by itself, once a day; to see what would go: audit prune --plan")
    found = bootstrap.plan_pruning(bootstrap.load(config))
    if as_json:
        segments = [
            {
                "name": item.name,
                "first": item.first,
                "records": item.records,
                "bytes": item.size_bytes,
                "written_until": instants.to_text(item.written_until),
            }
            for item in found.segments
        ]
        before = instants.to_text(found.before)
        fields = {"before": before, "records": found.records, "segments": segments, "held_by": found.held_by}
        emit_json("retentiond.audit.prune/1", fields)
        return
    say(f"{count_of(found.records, 'record')} may go: whole segments in which all is older than {local(found.before)}")
    if found.segments:
        rows = [(item.name, f"{item.records:,}", local(item.written_until)) for item in found.segments]
        table(("segment", "records", "written until"), rows)
    if found.held_by:
        say(f"what is older stays all the same: {found.held_by}")
