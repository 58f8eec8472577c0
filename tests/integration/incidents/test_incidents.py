"""Rule 9 in the whole house: what was recorded where none may be is found, kept back, decided by two, and gone."""

import os
from datetime import timedelta

import pytest

from retentiond.domain.errors import NotPermittedError, TryAgainError, UsageError
from retentiond.domain.finding import FindingKey, FindingKind
from retentiond.domain.incident import Stage
from retentiond.services.overview import Mode
from tests.integration.incidents.clinic import (
    CARE,
    DAY,
    FIRST,
    HOUR,
    LENGTH,
    SECOND,
    YARD,
    Clinic,
    a_clinic,
)
from tests.world import BEGIN, book

NOON = BEGIN - 12 * HOUR
MORNING = [BEGIN - DAY + number * LENGTH for number in range(24)]
AFTERNOON = [NOON + number * LENGTH for number in range(24)]
PERIOD = 30 * DAY


# --- found --------------------------------------------------------------------------------------------------------


def test_what_was_recorded_after_the_change_is_an_incident_and_what_was_before_is_a_list(clinic: Clinic) -> None:
    clinic.prohibit(NOON)
    item = clinic.incidents["I-1"]
    assert (item.room, item.devices, item.stage) == ("room-2", ("d-care",), Stage.OPEN)
    assert clinic.covered() == AFTERNOON
    (opened,) = clinic.records("incident.opened")
    assert (opened["recordings"], opened["room"]) == (24, "room-2")
    (told,) = clinic.told(FindingKind.INCIDENT_OPEN)
    assert "24 recordings of room 'room-2'" in told.message
    (earlier,) = clinic.told(FindingKind.EARLIER_FOOTAGE)
    assert "24 recordings are on the disk" in earlier.message


def test_the_72_hours_are_counted_from_when_it_was_found(clinic: Clinic) -> None:
    clinic.prohibit(NOON)
    item = clinic.incidents["I-1"]
    assert (item.found_at, item.notify_by) == (clinic.clock.wall, clinic.clock.wall + timedelta(hours=72))
    assert "72 h are left of the 72 h of article 33 GDPR" in clinic.told(FindingKind.INCIDENT_OPEN)[0].message
    clinic.pass_time(10 * HOUR)
    assert "62 h are left" in clinic.told(FindingKind.INCIDENT_OPEN)[0].message
    clinic.pass_time(62 * HOUR)
    assert "the 72 h of article 33 GDPR ended" in clinic.told(FindingKind.INCIDENT_OPEN)[0].message
    (status,) = clinic.cycle.report().incidents
    assert (status.ident, status.recordings, status.notify_by) == ("I-1", 24, item.notify_by)


def test_a_room_that_was_prohibited_for_a_while_has_an_incident_of_that_while(clinic: Clinic) -> None:
    clinic.prohibit(NOON, until=NOON + 3 * HOUR)
    assert clinic.covered() == AFTERNOON[:6]
    assert clinic.told(FindingKind.EARLIER_FOOTAGE) == [], "it is not prohibited now"


def test_what_was_being_recorded_when_it_became_prohibited_is_in_it(clinic: Clinic) -> None:
    clinic.prohibit(NOON + LENGTH / 2)
    assert clinic.covered() == AFTERNOON, "the first one began a quarter of an hour before, and ran into it"


def test_it_is_found_as_it_is_recorded_too(clinic: Clinic) -> None:
    clinic.prohibit(BEGIN)
    assert clinic.incidents == {}, "nothing was recorded since"
    clinic.clock.pass_time(HOUR)
    clinic.film(CARE, BEGIN, 2)
    clinic.scan()
    assert clinic.covered() == [BEGIN, BEGIN + LENGTH]
    clinic.film(CARE, BEGIN + 2 * LENGTH, 1)
    clinic.scan()
    assert len(clinic.covered()) == 3
    assert list(clinic.incidents) == ["I-1"], "it is the same one, as long as nobody has decided"
    assert clinic.records("incident.changed") == []


def test_without_footage_there_is_no_incident(clinic: Clinic) -> None:
    clinic.prohibit(BEGIN - 40 * DAY, until=BEGIN - 35 * DAY)
    assert clinic.incidents == {}


# --- while nobody has decided -------------------------------------------------------------------------------------


def test_it_is_suspended_from_ordinary_deletion_and_from_nothing_else(clinic: Clinic) -> None:
    clinic.go_on_until(BEGIN + 10 * DAY)
    clinic.prohibit(NOON)
    clinic.go_on_until(BEGIN + PERIOD + DAY)
    assert clinic.left(YARD) == []
    assert clinic.left(CARE) == AFTERNOON
    (store,) = clinic.cycle.report().stores
    assert store.suspended == 24
    assert FindingKind.OVERDUE not in clinic.findings()


