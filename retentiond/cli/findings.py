"""`retentiond findings`: what a person has to know, from the record."""

import shlex
from datetime import datetime
from typing import Any

import click

from retentiond import bootstrap
from retentiond.cli.options import Subcommands, common, emit_json, text
from retentiond.cli.render import coloured, local, say
from retentiond.domain import instants
from retentiond.domain.decisions import Decisions
from retentiond.domain.errors import UsageError
from retentiond.domain.finding import Finding, Severity
from retentiond.domain.meaning import MEANING

_WHAT_NEXT = "Since when, and what to type to note one for a while: retentiond findings show KIND"
_ROLE = {Severity.BREACH: "bad", Severity.WARNING: "warn", Severity.NOTICE: "dim"}


@click.group("findings", cls=Subcommands)
def command() -> None:
    """List, show and acknowledge findings."""


@command.command("list")
@common
def list_(config: str, as_json: bool) -> int:
    """List the open findings. Exit 1 if there are any that nobody has acknowledged."""
    decisions, now = bootstrap.recorded_decisions(bootstrap.load(config)), bootstrap.wall_now()
    found = sorted(decisions.findings.values(), key=lambda item: (list(Severity).index(item.severity), item.key.kind))
    if as_json:
        emit_json("retentiond.findings/1", {"findings": [_fields(item, decisions, now) for item in found]})
    else:
        for item in found:
            print_finding(item, acknowledged=decisions.is_acknowledged(item.key, now))
            _print_note(item, decisions, now)
        say(_WHAT_NEXT if found else coloured("no open findings", "good"))
    return 1 if any(not decisions.is_acknowledged(item.key, now) for item in found) else 0


@command.command("show")
@click.argument("kind", callback=text)
@click.argument("subject", callback=text, required=False)
@common
def show(kind: str, subject: str | None, config: str, as_json: bool) -> None:
    """Show the open findings of KIND: what it means, since when, and who knows of it."""
    decisions, now = bootstrap.recorded_decisions(bootstrap.load(config)), bootstrap.wall_now()
    chosen = [
        item
        for key, item in decisions.findings.items()
        if key.kind == kind and (subject is None or key.subject == subject)
    ]
    if not chosen:
        about = "" if subject is None else f" about {subject!r}"
        raise UsageError(f"no open finding of kind {kind!r}{about}; see: retentiond findings list")
    if as_json:
        emit_json("retentiond.findings/1", {"findings": [_fields(item, decisions, now) for item in chosen]})
        return
    for item in chosen:
        print_finding(item, acknowledged=decisions.is_acknowledged(item.key, now))
        say(f"        means {MEANING[item.key.kind]}")
        if item.facts:
            say(f"        rests on {item.facts}")
        _print_note(item, decisions, now)
        say(f"        subject {item.key.subject}, open since {local(decisions.opened_at.get(item.key))}")
        number = decisions.opened_in.get(item.key)
        if number is not None:
            say(f"        on the record as number {number}; to prove it: retentiond audit certificate {number}")
        kind_and_subject = f"{item.key.kind} {shlex.quote(item.key.subject)}"
        say(f"        to note it: retentiond findings acknowledge {kind_and_subject} --why '…' --for 14d")


@command.command("acknowledge")
@click.argument("kind", callback=text)
@click.argument("subject", callback=text)
@click.option("--why", callback=text, required=True, help="Why it stays for now. No names of persons.")
@click.option(
    "--for", "lasts", callback=text, required=True, metavar="LENGTH", help="For how long, such as 14d; at most 366d."
)
@common
def acknowledge(kind: str, subject: str, why: str, lasts: str, config: str, as_json: bool) -> None:
    """Note on the record that you know of the finding KIND about SUBJECT."""
    request = {"verb": "acknowledge", "kind": kind, "subject": subject, "why": why, "lasts": lasts}
    answer = bootstrap.ask(bootstrap.load(config), request)
    if as_json:
        emit_json("retentiond.findings.acknowledge/1", answer)
    else:
        say(f"noted until {local(instants.from_text(answer['until']))}")


def _print_note(item: Finding, decisions: Decisions, now: datetime) -> None:
    noted = decisions.acknowledged.get(item.key)
    if noted is not None:
        over = "" if decisions.is_acknowledged(item.key, now) else ", which is over"
        say(f"        noted by {noted.actor} until {local(noted.until)}{over}: {noted.why}")


def print_finding(item: Finding, *, acknowledged: bool = False) -> None:
    """Print a finding in two lines: what it is, and what to do."""
    mark = "noted" if acknowledged else item.severity.value
    say(f"{coloured(mark.upper().ljust(8), _ROLE[item.severity])}{item.key.kind}: {item.message}")
    say(f"        {coloured(item.remedy, 'dim')}")


def finding_fields(item: Finding) -> dict[str, Any]:
    """Return the JSON form of a finding, as interfaces name it."""
    return {
        "kind": item.key.kind.value,
        "severity": item.severity.value,
        "subject": item.key.subject,
        "message": item.message,
        "remedy": item.remedy,
    }


def _fields(item: Finding, decisions: Decisions, now: datetime) -> dict[str, Any]:
    opened, noted = decisions.opened_at.get(item.key), decisions.acknowledged.get(item.key)
    return {
        **finding_fields(item),
        "meaning": MEANING[item.key.kind],
        "facts": item.facts,
        "record": decisions.opened_in.get(item.key),
        "opened": None if opened is None else instants.to_text(opened),
        "acknowledged": decisions.is_acknowledged(item.key, now),
        "acknowledged_until": None if noted is None else instants.to_text(noted.until),
        "acknowledged_by": None if noted is None else noted.actor,
        "acknowledged_why": None if noted is None else noted.why,
    }
