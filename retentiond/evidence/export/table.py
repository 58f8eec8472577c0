"""CSV as of RFC 4180, for spreadsheets: a head, and one row a record. No cell is ever taken for a formula."""

import csv
import io
import json
from typing import Any

from retentiond.domain.names import visible
from retentiond.evidence.export.source import Exported

COLUMNS = (
    "seq",
    "ts",
    "type",
    "outcome",
    "store",
    "camera",
    "category",
    "path",
    "start",
    "bytes",
    "rule",
    "deadline",
    "age_s",
    "why",
    "deletion_run",
    "actor",
    "kind",
    "subject",
    "message",
    "leaf_hash",
    "more",
)
_FORMULA = frozenset("=+-@\uff1d\uff0b\uff0d\uff20'")
"""What makes a spreadsheet calculate, also in full width; and the mark against it, so that it can be taken off."""

_ELSEWHERE = frozenset({"v", "prev", "salt", "rec"})


def csv_head() -> str:
    """Return the first line."""
    return _row(COLUMNS)


def to_csv(item: Exported) -> str:
    """Return a record as a row; `more` has as JSON what has no column of its own."""
    shown: dict[str, Any] = {key: item.about(key) for key in COLUMNS if key not in {"leaf_hash", "more"}}
    rec = item.fields.get("rec")
    inner = {key: value for key, value in rec.items() if key not in shown} if isinstance(rec, dict) else {}
    more = {key: value for key, value in item.fields.items() if key not in _ELSEWHERE and key not in shown} | inner
    cells = {**shown, "leaf_hash": item.leaf, "more": json.dumps(more, sort_keys=True) if more else ""}
    return _row(_cell(cells[key]) for key in COLUMNS)


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool() | int():
            return str(value)
        case str():
            text = visible(value)
        case _:
            text = json.dumps(value, sort_keys=True)
    return f"'{text}" if text[:1] in _FORMULA and text else text


def _row(cells: Any) -> str:  # noqa: ANN401  any iterable of texts
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue()
