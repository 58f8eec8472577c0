"""What other sources than recorders know of devices."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from retentiond.domain.bookings import Booking
from retentiond.domain.placement import SeenDevice
from retentiond.domain.recording import StoreName


@dataclass(frozen=True, slots=True)
class Unreached:
    """A part of a source that could not be asked, such as one address, and why; the others were asked all the same."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class SourceReading:
    """What a source said when it was read.

    Attributes:
        complete: what it does not name is, by it, not there.
        bookings: the intimate procedures that it knows of, and of each nothing but when and where.
        pending: it was not asked yet since the start, so that what it said before the start is not known to be over.
        outdated: why what it said may be out of date, with instants and no lengths of time; empty where it is not.
    """

    seen: tuple[SeenDevice, ...] = ()
    unreached: tuple[Unreached, ...] = ()
    complete: bool = False
    bookings: tuple[Booking, ...] = ()
    outdated: str = ""
    pending: bool = False


class DeviceSource(Protocol):
    """A source of devices besides the recorders: it is asked, and changes nothing anywhere."""

    @property
    def name(self) -> StoreName:
        """Its name in the configuration, and in `known_as` of the register."""
        ...

    @property
    def kind(self) -> str:
        """What it is, such as `onvif`."""
        ...

    def read(self) -> SourceReading:
        """Ask it, within limits of time and memory that it cannot stretch; what cannot be reached is in the reading.

        Never raises.
        """
        ...


Told: TypeAlias = tuple[tuple[DeviceSource, SourceReading], ...]
"""What every source said when it was read last."""


class DeviceRounds(Protocol):
    """Has every source asked now and then, from a thread of its own."""

    def awaited(self) -> Told:
        """Return what is told before anybody has answered: that every source is still to be asked."""
        ...

    def start(self, tell: Callable[[Told], None]) -> None:
        """Begin; `tell` is called from another thread after each round."""
        ...

    def stop(self) -> None:
        """Begin no other round. One that is under way may go on; nobody waits for it."""
        ...
