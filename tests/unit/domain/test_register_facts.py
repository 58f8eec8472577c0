"""The facts of a register: what two differ in, and what goes on the record when one is loaded."""

import json
from dataclasses import replace

import pytest

from retentiond.domain.decisions import Decisions
from retentiond.domain.event import INTENT_BYTES, Event
from retentiond.domain.register import Register, Relation
from retentiond.domain.register_event import register_loaded
from retentiond.domain.register_facts import compare_facts, facts, mentions
from tests.builders import a_device, a_link, a_register, a_room, at, records
from tests.unit.settings.texts import FULL_REGISTER, changed, register_of

FULL = register_of(FULL_REGISTER)


def folded(*events: Event, decisions: Decisions | None = None) -> Decisions:
    decisions = decisions or Decisions()
    decisions.apply_all(records(*events, first=decisions.seq))
    return decisions


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("class: public, since: 2026-01-01", "class: public, since: 2026-01-02"),
        ("gone: 2028-01-01", "gone: 2028-01-02"),
        ("passes: [sight, sound]", "passes: [sight]"),
        ("class: office", "class: staff"),
        ("kind: microphone", "kind: camera"),
        ("since: 2025-01-01", "since: 2025-01-02"),
        ("temporary: true", "temporary: false"),
        ("audio: false, to: 2026-02-01", "audio: true, to: 2026-02-01"),
        ("[front, ", "[side, "),
        ("name: back, from: 2026-01-01", "name: back, from: 2026-01-02"),
        ("room: xray", "room: hall"),
        ("sees: [hall, {", "sees: [{"),
        ("hears: [hall]", "hears: [care]"),
        ("name: home", "name: rest"),
        ("out_of_hearing: [{room: care", "out_of_hearing: [{room: hall"),
        ("2027-01-05}]", "2027-01-06}]"),
        ("demands: [approval, ", "demands: ["),
        ("audio: true\n    from", "audio: false\n    from"),
        ("reference: D-1", "reference: D-9"),
        ("rooms: [hall, xray], audio: true", "rooms: [hall], audio: true"),
        ("rooms: [hall, xray], audio: true", "rooms: [hall, xray], audio: false"),
        ("review: 2026-07-01", "review: 2026-07-02"),
        ("devices: [d-1], rooms: [hall], to", "rooms: [hall], to"),
    ],
)
def test_every_fact_of_a_register_is_told(old: str, new: str) -> None:
    assert facts(register_of(changed(old, new, FULL_REGISTER))) != facts(FULL)


def test_what_is_for_people_is_no_fact() -> None:
    text = FULL_REGISTER.replace("name: Entrance", "name: Dr Example's door").replace(
        "make: Example X", "make: Example Y"
    )
    text = text.replace("192.0.2.1", "192.0.2.2").replace("Hall,", "Lobby,").replace("signatory: Board", "signatory: A")
    assert facts(register_of(text)) == facts(FULL)
    assert not any("Entrance" in fact or "Board" in fact for fact in facts(FULL))


def test_a_difference_is_told_in_a_stable_order() -> None:
    before, after = a_register(a_device(a_link("reception"))), a_register(a_device(a_link("procedure-2")))
    changes = compare_facts(facts(before), facts(after))
    assert changes.gone == ("device d-1: assigned room reception, always to open",)
    assert changes.added == ("device d-1: assigned room procedure-2, always to open",)


@pytest.mark.parametrize(
    ("fact", "named"),
    [
        ("device d-1: assigned room care, always to open", True),
        ("room care: class public, always to open", True),
        ("room care-2: class public, always to open", False),
        ("device care: camera, here always to open", False),
        ("approval 'B-1': about room care", True),
    ],
)
def test_the_facts_about_a_room_are_found(fact: str, named: bool) -> None:
    assert mentions(fact, "room", "care") is named


# --- on the record ------------------------------------------------------------------------------------------------


def test_the_facts_on_record_are_those_of_the_register_that_was_loaded_last() -> None:
    first = folded(*register_loaded(FULL, "aa", frozenset()))
    assert first.register_digest == "aa"
    assert first.register_facts == facts(FULL)
    other = replace(FULL, rooms=(*FULL.rooms, a_room("lab")), devices=FULL.devices[1:])
    events = register_loaded(other, "bb", frozenset(first.register_facts))
    second = folded(*events, decisions=first)
    assert second.register_digest == "bb"
    assert second.register_facts == facts(other)
    assert events[0].fields["added"] == ["room lab: class public, always to open", "room lab: there"]
    assert all(fact.startswith("device d-1:") for fact in events[0].fields["removed"])


def test_a_register_that_says_the_same_is_put_on_record_with_its_digest_alone() -> None:
    (event,) = register_loaded(FULL, "cc", facts(FULL))
    assert event.fields == {
        "digest": "cc", "rooms": 3, "devices": 2, "part": 1, "parts": 1, "removed": [], "added": [],
    }  # fmt: skip


def large() -> Register:
    links = tuple(a_link("reception", Relation.SEES, since=at(f"20{year}-01-01")) for year in range(10, 60))
    return a_register(*(a_device(*links, ident=f"d-{number}", name=f"n{number}") for number in range(20)))


def test_a_large_change_is_several_records_and_no_line_outgrows_the_trail() -> None:
    events = register_loaded(large(), "dd", frozenset())
    assert len(events) > 5
    assert all(len(json.dumps(event.fields)) < INTENT_BYTES + 1000 for event in events)
    assert [event.fields["part"] for event in events] == list(range(1, len(events) + 1))
    assert folded(*events).register_facts == facts(large())


def test_what_a_crash_leaves_of_several_records_is_made_good_by_the_next_start() -> None:
    events = register_loaded(large(), "dd", frozenset())
    for written in range(len(events)):
        torn = folded(*events[:written])
        assert torn.register_digest is None
        rest = register_loaded(large(), "dd", frozenset(torn.register_facts))
        assert folded(*rest, decisions=torn).register_facts == facts(large())
        assert torn.register_digest == "dd"


def test_a_record_of_an_older_version_has_a_digest_only() -> None:
    (event,) = register_loaded(FULL, "ee", facts(FULL))
    old = Event(event.type, {"digest": "ee", "rooms": 3, "devices": 2})
    assert (folded(old).register_digest, folded(old).register_facts) == ("ee", set())