def test_it_is_said_again_every_day(clinic: Clinic) -> None:
    clinic.prohibit(NOON)
    for _ in range(3):
        clinic.cycle.report()
        clinic.pass_time(DAY)
    told = [line for line in clinic.records("finding.opened") if line["kind"] == "incident_open"]
    assert [line.get("reminder", False) for line in told] == [False, True, True]


def test_an_acknowledged_one_comes_back_when_the_72_hours_are_over_and_when_its_facts_change(clinic: Clinic) -> None:
    clinic.prohibit(NOON)
    key = FindingKey(FindingKind.INCIDENT_OPEN, "I-1")

    def note() -> None:
        clinic.cycle.report()
        clinic.ask("acknowledge", kind=key.kind.value, subject=key.subject, why="the officer is told", lasts="60d")
        assert key in clinic.cycle.report().acknowledged

    note()
    clinic.pass_time(71 * HOUR)
    assert key in clinic.cycle.report().acknowledged
    clinic.pass_time(HOUR)
    assert key not in clinic.cycle.report().acknowledged
    note()
    clinic.prohibit(NOON - 3 * HOUR)
    assert key not in clinic.cycle.report().acknowledged


@pytest.mark.parametrize("without_catalogue", [False, True])
def test_a_restart_forgets_nothing_of_it(clinic: Clinic, without_catalogue: bool) -> None:
    clinic.go_on_until(BEGIN + 10 * DAY)
    clinic.prohibit(NOON)
    clinic.decide()
    before = clinic.incidents["I-1"]
    clinic.crash()
    (clinic.state / "decisions.json").unlink(missing_ok=True)
    clinic.start()
    clinic.restart(away=21 * DAY, without_catalogue=without_catalogue)
    assert clinic.incidents == {"I-1": before}
    clinic.approve()
    assert clinic.left(CARE) == AFTERNOON
    clinic.agree()
    clinic.cycle.tick()
    clinic.cycle.tick()
    assert clinic.left(CARE) == []
    assert clinic.incidents == {}


def test_a_plan_that_waits_is_made_anew_without_it(clinic: Clinic) -> None:
    clinic.load(clinic.book.register, policy=book("1h").policy)
    plan = clinic.waiting()
    assert plan is not None
    assert plan.count == 94, "all but the last of each camera"
    clinic.prohibit(NOON)
    plan = clinic.waiting()
    assert plan is not None
    assert plan.count == 94 - 23


# --- decided ------------------------------------------------------------------------------------------------------


def test_two_persons_decide_and_it_is_gone_at_once_by_the_ordinary_way(clinic: Clinic) -> None:
    clinic.prohibit(NOON)
    assert clinic.decide()["recordings"] == 24
    clinic.cycle.tick()
    assert len(clinic.left(CARE)) == 48, "one person decides nothing"
    with pytest.raises(NotPermittedError, match="another person"):
        clinic.agree(actor=FIRST)
    clinic.agree()
    clinic.cycle.tick()
    clinic.cycle.tick()
    assert clinic.left(CARE) == MORNING
    assert len(clinic.left(YARD)) == 48
    (started,) = clinic.records("run.started")
    (decided,) = clinic.records("incident.decided")
    assert started["approval"] == decided["digest"]
    deleted = clinic.records("recording.deleted")
    assert {line["rule"] for line in deleted} == {"incident I-1"}
    assert {line["deadline"] for line in deleted} == {"2026-03-01T00:01:00.000Z"}, "a margin after the second word"
    assert sum(len(line["recordings"]) for line in clinic.records("deletion.intent")) == len(deleted) == 24
    (closed,) = clinic.records("incident.closed")
    assert (closed["decision"], closed["deleted"]) == ("delete", 24)
    assert clinic.incidents == {}
    assert clinic.told(FindingKind.INCIDENT_OPEN) == []


def test_nothing_is_said_of_one_that_is_gone_and_only_waits_to_be_closed(clinic: Clinic) -> None:
    clinic.prohibit(NOON)
    clinic.decide()
    clinic.agree()
    clinic.cycle.tick()
    assert clinic.left(CARE) == MORNING
    assert list(clinic.incidents) == ["I-1"]
    assert clinic.told(FindingKind.INCIDENT_OPEN) == []


