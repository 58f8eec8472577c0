"""Reads the configuration of a recorder from disk, for the parsers that take the reading as an argument."""

import os
from collections.abc import Sequence

from retentiond.domain.errors import StorageError

_LIMIT = 1 << 20


def read_text(path: str) -> str:
    """Return the text of a file; bytes that are no UTF-8 survive as surrogates.

    Raises:
        StorageError: it cannot be read, or is larger than any configuration.
    """
    try:
        with open(path, "rb") as file:
            data = file.read(_LIMIT + 1)
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
    """Return a path without symbolic links, as far as it exists."""
    return os.path.realpath(path)


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror or "unreadable") if isinstance(error, OSError) else "not a path"
