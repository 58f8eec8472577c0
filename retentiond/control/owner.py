"""Root at the command line works as the user that the state directory belongs to, which is the daemon's."""

import os
import pwd


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
