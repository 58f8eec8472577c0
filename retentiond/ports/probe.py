"""Looking into recordings: which tracks they have, and what was seen so far."""

from collections.abc import Sequence
from typing import Protocol

from retentiond.domain.media import Looked
from retentiond.domain.recording import Place, StoreName, Unit
from retentiond.domain.sound import Sampled


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


class SampleMemory(Protocol):
    """Where it survives a restart what samples said. It may be lost: then everything is looked at again."""

    def load(self) -> Sequence[Sampled]:
        """Return what was saved last; nothing if it cannot be used. Never raises."""
        ...

    def save(self, samples: Sequence[Sampled]) -> None:
        """Replace it. Never raises."""
        ...
