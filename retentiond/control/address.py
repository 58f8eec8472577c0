"""The address of a Unix socket at a path of any length."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_SUN_PATH = 108


@contextmanager
def socket_address(path: str) -> Iterator[str]:
    """Yield an address for bind(2) or connect(2) that means `path`, good until the block ends.

    `sockaddr_un` holds 107 bytes. A longer path is reached through a descriptor of its directory.

    Raises:
        OSError: the directory of a long path cannot be opened.
    """
    if len(os.fsencode(path)) < _SUN_PATH:
        yield path
        return
    directory, name = os.path.split(path)
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)
