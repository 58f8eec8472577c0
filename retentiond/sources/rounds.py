"""Asks every source now and then, in a thread of its own: what a camera does not answer holds up no deletion."""

import threading
from collections.abc import Callable, Sequence

from retentiond.ports import DeviceSource, SourceReading, Told, Unreached

EVERY_S = 3600.0
DEFECT = SourceReading(
    unreached=(Unreached("all", "a defect of ours ended the asking; report what the daemon's log says"),)
)


class SourceRounds:
    """`DeviceRounds` over sources that are asked once an hour, and at once at the start."""

    def __init__(self, sources: Sequence[DeviceSource], every_s: float = EVERY_S) -> None:
        self._sources = tuple(sources)
        self._every_s = every_s
        self._ended = threading.Event()

    def awaited(self) -> Told:
        return tuple((source, SourceReading(pending=True)) for source in self._sources)

    def start(self, tell: Callable[[Told], None]) -> None:
        if self._sources:
            threading.Thread(target=self._go_round, args=(tell,), name="sources", daemon=True).start()

    def stop(self) -> None:
        self._ended.set()

    def _go_round(self, tell: Callable[[Told], None]) -> None:
        while not self._ended.is_set():
            tell(tuple((source, _read(source)) for source in self._sources))
            self._ended.wait(self._every_s)


def _read(source: DeviceSource) -> SourceReading:
    """Read one source. A defect in it is told like silence, and the others are asked all the same."""
    try:
        return source.read()
    except Exception as error:  # noqa: BLE001  whatever it is, it ends in a thread of its own, where it is logged
        threading.Thread(target=_end_with, args=(error,), name="sources-defect", daemon=True).start()
        return DEFECT


def _end_with(error: Exception) -> None:
    raise error
