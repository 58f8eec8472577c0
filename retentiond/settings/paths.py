"""Which paths may be written: plain ones, and for stores and state none whose loss would be a disaster (rule 5)."""

import os
from collections.abc import Iterator, Mapping, Sequence

_SYSTEM = frozenset(
    f"/{name}"
    for name in (
        *("bin", "boot", "dev", "etc", "home", "lib", "lib32", "lib64", "libx32", "media", "mnt", "opt", "proc"),
        *("root", "run", "sbin", "srv", "sys", "tmp", "usr", "var", "var/backups", "var/cache", "var/lib", "var/log"),
        *("var/mail", "var/opt", "var/run", "var/spool", "var/tmp"),
    )
)
_NEVER_BELOW = (
    *("/bin/", "/boot/", "/dev/", "/etc/", "/lib/", "/lib32/", "/lib64/", "/libx32/"),
    *("/proc/", "/sbin/", "/sys/", "/usr/"),
)
STATE = "the state directory"
_LOST_AT_BOOT = ("/run/", "/var/run/")


def parse_file_path(text: str) -> str:
    """Return the path of a file, absolute or beside the configuration.

    Raises:
        ValueError: something in it would have to be expanded or worked out, or cannot be seen.
    """
    if not text.isprintable() or text != text.strip():
        raise ValueError(
            f"{text!r}: begins or ends with a space, or holds what cannot be seen or is no UTF-8; write a plain path"
        )
    if text.startswith("~") or "$" in text:
        raise ValueError(f"{text!r}: nothing is expanded here; write the path out")
    if text in (".", "/") or text != os.path.normpath(text) or text.startswith("//") or text.split("/")[0] == "..":
        raise ValueError(f"{text!r}: write the path of a file, without //, . and ..")
    return text


def parse_absolute_path(text: str) -> str:
    """Return an absolute path that is no directory of the system, nor in the root directory itself.

    Raises:
        ValueError: as `parse_file_path`; it is relative, or such a directory.
    """
    plain = text if text == "/" else parse_file_path(text)
    if not plain.startswith("/"):
        raise ValueError(f"{text!r}: write an absolute path, one that begins with /")
    if plain in _SYSTEM or plain.count("/") < 2:
        raise ValueError(f"{text!r} is a system directory or too near the root; name a place further down")
    return plain


def parse_key_path(text: str) -> str:
    """Return the absolute path of the signing key. The error shows no text: it might be a key, pasted.

    Raises:
        ValueError: it is no plain absolute path.
    """
    try:
        return parse_absolute_path(text)
    except ValueError:
        raise ValueError(
            "is no plain absolute path of a file; write one such as /var/lib/retentiond/audit.key"
        ) from None


def parse_state_path(text: str) -> str:
    """Return the path of the state directory.

    Raises:
        ValueError: it is no plain absolute path, a system directory or below one, or is emptied at boot.
    """
    plain = _directory(text)
    if plain.startswith(_LOST_AT_BOOT):
        raise ValueError(f"{text!r} is emptied at boot, and the audit trail with it; write /var/lib/retentiond")
    return plain


def parse_store_path(text: str) -> str:
    """Return the path of a store.

    Raises:
        ValueError: it is no plain absolute path, leads through a link, is a system directory or below one.
    """
    plain = _directory(text)
    link = _first_link(plain)
    if link is not None:
        raise ValueError(
            f"{text!r}: {link} is a symbolic link; write the path that it leads to: {os.path.realpath(plain)}"
        )
    return plain


def _directory(text: str) -> str:
    """Return the plain path of a directory; a slash at its end means nothing."""
    plain = parse_absolute_path(text.rstrip("/") or text[:1])
    if plain.startswith(_NEVER_BELOW):
        raise ValueError(f"{text!r} lies in a system directory; write a place for data, such as /srv or /var/lib")
    return plain


def overlap_problems(stores: Sequence[tuple[str, str]], ours: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """Yield the stores, by position, that contain or lie in another one, or that hold a path of ours; and why.

    `ours` are the state directory and our files by what they are. Links are followed first.
    """
    real = [_resolved(path) for _, path in stores]
    for what, path in ours.items():
        place = _resolved(path)
        for index, store in enumerate(real):
            if place.startswith(store) or (what == STATE and store.startswith(place)):
                yield index, f"the store {stores[index][1]!r} and {what} {path!r} overlap; keep them apart"
    above: list[int] = []
    for index in sorted(range(len(real)), key=lambda item: (real[item], item)):
        while above and not real[index].startswith(real[above[-1]]):
            above.pop()
        if above:
            first, second = sorted((above[-1], index))
            name, path = stores[first]
            yield (
                second,
                f"the store {stores[second][1]!r} overlaps with the store {name!r} at {path!r}; keep them apart",
            )
        above.append(index)


def _resolved(path: str) -> str:
    return os.path.realpath(path) + "/"


def _first_link(path: str) -> str | None:
    """Return the first component of a path that is a link; what does not exist (yet) is none."""
    current = ""
    for component in path.split("/")[1:]:
        current += "/" + component
        if os.path.islink(current):
            return current
    return None
