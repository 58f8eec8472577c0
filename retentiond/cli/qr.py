"""A short text as a QR code on a terminal (ISO/IEC 18004), for the phone of somebody who keeps it elsewhere."""

import os
import sys

from retentiond.cli.streams import write

_BORDER = 4  # modules that the standard wants to be light on every side
_HALVES = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}
_ON_BLACK, _BACK = "\x1b[97;40m", "\x1b[0m"


def show_qr(text: str) -> None:
    """Print `text` as a QR code, two rows of it in each line; nothing where standard output cannot say such blocks.

    Light is the colour of the writing and dark that of the ground, as on most terminals. Where a terminal has colours
    they are set, so that it reads the same on a light one.
    """
    try:
        "".join(_HALVES.values()).encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return
    coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    for line in qr_lines(text):
        write(f"{_ON_BLACK}{line}{_BACK}\n" if coloured else f"{line}\n")


def qr_lines(text: str) -> list[str]:
    """Return the lines of a QR code in half blocks, light where they are drawn, with its quiet zone."""
    import segno

    rows = [list(row) for row in segno.make(text, error="m", micro=False).matrix_iter(border=_BORDER)]
    rows += [[0] * len(rows[0])] * (len(rows) % 2)
    return [
        "".join(_HALVES[upper, lower] for upper, lower in zip(above, below, strict=True))
        for above, below in zip(rows[::2], rows[1::2], strict=True)
    ]
