"""Reading a configuration file, if nobody else could have written it (reliability case 50)."""

import os
import stat
from collections.abc import Iterator

from retentiond.domain.errors import ConfigurationError
from retentiond.domain.names import readable
from retentiond.settings.source import MAX_BYTES

_TRUSTED_ROOT = 0
_MOST_LINKS = 40


def read_safely(path: str, most: int = MAX_BYTES) -> bytes:
    """Return the content of a configuration file. Never waits, and never reads more than `most` bytes.

    Raises:
        ConfigurationError: it cannot be read, is no regular file of at most that size, or others may write it or a
            directory on the way to it; with the chmod to run.
    """
    shown = readable(os.fsencode(path))
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError as error:
        raise ConfigurationError(f"{shown}: is not there; make one: retentiond config init DIRECTORY") from error
    except OSError as error:
        why = "is a symbolic link" if os.path.islink(path) else f"cannot be opened ({error.strerror})"
        raise ConfigurationError(f"{shown}: {why}; name the file itself, one that you may read") from error
    try:
        status = os.fstat(descriptor)
        problems = tuple(_problems(path, shown, status, most))
        if problems:
            raise ConfigurationError(problems)
        return _read(descriptor, most)
    except OSError as error:
        raise ConfigurationError(f"{shown}: cannot be read ({error.strerror}); check the file and its disk") from error
    finally:
        os.close(descriptor)


def read_plainly(path: str) -> bytes:
    """Return the content of a file that anybody may have written; at most one byte more than 1 MiB, and never waits.

    Raises:
        ConfigurationError: it cannot be read, or is no regular file.
    """
    shown = readable(os.fsencode(path))
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise ConfigurationError(f"{shown}: is no regular file; save the table into one")
            return _read(descriptor, MAX_BYTES)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ConfigurationError(f"{shown}: cannot be read ({error.strerror}); check the file and its disk") from error


def _read(descriptor: int, most: int) -> bytes:
    """Return the content, one byte more than is allowed at most: whoever parses it says that it is too large."""
    parts = []
    left = most + 1
    while left > 0 and (part := os.read(descriptor, left)):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _problems(path: str, shown: str, status: os.stat_result, most: int) -> Iterator[str]:
    if not stat.S_ISREG(status.st_mode):
        yield f"{shown}: is no regular file; write the configuration into one"
        return
    if status.st_size > most:
        yield f"{shown}: is larger than {most >> 20} MiB; no file of ours is"
    yield from _unsafe(shown, status, open_to_others=bool(status.st_mode & 0o022))
    *above, last = _passed(path)
    for place in (*above, last):
        found = os.lstat(place)
        excused = stat.S_ISLNK(found.st_mode) or (bool(found.st_mode & stat.S_ISVTX) and place != last)
        open_to_others = bool(found.st_mode & 0o022) and not excused
        yield from _unsafe(readable(os.fsencode(place)), found, open_to_others=open_to_others)


def _unsafe(shown: str, status: os.stat_result, *, open_to_others: bool) -> Iterator[str]:
    if status.st_uid not in (_TRUSTED_ROOT, os.geteuid()):
        chown = "chown -h root" if stat.S_ISLNK(status.st_mode) else "chown root"
        yield f"{shown}: belongs to another user (uid {status.st_uid}), who could change it; run: {chown} {shown}"
    if open_to_others:
        yield f"{shown}: others may write it (mode {stat.S_IMODE(status.st_mode):04o}); run: chmod go-w {shown}"


def _passed(path: str) -> list[str]:
    """Return every directory and link that is passed from / to the file; the directory that holds it comes last.

    Whoever may write one of them can put another file, or another link, in the place of the next.
    """
    waiting = os.path.join(os.getcwd(), path).split("/")[-2::-1]
    current, links = "/", 0
    passed = [current]
    while waiting:
        step = os.path.normpath(os.path.join(current, waiting.pop()))
        if os.path.islink(step) and links < _MOST_LINKS:
            links += 1
            passed.append(step)
            target = os.readlink(step)
            waiting += reversed(target.split("/"))
            current = "/" if target.startswith("/") else current
        else:
            current = step
            passed.append(current)
    return list(dict.fromkeys(reversed([*passed, current])))[::-1]
