"""The fold of the trail is the same however it is cut, and says what the records add up to."""

import json
from copy import deepcopy
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from retentiond.audit.state import state_from_fields, state_to_fields
from retentiond.domain.decisions import Decisions
from retentiond.domain.event import (
    Event,
    EventType,
    Record,
    approval_given,
    finding_acknowledged,
    finding_closed,
    finding_opened,
    intents,
    not_deleted,
    recording_deleted,
    run_completed,
    run_started,
)
from retentiond.domain.finding import FindingKind
from retentiond.domain.hold_event import (
    Lapse,
    Widening,
    hold_approved,
    hold_extended,
    hold_lapsed,
    hold_placed,
    hold_released,
    hold_widened,
)
from retentiond.domain.incident import Change, Verdict
from retentiond.domain.incident_event import (
    Footage,
    incident_approved,
    incident_changed,
    incident_closed,
    incident_decided,
    incident_lapsed,
    incident_opened,
    incident_returned,
)
from retentiond.domain.recording import StoreName
from tests.builders import (
    NOW,
    a_due,
    a_finding,
    a_plan,
    a_recording,
    a_rule,
    a_ruling,
    a_stream,
    a_suspension,
    an_event,
    an_incident,
    an_intended,
    at,
    records,
)

STORES = (StoreName("main"), StoreName("archive"))
CLAIMS = tuple(f"claim-{number}" for number in range(6))
DIGESTS = ("aa" * 32, "bb" * 32)
FOOTAGE = Footage(3, NOW, None, "ab")
EXPIRES = NOW + timedelta(days=1)

stores = st.sampled_from(STORES)
claims = st.sampled_from(CLAIMS)
digests = st.sampled_from(DIGESTS)
findings = st.builds(
    a_finding,
    st.sampled_from([FindingKind.OVERDUE, FindingKind.UNCOVERED]),
    st.sampled_from(STORES),
    message=st.text(max_size=5),
)


def an_intent(store: StoreName, listed: list[str], path: bytes) -> Event:
    recording = a_recording(at("2026-03-01"), path=path, stream=a_stream(store=store))
    (event,) = intents(store, "run", [an_intended(claim, recording=recording) for claim in listed])
    return event


paths = st.binary(min_size=1, max_size=20).filter(lambda path: not path.endswith(b"/") and not path.startswith(b"/"))
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(an_intent, stores, st.lists(claims, min_size=1, max_size=3, unique=True), paths),
    claims.map(lambda claim: recording_deleted(0, claim, a_due(), {"bytes": 1}, now=NOW)),
    claims.map(lambda claim: not_deleted(EventType.DELETION_VOID, 0, claim, a_recording(), "still_written")),
    claims.map(lambda claim: not_deleted(EventType.DELETION_FAILED, 0, claim, a_recording(), "EPERM")),
    findings.map(finding_opened),
    findings.map(lambda item: finding_closed(item.key)),
    findings.map(lambda item: finding_acknowledged(item.key, "uid 1000", "known", EXPIRES)),
    digests.map(lambda digest: approval_given(a_plan(digest), "uid 1000", EXPIRES)),
    digests.map(lambda digest: run_started(STORES[0], "run", 1, approval=digest)),
    st.one_of(st.none(), digests).map(
        lambda digest: run_completed(STORES[0], "run", {"deleted": 1}, {}, approval=digest)
    ),
    st.builds(lambda store, uuid: an_event(EventType.STORE_ADOPTED, store=store, uuid=uuid), stores, st.integers()),
    st.text(max_size=3).map(lambda digest: an_event(EventType.POLICY_LOADED, digest=digest)),
    st.text(max_size=3).map(lambda digest: an_event(EventType.REGISTER_LOADED, digest=digest)),
    st.just(an_event(EventType.HEARTBEAT)),
)
holds = st.sampled_from([a_suspension("H-1"), a_suspension("H-2")])
hold_events: st.SearchStrategy[Event] = st.one_of(
    holds.map(lambda item: hold_placed(item, {})),
    holds.map(lambda item: hold_approved(item, "op-2", NOW)),
    holds.map(lambda item: hold_extended(item, "op-1", NOW, until=EXPIRES, review=None)),
    holds.map(lambda item: hold_widened(item.ident, item.reach, Widening.REGISTER, NOW)[0]),
    holds.map(lambda item: hold_released(item, "op-1", "not needed", NOW, due=0)),
    st.builds(lambda item, why: hold_lapsed(item, why, NOW), holds, st.sampled_from(list(Lapse))),
)
incidents = st.sampled_from([an_incident("I-1"), an_incident("I-2")])
rulings = st.sampled_from([a_ruling(Verdict.DELETE), a_ruling(Verdict.DISMISS)])
incident_events: st.SearchStrategy[Event] = st.one_of(
    incidents.map(lambda item: incident_opened(item, FOOTAGE)[0]),
    incidents.map(lambda item: incident_changed(item.ident, Change.FOOTAGE, item.parts, (), NOW)[0]),
    incidents.map(lambda item: incident_changed(item.ident, Change.REGISTER, (), item.parts, NOW)[0]),
    st.builds(lambda item, ruling: incident_decided(item, ruling)[0], incidents, rulings),
    st.builds(lambda item, ruling: incident_approved(item, ruling, "op-2", NOW), incidents, rulings),
    incidents.map(lambda item: incident_returned(item, FOOTAGE, NOW)),
    incidents.map(lambda item: incident_lapsed(item, 3)),
    incidents.map(lambda item: incident_closed(item, NOW)),
    incidents.map(
        lambda item: recording_deleted(0, "claim-0", a_due(rule=a_rule(item.rule_name)), {"bytes": 1}, now=NOW)
    ),
)
events = st.one_of(events, hold_events, incident_events)
trails = st.lists(events, max_size=30).map(lambda listed: records(*listed))


