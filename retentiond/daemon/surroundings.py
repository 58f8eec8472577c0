"""What the loop lives among: what it is told by, and whom it tells."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from retentiond.ports import Anchorage, DeviceRounds, Observer, Watch
from retentiond.services.rulebook import RuleBook


class Manager(Protocol):
    """What the service manager is told."""

    def ready(self) -> None: ...
    def reloading(self) -> None: ...
    def stopping(self) -> None: ...
    def status(self, text: str) -> None: ...
    def watchdog(self) -> None: ...


class Log(Protocol):
    """Where an operator reads what happens; constant messages, no path, no name of a person (I10)."""

    def info(self, event: str, **fields: object) -> None: ...
    def warning(self, event: str, **fields: object) -> None: ...


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the loop lives among.

    `scan_rate` is how many names a second a scan lists at most; `give_way` is called by each thread that walks a store.
    """

    watch: Watch
    anchorage: Anchorage
    devices: DeviceRounds
    observer: Observer
    manager: Manager
    log: Log
    reload: Callable[[], RuleBook]
    scan_interval: timedelta
    scan_rate: int | None
    give_way: Callable[[], object]
    report_interval: timedelta
    watchdog_s: float | None
