"""Lengths of time as people write them: a number and a unit, always both (design rule 1).

A bare number is refused: "30" has meant seconds, days and, in YAML 1.1, an octal 24.
"""

import re
from datetime import timedelta

_UNITS = {
    "s": timedelta(seconds=1),
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_TEXT = re.compile(r"([1-9][0-9]{0,8})(s|min|h|d|w)", re.ASCII)

SHORTEST_PERIOD = timedelta(hours=1)
LONGEST_PERIOD = timedelta(days=3650)


def parse_duration(text: str) -> timedelta:
    """Return the length of time that `text` names, such as `60s`, `15min`, `72h`, `30d` or `4w`.

    Raises:
        ValueError: no whole positive number followed by a unit, or beyond what a timedelta can hold.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ValueError(
            f"{text!r} is no length of time: write a whole number and a unit (s, min, h, d, w), such as 30d"
        )
    try:
        return int(match[1]) * _UNITS[match[2]]
    except OverflowError as error:
        raise ValueError(f"{text!r} is longer than can be counted") from error


def parse_deletion_period(text: str) -> timedelta:
    """Return a deletion period: 1 h to 10 y of 365 days (rule 1).

    Raises:
        ValueError: not a length of time, or out of that range.
    """
    period = parse_duration(text)
    if not SHORTEST_PERIOD <= period <= LONGEST_PERIOD:
        raise ValueError(f"{text!r} is out of range: a deletion period is 1h to 3650d")
    return period


def duration_text(length: timedelta) -> str:
    """Return the shortest text that `parse_duration` reads as `length`, cut to whole seconds.

    Weeks are never written: people promise days.
    """
    seconds = length // timedelta(seconds=1)
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
