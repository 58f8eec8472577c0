"""Tables for facility management: CSV as spreadsheets write and read it.

A cell that a spreadsheet would take for a formula gets an apostrophe before it, and loses it again when it is read.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from retentiond.domain.errors import ConfigurationError
from retentiond.settings.fields import MAX_TEXT
from retentiond.settings.problems import Problems
from retentiond.settings.source import MAX_BYTES

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")
_MARK = "\ufeff"
_DATES = frozenset({"since", "until", "gone", "from", "to"})
_DAY = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})")
"""A date as spreadsheets in Europe write it back: the day first. With slashes nobody knows which is first."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a table: the line it stands in, counted from 1, and its cells by column; empty ones are left out."""

    line: int
    cells: Mapping[str, str]


def write_table(columns: Sequence[str], rows: Iterable[Mapping[str, str]], *, for_excel: bool = False) -> str:
    """Return a table as CSV; `for_excel` as European spreadsheets open it without asking: semicolons, and a mark."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";" if for_excel else ",", lineterminator="\r\n" if for_excel else "\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_guarded(row.get(column, "")) for column in columns])
    return (_MARK if for_excel else "") + out.getvalue()


def read_table(data: bytes, filename: str, columns: Sequence[str]) -> tuple[list[Row], Problems]:
    """Return the rows of a table with these columns, in any order, and what is wrong with it so far.

    Raises:
        ConfigurationError: it is no such table at all.
    """
    problems = Problems(filename)
    text = _decoded(data, problems)
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",")
    rows: list[Row] = []
    try:
        head = _without_empty_end([cell.strip().lower() for cell in next(reader, [])])
        _check_head(head, columns, problems)
        line = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(_row(line, head, cells, problems))
            line = reader.line_num + 1
    except csv.Error as error:
        problems.add(reader.line_num, "", f"is no CSV ({error}); save it as CSV, in UTF-8")
        raise ConfigurationError(problems.texts()) from error
    return rows, problems


def _decoded(data: bytes, problems: Problems) -> str:
    if len(data) > MAX_BYTES:
        problems.add(1, "", "is larger than 1 MiB; no table of rooms or devices is")
        raise ConfigurationError(problems.texts())
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.add(data[: error.start].count(b"\n") + 1, "", "is not UTF-8 text; save it as CSV in UTF-8")
        raise ConfigurationError(problems.texts()) from error


def _check_head(head: Sequence[str], columns: Sequence[str], problems: Problems) -> None:
    """Raise ConfigurationError unless the first row names the columns, each once."""
    for number, name in enumerate(head):
        if name not in columns:
            problems.add(1, "", f"{name[:40]!r} is no column of this table; write some of {', '.join(columns)}")
        elif name in head[:number]:
            problems.add(1, name, "is a column twice; keep one")
    if "id" not in head:
        problems.add(1, "", f"has no column `id`; the first row names the columns: {', '.join(columns)}")
    if problems.found:
        raise ConfigurationError(problems.texts())


def _without_empty_end(cells: list[str]) -> list[str]:
    """Leave out the empty cells with which spreadsheets end the lines of a table that was wider once."""
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _row(line: int, head: Sequence[str], cells: Sequence[str], problems: Problems) -> Row:
    if any(cell.strip() for cell in cells[len(head) :]):
        problems.add(line, "", f"has {len(cells)} cells, and there are {len(head)} columns; quote a cell with a comma")
    found = {}
    for column, cell in zip(head, cells, strict=False):
        text = _unguarded(cell.strip())
        if column in _DATES and (day := _DAY.fullmatch(text)) is not None:
            text = f"{day[3]}-{day[2]:0>2}-{day[1]:0>2}"
        if len(text) > MAX_TEXT or not text.isprintable():
            what = "is too long, or holds a line break or a character that cannot be seen; write one short line"
            problems.add(line, column, what)
        elif text:
            found[column] = text
    return Row(line, found)


def _guarded(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _unguarded(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell
