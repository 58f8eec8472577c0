"""The two encodings inside all the C2SP texts: base64 and decimals, each with exactly one spelling per value."""

import binascii
import re
from base64 import b64decode, b64encode

from retentiond.tlog.errors import FormatError

MAX_NUMBER = 2**63 - 1
HASH_SIZE = 32

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")


def format_base64(data: bytes) -> str:
    """Return standard base64 with padding (RFC 4648 section 4)."""
    return b64encode(data).decode("ascii")


def parse_base64(text: str) -> bytes:
    """Decode standard base64 with padding (RFC 4648 section 4), in its canonical form only (section 3.5).

    Raises:
        FormatError: a character is foreign, the padding is wrong, or the unused bits of the last character are set.
    """
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise FormatError(f"{text[:80]!r} is not standard base64 with padding") from error
    if format_base64(data) != text:
        raise FormatError(f"{text[:80]!r} is not canonical base64: its unused bits must be zero")
    return data


def parse_hash(text: str) -> bytes:
    """Decode one line that holds a SHA-256 hash in base64 (C2SP tlog-checkpoint and tlog-proof).

    Raises:
        FormatError: it is not canonical base64 of 32 bytes.
    """
    return checked_hash(parse_base64(text))


def checked_hash(value: bytes) -> bytes:
    """Return `value` if it has the length of a SHA-256 hash (RFC 9162 section 2.1.1, HASH_SIZE).

    Raises:
        FormatError: it has another length.
    """
    if len(value) != HASH_SIZE:
        raise FormatError(f"a hash has {HASH_SIZE} bytes, not {len(value)}")
    return value


def parse_decimal(text: str) -> int:
    """Read an ASCII decimal without leading zeros (C2SP tlog-checkpoint, "tree size").

    Raises:
        FormatError: it has another spelling, or is above 2^63 - 1.
    """
    if _DECIMAL.fullmatch(text) is None:
        raise FormatError(f"{text[:80]!r} is not a decimal without leading zeros")
    return checked_number(int(text))


def checked_number(value: int) -> int:
    """Return `value` if it can be a size, an index or a timestamp.

    C2SP tlog-cosignature bounds timestamps by 2^63 - 1. Sizes and indices get the same bound here, as in the
    signed 64-bit integers of other implementations.

    Raises:
        FormatError: it is negative or above 2^63 - 1.
    """
    if not 0 <= value <= MAX_NUMBER:
        raise FormatError(f"{value} is not between 0 and 2^63 - 1")
    return value
