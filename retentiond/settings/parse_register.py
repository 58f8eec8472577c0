"""register.yml: from text to the register."""

import bisect
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo

from retentiond.domain.errors import ConfigurationError
from retentiond.domain.recording import CameraName, StoreName
from retentiond.domain.register import (
    ALWAYS,
    FOREVER,
    Device,
    DeviceKind,
    Register,
    Relation,
    Room,
    RoomClassification,
    RoomLink,
    Validity,
)
from retentiond.settings import keys, scalars
from retentiond.settings.fields import Section, Value
from retentiond.settings.nodes import read_nodes
from retentiond.settings.room_classes import parse_declared_class, parse_room_class


def parse_register(data: bytes, filename: str) -> Register:
    """Return the register that the text of `filename` states.

    Raises:
        ConfigurationError: with every problem, in the order of lines.
    """
    node, problems = read_nodes(data, filename)
    register = Register()
    if node is not None:
        section = Value(node, "", problems).section(keys.REGISTER)
        zone = section.read("timezone", scalars.parse_zone, ZoneInfo("UTC"))
        declared = section.get("room_classes")
        classes = declared.parsed_items(parse_declared_class) if declared is not None else []
        register = _RegisterReader(zone, frozenset(classes)).read(section)
    if problems.found:
        raise ConfigurationError(problems.texts())
    return register


