"""The walk over a store: directory by directory, by descriptor, without following anything."""

import os
from collections.abc import Callable, Iterator

from retentiond.domain.names import join
from retentiond.ports import DirectoryStamp, Entry, EntryKind, Listing, Unlisted, WalkStep
from retentiond.storage.beneath import OpenBeneath, components_of
from retentiond.storage.identity import OWN

MAX_DEPTH = 16


def walk(
    store: int, open_beneath: OpenBeneath, descend: Callable[[bytes, Entry], bool], top: bytes = b""
) -> Iterator[WalkStep]:
    """Yield every directory of the store behind the descriptor `store`, parents first, in the order of names.

    Begins at `top`, the store itself unless told otherwise. A directory that vanishes meanwhile is passed over; its
    parent's next listing shows that it is gone.
    """
    pending = [top]
    while pending:
        step = list_directory(store, open_beneath, pending.pop())
        if step is None:
            continue
        yield step
        if isinstance(step, Listing):
            below = [
                join(step.directory, entry.name)
                for entry in step.others
                if entry.kind is EntryKind.DIRECTORY and descend(step.directory, entry)
            ]
            pending += reversed(below)


def list_directory(store: int, open_beneath: OpenBeneath, directory: bytes) -> WalkStep | None:
    """List one directory of a store; None if it does not exist."""
    if len(components_of(directory)) > MAX_DEPTH:
        return Unlisted(directory, f"deeper than {MAX_DEPTH} levels", too_deep=True)
    try:
        descriptor = open_beneath(store, directory)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Unlisted(directory, error.strerror or "cannot be opened")
    try:
        status = os.fstat(descriptor)  # before the listing: what changes during it makes the stamp old
        files, others = _entries(descriptor, top=not directory)
    except OSError as error:
        return Unlisted(directory, error.strerror or "cannot be listed")
    finally:
        os.close(descriptor)
    stamp = DirectoryStamp(status.st_ino, status.st_mtime_ns, status.st_ctime_ns)
    return Listing(directory, stamp, tuple(files), tuple(others))


def _entries(descriptor: int, *, top: bool) -> tuple[list[bytes], list[Entry]]:
    """Return the names of regular files and all other entries, both in order. No file is looked at for that."""
    files, others = [], []
    with os.scandir(descriptor) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                files.append(entry.name)
            else:
                others.append(Entry(os.fsencode(entry.name), _kind(entry)))
    others.sort(key=lambda item: item.name)
    return _encoded(files), [entry for entry in others if not (top and entry.name == OWN)]


def _encoded(names: list[str]) -> list[bytes]:
    """Return names as bytes, sorted; one text for all of them takes a tenth of encoding each."""
    return sorted(os.fsencode("/".join(names)).split(b"/")) if names else []


def _kind(entry: "os.DirEntry[str]") -> EntryKind:
    if entry.is_symlink():
        return EntryKind.LINK
    return EntryKind.DIRECTORY if entry.is_dir(follow_symlinks=False) else EntryKind.OTHER
