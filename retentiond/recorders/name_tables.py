"""Reads all names of a directory at once, by halves that were read before.

Names of one directory differ in a few digits, and the minutes and seconds of one hour come again in every other. So a
name is cut where its minutes begin: what stands before is read once in a directory, what comes after once for all, and
a name whose halves are both known takes two look-ups and an addition in place of an expression and a calendar.
"""

from collections.abc import Iterable
from functools import lru_cache

from retentiond.domain import instants
from retentiond.domain.recording import CameraName, Category, Recognised
from retentiond.recorders.layout import NameReader
from retentiond.recorders.pattern import Camera, Chars, Choice, Extension, Item, Literal, Part, TimeField

Found = dict[tuple[CameraName, Category], dict[bytes, int | None]]
"""Starts in ms by name, for each camera and category; None where names carry no time."""

_WIDTHS = {"Y": 4, "y": 2, "m": 2, "d": 2, "j": 3, "H": 2, "M": 2, "S": 2, "f": 6}
_WITHIN_HOUR = frozenset("MS")
_MOST = 20_000
"""So many second halves of one layout are remembered, and first halves of one directory."""

Tails = dict[bytes, tuple[int, Category]]


def read_all(reader: NameReader, names: Iterable[bytes], found: Found) -> list[bytes]:
    """Put what `reader` recognises into `found`; return the names that it does not."""
    cut = _cut_of(reader)
    return _read_each(reader, names, found) if cut is None else _read_by_halves(reader, names, found, cut)


def _read_each(reader: NameReader, names: Iterable[bytes], found: Found) -> list[bytes]:
    left = []
    for name in names:
        sighting = reader.read(name)
        if isinstance(sighting, Recognised):
            start = None if sighting.start is None else instants.to_ms(sighting.start)
            found.setdefault((sighting.camera, sighting.category), {})[name] = start
        else:
            left.append(name)
    return left


def _read_by_halves(reader: NameReader, names: Iterable[bytes], found: Found, cut: int) -> list[bytes]:
    heads: dict[bytes, tuple[int, _Starts]] = {}
    tails = _tails(reader.layout.parts[-1], reader.category)
    left = []
    for name in names:
        head, tail = heads.get(name[:cut]), tails.get(name[cut:])
        if head is not None and tail is not None:
            hour, starts = head
            within_hour, category = tail
            starts[category][name] = hour + within_hour
            continue
        sighting = reader.read(name)
        if not isinstance(sighting, Recognised) or sighting.start is None:
            left.append(name)
            continue
        start = instants.to_ms(sighting.start)
        starts = _Starts(found, sighting.camera)
        starts[sighting.category][name] = start
        _learn(reader, name, cut, (heads, tails), (start, starts, sighting.category))
    return left


class _Starts(dict[Category, dict[bytes, int | None]]):
    """Where the starts of a camera go, by category: the very dicts of what is found."""

    __slots__ = ("_camera", "_found")

    def __init__(self, found: Found, camera: CameraName) -> None:
        super().__init__()
        self._found = found
        self._camera = camera

    def __missing__(self, category: Category) -> dict[bytes, int | None]:
        starts = self[category] = self._found.setdefault((self._camera, category), {})
        return starts


def _learn(
    reader: NameReader,
    name: bytes,
    cut: int,
    halves: tuple[dict[bytes, tuple[int, _Starts]], Tails],
    read: tuple[int, _Starts, Category],
) -> None:
    """Remember the halves of a name that was read."""
    hour = _hour_of(reader, name)
    if hour is None:
        return
    heads, tails = halves
    start, starts, category = read
    if len(heads) < _MOST:
        heads.setdefault(name[:cut], (hour, starts))
    if len(tails) < _MOST:
        tails[name[cut:]] = start - hour, category


def _hour_of(reader: NameReader, name: bytes) -> int | None:
    """Return the begin in ms of the hour that a name tells; None if its halves cannot be read apart.

    That is where a name can be read in more than one way, or where the clocks change within the hour.
    """
    match = reader.matcher.match(name)
    hour = None if match is None or reader.clock is None else reader.clock.hour(match)
    return instants.to_ms(hour.begin) if hour is not None and hour.even else None


@lru_cache(maxsize=64)
def _tails(_name: Part, _category: Category | None) -> Tails:
    """Return what is known so far of second halves, the same for all directories of a layout."""
    return {}


def _cut_of(reader: NameReader) -> int | None:
    """Return where to cut a name of this layout, counted from its end if negative; None if it cannot be cut.

    The second half holds minutes and seconds and nothing else that varies from one directory to the next. One half is
    of fixed length, so that a name falls apart in one way only: it is of the layout exactly if both halves are.
    """
    clock = reader.clock
    if clock is None or clock.exact or not clock.fine:
        return None
    items = reader.layout.parts[-1]
    first = next(number for number, item in enumerate(items) if _is_within_hour(item))
    head, tail = items[:first], items[first:]
    if _repeats(items) or not all(_is_within_hour(item) or _is_constant(item) for item in tail):
        return None
    if reader.category is None and not any(isinstance(item, Literal) and b"." in item.text for item in tail):
        return None  # the category is told by what comes after the last dot, which may stand in the first half
    front, back = _width(head, reader), _width(tail, reader)
    return front if front is not None else (None if back is None else -back)


def _is_within_hour(item: Item) -> bool:
    return isinstance(item, TimeField) and item.letter in _WITHIN_HOUR


def _is_constant(item: Item) -> bool:
    """Tell whether an item means the same in every directory, whatever is in it."""
    return not isinstance(item, TimeField | Camera)


def _repeats(items: Part) -> bool:
    """Tell whether a name says something twice, so that one half is not read without the other."""
    said = [item.letter if isinstance(item, TimeField) else "camera" for item in items if not _is_constant(item)]
    return len(said) != len(set(said)) or sum(isinstance(item, Extension) for item in items) > 1


def _width(items: Part, reader: NameReader) -> int | None:
    """Return how many bytes the items take, None if that varies."""
    widths = [_width_of(item, reader) for item in items]
    return None if None in widths else sum(width for width in widths if width is not None)


def _width_of(item: Item, reader: NameReader) -> int | None:
    match item:
        case Literal(text):
            return len(text)
        case TimeField(letter):
            return _WIDTHS.get(letter)
        case Chars(_, least, most):
            return least if least == most else None
        case Choice(texts) | Extension(among=texts):
            widths = {len(text) for text in texts}
            return widths.pop() if len(widths) == 1 else None
        case Camera(level=0):
            token = reader.directory_values.get("camera")
            return None if token is None else len(token)
        case _:
            return None
