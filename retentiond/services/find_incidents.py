"""What a person has to know about incidents: what is to be decided, how much time is left, and what nobody decided."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta

from retentiond.domain.finding import Finding, FindingKind, be, finding, recordings
from retentiond.domain.incident import ENDS_SOON, Incident, Stage
from retentiond.domain.rule import RoomId
from retentiond.domain.suspension import Reach
from retentiond.ports import IncidentStatus

_HOUR = timedelta(hours=1)


def incident_findings(
    incidents: Iterable[Incident], count: Callable[[Iterable[Reach]], int], now: datetime
) -> tuple[Finding, ...]:
    """Return the findings about incidents that are not closed. What a message names is how much, never which.

    One that two persons decided, and of which nothing is left, is over; closing it waits for the next look only.
    """
    counted = ((item, count(item.reach)) for item in incidents)
    return tuple(_finding(item, number, now) for item, number in counted if number or item.stage is not Stage.DELETING)


def incident_status(
    incidents: Iterable[Incident], count: Callable[[Iterable[Reach]], int]
) -> tuple[IncidentStatus, ...]:
    """Return what status and metrics show of incidents that are not closed."""
    return tuple(
        IncidentStatus(
            ident=item.ident,
            stage=item.stage.value,
            found_at=item.found_at,
            notify_by=item.notify_by,
            ends_at=item.ends_at,
            recordings=count(item.reach),
        )
        for item in incidents
    )


def earlier_findings(earlier: Iterable[tuple[RoomId, datetime, int]]) -> Iterator[Finding]:
    """Yield a finding for each room of which there is footage from before it was prohibited."""
    for room, since, count in earlier:
        yield finding(
            FindingKind.EARLIER_FOOTAGE,
            room,
            f"room {room!r} is prohibited since {_text(since)}; of the time before, in which it was not, "
            f"{recordings(count)} {be(count)} on the disk",
            "they go at their deadlines; whether they may stay so long is for the data protection officer to say: "
            f"retentiond incident earlier {room}",
            facts=f"prohibited since {_text(since)}",
        )


def unopened_findings(found: Iterable[tuple[RoomId, int]]) -> Iterator[Finding]:
    """Yield a finding for each room of which there is footage that no incident is open about yet."""
    for room, count in found:
        yield finding(
            FindingKind.INCIDENT_OPEN,
            f"room {room}",
            f"{recordings(count)} of room {room!r} from while it was prohibited {be(count)} on the disk, and no "
            "incident is open about them yet",
            "a daemon opens one as soon as it looks: reload it, or start it; then: retentiond incident list",
        )


def clock_text(item: Incident, now: datetime) -> str:
    """Say what is left of the 72 hours of article 33, in whole hours."""
    left = item.notify_by - now
    if left > timedelta():
        return f"{left // _HOUR} h are left of the 72 h of article 33 GDPR, which end {_text(item.notify_by)}"
    return f"the 72 h of article 33 GDPR ended {_text(item.notify_by)}"


def _finding(item: Incident, count: int, now: datetime) -> Finding:
    ident = item.ident
    of_room = f"{recordings(count)} of room {item.room!r} from while it was prohibited {be(count)}"
    if item.stage is Stage.DELETING:
        message, remedy = (
            f"incident {ident}: {of_room} being deleted, as two persons decided",
            "they go by themselves; what keeps one is shown by: retentiond plan",
        )
    elif item.stage is Stage.LAPSED:
        return finding(
            FindingKind.INCIDENT_LAPSED,
            ident,
            f"incident {ident} ended {_text(item.ends_at)} without a decision; {of_room} left, to go at the ordinary "
            "deadlines",
            _decide(item),
            facts=_text(item.ends_at),
        )
    else:
        message = (
            f"incident {ident}, found {_text(item.found_at)}: {of_room} on the disk; {clock_text(item, now)}; "
            f"suspended until {_text(item.ends_at)} at the latest"
        )
        remedy = _decide(item)
        if item.ruling is not None:
            message += f"; one person decided: {item.ruling.verdict.value} {recordings(item.ruling.count)}"
    return finding(FindingKind.INCIDENT_OPEN, ident, message, remedy, facts=_facts(item, now))


def _decide(item: Incident) -> str:
    if item.ruling is not None:
        return f"another person has to type: retentiond incident approve {item.ident}"
    return f"look at it: retentiond incident show {item.ident}; then decide: retentiond incident decide {item.ident}"


def _facts(item: Incident, now: datetime) -> str:
    """Return what the finding rests on: whose footage, since when, and how urgent it has become."""
    begun = min(part.origin for part in item.parts)
    urgent = "72 h are over" if now >= item.notify_by else "within 72 h"
    if item.undecided and item.ends_at - now <= ENDS_SOON:
        urgent += f", ends {_text(item.ends_at)}"
    stage = "deleting" if item.stage is Stage.DELETING else "undecided"
    return f"devices {', '.join(item.devices)} since {_text(begun)}, {len(item.parts)} parts; {stage}; {urgent}"


def _text(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
