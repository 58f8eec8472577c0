"""What the host lets the daemon do: rights, mounts, clock, inotify, Landlock, systemd. Looks, and changes nothing."""

import ctypes
import os
import stat
from collections.abc import Iterator

from retentiond.observe.rights import Diagnosis, diagnose_directories, user_name
from retentiond.observe.system_clock import LinuxClock

_LANDLOCK_CREATE_RULESET = 444
_LANDLOCK_VERSION = 1
_TESTED = {"ext4", "xfs", "btrfs", "tmpfs"}


def diagnose_store(name: str, path: str) -> Iterator[Diagnosis]:
    """Look at a store's file system and at the rights this user has in each of its upper directories."""
    subject = f"store {name}"
    why = _why_not_a_directory(path)
    if why:
        yield Diagnosis(subject, "missing", f"{path} {why}", "mount the disk, or correct the path or its rights")
        return
    file_system = _file_system(subject, path)
    yield file_system
    if file_system.verdict != "missing":
        yield from diagnose_directories(subject, path)


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


def _why_not_a_directory(path: str) -> str:
    """Return what keeps this user from a directory, empty if nothing does."""
    try:
        return "" if stat.S_ISDIR(os.stat(path).st_mode) else "is no directory"
    except FileNotFoundError:
        return "is not there"
    except PermissionError:
        return f"cannot be reached by {user_name(os.geteuid())}"
    except OSError as error:
        return f"cannot be looked at ({error.strerror})"


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
    return Diagnosis(
        "landlock", "note", f"version {version} is there; what looks into films is confined by it, the daemon not yet"
    )
