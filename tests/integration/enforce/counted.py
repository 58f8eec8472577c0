"""Deletes and lists so and so many recordings between marks that a tracer sees; run by `test_work_is_counted`."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path

from retentiond.domain.recording import CameraName, Category, Place, Recording, Stream
from retentiond.domain.run import DueRecording
from retentiond.ports import Arrived, DirectoryStamp, Listing
from retentiond.services.delete import Order
from tests.world import BEGIN, MAIN, World

MARK = "/counted-mark/"
MARGIN = timedelta(seconds=60)
LONG_AGO = BEGIN - timedelta(days=40)
LATELY = BEGIN - timedelta(days=2)


def mark(what: str) -> None:
    """Say to the tracer where in the work this is, by asking for a file that is not there."""
    with suppress(FileNotFoundError):
        os.stat(MARK + what)


def known(world: World, camera: str, count: int) -> list[DueRecording]:
    """Write a recording each second, all in one directory, and let the catalogue know them."""
    stream = Stream(MAIN, CameraName(camera), Category.VIDEO)
    items = []
    for number in range(count):
        path = world.record(camera, LONG_AGO + timedelta(seconds=number))
        place = Place(os.fsencode(path.parent.relative_to(world.store_path)), os.fsencode(path.name))
        items.append(Recording(stream, place, LONG_AGO + timedelta(seconds=number)))
    listing = Listing(items[0].place.directory, DirectoryStamp(1, 1, 1), ())
    world.catalogue.update(MAIN, listing, [Arrived(item, item.start) for item in items], (), ())
    (rule,) = world.book.policy.rules
    return [DueRecording(item, rule) for item in items]


def delete(world: World, due: list[DueRecording]) -> None:
    """Delete in one run and one chunk."""
    result = world.parts.deleter.run(Order(world.keeper.store, world.keeper.recorder, due, len(due), MARGIN))
    assert result.deleted == len(due), result


def begun(root: Path) -> World:
    """Return a world that was scanned once."""
    world = World(root)
    world.start()
    world.scan()
    return world


def counted(what: str, count: int, work: Callable[[], object]) -> None:
    mark(f"{what}/{count}/begin")
    work()
    mark(f"{what}/{count}/end")


def main(root: Path, few: int, many: int) -> None:
    """Delete few and many, then list few and many."""
    world = begun(root)
    for count in (few, few, many):  # the first of the same size warms up, and the second counts
        due = known(world, f"camera-{count}", count)
        counted("delete", count, partial(delete, world, due))
    for count in (few, many):
        world.record_many(f"lately-{count}", LATELY, count, timedelta(seconds=1))
        counted("scan", count, world.scan)
    world.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
