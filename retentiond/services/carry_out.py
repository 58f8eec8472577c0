"""Carries out the runs of one store, with what waits for another try and how the store itself does."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice

from retentiond.domain.run import DueRecording
from retentiond.domain.suspension import in_force
from retentiond.ports import Catalogue
from retentiond.services.delete import Deleter, Order
from retentiond.services.journal import Journal
from retentiond.services.store_health import StoreHealth, is_of_the_store

SOON = timedelta(seconds=1)


class StoreRuns:
    """The runs of one store. `links_left` and `shared_extents` count what lives on of what they deleted."""

    def __init__(self, deleter: Deleter, catalogue: Catalogue, journal: Journal, health: StoreHealth) -> None:
        self._deleter = deleter
        self._catalogue = catalogue
        self._journal = journal
        self._health = health
        self.links_left = 0
        self.shared_extents = 0

    def carry_out(self, order: Order, now: datetime) -> None:
        """Run an order, less what is suspended or has to wait for another try; a degraded store is tried gently."""
        setbacks = self._catalogue.setbacks(order.store.name)
        resting = {item.recording for item in setbacks if now < item.retry_at}
        held = in_force(self._journal.decisions.stopping, now)

        def waits(item: DueRecording) -> bool:
            recording = item.recording
            return recording in resting or any(hold.covers(recording, now) for hold in held)

        order = replace(order, wait=waits)
        if self._health.degraded:
            source = iter(order.due)
            ready = (item for item in source if not waits(item))
            order = replace(order, due=source, part=True)
            if not self._run(replace(order, due=islice(ready, 1), count=1), now):
                return
        self._run(order, now)

    def _run(self, order: Order, now: datetime) -> bool:
        """Carry out a run; tell whether the store does what it is asked."""
        result = self._deleter.run(order)
        self.links_left += result.links_left
        self.shared_extents += result.shared_extents
        if result.nothing_works:
            self._health.note_failure(", ".join(sorted(result.reasons)), now)
        elif result.deleted or result.failed or result.void:
            if self._health.degraded:
                self._try_all_again(order, now)
            self._health.note_success()
        return not result.nothing_works

    def _try_all_again(self, order: Order, now: datetime) -> None:
        """Let no recording wait any longer for what was the store's fault."""
        for item in self._catalogue.setbacks(order.store.name):
            if is_of_the_store((item.error,)):
                self._catalogue.note_setback(replace(item, retry_at=now + SOON))
