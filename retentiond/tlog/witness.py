"""The exchange between a log and a witness, C2SP tlog-witness, "add-checkpoint": both sides of it, as pure values.

A log asks a witness to cosign a checkpoint and shows with a proof that it extends the last one which that witness
cosigned. The functions here write and read the texts and decide. Who uses them brings the transport, and a witness has
to do `judge` and the keeping of the new head as one step, before it answers.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from retentiond.tlog.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from retentiond.tlog.encoding import checked_hash, checked_number, format_base64, parse_decimal, parse_hash
from retentiond.tlog.errors import FormatError, ProofError, SignatureError
from retentiond.tlog.key import VerifierKey, encoded
from retentiond.tlog.note import MAX_NOTE_BYTES, Note, format_note, parse_note
from retentiond.tlog.proof import MAX_PROOF_HASHES, verify_consistency
from retentiond.tlog.tree import Frontier, TreeHead

PATH = "add-checkpoint"
"""What is posted to, below the submission prefix of a witness."""

SIZE_TYPE = "text/x.tlog.size"
"""The content type of the answer that tells the size which the witness has cosigned last."""

NOTHING_SEEN = Frontier().head
"""The head that a witness has of a log that it never cosigned: size 0."""

_OLD = "old "


class Status(IntEnum):
    """The HTTP status codes by which a witness refuses (C2SP tlog-witness, "add-checkpoint")."""

    BAD_REQUEST = 400
    FORBIDDEN = 403
    UNKNOWN_ORIGIN = 404
    CONFLICT = 409
    UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that is not cosigned, and why. `size` is what a 409 tells: the size cosigned last."""

    status: Status
    why: str
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AddCheckpoint:
    """The body of a request, well formed but not verified (C2SP tlog-witness, "add-checkpoint").

    Attributes:
        old_size: of the checkpoint that the log believes to be the last one cosigned.
        proof: the consistency proof from there; empty from size 0.
        note: the new checkpoint with its signatures.

    Raises:
        FormatError: the size is out of range, or the hashes cannot be a consistency proof.
    """

    old_size: int
    proof: tuple[bytes, ...]
    note: Note

    def __post_init__(self) -> None:
        checked_number(self.old_size)
        if len(self.proof) > MAX_PROOF_HASHES:
            raise FormatError(f"a consistency proof has at most {MAX_PROOF_HASHES} hashes, not {len(self.proof)}")
        for value in self.proof:
            checked_hash(value)


def format_request(request: AddCheckpoint) -> bytes:
    """Return the body of a request; `parse_request` gives the same value back."""
    lines = [f"{_OLD}{request.old_size}", *(format_base64(value) for value in request.proof)]
    return "\n".join(lines).encode("ascii") + b"\n\n" + format_note(request.note)


def parse_request(data: bytes) -> AddCheckpoint:
    """Read the body of a request. Nothing in it is verified.

    Raises:
        FormatError: it is not an old size, a proof, an empty line and a signed note.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise FormatError(f"a request of {len(data)} bytes is above the limit of {MAX_NOTE_BYTES}")
    header, _, note = data.partition(b"\n\n")
    if not header.isascii():
        raise FormatError("a request is lines of ASCII, an empty line and a checkpoint")
    first, *hashes = header.decode("ascii").split("\n")
    if not first.startswith(_OLD):
        raise FormatError("a request begins with the line old <size>")
    return AddCheckpoint(
        old_size=parse_decimal(first.removeprefix(_OLD)),
        proof=tuple(parse_hash(line) for line in hashes),
        note=parse_note(note),
    )


def open_request(data: bytes, logs: Mapping[str, Sequence[VerifierKey]]) -> tuple[AddCheckpoint, Checkpoint] | Refused:
    """Read a request and check all that needs no memory of the log: its form, origin and signature (400, 404, 403).

    Args:
        data: the body.
        logs: the public keys of the logs that the witness knows, by origin.
    """
    try:
        request = parse_request(data)
        origin = request.note.text.partition("\n")[0]
        if origin not in logs:
            return Refused(Status.UNKNOWN_ORIGIN, "the log of this checkpoint is not known here")
        checkpoint = open_checkpoint(request.note, origin, logs[origin])
    except FormatError as error:
        return Refused(Status.BAD_REQUEST, str(error))
    except SignatureError as error:
        return Refused(Status.FORBIDDEN, str(error))
    if request.old_size > checkpoint.size:
        return Refused(Status.BAD_REQUEST, f"{request.old_size} is larger than the checkpoint's {checkpoint.size}")
    return request, checkpoint


def judge(request: AddCheckpoint, checkpoint: Checkpoint, latest: TreeHead) -> Refused | None:
    """Decide whether a checkpoint extends the `latest` one that was cosigned; None if it does (409, 422).

    For a log that was never cosigned, `latest` is NOTHING_SEEN. That also holds an empty tree to the root of none.
    """
    if request.old_size != latest.size:
        return Refused(Status.CONFLICT, f"the checkpoint cosigned last is of size {latest.size}", latest.size)
    try:
        verify_consistency(latest, checkpoint.head, request.proof)
    except ProofError as error:
        return Refused(Status.UNPROCESSABLE, str(error))
    return None


def format_size(size: int) -> bytes:
    """Return the body of the answer with status 409."""
    return f"{checked_number(size)}\n".encode("ascii")


def parse_size(data: bytes) -> int:
    """Read the body of the answer with status 409.

    Raises:
        FormatError: it is not a decimal and a newline.
    """
    if len(data) > 20 or not data.isascii() or not data.endswith(b"\n"):
        raise FormatError(f"the size that a witness tells is a decimal and a newline: {data[:40]!r}")
    return parse_decimal(data[:-1].decode("ascii"))


def seen_path(origin: str) -> str:
    """Return where a witness shows the latest checkpoint of a log ("Monitor Retrieval Mechanism")."""
    return f"{hashlib.sha256(encoded(origin)).hexdigest()}/checkpoint"


def parse_seen(data: bytes) -> tuple[Note, Checkpoint]:
    """Read the latest checkpoint of a log that a witness shows. Nothing in it is verified.

    Raises:
        FormatError: it is not a signed checkpoint.
    """
    note = parse_note(data)
    return note, parse_checkpoint(note.text)
