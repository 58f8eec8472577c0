"""How things look on a terminal: plain aligned text, colour only where a person sees it, times in the local zone."""

import os
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime

from retentiond.cli.streams import write
from retentiond.domain.names import visible

_OUR_COLOURS = re.compile(r"(\x1b\[(?:31|33|32|2|1|0)m)")
_COLOURS = {"bad": "31", "warn": "33", "good": "32", "dim": "2", "head": "1"}


def coloured(text: str, role: str) -> str:
    """Return `text` in the colour of its role on a terminal that has colours, plain elsewhere and with NO_COLOR."""
    if not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    return f"\x1b[{_COLOURS[role]}m{text}\x1b[0m"


def say(text: str = "") -> None:
    """Print a line; what is not printable, or what the terminal cannot show, is escaped (CWE-117, CWE-150)."""
    line = "".join(piece if _OUR_COLOURS.fullmatch(piece) else visible(piece) for piece in _OUR_COLOURS.split(text))
    write(line + "\n")


def say_lines(text: str) -> None:
    """Print a text of several lines, each as `say` does."""
    for line in text.splitlines():
        say(line)


def local(instant: datetime | None) -> str:
    """Return an instant in the local zone with its offset, as `2026-03-01 04:00:04 +02:00`."""
    if instant is None:
        return "-"
    shown = instant.astimezone()
    offset = shown.strftime("%z")
    return f"{shown:%Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:]}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under a head, in columns as wide as they need."""
    lines = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for number, line in enumerate(lines):
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        say(coloured(text, "head") if number == 0 else text)


def count_of(number: int, noun: str) -> str:
    """Return `1 recording`, `2 recordings`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
