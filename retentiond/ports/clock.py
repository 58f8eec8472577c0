"""The clocks of the machine, and where trusted time survives a restart."""

from typing import Protocol

from retentiond.domain.clock import ClockAnchor, ClockReading


class SystemClock(Protocol):
    """The machine's clocks. The only reader of time in the program."""

    def read(self) -> ClockReading:
        """Return all clocks at one instant. Never raises."""
        ...


class ClockMemory(Protocol):
    """Where trusted time survives a restart."""

    def load(self) -> ClockAnchor | None:
        """Return the anchor saved last, None if there never was one.

        Raises:
            StorageError: there is one and it cannot be read; a damaged anchor is no fresh start.
        """
        ...

    def save(self, anchor: ClockAnchor) -> None:
        """Replace the anchor durably. Raises StorageError."""
        ...
