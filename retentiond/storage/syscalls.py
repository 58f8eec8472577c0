"""System calls that Python does not wrap, by ctypes. They raise OSError and decide nothing."""

import ctypes
import errno
import fcntl
import os
import struct
from contextlib import suppress
from dataclasses import dataclass

_OPENAT2 = 437
_AT_EMPTY_PATH = 0x1000
_AT_SYMLINK_NOFOLLOW = 0x100
_RENAME_NOREPLACE = 1
_STATX_BASIC = 0x7FF
_STATX_BTIME = 0x800
_STATX_MNT_ID = 0x1000
_STATX_WANTED = _STATX_BASIC | _STATX_BTIME | _STATX_MNT_ID
_NS = 1_000_000_000
_STATX = struct.Struct("=I4xQI8xH2xQQ32xqI20xqI20xQ")
"""Mask, attributes, links, mode, inode, size, birth, mtime and mount, where the kernel puts them."""
_StatxBuffer = ctypes.c_char * 256
_IMMUTABLE_OR_APPEND_ONLY = 0x10 | 0x20
_FIEMAP = 0xC020660B
_FIEMAP_HEAD = struct.Struct("=QQIIII")
_FIEMAP_EXTENT = struct.Struct("=QQQ16xI12x")
_EXTENTS_AT_ONCE = 64
_EXTENT_LAST = 0x0001
_EXTENT_SHARED = 0x2000
_GET_FS_UUID = 0x80111500
_XFS_GEOMETRY = 0x80705864
_XFS_GEOMETRY_SIZE = 112
_XFS_UUID_AT = 64
_UUID_SIZE = 16
_HANDLE_HEAD = struct.Struct("=Ii")
_LARGEST_HANDLE = 128
_INOTIFY_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC

RESOLVE_NO_XDEV = 0x01
RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_NO_SYMLINKS = 0x04
RESOLVE_BENEATH = 0x08


@dataclass(frozen=True, slots=True)
class Statx:
    """What statx(2) tells. A part is None where the kernel or the file system does not keep it."""

    mode: int
    inode: int
    size_bytes: int
    mtime_ns: int
    links: int
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
        buffer = _StatxBuffer()
        flags = _AT_SYMLINK_NOFOLLOW if name else _AT_EMPTY_PATH | _AT_SYMLINK_NOFOLLOW
        self._checked(self.libc.statx(directory, name, flags, _STATX_WANTED, buffer))
        told = _STATX.unpack_from(buffer, 0)
        mask, attributes, links, mode, inode, size, birth, birth_ns, mtime, mtime_ns, mount = told
        return Statx(
            mode=mode,
            inode=inode,
            size_bytes=size,
            mtime_ns=mtime * _NS + mtime_ns,
            links=links,
            birth_ns=birth * _NS + birth_ns if mask & _STATX_BTIME else None,
            mount=mount if mask & _STATX_MNT_ID else None,
            locked=bool(attributes & _IMMUTABLE_OR_APPEND_ONLY),
        )

    def handle(self, descriptor: int) -> str | None:
        """Return what a file server would know this inode by, in hex; None where the file system has no such thing.

        It holds the generation of the inode, which is another one when its number is used again
        (name_to_handle_at(2)).
        """
        buffer = ctypes.create_string_buffer(_HANDLE_HEAD.size + _LARGEST_HANDLE)
        _HANDLE_HEAD.pack_into(buffer, 0, _LARGEST_HANDLE, 0)
        mount = ctypes.c_int()
        try:
            self._checked(
                self.libc.name_to_handle_at(descriptor, b"", buffer, ctypes.byref(mount), _AT_EMPTY_PATH),
            )
        except OSError as error:
            if error.errno in (errno.EOPNOTSUPP, errno.ENOSYS, errno.EPERM, errno.EOVERFLOW):
                return None
            raise
        length, _ = _HANDLE_HEAD.unpack_from(buffer, 0)
        return buffer.raw[_HANDLE_HEAD.size : _HANDLE_HEAD.size + int(length)].hex()

    def shares_extents(self, descriptor: int) -> bool:
        """Tell whether a file, open for reading, has blocks in common with another file or a snapshot (FIEMAP).

        EOPNOTSUPP or ENOTTY where the file system does not tell. Snapshots below the file system are not seen.
        """
        start = 0
        while True:
            size = _FIEMAP_HEAD.size + _EXTENTS_AT_ONCE * _FIEMAP_EXTENT.size
            buffer = bytearray(size)
            _FIEMAP_HEAD.pack_into(buffer, 0, start, (1 << 64) - 1 - start, 0, 0, _EXTENTS_AT_ONCE, 0)
            fcntl.ioctl(descriptor, _FIEMAP, buffer)
            mapped = int(_FIEMAP_HEAD.unpack_from(buffer, 0)[3])
            found = _FIEMAP_EXTENT.iter_unpack(buffer[_FIEMAP_HEAD.size :][: mapped * _FIEMAP_EXTENT.size])
            extents = list(found)
            if any(flags & _EXTENT_SHARED for *_, flags in extents):
                return True
            if not extents or extents[-1][3] & _EXTENT_LAST:
                return False
            start = extents[-1][0] + extents[-1][2]

    def file_system_uuid(self, descriptor: int) -> bytes | None:
        """Return the UUID in the superblock of the file system behind a descriptor; None where it does not tell.

        XFS is asked in its own way, which every kernel knows; others answer FS_IOC_GETFSUUID since Linux 6.9.
        """
        buffer = bytearray(_XFS_GEOMETRY_SIZE)
        with suppress(OSError):
            fcntl.ioctl(descriptor, _XFS_GEOMETRY, buffer)
            return bytes(buffer[_XFS_UUID_AT : _XFS_UUID_AT + _UUID_SIZE])
        with suppress(OSError):
            fcntl.ioctl(descriptor, _GET_FS_UUID, buffer)
            return bytes(buffer[1 : 1 + _UUID_SIZE])
        return None

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
