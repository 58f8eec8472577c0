"""register.yml as a document that can be changed: what is not changed stays as it was written, comments too."""

import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from retentiond.settings.plain_text import is_a_word_or_number

_NEVER_WRAP = 1 << 20


class Span(Protocol):
    """What holds for a span of time, with its ends as they are to be written; an empty one is open."""

    @property
    def what(self) -> str: ...

    @property
    def since(self) -> str: ...

    @property
    def until(self) -> str: ...


class Entry:
    """One room or device of the document."""

    def __init__(self, node: CommentedMap) -> None:
        self._node = node

    def __setitem__(self, key: str, value: str | CommentedSeq) -> None:
        self._node[key] = _scalar(value) if isinstance(value, str) else value

    def update(self, values: Mapping[str, Any]) -> None:
        """Set several values."""
        for key, value in values.items():
            self[key] = value

    def write_history(self, key: str, keys: tuple[str, str, str], entries: Sequence[Span]) -> None:
        """Write a history of one entry into the keys beside one another, and a longer one as the list `key`."""
        for old in (key, *keys):
            self._node.pop(old, None)
        if len(entries) == 1:
            for name, value in _named(keys, entries[0]):
                self[name] = value
        else:
            self[key] = self.listed(keys, entries)

    @staticmethod
    def listed(keys: tuple[str, str, str], entries: Iterable[Span]) -> CommentedSeq:
        """Return entries as a list of mappings, each in a line of its own."""
        return CommentedSeq([_in_a_line(dict(_named(keys, entry))) for entry in entries])

    @staticmethod
    def no_tracks() -> CommentedMap:
        """Return the tracks of a device that may record nothing."""
        return _in_a_line({"video": False, "audio": False})


class Document:
    """The whole file. Of its text only what is set anew changes; long lines stay long."""

    def __init__(self, data: bytes) -> None:
        self._yaml = YAML(typ="rt")
        self._yaml.preserve_quotes = True
        self._yaml.width = _NEVER_WRAP
        self._yaml.indent(mapping=2, sequence=4, offset=2)
        self._top: CommentedMap = self._yaml.load(data.decode()) or CommentedMap()

    def entry(self, kind: str, ident: str) -> Entry:
        """Return the room or device with this id; a new one at the end of the list, if there is none."""
        entries = self._top.get(kind)
        if entries is None:
            entries = self._top[kind] = CommentedSeq()
        for node in entries:
            if node.get("id") == ident:
                return Entry(node)
        if entries.fa.flow_style():
            entries.fa.set_block_style()
        node = CommentedMap({"id": _scalar(ident)})
        entries.append(node)
        return Entry(node)

    def text(self) -> str:
        """Return the file as it is now."""
        out = io.StringIO()
        self._yaml.dump(self._top, out)
        return out.getvalue()


def _named(keys: tuple[str, str, str], entry: Span) -> Iterable[tuple[str, str]]:
    return [(key, value) for key, value in zip(keys, (entry.what, entry.since, entry.until), strict=True) if value]


def _in_a_line(values: Mapping[str, Any]) -> CommentedMap:
    node = CommentedMap({key: _scalar(value) if isinstance(value, str) else value for key, value in values.items()})
    node.fa.set_flow_style()
    return node


def _scalar(text: str) -> str:
    """Return a text so that every reader of YAML takes it for one."""
    return DoubleQuotedScalarString(text) if is_a_word_or_number(text) else text
