"""System calls that Python does not wrap, by ctypes. They raise OSError and decide nothing."""

import ctypes
import os
import struct
from dataclasses import dataclass

_OPENAT2 = 437
_AT_EMPTY_PATH = 0x1000
_AT_SYMLINK_NOFOLLOW = 0x100
_RENAME_NOREPLACE = 1
_STATX_BASIC = 0x7FF
_STATX_BTIME = 0x800
_STATX_MNT_ID = 0x1000
_STATX_SIZE = 256
_IMMUTABLE_OR_APPEND_ONLY = 0x10 | 0x20
_INOTIFY_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC

RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08


@dataclass(frozen=True, slots=True)
class Statx:
    """What statx(2) tells beyond stat. A part is None where the kernel or the file system does not keep it."""

    mode: int
    birth_ns: int | None
    mount: int | None
    locked: bool
    """Marked immutable or append-only (chattr +i, +a): not even root removes it, or from it, while it is."""


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

    def statx(self, directory: int, name: bytes = b"") -> Statx:
        """Look at `name` in a directory without following it, or at what the descriptor itself is (statx(2))."""
        buffer = ctypes.create_string_buffer(_STATX_SIZE)
        flags = _AT_SYMLINK_NOFOLLOW if name else _AT_EMPTY_PATH | _AT_SYMLINK_NOFOLLOW
        wanted = _STATX_BASIC | _STATX_BTIME | _STATX_MNT_ID
        self._checked(self.libc.statx(directory, name, flags, wanted, buffer))
        (mask,) = struct.unpack_from("=I", buffer, 0)
        (attributes,) = struct.unpack_from("=Q", buffer, 0x08)
        (mode,) = struct.unpack_from("=H", buffer, 0x1C)
        seconds, nanoseconds = struct.unpack_from("=qI", buffer, 0x50)
        (mount,) = struct.unpack_from("=Q", buffer, 0x90)
        return Statx(
            mode=mode,
            birth_ns=int(seconds) * 1_000_000_000 + int(nanoseconds) if mask & _STATX_BTIME else None,
            mount=int(mount) if mask & _STATX_MNT_ID else None,
            locked=bool(attributes & _IMMUTABLE_OR_APPEND_ONLY),
        )

    def inotify_init(self) -> int:
        """Return a descriptor that inotify events can be read from without waiting (inotify_init1(2))."""
        return self._checked(self.libc.inotify_init1(_INOTIFY_FLAGS))

    def inotify_add_watch(self, inotify: int, path: bytes, mask: int) -> int:
        """Watch what `path` leads to; return the number that its events carry, the same again for the same inode."""
        return self._checked(self.libc.inotify_add_watch(inotify, path, ctypes.c_uint32(mask)))

    def inotify_rm_watch(self, inotify: int, watch: int) -> None:
        """End a watch; EINVAL if it has ended by itself."""
        self._checked(self.libc.inotify_rm_watch(inotify, watch))

    def _checked(self, result: int) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result


def load_system_calls() -> SystemCalls:
    """Return the system calls of this process's C library."""
    return SystemCalls(ctypes.CDLL(None, use_errno=True))
