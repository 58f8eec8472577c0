"""Instants as people type them."""

from datetime import UTC, datetime

from retentiond.domain.errors import UsageError

_FIRST = datetime(1900, 1, 1, tzinfo=UTC)
_LAST = datetime(3000, 1, 1, tzinfo=UTC)
"""Beyond lies the end of the calendar, where no day can be added or taken away."""


def typed_instant(option: str, text: str, *, ends: bool = False) -> datetime:
    """Return the instant that was typed for `option`, in UTC.

    A date is its midnight, and a time without an offset is in the local zone, in which times are shown. One that a
    clock shows twice, or never, when summer time ends or begins, is the earlier instant, or the later one where it
    `ends` what is asked for: whoever types such a time means all that a clock on the wall calls so.

    Raises:
        UsageError: it is no time.
    """
    try:
        told = datetime.fromisoformat(text)
        instant = (max if ends else min)(told.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            f"{option} {text!r}: is no time; write a date, or a time such as '2026-03-01 12:00' (in the zone of this "
            "host) or '2026-03-01T12:00:00+02:00'"
        ) from error
    if not _FIRST <= instant < _LAST:
        raise UsageError(f"{option} {text!r}: lies outside all reason; write a time between {_FIRST:%Y} and {_LAST:%Y}")
    return instant
