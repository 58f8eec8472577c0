"""A store: its identity, a walk over it, deletion in it, and hints that it changed."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from retentiond.domain.decisions import OpenIntent
from retentiond.domain.recording import (
    Identity,
    Place,
    StoreName,
    Unit,
)
from retentiond.ports.recorder import Entry


@dataclass(frozen=True, slots=True)
class StoreIdentity:
    """What a store is known by: the UUID in its marker, and the file system it lies on."""

    uuid: str
    fsid: int
    inode: int
    fs_type: str


@dataclass(frozen=True, slots=True)
class Present:
    """The store is there and is the one that was adopted."""

    identity: StoreIdentity
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Unadopted:
    """A directory is there that carries no marker and was never adopted under this name."""


@dataclass(frozen=True, slots=True)
class Absent:
    """Nothing is there, or not the disk that should be. `why` is for people."""

    why: str


@dataclass(frozen=True, slots=True)
class Foreign:
    """Something else is there than what was adopted. `why` is for people."""

    why: str


@dataclass(frozen=True, slots=True)
class Space:
    """The file system that a store lies on, and what of it this user may still write."""

    size_bytes: int
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Copies:
    """What a look for second copies showed.

    Of `looked` recordings, `shared` have blocks in common with another file or a snapshot, and `linked` have other
    names. `places` are directories in which others keep what was deleted, as `name: what it is`.
    """

    looked: int = 0
    shared: int = 0
    linked: int = 0
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Watching:
    """How far a watch reaches: whether its canary was heard lately, in how many directories, and what it lost.

    `losses` counts how often the kernel said that it had dropped events.
    """

    proven: bool = False
    directories: int = 0
    losses: int = 0


StoreCondition: TypeAlias = Present | Unadopted | Absent | Foreign


@dataclass(frozen=True, slots=True)
class DirectoryStamp:
    """What changes when a directory's list of names does."""

    inode: int
    mtime_ns: int
    ctime_ns: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A directory that was listed completely. Only here does a missing name prove that a file is gone.

    Attributes:
        files: the names of regular files, in order.
        others: everything else, in the order of names.
        settled: whether whatever changes the names from now on changes the stamp too (ADR 0031).
    """

    directory: bytes
    stamp: DirectoryStamp
    files: tuple[bytes, ...] = ()
    others: tuple[Entry, ...] = ()
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Unlisted:
    """A directory that was not listed: unreadable, too deep, another mount. It proves nothing."""

    directory: bytes
    why: str
    too_deep: bool = False


@dataclass(frozen=True, slots=True)
class Unchanged:
    """So many directories that were not listed, for their stamps say that they hold the names they held before."""

    directories: int


Listed: TypeAlias = Listing | Unlisted
WalkStep: TypeAlias = Listing | Unlisted | Unchanged
Stamps: TypeAlias = Mapping[bytes, DirectoryStamp | None]
"""Every directory of a store that was listed before, by its path; None where its stamp proves nothing."""


class Refusal(StrEnum):
    """Why a recording could not be pinned."""

    GONE = "gone"
    NOT_A_RECORDING = "not_a_recording"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class PinRefused:
    """The recording is not there, or not what the layout promised. `error` is an errno name or empty."""

    refusal: Refusal
    error: str = ""


@dataclass(frozen=True, slots=True)
class Pinned:
    """A recording that is held by a descriptor until its chunk is closed."""

    place: Place
    identity: Identity
    handle: int


@dataclass(frozen=True, slots=True)
class Removed:
    """Name removed, directory synced, name verified gone. `observed` is set when recovery found it so.

    `links_left` counts other names, `open_elsewhere` says that somebody reads it, `shared_extents` that its blocks are
    those of another file or a snapshot too: it lives on there. None where the system does not tell.
    """

    size_bytes: int
    links_left: int = 0
    open_elsewhere: bool | None = None
    shared_extents: bool | None = None
    observed: str | None = None


@dataclass(frozen=True, slots=True)
class Voided:
    """Nothing was deleted: the file was another, or is still being written, and is back under its name."""

    why: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The system refused. The recording is where it was, or as near to that as it could be put.

    `error` is an errno name, or IMMUTABLE, MOUNT_INSIDE, TOO_DEEP or UNLINK_LIED; `_PARTLY_REMOVED` is added where
    files of an event directory had gone before.
    """

    error: str


IMMUTABLE = "IMMUTABLE"
"""The error where the recording or its directory is marked immutable or append-only. The mark is never cleared:
somebody set it, to keep the recording or to attack the rule, and only a person can know which."""

