"""YAML text as nodes that know their lines, read strictly (ADR 0007).

YAML 1.1 turns `030` into 24, `1:30` into 90 and `no` into false, and lets the last of two equal keys win. Here a value
is the text that was written, until the key that asks for it says what it has to be.
"""

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import yaml

MAX_BYTES = 1 << 20
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)

_T = TypeVar("_T")


@dataclass(slots=True)
class Problems:
    """Everything that is wrong with a file, in the order of its lines."""

    filename: str
    found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, line: int, key: str, what: str) -> None:
        """Note a problem at a line, counted from 1; `key` is the path to it."""
        at = f"{key}: " if key else ""
        self.found.append((line, f"{self.filename}:{line}: {at}{what}"))

    def texts(self) -> tuple[str, ...]:
        """Return all problems, by line."""
        return tuple(dict.fromkeys(text for _, text in sorted(self.found, key=lambda item: item[0])))


@dataclass(frozen=True, slots=True)
class Value:
    """One node of a file, the path of keys that leads to it, and where its problems go."""

    node: yaml.Node
    key: str
    problems: Problems

    @property
    def line(self) -> int:
        """The line it stands on, from 1."""
        return int(self.node.start_mark.line) + 1

    def wrong(self, what: str) -> None:
        """Note that this value is wrong."""
        self.problems.add(self.line, self.key, what)

    def text(self) -> str | None:
        """Return a text; noted as wrong if it is a list, a mapping or empty."""
        if not isinstance(self.node, yaml.ScalarNode) or not str(self.node.value).strip():
            self.wrong("write one text here")
            return None
        return str(self.node.value)

    def parsed(self, parse: Callable[[str], _T]) -> _T | None:
        """Return what `parse` makes of the text; its ValueError becomes the problem."""
        text = self.text()
        if text is None:
            return None
        try:
            return parse(text)
        except ValueError as error:
            self.wrong(str(error))
            return None

    def flag(self) -> bool | None:
        """Return a boolean, written `true` or `false` and nothing else."""
        plain = isinstance(self.node, yaml.ScalarNode) and not self.node.style
        if plain and self.node.value in ("true", "false"):
            return bool(self.node.value == "true")
        self.wrong("write true or false")
        return None

    def number(self, least: int, most: int) -> int | None:
        """Return a whole number in a range."""
        text = self.text()
        if text is None:
            return None
        if not _INTEGER.fullmatch(text) or not least <= int(text) <= most:
            self.wrong(f"{text!r}: write a whole number from {least} to {most}")
            return None
        return int(text)

    def items(self) -> "list[Value]":
        """Return the values of a list that is not empty."""
        if not isinstance(self.node, yaml.SequenceNode) or not self.node.value:
            self.wrong("write a list that is not empty; leave the key out to mean everything")
            return []
        return [Value(node, f"{self.key}[{number}]", self.problems) for number, node in enumerate(self.node.value)]

    def items_or_none(self) -> "list[Value]":
        """Return the values of a list that may be empty."""
        if isinstance(self.node, yaml.SequenceNode) and not self.node.value:
            return []
        return self.items()

    def pairs(self) -> "list[tuple[str, Value]]":
        """Return the pairs of a mapping whose keys are free, such as names of stores."""
        if not isinstance(self.node, yaml.MappingNode):
            self.wrong("write a mapping, such as {main: reception}")
            return []
        names = [str(key.value) for key, _ in self.node.value if isinstance(key, yaml.ScalarNode)]
        return list(self.section(names).values.items())

    def is_mapping(self) -> bool:
        """Tell whether a mapping is written here."""
        return isinstance(self.node, yaml.MappingNode)

    def is_list(self) -> bool:
        """Tell whether a list is written here."""
        return isinstance(self.node, yaml.SequenceNode)

    def texts(self) -> list[str]:
        """Return the texts of a list."""
        return [text for item in self.items() if (text := item.text()) is not None]

    def section(self, known: Sequence[str]) -> "Section":
        """Return a mapping; keys that are not `known` are noted, with the nearest one that is."""
        found: dict[str, Value] = {}
        if not isinstance(self.node, yaml.MappingNode):
            self.wrong(f"write a mapping with the keys {', '.join(known)}")
            return Section(self, found)
        for key_node, node in self.node.value:
            name = str(key_node.value) if isinstance(key_node, yaml.ScalarNode) else "?"
            path = f"{self.key}.{name}" if self.key else name
            line = key_node.start_mark.line + 1
            if name in found:
                self.problems.add(line, path, f"stands here twice, first in line {found[name].line}; keep one")
            elif name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
                self.problems.add(line, path, f"is not a key of this file; {hint}")
            else:
                found[name] = Value(node, path, self.problems)
        return Section(self, found)


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping's values by key."""

    owner: Value
    values: dict[str, Value]

    def get(self, key: str) -> Value | None:
        """Return the value of a key, None if it is not there."""
        return self.values.get(key)

    def need(self, key: str, remedy: str) -> Value | None:
        """Return the value of a key that has to be there; `remedy` says what to write."""
        value = self.values.get(key)
        if value is None:
            path = f"{self.owner.key}.{key}" if self.owner.key else key
            self.owner.problems.add(self.owner.line, path, f"is missing; {remedy}")
        return value

    def read(self, key: str, parse: Callable[[str], _T], default: _T) -> _T:
        """Return the parsed text of an optional key; `default` where it is not there or wrong."""
        value = self.values.get(key)
        parsed = None if value is None else value.parsed(parse)
        return default if parsed is None else parsed


def read_nodes(data: bytes, filename: str) -> tuple[Value | None, Problems]:
    """Return the top of a YAML document. What makes the file unreadable as such is the only problem then."""
    problems = Problems(filename)
    if len(data) > MAX_BYTES:
        problems.add(1, "", "is larger than 1 MiB; no configuration of ours is")
        return None, problems
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        problems.add(data[: error.start].count(b"\n") + 1, "", "is not UTF-8 text; save it as UTF-8")
        return None, problems
    if text.startswith("\ufeff"):
        problems.add(1, "", "begins with a byte order mark; save it as UTF-8 without one")
        return None, problems
    try:
        documents = list(yaml.compose_all(text, Loader=_LOADER))
        events = _refused_events(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or "cannot be read"
        problems.add(mark.line + 1 if mark is not None else 1, "", f"is no YAML: {what}")
        return None, problems
    except (RecursionError, ValueError):
        problems.add(1, "", "is no YAML that a person wrote: nested too deep, or with strange characters")
        return None, problems
    for line, what in events:
        problems.add(line, "", what)
    if len(documents) != 1 or documents[0] is None:
        problems.add(1, "", "has to hold exactly one document, and is empty or holds several")
        return None, problems
    return (None if events else Value(documents[0], "", problems)), problems


def _refused_events(text: str) -> list[tuple[int, str]]:
    """Return what YAML allows and this project does not: aliases, anchors and tags hide what a file says."""
    refused = []
    for event in yaml.parse(text, Loader=_LOADER):
        mark = event.start_mark
        line = 1 if mark is None else mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            refused.append((line, "uses an alias; write the value out"))
        elif getattr(event, "anchor", None) is not None:
            refused.append((line, "uses an anchor; write the value out where it is needed"))
        elif getattr(event, "tag", None) is not None:
            refused.append((line, "uses a tag; leave it out"))
    return refused