class _RegisterReader:
    """Reads rooms and devices; dates mean midnight in the register's zone."""

    def __init__(self, zone: ZoneInfo, room_classes: frozenset[str]) -> None:
        self._moment = partial(scalars.parse_when, zone=zone)
        self._room_class = partial(parse_room_class, declared=room_classes)
        self._rooms: dict[str, Room] = {}
        self._devices: dict[str, Device] = {}
        self._room_names: set[str] = set()
        self._device_names: set[str] = set()
        self._cameras: dict[tuple[StoreName, CameraName], str] = {}

    def read(self, section: Section) -> Register:
        """Return the register; what is wrong is noted."""
        rooms, devices = section.get("rooms"), section.get("devices")
        for item in rooms.items_or_none() if rooms is not None else ():
            self._read_room(item)
        for item in devices.items_or_none() if devices is not None else ():
            self._read_device(item)
        return Register(tuple(self._rooms.values()), tuple(self._devices.values()))

    # --- rooms ------------------------------------------------------------------------------------------------

    def _read_room(self, item: Value) -> None:
        section = item.section(keys.ROOM)
        ident = section.need_parsed("id", scalars.parse_ident, "write a short one that never changes, such as hall")
        name = section.read("name", scalars.parse_text, ident or "")
        classes = self._classes(section)
        if name:
            _note_taken(name, self._room_names, section, "room")
        if ident is None:
            return
        if ident in self._rooms:
            item.wrong(f"the room {ident!r} is there twice; keep one, with a history in `classes`")
        self._rooms.setdefault(ident, Room(ident, name, classes))

    def _classes(self, section: Section) -> tuple[RoomClassification, ...]:
        history, single = section.get("classes"), section.get("class")
        if history is None:
            found = None if single is None and not {"since", "until"} & set(section.values) else self._class(section)
            return () if found is None else (found,)
        for key in ("class", "since", "until"):
            if key in section.values:
                section.wrong(key, "stands beside `classes`; put it into that list")
        entries = [(item, self._class(item.section(keys.ROOM_CLASS))) for item in history.items()]
        _refuse_hidden([(item, entry.validity) for item, entry in entries if entry is not None])
        return tuple(entry for _, entry in entries if entry is not None)

    def _class(self, section: Section) -> RoomClassification | None:
        name = section.need_parsed("class", self._room_class, "write what the room is used for, such as public")
        validity = self._validity(section, "since", "until")
        return None if name is None else RoomClassification(name, validity)

    # --- devices ----------------------------------------------------------------------------------------------

    def _read_device(self, item: Value) -> None:
        section = item.section(keys.DEVICE)
        ident = section.need_parsed("id", scalars.parse_ident, "write one that never changes, such as a UUID")
        name = section.need_parsed("name", scalars.parse_text, "write how people call it")
        kind = section.need_parsed("kind", scalars.parse_kind, "write camera or microphone")
        video, audio = self._tracks(section)
        known_as = self._known_as(section, ident or name or "?")
        links = (
            *self._links(section, "assignments", Relation.ASSIGNED),
            *self._links(section, "sees", Relation.SEES),
            *self._links(section, "hears", Relation.HEARS),
        )
        self._read_papers(section)
        if kind is DeviceKind.MICROPHONE and video:
            section.wrong("tracks", "a microphone records no video; write video: false, or kind: camera")
        if name is not None:
            _note_taken(name, self._device_names, section, "device")
        if ident is None or name is None or kind is None:
            return
        if ident in self._devices:
            item.wrong(f"the device {ident!r} is there twice; give each device an id of its own")
        self._devices.setdefault(ident, Device(ident, name, kind, video, audio, known_as, links))

    def _tracks(self, section: Section) -> tuple[bool, bool]:
        value = section.need("tracks", "write what it may record: {video: true, audio: false}")
        if value is None:
            return False, False
        tracks = value.section(keys.TRACKS)
        return tracks.read_flag("video", default=False), tracks.read_flag("audio", default=False)

    def _known_as(self, section: Section, device: str) -> tuple[tuple[StoreName, CameraName], ...]:
        value = section.get("known_as")
        found = []
        for store, item in value.pairs() if value is not None else ():
            if not scalars.is_name(store):
                item.wrong(f"{store!r} is the name of no store; write a mapping such as {{main: reception}}")
            names = item.parsed_items(str) if item.is_list else [item.text()]
            for camera in names:
                if camera is None:
                    continue
                pair = (StoreName(store), CameraName(camera))
                other = self._cameras.setdefault(pair, device)
                if other != device:
                    item.wrong(f"{camera!r} of store {store!r} is the device {other!r} already; a name is for one")
                found.append(pair)
        return tuple(found)

    def _links(self, section: Section, key: str, relation: Relation) -> Sequence[RoomLink]:
        value = section.get(key)
        found: list[tuple[Value, RoomLink]] = []
        for item in value.items(else_="; leave the key out for no room") if value is not None else []:
            if item.is_mapping:
                entry = item.section(keys.LINK)
                room = entry.need_parsed("room", str, "write the id of a room")
                validity = self._validity(entry, "from", "to")
            else:
                room, validity = item.text(), Validity()
            if room is None:
                continue
            if room not in self._rooms:
                item.wrong(f"{room!r} is no room of this register; write the id of one, or add it to `rooms`")
            found.append((item, RoomLink(room, relation, validity)))
        if relation is Relation.ASSIGNED:
            _refuse_hidden([(item, link.validity) for item, link in found])
        return [link for _, link in found]

    def _read_papers(self, section: Section) -> None:
        """Check what is kept for people only, so that a slip in it is noticed as well."""
        section.read("make", scalars.parse_text, "")
        section.read("address", scalars.parse_address, "")
        note, approval = section.get("note"), section.get("approval")
        if note is not None:
            note.prose()
        if approval is None:
            return
        if not approval.is_mapping:
            approval.parsed(scalars.parse_text)
            return
        papers = approval.section(keys.APPROVAL)
        papers.need_parsed("reference", scalars.parse_text, "write the number of the decision, such as MB-2026-04")
        papers.read("date", scalars.parse_day, None, dates=True)
        papers.read_flag("audio", default=False)
        if (text := papers.get("note")) is not None:
            text.prose()

    # --- time -------------------------------------------------------------------------------------------------

    def _validity(self, section: Section, begin: str, end: str) -> Validity:
        since: datetime = section.read(begin, self._moment, ALWAYS, dates=True)
        until: datetime = section.read(end, self._moment, FOREVER, dates=True)
        if since < until:
            return Validity(since, until)
        if section.get(end) is None:
            section.wrong(begin, "is the end of time; write when it began")
        else:
            section.wrong(end, f"is not after `{begin}`; write a later one, or leave it out while it lasts")
        return Validity()


def _note_taken(name: str, taken: set[str], section: Section, what: str) -> None:
    if name in taken:
        section.wrong("name", f"the name {name!r} is taken by another {what}; name each differently")
    taken.add(name)


def _refuse_hidden(entries: Sequence[tuple[Value, Validity]]) -> None:
    """Note entries that hide one named before them from its beginning on: of two that overlap, the last holds.

    In the order of time that is what people mean: each lasts until the next begins. In another order, an entry that
    was forgotten could end the care of a room.
    """
    begins: list[tuple[datetime, str]] = []
    for item, validity in entries:
        place = bisect.bisect_left(begins, (validity.since, ""))
        if place < len(begins) and begins[place][0] < validity.until:
            item.wrong(f"begins no later than {begins[place][1]} and hides it; put them in the order of time")
        bisect.insort(begins, (validity.since, item.key))
