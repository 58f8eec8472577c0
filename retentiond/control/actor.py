"""Who asked, as the trail may say it: a pseudonym, the same for the same user of this machine."""

import hashlib
import hmac
import os

from retentiond.domain.errors import StorageError
from retentiond.durable import replace_file


def actor_name(state: str, uid: int) -> str:
    """Return the pseudonym of the user `uid`: `op-` and 8 hex digits, keyed by a secret of the state directory.

    The trail carries no name of a person (I10); whoever may read the secret can tell which user it was, and
    forgetting the secret makes all of them anonymous.
    """
    return "op-" + hmac.new(_key(os.path.join(state, "actor.key")), str(uid).encode(), hashlib.sha256).hexdigest()[:8]


def _key(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(64)
    except FileNotFoundError:
        key = os.urandom(32)
        replace_file(path, key, 0o600)
        return key
    except OSError as error:
        raise StorageError(f"{path}: the key of pseudonyms cannot be read ({error.strerror})") from error
