"""Who asked, as the trail may say it: a pseudonym, the same for the same user of this machine."""

import fcntl
import hashlib
import hmac
import os

from retentiond.domain.errors import StorageError

KEY_BYTES = 32


def actor_name(state: str, uid: int) -> str:
    """Return the pseudonym of the user `uid`: `op-` and 8 hex digits, keyed by a secret of the state directory.

    The trail carries no name of a person (I10); whoever may read the secret can tell which user it was, and
    forgetting the secret makes all of them anonymous. Safe from any thread.

    Raises:
        StorageError: the secret cannot be read, or cannot be made.
    """
    return "op-" + hmac.new(_key(os.path.join(state, "actor.key")), str(uid).encode(), hashlib.sha256).hexdigest()[:8]


def _key(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            return _kept_key(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StorageError(
            f"{path}: the key of pseudonyms cannot be read ({error.strerror}); give it to the daemon's user"
        ) from error


def _kept_key(descriptor: int) -> bytes:
    """Return the key, made if there is none yet. Two that come first at once agree on one, by the lock."""
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    key = os.pread(descriptor, KEY_BYTES, 0)
    if len(key) < KEY_BYTES:  # a crash came before it was whole, so that nobody has been named by it
        key = os.urandom(KEY_BYTES)
        os.pwrite(descriptor, key, 0)
        os.fsync(descriptor)
    return key
