"""`retentiond audit`: read, verify and sign the audit trail."""

import json
import re
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click

from retentiond import bootstrap
from retentiond.audit.reader import AuditFilter
from retentiond.cli.options import common, emit_json
from retentiond.cli.render import coloured, count_of, local, say
from retentiond.cli.times import typed_instant
from retentiond.domain import instants
from retentiond.domain.errors import UsageError
from retentiond.domain.event import Record


@click.group("audit")
def command() -> None:
    """Show and verify the audit trail; make a signing key."""


@command.command("show")
@click.option("--camera", help="Only records about this camera.")
@click.option("--type", "kind", help="Only records of this type, such as recording.deleted.")
@click.option("--run", "run", help="Only records of this deletion run.")
@click.option("--since", metavar="TIME", help="Only records written at TIME or later.")
@click.option("--until", metavar="TIME", help="Only records written before TIME.")
@click.option("--follow", is_flag=True, help="Go on with new records as they are written; Ctrl-C ends.")
@common
def show(
    camera: str | None,
    kind: str | None,
    run: str | None,
    since: str | None,
    until: str | None,
    follow: bool,
    config: str,
    as_json: bool,
) -> None:
    """Show the records, a line each; with --json the lines as JSON, one object each."""
    wanted = AuditFilter(
        camera=camera, type=kind, run=run, since=_instant("--since", since), until=_instant("--until", until)
    )
    records = bootstrap.read_trail(bootstrap.load(config), wanted, follow=follow)
    try:
        _print_all(records, as_json=as_json)
    except KeyboardInterrupt:
        return


def _print_all(records: Iterator[Record], *, as_json: bool) -> None:
    for record in records:
        if as_json:
            json.dump(
                {"seq": record.seq, "ts": instants.to_text(record.at), "type": record.type, **record.fields}, sys.stdout
            )
            sys.stdout.write("\n")
            sys.stdout.flush()
        else:
            say(f"{record.seq:>8}  {local(record.at)}  {record.type:<20}  {_summary(record)}")


def _summary(record: Record) -> str:
    """Return what a record says, in one line of words."""
    fields: dict[str, Any] = dict(record.fields)
    match record.type:
        case "deletion.intent":
            return f"{fields['store']}: {count_of(len(fields['recordings']), 'recording')} to be deleted"
        case "recording.deleted" | "deletion.failed" | "deletion.void":
            why = f" ({fields['why']})" if "why" in fields else f", deadline {fields.get('deadline', '-')}"
            return f"{fields['store']}/{fields['rec']['path']} of {fields['rec']['start']}{why}"
        case "finding.opened" | "finding.closed" | "finding.acknowledged":
            return f"{fields['kind']}: {fields.get('message', fields['subject'])}"
        case "scan.completed":
            return (
                f"{fields['store']}: {count_of(fields['recordings'], 'recording')}, oldest {fields['oldest']}, "
                f"{fields['overdue']} overdue"
            )
        case _:
            return "  ".join(f"{key}={value}" for key, value in fields.items() if isinstance(value, str | int))


@command.command("verify")
@click.option("--head", "head", metavar="SIZE:ROOT", help="Also check against a head noted elsewhere (root in hex).")
@common
def verify(head: str | None, config: str, as_json: bool) -> None:
    """Read the whole trail and check every line, the chain, the tree and the head. Exit 65 on damage."""
    external = _head(head) if head is not None else None
    result = bootstrap.verify_trail(bootstrap.load(config), external, _progress)
    if as_json:
        emit_json(
            "retentiond.audit.verify/1", {"size": result.size, "root": result.root.hex(), "signed": result.signed}
        )
        return
    say(coloured(f"the audit trail is whole: {count_of(result.size, 'record')}", "good"))
    say(f"  root    {result.root.hex()}")
    say(f"  head    {'signed' if result.signed else 'not signed: make a key with retentiond audit keygen'}")
    if external is None:
        who = "Somebody with the key" if result.signed else "Anybody who may write here"
        say(f"  {who} could have written it anew. To rule that out, compare with a head kept elsewhere:")
        say(f"    retentiond audit verify --head {result.size}:{result.root.hex()}")


@command.command("keygen")
@common
def keygen(config: str, as_json: bool) -> None:
    """Make the key that signs heads of the trail, and print its public half for the DPO to keep."""
    path, vkey = bootstrap.make_key(bootstrap.load(config))
    if as_json:
        emit_json("retentiond.audit.keygen/1", {"key": path, "vkey": vkey})
        return
    say(f"made {path}; heads are signed after the next start of the daemon")
    say("Keep this public key outside the machine; with it anybody can check a head:")
    say(f"  {vkey}")


def _progress(size: int) -> None:
    """Show how far a long verification has come, where a person watches."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{size:,} records")
        sys.stderr.flush()


def _head(text: str) -> tuple[int, bytes]:
    match = re.fullmatch(r"([0-9]{1,18}):([0-9a-fA-F]{64})", text)
    if match is None:
        raise UsageError(f"--head {text!r}: write it as SIZE:ROOT, the root as 64 hex digits")
    return int(match[1]), bytes.fromhex(match[2])


def _instant(option: str, text: str | None) -> datetime | None:
    return None if text is None else typed_instant(option, text)
