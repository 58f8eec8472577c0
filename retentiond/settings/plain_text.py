"""Which texts without quotes YAML takes for something else than a text (ADR 0007).

YAML 1.1, which PyYAML reads, and YAML 1.2, which editors read, differ: `no` is false in the one, `0o30` is 24 in the
other. What either of them, or a reader of both, could take otherwise has to be quoted.
"""

import re

_WORDS = frozenset({"", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<"})
_LONGEST_WORD = max(map(len, _WORDS))
_BEGIN_A_NUMBER = frozenset("0123456789+-.")
_NUMBER = re.compile(
    r"""[-+]?(?:
        0b[01_]+ | 0o[0-7_]+ | 0x[0-9a-f_]+
      | [0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?
      | (?:\.[0-9][0-9_]*|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:e[-+]?[0-9]+)?
      | \.inf | \.nan )""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
_TIME = re.compile(
    r"[0-9]{4}-[0-9][0-9]?-[0-9][0-9]?"
    r"(?:(?:t| +)[0-9][0-9]?:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?: *(?:z|[-+][0-9][0-9]?(?::[0-9]{2})?))?)?",
    re.ASCII | re.IGNORECASE,
)


def is_a_time(text: str) -> bool:
    """Tell whether YAML reads this text as a date or a time."""
    return text[:1].isdigit() and _TIME.fullmatch(text) is not None


def is_a_word_or_number(text: str) -> bool:
    """Tell whether YAML 1.1 or 1.2 reads this text as a boolean, a number, nothing, or a sign of its own."""
    if text[:1] in _BEGIN_A_NUMBER and _NUMBER.fullmatch(text) is not None:
        return True
    return len(text) <= _LONGEST_WORD and text.casefold() in _WORDS
