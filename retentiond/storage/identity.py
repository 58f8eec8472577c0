"""What a store is known by, so that another disk, or no disk, is never taken for it (design rule 5).

Everything is looked at below one descriptor of the store's directory. Whoever lists or deletes passes the descriptor
that he works with, so that what was examined and what is worked on cannot be two things.
"""

import errno
import hashlib
import json
import os
import stat
import uuid
from contextlib import ExitStack
from dataclasses import dataclass

from retentiond.domain.errors import StorageError
from retentiond.durable import replace_file
from retentiond.ports import Absent, Foreign, Present, StoreCondition, StoreIdentity, Unadopted
from retentiond.storage.beneath import mount_of, open_absolute
from retentiond.storage.syscalls import SystemCalls

OWN = b".retentiond"
MARKER = b"store.json"
CLAIMED = b"claimed"
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LOOK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_LONGEST_MARKER = 4096
_ROOT = 0
_GIVE_RIGHTS = "give the daemon the right to write in it"
_ADVICE: dict[type[OSError], str] = {
    FileNotFoundError: "mount the disk, or correct the path",
    NotADirectoryError: "correct the path: it is that of a directory",
}
_MEND = "restore it from a backup, or move it away and adopt the store anew: retentiond store adopt"


_NUMBER_BITS = 2**53 - 1
"""A number in a record has no more bits (RFC 8785, I-JSON). Inodes of SMB, NFS and mergerfs have 64."""

_NUMBERED_ANEW = (
    "; or a file system in user space that numbers its files anew: have it keep their numbers (mergerfs: -o use_ino) "
    "and adopt the store again"
)


@dataclass(frozen=True, slots=True)
class StorePath:
    """The directory of a store as configured, and the user id that the daemon has: our names in it are that user's.

    Whoever looks, root at the command line or the daemon itself, asks for the same owner and so sees the same store.
    """

    path: str
    owner: int

    def open(self) -> int:
        """Open the store's directory; no component of its path may be a link. Raises OSError."""
        return open_absolute(self.path)


@dataclass(frozen=True, slots=True)
class _Damaged:
    """The marker is there and cannot be what we wrote."""

    why: str


def examine(where: StorePath, calls: SystemCalls, store: int, expected: StoreIdentity | None) -> StoreCondition:
    """Say whether the directory behind the descriptor `store` is the one that was adopted. Never raises."""
    try:
        return _examine(where, calls, store, expected)
    except OSError as error:
        return Absent(f"it cannot be examined ({error.strerror})")


def require_adopted(where: StorePath, calls: SystemCalls, store: int, expected: StoreIdentity) -> None:
    """Make sure that the directory behind `store` is the one adopted. Raises StorageError if it is anything else."""
    condition = examine(where, calls, store, expected)
    if isinstance(condition, Absent | Foreign):
        raise StorageError(
            f"{where.path}: cannot be taken for the store that was adopted: {condition.why}. Nothing in it is taken "
            "for seen or gone; mount the disk, or adopt what is there: retentiond store adopt"
        )


def _examine(where: StorePath, calls: SystemCalls, store: int, expected: StoreIdentity | None) -> StoreCondition:
    with ExitStack() as held:
        own = _look(held, store, OWN)
        marker = None if own is None or _wrong_directory(own) else _read_marker(held, where, own)
        if isinstance(marker, _Damaged):
            return Foreign(f"{marker.why}; {_MEND}")
        if expected is None:
            return Unadopted()
        if own is None:
            return Absent("its marker is not there; the disk is probably not mounted")
        wrong = _wrong_directory(own) or _wrong_own(where, own)
        if wrong is not None:
            return Foreign(f"its directory .retentiond {wrong}")
        if marker is None:
            return Absent("its marker is gone from .retentiond")
        wrong = _difference(calls, store, marker, expected) or _wrong_claimed(where, calls, store, own)
        if wrong is not None:
            return Foreign(wrong)
        return Present(expected, read_only=bool(os.fstatvfs(store).f_flag & os.ST_RDONLY))


