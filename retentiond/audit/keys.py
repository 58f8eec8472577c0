"""The key that signs heads: a file that only the daemon may read, and the public half for everybody else."""

import os
import stat

from retentiond.domain.errors import CannotCreateError, NotPermittedError, StorageError
from retentiond.durable import replace_file
from retentiond.tlog.errors import TlogError
from retentiond.tlog.key import Signer, format_vkey, parse_vkey

SEED_BYTES = 32


def make_key(path: str, origin: str) -> str:
    """Make a signing key at `path`, readable by its owner alone, and return its public half as a vkey.

    Raises:
        CannotCreateError: there is a key already, or it cannot be written. A key is never replaced.
    """
    if os.path.lexists(path):
        raise CannotCreateError(f"{path}: there is a key already; heads signed with it would lose their proof")
    seed = os.urandom(SEED_BYTES)
    try:
        signer = Signer.from_seed(origin, seed)
    except TlogError as error:
        raise CannotCreateError(f"audit.origin {origin!r} cannot name a key: {error}") from error
    replace_file(path, seed.hex().encode() + b"\n", 0o600)
    return format_vkey(signer.key)


def load_signer(path: str, origin: str) -> Signer | None:
    """Return the signer whose key lies at `path`, None if there is none.

    Raises:
        NotPermittedError: others may read the key.
        StorageError: it cannot be read, or is no key.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{path}: the signing key cannot be read ({error.strerror})") from error
    with os.fdopen(descriptor, "rb") as file:
        _check_mode(path, os.fstat(file.fileno()))
        text = file.read(256)
    try:
        return Signer.from_seed(origin, bytes.fromhex(text.decode("ascii").strip()))
    except (ValueError, TlogError) as error:
        raise StorageError(f"{path}: this is no signing key; restore it, or move it away and make a new one") from error


def remember_key(directory: str, signer: Signer, first_size: int) -> None:
    """Add the public half of a key to the trail's `keys`, with the first size it signed, unless it is there."""
    vkey = format_vkey(signer.key)
    path = os.path.join(directory, "keys")
    known = read_keys(directory)
    if vkey not in known:
        lines = [f"{item} {size}" for item, size in known.items()] + [f"{vkey} {first_size}"]
        replace_file(path, ("\n".join(lines) + "\n").encode(), 0o644)


def read_keys(directory: str) -> dict[str, int]:
    """Return the public keys that ever signed heads of the trail, with the first size of each."""
    try:
        with open(os.path.join(directory, "keys"), encoding="utf-8") as file:
            rows = [line.rsplit(" ", 1) for line in file.read().splitlines()]
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StorageError(f"{directory}/keys: cannot be read ({error})") from error
    keys = {}
    for row in rows:
        try:
            vkey, size = row
            parse_vkey(vkey)
            keys[vkey] = int(size)
        except ValueError as error:
            raise StorageError(
                f"{directory}/keys: holds a line that is no key; restore it from the DPO's copy"
            ) from error
    return keys


def _check_mode(path: str, status: os.stat_result) -> None:
    """Refuse a key that others may read: 0600, or 0640 if root owns it."""
    allowed = 0o640 if status.st_uid == 0 else 0o600
    if not stat.S_ISREG(status.st_mode) or stat.S_IMODE(status.st_mode) & ~allowed:
        mode = stat.S_IMODE(status.st_mode)
        raise NotPermittedError(f"{path}: others may read the signing key (mode {mode:04o}); run: chmod 0600 {path}")
