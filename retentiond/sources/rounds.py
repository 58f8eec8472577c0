"""Asks every source now and then, in a thread of its own: what a camera does not answer holds up no deletion."""

import threading
from collections.abc import Callable, Sequence

from retentiond.ports import DeviceSource, SourceReading, Told, Unreached

EVERY_S = 3600.0
DEFECT = SourceReading(
    unreached=(Unreached("all", "a defect of ours ended the asking; restart the daemon, and report what its log says"),)
)


class SourceRounds:
    """`DeviceRounds` over sources that are asked once an hour, and at once at the start."""

    def __init__(self, sources: Sequence[DeviceSource], every_s: float = EVERY_S) -> None:
        self._sources = tuple(sources)
        self._every_s = every_s
        self._ended = threading.Event()

    def start(self, tell: Callable[[Told], None]) -> None:
        if self._sources:
            threading.Thread(target=self._go_round, args=(tell,), name="sources", daemon=True).start()

    def stop(self) -> None:
        self._ended.set()

    def _go_round(self, tell: Callable[[Told], None]) -> None:
        while not self._ended.is_set():
            try:
                tell(tuple((source, source.read()) for source in self._sources))
            except Exception:
                # A source that nobody asks any more would look well: it is told like one that does not answer.
                tell(tuple((source, DEFECT) for source in self._sources))
                raise
            self._ended.wait(self._every_s)
