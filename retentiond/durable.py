"""Replacing a file of our own so that a crash leaves the old or the new one, whole."""

import os
from contextlib import suppress

from retentiond.domain.errors import StorageError


def replace_file(path: str, data: bytes, mode: int) -> None:
    """Put `data` at `path` durably: a new file beside it, synced, renamed over it, and the directory synced.

    Raises:
        StorageError: it could not be done; what was at `path` is still there.
    """
    draft = f"{path}.new-{os.getpid()}"
    try:
        try:
            _write_new(draft, data, mode)
            os.replace(draft, path)
        except OSError:
            with suppress(OSError):
                os.unlink(draft)  # noqa: TID251  our own draft, never a recording
            raise
        sync_directory(os.path.dirname(path) or ".")
    except OSError as error:
        raise StorageError(f"{path}: cannot be written ({error.strerror}); look at its disk and rights") from error


def sync_directory(path: str) -> None:
    """Make the names in a directory durable. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_new(path: str, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
