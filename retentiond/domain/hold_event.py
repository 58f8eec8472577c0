"""What goes on the record about suspensions, and the suspension that these records add up to.

The fields are a file format (docs/audit-format.md): names never change. `at` is trusted time, `ts` the wall clock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from retentiond.domain import instants
from retentiond.domain.event import Event, EventType, Record
from retentiond.domain.recording import CameraName, Category, StoreName
from retentiond.domain.suspension import APPROVE_WITHIN, Ended, Extension, Reach, Request, Scope, Suspension

REACH_PER_RECORD = 200
"""So many parts of a reach at most in one record: a line has a limit, and there may be more cameras than that."""


class Lapse(StrEnum):
    """What came to its end by itself, and why."""

    NOT_APPROVED = "not_approved"
    ENDED = "ended"
    EXTENSION_NOT_APPROVED = "extension_not_approved"


class Widening(StrEnum):
    """Why a suspension covers more than its scope says by itself."""

    REGISTER = "register"
    RUNNING = "running"


# --- events -------------------------------------------------------------------------------------------------------


def hold_placed(item: Suspension, covered: Mapping[str, Any]) -> Event:
    """A suspension is in force from now on, on one person's word; `covered` is what it covers as it is placed.

    On the record it reaches what its scope says by itself; `hold_widened` adds the rest.
    """
    lapses = min(item.ends_at, item.placed_at + APPROVE_WITHIN)
    fields = {
        "hold": item.ident,
        "actor": item.placed_by,
        "at": instants.to_text(item.placed_at),
        **request_to_fields(item.request),
        "until": instants.to_text(item.ends_at),
        "review": instants.to_text(item.review_at),
        "lapses": instants.to_text(lapses),
        "longest_period_s": _seconds(item.longest_period),
        "covered": dict(covered),
    }
    return Event(EventType.HOLD_PLACED, fields)


def hold_widened(ident: str, reach: Sequence[Reach], why: Widening, now: datetime) -> list[Event]:
    """It covers more: what the register names, or a recording that was running when the suspended time began."""
    return [
        Event(
            EventType.HOLD_EXTENDED,
            {
                "hold": ident,
                "actor": "retentiond",
                "at": instants.to_text(now),
                "why": why.value,
                "reach": [reach_to_fields(part) for part in reach[first : first + REACH_PER_RECORD]],
            },
        )
        for first in range(0, len(reach), REACH_PER_RECORD)
    ]


def hold_approved(item: Suspension, actor: str, now: datetime) -> Event:
    """Another person approved it, or its extension."""
    until = item.ends_at if item.extension is None else item.extension.until
    fields = {"hold": item.ident, "actor": actor, "at": instants.to_text(now), "until": instants.to_text(until)}
    return Event(EventType.HOLD_APPROVED, fields)


def hold_extended(
    item: Suspension, actor: str, now: datetime, *, until: datetime | None, review: datetime | None
) -> Event:
    """Somebody asked for a later end, which another person has to approve, or moved the date of the review."""
    return Event(
        EventType.HOLD_EXTENDED,
        {
            "hold": item.ident,
            "actor": actor,
            "at": instants.to_text(now),
            "until": None if until is None else instants.to_text(until),
            "review": None if review is None else instants.to_text(review),
            "lapses": None if until is None else instants.to_text(now + APPROVE_WITHIN),
        },
    )


def hold_released(item: Suspension, actor: str, why: str, now: datetime, *, due: int) -> Event:
    """Somebody ended it; `due` recordings that it kept are due at once."""
    fields = {"hold": item.ident, "actor": actor, "at": instants.to_text(now), "why": why, "due": due}
    return Event(EventType.HOLD_RELEASED, fields)


def hold_lapsed(item: Suspension, why: Lapse, at: datetime) -> Event:
    """It, or its extension, came to its end at `at` without anybody's doing."""
    return Event(EventType.HOLD_LAPSED, {"hold": item.ident, "why": why.value, "at": instants.to_text(at)})


# --- the fold -----------------------------------------------------------------------------------------------------


def suspension_of(record: Record) -> Suspension:
    """Return the suspension that `hold.placed` places."""
    fields = record.fields
    request = request_from_fields(fields)
    return Suspension(
        ident=fields["hold"],
        request=request,
        placed_by=fields["actor"],
        placed_at=instants.from_text(fields["at"]),
        ends_at=instants.from_text(fields["until"]),
        review_at=instants.from_text(fields["review"]),
        reach=request.scope.reach(),
        longest_period=_length(fields["longest_period_s"]),
    )


def after(item: Suspension, record: Record) -> Suspension | Ended:
    """Return what a suspension is after a record that names it."""
    fields = record.fields
    at = instants.from_text(fields["at"])
    match record.type:
        case EventType.HOLD_APPROVED:
            return replace(
                item, approved_by=fields["actor"], ends_at=instants.from_text(fields["until"]), extension=None
            )
        case EventType.HOLD_EXTENDED if "reach" in fields:
            added = (reach_from_fields(part) for part in fields["reach"])
            return replace(item, reach=tuple(dict.fromkeys((*item.reach, *added))))
        case EventType.HOLD_EXTENDED:
            return _extended(item, fields, at)
        case EventType.HOLD_LAPSED if fields["why"] == Lapse.EXTENSION_NOT_APPROVED:
            return replace(item, extension=None)
        case EventType.HOLD_LAPSED | EventType.HOLD_RELEASED:
            return Ended(item.ident, item.reach, item.placed_at, at, item.longest_period)
        case _:
            return item


