"""From bytes to a text whose every character can be seen.

YAML 1.1 begins a new line at U+0085, U+2028 and a lone carriage return, where editors show none; a no-break space is no
space to it, a tab is one in some places only, and a mark that turns the writing direction shows a line in another
order than it is read. Whoever reviews a file has to see what the daemon reads.
"""

from retentiond.settings.problems import Problems

MAX_BYTES = 1 << 20
REGISTER_BYTES = 4 << 20
"""A thousand devices with ten years of moves fit into half of it."""


def read_text(data: bytes, problems: Problems, most: int = MAX_BYTES) -> str | None:
    """Return the text of a file; None if it is too large, no UTF-8, or holds what cannot be seen, which is noted."""
    if len(data) > most:
        problems.add(1, "", f"is larger than {most >> 20} MiB; no file of ours is")
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        problems.add(data[: error.start].count(b"\n") + 1, "", "is not UTF-8 text; save it as UTF-8")
        return None
    if text.startswith("\ufeff"):
        problems.add(1, "", "begins with a byte order mark; save it as UTF-8 without one")
        return None
    for number, line in enumerate(text.split("\n"), 1):
        what = _refused(line.removesuffix("\r"))
        if what is not None:
            problems.add(number, "", what)
    return None if problems.found else text


def _refused(line: str) -> str | None:
    """Return what is wrong with a line before it is read as YAML."""
    if line.startswith("%"):
        return "begins with %, a directive; leave the line out"
    if line.isprintable():
        return None
    column, character = next((place, item) for place, item in enumerate(line, 1) if not item.isprintable())
    if character == "\t":
        return f"holds a tab in column {column}; write spaces"
    return f"holds the character U+{ord(character):04X} in column {column}, which cannot be seen; write the line anew"
