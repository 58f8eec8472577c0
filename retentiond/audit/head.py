"""The newest head on disk: a C2SP checkpoint, signed where there is a key."""

import os

from retentiond.audit.keys import read_keys
from retentiond.domain.errors import AuditDamagedError, StorageError
from retentiond.durable import replace_file
from retentiond.ports import Head
from retentiond.tlog.checkpoint import (
    Checkpoint,
    format_checkpoint,
    open_checkpoint,
    parse_checkpoint,
    sign_checkpoint,
)
from retentiond.tlog.errors import TlogError
from retentiond.tlog.key import Signer, parse_vkey
from retentiond.tlog.note import format_note, parse_note


def write_head(directory: str, origin: str, head: Head, signer: Signer | None) -> None:
    """Replace the trail's `checkpoint`. Raises StorageError."""
    checkpoint = Checkpoint(origin=origin, size=head.size, root=head.root)
    data = (
        format_checkpoint(checkpoint).encode() if signer is None else format_note(sign_checkpoint(checkpoint, [signer]))
    )
    replace_file(os.path.join(directory, "checkpoint"), data, 0o644)


def read_head(directory: str) -> Head | None:
    """Return the head kept on disk, None if there is none yet; `signed` only if a known key's signature verifies.

    Raises:
        AuditDamagedError: it is no checkpoint, or a known key did not sign this.
    """
    path = os.path.join(directory, "checkpoint")
    try:
        with open(path, "rb") as file:
            data = file.read(65_536)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        if b"\n\n" not in data:
            plain = parse_checkpoint(data.decode())
            return Head(plain.size, plain.root, signed=False)
        note = parse_note(data)
        keys = [parse_vkey(vkey) for vkey in read_keys(directory)]
        checkpoint = open_checkpoint(note, parse_checkpoint(note.text).origin, keys)
    except (TlogError, UnicodeDecodeError) as error:
        raise AuditDamagedError(
            f"{path}: the head does not verify ({error}); compare with one kept elsewhere"
        ) from error
    return Head(checkpoint.size, checkpoint.root, signed=True)