Removal: TypeAlias = Removed | Voided | Failed


class ClaimChunk(Protocol):
    """Deletes the recordings of one chunk: pin, (intent), remove, settle. The only way to delete.

    Between `pin` and `remove` the caller puts the intent on the record; outcomes are known only after `settle`.
    """

    def pin(self, place: Place, unit: Unit) -> Pinned | PinRefused:
        """Open the recording without following any link or leaving the file system, and say what it is."""
        ...

    def remove(self, pinned: Pinned, claim: str) -> None:
        """Claim the recording under the name `claim`, verify that it is what was pinned, and unlink it."""
        ...

    def settle(self) -> Mapping[str, Removal]:
        """Sync every directory touched, verify, and return what became of each claim since the last settle.

        Raises:
            StorageError: a directory could not be synced, or a recording can be neither deleted nor put back;
                nothing is known, and the intents stay open (I2).
        """
        ...

    def recover(self, intent: OpenIntent) -> Removal:
        """Finish or undo what a crash left of `intent` (I4). Raises StorageError as `settle` does."""
        ...

    def unexplained(self, claims: Iterable[str]) -> Sequence[str]:
        """Return names in the claim directory that are none of `claims`. They are left alone."""
        ...

    def prune_links(self, directory: bytes, said: Collection[bytes]) -> int:
        """Remove the symbolic links in a directory that say one of `said`, where nothing is; return how many went.

        `said` are paths below the directory. A link is no recording; what it leads to is never looked at or followed.
        """
        ...

    def prune(self, directory: bytes) -> bool:
        """Remove an empty directory, never the store itself. False if it is not empty or not there."""
        ...


class Store(Protocol):
    """One store: its identity, a walk over it, and deletion in it."""

    @property
    def name(self) -> StoreName:
        """The operator's name."""
        ...

    def examine(self) -> StoreCondition:
        """Look whether the store is there and the one adopted. Cheap; called before each run and chunk."""
        ...

    def space(self) -> Space | None:
        """Return how large its file system is and how much of it is free; None if that cannot be told."""
        ...

    def adopt(self) -> StoreIdentity:
        """Write the marker and the claim directory, or take up a marker that is there. Raises StorageError."""
        ...

    def walk(self, descend: Callable[[bytes, Entry], bool], known: Stamps | None = None) -> Iterator[WalkStep]:
        """Yield every directory, parents before children, in the order of names, without following links.

        Those whose stamp is the `known` one are passed over, with what is known to lie in them: they are counted in an
        `Unchanged` step. Without `known` every directory is listed.

        `descend` is asked for each subdirectory. Never raises for a directory that cannot be listed: that is an
        `Unlisted` step. Depth is limited to 16. Raises StorageError if the directory there is not the one adopted.
        """
        ...

    def list_directory(self, directory: bytes) -> Listed | None:
        """List one directory; None if it does not exist. Raises StorageError as `walk`.

        The listing is not settled: what lies in the directory was not walked, and a walk has to list it again.
        """
        ...

    def inspect(self, place: Place, unit: Unit) -> Identity | None:
        """Look at one recording without opening its content; None if it is gone or cannot be reached."""
        ...

    def is_gone(self, place: Place) -> bool:
        """Tell whether a directory that can be opened holds no such name (design rule 5). Raises StorageError.

        Any error but ENOENT for the name itself proves nothing: then it is not gone.
        """
        ...

    def copies(self, places: Sequence[tuple[Place, Unit]]) -> Copies:
        """Look whether these recordings, or what was deleted before, may lie elsewhere on this machine. Never raises.

        Backups, snapshots below the file system, and copies on other machines are seen by nobody in here.
        """
        ...

    def chunk(self) -> AbstractContextManager[ClaimChunk]:
        """Open the store for one chunk of deletions. Raises StorageError."""
        ...


class Watch(Protocol):
    """Tells early that directories changed. A hint: nothing is decided by it, and it may lose anything (I8)."""

    @property
    def enabled(self) -> bool:
        """Whether hints are wanted at all; the operator may have switched them off."""
        ...

    def start(self, wake: Callable[[StoreName, bytes], None]) -> None:
        """Begin to call `wake(store, directory)` from a thread of its own. Never raises."""
        ...

    def watching(self, store: StoreName) -> Watching:
        """Tell how far the watch on a store reaches; while it is proven, silence means that nothing changed."""
        ...

    def probe(self) -> None:
        """Touch the canary of each store and renew watches that have died. Never raises."""
        ...

    def stop(self) -> None:
        """End the threads."""
        ...
