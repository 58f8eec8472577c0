"""A layout: which names are recordings, of which camera, of which category, from when.

A scan reads millions of names, so a directory is read once and gives a reader for the names in it; for these one
compiled expression, two look-ups and an addition remain. Nothing here parses a time by a format at run time.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import takewhile

from retentiond.domain.names import readable
from retentiond.domain.recording import CameraName, Category, Recognised
from retentiond.recorders.categories import category_of
from retentiond.recorders.local_time import Hour, LocalTime, within_hour_table
from retentiond.recorders.part import Ambiguous, PartMatcher, compile_part, match_part
from retentiond.recorders.pattern import Camera, Literal, Part, TimeField, carries_time, letters_of

_FINE = ("M", "S")
_DATE = frozenset("Yymdj")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CameraNaming:
    """What a camera is called that stands in a name.

    Attributes:
        known: the cameras of the recorder's configuration by what stands in the name. Another name is another
            camera, for removed cameras expire too; these only decide where a name can be read in several ways.
        alone: the camera of names that carry none.
        numbered: a name carries a number, `7` or ` 7` or `007`; one that is not known is called `camera-7`.
    """

    alone: CameraName
    known: Mapping[bytes, CameraName] = field(default_factory=dict)
    numbered: bool = False

    def name(self, text: bytes) -> CameraName:
        """Return the camera that `text` in a name stands for."""
        if self.numbered:
            text = text.lstrip(b" ").lstrip(b"0") or b"0"
        known = self.known.get(text)
        if known is not None:
            return known
        return CameraName(f"camera-{text.decode()}" if self.numbered else readable(text))


@dataclass(frozen=True, slots=True)
class Layout:
    """Names of one form. `category` None means: by the extension."""

    parts: tuple[Part, ...]
    time: LocalTime
    naming: CameraNaming
    category: Category | None = None

    @property
    def form(self) -> tuple[tuple[Part, ...], Category | None]:
        """What the names look like, whoever's they are."""
        return self.parts, self.category

    @property
    def prefix(self) -> tuple[bytes, ...]:
        """The directories that all names of this layout lie in."""
        fixed = takewhile(lambda part: all(isinstance(item, Literal) for item in part), self.parts[:-1])
        return tuple(b"".join(item.text for item in part if isinstance(item, Literal)) for part in fixed)

    def open_directory(self, directory: bytes) -> "NameReader | Doubtful | None":
        """Return the reader for the names in a directory, None if no name there is of this layout."""
        texts = directory.split(b"/") if directory else []
        if len(texts) != len(self.parts) - 1:
            return None
        values: dict[str, bytes] = {}
        for part, text in zip(self.parts, texts, strict=False):
            match = match_part(part, text, values.get("camera"), self.naming.known)
            if match is None:
                return None
            if isinstance(match, Ambiguous):
                return self.doubt(match)
            for key, value in match.groupdict().items():
                if values.setdefault(key, value) != value:
                    return None
        return reader_for(self, values)

    def doubt(self, ambiguous: Ambiguous) -> "Doubtful":
        """Return the doubt with the cameras by their names."""
        return Doubtful(frozenset(self.naming.name(text) for text in ambiguous.cameras))

    def could_lead(self, directory: bytes) -> bool:
        """Tell whether recordings of this layout can lie below a directory."""
        texts = directory.split(b"/") if directory else []
        return len(texts) < len(self.parts) and all(
            compile_part(part).greedy.fullmatch(text) for part, text in zip(self.parts, texts, strict=False)
        )

    def made_directory(self, directory: bytes) -> bool:
        """Tell whether a directory has come with the time, so that it is of no use when it is empty.

        A camera's own directory above the dates was made by a person, with rights that the recorder may not be
        able to give it again.
        """
        texts = directory.split(b"/") if directory else []
        dated = any(isinstance(item, TimeField) for part in self.parts[: len(texts)] for item in part)
        return dated and self.could_lead(directory)

    def writes_into(self, directory: bytes, now: datetime) -> bool:
        """Tell whether the recorder may write into a directory of this layout at `now`, or has just made it for that.

        It may, unless the name tells that it belongs to a day before yesterday or after tomorrow: a clock that is a
        day off, or a zone that is, makes no difference. One that tells no day, such as an hour's, is always used.
        """
        values: dict[str, bytes] = {}
        for part, text in zip(self.parts, directory.split(b"/"), strict=False):
            match = compile_part(part).match(text)
            if match is None:  # it can be read in more than one way
                return True
            values |= match.groupdict()
        today = now.astimezone(self.time.zone).date()
        return any(self._is_of(day, values) for day in (today - _DAY, today, today + _DAY))

    def _is_of(self, day: date, values: Mapping[str, bytes]) -> bool:
        if "s" in values:
            start = self.time.instant({"s": values["s"]})
            return start is None or start.astimezone(self.time.zone).date() == day
        return all(int(value) == int(day.strftime(f"%{letter}")) for letter, value in values.items() if letter in _DATE)


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A name that can be read in more than one way; `cameras` are the known ones that may have written it."""

    cameras: frozenset[CameraName]


@dataclass(slots=True)
class NameReader:
    """Reads the names in one directory. `above` are the parts of a camera's name that the directory has told."""

    layout: Layout
    directory_values: Mapping[str, bytes]
    matcher: PartMatcher
    camera: CameraName | None
    category: Category | None
    again: tuple[str, ...]
    clock: "NameClock | None"
    camera_group: str = "camera"
    above: tuple[bytes, ...] = ()
    cameras: dict[bytes, CameraName] = field(default_factory=dict)

    def read(self, name: bytes) -> Recognised | Doubtful | None:
        """Return what `name` is, None if it is not of this layout."""
        match = self.matcher.match(name)
        if match is None:
            if self.matcher.lazy is None:
                return None
            closer = match_part(
                self.layout.parts[-1], name, self.directory_values.get("camera"), self.layout.naming.known
            )
            if closer is None or isinstance(closer, Ambiguous):
                return None if closer is None else self.layout.doubt(closer)
            match = closer
        if self.again and any(match[key] != self.directory_values[key] for key in self.again):
            return None
        camera = self.camera or self._camera(match)
        start = None
        if self.clock is not None:
            start = self.clock.start(match)
            if start is None:
                return None
        return Recognised(camera, self.category or category_of(name), start)

    def _camera(self, match: re.Match[bytes]) -> CameraName:
        text = b"/".join((*self.above, match[self.camera_group]))
        camera = self.cameras.get(text)
        if camera is None:
            camera = self.cameras[text] = self.layout.naming.name(text)
        return camera


