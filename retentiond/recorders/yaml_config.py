"""A recorder's own configuration in YAML, as plain values. It is somebody else's file, and may be anything.

libyaml's composer calls itself for each level, and an alias inside an alias doubles what it stands for. So values are
made here from the parser's events, by a loop, with a limit on how deep they go and on how much they hold.
"""

import re
from collections.abc import Mapping
from typing import TypeAlias

import yaml

from retentiond.domain.errors import StorageError
from retentiond.recorders import config_files

Yaml: TypeAlias = "str | int | float | bool | list[Yaml] | dict[str, Yaml] | None"

MAX_DEPTH = 32
MAX_VALUES = 100_000
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS: Mapping[str, Yaml] = {
    **dict.fromkeys(("", "~", "null"), None),
    **dict.fromkeys(("true", "yes", "on"), True),
    **dict.fromkeys(("false", "no", "off"), False),
}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,18})", re.ASCII)
_NUMBER = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{0,18}", re.ASCII)
_MERGE = "<<"


class YamlFile:
    """One file. It is parsed again only when its text has changed."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._text: str | None = None
        self._value: dict[str, Yaml] = {}

    def read(self) -> dict[str, Yaml]:
        """Return the mapping at the top.

        Raises:
            StorageError: the file cannot be read, or is no mapping.
        """
        text = config_files.read_text(self.path)
        if text != self._text:
            try:
                self._value = _mapping(parse_yaml(text))
            except ValueError as error:
                self._text = None
                raise StorageError(
                    f"{self.path}: is no configuration of the recorder ({error}); correct `recorder_config`"
                ) from error
            self._text = text
        return self._value


def section(value: Yaml, *keys: str) -> dict[str, Yaml]:
    """Return the mapping that is found by going down `keys`, an empty one where there is none."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def number(value: Yaml) -> float | None:
    """Return a number, also one in quotes; None if it is none."""
    if isinstance(value, str) and (_INTEGER.fullmatch(value) or _NUMBER.fullmatch(value)):
        return float(value)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def parse_yaml(text: str) -> Yaml:
    """Return the value of the first document of a text.

    Raises:
        ValueError: it is no YAML, or nested too deeply, or holds too much.
    """
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
            if isinstance(event, yaml.DocumentEndEvent):
                break
    except (yaml.YAMLError, UnicodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f" in line {mark.line + 1}"
        raise ValueError(f"no YAML{where}") from error
    return builder.value


class _Open:
    """A list or mapping that is being filled. In a mapping, keys and values take turns."""

    def __init__(self, value: "list[Yaml] | dict[str, Yaml]", anchor: str | None) -> None:
        self.value = value
        self.anchor = anchor
        self.key: str | None = None

    @property
    def wants_key(self) -> bool:
        return isinstance(self.value, dict) and self.key is None

    def add(self, value: Yaml) -> None:
        if isinstance(self.value, list):
            self.value.append(value)
        elif self.key is None:
            self.key = value if isinstance(value, str) else ""
        else:
            self._put(self.key, value)
            self.key = None

    def _put(self, key: str, value: Yaml) -> None:
        filled = self.value
        if not isinstance(filled, dict):
            return
        if key != _MERGE:
            filled[key] = value
            return
        for merged in value if isinstance(value, list) else [value]:
            if isinstance(merged, dict):
                for name, item in merged.items():
                    filled.setdefault(name, item)


class _Builder:
    """Turns events into values. An alias stands for the very same value, so nothing is copied."""

    def __init__(self) -> None:
        self.value: Yaml = None
        self._open: list[_Open] = []
        self._anchors: dict[str, Yaml] = {}
        self._count = 0

    def take(self, event: yaml.Event) -> None:
        match event:
            case yaml.ScalarEvent():
                # A camera may be called `on` or `01`, and a key is what was written.
                self._add(event.value if self._open and self._open[-1].wants_key else _scalar(event), event.anchor)
            case yaml.AliasEvent():
                self._add(self._anchors.get(event.anchor or ""), None)
            case yaml.SequenceStartEvent():
                self._begin(_Open([], event.anchor))
            case yaml.MappingStartEvent():
                self._begin(_Open({}, event.anchor))
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                done = self._open.pop()
                self._add(done.value, done.anchor)
            case _:
                pass

    def _begin(self, opened: _Open) -> None:
        if len(self._open) >= MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
        self._open.append(opened)

    def _add(self, value: Yaml, anchor: str | None) -> None:
        self._count += 1
        if self._count > MAX_VALUES:
            raise ValueError(f"more than {MAX_VALUES} values")
        if anchor:
            self._anchors[anchor] = value
        if self._open:
            self._open[-1].add(value)
        else:
            self.value = value


def _scalar(event: yaml.ScalarEvent) -> Yaml:
    text = event.value
    if not event.implicit[0]:  # in quotes, or with a tag
        return text
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _NUMBER.fullmatch(text) else text


def _mapping(value: Yaml) -> dict[str, Yaml]:
    if not isinstance(value, dict):
        raise ValueError("no mapping")  # noqa: TRY004  it is the text that is wrong
    return value
