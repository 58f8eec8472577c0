"""The rules on which recordings fell due by themselves, as the catalogue keeps them beside a stream.

They come back exactly as they were, to the microsecond: rules that differ from today's begin a new basis, and a basis
that never was the same again would explain nothing.
"""

import json
from datetime import datetime, timedelta

from retentiond.domain import instants
from retentiond.domain.recording import CameraName, Category, StoreName, Stream
from retentiond.domain.rule import Coverage, DeletionRule, Term
from retentiond.domain.span import Basis


def basis_to_text(basis: Basis | None) -> str | None:
    """Return a basis as one JSON text."""
    if basis is None:
        return None
    terms = [
        {"since": _text(term.since), "until": _text(term.until), "rule": _rule_to_fields(term.rule)}
        for term in basis.coverage.terms
    ]
    return json.dumps({"since": _text(basis.since), "margin_s": basis.margin.total_seconds(), "terms": terms})


def basis_from_text(stream: Stream, text: str | None) -> Basis | None:
    """Return the basis that `basis_to_text` wrote for `stream`."""
    if text is None:
        return None
    fields = json.loads(text)
    terms = tuple(
        Term(_instant(item["since"]), _instant(item["until"]), _rule_from_fields(item["rule"]))
        for item in fields["terms"]
    )
    margin = timedelta(seconds=fields["margin_s"])
    return Basis(instants.from_text(fields["since"]), margin, Coverage(stream, terms))


def _rule_to_fields(rule: DeletionRule | None) -> dict[str, object] | None:
    if rule is None:
        return None
    return {
        "name": rule.name,
        "categories": sorted(rule.categories),
        "period_s": rule.deletion_period.total_seconds(),
        "stores": sorted(rule.stores),
        "cameras": sorted(rule.cameras),
        "rooms": sorted(rule.rooms),
    }


def _rule_from_fields(fields: dict[str, object] | None) -> DeletionRule | None:
    if fields is None:
        return None
    period = fields["period_s"]
    return DeletionRule(
        name=str(fields["name"]),
        categories=frozenset(Category(item) for item in _texts(fields["categories"])),
        deletion_period=timedelta(seconds=float(str(period))),
        stores=frozenset(StoreName(item) for item in _texts(fields["stores"])),
        cameras=frozenset(CameraName(item) for item in _texts(fields["cameras"])),
        rooms=frozenset(_texts(fields["rooms"])),
    )


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _instant(text: str | None) -> datetime | None:
    return None if text is None else instants.from_text(text)
