"""Where else the content of recordings may lie: blocks that others share, other names, bins and snapshots around."""

import os
import stat
from collections.abc import Iterable
from contextlib import ExitStack, suppress

from retentiond.domain.recording import Place, Unit
from retentiond.ports import Copies
from retentiond.storage.beneath import OpenBeneath, checked_name
from retentiond.storage.extents import shares_extents
from retentiond.storage.syscalls import SystemCalls

KNOWN_PLACES = {
    b"@Recycle": "the bin of a QNAP NAS",
    b"@Recently-Snapshot": "the snapshots of a QNAP NAS",
    b".@__thumb": "small pictures that a QNAP NAS makes",
    b"#recycle": "the bin of a Synology NAS",
    b"#snapshot": "the snapshots of a Synology NAS",
    b"@eaDir": "small pictures that a Synology NAS makes",
    b".recycle": "the bin of Samba",
    b".deleted": "the bin of Samba",
    b".Trashes": "the bin of a Mac",
    b"$RECYCLE.BIN": "the bin of Windows",
    b".stversions": "former versions that Syncthing keeps",
    b".snapshots": "snapshots of the file system (snapper)",
    b".snapshot": "snapshots of the file server",
    b"~snapshot": "snapshots of the file server",
    b".zfs": "snapshots of ZFS",
}
"""Directories in which deleted or former files live on, by the names that their makers give them."""

_TRASH = b".Trash"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_LEVELS = 3
"""The store, and the two directories above it: where a share begins."""


def look_for_copies(
    calls: SystemCalls, open_beneath: OpenBeneath, store: int, places: Iterable[tuple[Place, Unit]]
) -> Copies:
    """Look at recordings, and at the directories in the store and above it on its disk. Never raises."""
    looked = shared = linked = 0
    for place, unit in places:
        with ExitStack() as held, suppress(OSError):
            descriptor = _open(held, open_beneath, store, place, unit)
            if descriptor is None:
                continue
            looked += 1
            linked += os.fstat(descriptor).st_nlink > 1
            shared += bool(shares_extents(calls, descriptor))
    return Copies(looked, shared, linked, tuple(sorted(_places(store))))


def _open(held: ExitStack, open_beneath: OpenBeneath, store: int, place: Place, unit: Unit) -> int | None:
    """Open a recording for reading, or the largest file of an event; None if it is no plain file."""
    directory = open_beneath(store, place.path if unit is Unit.DIRECTORY else place.directory)
    held.callback(os.close, directory)
    name = checked_name(place.name) if unit is Unit.FILE else _largest(directory)
    if name is None:
        return None
    descriptor = os.open(name, _READ, dir_fd=directory)
    held.callback(os.close, descriptor)
    return descriptor if stat.S_ISREG(os.fstat(descriptor).st_mode) else None


def _largest(directory: int) -> bytes | None:
    with os.scandir(directory) as entries:
        files = [item for item in entries if item.is_file(follow_symlinks=False)]
    largest = max(files, key=lambda item: item.stat(follow_symlinks=False).st_size, default=None)
    return None if largest is None else os.fsencode(largest.name)


def _places(store: int) -> set[str]:
    """Return what lies in the store, and beside what leads to it on the same disk, and is not empty."""
    found: set[str] = set()
    with ExitStack() as held:
        current = os.dup(store)
        held.callback(os.close, current)
        device = os.fstat(store).st_dev
        for _ in range(_LEVELS):
            with suppress(OSError):
                found |= _places_in(current)
            try:
                above = os.open(b"..", _DIRECTORY, dir_fd=current)
            except OSError:
                break
            held.callback(os.close, above)
            status, former = os.fstat(above), os.fstat(current)
            if status.st_dev != device or status.st_ino == former.st_ino:
                break
            current = above
    return found


def _places_in(directory: int) -> set[str]:
    found = set()
    for name in os.listdir(directory):
        raw = os.fsencode(name)
        what = "the bin of a desktop" if raw.startswith(_TRASH) and raw not in KNOWN_PLACES else KNOWN_PLACES.get(raw)
        if what is not None and _holds_something(directory, raw):
            found.add(f"{'.Trash' if raw.startswith(_TRASH + b'-') else raw.decode('ascii', 'replace')}: {what}")
    return found


def _holds_something(directory: int, name: bytes) -> bool:
    """Tell whether a directory holds anything; one that is closed to us may."""
    try:
        below = os.open(name, _DIRECTORY, dir_fd=directory)
    except (NotADirectoryError, FileNotFoundError):
        return False
    except OSError:
        return True
    try:
        with os.scandir(below) as entries:
            return next(iter(entries), None) is not None
    except OSError:
        return True
    finally:
        os.close(below)
