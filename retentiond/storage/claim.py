"""The claim directory: THE ONLY place in the program where names in a store are moved or removed (I5).

Between a look at a name and its unlink another file can have taken it. So a recording is first renamed into a directory
that only the daemon can write; there it is compared with what was planned, and only then unlinked (ADR 0005).
"""

import errno
import os
import stat
from collections.abc import Collection
from dataclasses import dataclass, field

from retentiond.storage.beneath import OpenBeneath, checked_name
from retentiond.storage.contents import Descent, names_in
from retentiond.storage.open_files import Usage, usage_by_lease
from retentiond.storage.syscalls import SystemCalls

_BLOCK = 512


@dataclass(slots=True)
class Emptied:
    """What was removed out of an event directory, also when it could not be finished."""

    begun: bool = False
    size_bytes: int = 0
    links: dict[int, int] = field(default_factory=dict)

    @property
    def links_left(self) -> int:
        """How many names the files have that lie elsewhere."""
        return sum(self.links.values())

    def note(self, status: os.stat_result) -> None:
        """Take in a file that was removed, as it was just before; the last of its names says how many are left."""
        self.begun = True
        if status.st_nlink > 1:
            self.links[status.st_ino] = status.st_nlink - 1
        else:
            self.links.pop(status.st_ino, None)
            self.size_bytes += status.st_blocks * _BLOCK


@dataclass(frozen=True, slots=True)
class ClaimDirectory:
    """`.retentiond/claimed` of a store, held open. Every method raises OSError."""

    calls: SystemCalls
    open_beneath: OpenBeneath
    descriptor: int

    def take(self, directory: int, name: bytes, claim: bytes) -> None:
        """Move a recording in under the name `claim`, replacing nothing.

        Where the file system knows no NOREPLACE the name is looked at first: nobody else writes here, so it stays free.
        A link and an unlink would not do: between them another file could take the recording's name, and be the one
        that is unlinked.
        """
        try:
            self.calls.rename_noreplace(directory, name, self.descriptor, checked_name(claim))
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOSYS):
                raise
            if self.holds(claim):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
            os.rename(name, claim, src_dir_fd=directory, dst_dir_fd=self.descriptor)  # noqa: TID251

    def give_back(self, claim: bytes, directory: int, name: bytes) -> None:
        """Move a recording out again, to a name that is free. Raises FileExistsError if it is not.

        Others write there. Without NOREPLACE a file goes by a link, which fails on a name that is taken, and a
        directory by taking the place of an empty one made for it, which fails as soon as anything is in that.
        """
        try:
            self.calls.rename_noreplace(self.descriptor, claim, directory, name)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOSYS):
                raise
            self._give_back_without_noreplace(claim, directory, name)

    def _give_back_without_noreplace(self, claim: bytes, directory: int, name: bytes) -> None:
        status = os.stat(claim, dir_fd=self.descriptor, follow_symlinks=False)
        if not stat.S_ISDIR(status.st_mode):
            try:
                os.link(claim, name, src_dir_fd=self.descriptor, dst_dir_fd=directory, follow_symlinks=False)
            except FileExistsError:
                # After a crash between the link and the unlink it is this very file that has the name.
                if not os.path.samestat(os.stat(name, dir_fd=directory, follow_symlinks=False), status):
                    raise
            os.unlink(claim, dir_fd=self.descriptor)  # noqa: TID251
            return
        os.mkdir(name, dir_fd=directory)
        try:
            os.rename(claim, name, src_dir_fd=self.descriptor, dst_dir_fd=directory)  # noqa: TID251
        except OSError:
            remove_if_empty(directory, name)
            raise

    def remove_file(self, claim: bytes) -> None:
        """Unlink a claimed file."""
        os.unlink(claim, dir_fd=self.descriptor)  # noqa: TID251

    def remove_directory(self, claim: bytes, emptied: Emptied) -> None:
        """Remove a claimed directory with all that is in it, deepest first, and say in `emptied` what went.

        Links are not followed and other mounts not entered (EXDEV). A file that somebody began to write since the
        directory was looked through is not removed (ETXTBSY).
        """
        with Descent(self.open_beneath, self.descriptor) as place:
            place.down(claim)
            pending = [_empty_level(place.here, emptied)]
            while pending:
                if pending[-1]:
                    place.down(pending[-1].pop())
                    pending.append(_empty_level(place.here, emptied))
                else:
                    pending.pop()
                    name = place.up()
                    os.rmdir(name, dir_fd=place.here)
                    emptied.begun = True

    def is_there(self) -> bool:
        """Tell whether the claim directory itself still has a name."""
        return os.fstat(self.descriptor).st_nlink > 0

    def holds(self, claim: bytes) -> bool:
        """Tell whether something lies here under this name; in doubt it does. Does not raise."""
        try:
            os.stat(claim, dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return True


def remove_if_empty(directory: int, name: bytes) -> bool:
    """Remove an empty directory. False if it is not empty, not there, or may not be removed."""
    try:
        os.rmdir(checked_name(name), dir_fd=directory)
    except OSError:
        return False
    return True


def remove_links_to(directory: int, said: Collection[bytes]) -> int:
    """Remove the symbolic links in `directory` that say one of `said`, where nothing is any more. Raises OSError."""
    dangling = {path for path in said if _is_gone(directory, path)}
    if not dangling:
        return 0
    removed = 0
    listed = os.open(b".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)  # a pin cannot be listed
    try:
        for name in names_in(listed):
            status = os.stat(name, dir_fd=listed, follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode) and os.readlink(name, dir_fd=listed) in dangling:
                os.unlink(name, dir_fd=listed)  # noqa: TID251
                removed += 1
    finally:
        os.close(listed)
    return removed


def _is_gone(directory: int, path: bytes) -> bool:
    """Tell whether nothing is at a path below `directory`; what cannot be looked at may be there."""
    try:
        os.stat(path, dir_fd=directory, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
    return False


def _empty_level(directory: int, emptied: Emptied) -> list[bytes]:
    """Remove everything but directories from `directory`; return those. Raises OSError."""
    below = []
    for name in names_in(directory):
        status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        if stat.S_ISDIR(status.st_mode):
            below.append(name)
            continue
        if stat.S_ISREG(status.st_mode) and usage_by_lease(directory, name) is Usage.WRITER:
            raise OSError(errno.ETXTBSY, "a file in it is being written")
        os.unlink(name, dir_fd=directory)  # noqa: TID251
        emptied.note(status)
    return below
