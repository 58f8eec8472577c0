"""The trail forgets what is older than it has to be kept."""

from collections.abc import Callable
from functools import partial

from retentiond.domain.clock import Credible
from retentiond.domain.errors import TryAgainError
from retentiond.ports import Pruner
from retentiond.services.journal import Journal
from retentiond.services.keep_time import Timekeeper


class TrailPruning:
    """Works out what of the trail is too old, and lets it go on the record."""

    def __init__(self, journal: Journal, pruner: Pruner, timekeeper: Timekeeper) -> None:
        self._journal = journal
        self._pruner = pruner
        self._timekeeper = timekeeper

    def plan(self) -> Callable[[], int]:
        """Return what works out, in another thread, how many records are older than the trail has to keep them.

        Raises:
            TryAgainError: without trusted time nobody can say how old a record is.
        """
        trusted = self._timekeeper.look()
        if not isinstance(trusted, Credible):
            raise TryAgainError("the clock is not credible, so nobody can say how old a record is")
        return partial(self._pruner.plan, trusted.now, self._journal.decisions.standing())

    def prune(self) -> None:
        """Let the trail forget what was planned, on the record. Raises TryAgainError, StorageError."""
        self._journal.prune(self._pruner)
        self._journal.save()
