"""What every audit trail promises, the one on disk and the fake alike."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retentiond.audit.trail import TrailSettings, open_trail
from retentiond.domain.errors import StorageError
from retentiond.domain.event import Event, EventType
from retentiond.ports import AuditTrail
from tests.builders import NOW, an_event
from tests.fakes.trail import MemoryTrail


@pytest.fixture(params=["disk", "memory"])
def trail(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AuditTrail]:
    if request.param == "memory":
        yield MemoryTrail()
        return
    with open_trail(TrailSettings(str(tmp_path / "audit"), "nvr.example/retentiond", lambda: NOW)) as opened:
        yield opened


def beats(count: int) -> list[Event]:
    return [an_event(EventType.HEARTBEAT, number=number) for number in range(count)]


def test_records_come_back_in_order_with_consecutive_numbers(trail: AuditTrail) -> None:
    first = trail.head().size
    trail.append(beats(3))
    trail.append(beats(2))
    found = list(trail.records(first))
    assert [record.seq for record in found] == list(range(first, first + 5))
    assert [record.fields["number"] for record in found] == [0, 1, 2, 0, 1]


def test_what_append_returns_is_what_is_read_back(trail: AuditTrail) -> None:
    first = trail.head().size
    event = an_event(EventType.SCAN_COMPLETED, rows=({"camera": "kö\u2028\U0001f600\x7f\n"}, None, True, -5), none={})
    returned = list(trail.append([event, *beats(1)]))
    assert returned == list(trail.records(first))
    assert returned[0].fields == {"rows": [{"camera": "kö\u2028\U0001f600\x7f\n"}, None, True, -5], "none": {}}


def test_reading_begins_where_it_is_asked_to(trail: AuditTrail) -> None:
    trail.append(beats(5))
    everything = list(trail.records())
    for since in range(len(everything) + 1):
        assert list(trail.records(since)) == everything[since:]


def test_appending_nothing_changes_nothing(trail: AuditTrail) -> None:
    before = trail.head()
    assert list(trail.append([])) == []
    assert trail.head() == before


def test_the_head_covers_every_record_and_changes_with_each(trail: AuditTrail) -> None:
    roots = set()
    for _ in range(5):
        trail.append(beats(1))
        head = trail.head()
        assert head.size == len(list(trail.records()))
        roots.add(head.root)
    assert len(roots) == 5


@pytest.mark.parametrize(
    "fields",
    [
        {"share": 0.5},
        {"whole": 5.0},
        {"count": 1 << 53},
        {"count": -(1 << 53)},
        {"Camera": "a"},
        {"": "a"},
        {"rec": {"bad-key": 1}},
        {"name": "\udc80"},
        {"raw": b"a"},
        {"long": "x" * 65_000},
        {"seq": 1},
        {"prev": "a"},
        {"run": "mine"},
        {"salt": "mine"},
        {"v": 1},
        {"ts": "now"},
        {"type": "mine"},
    ],
    ids=str,
)
def test_an_event_that_does_not_fit_is_refused_with_its_whole_batch(trail: AuditTrail, fields: dict[str, Any]) -> None:
    before, records = trail.head(), list(trail.records())
    with pytest.raises(StorageError, match=r"record of type 'heartbeat' cannot be written: .+"):
        trail.append([*beats(2), Event(EventType.HEARTBEAT, fields)])
    assert (trail.head(), list(trail.records())) == (before, records)
    assert trail.append(beats(1))[0].seq == before.size


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        (EventType.RECORDING_DELETED, "success"),
        (EventType.DELETION_FAILED, "failure"),
        (EventType.DELETION_VOID, "failure"),
    ],
)
def test_an_outcome_is_on_the_record_as_given_or_as_the_type_implies(
    trail: AuditTrail, kind: EventType, outcome: str
) -> None:
    implied, given = trail.append([Event(kind, {}), Event(kind, {"outcome": "unknown"})])
    assert implied.fields == {"outcome": outcome}
    assert given.fields == {"outcome": "unknown"}


def test_a_type_without_outcome_gets_none(trail: AuditTrail) -> None:
    assert trail.append(beats(1))[0].fields == {"number": 0}
