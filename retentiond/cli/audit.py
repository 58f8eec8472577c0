"""`retentiond audit`: read, verify and sign the audit trail."""

import re
import sys

import click

from retentiond import bootstrap
from retentiond.cli.audit_show import show
from retentiond.cli.options import Subcommands, common, emit_json
from retentiond.cli.render import coloured, count_of, say
from retentiond.domain.errors import UsageError


@click.group("audit", cls=Subcommands)
def command() -> None:
    """Show and verify the audit trail; make a signing key."""


command.add_command(show)


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
