"""What the trail is known by beside its lines: its origin, and its newest head, signed where there is a key."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from retentiond.audit.keys import known_keys
from retentiond.domain.errors import AuditDamagedError, ConfigurationError, StorageError
from retentiond.durable import replace_file
from retentiond.ports import Head
from retentiond.tlog.checkpoint import Checkpoint, format_checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from retentiond.tlog.errors import TlogError
from retentiond.tlog.key import Signer, VerifierKey, parse_vkey
from retentiond.tlog.note import Note, format_note, parse_note

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
    data = read_small(os.path.join(directory, "origin"))
    if data is None:
        return None
    try:
        return data.decode().removesuffix("\n")
    except UnicodeDecodeError as error:
        raise StorageError(f"{directory}/origin: is no text; restore it, `checkpoint` has it in line 1") from error


@dataclass(frozen=True, slots=True)
class Attested:
    """A size and a root that somebody vouches for; `name` says who, as in "the head on disk"."""

    name: str
    size: int
    root: bytes


def format_head(origin: str, size: int, root: bytes, signers: Sequence[Signer]) -> bytes:
    """Return a head as it is kept and published: a signed note, or only its text where there is no key."""
    checkpoint = Checkpoint(origin=origin, size=size, root=root)
    return format_note(sign_checkpoint(checkpoint, signers)) if signers else format_checkpoint(checkpoint).encode()


def write_head(directory: str, origin: str, head: Head, signers: Sequence[Signer]) -> None:
    """Replace the trail's `checkpoint`. Raises StorageError."""
    data = format_head(origin, head.size, head.root, signers)
    replace_file(os.path.join(directory, "checkpoint"), data, 0o644)


def read_head(directory: str, trusted: Collection[VerifierKey] | None = None) -> Head | None:
    """Return the head kept on disk, None if there is none yet; `signed` only if a known key's signature verifies.

    Args:
        directory: of the trail.
        trusted: believe none of the keys in `keys` but these.

    Raises:
        AuditDamagedError: it is no checkpoint of this trail, or keys of the trail are known and none that may sign a
            head of this size has signed it.
        StorageError: it cannot be read.
    """
    path = os.path.join(directory, "checkpoint")
    data = read_small(path)
    if data is None:
        return None
    known = known_keys(directory)
    try:
        if b"\n\n" not in data:
            checkpoint, signed = parse_checkpoint(data.decode()), False
        elif known or trusted is not None:
            checkpoint, signed = open_signed(directory, parse_note(data), trusted), True
        else:
            checkpoint, signed = parse_checkpoint(parse_note(data).text), False
    except (TlogError, UnicodeDecodeError) as error:
        raise AuditDamagedError(
            f"{path}: the head does not verify ({error}); compare it with one kept elsewhere"
        ) from error
    origin = read_origin(directory)
    if origin is not None and checkpoint.origin != origin:
        raise AuditDamagedError(f"{path}: is the head of {checkpoint.origin!r}, and the trail is that of {origin!r}")
    return Head(checkpoint.size, checkpoint.root, signed, checkpoint.origin)


def open_signed(directory: str, note: Note, trusted: Collection[VerifierKey] | None = None) -> Checkpoint:
    """Return what a head states that a key of the trail has signed, one that may sign heads of this size.

    Raises:
        TlogError: no such key has signed it, or a known signature does not verify.
        StorageError: `keys` cannot be read.
    """
    checkpoint = parse_checkpoint(note.text)
    return open_checkpoint(note, checkpoint.origin, signing_keys(directory, checkpoint.size, trusted))


def signing_keys(directory: str, size: int, trusted: Collection[VerifierKey] | None = None) -> tuple[VerifierKey, ...]:
    """Return the keys of the trail that may sign a head of this size; of those that are `trusted`, where given.

    Raises:
        StorageError: `keys` cannot be read.
    """
    keys = (parse_vkey(key.vkey) for key in known_keys(directory) if key.may_sign(size))
    return tuple(key for key in keys if trusted is None or key in trusted)


def read_small(path: str) -> bytes | None:
    """Return what a small file of the trail holds, None if it is not there. Raises StorageError."""
    try:
        with open(path, "rb") as file:
            return file.read(_MOST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror})") from error
