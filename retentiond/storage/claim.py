"""Deleting recordings: THE ONLY place in the program where names in a store are moved or removed (I5).

The order is that of design rule 6. A name is a bad witness: between a look at it and its unlink another file can have
taken it. So the file is first renamed into a directory that only the daemon can write; there it is compared with what
was planned and pinned, and only then unlinked. What turns out to be another file goes back under its name.
"""

import errno
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from retentiond.domain.decisions import OpenIntent
from retentiond.domain.errors import StorageError
from retentiond.domain.recording import Identity, Place, Unit
from retentiond.ports import Failed, Pinned, PinRefused, Refusal, Removal, Removed, Voided
from retentiond.storage.beneath import OpenBeneath, checked_name, choose_opener
from retentiond.storage.identity import CLAIMED, OWN, StorePath
from retentiond.storage.open_files import Usage, usage_of
from retentiond.storage.syscalls import SystemCalls

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_PIN = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_LIED = "UNLINK_LIED"
"""The system said that it removed a name, and the name or the link is still there (FUSE)."""


@dataclass(frozen=True, slots=True)
class _Pin:
    """A recording held by an O_PATH descriptor, and the directory that it was found in."""

    descriptor: int
    directory: int
    name: bytes
    identity: Identity
    allocated_bytes: int


@dataclass(frozen=True, slots=True)
class _Unlinked:
    """A claim whose name was removed, which is not yet known to be durable."""

    pin: _Pin
    open_elsewhere: bool | None


