"""Reading a configuration file, if nobody else could have written it (reliability case 50)."""

import os
import stat

from retentiond.domain.errors import ConfigurationError
from retentiond.settings.nodes import MAX_BYTES

_TRUSTED_ROOT = 0


def read_safely(path: str) -> bytes:
    """Return the content of a configuration file.

    Raises:
        ConfigurationError: it cannot be read, is no regular file of at most 1 MiB, or others may write it or a
            directory on the way to it; with the chmod to run.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise ConfigurationError(f"{path}: is not there; make one: retentiond config init DIRECTORY") from error
    except OSError as error:
        why = (
            "is a symbolic link; name the file itself" if os.path.islink(path) else f"cannot be read ({error.strerror})"
        )
        raise ConfigurationError(f"{path}: {why}") from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise ConfigurationError(f"{path}: is no regular file; write the configuration into one")
        problems = [problem for problem in (_unsafe(path, status), *_unsafe_directories(path)) if problem]
        if problems:
            raise ConfigurationError(tuple(problems))
        if status.st_size > MAX_BYTES:
            raise ConfigurationError(f"{path}: is larger than 1 MiB; no configuration of ours is")
        return file.read(MAX_BYTES + 1)


def _unsafe(path: str, status: os.stat_result) -> str | None:
    if status.st_uid not in (_TRUSTED_ROOT, os.geteuid()):
        return f"{path}: belongs to another user (uid {status.st_uid}), who could change it; run: chown root {path}"
    if status.st_mode & 0o022:
        return f"{path}: others may write it (mode {stat.S_IMODE(status.st_mode):04o}); run: chmod go-w {path}"
    return None


def _unsafe_directories(path: str) -> list[str | None]:
    """Look at every directory on the way; one that others may write lets them put another file in its place."""
    found: list[str | None] = []
    directory = os.path.dirname(os.path.realpath(path))
    while True:
        status = os.stat(directory)
        if not (status.st_mode & stat.S_ISVTX and directory != os.path.dirname(os.path.realpath(path))):
            found.append(_unsafe(directory, status))
        parent = os.path.dirname(directory)
        if parent == directory:
            return found
        directory = parent