def folded(trail: list[Record]) -> Decisions:
    decisions = Decisions()
    decisions.apply_all(trail)
    return decisions


@given(trails, st.data())
def test_the_fold_of_a_prefix_and_the_rest_is_the_fold_of_all(trail: list[Record], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(trail)))
    cached = deepcopy(folded(trail[:cut]))
    assert cached.seq == cut
    cached.apply_all(trail[cut:])
    whole = folded(trail)
    assert cached == whole
    assert list(cached.intents) == list(whole.intents)


@given(trails)
def test_a_hold_is_open_exactly_when_it_was_placed_and_neither_released_nor_lapsed_since(trail: list[Record]) -> None:
    open_holds: set[str] = set()
    for record in trail:
        if record.type == EventType.HOLD_PLACED:
            open_holds.add(record.fields["hold"])
        elif record.type == EventType.HOLD_RELEASED or (
            record.type == EventType.HOLD_LAPSED and record.fields["why"] != Lapse.EXTENSION_NOT_APPROVED
        ):
            open_holds.discard(record.fields["hold"])
    assert folded(trail).suspensions.keys() == open_holds


@given(trails)
def test_an_incident_is_there_exactly_when_it_was_opened_and_not_closed_since(trail: list[Record]) -> None:
    last = {
        record.fields["incident"]: record.type
        for record in trail
        if record.type in {EventType.INCIDENT_OPENED, EventType.INCIDENT_CLOSED}
    }
    standing = {ident for ident, kind in last.items() if kind == EventType.INCIDENT_OPENED}
    decisions = folded(trail)
    assert decisions.incidents.keys() == standing
    for item in decisions.incidents.values():
        assert not (item.goes and item.in_force(NOW)), "what two persons gave up is not suspended by the same"


@given(trails)
def test_the_fold_survives_being_kept(trail: list[Record]) -> None:
    decisions = folded(trail)
    assert state_from_fields(json.loads(json.dumps(state_to_fields(decisions)))) == decisions


@given(trails)
def test_folding_changes_no_record(trail: list[Record]) -> None:
    before = deepcopy(trail)
    folded(trail)
    assert trail == before


@given(trails)
def test_an_intent_is_open_exactly_when_no_outcome_came_after_it(trail: list[Record]) -> None:
    open_claims: set[str] = set()
    for record in trail:
        if record.type == EventType.DELETION_INTENT:
            open_claims |= {entry["claim"] for entry in record.fields["recordings"]}
        elif "claim" in record.fields:
            open_claims.discard(record.fields["claim"])
    decisions = folded(trail)
    assert {intent.claim for store in STORES for intent in decisions.open_intents_of(store)} == open_claims


@given(trails)
def test_an_approval_stands_exactly_when_no_run_completed_under_it_since(trail: list[Record]) -> None:
    decisions = folded(trail)
    for digest in DIGESTS:
        telling = [
            record.type
            for record in trail
            if (record.type == EventType.APPROVAL_GIVEN and record.fields["digest"] == digest)
            or (record.type == EventType.RUN_COMPLETED and record.fields["approval"] == digest)
        ]
        stands = bool(telling) and telling[-1] == EventType.APPROVAL_GIVEN
        assert (decisions.approval_for(digest, NOW) is not None) is stands


@given(trails)
def test_a_finding_is_open_exactly_when_it_was_opened_and_not_closed_since(trail: list[Record]) -> None:
    last: dict[tuple[str, str], Record] = {}
    for record in trail:
        if record.type in {EventType.FINDING_OPENED, EventType.FINDING_CLOSED}:
            last[record.fields["kind"], record.fields["subject"]] = record
    still_open = {key: record for key, record in last.items() if record.type == EventType.FINDING_OPENED}
    decisions = folded(trail)
    assert {(key.kind.value, key.subject) for key in decisions.findings} == still_open.keys()
    for key, item in decisions.findings.items():
        assert item.message == still_open[key.kind.value, key.subject].fields["message"]
    assert decisions.opened_at.keys() == decisions.findings.keys()
