"""What goes on the record about incidents, and the incident that these records add up to.

The fields are a file format (docs/audit-format.md): names never change. `at` is trusted time. No record names a
recording: while an incident is open its footage is listed nowhere, and what is deleted names its intent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from retentiond.domain import instants
from retentiond.domain.event import Event, EventType, Record
from retentiond.domain.hold_event import REACH_PER_RECORD, reach_from_fields, reach_to_fields
from retentiond.domain.incident import Change, Incident, Ruling, Verdict, returned
from retentiond.domain.suspension import Reach
from retentiond.domain.violation import Violation, before


@dataclass(frozen=True, slots=True)
class Footage:
    """What of an incident is on the disk: how much, from when, and which, by its digest."""

    count: int
    first: datetime | None
    last: datetime | None
    digest: str

    def fields(self) -> dict[str, Any]:
        """Return it as records and answers have it."""
        return {
            "recordings": self.count,
            "first": None if self.first is None else instants.to_text(self.first),
            "last": None if self.last is None else instants.to_text(self.last),
            "digest": self.digest,
        }


# --- events -------------------------------------------------------------------------------------------------------


def incident_opened(item: Incident, footage: Footage) -> list[Event]:
    """Footage of a room was found that was recorded while that was prohibited; the 72 hours begin."""
    first, rest = item.parts[:REACH_PER_RECORD], item.parts[REACH_PER_RECORD:]
    opened = Event(
        EventType.INCIDENT_OPENED,
        {
            "incident": item.ident,
            "room": item.room,
            "at": instants.to_text(item.found_at),
            "notify_by": instants.to_text(item.notify_by),
            "until": instants.to_text(item.ends_at),
            **footage.fields(),
            "parts": [part_to_fields(part) for part in first],
        },
    )
    return [opened, *incident_changed(item.ident, Change.FOOTAGE, rest, (), item.found_at)]


def incident_changed(
    ident: str, why: Change, added: Sequence[Violation], ended: Sequence[Violation], now: datetime
) -> list[Event]:
    """It is about more, or a violation that it is about is over. What is added needs a decision of its own."""
    events = []
    for first in range(0, max(len(added), len(ended)), REACH_PER_RECORD):
        those = slice(first, first + REACH_PER_RECORD)
        fields = {
            "incident": ident,
            "at": instants.to_text(now),
            "why": why.value,
            "added": [part_to_fields(part) for part in added[those]],
            "ended": [part_to_fields(part) for part in ended[those]],
        }
        events.append(Event(EventType.INCIDENT_CHANGED, fields))
    return events


def incident_decided(item: Incident, ruling: Ruling) -> list[Event]:
    """A person decided what becomes of it; another person has to agree. In force with the last part."""
    chunks = range(0, max(len(ruling.scope), 1), REACH_PER_RECORD)
    return [
        Event(
            EventType.INCIDENT_DECIDED,
            {
                "incident": item.ident,
                "actor": ruling.actor,
                "at": instants.to_text(ruling.at),
                "decision": ruling.verdict.value,
                "why": ruling.why,
                "notification": ruling.notification,
                "recordings": ruling.count,
                "digest": ruling.digest,
                "part": part,
                "parts": len(chunks),
                "reach": [reach_to_fields(reach) for reach in ruling.scope[first : first + REACH_PER_RECORD]],
            },
        )
        for part, first in enumerate(chunks, 1)
    ]


def incident_approved(item: Incident, ruling: Ruling, actor: str, now: datetime) -> Event:
    """Another person agreed to the decision, which is carried out from now on."""
    fields = {
        "incident": item.ident,
        "actor": actor,
        "at": instants.to_text(now),
        "decision": ruling.verdict.value,
        "recordings": ruling.count,
        "digest": ruling.digest,
    }
    return Event(EventType.INCIDENT_APPROVED, fields)


def incident_returned(item: Incident, footage: Footage, now: datetime) -> Event:
    """What lies there is not what was decided about: somebody has to decide anew, and it is suspended again."""
    until = instants.to_text(returned(item, now).ends_at)
    fields = {"incident": item.ident, "at": instants.to_text(now), "until": until, **footage.fields()}
    return Event(EventType.INCIDENT_RETURNED, fields)


def incident_lapsed(item: Incident, count: int) -> Event:
    """It came to its end, and two persons have not decided: the ordinary rules decide about its footage again."""
    fields = {"incident": item.ident, "at": instants.to_text(item.ends_at), "recordings": count}
    return Event(EventType.INCIDENT_LAPSED, fields)


def incident_closed(item: Incident, now: datetime) -> Event:
    """It is over: nothing of its footage is left, or two persons decided that it is none."""
    verdict = item.ruling.verdict.value if item.approved_at is not None and item.ruling is not None else None
    fields = {
        "incident": item.ident,
        "at": instants.to_text(now),
        "decision": verdict,
        "deleted": item.deleted,
    }
    return Event(EventType.INCIDENT_CLOSED, fields)


# --- the fold -----------------------------------------------------------------------------------------------------


def incident_of(record: Record) -> Incident:
    """Return the incident that `incident.opened` opens."""
    fields = record.fields
    return Incident(
        ident=fields["incident"],
        room=fields["room"],
        found_at=instants.from_text(fields["at"]),
        ends_at=instants.from_text(fields["until"]),
        parts=tuple(part_from_fields(fields["room"], part) for part in fields["parts"]),
    )


def after(item: Incident, record: Record) -> Incident:
    """Return what an incident is after a record that names it and does not close it."""
    fields = record.fields
    at = instants.from_text(fields["at"])
    match record.type:
        case EventType.INCIDENT_CHANGED:
            return _changed(item, fields)
        case EventType.INCIDENT_DECIDED:
            return replace(item, ruling=_ruling(item.ruling if fields["part"] > 1 else None, fields))
        case EventType.INCIDENT_APPROVED:
            return replace(item, approved_at=at)
        case EventType.INCIDENT_RETURNED:
            return replace(returned(item, at), ends_at=instants.from_text(fields["until"]))
        case EventType.INCIDENT_LAPSED:
            return replace(item, ruling=None, lapsed_at=at)
        case _:
            return item


def dismissed_by(item: Incident) -> tuple[Violation, ...]:
    """Return what two persons decided to be no violation; empty if the incident is closed for another reason."""
    if item.ruling is None or item.approved_at is None or item.ruling.verdict is not Verdict.DISMISS:
        return ()
    return before(item.parts, item.ruling.at)


def _changed(item: Incident, fields: Mapping[str, Any]) -> Incident:
    ended = {
        (part.key, part.origin, part.reach.since): part
        for part in (part_from_fields(item.room, each) for each in fields["ended"])
    }
    kept = tuple(ended.get((part.key, part.origin, part.reach.since), part) for part in item.parts)
    added = tuple(part_from_fields(item.room, each) for each in fields["added"])
    return replace(item, parts=tuple(dict.fromkeys((*kept, *added))), ruling=None if added else item.ruling)


def _ruling(begun: Ruling | None, fields: Mapping[str, Any]) -> Ruling:
    scope = tuple(reach_from_fields(part) for part in fields["reach"])
    if begun is not None:
        return replace(begun, scope=(*begun.scope, *scope))
    return Ruling(
        verdict=Verdict(fields["decision"]),
        why=fields["why"],
        notification=fields["notification"],
        actor=fields["actor"],
        at=instants.from_text(fields["at"]),
        count=fields["recordings"],
        digest=fields["digest"],
        scope=scope,
    )


# --- values as JSON has them --------------------------------------------------------------------------------------


def part_to_fields(part: Violation) -> dict[str, Any]:
    """Return a part of an incident as values that a record has; its room is that of the incident."""
    return {"device": part.device, "origin": instants.to_text(part.origin), **reach_to_fields(part.reach)}


def part_from_fields(room: str, fields: Mapping[str, Any]) -> Violation:
    """Return the part that `part_to_fields` wrote."""
    return Violation(room, fields["device"], reach_from_fields(fields), instants.from_text(fields["origin"]))


def incident_to_fields(item: Incident) -> dict[str, Any]:
    """Return all of an incident as values that JSON has, for the fold that is kept beside the trail."""
    return {
        "incident": item.ident,
        "room": item.room,
        "found_at": instants.to_text(item.found_at),
        "ends_at": instants.to_text(item.ends_at),
        "parts": [part_to_fields(part) for part in item.parts],
        "ruling": None if item.ruling is None else _ruling_to_fields(item.ruling),
        "approved_at": _text(item.approved_at),
        "lapsed_at": _text(item.lapsed_at),
        "deleted": item.deleted,
    }


def incident_from_fields(fields: Mapping[str, Any]) -> Incident:
    """Return the incident that `incident_to_fields` wrote."""
    return Incident(
        ident=fields["incident"],
        room=fields["room"],
        found_at=instants.from_text(fields["found_at"]),
        ends_at=instants.from_text(fields["ends_at"]),
        parts=tuple(part_from_fields(fields["room"], part) for part in fields["parts"]),
        ruling=None if fields["ruling"] is None else _ruling(None, fields["ruling"]),
        approved_at=_instant(fields["approved_at"]),
        lapsed_at=_instant(fields["lapsed_at"]),
        deleted=fields["deleted"],
    )


def dismissed_to_fields(items: Iterable[Violation]) -> list[dict[str, Any]]:
    """Return what was decided to be no violation as values that JSON has."""
    return [{"room": item.room, **part_to_fields(item)} for item in items]


def dismissed_from_fields(listed: Iterable[Mapping[str, Any]]) -> tuple[Violation, ...]:
    """Return what `dismissed_to_fields` wrote."""
    return tuple(part_from_fields(fields["room"], fields) for fields in listed)


def _ruling_to_fields(ruling: Ruling) -> dict[str, Any]:
    return {
        "decision": ruling.verdict.value,
        "why": ruling.why,
        "notification": ruling.notification,
        "actor": ruling.actor,
        "at": instants.to_text(ruling.at),
        "recordings": ruling.count,
        "digest": ruling.digest,
        "reach": _reach_to_fields(ruling.scope),
    }


def _reach_to_fields(scope: Iterable[Reach]) -> list[dict[str, Any]]:
    return [reach_to_fields(reach) for reach in scope]


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instants.to_text(instant)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else instants.from_text(text)
