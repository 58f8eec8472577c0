"""Heads that others vouch for, kept beside the trail: those with a time stamp for good, of cosigned ones the newest.

`anchors/<size>.note` has the bytes of a head exactly as they were published, `.tsr` the answer of a time-stamping
authority over exactly these bytes (RFC 3161), and `.cosig` the lines of witnesses (C2SP tlog-cosignature).
`checkpoint.cosigned` is the newest head with the lines of witnesses in it, `checkpoint.forgotten` one that a witness
had cosigned before it lost its state. Nothing here is believed because it lies
here: signatures are verified where it is used. It holds no personal data and is not pruned.
"""

import os
import re
from dataclasses import dataclass

from retentiond.audit.head import Attested, open_signed, read_small
from retentiond.domain.errors import AuditDamagedError, StorageError
from retentiond.durable import replace_file, sync_directory
from retentiond.tlog.checkpoint import Checkpoint, parse_checkpoint
from retentiond.tlog.errors import TlogError
from retentiond.tlog.note import Note, format_note, parse_note, parse_signatures

COSIGNED = "checkpoint.cosigned"
FORGOTTEN = "checkpoint.forgotten"
_NAME = re.compile(r"([0-9]{20})\.note", re.ASCII)
_ADVICE = "keep a copy as evidence, and move it away"


@dataclass(frozen=True, slots=True)
class Anchor:
    """A head as it was published, and what others say of it.

    Attributes:
        note: the signed note, exactly as it was published.
        stamp: the answer of a time-stamping authority over these bytes, as DER; empty if there is none.
        cosignatures: lines of witnesses, each with its newline; empty if there are none.
        path: where the note lies, for messages.
    """

    note: bytes
    stamp: bytes = b""
    cosignatures: str = ""
    path: str = ""

    @property
    def checkpoint(self) -> Checkpoint:
        """The size and root that the note states, unverified. Raises TlogError."""
        return parse_checkpoint(parse_note(self.note).text)

    @property
    def cosigned(self) -> Note:
        """The note with the lines of the witnesses in it. Raises TlogError."""
        note = parse_note(self.note)
        return Note(note.text, (*note.signatures, *parse_signatures(self.cosignatures))) if self.cosignatures else note


def anchored_sizes(directory: str) -> list[int]:
    """Return the sizes of the heads in `anchors/`, the smallest first. Raises StorageError."""
    path = os.path.join(directory, "anchors")
    try:
        names = os.listdir(path)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror})") from error
    return sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))


def read_anchor(directory: str, size: int) -> Anchor:
    """Return the head of this size that is kept in `anchors/`.

    Raises:
        AuditDamagedError: it is not the checkpoint of that size, or the lines of witnesses are none.
        StorageError: it cannot be read.
    """
    stem = os.path.join(directory, "anchors", f"{size:020d}")
    path = f"{stem}.note"
    note, stamp, lines = (read_small(f"{stem}.{kind}") for kind in ("note", "tsr", "cosig"))
    if note is None:
        raise StorageError(f"{path}: is not there any more")
    try:
        anchor = Anchor(note, stamp or b"", (lines or b"").decode(), path)
        stated = parse_checkpoint(anchor.cosigned.text).size
    except (TlogError, UnicodeDecodeError) as error:
        raise AuditDamagedError(f"{path}: is no head, or what lies beside it ({error}); {_ADVICE}") from error
    if stated != size:
        raise AuditDamagedError(f"{path}: is the head of {stated} records; {_ADVICE}")
    return anchor


def keep_anchor(directory: str, anchor: Anchor) -> None:
    """Keep a head in `anchors/`, and what others say of it; the note first. Raises StorageError."""
    folder = os.path.join(directory, "anchors")
    try:
        if not os.path.isdir(folder):
            os.makedirs(folder, mode=0o750, exist_ok=True)
            sync_directory(directory)
    except OSError as error:
        raise StorageError(f"{folder}: cannot be made ({error.strerror})") from error
    stem = os.path.join(folder, f"{anchor.checkpoint.size:020d}")
    for kind, data in (("note", anchor.note), ("cosig", anchor.cosignatures.encode()), ("tsr", anchor.stamp)):
        if data:
            replace_file(f"{stem}.{kind}", data, 0o644)


def read_cosigned(directory: str) -> Note | None:
    """Return the newest head that a witness has cosigned, with its lines; None if there is none.

    Raises:
        AuditDamagedError: it is no head.
        StorageError: it cannot be read.
    """
    return _read_note(os.path.join(directory, COSIGNED))


def keep_cosigned(directory: str, note: Note) -> None:
    """Replace the newest cosigned head. Raises StorageError."""
    replace_file(os.path.join(directory, COSIGNED), format_note(note), 0o644)


def keep_forgotten(directory: str, note: Note) -> None:
    """Keep a head that a witness has cosigned and does not know any more; the first one. Raises StorageError."""
    path = os.path.join(directory, FORGOTTEN)
    if not os.path.lexists(path):
        replace_file(path, format_note(note), 0o644)


def read_forgotten(directory: str) -> Note | None:
    """Return the head that a witness had cosigned and forgot, None if it forgot none.

    Raises:
        AuditDamagedError: it is no head.
        StorageError: it cannot be read.
    """
    return _read_note(os.path.join(directory, FORGOTTEN))


def kept_heads(directory: str) -> list[Attested]:
    """Return what the heads that others vouch for state, each with a signature of a key of the trail.

    Whoever writes the files can remove them, or put older ones back, and with the key make others. What makes them
    more than that is what others say of them.

    Raises:
        AuditDamagedError: one is no head, or no key of the trail that may sign it has signed it.
        StorageError: one cannot be read.
    """
    found = []
    for size in anchored_sizes(directory):
        anchor = read_anchor(directory, size)
        found.append(_attested(directory, parse_note(anchor.note), anchor.path))
    for name, note in ((COSIGNED, read_cosigned(directory)), (FORGOTTEN, read_forgotten(directory))):
        if note is not None:
            found.append(_attested(directory, note, os.path.join(directory, name)))
    return found


def _attested(directory: str, note: Note, path: str) -> Attested:
    try:
        stated = open_signed(directory, note)
    except TlogError as error:
        raise AuditDamagedError(f"{path}: the head does not verify ({error}); {_ADVICE}") from error
    return Attested(f"the head in {path}", stated.size, stated.root)


def _read_note(path: str) -> Note | None:
    data = read_small(path)
    if data is None:
        return None
    try:
        note = parse_note(data)
        parse_checkpoint(note.text)
    except TlogError as error:
        raise AuditDamagedError(f"{path}: is no head ({error}); {_ADVICE}") from error
    return note
