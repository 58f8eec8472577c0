"""Who a command works as: root as the user that the state directory belongs to, the daemon's; others as they are."""

import os
import pwd

from retentiond.domain.errors import NotPermittedError, StorageError


def enter(state: str) -> None:
    """Become who may work in the directory `state`, and make sure that it is open to this user.

    What is closed must not look as if it were not there: a command would then report on a server without a past.

    Raises:
        NotPermittedError: the directory, or one above it, is closed to this user.
        StorageError: something else has its name.
    """
    work_as_owner_of(state)
    expect_open(state)


def expect_open(state: str) -> None:
    """Make sure that the directory `state`, if it is there, is open to this user.

    Raises:
        NotPermittedError: the directory, or one above it, is closed to this user.
        StorageError: something else has its name.
    """
    try:
        os.close(os.open(f"{state}/.", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    except FileNotFoundError:
        return
    except PermissionError as error:
        raise NotPermittedError(
            f"{state}: the state directory is closed to you; run the command as root or as the daemon's user"
        ) from error
    except OSError as error:
        raise StorageError(
            f"{state}: the state directory cannot be opened ({error.strerror}); correct `state`"
        ) from error


def work_as_owner_of(state: str) -> None:
    """Give up the rights of root for those of the owner of the directory `state`, for the rest of this process.

    Otherwise a command without a daemon would leave files that the daemon cannot open at its next start, and would
    see a store that the daemon cannot. Does nothing for other users, and where there is no directory yet.
    """
    if os.geteuid() != 0:
        return
    try:
        status = os.stat(state)
    except OSError:
        return
    if status.st_uid == 0:
        return
    try:
        user = pwd.getpwuid(status.st_uid)
        group, groups = user.pw_gid, os.getgrouplist(user.pw_name, user.pw_gid)
    except KeyError:  # a number without a name owns it
        group, groups = status.st_gid, [status.st_gid]
    os.setgroups(groups)
    os.setresgid(group, group, group)
    os.setresuid(status.st_uid, status.st_uid, status.st_uid)


def owner_of(state: str) -> int | None:
    """Return the user id of the owner of the directory `state`, None where there is none yet."""
    try:
        return os.stat(state).st_uid
    except OSError:
        return None
