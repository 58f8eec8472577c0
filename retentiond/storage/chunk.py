"""One chunk of deletions in a store, in the order of design rule 6. What moves and removes names is in claim.py."""

import errno
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace

from retentiond.domain.decisions import OpenIntent
from retentiond.domain.errors import StorageError
from retentiond.domain.recording import Place, Unit
from retentiond.ports import IMMUTABLE, Failed, Pinned, PinRefused, Refusal, Removal, Removed, StoreIdentity, Voided
from retentiond.storage.beneath import OpenBeneath, checked_name, choose_opener, components_of, mount_from, mount_of
from retentiond.storage.claim import ClaimDirectory, Emptied, remove_if_empty, remove_links_to
from retentiond.storage.contents import Contents, look_at_file, look_into
from retentiond.storage.extents import NEVER_SHARE
from retentiond.storage.homes import Homes
from retentiond.storage.identity import CLAIMED, OWN, StorePath, require_adopted, wrong_private
from retentiond.storage.open_files import Usage
from retentiond.storage.pins import (
    PIN,
    Pin,
    error_name,
    identity_from,
    identity_of,
    is_intended,
    is_same_inode,
    is_unit,
    size_in,
)
from retentiond.storage.syscalls import SystemCalls

_BELOW_OWN = OWN + b"/"

_LIED = "UNLINK_LIED"
"""The system said that it removed a name, and the name or the link is still there (FUSE)."""

_PARTLY = "_PARTLY_REMOVED"
"""Added to the error that stopped the emptying of an event directory after some of its files had gone."""


@dataclass(frozen=True, slots=True)
class _Gone:
    """A claim whose name was removed, not yet known to be durable. `links` is the count just before."""

    pin: Pin
    links: int
    removed: Removed


def _links_of(gone: _Gone) -> int:
    """Return how many names a file has left whose claim was unlinked. Raises OSError.

    Where inodes live elsewhere (NFS; FUSE: mergerfs, bindfs) the pin of one that lost its name answers ESTALE or
    ENOENT: it is no file any more under the name that it was pinned by. Other names it may have.
    """
    try:
        return os.fstat(gone.pin.descriptor).st_nlink
    except OSError as error:
        if error.errno in (errno.ESTALE, errno.ENOENT):
            return gone.links - 1
        raise


