"""One writer for a state directory: an advisory lock that is held for life."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

from retentiond.domain.errors import CannotCreateError, TryAgainError


@contextmanager
def state_lock(state: str) -> Iterator[None]:
    """Hold the lock of the state directory `state`, making the directory if it is not there.

    Raises:
        TryAgainError: another process holds it: a daemon runs on this state directory.
        CannotCreateError: the directory or the lock file cannot be made.
    """
    path = os.path.join(state, "lock")
    try:
        os.makedirs(state, mode=0o750, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
    except OSError as error:
        raise CannotCreateError(
            f"{path}: cannot be made ({error.strerror}); make it writable for the daemon"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise TryAgainError(f"{path}: another retentiond works on this state directory; stop it first") from error
        except OSError as error:  # a network file system without locks, such as NFS that nobody serves locks for
            what = f"{path}: cannot be locked ({error.strerror})"
            raise CannotCreateError(f"{what}; keep the state on a disk of this machine") from error
        yield
    finally:
        os.close(descriptor)
