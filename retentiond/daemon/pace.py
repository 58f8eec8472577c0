"""How fast a walk goes: no faster than it may, beside a recorder that needs its disk."""

import time
from collections.abc import Callable
from typing import assert_never

from retentiond.ports import Listing, Unchanged, Unlisted, WalkStep

CREDIT_S = 1.0
"""A walk that was slower than it may be catches up on so much of it and no more, for a burst is to be avoided."""


class Pace:
    """Lets a walk wait so that it lists no more than `names_per_s`; None lets it go as it can.

    `wait` waits for so many seconds, or less where there is a reason to end.
    """

    def __init__(
        self,
        names_per_s: int | None,
        wait: Callable[[float], object],
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._names_per_s = names_per_s
        self._wait = wait
        self._monotonic = monotonic
        self._free_at: float | None = None

    def listed(self, names: int) -> None:
        """Take note that so many names were listed, and wait until more may be. A directory counts as a name."""
        if self._names_per_s is None:
            return
        now = self._monotonic()
        since = now if self._free_at is None else max(self._free_at, now - CREDIT_S)
        self._free_at = since + names / self._names_per_s
        if self._free_at > now:
            self._wait(self._free_at - now)


def names_in(step: WalkStep) -> int:
    """Return how many names a step of a walk has listed or looked at."""
    match step:
        case Listing(files=files, others=others):
            return 1 + len(files) + len(others)
        case Unchanged(directories):
            return directories
        case Unlisted():
            return 1
        case _:
            assert_never(step)
