"""`retentiond status`: how things stand, from the running daemon, within 150 ms.

Imports nothing heavy: the configuration is only looked at for where the daemon's socket is.
"""

import math
from datetime import datetime
from typing import Any

import click

from retentiond.cli.options import common, emit_json
from retentiond.cli.render import coloured, count_of, local, say, table
from retentiond.control.client import ask
from retentiond.settings.locate import quick


@click.command("status")
@common
def command(config: str, as_json: bool) -> int:
    """Show how things stand. Exit 1 if a promise is broken or needs a person, 69 if no daemon runs."""
    return show_status(ask(quick(config).socket, {"verb": "status"}, 5.0), as_json=as_json)


def show_status(status: dict[str, Any], *, as_json: bool) -> int:
    """Print a status, and return its exit status: 1 if anything in it is more than a notice."""
    if as_json:
        schema = str(status.pop("schema"))
        emit_json(schema, status)
    else:
        _print(status)
    return 1 if any(item["severity"] != "notice" for item in status["findings"]) else 0


def _print(status: dict[str, Any]) -> None:
    audit = status["audit"]
    say(f"mode      {status['mode']}, running since {_local(status['started_at'])}")
    say(f"clock     {status['clock']['state']}, {'' if status['clock']['synchronised'] else 'not '}synchronised")
    say(f"audit     {audit['size']:,} records, heads {'signed' if audit['signed'] else 'not signed'}")
    for store in status["stores"]:
        _print_store(store)
    _print_holds(status.get("holds", []))
    _print_incidents(status.get("incidents", []))
    findings = status["findings"]
    say()
    if not findings:
        say(coloured("no open findings", "good"))
    for item in findings:
        noted = item.get("acknowledged", False)
        role = "dim" if noted else {"breach": "bad", "warning": "warn"}.get(item["severity"], "dim")
        word = "noted" if noted else item["severity"]
        say(f"{coloured(word.upper().ljust(8), role)} {item['kind']}: {item['message']}")
        say(f"         {coloured(item['remedy'], 'dim')}")


def _print_store(store: dict[str, Any]) -> None:
    say()
    say(
        coloured(f"store {store['name']}", "head")
        + f"   {store['condition']}, {count_of(store['recordings'], 'recording')}"
    )
    say(f"  last scan  {_local(store['last_scan'])}    next due  {_local(store['next_due'])}")
    if store["scan"] is not None:
        say(f"  scanning   {_progress(store['scan'])}")
    if store["suspended"]:
        say(f"  {count_of(store['suspended'], 'recording')} past their deadline are kept by holds or incidents")
    table(
        ("  camera", "category", "recordings", "oldest", "overdue"),
        (
            (
                f"  {stream['camera']}",
                stream["category"],
                f"{stream['recordings']:,}",
                _local(stream["oldest"]),
                f"{stream['overdue']:,}",
            )
            for stream in store["streams"]
        ),
    )
    if store["waiting"] is not None:
        plan = store["waiting"]
        say(coloured(f"  {count_of(plan['count'], 'recording')} wait for approval: retentiond plan", "warn"))


def _progress(scan: dict[str, Any]) -> str:
    """Say how far a scan has come; how long it takes yet is known if there was one before."""
    if scan["expected"] is None or scan["left_s"] is None:
        return f"{scan['directories']:,} directories so far"
    minutes = math.ceil(scan["left_s"] / 60)
    soon = "less than a minute" if minutes <= 1 else f"about {minutes:,} minutes"
    return f"{scan['directories']:,} of about {scan['expected']:,} directories, {soon} left"


def _print_holds(holds: list[dict[str, Any]]) -> None:
    if not holds:
        return
    say()
    table(
        ("hold", "approved", "ends", "look at it again"),
        (
            (
                hold["hold"],
                "extension waits" if hold["extending"] else "yes" if hold["approved"] else "no",
                _local(hold["until"]),
                _local(hold["review"]),
            )
            for hold in holds
        ),
    )


def _print_incidents(incidents: list[dict[str, Any]]) -> None:
    if not incidents:
        return
    say()
    table(
        ("incident", "stage", "recordings", "72 hours end", "suspended until"),
        (
            (
                item["incident"],
                item["stage"],
                f"{item['recordings']:,}",
                _local(item["notify_by"]),
                _local(item["until"]),
            )
            for item in incidents
        ),
    )


def _local(text: str | None) -> str:
    return local(None if text is None else datetime.fromisoformat(text))
