"""Answers what people ask of a running daemon; the same code serves a command that works without one.

An answer is given when what was asked is effective and on the record.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from retentiond.domain import instants
from retentiond.domain.errors import UsageError
from retentiond.domain.finding import FindingKey, FindingKind
from retentiond.domain.period import parse_duration
from retentiond.domain.recording import StoreName
from retentiond.services.answer_hold import ABOUT_HOLDS
from retentiond.services.answer_incident import ABOUT_INCIDENTS
from retentiond.services.approve import Consent
from retentiond.services.cycle import Cycle

LONGEST_ACKNOWLEDGEMENT = timedelta(days=366)
_BY_SUBJECT = {**ABOUT_HOLDS, **ABOUT_INCIDENTS}


def answer(cycle: Cycle, request: Mapping[str, Any], actor: str) -> dict[str, Any]:
    """Do what `request` asks in the name of `actor`, and return what there is to say.

    Raises:
        UsageError: no such verb, or a field is missing or wrong.
        RetentiondError: as the verb's use case.
    """
    match request.get("verb"):
        case "ping":
            return {"mode": str(cycle.mode)}
        case "approve":
            consent = Consent(_text(request, "run"), _number(request, "count"), _text(request, "digest"), actor)
            plan = cycle.approve(consent)
            return {"run": plan.run, "count": plan.count}
        case "accept_clock":
            cycle.accept_clock(_instant(request, "wall"), actor)
            return {}
        case "accept_loss":
            return {"count": cycle.accept_loss(_number(request, "count"), actor, _text(request, "why"))}
        case "adopt":
            cycle.adopt(StoreName(_text(request, "store")), actor)
            return {}
        case "acknowledge":
            return _acknowledge(cycle, request, actor)
        case str() as verb if verb in _BY_SUBJECT:
            return _BY_SUBJECT[verb](cycle, request, actor)
        case verb:
            raise UsageError(f"the daemon does not know the request {verb!r}; are both of the same version?")


def _acknowledge(cycle: Cycle, request: Mapping[str, Any], actor: str) -> dict[str, Any]:
    kind = _text(request, "kind")
    try:
        key = FindingKey(FindingKind(kind), _text(request, "subject"))
    except ValueError as error:
        raise UsageError(f"{kind!r} is no kind of finding; see: retentiond findings list") from error
    try:
        lasts = parse_duration(_text(request, "lasts"))
    except ValueError as error:
        raise UsageError(str(error)) from error
    if lasts > LONGEST_ACKNOWLEDGEMENT:
        raise UsageError("an acknowledgement lasts 366d at most; then the finding has to be looked at again")
    until = cycle.now() + lasts
    cycle.acknowledge(key, actor, _text(request, "why"), until)
    return {"until": instants.to_text(until)}


def _text(request: Mapping[str, Any], key: str) -> str:
    value = request.get(key)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"the request has no text {key!r}")
    return value


def _number(request: Mapping[str, Any], key: str) -> int:
    value = request.get(key)
    if type(value) is not int or value < 0:
        raise UsageError(f"the request has no number {key!r}")
    return value


def _instant(request: Mapping[str, Any], key: str) -> datetime:
    text = _text(request, key)
    try:
        return instants.from_text(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is no instant: {error}") from error
