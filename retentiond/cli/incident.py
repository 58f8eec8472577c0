"""`retentiond incident`: what was recorded while a room was prohibited, until two persons have decided about it.

Nothing here names a recording of an incident: it is told how much there is, of which devices and when.
"""

from datetime import datetime
from typing import Any

import click

from retentiond import bootstrap
from retentiond.cli.incomplete import incomplete_fields, say_incomplete
from retentiond.cli.options import Subcommands, common, emit_json, text
from retentiond.cli.progress import viewing
from retentiond.cli.render import coloured, count_of, local, say, table
from retentiond.domain import instants
from retentiond.domain.errors import UsageError
from retentiond.domain.incident import Incident, Stage, Verdict

_STAGES = {
    Stage.OPEN: "nobody has decided",
    Stage.DECIDED: "one person has decided",
    Stage.DELETING: "two persons have decided; it is being deleted",
    Stage.LAPSED: "it ended without a decision; what is left goes at its ordinary deadline",
}


@click.group("incident", cls=Subcommands)
def command() -> None:
    """Footage recorded while a room was prohibited: list, show, decide, approve; earlier."""


@command.command("list")
@common
def list_(config: str, as_json: bool) -> None:
    """List the incidents that are not closed: how much, whose, and how much time is left."""
    with viewing(bootstrap.load(config)) as view:
        now, found, incomplete = view.now(), view.incidents(), view.incomplete()
    if as_json:
        emit_json(
            "retentiond.incidents/1",
            {"incidents": [_fields(item) for item in found], "incomplete": incomplete_fields(incomplete)},
        )
        return
    for item in found:
        _print(item, now)
    if not found:
        say("no incident is open")
    say_incomplete(incomplete)


@command.command("show")
@click.argument("incident", callback=text)
@common
def show(incident: str, config: str, as_json: bool) -> None:
    """Show INCIDENT: of which devices and times it is, what was decided, and what to type."""
    with viewing(bootstrap.load(config)) as view:
        now, found = view.now(), view.incidents()
    chosen = next((item for item in found if item.incident.ident == incident), None)
    if chosen is None:
        listed = ", ".join(item.incident.ident for item in found) or "none"
        raise UsageError(
            f"no incident {incident!r} is open (open: {listed}); see: retentiond incident list; "
            "what became of another: retentiond audit show --type incident.closed"
        )
    if as_json:
        emit_json("retentiond.incident/1", _fields(chosen))
        return
    _print(chosen, now)
    _print_parts(chosen.incident)
    _print_what_to_type(chosen.incident)


@command.command("decide")
@click.argument("incident", callback=text)
@click.option(
    "--decision",
    required=True,
    type=click.Choice([verdict.value for verdict in Verdict]),
    help="delete: it goes at once. dismiss: it was no violation, and the ordinary rules decide about it again.",
)
@click.option("--why", callback=text, metavar="TEXT", required=True, help="Why. No names of persons.")
@click.option(
    "--notification",
    callback=text,
    metavar="TEXT",
    required=True,
    help="What was decided about telling the supervisory authority (GDPR, article 33), and its reference.",
)
@common
def decide(incident: str, decision: str, why: str, notification: str, config: str, as_json: bool) -> None:
    """Decide what becomes of INCIDENT. Nothing is done until another person, another user here, approves it.

    What has to be kept for a claim or for a person in the picture is kept by `hold place`, which a decision to delete
    waits for.
    """
    request = {
        "verb": "incident_decide",
        "incident": incident,
        "decision": decision,
        "why": why,
        "notification": notification,
    }
    answer = bootstrap.ask(bootstrap.load(config), request)
    if as_json:
        emit_json("retentiond.incident.decide/1", answer)
        return
    count = count_of(answer["recordings"], "recording")
    say(f"noted: incident {answer['incident']}, {answer['decision']} {count}, digest {answer['digest']}")
    if answer["released"]:
        released = count_of(answer["released"], "recording")
        say(f"  back to the ordinary rules with it: {released}, which the register does not call a violation, or you")
    say("Nothing is done until another person types:")
    say(f"  retentiond incident approve {answer['incident']}")


