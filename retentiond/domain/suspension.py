"""Suspensions: deletion stopped for a scope, by somebody, on a ground, with an end (design rule 8)."""

from dataclasses import dataclass
from datetime import datetime

from retentiond.domain.recording import CameraName, Category, Recording


@dataclass(frozen=True, slots=True)
class Suspension:
    """Recordings of `cameras` and `categories` that start within `begin <= start < end` are not deleted.

    An empty set selects all. `effective_until` is the mandatory end; from that instant on it covers nothing.
    """

    ident: str
    cameras: frozenset[CameraName]
    categories: frozenset[Category]
    begin: datetime
    end: datetime
    effective_until: datetime

    def covers(self, recording: Recording, now: datetime) -> bool:
        """Tell whether `recording` may not be deleted at `now` because of this suspension."""
        return (
            now < self.effective_until
            and (not self.cameras or recording.stream.camera in self.cameras)
            and (not self.categories or recording.stream.category in self.categories)
            and self.begin <= recording.start < self.end
        )
