"""Puts what a table of facility management says into register.yml, and leaves everything else in it as it is.

Rooms and devices that the table does not name stay untouched, and nothing is ever removed: what is gone gets a date.
Comments and notes in the file are kept, and what comes out is read strictly before anybody sees it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from retentiond.domain.errors import ConfigurationError
from retentiond.domain.register import FOREVER, Register, Relation, Validity
from retentiond.settings import scalars
from retentiond.settings.entry_dates import Dates
from retentiond.settings.parse_register import RegisterText, parse_register, parse_register_text
from retentiond.settings.problems import Problems
from retentiond.settings.register_edit import Document, Entry
from retentiond.settings.register_tables import DEVICE_COLUMNS, ROOM_COLUMNS
from retentiond.settings.room_classes import parse_room_class
from retentiond.settings.tables import Row, read_table

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Dated:
    """A class or a room, for a span of time, as the table writes its ends."""

    what: str
    validity: Validity
    since: str
    until: str


def import_rooms(register: bytes, filename: str, table: bytes, table_name: str) -> str:
    """Return register.yml with the rooms of a table in it. Raises ConfigurationError with every problem of either."""
    text = parse_register_text(register, filename)
    reader = _Reader(text, *read_table(table, table_name, ROOM_COLUMNS))
    parse_class = partial(parse_room_class, declared=text.room_classes)
    document = Document(register)
    for ident, rows in reader.groups():
        entry, known = document.entry("rooms", ident), text.register.room(ident)
        name, gone = reader.same(rows, "name", scalars.parse_text), reader.same(rows, "gone", reader.moment)
        classes = reader.dated(rows, "class", parse_class, ("since", "until"))
        if name is not None and name != (ident if known is None else known.name):
            entry["name"] = name
        if gone is not None and gone != (FOREVER if known is None else known.gone):
            entry["gone"] = rows[0].cells["gone"]
        before = () if known is None else [(item.room_class, item.validity) for item in known.classifications]
        if classes and [(item.what, item.validity) for item in classes] != list(before):
            entry.write_history("classes", ("class", "since", "until"), classes)
    return reader.checked(document, filename)


def import_devices(register: bytes, filename: str, table: bytes, table_name: str) -> str:
    """Return register.yml with the devices of a table in it. Raises ConfigurationError with every problem of either.

    A new device may record nothing until its `tracks` say so.
    """
    text = parse_register_text(register, filename)
    reader = _Reader(text, *read_table(table, table_name, DEVICE_COLUMNS))
    parse_room = partial(_parse_room, text.register)
    document = Document(register)
    for ident, rows in reader.groups():
        entry = document.entry("devices", ident)
        _import_about(reader, entry, text.register, rows)
        rooms = reader.dated(rows, "room", parse_room, ("from", "to"))
        if rooms and [(item.what, item.validity) for item in rooms] != _assignments(text.register, ident):
            entry["assignments"] = entry.listed(("room", "from", "to"), rooms)
    return reader.checked(document, filename)


def _import_about(reader: "_Reader", entry: Entry, register: Register, rows: Sequence[Row]) -> None:
    known = register.device(rows[0].cells["id"])
    name, kind = reader.same(rows, "name", scalars.parse_text), reader.same(rows, "kind", scalars.parse_kind)
    make, address = reader.same(rows, "make", scalars.parse_text), reader.same(rows, "address", scalars.parse_address)
    if known is None:
        for column, value in (("name", name), ("kind", kind)):
            if value is None:
                reader.problems.add(
                    rows[0].line, column, "is missing; a device that the register does not know needs it"
                )
        entry.update({"name": name or "", "kind": str(kind), "tracks": entry.no_tracks()})
    elif kind is not None and kind is not known.kind:
        reader.problems.add(rows[0].line, "kind", f"{known.ident!r} is a {known.kind}; give another device another id")
    for column, value, before in (
        ("name", name, known and known.name),
        ("make", make, known and known.make),
        ("address", address, known and known.address),
    ):
        if value is not None and value != before:
            entry[column] = value


def _assignments(register: Register, ident: str) -> list[tuple[str, Validity]]:
    device = register.device(ident)
    links = () if device is None else device.links
    return [(link.room, link.validity) for link in links if link.relation is Relation.ASSIGNED]


def _parse_room(register: Register, text: str) -> str:
    if register.room(text) is None:
        known = register.room_called(text)
        remedy = "import the rooms first" if known is None else f"write its id, {known.ident}"
        raise ValueError(f"{text!r} is no id of a room in the register; {remedy}")
    return text


class _Reader:
    """Reads the rows of a table, by id; what is wrong with one is noted where it stands."""

    def __init__(self, text: RegisterText, rows: Sequence[Row], problems: Problems) -> None:
        self._rows = rows
        self._dates = Dates(text.zone)
        self.problems = problems
        self.moment = self._dates.moment

    def groups(self) -> Iterable[tuple[str, list[Row]]]:
        """Return the rows of each id, in the order of the table."""
        found: dict[str, list[Row]] = {}
        for row in self._rows:
            if "id" not in row.cells:
                self.problems.add(row.line, "id", "is missing; write the id of the room or device in each row")
            elif (ident := self._parsed(row, "id", scalars.parse_ident)) is not None:
                found.setdefault(ident, []).append(row)
        return found.items()

    def same(self, rows: Sequence[Row], column: str, parse: Callable[[str], _T]) -> _T | None:
        """Return what every row of an id has to say alike, None where none says anything."""
        told = [row for row in rows if column in row.cells]
        for row in told[1:]:
            if row.cells[column] != told[0].cells[column]:
                self.problems.add(row.line, column, f"is another than in line {told[0].line}; write the same in both")
        return self._parsed(told[0], column, parse) if told else None

    def dated(
        self, rows: Sequence[Row], column: str, parse: Callable[[str], str], ends: tuple[str, str]
    ) -> list[Dated]:
        """Return the history that the rows of an id tell, in the order of time."""
        found = []
        for row in rows:
            if column not in row.cells:
                continue
            what = self._parsed(row, column, parse)
            validity = self._span(row, *ends)
            if what is not None and validity is not None:
                found.append(Dated(what, validity, *(row.cells.get(end, "") for end in ends)))
        return sorted(found, key=lambda item: item.validity.since)

    def checked(self, document: Document, filename: str) -> str:
        """Return the text of the document, if neither the table nor what comes out of it is wrong."""
        if self.problems.found:
            raise ConfigurationError(self.problems.texts())
        text = document.text()
        parse_register(text.encode(), f"{filename} (as imported)")
        return text

    def _span(self, row: Row, begin: str, end: str) -> Validity | None:
        since, until = (self._parsed(row, key, self.moment) if key in row.cells else None for key in (begin, end))
        whole = Validity()
        span = Validity(since or whole.since, until or whole.until)
        if span.since < span.until:
            return span
        self.problems.add(row.line, end, f"is not after `{begin}`; write a later one, or leave it empty while it lasts")
        return None

    def _parsed(self, row: Row, column: str, parse: Callable[[str], _T]) -> _T | None:
        try:
            return parse(row.cells[column])
        except ValueError as error:
            self.problems.add(row.line, column, str(error))
            return None
