"""One record, proved to somebody who trusts nothing on this machine: a text file of C2SP tlog-proof@v1.

It holds the line itself, the way from its hash to a root, and the head with that root as it was signed. So it stays
good when the record is pruned, when keys rotate and when the machine is gone. Of the heads that cover a record the one
is taken that says most: the earliest with a time stamp, else the newest that a witness cosigned, else the newest.
"""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from retentiond.audit.anchors import Anchor, anchored_sizes, read_anchor, read_cosigned
from retentiond.audit.head import open_signed, read_head, read_small, signing_keys
from retentiond.audit.kept import line_at, read_base
from retentiond.audit.leaves import read_tree
from retentiond.audit.line import parse_line
from retentiond.audit.reader import expect_trail
from retentiond.audit.rotation import key_of_fork
from retentiond.domain.errors import AuditDamagedError, TryAgainError, UsageError
from retentiond.tlog.certificate import (
    Certificate,
    TrustedLog,
    VerifiedEntry,
    format_certificate,
    parse_certificate,
    verify_certificate,
)
from retentiond.tlog.checkpoint import parse_checkpoint
from retentiond.tlog.errors import TlogError
from retentiond.tlog.key import SignatureType, VerifierKey, parse_vkey
from retentiond.tlog.note import Note, parse_note
from retentiond.tlog.proof import inclusion_proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """What a certificate shows, as somebody sees it who knows the keys.

    Attributes:
        fields: of the record.
        entry: the line, its place, the head, and which of the known witnesses have cosigned that.
        signers: the keys of the trail that have signed the head.
    """

    fields: dict[str, Any]
    entry: VerifiedEntry
    signers: tuple[VerifierKey, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate, what it shows, and its head as it was stamped, if it was; that stamp is not verified here."""

    proof: bytes
    certified: Certified
    stamped: Anchor | None


def issue_certificate(directory: str, seq: int, witnesses: Collection[VerifierKey] = ()) -> Issued:
    """Make the certificate of record `seq` of the trail in `directory`; it verified before it is returned.

    Args:
        directory: of the trail.
        seq: the number of the record.
        witnesses: whose cosignatures are verified and told; those of others go into the file all the same.

    Raises:
        UsageError: there is no such record, or it was pruned.
        TryAgainError: no signed head covers it yet.
        AuditDamagedError: the trail does not verify at this record.
        StorageError: the trail cannot be read.
    """
    expect_trail(os.path.join(directory, "log"))
    line = _line(directory, seq)
    try:
        found = next(_heads(directory, seq), None)
        if found is None:
            raise TryAgainError(
                f"{directory}: no signed head covers record {seq} yet; if there is no key, make one with retentiond "
                "audit keygen and restart the daemon"
            )
        note, stamped = found
        size = open_signed(directory, note).size
        path = inclusion_proof(read_tree(directory, seq)[0], seq, size)
        proof = format_certificate(Certificate(extra=line, index=seq, hashes=path, note=note))
    except TlogError as error:
        raise AuditDamagedError(
            f"{directory}: record {seq} cannot be proved ({error}); see: retentiond audit verify"
        ) from error
    certified = check_certificate(proof, signing_keys(directory, size), witnesses)
    return Issued(proof=proof, certified=certified, stamped=stamped)


def check_certificate(data: bytes, keys: Collection[VerifierKey], witnesses: Collection[VerifierKey] = ()) -> Certified:
    """Verify a certificate offline, and return what it shows.

    Args:
        data: the text file.
        keys: of the trails that are meant, which they are named after; one that signed is enough. A key of a trail is
            good for one that was begun anew in its place after damage, too (`audit.forked`).
        witnesses: whose cosignatures are verified and told.

    Raises:
        AuditDamagedError: it does not verify with these keys, or does not hold a record of that number.
    """
    try:
        certificate = parse_certificate(data)
        origin = parse_checkpoint(certificate.note.text).origin
        known = [key_of_fork(key, origin) for key in keys]
        if all(key.name != origin for key in known):
            raise AuditDamagedError(
                f"the certificate is of the audit trail {origin!r}, and no key of that one is given"
            )
        log = TrustedLog(origin=origin, keys=tuple(known), witnesses=tuple(witnesses))
        entry = verify_certificate(certificate, log)
        fields = _record(entry.entry)
    except TlogError as error:
        raise AuditDamagedError(f"the certificate does not verify: {error}") from error
    if fields["seq"] != entry.index:
        raise AuditDamagedError(
            f"the certificate does not verify: its record has the number {fields['seq']}, and it is at {entry.index}"
        )
    signed = {(item.name, item.key_id) for item in certificate.note.signatures}
    signers = tuple(key for key in known if (key.name, key.key_id) in signed)
    return Certified(fields=fields, entry=entry, signers=signers)


def parse_keys(texts: Collection[str], kind: SignatureType = SignatureType.ED25519) -> tuple[VerifierKey, ...]:
    """Read public keys as people type them. Raises UsageError."""
    keys = []
    for text in texts:
        try:
            key = parse_vkey(text.strip())
        except TlogError as error:
            raise UsageError(f"{error}; write it as it was printed: <name>+<8 hex digits>+<base64>") from error
        if key.kind is not kind:
            raise UsageError(
                f"{key.name}: this is the key of a {_WHOSE[key.kind]}, and that of a {_WHOSE[kind]} is needed"
            )
        keys.append(key)
    return tuple(keys)


def _record(line: bytes) -> dict[str, Any]:
    try:
        return parse_line(line)
    except AuditDamagedError as error:
        raise AuditDamagedError(f"the certificate holds no record of ours: {error}") from error


_WHOSE = {SignatureType.ED25519: "trail", SignatureType.COSIGNATURE_V1: "witness"}


def _line(directory: str, seq: int) -> bytes:
    first = read_base(directory).first
    if 0 <= seq < first:
        raise UsageError(
            f"record {seq} was pruned: the trail begins at record {first}. Certificates issued before are still good"
        )
    line = line_at(os.path.join(directory, "log"), seq) if seq >= 0 else None
    if line is None:
        head = read_head(directory)
        if head is not None and seq < head.size:
            raise AuditDamagedError(
                f"{directory}: record {seq} is not there, and a head attests {head.size}; see: retentiond audit verify"
            )
        raise UsageError(f"{directory}: has no record {seq}; see: retentiond audit show")
    return line


def _heads(directory: str, seq: int) -> Iterator[tuple[Note, Anchor | None]]:
    """Yield the signed heads that cover a record, the one that says most first; with it how it was stamped."""
    for size in anchored_sizes(directory):
        if size > seq:
            anchor = read_anchor(directory, size)
            if anchor.stamp:
                yield anchor.cosigned, anchor
    cosigned = read_cosigned(directory)
    if cosigned is not None and parse_checkpoint(cosigned.text).size > seq:
        yield cosigned, None
    newest = read_small(os.path.join(directory, "checkpoint"))
    if newest is not None and b"\n\n" in newest:
        note = parse_note(newest)
        if parse_checkpoint(note.text).size > seq:
            yield note, None
