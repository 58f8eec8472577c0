"""What goes on the record."""

import json
from datetime import timedelta

import pytest

from retentiond.domain.event import (
    INTENT_BYTES,
    Event,
    EventType,
    Intended,
    approval_given,
    describe,
    finding_acknowledged,
    finding_closed,
    finding_opened,
    intents,
    not_deleted,
    recording_deleted,
    run_completed,
    run_started,
)
from retentiond.domain.finding import Severity
from retentiond.domain.recording import Unit
from tests.builders import (
    NOW,
    STORE,
    a_due,
    a_finding,
    a_plan,
    a_recording,
    a_rule,
    an_identity,
    an_intended,
    at,
    recordings,
)

LINE_LIMIT = 8 * 1024
TRAIL_FIELDS = {
    "v": 1,
    "seq": 2**53 - 1,
    "ts": "2026-03-01T02:00:04.123Z",
    "run": "0" * 26,
    "prev": "0" * 64,
    "salt": "0" * 22,
}


def line_bytes(event: Event) -> int:
    """Return how long the line of `event` is in the trail, with the fields that the trail adds."""
    line = {**event.fields, **TRAIL_FIELDS, "type": event.type.value}
    return len(json.dumps(line, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())


def intended(count: int, *, name: str = "cam") -> list[Intended]:
    return [
        an_intended(f"claim-{number:04d}", recording=item) for number, item in enumerate(recordings(count, camera=name))
    ]


def listed(events: list[Event]) -> list[str]:
    return [entry["claim"] for event in events for entry in event.fields["recordings"]]


# --- intents ------------------------------------------------------------------------------------------------------


def test_nothing_to_delete_is_no_intent() -> None:
    assert intents(STORE, "run-1", []) == []


@pytest.mark.parametrize("count", [1, 2, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 100, 500])
def test_every_recording_is_listed_exactly_once_and_in_order(count: int) -> None:
    items = intended(count)
    assert listed(intents(STORE, "run-1", items)) == [item.claim for item in items]


def test_intents_are_split_so_that_each_line_stays_below_the_limit() -> None:
    events = intents(STORE, "run-1", intended(500))
    assert len(events) > 1
    assert all(line_bytes(event) <= LINE_LIMIT for event in events)


def test_intents_are_as_few_as_the_limit_allows() -> None:
    """No two neighbours would fit into one."""
    events = intents(STORE, "run-1", intended(200))
    sizes = [sum(len(str(entry)) for entry in event.fields["recordings"]) for event in events]
    firsts = [len(str(event.fields["recordings"][0])) for event in events]
    assert all(size + first > INTENT_BYTES for size, first in zip(sizes, firsts[1:], strict=False))


def test_every_part_names_the_store_and_the_run() -> None:
    for event in intents(STORE, "run-1", intended(100)):
        assert event.type is EventType.DELETION_INTENT
        assert event.fields["store"] == "main"
        assert event.fields["deletion_run"] == "run-1"


def test_an_entry_says_what_is_claimed_by_which_rule_and_until_when() -> None:
    recording = a_recording(at("2026-03-01 02:00"), path=b"cam/a\xff.mp4", unit=Unit.DIRECTORY)
    item = Intended("claim-1", a_due(recording, rule=a_rule("short", period="72h")), an_identity())
    (event,) = intents(STORE, "run-1", [item])
    assert event.fields["recordings"] == [
        {
            "claim": "claim-1",
            "identity": an_identity().mark,
            "unit": "directory",
            "rule": "short",
            "deadline": "2026-03-04T02:00:00.000Z",
            "camera": "reception",
            "category": "video",
            "path": r"cam/a\xff.mp4",
            "start": "2026-03-01T02:00:00.000Z",
        }
    ]


@pytest.mark.parametrize("letter", ["カ", "ö", '"'])
def test_names_beyond_ascii_do_not_make_a_line_too_long(letter: str) -> None:
    events = intents(STORE, "run-1", intended(100, name=letter * (240 // len(letter.encode()))))
    assert all(line_bytes(event) <= LINE_LIMIT for event in events)


# --- the other events ---------------------------------------------------------------------------------------------


def test_a_recording_is_described_on_one_line_and_below_the_store() -> None:
    told = describe(a_recording(path=b"cam/new\nline.mp4"))
    assert told["path"] == r"cam/new\x0aline.mp4"
    assert set(told) == {"camera", "category", "path", "start"}


def test_an_outcome_names_its_claim_and_its_age_in_whole_seconds() -> None:
    due = a_due(a_recording(NOW - timedelta(days=30, milliseconds=900)))
    event = recording_deleted(7, "claim-1", due, {"bytes": 5, "links_left": 1, "open_elsewhere": None}, now=NOW)
    assert event.type is EventType.RECORDING_DELETED
    assert event.fields["claim"] == "claim-1"
    assert event.fields["intent"] == 7
    assert event.fields["age_s"] == 30 * 86_400
    assert event.fields["rec"]["bytes"] == 5
    assert event.fields["links_left"] == 1
    assert "open_elsewhere" not in event.fields


@pytest.mark.parametrize("kind", [EventType.DELETION_FAILED, EventType.DELETION_VOID])
def test_what_was_not_deleted_says_why(kind: EventType) -> None:
    event = not_deleted(kind, 7, "claim-1", a_recording(), "EPERM")
    assert (event.type, event.fields["claim"], event.fields["why"]) == (kind, "claim-1", "EPERM")
    assert event.fields["outcome"] == "failure"


def test_every_event_fits_the_format_of_a_record() -> None:
    """Strings, integers, booleans, None, lists and objects; no floats."""
    events = [
        *intents(STORE, "run-1", intended(3)),
        run_started(STORE, "run-1", 3, approval=None),
        run_completed(STORE, "run-1", {"deleted": 3}, {"ENOSPC": 2, "still_written": 1}, approval="ab"),
        recording_deleted(1, "claim", a_due(), {"bytes": 3}, now=NOW),
        not_deleted(EventType.DELETION_VOID, 1, "claim", a_recording(), "still_written"),
        approval_given(a_plan(), "uid 1000", NOW),
        finding_opened(a_finding()),
        finding_closed(a_finding().key),
        finding_acknowledged(a_finding().key, "uid 1000", "because", NOW),
    ]
    for event in events:
        text = json.dumps(dict(event.fields), allow_nan=False)
        assert json.loads(text, parse_float=pytest.fail) == event.fields


def test_a_finding_goes_on_the_record_with_its_severity() -> None:
    assert finding_opened(a_finding()).fields["severity"] == Severity.BREACH.value


def test_an_approval_names_the_exact_set() -> None:
    fields = approval_given(a_plan("cd" * 32, count=51), "uid 1000", at("2026-04-01")).fields
    assert (fields["digest"], fields["count"], fields["why"]) == ("cd" * 32, 51, "adoption")
    assert fields["expires"] == "2026-04-01T00:00:00.000Z"
