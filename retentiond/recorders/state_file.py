"""Reads a file of our own state directory, which somebody may have replaced by anything."""

import os
import stat

from retentiond.domain.errors import StorageError


def read_state(path: str, limit_bytes: int) -> bytes | None:
    """Return the content of a file of ours, None if there is none.

    Raises:
        StorageError: it cannot be read, is no regular file, or is larger than what is ever written there.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise StorageError(f"{path}: is no regular file")
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(limit_bytes + 1)
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror})") from error
    finally:
        os.close(descriptor)
    if len(data) > limit_bytes:
        raise StorageError(f"{path}: is larger than anything that is ever written there; remove it")
    return data
