"""Standard output and error of a command: what is written, and what becomes of a stream that is closed or full.

Nothing else in the program writes to them, but click for its help texts.
"""

import os
import sys
from typing import TextIO

from retentiond.domain.errors import StorageError
from retentiond.domain.names import visible

LONGEST_COMPLAINT = 2_000
READER_GONE = 141
"""The exit status when nobody reads any more, as shells have it: 128 and the number of SIGPIPE."""


def open_standard_streams() -> None:
    """Put /dev/null where the caller closed a standard stream.

    Otherwise the next file that is opened, perhaps the audit trail, would get its number, and what is meant for a
    person would be written into it.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number is this one
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)


def write(text: str) -> None:
    """Write `text` to standard output; what its encoding cannot say is escaped.

    Raises:
        BrokenPipeError: nobody reads any more.
        StorageError: it cannot be written, as on a full disk.
    """
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _cannot_write(error) from error


def flush() -> None:
    """Hand on what was written so far. Raises as `write`."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _cannot_write(error) from error


def flushed(status: int, last: str = "") -> int:
    """Hand on what is left at the end of a command; return its exit status, or another if that is not possible."""
    try:
        write(last)
        flush()
    except BrokenPipeError:
        return give_up_output()
    except StorageError as error:
        complain(str(error))
        return error.exit_status
    return status


def give_up_output() -> int:
    """Discard what nobody reads, without a word, and return the exit status that says so."""
    _discard(sys.stdout)
    return READER_GONE


def complain(text: str) -> None:
    """Write a line to standard error, if somebody can read it.

    What could forge a second line is escaped, and the middle of a very long one left out.
    """
    if len(text) > LONGEST_COMPLAINT:
        half = LONGEST_COMPLAINT // 2
        text = f"{text[:half]} … {text[-half:]}"
    try:
        sys.stderr.write(f"retentiond: {visible(text)}\n".encode("utf-8", "backslashreplace").decode())
        sys.stderr.flush()
    except OSError:
        _discard(sys.stderr)  # the end of the process would try again, and change its exit status


def _discard(stream: TextIO) -> None:
    """Let what is left in a stream, and what comes, go nowhere."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


def _cannot_write(error: OSError) -> StorageError:
    """Discard what is left, so that this is told once, and return the error."""
    _discard(sys.stdout)
    return StorageError(f"standard output: cannot be written ({error.strerror}); free its disk, or write elsewhere")
