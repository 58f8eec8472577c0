"""`retentiond audit verify`: the whole trail against what is kept elsewhere, or one certificate."""

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from retentiond import bootstrap
from retentiond.cli.audit_certificate import say_certified
from retentiond.cli.options import common, emit_json, named
from retentiond.cli.render import coloured, count_of, local, say
from retentiond.cli.times import typed_instant
from retentiond.domain import instants
from retentiond.domain.errors import UsageError

if TYPE_CHECKING:
    from retentiond.audit.verify import Progress, Verified
    from retentiond.evidence.timestamp import Stamps

_STEPS = 1000


@click.command("verify")
@click.option(
    "--head", metavar="HEAD", callback=named, help="Also check against this head: SIZE:ROOT, or a file with one."
)
@click.option("--prometheus", metavar="URL", callback=named, help="Also check against all heads that it has scraped.")
@click.option("--since", metavar="TIME", help="Read only the records from about then on.")
@click.option("--certificate", metavar="FILE", callback=named, help="Check only this certificate; needs no trail.")
@click.option("--key", "vkeys", metavar="VKEY", multiple=True, help="Believe only this public key, kept elsewhere.")
@click.option("--ask-witness", is_flag=True, help="Also check against what the witness of the configuration has now.")
@click.option("--witness", "witnesses", metavar="VKEY", multiple=True, help="Also verify what this witness cosigned.")
@click.option("--tsa-roots", metavar="FILE", callback=named, help="Verify time stamps under these certificates (PEM).")
@common
def verify(
    head: str | None,
    prometheus: str | None,
    since: str | None,
    certificate: str | None,
    vkeys: tuple[str, ...],
    witnesses: tuple[str, ...],
    ask_witness: bool,
    tsa_roots: str | None,
    config: str,
    as_json: bool,
) -> None:
    """Read the audit trail and check every line, the chain, the tree, the heads and keys. Exit 65 on damage."""
    if certificate is not None:
        if head or prometheus or since or ask_witness:
            raise UsageError(
                "--certificate checks one file alone; leave out all options but --key, --witness and --tsa-roots"
            )
        loaded = None if vkeys else bootstrap.load(config)
        certified = bootstrap.check_certificate(certificate, vkeys, witnesses, loaded)
        stamp = None if tsa_roots is None else bootstrap.check_stamp(certificate, tsa_roots)
        say_certified(certified, stamp, pinned=bool(vkeys), as_json=as_json)
        return
    against = bootstrap.Against(
        head=head,
        prometheus=prometheus,
        vkeys=vkeys,
        witnesses=witnesses,
        ask_witness=ask_witness,
        roots=tsa_roots,
        since=None if since is None else typed_instant("--since", since),
    )
    with ExitStack() as stack:
        vouched = bootstrap.verify_trail(bootstrap.load(config), against, _progress(stack))
    if as_json:
        _emit(vouched)
    else:
        _say(vouched, against)


def _emit(vouched: bootstrap.Vouched) -> None:
    result, stamps = vouched.result, vouched.stamps
    emit_json(
        "retentiond.audit.verify/1",
        {
            "size": result.size,
            "root": result.root.hex(),
            "signed": result.signed,
            "first": result.first,
            "began": result.began,
            "heads": len(result.heads),
            "passed_over": result.passed_over,
            "cosigned": [
                {"witness": item.witness, "size": item.size, "at": instants.to_text(item.at)}
                for item in vouched.cosigned
            ],
            "stamped": [
                {"by": item.by, "size": item.size, "at": instants.to_text(item.at)} for item in stamps.verified
            ],
            "stamps_unread": stamps.unread,
        },
    )


def _say(vouched: bootstrap.Vouched, against: bootstrap.Against) -> None:
    result = vouched.result
    say(coloured(f"the audit trail is whole: {count_of(result.size, 'record')}", "good"))
    if result.first:
        say(f"  pruned  the {count_of(result.first, 'record')} before number {result.first}, on the record")
    if result.began > result.first:
        say(f"  read    from number {result.began} on; the rest follows from the head")
    say(f"  root    {result.root.hex()}")
    say(f"  head    {'signed' if result.signed else 'not signed: make a key with retentiond audit keygen'}")
    for item in vouched.cosigned:
        say(f"  witness {item.witness} had seen {count_of(item.size, 'record')} of these at {local(item.at)}")
    _say_stamps(vouched.stamps)
    if against.prometheus is not None:
        _say_scraped(result)
    if not (against.head or against.prometheus or against.witnesses or against.ask_witness):
        who = "Somebody with the key" if result.signed else "Anybody who may write here"
        say(f"  {who} could have written it anew. To rule that out, compare with a head kept elsewhere:")
        say(f"    retentiond audit verify --head {result.size}:{result.root.hex()}")


def _say_stamps(stamps: "Stamps") -> None:
    if stamps.verified:
        last = stamps.verified[-1]
        say(f"  stamped {count_of(len(stamps.verified), 'head')}, the last of {count_of(last.size, 'record')}")
        say(f"          at {local(last.at)} by {last.by}")
    if stamps.unread:
        say(f"  stamps  {stamps.unread:,} not verified: {stamps.why}")


def _say_scraped(result: "Verified") -> None:
    sizes = [known.size for known in result.heads if known.name.startswith("Prometheus")]
    say(f"  scraped {count_of(len(sizes), 'head')} of up to {max(sizes):,} records, and all are of these records")
    if max(sizes) < result.size:
        say(f"  The {count_of(result.size - max(sizes), 'record')} after that are newer than the last scrape.")


def _progress(stack: ExitStack) -> "Progress":
    """Return what shows on standard error how far a long verification has come, where a person watches."""
    if not sys.stderr.isatty():
        return lambda _records, _share: None
    bar = stack.enter_context(
        click.progressbar(length=_STEPS, label="checking", file=sys.stderr, item_show_func=lambda item: item or "")
    )

    def show(records: int, share: float) -> None:
        bar.update(int(share * _STEPS) - bar.pos, f"{records:,} records")

    return show
