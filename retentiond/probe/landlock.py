"""Takes from this process, for good, every right to a file but reading below the stores (landlock(7))."""

import ctypes
import os
import struct
from collections.abc import Iterable
from contextlib import suppress

_CREATE, _ADD_RULE, _RESTRICT = 444, 445, 446
_VERSION_FLAG = 1
_BENEATH = 1
_NO_NEW_PRIVS = 38
_READ = 1 << 2 | 1 << 3  # files and directories
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_ALL_FILE_RIGHTS = 16
_TCP = 0b11
_SCOPES = 0b11  # abstract sockets and signals


def restrict_to_reading(paths: Iterable[bytes]) -> int:
    """Leave this process reading below `paths` only: no write, no name made or removed, no TCP.

    Returns:
        The version of Landlock that does so; 0 where the kernel has none, and nothing was taken away.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_CREATE, None, 0, _VERSION_FLAG)
    if version < 1:
        return 0
    rights = (1 << _FILE_RIGHTS.get(version, _ALL_FILE_RIGHTS)) - 1
    wanted = [rights, *([_TCP] if version >= 4 else []), *([_SCOPES] if version >= 6 else [])]
    attributes = struct.pack(f"={len(wanted)}Q", *wanted)
    ruleset = libc.syscall(_CREATE, attributes, len(attributes), 0)
    if ruleset < 0:
        return 0
    try:
        for path in paths:
            with suppress(OSError):  # a store that is not there has nothing to read
                _allow(libc, ruleset, path)
        libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
        return version if libc.syscall(_RESTRICT, ruleset, 0) == 0 else 0
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: bytes) -> None:
    below = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        libc.syscall(_ADD_RULE, ruleset, _BENEATH, struct.pack("=Qi", _READ, below), 0)
    finally:
        os.close(below)
