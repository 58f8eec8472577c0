"""What ZoneMinder deletes itself: filters are the only cleaner it has, and none that it ships looks at the age."""

import json
import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

_AGE = re.compile(r"-\s*(\d{1,5})\s*(hour|day|week|month|year)s?", re.IGNORECASE | re.ASCII)
_UNITS = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=31),
    "year": timedelta(days=366),
}
_DATES = frozenset({"DateTime", "Date", "StartDateTime", "StartDate", "EndDateTime", "EndDate"})
_HARMLESS = frozenset({"Archived"})


def age_of(query: str) -> timedelta | None:
    """Return the age from which a filter takes every event that is not archived; None if it takes others too or fewer.

    A month counts as 31 days and a year as 366: the longest that it can mean.
    """
    try:
        terms = json.loads(query)["terms"]
        found = [age for term in terms if (age := _age_of_term(term)) is not None]
        others = any(_age_of_term(term) is None and not _is_harmless(term) for term in terms)
        either = any(term.get("cnj") == "or" for term in terms)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return min(found) if found and not others and not either else None


def own_age(filters: Iterable[tuple[str, str]]) -> tuple[timedelta, str] | None:
    """Return after how long ZoneMinder deletes by itself, with the filter that does, by the names and terms of all."""
    ages = [(age, name) for name, query in filters if (age := age_of(query)) is not None]
    return min(ages, default=None)


def _age_of_term(term: Any) -> timedelta | None:  # noqa: ANN401  somebody else's JSON
    if term.get("attr") not in _DATES or term.get("op") not in ("<", "<="):
        return None
    match = _AGE.fullmatch(str(term.get("val", "")).strip())
    return None if match is None else int(match[1]) * _UNITS[match[2].lower()]


def _is_harmless(term: Any) -> bool:  # noqa: ANN401  as above
    """Tell whether a term leaves out nothing but what is archived or open."""
    if term.get("attr") in _HARMLESS:
        return str(term.get("val")) == "0"
    return term.get("attr") in _DATES and term.get("op") == "IS NOT" and str(term.get("val")).upper() == "NULL"
