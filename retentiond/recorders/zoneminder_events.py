"""What lies in a storage area of ZoneMinder, by names and by what its rows say of when an event began."""

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo

from retentiond.domain.instants import EPOCH
from retentiond.domain.names import join
from retentiond.domain.recording import CameraName, Category, Kept, Recognised, Sighting, Unclassified, Unit
from retentiond.ports import Entry, EntryKind, FilesRead
from retentiond.recorders.local_time import LocalTime
from retentiond.recorders.zoneminder_db import EventRow
from retentiond.recorders.zoneminder_names import (
    EventPlace,
    Scheme,
    is_event_link,
    leads_to_events,
    parse_event,
)

_ON_THE_WAY = Kept("a directory of ZoneMinder's")
_EVENT_LINK = Kept("ZoneMinder's link to an event")
_MONITOR_LINK = Kept("ZoneMinder's link to the directory of a monitor")
_NOBODYS = Unclassified()
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_NO_START = -1


@dataclass(slots=True)
class EventIndex:
    """When events began, by their number: two sorted arrays, since there may be a million."""

    idents: "array[int]" = field(default_factory=lambda: array("Q"))
    starts: "array[int]" = field(default_factory=lambda: array("q"))
    shallow: set[tuple[int, int]] = field(default_factory=set)
    """Monitor and number of the events of the Shallow scheme: their paths alone could be anything."""

    @property
    def newest(self) -> int:
        """The highest number."""
        return self.idents[-1] if self.idents else 0

    def add(self, rows: Iterable[EventRow], time: LocalTime) -> None:
        """Add rows with higher numbers than all so far."""
        for row in rows:
            self.idents.append(row.ident)
            self.starts.append(_seconds(row.start, time))
            if row.scheme == Scheme.SHALLOW:
                self.shallow.add((row.monitor, row.ident))

    def knows(self, ident: int) -> bool:
        """Tell whether there is a row of this number."""
        at = bisect_left(self.idents, ident)
        return at < len(self.idents) and self.idents[at] == ident

    def start(self, ident: int) -> datetime | None:
        """Return when an event began by its row, None where that does not say or is not there."""
        at = bisect_left(self.idents, ident)
        if at == len(self.idents) or self.idents[at] != ident or self.starts[at] == _NO_START:
            return None
        return EPOCH + timedelta(seconds=self.starts[at])


def _seconds(start: datetime | None, time: LocalTime) -> int:
    try:
        return _NO_START if start is None else (time.earliest(start) - EPOCH) // _SECOND
    except (OverflowError, ValueError):
        return _NO_START


@dataclass(slots=True)
class EventDirectories:
    """Classifies what lies in a storage area. `index` is None where names alone have to do."""

    zone: tzinfo
    cameras: Mapping[int, CameraName]
    index: EventIndex | None
    _without_row: dict[bytes, tuple[int, ...]] = field(default_factory=dict)

    def classify(self, directory: bytes, entries: Sequence[Entry]) -> Sequence[Sighting]:
        """Say of each entry, in order, what it is; note the events without a row on the way."""
        rowless: list[int] = []
        sightings: list[Sighting] = []
        for entry in entries:
            place = parse_event(join(directory, entry.name)) if entry.kind is EntryKind.DIRECTORY else None
            if place is None or not self._is_certain(place):
                sightings.append(_no_event(directory, entry))
                continue
            sightings.append(self._event(place))
            if self.index is not None and place.ident is not None and not self.index.knows(place.ident):
                rowless.append(place.ident)
        if rowless and len(entries) > 1:
            self._without_row[directory] = tuple(rowless)
        elif len(entries) > 1:
            self._without_row.pop(directory, None)
        return sightings

    def read_files(self, directory: bytes, names: Sequence[bytes]) -> FilesRead:
        """Say of files, of all at once, what they are: an event is a directory, so none is one."""
        sightings = ((name, _no_event(directory, Entry(name, EntryKind.FILE))) for name in names)
        return FilesRead({}, tuple(name for name, sighting in sightings if isinstance(sighting, Unclassified)))

    def rowless(self) -> int:
        """Count the events that were met without a row and have none since."""
        index = self.index
        if index is None:
            return 0
        return sum(not index.knows(ident) for listed in tuple(self._without_row.values()) for ident in listed)

    def with_cameras(self, cameras: Mapping[int, CameraName]) -> "EventDirectories":
        """Return the same with other names of monitors."""
        return EventDirectories(self.zone, cameras, self.index, self._without_row)

    def is_past(self, directory: bytes, now: datetime) -> bool:
        """Tell whether a directory is of days that are over, by a day for clocks and zones that are off."""
        last = _last_day(directory)
        return last is not None and last < now.astimezone(self.zone).date() - _DAY

    def start_of(self, place: EventPlace) -> datetime | None:
        """Return when an event began: by its name if that tells the second, by its row, or by the day in its name."""
        named = LocalTime(self.zone).instant(dict(place.fields)) if place.fields else None
        if place.scheme is Scheme.DEEP or place.ident is None or self.index is None:
            return named
        told = self.index.start(place.ident)
        if told is None or (named is not None and not -_DAY <= told - named <= 2 * _DAY):
            return named  # a row that says another day is of another event
        return told

    def _event(self, place: EventPlace) -> Sighting:
        start = self.start_of(place)
        if start is None and place.fields:
            return _NOBODYS  # such as 31 February
        camera = self.cameras.get(place.monitor) or CameraName(f"monitor-{place.monitor}")
        return Recognised(camera, Category.VIDEO, start, Unit.DIRECTORY)

    def _is_certain(self, place: EventPlace) -> bool:
        """Tell whether a path is an event's: two numbers could be anything, a year of the Deep scheme as well."""
        if place.scheme is not Scheme.SHALLOW or place.ident is None:
            return True
        return self.index is not None and (place.monitor, place.ident) in self.index.shallow


def _no_event(directory: bytes, entry: Entry) -> Sighting:
    match entry.kind:
        case EntryKind.DIRECTORY if leads_to_events(join(directory, entry.name)):
            return _ON_THE_WAY
        case EntryKind.LINK if not directory:
            return _MONITOR_LINK
        case EntryKind.LINK if is_event_link(directory, entry.name):
            return _EVENT_LINK
        case _:
            return _NOBODYS


def _last_day(directory: bytes) -> date | None:
    """Return the last day that a directory below a monitor's can be of, None if its name tells no day."""
    if not leads_to_events(directory) or b"/" not in directory:
        return None
    parts = directory.split(b"/")[1:4]
    try:
        if b"-" in parts[0]:
            return date.fromisoformat(parts[0].decode())
        year, *rest = (int(part) for part in parts)
        if len(rest) == 2:
            return date(2000 + year, rest[0], rest[1])
        month = date(2000 + year, rest[0] if rest else 12, 1)
        return (month + 31 * _DAY).replace(day=1) - _DAY
    except ValueError:
        return None