class DirectoryChunk:
    """`ClaimChunk` over a directory; a context manager that holds descriptors and closes all of them.

    It looks for itself, on the descriptor that it works with, whether the store is the adopted one.
    """

    def __init__(self, where: StorePath, calls: SystemCalls, expected: Callable[[], StoreIdentity | None]) -> None:
        self._where = where
        self._calls = calls
        self._expected = expected
        self._held = ExitStack()
        self._store = -1
        self._mount = -1
        self._may_share = True
        self._open_beneath: OpenBeneath
        self._claims: ClaimDirectory
        self._directories: dict[bytes, int] = {}
        self._pins: list[Pin] = []
        self._touched: set[int] = set()
        self._gone: dict[str, _Gone] = {}
        self._stranded: dict[str, str] = {}
        self._outcomes: dict[str, Removal] = {}

    def __enter__(self) -> "DirectoryChunk":
        try:
            self._open()
        except OSError as error:
            self._held.close()
            raise StorageError(f"{self._where.path}: cannot be opened for deletion ({error.strerror})") from error
        except BaseException:
            self._held.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def _open(self) -> None:
        expected = self._expected()
        if expected is None:
            raise StorageError(f"{self._where.path}: was never adopted; nothing is deleted in it")
        self._store = self._hold(self._where.open())
        require_adopted(self._where, self._calls, self._store, expected)
        self._mount = mount_of(self._calls, self._store)
        self._may_share = expected.fs_type not in NEVER_SHARE
        self._open_beneath = choose_opener(self._calls, self._store)
        claimed = self._hold(self._open_beneath(self._store, OWN + b"/" + CLAIMED))
        wrong = wrong_private(self._where, os.fstat(claimed))
        if wrong is not None:
            raise StorageError(f"{self._where.path}: its claim directory {wrong}")
        self._claims = ClaimDirectory(self._calls, self._open_beneath, claimed)

    def _hold(self, descriptor: int) -> int:
        self._held.callback(os.close, descriptor)
        return descriptor

    # --- pin --------------------------------------------------------------------------------------------------

    def pin(self, place: Place, unit: Unit) -> Pinned | PinRefused:
        try:
            directory = self._directory(place.directory)
            if OWN in (place.path, place.directory) or place.directory.startswith(_BELOW_OWN):
                return PinRefused(Refusal.NOT_A_RECORDING)
            descriptor = self._hold(os.open(checked_name(place.name), PIN, dir_fd=directory))
            status = self._calls.statx(descriptor)
            if not is_unit(status.mode, unit):
                return PinRefused(Refusal.NOT_A_RECORDING)
            if mount_from(descriptor, status) != self._mount:
                return PinRefused(Refusal.UNREACHABLE, "EXDEV")
            identity = identity_from(self._calls, descriptor, status, unit)
        except FileNotFoundError:
            return PinRefused(Refusal.GONE)
        except OSError as error:
            return PinRefused(Refusal.UNREACHABLE, error_name(error))
        self._pins.append(Pin(descriptor, place, identity))
        return Pinned(place, identity, len(self._pins) - 1)

    def _directory(self, path: bytes) -> int:
        if path not in self._directories:
            self._directories[path] = self._hold(self._open_beneath(self._store, path))
        return self._directories[path]

    # --- claim, verify, unlink --------------------------------------------------------------------------------

    def remove(self, pinned: Pinned, claim: str) -> None:
        pin = self._pins[pinned.handle]
        directory = self._directories[pin.place.directory]
        try:
            self._claims.take(directory, pin.place.name, claim.encode())
        except OSError as error:
            vanished = isinstance(error, FileNotFoundError) and self._claims.is_there()
            self._outcomes[claim] = Voided("vanished") if vanished else Failed(self._refused(error, pin, directory))
            return
        self._touched.add(directory)
        self._unlink_or_put_back(claim, pin, self._doubt(pin, claim.encode()))

    def _refused(self, error: OSError, pin: Pin, directory: int) -> str:
        """Name what stands against a claim; a mark that lets nobody move anything is told from a missing right."""
        held = (pin.descriptor, directory, self._claims.descriptor)
        with suppress(OSError):
            if error.errno == errno.EPERM and any(self._calls.statx(descriptor).locked for descriptor in held):
                return IMMUTABLE
        return error_name(error)

    def _doubt(self, pin: Pin, name: bytes) -> str | None:
        """Say why what was claimed is not what was planned, None if it is the very same file, untouched.

        While the pin holds an inode its number is given to no other file, so it stands for birth and generation too.
        """
        try:
            claimed = os.stat(name, dir_fd=self._claims.descriptor, follow_symlinks=False)
        except OSError as error:
            return f"unverifiable_{error_name(error)}"
        planned = (pin.identity.inode, pin.identity.size_bytes, pin.identity.mtime_ns)
        now = (claimed.st_ino, claimed.st_size, claimed.st_mtime_ns)
        return None if now == planned else "changed"

    def _unlink_or_put_back(self, claim: str, pin: Pin, doubt: str | None) -> None:
        """Unlink what was claimed, or put it back if there is a doubt, a writer, or an error."""
        if doubt is not None:
            self._put_back(claim, pin, Voided(doubt))
            return
        emptied = Emptied()
        try:
            contents = self._contents(claim.encode(), pin.identity.unit)
            if contents.obstacle is not None:
                self._put_back(claim, pin, Failed(contents.obstacle))
            elif contents.usage is Usage.WRITER:
                self._put_back(claim, pin, Voided("still_written"))
            else:
                self._unlink(claim, pin, contents, emptied)
        except OSError as error:
            self._put_back(claim, pin, Failed(error_name(error) + (_PARTLY if emptied.begun else "")))

    def _contents(self, name: bytes, unit: Unit) -> Contents:
        if unit is Unit.FILE:
            return look_at_file(self._calls, self._claims.descriptor, name, may_share=self._may_share)
        return look_into(self._calls, self._open_beneath, self._claims.descriptor, name)

    def _unlink(self, claim: str, pin: Pin, contents: Contents, emptied: Emptied) -> None:
        before = os.fstat(pin.descriptor)
        if pin.identity.unit is Unit.FILE:
            self._claims.remove_file(claim.encode())
        else:
            self._claims.remove_directory(claim.encode(), emptied)
        elsewhere = None if contents.usage is Usage.UNKNOWN else contents.usage is Usage.READER
        size = before.st_blocks * 512 + emptied.size_bytes
        removed = Removed(size, emptied.links_left, elsewhere, contents.shared_extents)
        self._gone[claim] = _Gone(pin, before.st_nlink, removed)

    def _put_back(self, claim: str, pin: Pin, outcome: Removal) -> None:
        """Give a recording its name back. Where nothing takes it, it stays claimed, and `settle` says so."""
        refused = "ENOENT"
        homes = Homes(self._open_beneath, self._store, self._hold)
        for home in homes.of(pin.place, claim.encode(), self._directories.get(pin.place.directory)):
            try:
                self._claims.give_back(claim.encode(), home.directory, home.name)
            except OSError as error:
                refused = error_name(error)
                continue
            self._touched.update((home.directory, *home.made))
            self._outcomes[claim] = outcome
            return
        self._stranded[claim] = refused

    # --- settle -----------------------------------------------------------------------------------------------

    def settle(self) -> Mapping[str, Removal]:
        self._sync()
        try:
            for claim, gone in self._gone.items():
                self._verify(claim, gone)
        except OSError as error:
            raise StorageError(
                f"{self._where.path}: a deletion cannot be verified ({error.strerror}); the intents stay open and are "
                "settled as soon as the store answers again"
            ) from error
        self._gone.clear()
        if self._touched:
            self._sync()
        if self._stranded:
            raise StorageError(
                f"{self._where.path}: {len(self._stranded)} recordings are neither deleted nor can they be put back "
                f"({', '.join(sorted(set(self._stranded.values())))}); they lie in .retentiond/claimed, their intents "
                "stay open and are settled as soon as the store can be written to again"
            )
        outcomes, self._outcomes = self._outcomes, {}
        return outcomes

    def _sync(self) -> None:
        try:
            for directory in (self._claims.descriptor, *self._touched):
                os.fsync(directory)
        except OSError as error:
            raise StorageError(
                f"{self._where.path}: a directory cannot be synced ({error.strerror}); nothing is known of the last "
                "deletions until they are looked at again"
            ) from error
        self._touched.clear()

    def _verify(self, claim: str, gone: _Gone) -> None:
        """I2: say "removed" only of a name that is gone and a link count that fell.

        Of a file with more names than ours somebody may make one more at any moment; they are the links left.
        """
        links = _links_of(gone)
        is_file = gone.pin.identity.unit is Unit.FILE
        if self._claims.holds(claim.encode()):
            self._put_back(claim, gone.pin, Failed(_LIED))
        elif links >= gone.links and (gone.links == 1 or not is_file):
            self._outcomes[claim] = Failed(_LIED)
        else:
            self._outcomes[claim] = replace(gone.removed, links_left=links) if is_file else gone.removed

    # --- recovery ---------------------------------------------------------------------------------------------

    def recover(self, intent: OpenIntent) -> Removal:
        try:
            name = checked_name(intent.claim.encode())
            if self._claims.holds(name):
                return self._recover_claimed(name, intent)
            return self._recover_unclaimed(intent)
        except OSError as error:
            raise StorageError(
                f"{self._where.path}: what a broken-off deletion left cannot be looked at ({error.strerror}); "
                "its intent stays open"
            ) from error

    def _recover_claimed(self, name: bytes, intent: OpenIntent) -> Removal:
        """Delete a claimed recording that is the one intended and that nobody writes; put any other back."""
        place, unit = intent.recording.place, intent.recording.unit
        descriptor = self._hold(os.open(name, PIN, dir_fd=self._claims.descriptor))
        identity = identity_of(self._calls, descriptor, unit)
        intended = is_intended(identity, intent.identity_mark)
        with suppress(OSError):  # the rename out of its directory may not be durable yet
            self._touched.add(self._directory(place.directory))
        self._unlink_or_put_back(intent.claim, Pin(descriptor, place, identity), None if intended else "changed")
        removal = self.settle()[intent.claim]
        return replace(removal, observed="finished_at_recovery") if isinstance(removal, Removed) else removal

    def _recover_unclaimed(self, intent: OpenIntent) -> Removal:
        """Say whether a recording that is not claimed still has its name."""
        found = self.pin(intent.recording.place, intent.recording.unit)
        observed = "replaced_at_recovery"
        match found:
            case Pinned() if is_same_inode(found.identity, intent.identity_mark):
                return Voided("never_claimed")
            case PinRefused(refusal=Refusal.UNREACHABLE):
                return Failed(found.error)
            case PinRefused(refusal=Refusal.GONE):
                observed = "absent_at_recovery"
            case _:
                pass
        self._touched.update(self._directories.values())
        self._sync()
        return Removed(size_in(intent.identity_mark), observed=observed)

    def unexplained(self, claims: Iterable[str]) -> Sequence[str]:
        try:
            present = os.listdir(self._claims.descriptor)
        except OSError as error:
            raise StorageError(
                f"{self._where.path}: its claim directory cannot be listed ({error.strerror})"
            ) from error
        return sorted(set(present) - set(claims))

    # --- empty directories ------------------------------------------------------------------------------------

    def prune_links(self, directory: bytes, said: Collection[bytes]) -> int:
        try:
            if components_of(directory)[:1] == [OWN]:
                return 0
            return remove_links_to(self._directory(directory), said)
        except OSError:
            return 0

    def prune(self, directory: bytes) -> bool:
        parent, _, name = directory.rpartition(b"/")
        try:
            if components_of(directory)[:1] == [OWN]:
                return False
            return remove_if_empty(self._directory(parent), name)
        except OSError:
            return False
