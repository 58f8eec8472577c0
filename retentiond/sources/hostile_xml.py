"""XML from a device, read as what it is: text that anybody on the network may have written.

No document type, so no entities of its own; no more depth, elements or text than an answer of ONVIF has. Whoever sends
more is told so, and nothing of it is kept.
"""

from dataclasses import dataclass, field
from xml.parsers import expat

from retentiond.domain.errors import UnreachableError

MAX_DEPTH = 40
MAX_ELEMENTS = 20_000
_SEPARATOR = " "


@dataclass(slots=True)
class Element:
    """An element: its name without the namespace, its attributes, its text, and what is in it."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    text: str = ""
    children: "list[Element]" = field(default_factory=list)

    def all(self, name: str) -> "list[Element]":
        """Return every element of this name below this one, in order."""
        found: list[Element] = []
        waiting = list(reversed(self.children))
        while waiting:
            element = waiting.pop()
            if element.name == name:
                found.append(element)
            waiting += reversed(element.children)
        return found

    def first(self, *path: str) -> "Element | None":
        """Return the first element at the end of a path of names, each anywhere below the one before."""
        element: Element | None = self
        for name in path:
            element = None if element is None else next(iter(element.all(name)), None)
        return element

    def words(self, *path: str) -> str:
        """Return the text at the end of a path, without spaces around it; empty where there is none."""
        element = self.first(*path)
        return "" if element is None else element.text.strip()


def read_xml(data: bytes, whose: str) -> Element:
    """Return the top element of a document.

    Raises:
        UnreachableError: it is no XML, or more than an answer of `whose` may be.
    """
    reader = _Reader(whose)
    parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = reader.refuse_doctype
    parser.StartElementHandler = reader.begin
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.take_text
    try:
        parser.Parse(data, True)  # noqa: FBT003  expat's signature
    except expat.ExpatError as error:
        raise UnreachableError(f"{whose}: its answer is no XML ({error})") from error
    except (ValueError, LookupError) as error:  # an encoding that expat, or Python for it, does not know
        raise UnreachableError(f"{whose}: its answer is in an encoding that nobody uses") from error
    return reader.top.children[0]


class _Reader:
    """Puts elements together, within limits."""

    def __init__(self, whose: str) -> None:
        self.top = Element("")
        self._whose = whose
        self._open = [self.top]
        self._texts: list[list[str]] = [[]]
        self._count = 0

    def refuse_doctype(self, *_: object) -> None:
        raise UnreachableError(f"{self._whose}: its answer declares a document type, and no answer of ONVIF does")

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MAX_ELEMENTS or len(self._open) > MAX_DEPTH:
            raise UnreachableError(f"{self._whose}: its answer has more elements than any answer of ONVIF")
        element = Element(_local(name), {_local(key): value for key, value in attributes.items()})
        self._open[-1].children.append(element)
        self._open.append(element)
        self._texts.append([])

    def end(self, _: str) -> None:
        self._open.pop().text = "".join(self._texts.pop())

    def take_text(self, text: str) -> None:
        # Added up at the end: text in many small pieces would be copied as often as there are pieces.
        self._texts[-1].append(text)


def _local(name: str) -> str:
    return name.rpartition(_SEPARATOR)[2]
