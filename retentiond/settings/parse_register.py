"""register.yml: from text to the register."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo

from retentiond.domain.errors import ConfigurationError
from retentiond.domain.names import folded
from retentiond.domain.register import FOREVER, Neighbour, Register, Relation, Room, RoomClassification, Validity
from retentiond.settings import keys, scalars
from retentiond.settings.entry_dates import Dates, refuse_hidden
from retentiond.settings.fields import TOP, Section, Value
from retentiond.settings.nodes import read_nodes
from retentiond.settings.parse_devices import DeviceReader
from retentiond.settings.parse_papers import PaperReader
from retentiond.settings.room_classes import parse_declared_class, parse_room_class
from retentiond.settings.source import REGISTER_BYTES


@dataclass(frozen=True, slots=True)
class RegisterText:
    """What the text of a file states: the register, and what it is written in."""

    register: Register
    zone: ZoneInfo
    room_classes: frozenset[str]


def parse_register(data: bytes, filename: str) -> Register:
    """Return the register that the text of `filename` states.

    Raises:
        ConfigurationError: with every problem, in the order of lines.
    """
    return parse_register_text(data, filename).register


def parse_register_text(data: bytes, filename: str) -> RegisterText:
    """Return the register and what it is written in. Raises ConfigurationError as `parse_register` does."""
    with without_collector():
        return _read_file(data, filename)  # its nodes are gone by the time that garbage is looked for again


def _read_file(data: bytes, filename: str) -> RegisterText:
    node, problems = read_nodes(data, filename, REGISTER_BYTES)
    text = None if node is None else _read(Value(node, TOP, problems).section(keys.REGISTER))
    if problems.found or text is None:
        raise ConfigurationError(problems.texts())
    return text


@contextmanager
def without_collector() -> Iterator[None]:
    """Let nobody look for garbage meanwhile: among small values that all stay, that takes as long as making them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _read(top: Section) -> RegisterText:
    dates = Dates(top.read("timezone", scalars.parse_zone, ZoneInfo("UTC")))
    declared = top.get("room_classes")
    classes = declared.parsed_items(parse_declared_class) if declared is not None else []
    rooms = _RoomReader(dates, frozenset(classes)).read(_listed(top, "rooms"))
    known = frozenset(room.ident for room in rooms)
    papers = PaperReader(dates, known)
    papers.read_approvals(top)
    devices = DeviceReader(dates, known, papers.at_device).read(_listed(top, "devices"))
    register = Register(rooms, devices, papers.read(top, frozenset(device.ident for device in devices)))
    return RegisterText(register, dates.zone, frozenset(classes))


def _listed(top: Section, key: str) -> Sequence[Value]:
    value = top.get(key)
    return () if value is None else value.items_or_none()


class _RoomReader:
    """Reads rooms; what is wrong with one is noted, and hides nothing of the others."""

    def __init__(self, dates: Dates, room_classes: frozenset[str]) -> None:
        self._dates = dates
        self._room_class = partial(parse_room_class, declared=room_classes)
        self._rooms: dict[str, Room] = {}
        self._called: dict[str, str] = {}
        self._mentioned: list[tuple[Value, str]] = []

    def read(self, items: Sequence[Value]) -> tuple[Room, ...]:
        """Return the rooms."""
        for item in items:
            self._read_room(item)
        for item, room in self._mentioned:
            if room not in self._rooms:
                item.wrong(f"{room!r} is no room of this register; write the id of one, or add it to `rooms`")
        return tuple(self._rooms.values())

    def _read_room(self, item: Value) -> None:
        section = item.section(keys.ROOM)
        ident = section.need_parsed("id", scalars.parse_ident, "write a short one that never changes, such as hall")
        name = section.read("name", scalars.parse_text, ident or "")
        classes = self._classes(section)
        neighbours = self._neighbours(section, ident)
        gone = self._dates.read(section, "gone", FOREVER)
        self._refuse_taken(section, ident or "", name)
        if ident is None:
            return
        if ident in self._rooms:
            item.wrong(f"the room {ident!r} is there twice; keep one, with a history in `classes`")
        self._rooms.setdefault(ident, Room(ident, name, classes, neighbours, gone))

    def _refuse_taken(self, section: Section, ident: str, name: str) -> None:
        """Refuse what another room is called already: a person who writes it may mean either."""
        for text in dict.fromkeys((ident, name)):
            other = self._called.setdefault(folded(text), ident)
            if text and other != ident:
                key = "name" if text == name and "name" in section.values else "id"
                section.wrong(key, f"another room is called {text!r}, {other!r}; call each differently")

    def _classes(self, section: Section) -> tuple[RoomClassification, ...]:
        history, single = section.get("classes"), section.get("class")
        if history is None:
            found = None if single is None and not {"since", "until"} & set(section.values) else self._class(section)
            return () if found is None else (found,)
        for key in ("class", "since", "until"):
            if key in section.values:
                section.wrong(key, "stands beside `classes`; put it into that list")
        entries = [(item, self._class(item.section(keys.ROOM_CLASS))) for item in history.items()]
        refuse_hidden([(item, entry.validity) for item, entry in entries if entry is not None])
        return tuple(entry for _, entry in entries if entry is not None)

    def _class(self, section: Section) -> RoomClassification | None:
        name = section.need_parsed("class", self._room_class, "write what the room is used for, such as public")
        validity = self._dates.span(section, "since", "until")
        return None if name is None else RoomClassification(name, validity)

    def _neighbours(self, section: Section, ident: str | None) -> tuple[Neighbour, ...]:
        value = section.get("neighbours")
        found: list[Neighbour] = []
        for item in value.items(else_="; leave the key out for none") if value is not None else ():
            passes, validity = frozenset({Relation.SEES, Relation.HEARS}), Validity()
            if item.is_mapping:
                entry = item.section(keys.NEIGHBOUR)
                room = entry.need_parsed("room", str, "write the id of the room beside")
                passes = self._passes(entry, passes)
                validity = self._dates.span(entry, "from", "to")
            else:
                room = item.text()
            if room is None:
                continue
            if room == ident:
                item.wrong("is the room itself; write the id of the room beside it")
            self._mentioned.append((item, room))
            found.append(Neighbour(room, passes, validity))
        return tuple(found)

    @staticmethod
    def _passes(entry: Section, default: frozenset[Relation]) -> frozenset[Relation]:
        value = entry.get("passes")
        if value is None:
            return default
        return frozenset(parsed for item in value.items_or_none() if (parsed := item.parsed(scalars.parse_passes)))