@command.command("approve")
@click.argument("incident", callback=text)
@common
def approve(incident: str, config: str, as_json: bool) -> None:
    """Agree to what another person decided about INCIDENT. It is carried out at once."""
    answer = bootstrap.ask(bootstrap.load(config), {"verb": "incident_approve", "incident": incident})
    if as_json:
        emit_json("retentiond.incident.approve/1", answer)
        return
    count = count_of(answer["recordings"], "recording")
    when = "now" if answer.get("daemon", True) else "when a daemon runs"
    say(f"approved: incident {answer['incident']}, {answer['decision']} {count}, {when}")


@command.command("earlier")
@click.argument("room", callback=text)
@common
def earlier(room: str, config: str, as_json: bool) -> None:
    """List what is on the disk of ROOM from before it was prohibited, for the data protection officer."""
    with viewing(bootstrap.load(config)) as view:
        incomplete = view.incomplete()
        rows = sorted(view.earlier(room), key=lambda row: (row.start, row.path))
    if as_json:
        emit_json(
            "retentiond.incident.earlier/1",
            {"room": room, "recordings": [_row(row) for row in rows], "incomplete": incomplete_fields(incomplete)},
        )
        return
    if rows:
        table(
            ("start", "store", "camera", "category", "deadline", "path"),
            ((local(row.start), row.store, row.camera, row.category, local(row.deadline), row.path) for row in rows),
        )
    say(f"{count_of(len(rows), 'recording')} of room {room} from before it was prohibited")
    say_incomplete(incomplete)


# --- for people -----------------------------------------------------------------------------------------------


def _print(item: bootstrap.Suspected, now: datetime) -> None:
    found = item.incident
    say(coloured(found.ident, "head") + f"   room {found.room}, devices {', '.join(found.devices)}")
    say(f"  found      {local(found.found_at)}; {bootstrap.clock_text(found, now)}")
    say(f"  is         {_STAGES[found.stage]}")
    say(f"  covers     {count_of(item.count, 'recording')}, listed nowhere")
    for store, camera, count in item.recordings:
        say(f"    {store} / {camera}: {count_of(count, 'recording')}")
    if found.undecided:
        say(f"  suspended  until {local(found.ends_at)} at most; then the ordinary deadlines count again")
    if found.ruling is not None:
        ruling = found.ruling
        say(f"  decided    {ruling.verdict} {count_of(ruling.count, 'recording')}, by {ruling.actor}: {ruling.why}")
        say(f"  authority  {ruling.notification}")


def _print_parts(found: Incident) -> None:
    table(
        ("device", "store", "camera", "from", "to"),
        (
            (
                part.device,
                part.reach.store or "-",
                part.reach.camera or "-",
                local(part.reach.since),
                _end(part.reach.until),
            )
            for part in found.held
            if part.reach.since >= part.origin
        ),
    )


def _end(until: datetime) -> str:
    return "it goes on" if until >= instants.LATEST else local(until)


def _print_what_to_type(found: Incident) -> None:
    if found.stage is Stage.DECIDED:
        say("To agree, another person types:")
        say(f"  retentiond incident approve {found.ident}")
    elif found.stage is not Stage.DELETING:
        say("To decide:")
        say(f"  retentiond incident decide {found.ident} --decision delete --why '…' --notification '…'")


# --- for programs ---------------------------------------------------------------------------------------------


def _fields(item: bootstrap.Suspected) -> dict[str, Any]:
    from retentiond.domain.incident_event import incident_to_fields, part_to_fields

    found = item.incident
    return {
        **incident_to_fields(found),
        "parts": [part_to_fields(part) for part in found.held if part.reach.since >= part.origin],
        "stage": found.stage.value,
        "notify_by": instants.to_text(found.notify_by),
        "devices": list(found.devices),
        "recordings": item.count,
        "cameras": [
            {"store": store, "camera": camera, "recordings": count} for store, camera, count in item.recordings
        ],
    }


def _row(row: bootstrap.Found) -> dict[str, Any]:
    return {
        "store": row.store,
        "camera": row.camera,
        "category": row.category,
        "start": instants.to_text(row.start),
        "path": row.path,
        "deadline": None if row.deadline is None else instants.to_text(row.deadline),
    }