def test_who_decided_why_and_what_the_authority_was_told_is_on_the_record(clinic: Clinic) -> None:
    clinic.prohibit(NOON)
    clinic.settle()
    (decided,), (approved,) = clinic.records("incident.decided"), clinic.records("incident.approved")
    assert (decided["actor"], approved["actor"]) == (FIRST, SECOND)
    assert (decided["why"], decided["notification"]) == ("a camera where none may be", "told the authority, no. 12")
    assert decided["digest"] == approved["digest"]


def test_nobody_agrees_to_what_nobody_decided(clinic: Clinic) -> None:
    clinic.prohibit(NOON)
    with pytest.raises(UsageError, match="nobody has decided yet"):
        clinic.agree()
    with pytest.raises(UsageError, match="no incident 'I-2'"):
        clinic.decide("I-2")
    with pytest.raises(UsageError, match="no decision"):
        clinic.decide(decision="keep")


def test_whoever_decides_last_is_the_one_who_may_not_agree(clinic: Clinic) -> None:
    clinic.prohibit(NOON)
    clinic.decide(actor=FIRST)
    clinic.decide(decision="dismiss", actor=SECOND)
    with pytest.raises(NotPermittedError):
        clinic.agree(actor=SECOND)
    assert clinic.agree(actor=FIRST)["decision"] == "dismiss"


def test_what_comes_after_the_decision_is_another_incident(clinic: Clinic) -> None:
    clinic.prohibit(NOON)
    clinic.settle()
    clinic.clock.pass_time(HOUR)
    clinic.film(CARE, BEGIN, 1)
    clinic.scan()
    assert clinic.covered("I-2") == [BEGIN]
    clinic.settle("I-2")
    assert clinic.left(CARE) == MORNING


def test_the_last_recording_before_a_decision_goes_with_it_though_it_ran_on(clinic: Clinic) -> None:
    clinic.prohibit(NOON)
    clinic.film(CARE, BEGIN - LENGTH / 2, 1)
    clinic.clock.pass_time(LENGTH)
    clinic.film(CARE, BEGIN + LENGTH / 2, 1)
    clinic.scan()
    clinic.decide()
    clinic.agree()
    clinic.film(CARE, BEGIN + LENGTH, 1)
    clinic.clock.pass_time(LENGTH)
    clinic.scan()
    clinic.cycle.tick()
    assert clinic.left(CARE) == [*MORNING, BEGIN + LENGTH]
    assert list(clinic.incidents) == ["I-2"]


def test_where_the_daemon_observes_only_nobody_agrees_to_a_deletion(clinic: Clinic) -> None:
    clinic.prohibit(NOON)
    clinic.decide()
    clinic.cycle.mode = Mode(enforcing=False)
    with pytest.raises(TryAgainError, match="observes only"):
        clinic.agree()


def test_a_hold_wins_over_a_decision_and_the_decision_is_carried_out_when_it_is_over(clinic: Clinic) -> None:
    clinic.prohibit(NOON)
    clinic.hold(NOON, NOON + HOUR, cameras=[CARE])
    clinic.ask("hold_approve", hold="H-1", actor=SECOND)
    clinic.settle()
    assert clinic.left(CARE) == [*MORNING, *AFTERNOON[:2]]
    assert clinic.incidents["I-1"].stage is Stage.DELETING
    assert clinic.ask("hold_release", hold="H-1", why="no claim came")["due"] == 2
    clinic.cycle.tick()
    clinic.cycle.tick()
    assert clinic.left(CARE) == MORNING
    assert clinic.incidents == {}


def test_a_hold_that_ends_says_nothing_of_what_is_undecided(clinic: Clinic) -> None:
    clinic.prohibit(NOON)
    clinic.hold(NOON, NOON + HOUR, cameras=[CARE])
    assert clinic.ask("hold_release", hold="H-1", why="no claim came")["due"] == 0


def test_a_room_is_held_by_the_name_that_people_call_it(clinic: Clinic) -> None:
    clinic.hold(NOON, NOON + HOUR, rooms=["room 2"])
    assert clinic.journal.decisions.suspensions["H-1"].request.scope.rooms == {"room-2"}


# --- what changes meanwhile ---------------------------------------------------------------------------------------


def test_a_decision_is_void_when_more_comes_up_before_another_person_agrees(clinic: Clinic) -> None:
    clinic.prohibit(NOON)
    clinic.decide()
    clinic.prohibit(NOON - 3 * HOUR)
    assert clinic.incidents["I-1"].ruling is None
    assert clinic.covered() == MORNING[-6:] + AFTERNOON
    with pytest.raises(UsageError, match="nobody has decided yet"):
        clinic.agree()


