"""What the trail is known by beside its lines: its origin, and its newest head, signed where there is a key."""

import os

from retentiond.audit.keys import read_keys
from retentiond.domain.errors import AuditDamagedError, ConfigurationError, StorageError
from retentiond.durable import replace_file
from retentiond.ports import Head
from retentiond.tlog.checkpoint import Checkpoint, format_checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from retentiond.tlog.errors import TlogError
from retentiond.tlog.key import Signer, parse_vkey
from retentiond.tlog.note import format_note, parse_note

_MOST_BYTES = 65_536


def keep_origin(directory: str, origin: str) -> None:
    """Give a trail its origin, once and for all.

    Raises:
        ConfigurationError: the trail has another one. Heads of one trail under two names would prove nothing.
        StorageError: it cannot be read or written.
    """
    path = os.path.join(directory, "origin")
    known = read_origin(directory)
    if known is None:
        replace_file(path, f"{origin}\n".encode(), 0o644)
    elif known != origin:
        raise ConfigurationError(
            f"audit.origin is {origin!r}, and the trail in {directory} is that of {known!r}; put the old origin back, "
            "or give the new one another state directory"
        )


def read_origin(directory: str) -> str | None:
    """Return the origin of the trail, None if it has none yet. Raises StorageError."""
    data = _read(os.path.join(directory, "origin"))
    if data is None:
        return None
    try:
        return data.decode().removesuffix("\n")
    except UnicodeDecodeError as error:
        raise StorageError(f"{directory}/origin: is no text; restore it, `checkpoint` has it in line 1") from error


def write_head(directory: str, origin: str, head: Head, signer: Signer | None) -> None:
    """Replace the trail's `checkpoint`. Raises StorageError."""
    checkpoint = Checkpoint(origin=origin, size=head.size, root=head.root)
    if signer is None:
        data = format_checkpoint(checkpoint).encode()
    else:
        data = format_note(sign_checkpoint(checkpoint, [signer]))
    replace_file(os.path.join(directory, "checkpoint"), data, 0o644)


def read_head(directory: str) -> Head | None:
    """Return the head kept on disk, None if there is none yet; `signed` only if a known key's signature verifies.

    Raises:
        AuditDamagedError: it is no checkpoint of this trail, or keys of the trail are known and none signed it.
        StorageError: it cannot be read.
    """
    path = os.path.join(directory, "checkpoint")
    data = _read(path)
    if data is None:
        return None
    keys = [parse_vkey(vkey) for vkey in read_keys(directory)]
    try:
        if b"\n\n" not in data:
            checkpoint, signed = parse_checkpoint(data.decode()), False
        elif keys:
            note = parse_note(data)
            checkpoint, signed = open_checkpoint(note, parse_checkpoint(note.text).origin, keys), True
        else:
            checkpoint, signed = parse_checkpoint(parse_note(data).text), False
    except (TlogError, UnicodeDecodeError) as error:
        raise AuditDamagedError(
            f"{path}: the head does not verify ({error}); compare it with one kept elsewhere"
        ) from error
    origin = read_origin(directory)
    if origin is not None and checkpoint.origin != origin:
        raise AuditDamagedError(f"{path}: is the head of {checkpoint.origin!r}, and the trail is that of {origin!r}")
    return Head(checkpoint.size, checkpoint.root, signed)


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read(_MOST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror})") from error
