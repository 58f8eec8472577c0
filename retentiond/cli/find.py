"""`retentiond find`: one answer to "what exists of this camera, what was deleted, and when"."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from retentiond import bootstrap
from retentiond.cli.incomplete import incomplete_fields, say_incomplete
from retentiond.cli.options import common, emit_json, text
from retentiond.cli.progress import viewing
from retentiond.cli.render import coloured, count_of, local, say, table
from retentiond.cli.times import typed_instant
from retentiond.domain import instants
from retentiond.domain.errors import UsageError


@click.command("find")
@click.option("--camera", callback=text, required=True, help="The camera as its recorder, or the register, names it.")
@click.option("--from", "begin", metavar="TIME", help="Recordings that start at TIME or later.")
@click.option("--to", "end", metavar="TIME", help="Recordings that start before TIME.")
@common
def command(camera: str, begin: str | None, end: str | None, config: str, as_json: bool) -> None:
    """Show the recordings of a camera that exist, and those that were deleted, with the record that says so."""
    since = datetime(2000, 1, 1, tzinfo=UTC) if begin is None else typed_instant("--from", begin)
    with viewing(bootstrap.load(config)) as view:
        until = view.now() + timedelta(days=1) if end is None else typed_instant("--to", end, ends=True)
        if until <= since:
            raise UsageError(f"--from {local(since)} is no earlier than --to {local(until)}; exchange them")
        incomplete = view.incomplete()
        rows = sorted(view.find(camera, since, until), key=lambda row: (row.start, row.path))
        unlisted = view.unlisted_of(camera, since, until)
        observed = view.observed_of(camera)
    if as_json:
        emit_json(
            "retentiond.find/1",
            {
                "camera": camera,
                "recordings": [_fields(row) for row in rows],
                "unlisted": unlisted,
                "observed": [_observed_fields(item) for item in observed],
                "incomplete": incomplete_fields(incomplete),
            },
        )
        return
    _print(camera, rows)
    for item in observed:
        _say_observed(item)
    if unlisted:
        say(coloured(f"{count_of(unlisted, 'recording')} more, in an incident and listed nowhere", "warn"))
        say("  see: retentiond incident list")
    say_incomplete(incomplete)


def _print(camera: str, rows: Sequence[bootstrap.Found]) -> None:
    if not rows:
        say(f"no recording of camera {camera!r} in that time, neither on the disk nor in the audit trail")
        return
    table(
        ("start", "store", "category", "state", "deadline", "record", "path"),
        (
            (
                local(row.start),
                row.store,
                row.category,
                _state(row),
                local(row.deadline),
                "-" if row.seq is None else str(row.seq),
                row.path,
            )
            for row in rows
        ),
    )
    existing = sum(row.deleted_at is None for row in rows)
    say(f"{count_of(existing, 'recording')} on the disk, {count_of(len(rows) - existing, 'recording')} deleted")


def _say_observed(item: bootstrap.Seen) -> None:
    """Say what lies in a recorder that only it may delete, and how it is made to."""
    status = item.status
    say(
        f"{item.recorder} has {count_of(status.recordings, 'recording')} in store {status.stream.store!r}, which "
        f"nobody but it may delete: the oldest begins {local(status.oldest)}"
    )
    if status.overdue_since is not None:
        say(coloured(f"  past the deadline since {local(status.overdue_since)}, {status.overdue} or more", "bad"))
        say(f"  {item.remedy}")


def _observed_fields(item: bootstrap.Seen) -> dict[str, Any]:
    status = item.status
    return {
        "recorder": item.recorder,
        "store": status.stream.store,
        "camera": status.stream.camera,
        "category": status.stream.category.value,
        "recordings": status.recordings,
        "oldest": None if status.oldest is None else instants.to_text(status.oldest),
        "newest": None if status.newest is None else instants.to_text(status.newest),
        "overdue": status.overdue,
        "overdue_since": None if status.overdue_since is None else instants.to_text(status.overdue_since),
        "remedy": item.remedy,
    }


def _state(row: bootstrap.Found) -> str:
    if row.deleted_at is not None:
        return f"deleted {local(row.deleted_at)}"
    return f"on disk, kept by {', '.join(row.holds)}" if row.holds else "on disk"


def _fields(row: bootstrap.Found) -> dict[str, Any]:
    return {
        "store": row.store,
        "camera": row.camera,
        "category": row.category,
        "start": instants.to_text(row.start),
        "path": row.path,
        "deadline": None if row.deadline is None else instants.to_text(row.deadline),
        "deleted_at": None if row.deleted_at is None else instants.to_text(row.deleted_at),
        "seq": row.seq,
        "holds": list(row.holds),
    }
