"""Which room classes a register may use.

One class decides whether a camera may be in a room, and a word that only looks like it would decide the opposite
without a sound. So the classes are closed: those below, and those that the register declares. A declared one prohibits
nothing, and must not look like the one that does.
"""

import difflib
import re
from collections.abc import Collection

from retentiond.domain.register import INTIMATE_CARE

KNOWN = {
    "public": "everybody passes: entrance, reception, corridor, waiting room",
    "staff": "staff only: break room, kitchen",
    "office": "desks and meetings",
    "treatment": "treatment without care of the intimate area",
    "technical": "servers, storage, supplies, workshop",
    "outdoor": "outside of the building",
    INTIMATE_CARE: "care of the intimate area, and wherever people undress or wash: no camera and no microphone",
}
"""The classes that need no declaration, and what each is for."""

KEBAB_PATTERN = "[a-z0-9]+(-[a-z0-9]+)*"
_KEBAB = re.compile(KEBAB_PATTERN, re.ASCII)
_LETTERS = re.compile(r"[^a-z]")
_ALIKE = 0.75


def parse_declared_class(text: str) -> str:
    """Return the name of a class that a register declares.

    Raises:
        ValueError: it is known anyway, no lower-case words joined by -, or looks like the prohibiting one.
    """
    if text in KNOWN:
        raise ValueError(f"{text!r} is known without being declared; leave it out")
    if _looks_prohibiting(text):
        raise ValueError(_mistakable(text))
    if not _KEBAB.fullmatch(text):
        raise ValueError(f"{text!r}: write lower-case words of a-z and 0-9 joined by -, such as x-ray")
    return text


def parse_room_class(text: str, declared: Collection[str]) -> str:
    """Return a room class.

    Raises:
        ValueError: it is neither known nor declared.
    """
    if text in KNOWN or text in declared:
        return text
    if _looks_prohibiting(text):
        raise ValueError(_mistakable(text))
    raise ValueError(
        f"{text!r} is no room class; write one of {', '.join((*KNOWN, *declared))}, or declare it in `room_classes` "
        f"(only {INTIMATE_CARE} prohibits devices)"
    )


def _looks_prohibiting(text: str) -> bool:
    letters, prohibiting = _LETTERS.sub("", text.casefold()), _LETTERS.sub("", INTIMATE_CARE)
    return letters.startswith("intim") or difflib.SequenceMatcher(None, letters, prohibiting).ratio() >= _ALIKE


def _mistakable(text: str) -> str:
    return (
        f"{text!r} only looks like {INTIMATE_CARE}, and would prohibit nothing; write {INTIMATE_CARE}, "
        "or a word that cannot be taken for it"
    )
