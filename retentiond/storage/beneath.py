"""Opening directories of a store so that no link, mount or `..` leads out of it (design rules 5 and 6)."""

import errno
import os
from collections.abc import Callable

from retentiond.storage.syscalls import (
    RESOLVE_BENEATH,
    RESOLVE_NO_MAGICLINKS,
    RESOLVE_NO_SYMLINKS,
    RESOLVE_NO_XDEV,
    Statx,
    SystemCalls,
)

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_PASSED = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV

OpenBeneath = Callable[[int, bytes], int]
"""Opens a directory below another one, itself for the empty path. Raises OSError, EXDEV for another mount."""


def open_absolute(path: str) -> int:
    """Open a directory by its whole path, no component of which is a link.

    Raises:
        OSError: ENOTDIR for a link on the way, EINVAL for a path that is relative or not plain.
    """
    whole = os.fsencode(path)
    if not whole.startswith(b"/"):
        raise OSError(errno.EINVAL, "not an absolute path")
    current = os.open(b"/", _PASSED)
    try:
        for component in components_of(whole[1:]):
            below = os.open(component, _PASSED, dir_fd=current)
            os.close(current)
            current = below
        return os.open(b".", _DIRECTORY, dir_fd=current)
    finally:
        os.close(current)


def with_openat2(calls: SystemCalls) -> OpenBeneath:
    """Return the opener that lets the kernel watch every component."""

    def open_directory(store: int, path: bytes) -> int:
        components_of(path)
        return _same_device(store, calls.openat2(store, path or b".", _DIRECTORY, _RESOLVE))

    return open_directory


def with_components(calls: SystemCalls) -> OpenBeneath:
    """Return the opener for kernels without openat2: component by component, none of them a link or a mount."""

    def open_directory(store: int, path: bytes) -> int:
        mount = mount_of(calls, store)
        current = os.open(b".", _DIRECTORY, dir_fd=store)
        try:
            for component in components_of(path):
                below = os.open(component, _DIRECTORY, dir_fd=current)
                os.close(current)
                current = below
                if mount_of(calls, current) != mount:  # a bind mount has the device of the store
                    raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        except BaseException:
            os.close(current)
            raise
        return _same_device(store, current)

    return open_directory


def choose_opener(calls: SystemCalls, store: int) -> OpenBeneath:
    """Return the best opener that this kernel and its filters allow."""
    try:
        os.close(with_openat2(calls)(store, b""))
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.EPERM):
            return with_components(calls)
        raise
    return with_openat2(calls)


def components_of(path: bytes) -> list[bytes]:
    """Return the components of a path below the store; the store itself has none.

    Raises:
        OSError: EINVAL for a path that is absolute, or holds an empty component, `.`, `..` or NUL.
    """
    if not path:
        return []
    components = path.split(b"/")
    if b"\0" in path or any(component in (b"", b".", b"..") for component in components):
        raise OSError(errno.EINVAL, "not a plain path below the store")
    return components


def checked_name(name: bytes) -> bytes:
    """Return `name` if it is one plain component. Raises OSError (EINVAL) if not."""
    if b"/" in name or b"\0" in name or name in (b"", b".", b".."):
        raise OSError(errno.EINVAL, "not a plain name")
    return name


def mount_of(calls: SystemCalls, descriptor: int) -> int:
    """Return the id of the mount that a descriptor lies on.

    Raises:
        OSError: EXDEV if neither statx nor /proc tells. Never ENOENT, which would read as "the file is gone".
    """
    return mount_from(descriptor, calls.statx(descriptor))


def mount_from(descriptor: int, status: Statx) -> int:
    """Return the same of a descriptor that was looked at already."""
    if status.mount is not None:
        return status.mount
    try:
        with open(f"/proc/self/fdinfo/{descriptor}", "rb") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(b"mnt_id:"))
    except (OSError, StopIteration) as error:
        raise OSError(errno.EXDEV, "this system does not tell one mount from another") from error


def _same_device(store: int, descriptor: int) -> int:
    """Refuse what lies on another device: a btrfs subvolume passes RESOLVE_NO_XDEV."""
    if os.fstat(descriptor).st_dev != os.fstat(store).st_dev:
        os.close(descriptor)
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
    return descriptor
