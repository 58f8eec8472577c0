"""`retentiond audit verify`: the whole trail against what is kept elsewhere, or one certificate."""

import re
import sys

import click

from retentiond import bootstrap
from retentiond.cli.audit_certificate import say_certified
from retentiond.cli.options import common, emit_json
from retentiond.cli.render import coloured, count_of, say
from retentiond.domain.errors import UsageError


@click.command("verify")
@click.option("--head", "head", metavar="SIZE:ROOT", help="Also check against a head noted elsewhere (root in hex).")
@click.option("--certificate", "certificate", metavar="FILE", help="Check only this certificate; needs no trail.")
@click.option("--key", "vkeys", metavar="VKEY", multiple=True, help="A public key that was kept elsewhere.")
@common
def verify(head: str | None, certificate: str | None, vkeys: tuple[str, ...], config: str, as_json: bool) -> None:
    """Read the whole trail and check every line, the chain, the tree and the head. Exit 65 on damage."""
    if certificate is not None:
        loaded = None if vkeys else bootstrap.load(config)
        certified = bootstrap.check_certificate(certificate, vkeys, loaded)
        say_certified(certified, pinned=bool(vkeys), as_json=as_json)
        return
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
