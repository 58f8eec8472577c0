"""What a store is known by, so that another disk, or no disk, is never taken for it (design rule 5)."""

import json
import os
import stat
import uuid
from dataclasses import dataclass

from retentiond.domain.errors import StorageError
from retentiond.durable import replace_file, sync_directory
from retentiond.ports import Absent, Foreign, Present, StoreCondition, StoreIdentity, Unadopted

OWN = b".retentiond"
MARKER = b"store.json"
CLAIMED = b"claimed"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class StorePath:
    """The directory of a store, as configured."""

    path: str

    @property
    def own(self) -> str:
        """Our own directory in the store."""
        return os.path.join(self.path, os.fsdecode(OWN))

    @property
    def marker(self) -> str:
        """The file that says which store this is."""
        return os.path.join(self.own, os.fsdecode(MARKER))

    @property
    def claimed(self) -> str:
        """The directory that claimed recordings are moved into."""
        return os.path.join(self.own, os.fsdecode(CLAIMED))

    def open(self) -> int:
        """Open the store's directory. Raises OSError."""
        return os.open(self.path, _DIRECTORY)


def examine(where: StorePath, expected: StoreIdentity | None) -> StoreCondition:
    """Say whether the store is there and is the one that was adopted. Never raises."""
    try:
        descriptor = where.open()
    except OSError as error:
        return Absent(f"its directory cannot be opened ({error.strerror})")
    try:
        found = _identity(where, descriptor)
        if expected is None:
            return Unadopted()
        if found is None:
            return Absent("its marker is not there; the disk is probably not mounted")
        difference = _difference(found, expected)
        if difference is not None:
            return Foreign(difference)
        wrong = _wrong_claim_directory(where, descriptor)
        if wrong is not None:
            return Foreign(wrong)
        return Present(expected, read_only=bool(os.fstatvfs(descriptor).f_flag & os.ST_RDONLY))
    except (OSError, ValueError) as error:
        return Absent(f"it cannot be examined ({error})")
    finally:
        os.close(descriptor)


def adopt(where: StorePath) -> StoreIdentity:
    """Mark the directory as a store, or take up the mark that is there; make the claim directory.

    Raises:
        StorageError: it cannot be written, or something that is not ours has one of our names.
    """
    try:
        descriptor = where.open()
        try:
            for path, mode in ((where.own, 0o755), (where.claimed, 0o700)):
                if not os.path.isdir(path) or os.path.islink(path):
                    os.mkdir(path, mode)
                    sync_directory(os.path.dirname(path))
            if not os.path.lexists(where.marker):
                marker = json.dumps({"uuid": str(uuid.uuid4()), "written_by": "retentiond"}).encode() + b"\n"
                replace_file(where.marker, marker, 0o644)
            found = _identity(where, descriptor)
            wrong = "its marker cannot be read back" if found is None else _wrong_claim_directory(where, descriptor)
            if found is None or wrong is not None:
                raise StorageError(f"{where.path}: cannot be adopted: {wrong}")
            return found
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as error:
        raise StorageError(
            f"{where.path}: cannot be adopted ({error}); give the daemon the right to write in it"
        ) from error


def _identity(where: StorePath, store: int) -> StoreIdentity | None:
    """Return what the directory says it is, None without a marker. Raises OSError, ValueError."""
    try:
        own = os.open(OWN, _DIRECTORY, dir_fd=store)
    except FileNotFoundError:
        return None
    try:
        marker = os.open(MARKER, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=own)
    except FileNotFoundError:
        return None
    finally:
        os.close(own)
    with os.fdopen(marker, "rb") as file:
        fields = json.loads(file.read(4096))
    if not isinstance(fields, dict) or not isinstance(fields.get("uuid"), str):
        raise ValueError(f"{where.marker} is no marker")  # noqa: TRY004  what is wrong is a file, not a type
    return StoreIdentity(
        uuid=str(uuid.UUID(fields["uuid"])),
        fsid=os.fstatvfs(store).f_fsid & (2**53 - 1),
        inode=os.fstat(store).st_ino,
        fs_type=_fs_type(where.path),
    )


def _difference(found: StoreIdentity, expected: StoreIdentity) -> str | None:
    if found.uuid != expected.uuid:
        return "its marker names another store"
    if found.fsid != expected.fsid:
        return "it lies on another file system"
    if found.inode != expected.inode:
        return "it is another directory, a copy of the one adopted"
    return None


def _wrong_claim_directory(where: StorePath, store: int) -> str | None:
    """Say what is wrong with the claim directory: it has to be ours alone and on the store's own device."""
    try:
        status = os.stat(where.claimed, follow_symlinks=False)
    except FileNotFoundError:
        return "its claim directory is gone"
    if not stat.S_ISDIR(status.st_mode):
        return "its claim directory is none"
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
        return "its claim directory is open to others"
    if status.st_dev != os.fstat(store).st_dev:
        return "its claim directory lies on another device"
    return None


def _fs_type(path: str) -> str:
    """Return the type of the file system that `path` lies on, `unknown` where /proc does not tell."""
    best, kind = "", "unknown"
    try:
        with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as mounts:
            for line in mounts:
                _, point, found, *_ = line.split(" ")
                if (path + "/").startswith(point.rstrip("/") + "/") and len(point) >= len(best):
                    best, kind = point, found
    except (OSError, ValueError):
        return "unknown"
    return kind
