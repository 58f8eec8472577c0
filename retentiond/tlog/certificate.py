"""Certificates: proof files of C2SP tlog-proof@v1 that carry the logged entry itself in their `extra` line.

One text file holds the entry, its place in the log, the way from there to the root, and the signed checkpoint. It is
verified offline with the log's public key alone. The `extra` line is authenticated by nothing but the leaf hash that
is computed from it, so `verify_certificate` computes it and returns the entry only when all the rest holds.
"""

from dataclasses import dataclass

from retentiond.tlog.checkpoint import Checkpoint, open_checkpoint
from retentiond.tlog.cosignature import Cosignature, verify_cosignatures
from retentiond.tlog.encoding import (
    checked_hash,
    checked_number,
    format_base64,
    parse_base64,
    parse_decimal,
    parse_hash,
)
from retentiond.tlog.errors import FormatError, ProofError, SignatureError
from retentiond.tlog.key import VerifierKey
from retentiond.tlog.note import MAX_NOTE_BYTES, Note, format_note, parse_note
from retentiond.tlog.proof import MAX_PROOF_HASHES, verify_inclusion
from retentiond.tlog.tree import leaf_hash

_FIRST_LINE = "c2sp.org/tlog-proof@v1"
_EXTRA = "extra "
_INDEX = "index "


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A proof file, well formed but not verified (C2SP tlog-proof, "Format").

    Attributes:
        extra: the logged entry; empty if the file has no `extra` line.
        index: the entry's place in the log, from 0.
        hashes: the inclusion proof, the leaf's sibling first.
        note: the checkpoint with its signatures.

    Raises:
        FormatError: the index is out of range, or the hashes cannot be an inclusion proof.
    """

    extra: bytes = b""
    index: int
    hashes: tuple[bytes, ...]
    note: Note

    def __post_init__(self) -> None:
        checked_number(self.index)
        if len(self.hashes) > MAX_PROOF_HASHES:
            raise FormatError(f"an inclusion proof has at most {MAX_PROOF_HASHES} hashes, not {len(self.hashes)}")
        for value in self.hashes:
            checked_hash(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedLog:
    """What a verifier knows beforehand (C2SP tlog-proof, "Verifying a tlog proof").

    Attributes:
        origin: the log that is meant.
        keys: its keys, of type 0x01; one that signed is enough.
        witnesses: keys of type 0x04.
        witnesses_needed: how many of them must have cosigned.
    """

    origin: str
    keys: tuple[VerifierKey, ...]
    witnesses: tuple[VerifierKey, ...] = ()
    witnesses_needed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedEntry:
    """What a certificate shows: the log of the checkpoint has `entry` at `index`, and these witnesses saw it so."""

    entry: bytes
    index: int
    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...]


def format_certificate(certificate: Certificate) -> bytes:
    """Return the bytes of a proof file (C2SP tlog-proof, "Format"); `parse_certificate` gives the same value back."""
    lines = [_FIRST_LINE]
    if certificate.extra:
        lines.append(_EXTRA + format_base64(certificate.extra))
    lines.append(f"{_INDEX}{certificate.index}")
    lines.extend(format_base64(value) for value in certificate.hashes)
    return "\n".join(lines).encode("ascii") + b"\n\n" + format_note(certificate.note)


def parse_certificate(data: bytes) -> Certificate:
    """Read a proof file (C2SP tlog-proof, "Format"). Nothing in it is verified.

    Raises:
        FormatError: it is not a proof file, or the checkpoint in it is not a signed note.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise FormatError(f"a certificate of {len(data)} bytes is above the limit of {MAX_NOTE_BYTES}")
    header, _, note = data.partition(b"\n\n")
    if not header.isascii():
        raise FormatError("a certificate is lines of ASCII, an empty line and a checkpoint")
    lines = header.decode("ascii").split("\n")
    if lines.pop(0) != _FIRST_LINE:
        raise FormatError(f"a certificate begins with the line {_FIRST_LINE}")
    return Certificate(
        extra=_take_extra(lines),
        index=_take_index(lines),
        hashes=tuple(parse_hash(line) for line in lines),
        note=parse_note(note),
    )


def verify_certificate(certificate: Certificate, log: TrustedLog) -> VerifiedEntry:
    """Verify a certificate offline (C2SP tlog-proof, "Verifying a tlog proof", steps 1 to 4).

    Step 1 leaves to the application how the leaf is known: here the entry is the extra data, byte for byte.

    Raises:
        SignatureError: no key of the log has signed the checkpoint, a known signature is bad, the checkpoint is of
            another log, or too few witnesses have cosigned it.
        ProofError: the certificate carries no entry, or its entry is not at its index in the signed tree.
        FormatError: what is signed is not a checkpoint, or a trusted key is of the wrong type.
    """
    if not certificate.extra:
        raise ProofError("the certificate carries no entry")
    checkpoint = open_checkpoint(certificate.note, log.origin, log.keys)
    cosignatures = verify_cosignatures(certificate.note, log.witnesses)
    if len(cosignatures) < log.witnesses_needed:
        raise SignatureError(f"{len(cosignatures)} known witnesses have cosigned; {log.witnesses_needed} are needed")
    verify_inclusion(leaf_hash(certificate.extra), certificate.index, checkpoint.head, certificate.hashes)
    return VerifiedEntry(
        entry=certificate.extra, index=certificate.index, checkpoint=checkpoint, cosignatures=cosignatures
    )


def _take_extra(lines: list[str]) -> bytes:
    """Take the optional `extra` line off the front. Without data there is no such line, so an empty one is refused."""
    if not lines or not lines[0].startswith(_EXTRA):
        return b""
    extra = parse_base64(lines.pop(0).removeprefix(_EXTRA))
    if not extra:
        raise FormatError("a certificate without extra data has no extra line")
    return extra


def _take_index(lines: list[str]) -> int:
    if not lines or not lines[0].startswith(_INDEX):
        raise FormatError("a certificate has an index line")
    return parse_decimal(lines.pop(0).removeprefix(_INDEX))