@dataclass(slots=True)
class NameClock:
    """Turns the fields of time in a name, with those of its directory, into the start of a recording.

    `coarse` fields decide the hour, `fine` ones lie within it. The offset from UTC is worked out once an hour.
    """

    time: LocalTime
    directory_values: Mapping[str, bytes]
    letters: tuple[str, ...]
    coarse: tuple[str, ...]
    fine: tuple[str, ...]
    exact: bool
    hours: dict[object, Hour | None] = field(default_factory=dict)

    def start(self, match: re.Match[bytes]) -> datetime | None:
        """Return the start, None if the fields name no time."""
        if self.exact:
            return self._exact(match)
        hour = self.hour(match)
        if hour is None:
            return None
        if not hour.even:
            return self._exact(match)
        if not self.fine:
            return hour.begin
        return hour.begin + within_hour_table(self.fine)[match.group(*self.fine)]

    def hour(self, match: re.Match[bytes]) -> Hour | None:
        """Return the hour that a name tells, None if there is no such hour. Only where the clock is not `exact`."""
        key = match.group(*self.coarse) if self.coarse else None
        try:
            return self.hours[key]
        except KeyError:
            hour = self.hours[key] = self.time.hour(self._values(match))
            return hour

    def _values(self, match: re.Match[bytes]) -> dict[str, bytes]:
        return {**self.directory_values, **{letter: match[letter] for letter in self.letters}}

    def _exact(self, match: re.Match[bytes]) -> datetime | None:
        return self.time.instant(self._values(match))


def reader_for(layout: Layout, values: Mapping[str, bytes]) -> NameReader:
    """Return the reader for a directory whose parts said `values`."""
    name = layout.parts[-1]
    has_camera = any(isinstance(item, Camera) for part in layout.parts for item in part)
    token = values.get("camera")
    camera = layout.naming.alone if not has_camera else None
    if token is not None:
        camera = layout.naming.name(token)
    above = tuple(values[level] for level in sorted(values) if level.startswith("camera") and level != "camera")
    inside = next((item.group for item in name if isinstance(item, Camera) and item.level), None)
    if above and inside is None:
        camera = layout.naming.name(b"/".join(above))
    elif inside is not None:
        above = above[: int(inside.removeprefix("camera")) - 1]
    letters = tuple(sorted(letters_of((name,))))
    return NameReader(
        layout=layout,
        directory_values=values,
        matcher=compile_part(name, token),
        camera=camera,
        category=layout.category or _constant_category(name),
        again=tuple(key for key in (*letters, *([inside] if inside else [])) if key in values),
        clock=_clock_for(layout, values, letters) if carries_time(layout.parts) else None,
        camera_group=inside or "camera",
        above=above,
    )


def _clock_for(layout: Layout, values: Mapping[str, bytes], letters: tuple[str, ...]) -> NameClock:
    timed = {key: value for key, value in values.items() if key != "ext" and not key.startswith("camera")}
    fine = tuple(letter for letter in _FINE if letter in letters)
    within_directory = bool({"M", "S", "f"} & timed.keys())
    return NameClock(
        time=layout.time,
        directory_values=timed,
        letters=letters,
        coarse=tuple(letter for letter in letters if letter not in {"M", "S", "f"}),
        fine=fine,
        exact=within_directory or bool({"s", "f"} & {*letters, *timed}),
    )


def _constant_category(name: Part) -> Category | None:
    last = name[-1]
    return category_of(last.text) if isinstance(last, Literal) and b"." in last.text else None
