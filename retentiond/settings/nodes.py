"""YAML text as nodes that know their lines, read strictly (ADR 0007).

YAML 1.1 turns `030` into 24, `1:30` into 90 and `no` into false, and lets the last of two equal keys win. Here a value
is the text that was written, until the key that asks for it says what it has to be.

The nodes are made from the parser's events, by a loop: libyaml's own composer calls itself for each level, and a file
that is only brackets ends the process.
"""

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import yaml

from retentiond.settings.problems import Problems
from retentiond.settings.source import MAX_BYTES, read_text

MAX_DEPTH = 16
MAX_NODES = 1_000_000
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Scalar(NamedTuple):
    """A text, and whether it stands there without quotes."""

    line: int
    text: str
    plain: bool


class Listing(NamedTuple):
    """A list."""

    line: int
    items: tuple["Node", ...]


class Mapping(NamedTuple):
    """A mapping, as its pairs were written; the same key may occur twice."""

    line: int
    pairs: tuple[tuple["Node", "Node"], ...]


class Alias(NamedTuple):
    """A reference to another node. It is noted as a problem already, and means nothing."""

    line: int


Node: TypeAlias = Scalar | Listing | Mapping | Alias


def read_nodes(data: bytes, filename: str, most: int = MAX_BYTES) -> tuple[Node | None, Problems]:
    """Return the top of the one YAML document in a file of at most `most` bytes, and what is wrong with it as YAML.

    There is no top where the text cannot be read at all.
    """
    problems = Problems(filename)
    text = read_text(data, problems, most)
    return (None if text is None else _compose(text, problems)), problems


def _compose(text: str, problems: Problems) -> Node | None:
    composer = _Composer(problems)
    try:
        events = _LOADER(text)
        try:
            while not composer.ended and (event := events.get_event()) is not None:
                composer.take(event)
        finally:
            events.dispose()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or "cannot be read"
        problems.add(
            mark.line + 1 if mark is not None else 1, "", f"is no YAML: {what}; mend this line or the one above it"
        )
        return None
    except (ValueError, OverflowError):  # an escape beyond Unicode, where PyYAML is without libyaml
        problems.add(1, "", "is no YAML: an escape stands for no character; write the character itself")
        return None
    if composer.documents == 0:
        problems.add(1, "", "has to hold exactly one document, and is empty")
    return None if composer.ended else composer.top


@dataclass(slots=True)
class _Composer:
    """Puts events together. `ended` is set where reading on makes no sense."""

    problems: Problems
    top: Node | None = None
    documents: int = 0
    ended: bool = False
    _open: list[tuple[int, list[Node]]] = field(default_factory=list)
    _placed: int = 0

    def take(self, event: yaml.Event) -> None:
        line = 1 if event.start_mark is None else event.start_mark.line + 1
        if type(event) is yaml.ScalarEvent:  # nearly all are
            if event.anchor is not None or event.tag is not None:
                self._refuse_properties(event, line)
            self._place(Scalar(line, event.value, not event.style))
            return
        match event:
            case yaml.DocumentStartEvent():
                self._begin_document(line)
            case yaml.AliasEvent():
                self.problems.add(line, "", "uses an alias; write the value out")
                self._place(Alias(line))
            case yaml.CollectionStartEvent():
                self._refuse_properties(event, line)
                self._descend(line)
            case yaml.SequenceEndEvent():
                begin, items = self._open.pop()
                self._place(Listing(begin, tuple(items)))
            case yaml.MappingEndEvent():
                begin, items = self._open.pop()
                self._place(Mapping(begin, tuple(zip(items[::2], items[1::2], strict=True))))
            case _:
                pass

    def _begin_document(self, line: int) -> None:
        self.documents += 1
        if self.documents > 1:
            self.problems.add(line, "", "begins a second document; a file has to hold exactly one document")
            self.ended = True

    def _refuse_properties(self, event: yaml.NodeEvent, line: int) -> None:
        """Note what hides what a file says."""
        if event.anchor is not None:
            self.problems.add(line, "", "uses an anchor; write the value out where it is needed")
        if getattr(event, "tag", None) is not None:
            self.problems.add(line, "", "uses a tag; leave it out")

    def _descend(self, line: int) -> None:
        if len(self._open) >= MAX_DEPTH:
            self.problems.add(line, "", f"is nested deeper than {MAX_DEPTH} levels; no configuration of ours is")
            self.ended = True
        self._open.append((line, []))

    def _place(self, node: Node) -> None:
        self._placed += 1
        if self._placed > MAX_NODES:
            self.problems.add(node.line, "", f"is the {self._placed:,}th value; no file of ours has so many")
            self.ended = True
        if self._open:
            self._open[-1][1].append(node)
        else:
            self.top = node
