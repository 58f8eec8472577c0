"""Checkpoints of C2SP tlog-checkpoint v1.0.0: the signed statement of a log's size and root.

Extension lines are optional and NOT RECOMMENDED there, since no monitor can audit them. This package writes none and
refuses a checkpoint that has one: it only reads checkpoints of logs that it wrote.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from retentiond.tlog.encoding import checked_hash, checked_number, format_base64, parse_decimal, parse_hash
from retentiond.tlog.errors import FormatError, SignatureError
from retentiond.tlog.key import Signer, VerifierKey
from retentiond.tlog.note import Note, checked_text, sign_note, verify_note
from retentiond.tlog.tree import TreeHead


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The three lines of a checkpoint (C2SP tlog-checkpoint, "Note text").

    Raises:
        FormatError: the origin is empty or not one line, the size is out of range, or the root is no hash.
    """

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not self.origin or "\n" in self.origin:
            raise FormatError(f"an origin is one line and not empty: {self.origin[:80]!r}")
        checked_text(self.origin + "\n")
        checked_number(self.size)
        checked_hash(self.root)

    @property
    def head(self) -> TreeHead:
        """The size and the root, as proofs are checked against."""
        return TreeHead(self.size, self.root)


def format_checkpoint(checkpoint: Checkpoint) -> str:
    """Return the note text: origin, size and root, a line each (C2SP tlog-checkpoint, "Note text")."""
    return f"{checkpoint.origin}\n{checkpoint.size}\n{format_base64(checkpoint.root)}\n"


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a checkpoint note (C2SP tlog-checkpoint, "Note text"). No signature is verified.

    Raises:
        FormatError: it is not exactly origin, decimal size and base64 root, a line each.
    """
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise FormatError("a checkpoint is three lines: origin, size and root")
    return Checkpoint(origin=lines[0], size=parse_decimal(lines[1]), root=parse_hash(lines[2]))


def sign_checkpoint(checkpoint: Checkpoint, signers: Sequence[Signer]) -> Note:
    """Sign a checkpoint with the log's keys; while keys rotate there are two (C2SP tlog-checkpoint, "Signatures").

    The caller answers for the rule that a log never signs two heads that are inconsistent.

    Raises:
        FormatError: there is no signer, or one signs under another name than the origin.
    """
    for signer in signers:
        if signer.name != checkpoint.origin:
            raise FormatError(f"the key of {signer.name!r} does not sign for the origin {checkpoint.origin!r}")
    return sign_note(format_checkpoint(checkpoint), signers)


def open_checkpoint(note: Note, origin: str, keys: Iterable[VerifierKey]) -> Checkpoint:
    """Return the checkpoint that a key of the log `origin` has signed (C2SP tlog-checkpoint, signed-note).

    Args:
        note: the note, of which nothing is believed before a signature is verified.
        origin: the only log that is meant.
        keys: the keys of that log. Signatures of others, such as witnesses, are ignored.

    Raises:
        SignatureError: no key of the log has signed, one has a bad signature, or the note is about another log.
        FormatError: what is signed is not a checkpoint.
    """
    verify_note(note, keys)
    checkpoint = parse_checkpoint(note.text)
    if checkpoint.origin != origin:
        raise SignatureError(f"the checkpoint is of {checkpoint.origin!r}, and not of {origin!r}")
    return checkpoint
