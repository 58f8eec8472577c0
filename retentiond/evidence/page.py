"""A certificate as a page that people read: what it says, what it proves, what it does not, and how to check it.

Plain HTML without scripts and without anything from elsewhere, every value escaped. It never says that something is
lawful: it says what was recorded, by whom it is vouched for, and where that ends.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any

from retentiond.domain import instants
from retentiond.domain.names import visible
from retentiond.evidence.certificate import Issued
from retentiond.tlog.key import format_vkey

_STYLE = (
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;"
    "padding:0 1rem}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25rem .75rem .25rem 0;"
    "border-bottom:1px solid #8886;vertical-align:top}th{white-space:nowrap;font-weight:600}"
    "code,pre{overflow-wrap:anywhere;white-space:pre-wrap}"
)
_OUTCOMES = {
    "recording.deleted": "was deleted",
    "deletion.failed": "was to be deleted and was not: the system refused",
    "deletion.void": "was to be deleted and was not: it was not what it should have been",
}
NOT_PROVED = (
    "that the record is true. It proves what the program wrote, and that nobody changed it since;",
    "that bytes are gone from a medium. Deleted means that the name was removed and verified gone, and that the space "
    "is the file system's again;",
    "that there is no copy: exports, backups, snapshots and other names keep what they have;",
    "that everything was recorded. What a stopped program did not write is not in its records.",
)


def render_certificate(issued: Issued, *, stamped: str = "") -> str:
    """Return the page of a certificate.

    Args:
        issued: the certificate.
        stamped: when and by whom its head was stamped, as a clause; empty if nobody has verified a time stamp.
    """
    title = f"Record {issued.certified.entry.index} of {issued.certified.entry.checkpoint.origin}"
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>"
        + "".join(_sections(issued, stamped))
        + "</body></html>\n"
    )


def file_stem(issued: Issued) -> str:
    """Return what the files of a certificate are called before their ending: the trail and the number."""
    entry = issued.certified.entry
    return f"{entry.checkpoint.origin.replace('/', '-')}-{entry.index}"


def headline(fields: Mapping[str, Any]) -> str:
    """Return what a record says, in one sentence."""
    rec, kind = fields.get("rec"), str(fields["type"])
    if kind not in _OUTCOMES or not isinstance(rec, dict):
        return f"At {fields['ts']} the program recorded {kind}."
    return (
        f"The recording ({rec.get('category')}) of camera {rec.get('camera')} in store {fields.get('store')} that "
        f"began at {rec.get('start')} {_OUTCOMES[kind]}. Recorded at {fields['ts']}."
    )


def _sections(issued: Issued, stamped: str) -> Iterator[str]:
    fields = issued.certified.fields
    yield f"<p><strong>{escape(visible(headline(fields)))}</strong></p>"
    yield "<h2>The record</h2>" + _table(_flat(fields))
    yield "<h2>The head that vouches for it</h2>" + _table(_head(issued, stamped))
    yield "<h2>What this proves</h2>" + _list(_proved(issued, stamped))
    yield "<h2>What this does not prove</h2>" + _list(NOT_PROVED)
    yield "<h2>How to check it</h2>" + _how(issued)
    yield "<h2>The certificate</h2><p>The same text is in the file beside this page, byte for byte.</p>"
    yield f"<pre>{escape(issued.proof.decode())}</pre>"


def _proved(issued: Issued, stamped: str) -> Iterator[str]:
    entry = issued.certified.entry
    yield (
        f"Whoever holds the private key wrote this record as number {entry.index} of the audit trail "
        f"{entry.checkpoint.origin}, before signing the head of its first {entry.checkpoint.size} records. Nothing in "
        "the record was changed since."
    )
    if stamped:
        yield f"That was no later than {stamped}."
    for item in entry.cosignatures:
        at = datetime.fromtimestamp(item.timestamp, UTC)
        yield (
            f"The witness {item.witness.name} saw this head by {instants.to_text(at)}, and it extended all heads of "
            "this trail that the witness had seen before."
        )


def _head(issued: Issued, stamped: str) -> Iterator[tuple[str, str]]:
    entry = issued.certified.entry
    yield "trail", entry.checkpoint.origin
    yield "records", str(entry.checkpoint.size)
    yield "root", entry.checkpoint.root.hex()
    for key in issued.certified.signers:
        yield "signed by", format_vkey(key)
    for item in entry.cosignatures:
        yield "cosigned by", format_vkey(item.witness)
    if issued.stamped is not None:
        yield "time stamp", stamped or "in the file beside this page; nobody has verified it yet"


def _how(issued: Issued) -> str:
    stem, key = file_stem(issued), format_vkey(issued.certified.signers[0])
    commands = [f"retentiond audit verify --certificate {stem}.tlog-proof --key '{key}'"]
    if issued.stamped is not None:
        lines = issued.stamped.note.count(b"\n")  # the witnesses' lines were added after it was stamped
        commands += [
            f"sed '1,/^$/d' {stem}.tlog-proof | head -n {lines} >{stem}.note",
            f"openssl ts -verify -data {stem}.note -in {stem}.tsr -CAfile tsa.pem",
        ]
    return (
        "<p>With the public key that the controller handed out before, and not with the one on this page. The file "
        "has the form of <code>c2sp.org/tlog-proof@v1</code>, which other programs read as well; the manual of "
        "retentiond (audit-format) shows how to check it with openssl and a few lines of Python.</p>"
        f"<pre>{escape(chr(10).join(commands))}</pre>"
    )


def _flat(fields: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield the fields of a record, those of objects in it by their path; lists and the rest as JSON has them."""
    for name, value in sorted(fields.items()):
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value if isinstance(value, str) else json.dumps(value)


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = (
        f'<tr><th scope="row">{escape(name)}</th><td><code>{escape(visible(value))}</code></td></tr>'
        for name, value in rows
    )
    return "<table>" + "".join(cells) + "</table>"


def _list(items: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(visible(item))}</li>" for item in items) + "</ul>"