def _extended(item: Suspension, fields: Mapping[str, Any], at: datetime) -> Suspension:
    if fields["review"] is not None:
        item = replace(item, review_at=instants.from_text(fields["review"]))
    if fields["until"] is not None:
        item = replace(item, extension=Extension(instants.from_text(fields["until"]), fields["actor"], at))
    return item


# --- values as JSON has them --------------------------------------------------------------------------------------


def request_to_fields(request: Request) -> dict[str, Any]:
    """Return a request as values that a record has."""
    scope = request.scope
    return {
        "cameras": sorted(scope.cameras),
        "rooms": sorted(scope.rooms),
        "categories": sorted(category.value for category in scope.categories),
        "from": instants.to_text(scope.begin),
        "to": instants.to_text(scope.end),
        "ground": request.ground,
        "reason": request.reason,
        "reference": request.reference,
        "requested_by": request.requested_by,
        "requested_at": instants.to_text(request.requested_at),
    }


def request_from_fields(fields: Mapping[str, Any]) -> Request:
    """Return the request that `request_to_fields` wrote."""
    scope = Scope(
        cameras=frozenset(fields["cameras"]),
        rooms=frozenset(fields["rooms"]),
        categories=_categories(fields["categories"]),
        begin=instants.from_text(fields["from"]),
        end=instants.from_text(fields["to"]),
    )
    return Request(
        scope=scope,
        ground=fields["ground"],
        reason=fields["reason"],
        reference=fields["reference"],
        requested_by=fields["requested_by"],
        requested_at=instants.from_text(fields["requested_at"]),
    )


def reach_to_fields(reach: Reach) -> dict[str, Any]:
    """Return a part of a reach as values that a record has."""
    return {
        "store": reach.store,
        "camera": reach.camera,
        "categories": sorted(category.value for category in reach.categories),
        "from": instants.to_text(reach.since),
        "to": instants.to_text(reach.until),
    }


def reach_from_fields(fields: Mapping[str, Any]) -> Reach:
    """Return the part of a reach that `reach_to_fields` wrote."""
    return Reach(
        store=None if fields["store"] is None else StoreName(fields["store"]),
        camera=None if fields["camera"] is None else CameraName(fields["camera"]),
        categories=_categories(fields["categories"]),
        since=instants.from_text(fields["from"]),
        until=instants.from_text(fields["to"]),
    )


def suspension_to_fields(item: Suspension) -> dict[str, Any]:
    """Return all of a suspension as values that JSON has, for the fold that is kept beside the trail."""
    extension = item.extension
    return {
        "hold": item.ident,
        **request_to_fields(item.request),
        "placed_by": item.placed_by,
        "placed_at": instants.to_text(item.placed_at),
        "ends_at": instants.to_text(item.ends_at),
        "review_at": instants.to_text(item.review_at),
        "reach": [reach_to_fields(part) for part in item.reach],
        "longest_period_s": _seconds(item.longest_period),
        "approved_by": item.approved_by,
        "extension": None
        if extension is None
        else {
            "until": instants.to_text(extension.until),
            "actor": extension.actor,
            "at": instants.to_text(extension.at),
        },
    }


def suspension_from_fields(fields: Mapping[str, Any]) -> Suspension:
    """Return the suspension that `suspension_to_fields` wrote."""
    extension = fields["extension"]
    return Suspension(
        ident=fields["hold"],
        request=request_from_fields(fields),
        placed_by=fields["placed_by"],
        placed_at=instants.from_text(fields["placed_at"]),
        ends_at=instants.from_text(fields["ends_at"]),
        review_at=instants.from_text(fields["review_at"]),
        reach=tuple(reach_from_fields(part) for part in fields["reach"]),
        longest_period=_length(fields["longest_period_s"]),
        approved_by=fields["approved_by"],
        extension=None
        if extension is None
        else Extension(instants.from_text(extension["until"]), extension["actor"], instants.from_text(extension["at"])),
    )


def ended_to_fields(item: Ended) -> dict[str, Any]:
    """Return an ended suspension as values that JSON has."""
    return {
        "hold": item.ident,
        "reach": [reach_to_fields(part) for part in item.reach],
        "placed_at": instants.to_text(item.placed_at),
        "ended_at": instants.to_text(item.ended_at),
        "longest_period_s": _seconds(item.longest_period),
    }


def ended_from_fields(fields: Mapping[str, Any]) -> Ended:
    """Return the ended suspension that `ended_to_fields` wrote."""
    return Ended(
        ident=fields["hold"],
        reach=tuple(reach_from_fields(part) for part in fields["reach"]),
        placed_at=instants.from_text(fields["placed_at"]),
        ended_at=instants.from_text(fields["ended_at"]),
        longest_period=_length(fields["longest_period_s"]),
    )


def _categories(names: Iterable[str]) -> frozenset[Category]:
    return frozenset(Category(name) for name in names)


def _seconds(length: timedelta | None) -> int | None:
    return None if length is None else int(length.total_seconds())


def _length(seconds: int | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
