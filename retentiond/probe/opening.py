"""Opens recordings for reading: no link on the way, no other disk, nothing but plain files."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from retentiond.domain.media import Looked, Media, Opaque, OpaqueReason
from retentiond.probe.formats import read_media
from retentiond.probe.window import Window

MAX_FILMS = 16
MAX_NAMES = 100_000
_FILMS = (b".mp4", b".m4v", b".mkv", b".webm", b".ts", b".avi", b".mov", b".m4s", b".3gp")
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_HEADER = b"init.mp4"
"""What segments that stand alone begin with, where a recorder writes them so (Viseron)."""


def look_at_file(root: bytes, directory: bytes, name: bytes) -> Looked:
    """Return what a file of a store says of itself. Never raises for what is on a disk."""
    try:
        with _directory(root, directory) as at:
            looked = _look(at, name)
            if looked == Opaque(OpaqueReason.NO_TRACK_TABLE) and name != _HEADER:
                header = _look(at, _HEADER)
                return header if isinstance(header, Media) else looked
            return looked
    except FileNotFoundError:
        return Opaque(OpaqueReason.GONE)
    except (OSError, ValueError):
        return Opaque(OpaqueReason.UNREADABLE)


def look_at_event(root: bytes, directory: bytes) -> Looked:
    """Return what the films in the directory of an event say together; pictures alone have no sound."""
    try:
        with _directory(root, directory) as at:
            films = _films(at)
            looked = [_look(at, name) for name in films[:MAX_FILMS]]
    except FileNotFoundError:
        return Opaque(OpaqueReason.GONE)
    except (OSError, ValueError):
        return Opaque(OpaqueReason.UNREADABLE)
    if len(films) > MAX_FILMS:
        return Opaque(OpaqueReason.BEYOND_LIMITS)
    return _together(looked)


def _together(looked: list[Looked]) -> Looked:
    """Return what several films say: sound in one of them is sound; one that says nothing leaves it open."""
    media = [item for item in looked if isinstance(item, Media)]
    with_sound = next((item for item in media if item.audio), None)
    opaque = next((item for item in looked if isinstance(item, Opaque)), None)
    if with_sound is not None:
        return with_sound
    return opaque or (media[0] if media else Media("pictures", video=False, audio=False))


def _films(directory: int) -> list[bytes]:
    found = []
    with os.scandir(directory) as entries:
        for number, entry in enumerate(entries):
            if number >= MAX_NAMES:
                raise ValueError("more names than are looked at")
            name = os.fsencode(entry.name)
            if name.lower().endswith(_FILMS) and entry.is_file(follow_symlinks=False):
                found.append(name)
    return sorted(found)


def _look(directory: int, name: bytes) -> Looked:
    """Return what one file says. Raises OSError only where the directory itself fails."""
    try:
        descriptor = os.open(_plain(name), _FILE, dir_fd=directory)
    except FileNotFoundError:
        return Opaque(OpaqueReason.GONE)
    except OSError:
        return Opaque(OpaqueReason.UNREADABLE)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return Opaque(OpaqueReason.UNREADABLE)
        return read_media(Window(lambda length, offset: os.pread(descriptor, length, offset), status.st_size))
    except OSError:
        return Opaque(OpaqueReason.UNREADABLE)
    finally:
        os.close(descriptor)


@contextmanager
def _directory(root: bytes, path: bytes) -> Iterator[int]:
    """Open a directory below a store, component by component, on the disk of the store."""
    current = os.open(root, _DIRECTORY)
    try:
        device = os.fstat(current).st_dev
        for component in path.split(b"/") if path else ():
            below = os.open(_plain(component), _DIRECTORY, dir_fd=current)
            os.close(current)
            current = below
            if os.fstat(current).st_dev != device:
                raise ValueError("another disk")
        yield current
    finally:
        os.close(current)


def _plain(name: bytes) -> bytes:
    if name in (b"", b".", b"..") or b"/" in name or b"\0" in name:
        raise ValueError("not a plain name")
    return name
