"""`retentiond check`: configuration, register, rooms and recorders, without changing anything."""

import click

from retentiond import bootstrap
from retentiond.cli.findings import finding_fields, print_finding
from retentiond.cli.incomplete import incomplete_fields, say_incomplete
from retentiond.cli.options import common, emit_json
from retentiond.cli.progress import viewing
from retentiond.cli.render import coloured, say


@click.command("check")
@common
def command(config: str, as_json: bool) -> int:
    """Check configuration, register, rooms and what the recorders are set to. Exit 1 on findings, noted ones too."""
    loaded = bootstrap.load(config)
    with viewing(loaded) as view:
        found, incomplete = view.check(), view.incomplete()
        noted = {item.key for item in found if view.is_noted(item)}
    if as_json:
        fields = {"findings": [finding_fields(item) for item in found], "incomplete": incomplete_fields(incomplete)}
        emit_json("retentiond.check/1", fields)
        return 1 if found else 0
    for warning in loaded.warnings:
        say(f"{coloured('note', 'dim')}    {warning}")
    for item in found:
        print_finding(item, acknowledged=item.key in noted)
    if not found:
        say("no findings so far" if incomplete else coloured("no findings", "good"))
    say_incomplete(incomplete)
    say("Checked: what is configured, registered and on the disk. What a lens sees or a sign says is not.")
    return 1 if found else 0
