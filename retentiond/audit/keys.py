"""The key that signs heads: a file that only the daemon may read, and the public half for everybody else."""

import os
import shlex
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
        raise CannotCreateError(
            f"{path}: there is a key already, and heads signed with it would lose their proof; move it away first"
        )
    seed = os.urandom(SEED_BYTES)
    try:
        signer = Signer.from_seed(origin, seed)
        replace_file(path, seed.hex().encode() + b"\n", 0o600)
    except TlogError as error:
        raise CannotCreateError(f"audit.origin {origin!r} cannot name a key: {error}") from error
    except StorageError as error:
        raise CannotCreateError(f"the signing key cannot be made: {error}") from error
    return format_vkey(signer.key)


def load_signer(path: str, origin: str) -> Signer | None:
    """Return the signer whose key lies at `path`, None if there is none.

    Raises:
        NotPermittedError: others may read the key, or it is no ordinary file.
        StorageError: it cannot be read, or is no key.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{path}: the signing key cannot be read ({error.strerror})") from error
    try:
        _check_mode(path, os.fstat(descriptor))
        text = os.read(descriptor, 256)
    except OSError as error:
        raise StorageError(f"{path}: the signing key cannot be read ({error.strerror})") from error
    finally:
        os.close(descriptor)
    try:
        return Signer.from_seed(origin, bytes.fromhex(text.decode("ascii").strip()))
    except (ValueError, TlogError) as error:
        raise StorageError(f"{path}: this is no signing key; restore it, or move it away and make a new one") from error


def remember_key(directory: str, signer: Signer, first_size: int) -> None:
    """Add the public half of a key to the trail's `keys`, with the first size it signed, unless it is there.

    Raises:
        StorageError: `keys` cannot be read or written.
    """
    vkey = format_vkey(signer.key)
    known = read_keys(directory)
    if vkey not in known:
        lines = [f"{item} {size}\n" for item, size in {**known, vkey: first_size}.items()]
        replace_file(os.path.join(directory, "keys"), "".join(lines).encode(), 0o644)


def read_keys(directory: str) -> dict[str, int]:
    """Return the public keys that ever signed heads of the trail, with the first size of each.

    Raises:
        StorageError: `keys` cannot be read, or holds something else.
    """
    path = os.path.join(directory, "keys")
    try:
        with open(path, encoding="utf-8") as file:
            rows = file.read().splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{path}: cannot be read ({error})") from error
    keys = {}
    for number, row in enumerate(rows, 1):
        vkey, _, size = row.rpartition(" ")
        try:
            parse_vkey(vkey)
            keys[vkey] = int(size)
        except (ValueError, TlogError) as error:
            raise StorageError(f"{path}, line {number}: is no key; restore the file from the DPO's copy") from error
    return keys


def _check_mode(path: str, status: os.stat_result) -> None:
    """Refuse a key that others may read: 0600, or 0640 if root owns it."""
    if not stat.S_ISREG(status.st_mode):
        raise NotPermittedError(f"{path}: the signing key has to be an ordinary file")
    allowed = 0o640 if status.st_uid == 0 else 0o600
    mode = stat.S_IMODE(status.st_mode)
    if mode & ~allowed:
        raise NotPermittedError(
            f"{path}: others may read the signing key (mode {mode:04o}); run: chmod 0600 {shlex.quote(path)}"
        )
