"""What this user may do on the disk: in the directories of a store, and in the state directory. Looks, and no more."""

import grp
import os
import pwd
import shlex
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from retentiond.domain.names import readable

DIRECTORIES_LOOKED_AT = 200
CAMERAS_SHOWN = 32


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing looked at: `fine`, `note` or `missing`, and what to do."""

    subject: str
    verdict: str
    text: str
    remedy: str = ""


def diagnose_user() -> Diagnosis:
    """Say whose rights are looked at: those that this process works with."""
    user = user_name(os.geteuid())
    if os.geteuid() == 0:
        remedy = "look as the user that the daemon will be: runuser -u retentiond -- retentiond doctor"
        return Diagnosis("user", "note", "looking as root, who may do everything", remedy)
    groups = sorted({group_name(number) for number in (os.getegid(), *os.getgroups())})
    return Diagnosis("user", "fine", f"looking as {user}, in the groups {', '.join(groups)}")


def diagnose_state(path: str) -> Diagnosis:
    """Look at whether this user may work in the state directory."""
    shown = readable(os.fsencode(path))
    if not os.path.lexists(path) and os.access(_nearest(path), os.X_OK):
        return Diagnosis("state", "note", f"{shown} is not there yet", "the daemon makes it at its first start")
    if os.path.isdir(path) and os.access(path, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
        return Diagnosis("state", "fine", f"this user may work in {shown}")
    if os.path.lexists(path) and not os.path.isdir(path):
        return Diagnosis("state", "missing", f"{shown} is no directory", "move it away, or correct `state`")
    user = user_name(os.geteuid())
    remedy = f"look as the daemon's user, or as root; if {user} is that user: chown -R {user} {shlex.quote(shown)}"
    return Diagnosis("state", "missing", f"{shown} is closed to {user}", remedy)


def diagnose_directories(subject: str, path: str) -> Iterator[Diagnosis]:
    """Look at the store, at those of its cameras and at those below: a diagnosis for each camera that is closed."""
    directories = list(_upper_directories(path))
    refused = [item for item in directories if not _may_delete_in(item)]
    if not refused:
        places = "the store" if len(directories) == 1 else f"all {len(directories)} directories looked at"
        yield Diagnosis(subject, "fine", f"this user may list and delete in {places}")
        return
    of_camera: dict[str, list[str]] = {}
    for directory in refused:
        of_camera.setdefault(os.path.relpath(directory, path).split("/")[0], []).append(directory)
    for name, closed in list(of_camera.items())[:CAMERAS_SHOWN]:
        yield _refusal(subject, name, closed)
    if len(of_camera) > CAMERAS_SHOWN:
        more = f"and {len(of_camera) - CAMERAS_SHOWN} more, {len(refused)} directories in all"
        yield Diagnosis(subject, "missing", more, "as for those above")
    yield Diagnosis(
        subject,
        "note",
        "what the recorder makes from now on has to be open to this user as well",
        "set UMask=0002 for the recorder; or run the daemon as the recorder's user, or with the drop-in for"
        " CAP_DAC_OVERRIDE",
    )


def user_name(number: int) -> str:
    """Return the name of a user, or its number where it has none."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def group_name(number: int) -> str:
    """Return the name of a group, or its number where it has none."""
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _refusal(subject: str, name: str, closed: Sequence[str]) -> Diagnosis:
    """Say of a camera's directory whose it is, or of the first one below it that is closed."""
    shown = "the store itself" if name == "." else readable(os.fsencode(name))
    below = f" (and {len(closed) - 1} directories below)" if len(closed) > 1 else ""
    try:
        status = os.stat(closed[0], follow_symlinks=False)
    except OSError as error:
        text = f"{shown}: cannot be looked at ({error.strerror})"
        return Diagnosis(subject, "missing", text, "give this user the rights for the directory above it")
    owner, group = user_name(status.st_uid), group_name(status.st_gid)
    mode = f"{stat.S_IMODE(status.st_mode):04o}"
    text = f"{shown}{below}: belongs to {owner}:{group}, mode {mode}; this user may not delete in it"
    return Diagnosis(subject, "missing", text, _remedy(status, closed[0], group))


def _remedy(status: os.stat_result, directory: str, group: str) -> str:
    """Return how to get the right to delete in a directory: by its group, which costs the least."""
    place = shlex.quote(readable(os.fsencode(directory)))  # whoever may write the store chose the name
    steps: list[str] = []
    if status.st_gid not in {os.getegid(), *os.getgroups()}:
        if status.st_gid == 0:
            return f"give it to the recorder's group, not root's: chgrp -R GROUP {place}; then look again"
        steps.append(f"usermod -aG {group} {user_name(os.geteuid())}")
    if status.st_mode & 0o070 != 0o070:
        steps.append(f"find {place} -type d -exec chmod g+rwx {{}} +")
    if status.st_mode & stat.S_ISVTX:
        steps.append(f"chmod -t {place}")
    return f"run: {' && '.join(steps)}" if steps else "see what else keeps it closed: namei -l " + place


def _nearest(path: str) -> str:
    """Return the nearest directory above `path` that this user can see."""
    above = os.path.dirname(path)
    while above != "/" and not os.path.isdir(above):
        above = os.path.dirname(above)
    return above


def _upper_directories(path: str) -> Sequence[str]:
    """Return the store and the directories of its first two levels, a bounded number."""
    pending, seen = [(path, 0)], list[str]()
    while pending and len(seen) < DIRECTORIES_LOOKED_AT:
        directory, depth = pending.pop(0)
        seen.append(directory)
        if depth >= 2:
            continue
        try:
            with os.scandir(directory) as entries:
                below = sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
        except OSError:
            continue
        pending += [(item, depth + 1) for item in below if os.path.basename(item) != ".retentiond"]
    return seen


def _may_delete_in(directory: str) -> bool:
    """Tell whether this user could unlink another user's file in `directory`."""
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK, effective_ids=True):
        return False
    try:
        status = os.stat(directory, follow_symlinks=False)
    except OSError:
        return False
    sticky = bool(status.st_mode & stat.S_ISVTX)
    return not sticky or os.geteuid() in (0, status.st_uid)
