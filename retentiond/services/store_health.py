"""Whether a store does what it is asked: after three failures in a row it is degraded, and only tried now and then.

One recording that cannot be deleted has a wait of its own (`Deleter`). Where nothing can be deleted at all, trying each
recording again and again would only wear out a dying disk and fill the record.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

DEGRADED_AFTER = 3
FIRST_REST = timedelta(minutes=1)
LONGEST_REST = timedelta(minutes=5)
"""Short, so that a disk that is back is noticed soon: one recording is tried then, and the rest follows at once."""

OF_THE_STORE = frozenset(
    {
        *("EIO", "EROFS", "ENOSPC", "EDQUOT", "ESTALE", "ENOTCONN", "ENODEV", "ENXIO", "ETIMEDOUT", "EHOSTDOWN"),
        *("EREMOTEIO", "ENOMEDIUM", "EUCLEAN", "EMFILE", "ENFILE", "ENOMEM"),
    }
)
"""Errors that speak of the disk, or of this process, and not of one recording."""


def is_of_the_store(reasons: Iterable[str]) -> bool:
    """Tell whether there are reasons, and none of them is about one recording only."""
    told = set(reasons)
    return bool(told) and told <= OF_THE_STORE


@dataclass(slots=True)
class StoreHealth:
    """How often in a row nothing could be done in a store, why, and when to try again."""

    failures: int = 0
    why: str = ""
    retry_at: datetime | None = None

    @property
    def degraded(self) -> bool:
        """Whether it has failed so often that only one recording is tried at a time."""
        return self.failures >= DEGRADED_AFTER

    def rests(self, now: datetime) -> bool:
        """Tell whether nothing is to be tried at `now`."""
        return self.retry_at is not None and now < self.retry_at

    def note_failure(self, why: str, now: datetime) -> None:
        """Remember that nothing could be done."""
        self.failures += 1
        self.why = why
        self.retry_at = now + min(FIRST_REST * 2 ** min(self.failures - 1, 10), LONGEST_REST)

    def note_success(self) -> None:
        """Forget what was: it works."""
        self.failures, self.why, self.retry_at = 0, "", None
