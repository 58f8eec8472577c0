"""`retentiond audit prove` and `certificate`: one record, for somebody who trusts nothing on this machine."""

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from retentiond import bootstrap
from retentiond.cli.options import common, emit_json
from retentiond.cli.render import coloured, local, say
from retentiond.cli.streams import write
from retentiond.domain import instants
from retentiond.domain.errors import CannotCreateError

if TYPE_CHECKING:
    from retentiond.evidence.certificate import Certified
    from retentiond.evidence.timestamp import Stamp

_SEQ = click.IntRange(min=0)


@click.command("prove")
@click.argument("seq", type=_SEQ)
@common
def prove(seq: int, config: str, as_json: bool) -> None:
    """Print the proof that record SEQ is in the trail: a text file of c2sp.org/tlog-proof@v1."""
    issued = bootstrap.issue_certificate(bootstrap.load(config), seq)
    if as_json:
        emit_json("retentiond.audit.prove/1", {**_shown(issued.certified), "proof": issued.proof.decode()})
        return
    write(issued.proof.decode())


@click.command("certificate")
@click.argument("seq", type=_SEQ)
@click.option("--out", metavar="DIR", default=".", help="Where to write the files. Default: here.")
@common
def certificate(seq: int, out: str, config: str, as_json: bool) -> None:
    """Write the certificate of record SEQ: the proof, and a page that says what it proves and what not."""
    from retentiond.evidence.page import file_stem, headline, render_certificate

    loaded = bootstrap.load(config)
    issued = bootstrap.issue_certificate(loaded, seq)
    page = render_certificate(issued, stamped=bootstrap.stamped(loaded, issued))
    stem = os.path.join(out, file_stem(issued))
    files = {f"{stem}.tlog-proof": issued.proof, f"{stem}.html": page.encode()}
    if issued.stamped is not None:
        files[f"{stem}.tsr"] = issued.stamped.stamp
    for path, data in files.items():
        _write(path, data)
    if as_json:
        emit_json("retentiond.audit.certificate/1", {**_shown(issued.certified), "files": list(files)})
        return
    say(headline(issued.certified.fields))
    for path in files:
        say(f"wrote {path}")
    say("Whoever has the public key of this trail can check it, without this machine:")
    say(f"  retentiond audit verify --certificate {stem}.tlog-proof --key VKEY")


def say_certified(certified: "Certified", stamp: "Stamp | None", *, pinned: bool, as_json: bool) -> None:
    """Say what a certificate shows that verified, and the time stamp beside it if that was asked for."""
    from retentiond.evidence.page import NOT_PROVED, headline

    if as_json:
        stamped = None if stamp is None else {"by": stamp.by, "at": instants.to_text(stamp.at)}
        emit_json("retentiond.audit.certificate.verify/1", {**_shown(certified), "stamped": stamped})
        return
    entry = certified.entry
    say(coloured(f"the certificate verifies: record {entry.index} of {entry.checkpoint.origin}", "good"))
    say(f"  {headline(certified.fields)}")
    say(f"  in the head of {entry.checkpoint.size:,} records, root {entry.checkpoint.root.hex()}")
    for key in certified.signers:
        say(f"  signed by {bootstrap.vkey_text(key)}")
    for item in entry.cosignatures:
        say(f"  cosigned by {item.witness.name} at {local(datetime.fromtimestamp(item.timestamp, UTC))}")
    if stamp is not None:
        say(f"  stamped at {local(stamp.at)} by {stamp.by}")
    if not pinned:
        say("  The key is the one that lies beside the trail. To rule out that both were exchanged, name the one that")
        say("  was kept elsewhere: --key VKEY")
    say("It does not prove")
    for sentence in NOT_PROVED:
        say(f"  - {sentence}")


def _shown(certified: "Certified") -> dict[str, object]:
    entry = certified.entry
    return {
        "origin": entry.checkpoint.origin,
        "seq": entry.index,
        "size": entry.checkpoint.size,
        "root": entry.checkpoint.root.hex(),
        "signers": [bootstrap.vkey_text(key) for key in certified.signers],
        "witnesses": [{"name": item.witness.name, "timestamp": item.timestamp} for item in entry.cosignatures],
        "record": certified.fields,
    }


def _write(path: str, data: bytes) -> None:
    """Write a file that is not there yet, or that holds the same already."""
    try:
        with open(path, "xb") as file:
            file.write(data)
    except FileExistsError as error:
        if bootstrap.read_file(path) != data:
            raise CannotCreateError(
                f"{path}: is there already; move it away, or name another directory: --out"
            ) from error
    except OSError as error:
        raise CannotCreateError(f"{path}: cannot be written ({error.strerror})") from error
