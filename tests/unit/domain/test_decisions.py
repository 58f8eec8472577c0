"""The fold of the trail: what people and the daemon have decided."""

from datetime import timedelta

import pytest

from retentiond.domain.decisions import Acknowledgement, Decisions
from retentiond.domain.event import (
    Event,
    EventType,
    approval_given,
    finding_acknowledged,
    finding_closed,
    finding_opened,
    intents,
    loss_accepted,
    not_deleted,
    recording_deleted,
    run_completed,
    run_started,
)
from retentiond.domain.recording import StoreName, Unit
from tests.builders import (
    NOW,
    STORE,
    a_due,
    a_finding,
    a_plan,
    a_recording,
    a_stream,
    an_event,
    an_identity,
    an_intended,
    at,
    records,
)

DIGEST = "ab" * 32
EXPIRES = NOW + timedelta(hours=24)


def folded(*events: Event) -> Decisions:
    decisions = Decisions()
    decisions.apply_all(records(*events))
    return decisions


def deleted(claim: str) -> Event:
    return recording_deleted(0, claim, a_due(), {"bytes": 1}, now=NOW)


# --- lost records -------------------------------------------------------------------------------------------------


def forked(lost: int) -> Event:
    return an_event(EventType.AUDIT_FORKED, lost=lost)


def test_records_are_lost_until_a_person_accepts_it() -> None:
    assert folded().lost == folded(forked(0)).lost == 0
    assert folded(forked(7)).lost == 7
    assert folded(forked(7), finding_opened(a_finding()), forked(2)).lost == 9
    assert folded(forked(7), loss_accepted(7, "op-1", "restored")).lost == 0
    assert folded(forked(7), loss_accepted(7, "op-1", "restored"), forked(1)).lost == 1


# --- intents ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", [b"cam/2026/a.mp4", b"a.mp4", b"cam/\xff\\x41\n.mp4", "カメラ/ö.mp4".encode(), b"cam/-rf %s {0}"]
)
@pytest.mark.parametrize("unit", Unit)
def test_an_intent_comes_back_as_it_was_whatever_the_name(path: bytes, unit: Unit) -> None:
    recording = a_recording(at("2026-03-01 02:00:04.123"), path=path, unit=unit)
    decisions = folded(*intents(STORE, "run-1", [an_intended("claim-1", recording=recording)]))
    (intent,) = decisions.open_intents_of(STORE)
    assert intent.recording == recording
    assert intent.claim == "claim-1"
    assert intent.deletion_run == "run-1"
    assert intent.identity_mark == an_identity().mark
    assert intent.deadline == a_due(recording).deadline
    assert intent.seq == 0


@pytest.mark.parametrize(
    "outcome",
    [
        deleted("claim-2"),
        not_deleted(EventType.DELETION_FAILED, 0, "claim-2", a_recording(), "EPERM"),
        not_deleted(EventType.DELETION_VOID, 0, "claim-2", a_recording(), "still_written"),
    ],
    ids=["deleted", "failed", "void"],
)
def test_every_outcome_closes_its_own_intent_and_no_other(outcome: Event) -> None:
    items = [an_intended(f"claim-{number}") for number in (1, 2, 3)]
    decisions = folded(*intents(STORE, "run-1", items), outcome)
    assert [intent.claim for intent in decisions.open_intents_of(STORE)] == ["claim-1", "claim-3"]


def test_an_outcome_without_an_intent_changes_nothing() -> None:
    assert folded(deleted("claim-9")).intents == {}


def test_open_intents_are_told_apart_by_store_and_come_oldest_first() -> None:
    archive = StoreName("archive")
    elsewhere = a_recording(stream=a_stream(store="archive"))
    decisions = folded(
        *intents(STORE, "run-1", [an_intended("b"), an_intended("a")]),
        *intents(archive, "run-2", [an_intended("c", recording=elsewhere)]),
        *intents(STORE, "run-3", [an_intended("0")]),
    )
    assert [intent.claim for intent in decisions.open_intents_of(STORE)] == ["b", "a", "0"]
    assert [intent.seq for intent in decisions.open_intents_of(STORE)] == [0, 0, 2]
    assert [intent.recording for intent in decisions.open_intents_of(archive)] == [elsewhere]


# --- approvals ----------------------------------------------------------------------------------------------------

GIVEN = approval_given(a_plan(DIGEST, count=51), "uid 1000", EXPIRES)


