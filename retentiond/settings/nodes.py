"""YAML text as nodes that know their lines, read strictly (ADR 0007).

YAML 1.1 turns `030` into 24, `1:30` into 90 and `no` into false, and lets the last of two equal keys win. Here a value
is the text that was written, until the key that asks for it says what it has to be.

The nodes are made from the parser's events, by a loop: libyaml's own composer calls itself for each level, and a file
that is only brackets ends the process.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

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
            composer.take_all(events.get_event)
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


_BEGINNINGS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)


@dataclass(slots=True)
class _Composer:
    """Puts events together, as PyYAML gives them. `ended` is set where reading on makes no sense.

    A register has a third of a million events. What is right about nearly all of them is seen in one short loop;
    whatever is not goes the long way, which says what is wrong.
    """

    problems: Problems
    documents: int = 0
    ended: bool = False
    _tops: list[Node] = field(default_factory=list)
    _open: list[tuple[int, list[Node]]] = field(default_factory=list)
    _placed: int = 0

    @property
    def top(self) -> Node | None:
        """What the document holds."""
        return self._tops[-1] if self._tops else None

    def take_all(self, next_event: Callable[[], Any]) -> None:
        """Put events together until there is none left, or `ended`."""
        text, end_of_mapping, end_of_list = yaml.ScalarEvent, yaml.MappingEndEvent, yaml.SequenceEndEvent
        make, opened, here = tuple.__new__, self._open, self._tops  # a tuple's own constructor is the quickest
        while not self.ended and (event := next_event()) is not None:
            kind = type(event)
            if kind is text:
                if event.anchor is not None or event.tag is not None:
                    self._refuse_properties(event)
                here.append(make(Scalar, (event.start_mark.line + 1, event.value, not event.style)))
                self._placed += 1
            elif kind is end_of_mapping or kind is end_of_list:
                line, items = opened.pop()
                here = opened[-1][1] if opened else self._tops
                each = iter(items)
                pairs = kind is end_of_mapping
                here.append(Mapping(line, tuple(zip(each, each, strict=True))) if pairs else Listing(line, tuple(each)))
                self._placed += 1
            elif kind in _BEGINNINGS:
                here = self._begin(event)
            else:
                self._take(event, here)
            if self._placed > MAX_NODES:
                self._refuse_number(here[-1].line)

    def _begin(self, event: yaml.CollectionStartEvent) -> list[Node]:
        if event.anchor is not None or event.tag is not None:
            self._refuse_properties(event)
        line = _line(event)
        if len(self._open) >= MAX_DEPTH:
            self.problems.add(line, "", f"is nested deeper than {MAX_DEPTH} levels; no configuration of ours is")
            self.ended = True
        items: list[Node] = []
        self._open.append((line, items))
        return items

    def _take(self, event: yaml.Event, here: list[Node]) -> None:
        line = _line(event)
        if isinstance(event, yaml.AliasEvent):
            self.problems.add(line, "", "uses an alias; write the value out")
            here.append(Alias(line))
            self._placed += 1
        elif isinstance(event, yaml.DocumentStartEvent):
            self._begin_document(line)

    def _begin_document(self, line: int) -> None:
        self.documents += 1
        if self.documents > 1:
            self.problems.add(line, "", "begins a second document; a file has to hold exactly one document")
            self.ended = True

    def _refuse_properties(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        """Note what hides what a file says."""
        line = _line(event)
        if event.anchor is not None:
            self.problems.add(line, "", "uses an anchor; write the value out where it is needed")
        if event.tag is not None:
            self.problems.add(line, "", "uses a tag; leave it out")

    def _refuse_number(self, line: int) -> None:
        self.problems.add(line, "", f"is the {self._placed:,}th value; no file of ours has so many")
        self.ended = True


def _line(event: yaml.Event) -> int:
    return 1 if event.start_mark is None else event.start_mark.line + 1