class DirectoryChunk:
    """`ClaimChunk` over a directory; a context manager that holds descriptors and closes all of them."""

    def __init__(self, where: StorePath, calls: SystemCalls) -> None:
        self._where = where
        self._calls = calls
        self._store = self._claimed = -1
        self._open_beneath: OpenBeneath
        self._directories: dict[bytes, int] = {}
        self._pins: list[_Pin] = []
        self._touched: set[int] = set()
        self._unlinked: dict[str, _Unlinked] = {}
        self._outcomes: dict[str, Removal] = {}

    def __enter__(self) -> "DirectoryChunk":
        try:
            self._store = self._where.open()
            own = os.open(OWN, _DIRECTORY, dir_fd=self._store)
            try:
                self._claimed = os.open(CLAIMED, _DIRECTORY, dir_fd=own)
            finally:
                os.close(own)
            self._open_beneath = choose_opener(self._calls, self._store)
        except OSError as error:
            self._close()
            raise StorageError(f"{self._where.path}: cannot be opened for deletion ({error.strerror})") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        held = [pin.descriptor for pin in self._pins]
        for descriptor in (*held, *self._directories.values(), self._claimed, self._store):
            if descriptor >= 0:
                os.close(descriptor)
        self._pins.clear()
        self._directories.clear()
        self._claimed = self._store = -1

    # --- pin --------------------------------------------------------------------------------------------------

    def pin(self, place: Place, unit: Unit) -> Pinned | PinRefused:
        try:
            directory = self._directory(place.directory)
            descriptor = os.open(checked_name(place.name), _PIN, dir_fd=directory)
        except FileNotFoundError:
            return PinRefused(Refusal.GONE)
        except OSError as error:
            return PinRefused(Refusal.UNREACHABLE, error_name(error))
        try:
            status = os.fstat(descriptor)
            if not (stat.S_ISREG(status.st_mode) if unit is Unit.FILE else stat.S_ISDIR(status.st_mode)):
                os.close(descriptor)
                return PinRefused(Refusal.NOT_A_RECORDING)
            if status.st_dev != os.fstat(self._store).st_dev:
                os.close(descriptor)
                return PinRefused(Refusal.UNREACHABLE, "EXDEV")
            identity = identity_of(self._calls, descriptor, unit)
        except OSError as error:
            os.close(descriptor)
            return PinRefused(Refusal.UNREACHABLE, error_name(error))
        self._pins.append(_Pin(descriptor, directory, place.name, identity, status.st_blocks * 512))
        return Pinned(place, identity, len(self._pins) - 1)

    def _directory(self, path: bytes) -> int:
        if path not in self._directories:
            self._directories[path] = self._open_beneath(self._store, path)
        return self._directories[path]

    # --- claim, verify, unlink --------------------------------------------------------------------------------

    def remove(self, pinned: Pinned, claim: str) -> None:
        pin, name = self._pins[pinned.handle], checked_name(claim.encode())
        try:
            self._rename(pin.directory, pin.name, self._claimed, name)
        except FileNotFoundError:
            self._outcomes[claim] = Voided("vanished")
            return
        except OSError as error:
            self._outcomes[claim] = Failed(error_name(error))
            return
        self._touched.add(pin.directory)
        doubt = self._doubt(pin, name)
        if doubt is not None:
            self._outcomes[claim] = self._put_back(pin.directory, pin.name, name, Voided(doubt))
            return
        usage = usage_of(self._claimed, name) if pin.identity.unit is Unit.FILE else Usage.UNKNOWN
        if usage is Usage.WRITER:
            self._outcomes[claim] = self._put_back(pin.directory, pin.name, name, Voided("still_written"))
            return
        try:
            self._unlink(name, pin.identity.unit)
        except OSError as error:
            self._outcomes[claim] = self._put_back(pin.directory, pin.name, name, Failed(error_name(error)))
            return
        self._unlinked[claim] = _Unlinked(pin, None if usage is Usage.UNKNOWN else usage is Usage.READER)

    def _doubt(self, pin: _Pin, name: bytes) -> str | None:
        """Say why what was claimed is not what was planned, None if it is the very same file, untouched."""
        try:
            descriptor = os.open(name, _PIN, dir_fd=self._claimed)
            try:
                same = os.path.samestat(os.fstat(descriptor), os.fstat(pin.descriptor))
                now = identity_of(self._calls, descriptor, pin.identity.unit)
            finally:
                os.close(descriptor)
        except OSError as error:
            return f"unverifiable_{error_name(error)}"
        return None if same and now.same_as(pin.identity) else "changed"

    def _put_back(self, directory: int, name: bytes, claimed: bytes, outcome: Removal) -> Removal:
        """Give a file its name back; if that is taken again, a name beside it. Nothing is ever replaced."""
        for target in (name, name[:200] + b".restored-" + claimed):
            try:
                self._rename(self._claimed, claimed, directory, target, replaces_nothing=False)
            except FileExistsError:
                continue
            except OSError as error:
                return Failed(f"NOT_PUT_BACK_{error_name(error)}")
            return outcome
        return Failed("NOT_PUT_BACK_EEXIST")

    def _rename(self, source: int, name: bytes, target: int, new_name: bytes, *, replaces_nothing: bool = True) -> None:
        """Rename without replacing. Raises OSError.

        A file system that does not know NOREPLACE answers EINVAL. Into the claim directory a plain rename is as good
        (`replaces_nothing`), since nobody else writes there; out of it a link that fails on a taken name is.
        """
        try:
            self._calls.rename_noreplace(source, name, target, new_name)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOSYS):
                raise
            if replaces_nothing:
                os.rename(name, new_name, src_dir_fd=source, dst_dir_fd=target)  # noqa: TID251
            else:
                os.link(name, new_name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
                os.unlink(name, dir_fd=source)  # noqa: TID251

    def _unlink(self, name: bytes, unit: Unit) -> None:
        """Remove a claimed file, or a claimed directory with all that is in it. Raises OSError."""
        if unit is Unit.FILE:
            os.unlink(name, dir_fd=self._claimed)  # noqa: TID251
        else:
            self._empty(name)
            os.rmdir(name, dir_fd=self._claimed)

    def _empty(self, name: bytes) -> None:
        """Remove what is in a claimed directory, deepest first, without following links or leaving the device."""
        levels: list[tuple[int, bytes]] = [(os.open(name, _DIRECTORY, dir_fd=self._claimed), name)]
        device = os.fstat(self._store).st_dev
        try:
            while levels:
                current, own_name = levels[-1]
                below = self._empty_files(current)
                if below is None:
                    os.close(levels.pop()[0])
                    if levels:
                        os.rmdir(own_name, dir_fd=levels[-1][0])
                    continue
                deeper = os.open(below, _DIRECTORY, dir_fd=current)
                levels.append((deeper, below))
                if os.fstat(deeper).st_dev != device:
                    raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        finally:
            for descriptor, _ in levels:
                os.close(descriptor)

    def _empty_files(self, directory: int) -> bytes | None:
        """Remove everything but directories from `directory`; return the name of one directory that is left."""
        below: bytes | None = None
        for text in os.listdir(directory):
            name = os.fsencode(text)
            if stat.S_ISDIR(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
                below = name
            else:
                os.unlink(name, dir_fd=directory)  # noqa: TID251
        return below

    # --- settle -----------------------------------------------------------------------------------------------

    def settle(self) -> Mapping[str, Removal]:
        self._sync((self._claimed, *self._touched))
        for claim, unlinked in self._unlinked.items():
            self._outcomes[claim] = self._verified(claim, unlinked)
        outcomes, self._outcomes = self._outcomes, {}
        self._unlinked.clear()
        self._touched.clear()
        return outcomes

    def _sync(self, directories: Iterable[int]) -> None:
        try:
            for directory in directories:
                os.fsync(directory)
        except OSError as error:
            raise StorageError(
                f"{self._where.path}: a directory cannot be synced ({error.strerror}); nothing is known of the last "
                "deletions until they are looked at again"
            ) from error

    def _verified(self, claim: str, unlinked: _Unlinked) -> Removal:
        """I2: say "removed" only of a name that is gone and a link count that fell."""
        links = os.fstat(unlinked.pin.descriptor).st_nlink
        if self._is_claimed(claim.encode()) or links >= unlinked.pin.identity.links:
            return Failed(_LIED)
        return Removed(unlinked.pin.allocated_bytes, links_left=links, open_elsewhere=unlinked.open_elsewhere)

    def _is_claimed(self, name: bytes) -> bool:
        try:
            os.stat(name, dir_fd=self._claimed, follow_symlinks=False)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return True

    # --- recovery ---------------------------------------------------------------------------------------------

    def recover(self, intent: OpenIntent) -> Removal:
        name, place, unit = intent.claim.encode(), intent.recording.place, intent.recording.unit
        try:
            checked_name(name)
            if self._is_claimed(name):
                return self._finish(name, place, unit, intent.identity_mark)
            pinned = self.pin(place, unit)
            if isinstance(pinned, Pinned) or pinned.refusal is Refusal.NOT_A_RECORDING:
                return Voided("never_claimed")
            if pinned.refusal is Refusal.UNREACHABLE:
                return Failed(pinned.error)
            self._sync([self._claimed, *self._directories.values()])
        except OSError as error:
            return Failed(error_name(error))
        size = int(intent.identity_mark.split(":")[1])
        return Removed(size, observed="absent_at_recovery")

    def _finish(self, name: bytes, place: Place, unit: Unit, mark: str) -> Removal:
        """Unlink a claimed file that is the one intended, put any other back. Raises OSError."""
        descriptor = os.open(name, _PIN, dir_fd=self._claimed)
        try:
            found = identity_of(self._calls, descriptor, unit)
            if not _is_intended(found, mark):
                try:
                    directory = self._directory(place.directory)
                except OSError as error:
                    return Failed(f"NOT_PUT_BACK_{error_name(error)}")
                return self._put_back(directory, place.name, name, Voided("changed"))
            self._unlink(name, unit)
            self._sync([self._claimed])
            with suppress(OSError):  # the directory may be gone by now; the rename out of it is in the journal
                os.fsync(self._directory(place.directory))
            links = os.fstat(descriptor).st_nlink
        finally:
            os.close(descriptor)
        if self._is_claimed(name) or links >= found.links:
            return Failed(_LIED)
        return Removed(found.size_bytes, links_left=links, observed="finished_at_recovery")

    def unexplained(self, claims: Iterable[str]) -> Sequence[str]:
        try:
            present = os.listdir(self._claimed)
        except OSError as error:
            raise StorageError(f"{self._where.claimed}: cannot be listed ({error.strerror})") from error
        return sorted(set(present) - set(claims))

    # --- empty directories ------------------------------------------------------------------------------------

    def prune(self, directory: bytes) -> bool:
        parent, _, name = directory.rpartition(b"/")
        try:
            os.rmdir(checked_name(name), dir_fd=self._directory(parent))
        except OSError:
            return False
        return True


def identity_of(calls: SystemCalls, descriptor: int, unit: Unit) -> Identity:
    """Return what makes the file behind a descriptor the very same file (rule S7). Raises OSError."""
    status = os.fstat(descriptor)
    return Identity(
        inode=status.st_ino,
        size_bytes=status.st_size,
        mtime_ns=status.st_mtime_ns,
        birth_ns=calls.birth_ns(descriptor),
        links=status.st_nlink,
        unit=unit,
    )


def error_name(error: OSError) -> str:
    """Return the name of an errno, such as `EACCES`."""
    return errno.errorcode.get(error.errno or 0, "EUNKNOWN")


def _is_intended(found: Identity, mark: str) -> bool:
    """Tell whether what was claimed is what the intent names; a directory may be half emptied already."""
    if found.unit is Unit.FILE:
        return found.mark == mark
    ours, intended = found.mark.split(":"), mark.split(":")
    return (ours[0], ours[3]) == (intended[0], intended[3])
