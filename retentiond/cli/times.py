"""Instants as people type them."""

from datetime import UTC, datetime

from retentiond.domain.errors import UsageError


def typed_instant(option: str, text: str) -> datetime:
    """Return the instant that was typed for `option`, in UTC.

    A date is its midnight, and a time without an offset is in the local zone, in which times are shown. Raises
    UsageError.
    """
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(
            f"{option} {text!r}: is no time; write a date, or a time such as '2026-03-01 12:00' (in the zone of this "
            "host) or '2026-03-01T12:00:00+02:00'"
        ) from error
