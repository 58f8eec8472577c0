"""Instants are aware datetimes in UTC; here they are made from numbers and text, and turned back.

The catalogue and the audit trail hold instants as integers of milliseconds since 1970, or as RFC 3339 text in UTC.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(9000, 1, 1, tzinfo=UTC)
"""Far enough, and a calculation with it does not leave what a datetime can hold."""

_MILLISECOND = timedelta(milliseconds=1)


def from_ms(milliseconds: int) -> datetime:
    """Return the instant `milliseconds` after 1970-01-01 UTC."""
    return EPOCH + timedelta(milliseconds=milliseconds)


def to_ms(instant: datetime) -> int:
    """Return `instant` as whole milliseconds since 1970-01-01 UTC, rounded down."""
    return (instant - EPOCH) // _MILLISECOND


def from_ns(nanoseconds: int) -> datetime:
    """Return the instant `nanoseconds` after 1970-01-01 UTC, rounded down to microseconds.

    Raises:
        OverflowError: the number is beyond the years a datetime can hold.
    """
    return EPOCH + timedelta(microseconds=nanoseconds // 1000)


def to_text(instant: datetime) -> str:
    """Return RFC 3339 text in UTC with milliseconds, as `2026-03-01T02:00:04.123Z`."""
    return _text_of(instant)


def from_text(text: str) -> datetime:
    """Return the instant written as RFC 3339 text with an offset.

    Raises:
        ValueError: not such a text, or it has no offset from UTC.
    """
    return _instant_of(text)


# A start and a deadline are written with an intent, read back from it, and written again with its outcome.
_AT_ONCE = 4096


@lru_cache(_AT_ONCE)
def _text_of(instant: datetime) -> str:
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


@lru_cache(_AT_ONCE)
def _instant_of(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"{text!r} has no offset from UTC; write it as 2026-03-01T02:00:00Z")
    return instant.astimezone(UTC)
