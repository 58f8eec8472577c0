"""`retentiond store`: adopt a store, list them, show one."""

import click

from retentiond import bootstrap
from retentiond.cli.incomplete import incomplete_fields, say_incomplete
from retentiond.cli.options import Subcommands, common, emit_json, text
from retentiond.cli.progress import viewing
from retentiond.cli.render import count_of, local, say, table
from retentiond.domain import instants
from retentiond.domain.errors import UsageError
from retentiond.domain.names import readable


@click.group("store", cls=Subcommands)
def command() -> None:
    """Adopt, list and show stores."""


@command.command("adopt")
@click.argument("name", callback=text)
@common
def adopt(name: str, config: str, as_json: bool) -> None:
    """Take the directory of store NAME, as it stands, for the store. What is due in it then waits for approval."""
    bootstrap.ask(bootstrap.load(config), {"verb": "adopt", "store": name})
    if as_json:
        emit_json("retentiond.store.adopt/1", {"store": name})
    else:
        say(f"adopted: {name}")


@command.command("list")
@common
def list_(config: str, as_json: bool) -> None:
    """List the stores and how they are."""
    with viewing(bootstrap.load(config)) as view:
        surveys = view.surveys(view.now())
    if as_json:
        stores = [
            {
                "store": item.store,
                "condition": bootstrap.condition_name(item.condition),
                "recordings": item.recordings,
                "overdue": item.overdue,
                "unclassified": item.unclassified,
                "last_scan": None if item.last_scan is None else instants.to_text(item.last_scan),
            }
            for item in surveys
        ]
        emit_json("retentiond.stores/1", {"stores": stores})
        return
    table(
        ("store", "condition", "recordings", "overdue", "unclassified", "last scan"),
        (
            (
                item.store,
                bootstrap.condition_name(item.condition),
                f"{item.recordings:,}",
                f"{item.overdue:,}",
                f"{item.unclassified:,}",
                local(item.last_scan),
            )
            for item in surveys
        ),
    )


@command.command("show")
@click.argument("name", callback=text)
@common
def show(name: str, config: str, as_json: bool) -> None:
    """Show the streams of store NAME, and a sample of the files that no layout explains."""
    with viewing(bootstrap.load(config)) as view:
        survey = next((item for item in view.surveys(view.now()) if item.store == name), None)
        incomplete = [item for item in view.incomplete() if item.store == name]
    if survey is None:
        raise UsageError(f"no store {name!r} in the configuration; see: retentiond store list")
    sample = [readable(path) for path in survey.unclassified_sample]
    if as_json:
        streams = [
            {
                "camera": item.stream.camera,
                "category": item.stream.category.value,
                "recordings": item.recordings,
                "oldest": None if item.oldest is None else instants.to_text(item.oldest),
                "overdue": item.overdue,
            }
            for item in survey.streams
        ]
        fields = {"store": name, "streams": streams, "unclassified": survey.unclassified, "sample": sample}
        fields["incomplete"] = incomplete_fields(incomplete)
        emit_json("retentiond.store/1", fields)
        return
    table(
        ("camera", "category", "recordings", "oldest", "newest", "overdue"),
        (
            (
                item.stream.camera,
                item.stream.category.value,
                f"{item.recordings:,}",
                local(item.oldest),
                local(item.newest),
                f"{item.overdue:,}",
            )
            for item in survey.streams
        ),
    )
    say(f"{count_of(survey.unclassified, 'file')} that no layout explains, never deleted")
    for path in sample:
        say(f"  {path}")
    say_incomplete(incomplete)
