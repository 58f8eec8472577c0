"""Texts of somebody else, as they may be shown."""

LONGEST = 200


def shown(text: str) -> str:
    """Return a text in one line that can be shown: no control characters, no spaces around it, not too long."""
    return "".join(letter if letter.isprintable() else "?" for letter in text.strip()[:LONGEST])
