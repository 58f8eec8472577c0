"""Values taken out of nodes: each says what it has to be, and notes what is wrong with it where it stands."""

import difflib
import re
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple, TypeAlias, TypeVar

from retentiond.settings.nodes import Alias, Listing, Mapping, Node, Scalar
from retentiond.settings.plain_text import is_a_time, is_a_word_or_number
from retentiond.settings.problems import Problems

MAX_TEXT = 1_000
MAX_PROSE = 10_000
_MAX_SHOWN_KEY = 60

_LENGTH_OF_LIFE = re.compile(r"retention|retain|keep|max_?age|ttl|expir|days|lifetime", re.IGNORECASE)
_OTHER_WORDS = (
    (_LENGTH_OF_LIFE, "deletion_period"),
    (_LENGTH_OF_LIFE, "deletion_rules"),
    (re.compile(r"dry|simulat|observe|enforce|enabled", re.IGNORECASE), "mode"),
)
"""What other programs call our keys; no spelling is near enough to guess by."""

_T = TypeVar("_T")


Path: TypeAlias = "tuple[Path, str | int] | tuple[()]"
"""The keys and numbers that lead to a value, the last one outermost. Nobody reads them of a value that is right."""

TOP: Path = ()


class Value(NamedTuple):
    """One node of a file, the path of keys that leads to it, and where its problems go."""

    node: Node
    path: Path
    problems: Problems

    @property
    def key(self) -> str:
        """The path as people read it, such as `devices[3].name`."""
        return _written(self.path)

    def wrong(self, what: str) -> None:
        """Note that this value is wrong."""
        self.problems.add(self.node.line, self.key, what)

    # --- texts ------------------------------------------------------------------------------------------------

    def text(self) -> str | None:
        """Return one line of text. What YAML would take for something else has to be quoted."""
        return self.parsed(str)

    def prose(self) -> str | None:
        """Return a text of one or more lines, for people."""
        text = self._scalar(MAX_PROSE)
        plain = isinstance(self.node, Scalar) and self.node.plain
        return None if text is None or (plain and self._noted_as_ambiguous(text)) else text

    def parsed(self, parse: Callable[[str], _T], *, dates: bool = False) -> _T | None:
        """Return what `parse` makes of the text; its ValueError becomes the problem.

        With `dates`, a date or a time may stand without quotes: `parse` reads it as YAML does.
        """
        node = self.node
        text = node.text if type(node) is Scalar and 0 < len(node.text) <= MAX_TEXT else self._scalar(MAX_TEXT)
        if text is None:
            return None
        if not text.isprintable():
            self.wrong("holds a line break or a character that cannot be seen; write one line without")
            return None
        try:
            result = parse(text)
        except ValueError as error:
            self.wrong(str(error))
            return None
        plain = type(node) is Scalar and node.plain
        return None if plain and self._noted_as_ambiguous(text, dates=dates) else result

    def flag(self) -> bool | None:
        """Return a boolean, written `true` or `false` and nothing else."""
        if isinstance(self.node, Scalar) and self.node.plain and self.node.text in ("true", "false"):
            return self.node.text == "true"
        if not isinstance(self.node, Alias):
            self.wrong("is no boolean; write true or false, without quotes")
        return None

    def _scalar(self, longest: int) -> str | None:
        if isinstance(self.node, Alias):
            return None
        if not isinstance(self.node, Scalar):
            self.wrong("write one text here, not a list or a mapping")
        elif not self.node.text:
            self.wrong("is empty; write a text here, or leave the key out where it has a default")
        elif len(self.node.text) > longest:
            self.wrong(f"is {len(self.node.text):,} characters long; write at most {longest:,}")
        else:
            return self.node.text
        return None

    def _noted_as_ambiguous(self, text: str, *, dates: bool = False) -> bool:
        if not is_a_word_or_number(text) and (dates or not is_a_time(text)):
            return False
        self.wrong(f'{text} without quotes is no text to other readers of YAML; write "{text}"')
        return True

    # --- lists and mappings -----------------------------------------------------------------------------------

    @property
    def is_list(self) -> bool:
        """Whether a list is written here."""
        return isinstance(self.node, Listing)

    @property
    def is_mapping(self) -> bool:
        """Whether a mapping is written here."""
        return isinstance(self.node, Mapping)

    def items(self, *, else_: str = "") -> "list[Value]":
        """Return the values of a list that is not empty; `else_` ends the problem where it is."""
        found = self._items()
        if found is None or (not found and self.is_list):
            self.wrong(f"write a list that is not empty, such as [a, b]{else_}")
        return found or []

    def items_or_none(self) -> "list[Value]":
        """Return the values of a list that may be empty."""
        found = self._items()
        if found is None:
            self.wrong("write a list, or [] for none")
        return found or []

    def _items(self) -> "list[Value] | None":
        match self.node:
            case Listing(items=items):
                return [Value(node, (self.path, number), self.problems) for number, node in enumerate(items)]
            case Alias():
                return []
            case _:
                return None

    def parsed_items(self, parse: Callable[[str], _T], *, else_: str = "") -> list[_T]:
        """Return what `parse` makes of each text of a list that is not empty; none may be there twice."""
        found: dict[_T, None] = {}
        for item in self.items(else_=else_):
            parsed = item.parsed(parse)
            if parsed is None:
                continue
            if parsed in found:
                item.wrong(f"{str(parsed)!r} stands in this list twice; keep one")
            found[parsed] = None
        return list(found)

    def pairs(self) -> "Iterator[tuple[str, Value]]":
        """Return the pairs of a mapping whose keys are free, such as names of stores."""
        if isinstance(self.node, Alias):
            return
        if not isinstance(self.node, Mapping):
            self.wrong("write a mapping, such as {main: reception}")
            return
        for key, node in self._entries(self.node):
            value = Value(node, (self.path, key.text), self.problems)
            name = Value(key, value.path, self.problems).text()
            if name is not None:
                yield name, value

    def section(self, known: Collection[str]) -> "Section":
        """Return a mapping; keys that are not `known` are noted, with the nearest one that is."""
        node = self.node
        if not isinstance(node, Mapping):
            if not isinstance(node, Alias):
                self.wrong(f"write a mapping with the keys {', '.join(known)}")
            return Section(self, {})
        found = {key.text: value for key, value in node.pairs if type(key) is Scalar}
        if len(found) == len(node.pairs) and all(map(known.__contains__, found)):
            return Section(self, found)
        found = {}
        for key, value in self._entries(node):
            if key.text in known:
                found[key.text] = value
            else:
                self.problems.add(key.line, self._below(key.text), self._unknown(key.text, known))
        return Section(self, found)

    def _entries(self, mapping: Mapping) -> "Iterator[tuple[Scalar, Node]]":
        """Return the pairs whose key is a text that has not occurred before; the others are noted."""
        seen: dict[str, int] = {}
        for key, node in mapping.pairs:
            match key:
                case Scalar():
                    if key.text in seen:
                        what = f"stands here twice, first in line {seen[key.text]}; keep one"
                        self.problems.add(key.line, self._below(key.text), what)
                        continue
                    seen[key.text] = key.line
                    yield key, node
                case Listing() | Mapping():
                    self.problems.add(key.line, self.key, "has a list or a mapping for a key; write one word")
                case Alias():
                    pass

    def _below(self, name: str) -> str:
        return _written((self.path, name))

    def _unknown(self, name: str, known: Collection[str]) -> str:
        near = [] if self.problems.crowded or len(name) > _MAX_SHOWN_KEY else difflib.get_close_matches(name, known, 1)
        near += [ours for words, ours in _OTHER_WORDS if ours in known and words.search(name)]
        return "is not a key of this file; " + (
            f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
        )


