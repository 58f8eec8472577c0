"""Reads the configuration of a recorder from disk, for the parsers that take the reading as an argument."""

import os
import stat
from collections.abc import Sequence

from retentiond.domain.errors import StorageError

_LIMIT = 1 << 20


def read_text(path: str) -> str:
    """Return the text of a file; bytes that are no UTF-8 survive as surrogates.

    Raises:
        StorageError: it cannot be read, or is larger than any configuration.
    """
    try:
        data = _read(path)
    except (OSError, ValueError) as error:
        raise StorageError(
            f"{path}: the recorder's configuration cannot be read ({_reason(error)}); "
            "correct `recorder_config`, or give the daemon's user the right to read it"
        ) from error
    if len(data) > _LIMIT:
        raise StorageError(f"{path}: larger than 1 MiB, so it is no configuration; correct `recorder_config`")
    return data.decode("utf-8", "surrogateescape")


def list_conf(directory: str) -> Sequence[str]:
    """Return the paths of the `*.conf` files in a directory, sorted.

    Raises:
        StorageError: it cannot be listed.
    """
    try:
        found = os.listdir(directory)
    except (OSError, ValueError) as error:
        raise StorageError(
            f"{directory}: the recorder's directory of cameras cannot be listed ({_reason(error)}); "
            "correct the recorder's configuration, or give the daemon's user the right to read it"
        ) from error
    return [os.path.join(directory, name) for name in sorted(found) if name.endswith(".conf") and name != ".conf"]


def real_path(path: str) -> str:
    """Return a path without symbolic links, as far as it exists.

    Raises:
        StorageError: it is no path.
    """
    try:
        return os.path.realpath(path)
    except (OSError, ValueError) as error:
        raise StorageError(f"{path!r}: cannot be a directory ({_reason(error)}); correct `target_dir`") from error


def is_there(root: str, path: bytes) -> bool:
    """Tell whether something is at a path below a directory; what cannot be looked at may be there."""
    try:
        os.lstat(os.path.join(os.fsencode(root), path))
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return True
    return True


def _read(path: str) -> bytes:
    """Return the first bytes of a regular file; a pipe in its place must not make the daemon wait."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("not a file")
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(_LIMIT + 1)
    finally:
        os.close(descriptor)


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror or "unreadable") if isinstance(error, OSError) else "it is no file"
