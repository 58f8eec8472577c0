"""User and password of a source, and who vouches for it, each from a file of its own.

A password never stands in the configuration, which many may read.
"""

import os
import shlex
import ssl
import stat
from dataclasses import dataclass, field

from retentiond.domain.errors import ConfigurationError

MOST_BYTES = 4096
MOST_CERTIFICATES = 1 << 20


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


def read_certificates(path: str) -> str:
    """Return the certificates (PEM) in a file, under which that of a source has to be good.

    Raises:
        ConfigurationError: it cannot be read, holds no certificates, or everybody may write it: who can, could have
            the password.
    """
    try:
        with open(path, "rb", opener=_open_plainly) as file:
            status, data = os.fstat(file.fileno()), file.read(MOST_CERTIFICATES + 1)
    except OSError as error:
        what = f"{path}: cannot be read ({error.strerror})"
        raise ConfigurationError(f"{what}; name a file that the daemon may read") from error
    if stat.S_ISREG(status.st_mode) and status.st_mode & 0o002:
        raise ConfigurationError(f"{path}: everybody may write it; run: chmod o-w {shlex.quote(path)}")
    try:
        text = data.decode("ascii") if len(data) <= MOST_CERTIFICATES else ""
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text)
    except (ValueError, OSError) as error:
        raise ConfigurationError(
            f"{path}: holds no certificates in PEM form; write those of the authority that signed the source's"
        ) from error
    return text


def _open_plainly(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
