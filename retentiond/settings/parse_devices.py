"""The devices of register.yml."""

from collections.abc import Callable, Sequence

from retentiond.domain.recording import CameraName, StoreName
from retentiond.domain.register import (
    LOOK_AGAIN_AFTER,
    Clearance,
    Device,
    DeviceKind,
    KnownName,
    Relation,
    RoomLink,
    Tracks,
    Validity,
)
from retentiond.domain.validity import common
from retentiond.settings import keys, scalars
from retentiond.settings.entry_dates import Dates, Taken, refuse_hidden
from retentiond.settings.fields import Section, Value

ApprovalAtDevice = Callable[[Value, str | None], None]
"""Takes the `approval` of a device, and the device's id."""


class DeviceReader:
    """Reads devices; what is wrong with one is noted, and hides nothing of the others."""

    def __init__(self, dates: Dates, rooms: frozenset[str], approval: ApprovalAtDevice) -> None:
        self._dates = dates
        self._rooms = rooms
        self._approval = approval
        self._devices: dict[str, Device] = {}
        self._names: dict[str, Taken] = {}
        self._cameras: dict[tuple[StoreName, CameraName], Taken] = {}

    def read(self, items: Sequence[Value]) -> tuple[Device, ...]:
        """Return the devices."""
        for item in items:
            self._read_device(item)
        return tuple(self._devices.values())

    def _read_device(self, item: Value) -> None:
        section = item.section(keys.DEVICE)
        ident = section.need_parsed("id", scalars.parse_ident, "write one that never changes, such as a UUID")
        name = section.need_parsed("name", scalars.parse_text, "write how people call it")
        kind = section.need_parsed("kind", scalars.parse_kind, "write camera or microphone")
        life, temporary = self._life(section)
        tracks = self._tracks(section, kind)
        known_as = self._known_as(section, ident or name or "?", life)
        links = (
            *self._links(section, "assignments", Relation.ASSIGNED),
            *self._links(section, "sees", Relation.SEES),
            *self._links(section, "hears", Relation.HEARS),
            *self._presets(section),
        )
        clearances = (
            *self._clearances(section, "out_of_view", Relation.SEES),
            *self._clearances(section, "out_of_hearing", Relation.HEARS),
        )
        for key in ("sees", "presets", "out_of_view") if kind is DeviceKind.MICROPHONE else ():
            if section.get(key) is not None:
                section.wrong(key, "a microphone sees nothing; write `hears`, `out_of_hearing`, or kind: camera")
        make = section.read("make", scalars.parse_text, "")
        address = section.read("address", scalars.parse_address, "")
        self._read_papers(section, ident)
        if name is not None and self._names.setdefault(name, Taken()).take(life, name) is not None:
            section.wrong("name", f"the name {name!r} is taken by another device; name each differently")
        if ident is None or name is None or kind is None:
            return
        if ident in self._devices:
            item.wrong(f"the device {ident!r} is there twice; give each device an id of its own")
        device = Device(ident, name, kind, tracks, known_as, links, clearances, life, temporary, make, address)
        self._devices.setdefault(ident, device)

    def _life(self, section: Section) -> tuple[Validity, bool]:
        life = self._dates.span(section, "since", "until")
        temporary = section.read_flag("temporary", default=False)
        if temporary and section.get("until") is None:
            section.wrong("temporary", "needs an end; write `until: DATE` beside it")
        return life, temporary

    def _read_papers(self, section: Section, ident: str | None) -> None:
        note, approval = section.get("note"), section.get("approval")
        if note is not None:
            note.prose()
        if approval is not None:
            self._approval(approval, ident)

    # --- what it records, and under which name ----------------------------------------------------------------

    def _tracks(self, section: Section, kind: DeviceKind | None) -> tuple[Tracks, ...]:
        value = section.need("tracks", "write what it may record: {video: true, audio: false}")
        if value is None:
            return ()
        items = value.items() if value.is_list else [value]
        found = []
        for item in items:
            entry = item.section(keys.TRACKS_ENTRY if value.is_list else keys.TRACKS)
            validity = self._dates.span(entry, "from", "to") if value.is_list else Validity()
            tracks = Tracks(entry.read_flag("video", default=False), entry.read_flag("audio", default=False), validity)
            if kind is DeviceKind.MICROPHONE and tracks.video:
                item.wrong("a microphone records no video; write video: false, or kind: camera")
            found.append((item, tracks))
        refuse_hidden([(item, tracks.validity) for item, tracks in found])
        return tuple(tracks for _, tracks in found)

    def _known_as(self, section: Section, device: str, life: Validity) -> tuple[KnownName, ...]:
        value = section.get("known_as")
        found: list[KnownName] = []
        for source, item in value.pairs() if value is not None else ():
            if not scalars.is_name(source):
                item.wrong(f"{source!r} is the name of no store; write a mapping such as {{main: reception}}")
            for each in item.items() if item.is_list else [item]:
                known = self._known_name(StoreName(source), each)
                if known is not None:
                    self._take_name(known, each, device, life)
                    found.append(known)
        return tuple(found)

    def _known_name(self, source: StoreName, item: Value) -> KnownName | None:
        if not item.is_mapping:
            name, validity = item.text(), Validity()
        else:
            entry = item.section(keys.KNOWN_NAME)
            name = entry.need_parsed("name", str, "write how the recorder calls it")
            validity = self._dates.span(entry, "from", "to")
        return None if name is None else KnownName(source, CameraName(name), validity)

    def _take_name(self, known: KnownName, item: Value, device: str, life: Validity) -> None:
        span = common((known.validity, life))
        if span is None:
            item.wrong(
                "is a name for a time in which the device is not here; correct its dates, or those of the device"
            )
            return
        other = self._cameras.setdefault((known.source, known.name), Taken()).take(span, device)
        if other == device:
            item.wrong(f"{known.name!r} stands in this list twice; keep one")
        elif other is not None:
            item.wrong(
                f"{known.name!r} of store {known.source!r} is the device {other!r} already; a name is for one at a time"
            )

    # --- where it is ------------------------------------------------------------------------------------------

    def _links(self, section: Section, key: str, relation: Relation) -> Sequence[RoomLink]:
        value = section.get(key)
        found: list[tuple[Value, RoomLink]] = []
        for item in value.items(else_="; leave the key out for no room") if value is not None else []:
            if item.is_mapping:
                entry = item.section(keys.LINK)
                room = entry.need_parsed("room", str, "write the id of a room")
                validity = self._dates.span(entry, "from", "to")
            else:
                room, validity = item.text(), Validity()
            if room is not None:
                self._need_room(item, room)
                found.append((item, RoomLink(room, relation, validity)))
        if relation is Relation.ASSIGNED:
            refuse_hidden([(item, link.validity) for item, link in found])
        return [link for _, link in found]

    def _presets(self, section: Section) -> Sequence[RoomLink]:
        value = section.get("presets")
        found: list[RoomLink] = []
        for item in value.items(else_="; leave the key out for a camera that does not move") if value else []:
            entry = item.section(keys.PRESET)
            name = entry.need_parsed("name", scalars.parse_text, "write how the position is called")
            validity = self._dates.span(entry, "from", "to")
            sees = entry.need("sees", "write the rooms that it sees in this position, or [] for none")
            for room_item in sees.items_or_none() if sees is not None else []:
                room = room_item.text()
                if room is not None and name is not None:
                    self._need_room(room_item, room)
                    found.append(RoomLink(room, Relation.SEES, validity, name))
        return found

    def _clearances(self, section: Section, key: str, relation: Relation) -> Sequence[Clearance]:
        value = section.get(key)
        found: list[Clearance] = []
        for item in value.items(else_="; leave the key out for no room") if value is not None else []:
            entry = item.section(keys.CLEARANCE)
            room = entry.need_parsed("room", str, "write the id of a room")
            entry.need("checked", "write the day on which somebody looked, such as 2026-01-31")
            validity = self._dates.span(entry, "checked", "review", lasts=LOOK_AGAIN_AFTER)
            if room is not None:
                self._need_room(item, room)
                found.append(Clearance(room, relation, validity))
        return found

    def _need_room(self, item: Value, room: str) -> None:
        if room not in self._rooms:
            item.wrong(f"{room!r} is no room of this register; write the id of one, or add it to `rooms`")
