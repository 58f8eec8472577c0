"""The walk over a store: directory by directory, by descriptor, without following anything."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import assert_never

from retentiond.domain.names import join
from retentiond.ports import Entry, EntryKind, Listed, Listing, Stamps, Unchanged, Unlisted, WalkStep
from retentiond.storage.beneath import OpenBeneath, components_of
from retentiond.storage.identity import OWN
from retentiond.storage.unchanged import KnownTree, Same, is_settled, stamp_of

MAX_DEPTH = 16

COUNTED_AT_ONCE = 1000
"""Directories that have not changed are counted up to about so many, so that who waits sees the walk move."""


def walk(
    store: int,
    open_beneath: OpenBeneath,
    descend: Callable[[bytes, Entry], bool],
    top: bytes = b"",
    *,
    known: Stamps | None = None,
) -> Iterator[WalkStep]:
    """Yield every directory of the store behind the descriptor `store`, parents first, in the order of names.

    Begins at `top`, the store itself unless told otherwise. A directory that vanishes meanwhile is passed over; its
    parent's next listing shows that it is gone. What is as it is `known` is counted instead (`Store.walk`).
    """
    tree = None if known is None else KnownTree(known)
    pending = [top]
    unchanged = 0
    while pending:
        step = _look(store, open_beneath, pending.pop(), tree)
        match step:
            case Listing():
                yield step
                below = [
                    join(step.directory, entry.name)
                    for entry in step.others
                    if entry.kind is EntryKind.DIRECTORY and descend(step.directory, entry)
                ]
                pending += reversed(below)
            case Same():
                unchanged += step.directories
                pending += reversed(step.below)
                if unchanged >= COUNTED_AT_ONCE:
                    yield Unchanged(unchanged)
                    unchanged = 0
            case Unlisted():
                yield step
            case None:
                pass
            case _:
                assert_never(step)
    if unchanged:
        yield Unchanged(unchanged)


def list_directory(store: int, open_beneath: OpenBeneath, directory: bytes) -> Listed | None:
    """List one directory of a store; None if it does not exist. Its stamp stands for nothing: see `Store`."""
    step = _look(store, open_beneath, directory, None)
    match step:
        case Listing():
            return replace(step, settled=False)
        case Unlisted() | None:
            return step
        case Same():
            raise AssertionError("nothing is known, and so nothing is the same")
        case _:
            assert_never(step)


def _look(store: int, open_beneath: OpenBeneath, directory: bytes, tree: KnownTree | None) -> Listed | Same | None:
    """List one directory, unless the tree knows it as it is; None if it does not exist."""
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
        same = None if tree is None else tree.look(directory, descriptor, status)
        if same is not None:
            return same
        now_ns = time.time_ns()
        files, others = _entries(descriptor, top=not directory)
    except OSError as error:
        return Unlisted(directory, error.strerror or "cannot be listed")
    finally:
        os.close(descriptor)
    stamp = stamp_of(status)
    return Listing(directory, stamp, tuple(files), tuple(others), is_settled(stamp, now_ns))


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
