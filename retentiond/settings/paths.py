"""Which directories may be a store: never one whose loss would be a disaster (design rule 5)."""

import os
from collections.abc import Sequence

_SYSTEM = frozenset(
    f"/{name}"
    for name in (
        *(
            "bin",
            "boot",
            "dev",
            "etc",
            "home",
            "lib",
            "lib32",
            "lib64",
            "libx32",
            "media",
            "mnt",
            "opt",
            "proc",
            "root",
        ),
        *("run", "sbin", "srv", "sys", "tmp", "usr", "var", "var/lib", "var/log", "var/cache", "var/spool", "var/run"),
        *("var/tmp", "var/backups", "var/mail", "var/opt", "usr/local", "usr/share"),
    )
)
_NEVER_BELOW = ("/bin", "/boot", "/dev", "/etc", "/lib", "/lib64", "/proc", "/sbin", "/sys", "/usr")


def parse_store_path(text: str) -> str:
    """Return the path of a store.

    Raises:
        ValueError: it is relative, not plain, a system directory or below one, or too near the root.
    """
    if "\0" in text or "\n" in text:
        raise ValueError(f"{text!r}: holds a line break or NUL")
    if text.startswith("~") or "$" in text:
        raise ValueError(f"{text!r}: nothing is expanded here; write the path out")
    if not text.startswith("/"):
        raise ValueError(f"{text!r}: write an absolute path, such as /srv/recordings")
    plain = text.rstrip("/") or "/"
    if plain != os.path.normpath(plain) or plain.startswith("//"):
        raise ValueError(f"{text!r}: write it without //, . and ..")
    if plain in _SYSTEM or plain == "/" or plain.count("/") < 2:
        raise ValueError(f"{text!r} is a system directory or too near the root; name one such as /srv/recordings")
    if any(plain.startswith(parent + "/") for parent in _NEVER_BELOW):
        raise ValueError(f"{text!r} lies in a system directory; recordings do not belong there")
    link = _first_link(plain)
    if link is not None:
        raise ValueError(
            f"{text!r}: {link} is a symbolic link; write the path that it leads to: {os.path.realpath(plain)}"
        )
    return plain


def overlap_problems(stores: Sequence[tuple[str, str]], state: str) -> list[tuple[int, str]]:
    """Return the stores, by position, that contain or lie in another one or the state directory, and why."""
    found = []
    for index, (_, path) in enumerate(stores):
        if _overlap(path, state):
            found.append((index, f"the store {path!r} and the state directory {state!r} overlap; keep them apart"))
        for name, other in stores[:index]:
            if _overlap(path, other):
                found.append(
                    (index, f"the store {path!r} overlaps with the store {name!r} at {other!r}; keep them apart")
                )
    return found


def _overlap(path: str, other: str) -> bool:
    ours, theirs = os.path.realpath(path) + "/", os.path.realpath(other) + "/"
    return ours.startswith(theirs) or theirs.startswith(ours)


def _first_link(path: str) -> str | None:
    """Return the first component of a path that is a link; what does not exist (yet) is none."""
    current = ""
    for component in path.split("/")[1:]:
        current += "/" + component
        if os.path.islink(current):
            return current
    return None
