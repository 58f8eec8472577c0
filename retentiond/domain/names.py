"""Names from the disk are bytes; people get them through the one escape function below.

A name may hold a newline, an escape sequence, a right-to-left mark or bytes that are no UTF-8
(CWE-117, CWE-150). Printed raw it forges lines; encoded naively it raises in the middle of a deletion run.
"""

import re
import unicodedata

MAX_NAME_BYTES = 255
_ESCAPE = re.compile(r"\\x[0-9a-f]{2}")


def readable(name: bytes) -> str:
    r"""Return `name` as one line that is safe on a terminal, in JSON, CSV, a label and a page.

    Printable UTF-8 stays as it is. Any other byte, and the backslash, becomes `\xNN`, so different names never
    read alike, and `from_readable` gives the bytes back.
    """
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if text and text.isprintable() and "\\" not in text:
        return text
    return "".join(_escaped(byte) for byte in name)


def from_readable(text: str) -> bytes:
    r"""Return the bytes that `readable` turned into `text`.

    Raises:
        ValueError: `text` holds a backslash that is not part of `\xNN`.
    """
    if "\\" not in text:
        return text.encode("utf-8")
    out = bytearray()
    rest = text
    while rest:
        if rest[0] != "\\":
            out += rest[0].encode("utf-8")
            rest = rest[1:]
        elif _ESCAPE.match(rest):
            out.append(int(rest[2:4], 16))
            rest = rest[4:]
        else:
            raise ValueError(f"not an escaped name: {text!r}")
    return bytes(out)


def visible(text: str) -> str:
    """Return a text with everything escaped that could end the line, move the cursor or turn the reading order."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


def folded(text: str) -> str:
    """Return what a text that a person wrote has in common with the same, written otherwise.

    Capitals, spaces, and the ways in which Unicode composes a letter make no difference to a reader.
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _escaped(byte: int) -> str:
    if 0x20 <= byte <= 0x7E and byte != 0x5C:
        return chr(byte)
    return f"\\x{byte:02x}"


def join(directory: bytes, name: bytes) -> bytes:
    """Return the path of `name` in `directory`; the store itself is the empty directory."""
    return directory + b"/" + name if directory else name
