"""Everything that is wrong with a file, told at once and bounded."""

import os
from dataclasses import dataclass, field

from retentiond.domain.names import readable

MOST_KEPT = 1_000
MOST_SHOWN = 100


@dataclass(slots=True)
class Problems:
    """Everything that is wrong with a file: one line each, in the order of its lines.

    A file of 1 MiB can hold half a million problems. So many are kept and shown as a person can mend in one go; how
    many more there are is said.
    """

    filename: str
    found: list[tuple[int, str]] = field(default_factory=list)
    uncounted: int = 0

    def add(self, line: int, key: str, what: str) -> None:
        """Note a problem at a line, counted from 1; `key` is the path to it."""
        if self.crowded:
            self.uncounted += 1
            return
        at = f"{key}: " if key else ""
        self.found.append((line, f"{self.shown_name}:{line}: {at}{what}"))

    @property
    def crowded(self) -> bool:
        """Whether further problems are only counted."""
        return len(self.found) >= MOST_KEPT

    def texts(self) -> tuple[str, ...]:
        """Return the problems by line, and in a last line how many there are besides."""
        ordered = sorted(self.found, key=lambda item: item[0])
        texts = list(dict.fromkeys(text for _, text in ordered))
        more = len(texts) - MOST_SHOWN + self.uncounted
        if more <= 0:
            return tuple(texts)
        line = ordered[-1][0]
        return (*texts[:MOST_SHOWN], f"{self.shown_name}:{line}: and {more:,} problems more; mend those above first")

    @property
    def shown_name(self) -> str:
        """The name of the file, in one line."""
        return readable(os.fsencode(self.filename))