_IF_IT_STAYS = "; where that changes nothing, mount the disk so that it keeps permissions (ntfs-3g: -o permissions)"


def adopt(where: StorePath, calls: SystemCalls) -> StoreIdentity:
    """Mark the directory as a store, or take up the mark that is there; make the claim directory.

    Raises:
        StorageError: it cannot be written, or something that is not ours has one of our names.
    """
    try:
        with ExitStack() as held:
            store = _held(held, where.open())
            own = _made(held, where, store, OWN, 0o755)
            wrong = _wrong_own(where, own)
            if wrong is not None:
                raise StorageError(f"{where.path}: cannot be adopted: its directory .retentiond {wrong}")
            _made(held, where, own, CLAIMED, 0o700)
            marker = _read_marker(held, where, own) or _written(held, where, own)
            if isinstance(marker, _Damaged):
                raise StorageError(f"{where.path}: cannot be adopted: {marker.why}; {_MEND}")
            found = StoreIdentity(marker, fsid_of(calls, store), _inode_of(store), fs_type_of(calls, store))
            condition = examine(where, calls, store, found)
            if not isinstance(condition, Present):
                why = "" if isinstance(condition, Unadopted) else condition.why
                raise StorageError(f"{where.path}: cannot be adopted: {why}")
            return found
    except OSError as error:
        raise StorageError(
            f"{where.path}: cannot be adopted ({error.strerror}); {_ADVICE.get(type(error), _GIVE_RIGHTS)}"
        ) from error


def wrong_private(where: StorePath, status: os.stat_result) -> str | None:
    """Say what is wrong with a directory that nobody but the daemon may enter."""
    if status.st_uid != where.owner:
        return f"belongs to user {status.st_uid} and not to the daemon's, {where.owner}; give it to that one by chown"
    if stat.S_IMODE(status.st_mode) & 0o077:
        return f"is open to others; close it: chmod 700{_IF_IT_STAYS}"
    return None


def _wrong_directory(own: int) -> str | None:
    return None if stat.S_ISDIR(os.fstat(own).st_mode) else "is no directory"


def _wrong_own(where: StorePath, own: int) -> str | None:
    """Say what is wrong with our directory: who can write in it can exchange the marker and the claim directory."""
    status = os.fstat(own)
    if status.st_uid not in (where.owner, _ROOT):
        return f"belongs to user {status.st_uid} and not to the daemon's, {where.owner}; somebody may have put it there"
    if status.st_mode & 0o022:
        return f"may be written by others; close it: chmod go-w{_IF_IT_STAYS}"
    return None


def _wrong_claimed(where: StorePath, calls: SystemCalls, store: int, own: int) -> str | None:
    with ExitStack() as held:
        claimed = _look(held, own, CLAIMED)
        if claimed is None:
            return "its claim directory is gone"
        wrong = _wrong_directory(claimed) or wrong_private(where, os.fstat(claimed))
        if wrong is not None:
            return f"its claim directory {wrong}"
        if os.fstat(claimed).st_dev != os.fstat(store).st_dev or mount_of(calls, claimed) != mount_of(calls, store):
            return "its claim directory is another mount"
        return None


def fsid_of(calls: SystemCalls, store: int) -> int:
    """Return the id of the file system behind a descriptor, in the 53 bits that JSON carries unharmed.

    XFS, f2fs and FAT make theirs of the number of the device, and that is another one after a boot in which disks were
    found in another order. There the UUID in the superblock counts; 0 where none is told, which no other id is.
    """
    told, device = os.fstatvfs(store).f_fsid, os.fstat(store).st_dev
    major, minor = os.major(device), os.minor(device)
    if told == (minor & 0xFF) | major << 8 | (minor & ~0xFF) << 12:
        uuid = calls.file_system_uuid(store)
        told = 0 if uuid is None else int.from_bytes(hashlib.sha256(uuid).digest()[:8])
    return told & _NUMBER_BITS


def _inode_of(store: int) -> int:
    """Return the inode of a store's directory, as far as a record can hold it: a number below 2^53 (RFC 8785)."""
    return os.fstat(store).st_ino & _NUMBER_BITS


