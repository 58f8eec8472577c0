"""The keys that sign heads: files that only the daemon may read, and the public halves for everybody else."""

import os
import shlex
import stat
from collections.abc import Collection
from dataclasses import dataclass, replace

from retentiond.domain.errors import CannotCreateError, ConfigurationError, NotPermittedError, StorageError
from retentiond.durable import replace_file
from retentiond.tlog.encoding import parse_decimal
from retentiond.tlog.errors import TlogError
from retentiond.tlog.key import Signer, format_vkey, parse_vkey

SEED_BYTES = 32
CREDENTIAL = "audit-key"
"""What systemd calls the key where it hands it over: `LoadCredential=audit-key:…` or `LoadCredentialEncrypted=`."""

NEXT = ".next"
"""Added to the place of the key: the one that will take its place, while heads are signed by both."""

NEXT_CREDENTIAL = "audit-key-next"


@dataclass(frozen=True, slots=True)
class Signers:
    """The private keys at hand. While keys rotate there are two, and otherwise `upcoming` is None."""

    current: Signer | None
    upcoming: Signer | None = None


@dataclass(frozen=True, slots=True)
class KnownKey:
    """A public key of the trail: it signs heads of `first` records and more, and since it retired up to `last`."""

    vkey: str
    first: int
    last: int | None = None

    def may_sign(self, size: int) -> bool:
        """Tell whether a head of this size may bear its signature."""
        return self.first <= size and (self.last is None or size <= self.last)


def make_key(path: str, origin: str) -> str:
    """Make a signing key at `path`, readable by its owner alone, and return its public half as a vkey.

    Raises:
        CannotCreateError: there is a key already, or it cannot be written. A key is never replaced.
    """
    if os.path.lexists(path):
        raise CannotCreateError(
            f"{path}: there is a key already, and heads signed with it would lose their proof; to change it: "
            "retentiond audit keygen --rotate; to see its public half: retentiond audit keygen --show"
        )
    return _write_key(path, origin)


def make_next_key(path: str, origin: str) -> str:
    """Begin a rotation: make the key that will take the place of the one at `path`; return its public half.

    From its next start on, the writer puts it on the record, and heads are signed by both for a while.

    Raises:
        CannotCreateError: there is no key to rotate, a rotation is under way, or it cannot be written.
        NotPermittedError: others may read one of the keys.
        StorageError: one of the keys cannot be read.
    """
    signers = load_signers(path, origin)
    if signers.current is None:
        raise CannotCreateError(f"{path}: there is no key that could be rotated; make one: retentiond audit keygen")
    if signers.upcoming is not None:
        raise CannotCreateError(
            f"{path}{NEXT}: a rotation is under way already; it ends by itself some days after the daemon began it"
        )
    return _write_key(path + NEXT, origin)


def finish_rotation(directory: str, path: str, origin: str) -> bool:
    """Put the next key in the place of the one that has retired; tell whether there was one. The old one is gone then.

    Called before a start. A copy of the new key stays as the next one until another rotation; equal keys are one.

    Raises:
        NotPermittedError: others may read one of the keys.
        StorageError: a key cannot be read or written.
    """
    signers = load_signers(path, origin)
    retired = {key.vkey for key in known_keys(directory) if key.last is not None}
    if signers.current is None or signers.upcoming is None or format_vkey(signers.current.key) not in retired:
        return False
    seed = signers.upcoming.private_key.private_bytes_raw()
    replace_file(path, _text_of(seed), 0o600)
    return True


def load_signers(path: str, origin: str, *, credentials: str | None = None) -> Signers:
    """Return the keys that lie at `path` and beside it, or in the directory in which systemd keeps `credentials`.

    Raises:
        ConfigurationError: there is one in both places, and they differ.
        NotPermittedError: others may read a key, or it is no ordinary file.
        StorageError: a key cannot be read, or is none.
    """
    current = _load_either(path, CREDENTIAL, origin, credentials)
    upcoming = _load_either(path + NEXT, NEXT_CREDENTIAL, origin, credentials)
    if current is None or upcoming is None or upcoming.key == current.key:
        return Signers(current or upcoming)
    return Signers(current, upcoming)


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


# --- the public halves, in the file `keys` ------------------------------------------------------------------------


def remember_key(directory: str, signer: Signer, first_size: int) -> None:
    """Add the public half of a key to the trail's `keys`, with the first size it signed, unless it is there.

    Raises:
        StorageError: `keys` cannot be read or written.
    """
    vkey = format_vkey(signer.key)
    known = known_keys(directory)
    if all(key.vkey != vkey for key in known):
        _write_known(directory, [*known, KnownKey(vkey, first_size)])


def retire_keys(directory: str, vkeys: Collection[str], last_size: int) -> None:
    """Note that these keys sign nothing beyond `last_size`, unless they retired before. Raises StorageError."""
    known = known_keys(directory)
    changed = [replace(key, last=last_size) if key.vkey in vkeys and key.last is None else key for key in known]
    if changed != known:
        _write_known(directory, changed)


def read_keys(directory: str) -> dict[str, int]:
    """Return the public keys that ever signed heads of the trail, with the first size of each. Raises StorageError."""
    return {key.vkey: key.first for key in known_keys(directory)}


def known_keys(directory: str) -> list[KnownKey]:
    """Return the public keys that ever signed heads of the trail, the oldest first.

    Raises:
        StorageError: `keys` cannot be read, or holds something else.
    """
    path = os.path.join(directory, "keys")
    try:
        with open(path, encoding="utf-8") as file:
            rows = file.read().splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{path}: cannot be read ({error})") from error
    keys = []
    for number, row in enumerate(rows, 1):
        vkey, *sizes = row.split(" ")
        try:
            parse_vkey(vkey)
            first, *last = (parse_decimal(size) for size in sizes)
            keys.append(KnownKey(vkey, first, *last))
        except (ValueError, TypeError, TlogError) as error:
            raise StorageError(f"{path}, line {number}: is no key; restore the file from the DPO's copy") from error
    return keys


def _write_known(directory: str, keys: list[KnownKey]) -> None:
    lines = [f"{key.vkey} {key.first}{'' if key.last is None else f' {key.last}'}\n" for key in keys]
    replace_file(os.path.join(directory, "keys"), "".join(lines).encode(), 0o644)


# --- files --------------------------------------------------------------------------------------------------------


def _write_key(path: str, origin: str) -> str:
    if not os.path.isdir(os.path.dirname(path) or "."):
        raise CannotCreateError(
            f"{path}: its directory is not there yet; start the daemon once, or make it for the daemon's user"
        )
    seed = os.urandom(SEED_BYTES)
    try:
        signer = Signer.from_seed(origin, seed)
        replace_file(path, _text_of(seed), 0o600)
    except TlogError as error:
        raise CannotCreateError(f"audit.origin {origin!r} cannot name a key: {error}") from error
    except StorageError as error:
        raise CannotCreateError(f"the signing key cannot be made: {error}") from error
    return format_vkey(signer.key)


def _text_of(seed: bytes) -> bytes:
    return seed.hex().encode() + b"\n"


def _load_either(path: str, credential: str, origin: str, credentials: str | None) -> Signer | None:
    handed = None if credentials is None else load_signer(os.path.join(credentials, credential), origin)
    kept = load_signer(path, origin)
    if handed is not None and kept is not None and handed.key != kept.key:
        raise ConfigurationError(
            f"{path} and the unit's credential {credential} are two different signing keys; keep only one of them"
        )
    return handed or kept


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
