"""Heads of a trail that somebody has kept elsewhere, in a file."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from retentiond.audit.anchors import COSIGNED, read_cosigned
from retentiond.audit.head import open_signed, read_origin
from retentiond.audit.kept import kept_segments
from retentiond.audit.segment import begun_at
from retentiond.domain.errors import AuditDamagedError, StorageError, UsageError
from retentiond.tlog.checkpoint import parse_checkpoint
from retentiond.tlog.cosignature import verify_cosignatures
from retentiond.tlog.errors import FormatError, TlogError
from retentiond.tlog.key import VerifierKey
from retentiond.tlog.note import parse_note


def head_in_file(directory: str, data: bytes, name: str) -> tuple[int, bytes]:
    """Return size and root of the checkpoint in a file: a signed note, or only its three lines.

    Args:
        directory: of the trail that it is to be of.
        data: the content of the file.
        name: of the file, for messages.

    Raises:
        UsageError: it is no checkpoint, or that of another trail.
        AuditDamagedError: it is signed, and not by a key of this trail: one of the two was exchanged.
        StorageError: the trail cannot be read.
    """
    try:
        note = parse_note(data) if b"\n\n" in data else None
        checkpoint = parse_checkpoint(data.decode() if note is None else note.text)
    except (FormatError, UnicodeDecodeError) as error:
        raise UsageError(f"{name}: is no checkpoint ({error}); name a copy of the file `checkpoint`") from error
    origin = read_origin(directory)
    if origin is not None and checkpoint.origin != origin:
        raise UsageError(f"{name}: is the head of {checkpoint.origin!r}, and the trail is that of {origin!r}")
    if note is not None:
        try:
            open_signed(directory, note)
        except TlogError as error:
            raise AuditDamagedError(
                f"{name}: does not verify with the keys beside the trail ({error}); one of them was exchanged"
            ) from error
    return checkpoint.size, checkpoint.root


@dataclass(frozen=True, slots=True)
class Cosigned:
    """What a witness has said: at that time it had seen this many records, and all heads before extend to them."""

    witness: str
    size: int
    at: datetime


def cosigned_heads(directory: str, witnesses: Sequence[VerifierKey]) -> tuple[Cosigned, ...]:
    """Return what these witnesses say of the newest cosigned head that is kept beside the trail.

    Raises:
        AuditDamagedError: a line of one of them does not verify.
        StorageError: it cannot be read.
    """
    note = read_cosigned(directory)
    if note is None:
        return ()
    try:
        said = verify_cosignatures(note, witnesses)
        size = parse_checkpoint(note.text).size
    except TlogError as error:
        raise AuditDamagedError(f"{directory}/{COSIGNED}: does not verify ({error})") from error
    return tuple(Cosigned(item.witness.name, size, datetime.fromtimestamp(item.timestamp, UTC)) for item in said)


def trail_name(directory: str) -> str:
    """Return the origin of a trail. Raises StorageError."""
    origin = read_origin(directory)
    if origin is None:
        raise StorageError(f"{directory}/origin: is not there; restore it, `checkpoint` has it in line 1")
    return origin


def first_instant(directory: str) -> datetime:
    """Return when the first record that is kept was written. Raises StorageError, AuditDamagedError."""
    segments = kept_segments(os.path.join(directory, "log"))
    if not segments:
        raise StorageError(f"{directory}: holds no records yet")
    return begun_at(segments[0])