def test_nobody_agrees_to_other_recordings_than_were_decided_about(clinic: Clinic) -> None:
    clinic.prohibit(NOON)
    clinic.decide()
    clinic.film(CARE, NOON + timedelta(minutes=7), 1)
    clinic.scan()
    with pytest.raises(TryAgainError, match="decide"):
        clinic.agree()


def test_other_recordings_that_come_before_the_deletion_bring_it_back_to_people(clinic: Clinic) -> None:
    clinic.prohibit(NOON)
    clinic.decide()
    clinic.agree()
    clinic.film(CARE, NOON + timedelta(minutes=7), 1)
    take_in(clinic)
    assert len(clinic.left(CARE)) == 49
    assert clinic.incidents["I-1"].stage is Stage.OPEN
    assert len(clinic.records("incident.returned")) == 1
    clinic.settle()
    assert clinic.left(CARE) == MORNING


def take_in(clinic: Clinic) -> None:
    """Let a walk be taken in, and then the program go on: nothing is deleted between the two."""
    for keeper, scan in clinic.cycle.begin_scans():
        for step in keeper.store.walk(scan.descends, scan.known):
            clinic.cycle.take(keeper, step)
        clinic.cycle.complete_scan(keeper, whole=True)
    clinic.cycle.tick()


def test_what_the_register_takes_back_stays_suspended_and_is_not_deleted_by_the_decision(clinic: Clinic) -> None:
    clinic.prohibit(NOON)
    clinic.prohibit(NOON + 6 * HOUR)
    assert clinic.covered() == AFTERNOON, "one person with the register takes nothing out of it"
    answer = clinic.decide()
    assert (answer["recordings"], answer["released"]) == (12, 12)
    clinic.agree()
    clinic.cycle.tick()
    clinic.cycle.tick()
    assert clinic.left(CARE) == MORNING + AFTERNOON[:12]
    assert clinic.incidents == {}


def test_what_is_recorded_after_the_camera_was_moved_is_in_no_incident(clinic: Clinic) -> None:
    clinic.prohibit(NOON)
    clinic.clock.pass_time(HOUR)
    clinic.load(a_clinic(since=NOON, hangs_until=BEGIN + HOUR))
    clinic.clock.pass_time(HOUR)
    clinic.film(CARE, BEGIN + HOUR, 2)
    clinic.scan()
    assert clinic.covered() == AFTERNOON
    clinic.settle()
    assert clinic.left(CARE) == [*MORNING, BEGIN + HOUR, BEGIN + HOUR + LENGTH]


def test_what_two_persons_dismissed_is_ordinary_again_and_stays_so(clinic: Clinic) -> None:
    clinic.prohibit(NOON)
    clinic.settle(decision="dismiss")
    assert clinic.incidents == {}
    assert len(clinic.left(CARE)) == 48
    clinic.restart()
    assert clinic.incidents == {}
    clinic.go_on_until(BEGIN + PERIOD + DAY)
    assert clinic.left(CARE) == []


def test_what_was_dismissed_is_an_incident_again_when_the_facts_are_others(clinic: Clinic) -> None:
    clinic.prohibit(NOON)
    clinic.settle(decision="dismiss")
    clinic.prohibit(NOON - HOUR)
    assert clinic.covered("I-2") == MORNING[-2:] + AFTERNOON


def test_what_was_deleted_and_is_there_again_is_an_incident_again(clinic: Clinic) -> None:
    clinic.prohibit(NOON)
    clinic.settle()
    clinic.film(CARE, NOON, 1)
    clinic.scan()
    assert clinic.covered("I-2") == [NOON]


def test_dismissed_footage_that_fell_due_meanwhile_goes_at_once_since_that_explains_it(clinic: Clinic) -> None:
    clinic.film(CARE, NOON + timedelta(minutes=1), 60, every=timedelta(minutes=10))  # more than the limit lets go
    clinic.scan()
    clinic.go_on_until(BEGIN + 25 * DAY)
    clinic.prohibit(NOON)
    clinic.go_on_until(BEGIN + PERIOD + DAY)
    clinic.restart(without_catalogue=True)
    clinic.settle(decision="dismiss")
    assert clinic.left(CARE) == []
    assert clinic.waiting() is None


def test_what_is_given_up_past_its_deadline_goes_by_the_decision_and_by_nothing_else(clinic: Clinic) -> None:
    clinic.go_on_until(BEGIN + 25 * DAY)
    clinic.prohibit(NOON)
    clinic.go_on_until(BEGIN + PERIOD + DAY)
    clinic.settle()
    assert clinic.left(CARE) == []
    rules = [line["rule"] for line in clinic.records("recording.deleted") if line["rec"]["camera"] == CARE]
    assert rules == ["rule-1"] * 24 + ["incident I-1"] * 24


