"""An observer that remembers, and a watch that is off."""

from collections.abc import Callable
from datetime import datetime

from retentiond.domain.recording import StoreName, Stream
from retentiond.ports import Snapshot, Watching


class RememberingObserver:
    """`Observer` that a test asks afterwards."""

    def __init__(self) -> None:
        self.late_s: list[float] = []
        self.refused: list[str] = []
        self.by_others = 0
        self.snapshot: Snapshot | None = None

    def deleted(self, stream: Stream, *, late_s: float, size_bytes: int, seq: int, approved: bool) -> None:
        self.late_s.append(late_s)

    def not_deleted(self, store: StoreName, reason: str) -> None:
        self.refused.append(reason)

    def removed_by_others(self, store: StoreName, count: int) -> None:
        self.by_others += count

    def task(self, name: str, *, ok: bool, seconds: float, at: datetime) -> None:
        pass

    def publish(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot


class WatchOff:
    """`Watch` that never says anything."""

    enabled = False

    def start(self, wake: Callable[[StoreName, bytes], None]) -> None:
        pass

    def watching(self, store: StoreName) -> Watching:
        return Watching()

    def probe(self) -> None:
        pass

    def stop(self) -> None:
        pass