def test_an_approval_releases_its_digest_and_no_other() -> None:
    decisions = folded(GIVEN)
    approval = decisions.approval_for(DIGEST, NOW)
    assert approval is not None
    assert (approval.store, approval.count, approval.expires) == (STORE, 51, EXPIRES)
    assert decisions.approval_for("cd" * 32, NOW) is None


def test_an_approval_is_good_until_it_expires_and_not_at_that_instant() -> None:
    decisions = folded(GIVEN)
    assert decisions.approval_for(DIGEST, EXPIRES - timedelta(microseconds=1)) is not None
    assert decisions.approval_for(DIGEST, EXPIRES) is None


def test_an_approval_is_used_up_by_the_run_that_leaves_nothing_of_its_set() -> None:
    used = folded(
        GIVEN,
        run_started(STORE, "run-1", 51, approval=DIGEST),
        run_completed(STORE, "run-1", {"deleted": 51}, {}, approval=DIGEST),
    )
    assert used.approval_for(DIGEST, NOW) is None


def test_a_run_that_was_stopped_half_way_keeps_its_approval() -> None:
    stopped = folded(
        GIVEN,
        run_started(STORE, "run-1", 51, approval=DIGEST),
        run_completed(STORE, "run-1", {"deleted": 20}, {}, approval=None),
    )
    assert stopped.approval_for(DIGEST, NOW) is not None


def test_a_run_under_one_approval_does_not_use_up_another() -> None:
    decisions = folded(GIVEN, run_completed(STORE, "run-1", {}, {}, approval="cd" * 32))
    assert decisions.approval_for(DIGEST, NOW) is not None


# --- findings -----------------------------------------------------------------------------------------------------


def test_a_finding_is_open_from_its_opening_to_its_closing() -> None:
    item = a_finding(message="3 are overdue")
    decisions = folded(finding_opened(item))
    assert decisions.findings == {item.key: item}
    assert decisions.opened_at == {item.key: NOW}
    assert folded(finding_opened(item), finding_closed(item.key)).findings == {}


def test_closing_one_finding_leaves_the_others() -> None:
    here, there = a_finding(subject="main"), a_finding(subject="archive")
    decisions = folded(finding_opened(here), finding_opened(there), finding_closed(here.key))
    assert decisions.findings == {there.key: there}


def test_an_acknowledgement_ends_with_its_finding() -> None:
    item = a_finding()
    seen = finding_acknowledged(item.key, "uid 1000", "disk is on order", EXPIRES)
    acknowledged = folded(finding_opened(item), seen)
    assert acknowledged.acknowledged == {item.key: Acknowledgement("disk is on order", EXPIRES, "uid 1000")}
    assert acknowledged.findings == {item.key: item}
    again = folded(finding_opened(item), seen, finding_closed(item.key), finding_opened(item))
    assert again.acknowledged == {}
    assert again.opened_at == {item.key: NOW + timedelta(seconds=3)}


# --- the rest -----------------------------------------------------------------------------------------------------


def test_the_last_adoption_policy_and_register_count() -> None:
    decisions = folded(
        an_event(EventType.STORE_ADOPTED, store="main", uuid="1"),
        an_event(EventType.STORE_ADOPTED, store="main", uuid="2"),
        an_event(EventType.POLICY_LOADED, digest="p1"),
        an_event(EventType.POLICY_LOADED, digest="p2"),
        an_event(EventType.REGISTER_LOADED, digest="r1"),
    )
    assert decisions.adopted == {STORE: {"store": "main", "uuid": "2"}}
    assert (decisions.policy_digest, decisions.register_digest) == ("p2", "r1")


def test_seq_is_the_number_of_records_folded_also_by_those_that_decide_nothing() -> None:
    decisions = folded(an_event(EventType.HEARTBEAT), an_event(EventType.SCAN_COMPLETED))
    assert decisions == Decisions(seq=2)


def test_a_type_of_record_that_this_version_does_not_know_is_passed_over() -> None:
    decisions = Decisions()
    (record,) = records(an_event(EventType.HEARTBEAT))
    decisions.apply(type(record)(record.seq, record.at, "something.new", {"digest": "x"}))
    assert decisions == Decisions(seq=1)


def test_a_finding_of_a_kind_that_this_version_does_not_know_is_passed_over() -> None:
    fields = {"kind": "lens_dirty", "subject": "reception", "message": "m", "remedy": "r", "severity": "notice"}
    decisions = folded(Event(EventType.FINDING_OPENED, fields), Event(EventType.FINDING_CLOSED, fields))
    assert decisions.findings == {}
    assert decisions.seq == 2
