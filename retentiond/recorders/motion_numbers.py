"""The number that Motion gives a camera (`%t` in a file name), as far as it can be told from the configuration.

Motion takes the number that a camera's file names, else it counts, from 1. Where two numbers are the same, that of
the main file included, or one is above 32 000, it drops all and counts. The files of a `camera_dir` it takes in the
order in which the disk lists them, which nobody else can know: another program sees another order a moment later.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_HIGHEST = 32_000


@dataclass(frozen=True, slots=True)
class Counted:
    """A camera as Motion counts it: the number it was given, 0 for none, and which directory listed it, 0 for none."""

    given: int
    listed: int = 0


def numbers_of(cameras: Sequence[Counted], main: int) -> tuple[int | None, ...]:
    """Return the number of each camera, None where it cannot be told. `main` is the number of the main file."""
    places = _places(cameras)
    own = [camera.given or place for camera, place in zip(cameras, places, strict=True)]
    known = [main, *(number for number in own if number is not None)]
    if len(set(known)) < len(known) or max(known) > _HIGHEST:
        return tuple(places)
    taken = {place for place, known_place in enumerate(places, start=1) if known_place is None}
    if any(camera.given in taken for camera in cameras):
        # Whether two are the same depends on the order, and with it whether any given number counts.
        return tuple(None if camera.given else place for camera, place in zip(cameras, places, strict=True))
    return tuple(own)


def _places(cameras: Sequence[Counted]) -> list[int | None]:
    """Return where each camera stands in Motion's count, None if its directory lists others as well."""
    together = Counter(camera.listed for camera in cameras if camera.listed)
    return [None if together[camera.listed] > 1 else place for place, camera in enumerate(cameras, start=1)]
