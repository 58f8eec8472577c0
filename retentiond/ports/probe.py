"""Looking into recordings: which tracks they have."""

from typing import Protocol

from retentiond.domain.media import Looked
from retentiond.domain.recording import Place, StoreName, Unit


class Probe(Protocol):
    """Looks into files, from a process that can delete nothing. Nothing in a file makes it fail, wait or grow."""

    def look(self, store: StoreName, place: Place, unit: Unit) -> Looked:
        """Return what a recording says of itself: a file, or the films in the directory of an event.

        Takes 10 s at most, follows no link, and reads no more than a fixed part of the file. Never raises.
        """
        ...

    def stop(self) -> None:
        """End the process. Another `look` begins another one."""
        ...
