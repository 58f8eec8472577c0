"""Answers what people ask about suspensions: reads the request, and refuses what no record should carry."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from retentiond.domain import instants
from retentiond.domain.errors import UsageError
from retentiond.domain.period import parse_duration
from retentiond.domain.recording import Category
from retentiond.domain.register import Register
from retentiond.domain.rule import RoomId
from retentiond.domain.suspension import Ground, Request, Scope, Suspension
from retentiond.services.cycle import Cycle
from retentiond.services.suspend import Terms

MOST_NAMED = 64
"""So many cameras and rooms at most in one suspension; more take another, or all cameras."""

_LONGEST = {"reason": 500, "reference": 120, "requested_by": 120, "why": 500}


def place_hold(cycle: Cycle, request: Mapping[str, Any], actor: str) -> dict[str, Any]:
    """Place a suspension. Raises UsageError, TryAgainError, StorageError."""
    now = cycle.now()
    until = _instant_or_length(request, "until", now)
    review = None if request.get("review") is None else _instant_or_length(request, "review", now)
    asked = Request(
        scope=_scope(request, cycle.book.register),
        ground=_ground(request),
        reason=_text(request, "reason"),
        reference=_text(request, "reference"),
        requested_by=_text(request, "requested_by"),
        requested_at=now if request.get("requested_at") is None else _instant(request, "requested_at"),
    )
    if asked.requested_at > now:
        raise UsageError("a hold cannot have been asked for in the future")
    placed = cycle.place_hold(Terms(asked, until, review), actor)
    return {**_described(placed.suspension), "covered": placed.covered.fields()}


def approve_hold(cycle: Cycle, request: Mapping[str, Any], actor: str) -> dict[str, Any]:
    """Approve a suspension or its extension. Raises UsageError, NotPermittedError."""
    return _described(cycle.holds.approve(_text(request, "hold"), actor))


def extend_hold(cycle: Cycle, request: Mapping[str, Any], actor: str) -> dict[str, Any]:
    """Ask for a later end of a suspension, or for a later review. Raises UsageError."""
    now = cycle.now()
    until, review = (
        None if request.get(key) is None else _instant_or_length(request, key, now) for key in ("until", "review")
    )
    if until is None and review is None:
        raise UsageError("name a later end (--until), or a later date at which to look at it again (--review)")
    return _described(cycle.holds.extend(_text(request, "hold"), actor, until=until, review=review))


def release_hold(cycle: Cycle, request: Mapping[str, Any], actor: str) -> dict[str, Any]:
    """End a suspension. Raises UsageError."""
    ident = _text(request, "hold")
    return {"hold": ident, "due": cycle.release_hold(ident, actor, _text(request, "why"))}


def _described(item: Suspension) -> dict[str, Any]:
    return {
        "hold": item.ident,
        "approved": item.approved_by is not None,
        "extending": None if item.extension is None else instants.to_text(item.extension.until),
        "effective_until": instants.to_text(item.effective_until),
        "until": instants.to_text(item.ends_at),
        "review": instants.to_text(item.review_at),
    }


def _scope(request: Mapping[str, Any], register: Register) -> Scope:
    """Return the scope; a room that is named as people call it is the one of that name."""
    cameras, named = _names(request, "cameras"), _names(request, "rooms")
    rooms = frozenset(name if (room := register.room_called(name)) is None else RoomId(room.ident) for name in named)
    if not cameras and not rooms and request.get("all_cameras") is not True:
        raise UsageError("name what is to be kept: --camera or --room, or --all-cameras")
    if len(cameras) + len(rooms) > MOST_NAMED:
        raise UsageError(f"a hold names {MOST_NAMED} cameras and rooms at most; place another, or use --all-cameras")
    try:
        categories = frozenset(Category(name) for name in _names(request, "categories"))
    except ValueError as error:
        raise UsageError(f"no such category; there are: {', '.join(Category)}") from error
    return Scope(cameras, rooms, categories, _instant(request, "from"), _instant(request, "to"))


def _ground(request: Mapping[str, Any]) -> str:
    code = _text(request, "ground")
    try:
        return Ground(code if ":" in code else f"eu-gdpr:{code}").value
    except ValueError as error:
        raise UsageError(f"no ground {code!r}; there are: {', '.join(Ground)}") from error


def _names(request: Mapping[str, Any], key: str) -> frozenset[str]:
    listed = request.get(key, [])
    if not isinstance(listed, list) or not all(isinstance(name, str) and 0 < len(name) <= 1024 for name in listed):
        raise UsageError(f"the request has no list of names {key!r}")
    return frozenset(listed)


def _text(request: Mapping[str, Any], key: str) -> str:
    """Return a text of one line, as long as a record may carry. Raises UsageError."""
    value, longest = request.get(key), _LONGEST.get(key, 64)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"the request has no text {key!r}")
    if not value.isprintable() or len(value) > longest:
        raise UsageError(f"{key!r} is one line of at most {longest} characters")
    return value.strip()


def _instant(request: Mapping[str, Any], key: str) -> datetime:
    """Return an instant in whole milliseconds, as records and the catalogue have it."""
    value = _text(request, key)
    try:
        instant = instants.from_text(value)
    except ValueError as error:
        raise UsageError(f"{value!r} is no instant: {error}") from error
    if not instants.EARLIEST <= instant <= instants.LATEST:
        raise UsageError(f"{value!r} lies beyond what recordings can be from")
    return instants.from_ms(instants.to_ms(instant))


def _instant_or_length(request: Mapping[str, Any], key: str, now: datetime) -> datetime:
    """Return an instant that is named, or that lies a length of time after now, such as 90d."""
    try:
        length = parse_duration(_text(request, key))
    except ValueError:
        return _instant(request, key)
    try:
        return instants.from_ms(instants.to_ms(now + length))
    except OverflowError as error:
        raise UsageError(f"{_text(request, key)!r} is too long") from error


ABOUT_HOLDS: Mapping[str, Callable[[Cycle, Mapping[str, Any], str], dict[str, Any]]] = {
    "hold_place": place_hold,
    "hold_approve": approve_hold,
    "hold_extend": extend_hold,
    "hold_release": release_hold,
}
"""The verbs of this module."""