def _difference(calls: SystemCalls, store: int, marker: str, expected: StoreIdentity) -> str | None:
    if marker != expected.uuid:
        return "its marker names another store"
    if fsid_of(calls, store) != expected.fsid:
        return "it lies on another file system"
    if _inode_of(store) != expected.inode:
        return "it is another directory, a copy of the one adopted" + (
            _NUMBERED_ANEW if expected.fs_type.startswith("fuse") else ""
        )
    return None


# --- the marker -----------------------------------------------------------------------------------------------


def _read_marker(held: ExitStack, where: StorePath, own: int) -> str | _Damaged | None:
    """Return the UUID that the marker names, None without a marker. Raises OSError."""
    found = _look(held, own, MARKER)
    if found is None:
        return None
    status = os.fstat(found)
    if not stat.S_ISREG(status.st_mode):
        return _Damaged("its marker is no file")
    if status.st_uid not in (where.owner, _ROOT) or status.st_mode & 0o022:
        return _Damaged("its marker can be written by others than the daemon")
    return _parse_marker(os.read(_held(held, os.open(MARKER, _READ, dir_fd=own)), _LONGEST_MARKER))


def _parse_marker(data: bytes) -> str | _Damaged:
    try:
        fields = json.loads(data)
        return str(uuid.UUID(fields["uuid"]))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return _Damaged("its marker is damaged")


def _written(held: ExitStack, where: StorePath, own: int) -> str | _Damaged:
    """Write a new marker and return the UUID in it. Raises OSError."""
    marker = str(uuid.uuid4())
    data = json.dumps({"uuid": marker, "written_by": "retentiond"}).encode() + b"\n"
    try:  # by way of the descriptor: a directory put under our name meanwhile gets nothing
        replace_file(f"/proc/self/fd/{own}/{os.fsdecode(MARKER)}", data, 0o644)
    except StorageError as error:
        raise StorageError(f"{where.path}: its marker cannot be written ({error.__cause__})") from error
    _settle_rights(where, _held(held, os.open(MARKER, _READ, dir_fd=own)), 0o644)
    return _read_marker(held, where, own) or _Damaged("its marker is gone again")


# --- directories of ours --------------------------------------------------------------------------------------


def _made(held: ExitStack, where: StorePath, parent: int, name: bytes, mode: int) -> int:
    """Make a directory of ours unless there is one, and open it. Raises OSError."""
    try:
        os.mkdir(name, mode, dir_fd=parent)
    except FileExistsError:
        return _held(held, os.open(name, _DIRECTORY, dir_fd=parent))
    made = _held(held, os.open(name, _DIRECTORY, dir_fd=parent))
    _settle_rights(where, made, mode)
    os.fsync(parent)
    return made


def _settle_rights(where: StorePath, descriptor: int, mode: int) -> None:
    """Give what was just made its mode whatever the umask, and to the daemon's user what root made for it."""
    if os.fstat(descriptor).st_uid != os.geteuid():
        raise OSError(errno.EPERM, "somebody exchanged what was just made")
    os.fchmod(descriptor, mode)
    if os.geteuid() != where.owner:
        os.fchown(descriptor, where.owner, -1)


def _look(held: ExitStack, directory: int, name: bytes) -> int | None:
    """Hold `name` without following or opening it, None if it is not there. Raises OSError."""
    try:
        return _held(held, os.open(name, _LOOK, dir_fd=directory))
    except FileNotFoundError:
        return None


def _held(held: ExitStack, descriptor: int) -> int:
    held.callback(os.close, descriptor)
    return descriptor


def fs_type_of(calls: SystemCalls, store: int) -> str:
    """Return the type of the file system that `store` lies on, `unknown` where /proc does not tell."""
    mount = b"%d" % mount_of(calls, store)
    try:
        with open("/proc/self/mountinfo", "rb") as mounts:
            for line in mounts:
                if line.split(b" ", 1)[0] == mount:
                    return line.partition(b" - ")[2].split(b" ", 1)[0].decode("ascii", "replace")
    except OSError:
        pass
    return "unknown"
