"""Writes records in the form that was asked for, a line each."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any

from retentiond.evidence.export.cloudevents import to_cloudevents
from retentiond.evidence.export.ecs import to_ecs
from retentiond.evidence.export.ocsf import to_ocsf
from retentiond.evidence.export.source import Exported
from retentiond.evidence.export.table import csv_head, to_csv


class Form(StrEnum):
    """The forms that there are; their names are a contract."""

    OCSF = "ocsf"
    ECS = "ecs"
    CLOUDEVENTS = "cloudevents"
    CSV = "csv"


_JSON: Mapping[Form, Callable[[Exported], dict[str, Any]]] = {
    Form.OCSF: to_ocsf,
    Form.ECS: to_ecs,
    Form.CLOUDEVENTS: to_cloudevents,
}


def written(records: Iterable[Exported], form: Form) -> Iterator[str]:
    """Yield the lines of an export, each with its end; one is made only when the one before was taken."""
    if form is Form.CSV:
        yield csv_head()
        yield from map(to_csv, records)
        return
    shape = _JSON[form]
    for item in records:
        yield json.dumps(shape(item), separators=(",", ":")) + "\n"