# --- the end ------------------------------------------------------------------------------------------------------


def test_without_a_decision_it_ends_and_the_ordinary_deadlines_count_again(clinic: Clinic) -> None:
    clinic.go_on_until(BEGIN + 10 * DAY)
    clinic.prohibit(NOON)
    end = clinic.incidents["I-1"].ends_at
    assert end == clinic.clock.wall + 30 * DAY
    clinic.go_on_until(end - timedelta(seconds=1))
    assert clinic.left(CARE) == AFTERNOON
    (told,) = clinic.told(FindingKind.INCIDENT_OPEN)
    assert "ends" in told.facts
    clinic.pass_time(timedelta(seconds=1))
    clinic.cycle.tick()
    assert clinic.left(CARE) == []
    (lapsed,) = clinic.records("incident.lapsed")
    assert lapsed["recordings"] == 24
    clinic.cycle.report()
    clinic.cycle.tick()
    assert [line["decision"] for line in clinic.records("incident.closed")] == [None]
    assert clinic.waiting() is None


def test_one_that_ended_before_the_deadlines_is_a_breach_until_its_footage_is_gone(clinic: Clinic) -> None:
    clinic.load(a_clinic(since=NOON), incident_period=3 * DAY)
    clinic.go_on_until(BEGIN + 4 * DAY)
    assert clinic.incidents["I-1"].stage is Stage.LAPSED
    (told,) = clinic.told(FindingKind.INCIDENT_LAPSED)
    assert "without a decision" in told.message
    assert clinic.left(CARE) == MORNING + AFTERNOON
    assert len(clinic.covered()) == 24, "it is still listed nowhere"
    clinic.settle()
    assert clinic.left(CARE) == MORNING, "two persons can decide late"


def test_what_is_recorded_after_the_end_is_another_incident(clinic: Clinic) -> None:
    clinic.load(a_clinic(since=NOON), incident_period=3 * DAY)
    clinic.go_on_until(BEGIN + 4 * DAY)
    clinic.film(CARE, BEGIN + 4 * DAY - HOUR, 1)
    clinic.scan()
    assert clinic.covered("I-2") == [BEGIN + 4 * DAY - HOUR]


# --- a store that is away ---------------------------------------------------------------------------------------


def test_what_is_given_up_in_a_store_that_is_away_goes_when_it_is_back(clinic: Clinic) -> None:
    clinic.prohibit(NOON)
    clinic.decide()
    away = clinic.store_path.with_name("away")
    clinic.store_path.rename(away)
    clinic.cycle.tick()
    clinic.agree()
    clinic.pass_time(2 * DAY, look_every=12 * HOUR)
    assert clinic.incidents["I-1"].stage is Stage.DELETING
    away.rename(clinic.store_path)
    clinic.scan()
    clinic.cycle.tick()
    assert clinic.left(CARE) == MORNING
    assert clinic.incidents == {}


# --- a crash in the middle ----------------------------------------------------------------------------------------


class KilledError(Exception):
    """The end of the process, in the middle of what it did."""


@pytest.mark.parametrize("without_catalogue", [False, True])
def test_killed_between_decision_and_deletion_it_goes_on_after_the_restart(
    clinic: Clinic, without_catalogue: bool
) -> None:
    clinic.prohibit(NOON)
    clinic.decide()
    clinic.agree()
    clinic.crash()
    if without_catalogue:
        for path in clinic.state.glob("catalogue.db*"):
            path.unlink()
    clinic.start()
    clinic.scan()
    clinic.cycle.tick()
    assert clinic.left(CARE) == MORNING
    assert len(clinic.records("recording.deleted")) == 24
    clinic.cycle.tick()
    assert clinic.incidents == {}


def test_killed_in_the_middle_of_the_deletion_it_goes_on_after_the_restart(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    clinic.prohibit(NOON)
    clinic.decide()
    clinic.agree()
    real, calls = os.unlink, []

    def unlink(*arguments: object, **options: object) -> None:
        calls.append(arguments)
        if len(calls) > 5:
            raise KilledError
        real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "unlink", unlink)
    with pytest.raises(KilledError):
        clinic.cycle.tick()
    monkeypatch.undo()
    clinic.crash()
    clinic.start()
    clinic.scan()
    clinic.cycle.tick()
    clinic.cycle.tick()
    assert clinic.left(CARE) == MORNING
    assert clinic.incidents == {}
    (closed,) = clinic.records("incident.closed")
    assert closed["deleted"] == 24
    claims = [line["claim"] for line in clinic.records("recording.deleted")]
    assert len(claims) == len(set(claims)) == 24
