"""User and password of a source, from a file of their own: never from the configuration, which many may read."""

import os
import shlex
import stat
from dataclasses import dataclass, field

from retentiond.domain.errors import ConfigurationError

MOST_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who asks. A user of the device that may only read is enough."""

    user: str
    password: str = field(repr=False)


def read_credentials(path: str) -> Credentials:
    """Return what the one line `user:password` of a file says.

    Raises:
        ConfigurationError: it cannot be read, says something else, or everybody may read it.
    """
    try:
        with open(path, "rb", opener=_open_plainly) as file:
            status, data = os.fstat(file.fileno()), file.read(MOST_BYTES + 1)
    except OSError as error:
        what = f"{path}: cannot be read ({error.strerror})"
        raise ConfigurationError(f"{what}; name a file that the daemon may read") from error
    if not stat.S_ISREG(status.st_mode) or len(data) > MOST_BYTES:
        raise ConfigurationError(f"{path}: is no file of one line; write user:password into a file of its own")
    if status.st_mode & 0o007:
        raise ConfigurationError(f"{path}: everybody may read the password; run: chmod 0640 {shlex.quote(path)}")
    try:
        user, colon, password = data.decode().rstrip("\r\n").partition(":")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: is not UTF-8; write user:password") from error
    if not user or not colon or not user.isprintable() or not password.isprintable():
        raise ConfigurationError(f"{path}: has to be one line: user:password")
    return Credentials(user, password)


def _open_plainly(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
