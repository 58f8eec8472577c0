"""How far long work has come, where a person watches: on standard error, and gone when the work is done."""

import gc
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from retentiond import bootstrap

_EVERY_S = 0.1


@contextmanager
def viewing(loaded: bootstrap.Loaded) -> Iterator["bootstrap.View"]:
    """Open everything for reading, and count aloud while stores are scanned, which is where no daemon has run yet."""
    gc.freeze()  # what was loaded stays until the end; looking through it for garbage takes a tenth of a second
    with counting("scanning: {:,} directories") as count, bootstrap.open_view(loaded, count) as view:
        yield view


@contextmanager
def counting(words: str) -> Iterator[Callable[[], None]]:
    """Yield what counts one step; `words` has a place for the number. Shows nothing where no terminal is."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    counter = _Counter(words)
    try:
        yield counter.step
    finally:
        counter.clear()


class _Counter:
    """Counts, and rewrites one line at most ten times a second."""

    def __init__(self, words: str) -> None:
        self._words = words
        self._number = 0
        self._shown_at: float | None = None

    def step(self) -> None:
        self._number += 1
        now = time.monotonic()
        if self._shown_at is None or now - self._shown_at >= _EVERY_S:
            self._shown_at = now
            self._write(self._words.format(self._number))

    def clear(self) -> None:
        if self._shown_at is not None:
            self._write("")

    def _write(self, line: str) -> None:
        try:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
        except OSError:
            pass
