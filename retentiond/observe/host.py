"""What the host lets the daemon do: rights, mounts, clock, inotify, Landlock, systemd. Looks, and changes nothing."""

import ctypes
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from retentiond.domain.names import readable
from retentiond.observe.system_clock import LinuxClock

_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_VERSION = 1
_TESTED = {"ext4", "xfs", "btrfs", "tmpfs"}
DIRECTORIES_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing looked at: `fine`, `note` or `missing`, and what to do."""

    subject: str
    verdict: str
    text: str
    remedy: str = ""


def diagnose_store(name: str, path: str) -> Iterator[Diagnosis]:
    """Look at a store's file system and at the rights this user has in each of its upper directories."""
    subject = f"store {name}"
    if not os.path.isdir(path):
        yield Diagnosis(subject, "missing", f"{path} is not there", "mount the disk, or correct the path")
        return
    yield _file_system(subject, path)
    refused = [directory for directory in _upper_directories(path) if not _may_delete_in(directory)]
    if not refused:
        yield Diagnosis(subject, "fine", "this user may list and delete in every directory looked at")
        return
    shown = ", ".join(readable(os.fsencode(directory)) for directory in refused[:3])
    yield Diagnosis(
        subject,
        "missing",
        f"this user may not delete in {len(refused)} directories, such as {shown}",
        "in this order: add the daemon to the recorder's group with UMask=0002 on the recorder; or run it as the "
        "recorder's user; or use the drop-in with CAP_DAC_OVERRIDE",
    )


def diagnose_host() -> Iterator[Diagnosis]:
    """Look at what is the same for all stores."""
    reading = LinuxClock("").read()
    if reading.synchronised:
        yield Diagnosis("clock", "fine", "synchronised")
    else:
        remedy = "start a time service (systemd-timesyncd, chrony), or type the time: retentiond clock accept"
        yield Diagnosis("clock", "note", "the kernel does not call it synchronised", remedy)
    yield _inotify()
    yield _landlock()
    if os.path.isdir("/run/systemd/system"):
        yield Diagnosis("systemd", "fine", "is the service manager")
    else:
        yield Diagnosis("systemd", "note", "is not the service manager here; something else has to restart the daemon")


def _file_system(subject: str, path: str) -> Diagnosis:
    kind, options = _mount_of(path)
    if "ro" in options:
        return Diagnosis(subject, "missing", f"{kind}, mounted read-only", "remount it writable")
    if kind not in _TESTED:
        text = f"{kind}: not among the file systems that deletion was tried on"
        return Diagnosis(subject, "note", text, "each deletion is verified all the same; watch the findings")
    return Diagnosis(subject, "fine", f"{kind}, writable")


def _mount_of(path: str) -> tuple[str, frozenset[str]]:
    """Return type and options of the file system that `path` lies on."""
    import psutil

    best, found = "", ("unknown", frozenset[str]())
    real = os.path.realpath(path)
    try:
        mounts = psutil.disk_partitions(all=True)
    except OSError:
        return found
    for mount in mounts:
        inside = real == mount.mountpoint or real.startswith(mount.mountpoint.rstrip("/") + "/")
        if inside and len(mount.mountpoint) >= len(best):  # what was mounted last hides what was there before
            best, found = mount.mountpoint, (mount.fstype, frozenset(mount.opts.split(",")))
    return found


def _upper_directories(path: str) -> Iterable[str]:
    """Yield the store and the directories of its first two levels, a bounded number."""
    pending, shown = [(path, 0)], 0
    while pending and shown < DIRECTORIES_SHOWN:
        directory, depth = pending.pop(0)
        shown += 1
        yield directory
        if depth >= 2:
            continue
        try:
            with os.scandir(directory) as entries:
                below = sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
        except OSError:
            continue
        pending += [(item, depth + 1) for item in below if os.path.basename(item) != ".retentiond"]


def _may_delete_in(directory: str) -> bool:
    """Tell whether this user could unlink another user's file in `directory`."""
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        return False
    try:
        status = os.stat(directory, follow_symlinks=False)
    except OSError:
        return False
    sticky = bool(status.st_mode & stat.S_ISVTX)
    return not sticky or os.geteuid() in (0, status.st_uid)


def _inotify() -> Diagnosis:
    try:
        with open("/proc/sys/fs/inotify/max_user_watches", encoding="ascii") as file:
            limit = int(file.read())
    except (OSError, ValueError):
        return Diagnosis("inotify", "note", "not available; new recordings are met by the scan alone")
    if limit < 10_000:
        return Diagnosis(
            "inotify",
            "note",
            f"{limit:,} watches are allowed; with more directories new recordings are met by the scan alone",
            "raise fs.inotify.max_user_watches",
        )
    return Diagnosis("inotify", "fine", f"{limit:,} watches are allowed")


def _landlock() -> Diagnosis:
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), _LANDLOCK_VERSION)
    if version < 0:
        return Diagnosis("landlock", "note", "the kernel has none; the service's sandbox is systemd's alone")
    return Diagnosis("landlock", "note", f"version {version} is there; this release does not use it yet")
