"""register.yml: from text to the register. Pure."""

import re
from collections.abc import Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from retentiond.domain import instants
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
from retentiond.settings import keys
from retentiond.settings.nodes import Section, Value, read_nodes

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_IDENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", re.ASCII)


def parse_register(data: bytes, filename: str) -> Register:
    """Return the register that the text of `filename` states.

    Raises:
        ConfigurationError: with every problem, in the order of lines.
    """
    top, problems = read_nodes(data, filename)
    register = Register()
    if top is not None:
        section = top.section(keys.REGISTER)
        zone = section.read("timezone", _zone, ZoneInfo("UTC"))
        register = _RegisterReader(zone).read(section)
    if problems.found:
        raise ConfigurationError(problems.texts())
    return register


class _RegisterReader:
    """Reads rooms and devices; dates mean midnight in the register's zone."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone
        self._rooms: dict[str, Room] = {}
        self._devices: dict[str, Device] = {}
        self._known: set[tuple[StoreName, CameraName]] = set()

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
        ident_value = section.need("id", "write a short one that never changes, such as reception")
        ident = None if ident_value is None else ident_value.parsed(_ident)
        if ident is None:
            return
        if ident in self._rooms:
            item.wrong(f"the room {ident!r} is there twice; keep one, with a history in `classes`")
            return
        self._rooms[ident] = Room(ident, section.read("name", str, ident), self._classes(section))

    def _classes(self, section: Section) -> tuple[RoomClassification, ...]:
        history, single = section.get("classes"), section.get("class")
        if history is not None and single is not None:
            single.wrong("stands beside `classes`; put it into that list")
        found = [self._class(item.section(keys.ROOM_CLASS)) for item in history.items()] if history is not None else []
        if history is None and single is not None:
            found.append(self._class(section))
        return tuple(entry for entry in found if entry is not None)

    def _class(self, section: Section) -> RoomClassification | None:
        value = section.need("class", "write what the room is used for, such as public or intimate-care")
        name = None if value is None else value.text()
        validity = self._validity(section, "since", "until")
        return None if name is None else RoomClassification(name, validity)

    # --- devices ----------------------------------------------------------------------------------------------

    def _read_device(self, item: Value) -> None:
        section = item.section(keys.DEVICE)
        needed = {
            "id": section.need("id", "write one that never changes, such as a UUID"),
            "name": section.need("name", "write how people call it"),
            "kind": section.need("kind", "write camera or microphone"),
            "tracks": section.need("tracks", "write what it may record: {video: true, audio: false}"),
        }
        ident = needed["id"].parsed(_ident) if needed["id"] is not None else None
        name = needed["name"].text() if needed["name"] is not None else None
        kind = needed["kind"].parsed(_kind) if needed["kind"] is not None else None
        video, audio = self._tracks(needed["tracks"]) if needed["tracks"] is not None else (False, False)
        links = [*self._links(section, "assignments", Relation.ASSIGNED)]
        links += [*self._links(section, "sees", Relation.SEES), *self._links(section, "hears", Relation.HEARS)]
        known_as = self._known_as(section)
        if kind is DeviceKind.MICROPHONE and video and needed["tracks"] is not None:
            needed["tracks"].wrong("a microphone records no video; write video: false, or kind: camera")
        if ident is None or name is None or kind is None:
            return
        if ident in self._devices:
            item.wrong(f"the device {ident!r} is there twice; ids are for one device each")
            return
        self._devices[ident] = Device(ident, name, kind, video, audio, known_as, tuple(links))

    def _tracks(self, value: Value) -> tuple[bool, bool]:
        section = value.section(keys.TRACKS)
        video, audio = section.get("video"), section.get("audio")
        return bool(video and video.flag()), bool(audio and audio.flag())

    def _known_as(self, section: Section) -> tuple[tuple[StoreName, CameraName], ...]:
        value = section.get("known_as")
        found = []
        for store, item in value.pairs() if value is not None else ():
            for camera in item.texts() if item.is_list() else [item.text()]:
                if camera is None:
                    continue
                pair = (StoreName(store), CameraName(camera))
                if pair in self._known:
                    item.wrong(f"{camera!r} of store {store!r} is another device already")
                self._known.add(pair)
                found.append(pair)
        return tuple(found)

    def _links(self, section: Section, key: str, relation: Relation) -> Sequence[RoomLink]:
        value = section.get(key)
        found = []
        for item in value.items() if value is not None else []:
            if item.is_mapping():
                entry = item.section(keys.LINK)
                room_value = entry.need("room", "write the id of a room")
                room = None if room_value is None else room_value.text()
                validity = self._validity(entry, "from", "to")
            else:
                room, validity = item.text(), Validity()
            if room is None:
                continue
            if room not in self._rooms:
                item.wrong(f"{room!r} is no room of this register")
            found.append(RoomLink(room, relation, validity))
        return found

    # --- time -------------------------------------------------------------------------------------------------

    def _validity(self, section: Section, begin: str, end: str) -> Validity:
        since = section.read(begin, self._instant, ALWAYS)
        until = section.read(end, self._instant, FOREVER)
        if since >= until:
            section.values[end].wrong(f"is not after `{begin}`")
            return Validity()
        return Validity(since, until)

    def _instant(self, text: str) -> datetime:
        """Return the instant of a date, midnight in the register's zone, or of a time with an offset."""
        try:
            if _DATE.fullmatch(text):
                return datetime.combine(date.fromisoformat(text), time(), self._zone).astimezone(ZoneInfo("UTC"))
            return instants.from_text(text)
        except (ValueError, OverflowError):
            raise ValueError(f"{text!r}: write a date such as 2026-01-31, or 2026-01-31T08:00:00+02:00") from None


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{text!r} is no time zone; write one such as Europe/Tallinn or UTC") from None


def _kind(text: str) -> DeviceKind:
    try:
        return DeviceKind(text)
    except ValueError:
        raise ValueError(f"{text!r}: write camera or microphone") from None


def _ident(text: str) -> str:
    if not _IDENT.fullmatch(text):
        raise ValueError(f"{text!r}: write 1 to 128 letters, digits, and . _ : -")
    return text
