"""Where a claimed recording that is not deleted may go back to (design rule 6: put back, never out of sight).

Under its own name first, and where that is taken, beside it. If its directory is gone by now, that is made again: only
there does the layout know the recording, so that it falls due like any other. If even that cannot be, it goes to the
nearest directory above that takes it, under a name that no layout takes for a recording of another day or camera.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from retentiond.domain.recording import Place
from retentiond.storage.beneath import OpenBeneath, components_of
from retentiond.storage.contents import names_in

_LONGEST_KEPT = 200
"""So many bytes of a name are kept in the one beside it; with what is added it fits 255."""


@dataclass(frozen=True, slots=True)
class Home:
    """A name in a directory, by descriptor. `made` are the directories that a new one was made in on the way."""

    directory: int
    name: bytes
    made: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Homes:
    """Finds homes below the directory `store`; `hold` keeps the descriptors that it opens, and closes them one day."""

    open_beneath: OpenBeneath
    store: int
    hold: Callable[[int], int]

    def of(self, place: Place, claim: bytes, directory: int | None) -> Iterator[Home]:
        """Yield where the recording of `place` may go back to, the best first; each is opened only when asked for.

        `directory` is the one that it came from, None if that cannot be opened.
        """
        beside = place.name[:_LONGEST_KEPT] + b".restored-" + claim
        if directory is not None:
            yield Home(directory, place.name)
        components = components_of(place.directory)
        again = self._made_again(components)
        if again is not None:
            yield Home(again[0], place.name, again[1])
            yield Home(again[0], beside, again[1])
        for depth in reversed(range(len(components))):
            above = self._opened(components[:depth])
            if above is not None:
                yield Home(above, beside)

    def _made_again(self, components: list[bytes]) -> tuple[int, tuple[int, ...]] | None:
        """Open a directory anew, made again where it is gone, and say in which ones something was made."""
        made: list[int] = []
        try:
            current = self.hold(self.open_beneath(self.store, b""))
            for component in components:
                try:
                    below = self.open_beneath(current, component)
                except FileNotFoundError:
                    below = _made_like(current, component, self.open_beneath)
                    made.append(current)
                current = self.hold(below)
        except OSError:
            return None
        return current, tuple(made)

    def _opened(self, components: list[bytes]) -> int | None:
        try:
            return self.hold(self.open_beneath(self.store, b"/".join(components)))
        except OSError:
            return None


def _made_like(parent: int, name: bytes, open_beneath: OpenBeneath) -> int:
    """Make a directory with the rights of the one above, so that the recorder can write to it as before."""
    os.mkdir(name, 0o700, dir_fd=parent)
    made = open_beneath(parent, name)
    try:
        found, model = os.fstat(made), os.fstat(parent)
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o777 != 0o700 or names_in(made):
            raise OSError(errno.EPERM, "somebody exchanged the directory that was just made")
        with suppress(PermissionError):  # without the right to give it away, the mode has to do
            os.fchown(made, model.st_uid, model.st_gid)
        os.fchmod(made, stat.S_IMODE(model.st_mode))
    except OSError:
        os.close(made)
        raise
    return made
