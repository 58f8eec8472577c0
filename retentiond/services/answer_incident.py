"""Answers what people ask about incidents: reads the request, and refuses what no record should carry."""

from collections.abc import Callable, Mapping
from typing import Any

from retentiond.domain.errors import UsageError
from retentiond.domain.incident import Ruling, Verdict
from retentiond.services.cycle import Cycle
from retentiond.services.decide_incident import Proposal

_LONGEST = {"why": 500, "notification": 500}


def decide_incident(cycle: Cycle, request: Mapping[str, Any], actor: str) -> dict[str, Any]:
    """Decide what becomes of an incident's footage. Raises UsageError, TryAgainError, StorageError."""
    word = _text(request, "decision")
    try:
        verdict = Verdict(word)
    except ValueError as error:
        raise UsageError(f"{word!r} is no decision; there are: {', '.join(Verdict)}") from error
    proposal = Proposal(verdict, _text(request, "why"), _text(request, "notification"), actor)
    decided = cycle.court.decide(_text(request, "incident"), proposal, cycle.book)
    cycle.weigh_again()
    return {**_described(decided.incident.ident, decided.ruling), "released": decided.released}


def approve_incident(cycle: Cycle, request: Mapping[str, Any], actor: str) -> dict[str, Any]:
    """Agree to what another person decided. Raises UsageError, NotPermittedError, TryAgainError, StorageError."""
    ident = _text(request, "incident")
    ruling = cycle.court.approve(ident, actor, cycle.book, enforcing=cycle.mode.enforcing)
    cycle.weigh_again()
    return _described(ident, ruling)


def _described(ident: str, ruling: Ruling) -> dict[str, Any]:
    return {
        "incident": ident,
        "decision": ruling.verdict.value,
        "recordings": ruling.count,
        "digest": ruling.digest,
    }


def _text(request: Mapping[str, Any], key: str) -> str:
    """Return a text of one line, as long as a record may carry. Raises UsageError."""
    value, longest = request.get(key), _LONGEST.get(key, 64)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"the request has no text {key!r}")
    if not value.isprintable() or len(value) > longest:
        raise UsageError(f"{key!r} is one line of at most {longest} characters")
    return value.strip()


ABOUT_INCIDENTS: Mapping[str, Callable[[Cycle, Mapping[str, Any], str], dict[str, Any]]] = {
    "incident_decide": decide_incident,
    "incident_approve": approve_incident,
}
"""The verbs of this module."""