def _written(path: Path) -> str:
    steps: list[str | int] = []
    while path:
        path, step = path
        steps.append(step)
    text = ""
    for step in reversed(steps):
        if isinstance(step, int):
            text += f"[{step}]"
            continue
        shown = step if step.isprintable() and len(step) <= _MAX_SHOWN_KEY else ascii(step[:_MAX_SHOWN_KEY]) + "…"
        text += f".{shown}" if text else shown
    return text


class Section(NamedTuple):
    """A mapping's values by key."""

    owner: Value
    values: dict[str, Node]

    def get(self, key: str) -> Value | None:
        """Return the value of a key, None if it is not there."""
        node = self.values.get(key)
        return None if node is None else Value(node, (self.owner.path, key), self.owner.problems)

    def need(self, key: str, remedy: str) -> Value | None:
        """Return the value of a key that has to be there; `remedy` says what to write."""
        if key not in self.values and self.owner.is_mapping:
            path = _written((self.owner.path, key))
            self.owner.problems.add(self.owner.node.line, path, f"is missing; {remedy}")
        return self.get(key)

    def need_parsed(self, key: str, parse: Callable[[str], _T], remedy: str) -> _T | None:
        """Return the parsed text of a key that has to be there; None where it is missing or wrong, which is noted."""
        value = self.need(key, remedy)
        return None if value is None else value.parsed(parse)

    def read(self, key: str, parse: Callable[[str], _T], default: _T, *, dates: bool = False) -> _T:
        """Return the parsed text of an optional key; `default` where it is not there or wrong."""
        value = self.get(key)
        parsed = None if value is None else value.parsed(parse, dates=dates)
        return default if parsed is None else parsed

    def read_flag(self, key: str, *, default: bool) -> bool:
        """Return an optional boolean; `default` where it is not there or wrong."""
        value = self.get(key)
        flag = None if value is None else value.flag()
        return default if flag is None else flag

    def wrong(self, key: str, what: str) -> None:
        """Note that the value of a key is wrong, or the mapping where the key is not there."""
        (self.get(key) or self.owner).wrong(what)
