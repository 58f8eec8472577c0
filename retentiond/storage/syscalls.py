"""System calls that Python does not wrap, by ctypes. They raise OSError and decide nothing."""

import ctypes
import os
import struct
from dataclasses import dataclass

_OPENAT2 = 437
_AT_EMPTY_PATH = 0x1000
_AT_SYMLINK_NOFOLLOW = 0x100
_RENAME_NOREPLACE = 1
_STATX_BTIME = 0x800
_STATX_SIZE = 256

RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08


@dataclass(frozen=True, slots=True)
class SystemCalls:
    """The C library of this process."""

    libc: ctypes.CDLL

    def openat2(self, directory: int, path: bytes, flags: int, resolve: int) -> int:
        """Open `path` below `directory` under RESOLVE_ restrictions (openat2(2)); ENOSYS on kernels before 5.6."""
        how = struct.pack("=QQQ", flags, 0, resolve)
        return self._checked(self.libc.syscall(_OPENAT2, directory, path, how, ctypes.c_size_t(len(how))))

    def rename_noreplace(self, source: int, name: bytes, target: int, new_name: bytes) -> None:
        """Rename without ever replacing (renameat2(2)); EEXIST if the new name is taken, EINVAL where unsupported."""
        self._checked(self.libc.renameat2(source, name, target, new_name, _RENAME_NOREPLACE))

    def birth_ns(self, descriptor: int) -> int | None:
        """Return when the file behind a descriptor was made (statx(2)), None where the file system does not keep it."""
        buffer = ctypes.create_string_buffer(_STATX_SIZE)
        flags = _AT_EMPTY_PATH | _AT_SYMLINK_NOFOLLOW
        self._checked(self.libc.statx(descriptor, b"", flags, _STATX_BTIME, buffer))
        (mask,) = struct.unpack_from("=I", buffer, 0)
        if not mask & _STATX_BTIME:
            return None
        seconds, nanoseconds = struct.unpack_from("=qI", buffer, 0x50)
        return int(seconds) * 1_000_000_000 + int(nanoseconds)

    def _checked(self, result: int) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result


def load_system_calls() -> SystemCalls:
    """Return the system calls of this process's C library."""
    return SystemCalls(ctypes.CDLL(None, use_errno=True))
