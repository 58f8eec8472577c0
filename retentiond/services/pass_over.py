"""When a scan may pass over directories that have not changed, instead of listing them again (ADR 0031)."""

from datetime import datetime, timedelta

LIST_ALL_AFTER = timedelta(days=7)
"""So often every directory is listed all the same: a file system may err about its own times."""


class PassOver:
    """What the last whole scan of a store stands for. Nothing, until one has listed all of it in this process."""

    def __init__(self) -> None:
        self._read_by: object | None = None
        self._reading: object | None = None
        self._listed_at: datetime | None = None

    def forget(self) -> None:
        """Let the next scan list every directory, and the one that runs stand for nothing."""
        self._read_by = self._reading = self._listed_at = None

    def begin(self, reading: object | None, now: datetime, *, resumed: bool) -> bool:
        """Note that a scan begins, which may pass over what has not changed if this is true.

        Args:
            reading: what decides how names are read; None where nobody can tell.
            now: trusted time.
            resumed: whether it goes on where another process stood, so that it does not see the whole store.
        """
        lately = self._listed_at is not None and timedelta() <= now - self._listed_at < LIST_ALL_AFTER
        may = lately and not resumed and self._read_by is not None and self._read_by == reading
        self._read_by, self._reading = None, None if resumed else reading  # it may break off
        if not may:
            self._listed_at = now
        return may

    def complete(self) -> None:
        """Note that the scan saw the whole store."""
        self._read_by = self._reading
