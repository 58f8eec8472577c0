"""The papers behind a device: demanded, in force, and looked at in time (rule 9)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from retentiond.domain.finding import FindingKind
from retentiond.domain.papers import About, Assessment, BoardApproval, Demand, Papers, Sign
from retentiond.domain.papers_check import check_papers
from retentiond.domain.register import Device, DeviceKind, Register, Validity
from retentiond.domain.validity import ANY_TIME, FOREVER
from tests.builders import NOW, a_device, a_link, a_register, valid

TICK = timedelta(microseconds=1)
HALL = About(rooms=frozenset({"reception"}))
ENDED = valid(until=NOW)
Found = set[tuple[FindingKind, str]]


def an_approval(
    reference: str = "B-1", *, about: About = HALL, audio: bool = False, validity: Validity = ANY_TIME
) -> BoardApproval:
    return BoardApproval(reference, "Board", about, audio, validity)


def a_sign(*, audio: bool = False, validity: Validity = ANY_TIME, review: datetime = FOREVER) -> Sign:
    return Sign("s-1", frozenset({"reception"}), audio, validity, review)


def an_assessment(*, about: About = HALL, validity: Validity = ANY_TIME, review: datetime = FOREVER) -> Assessment:
    return Assessment("D-1", about, validity, review)


def a_house(
    *papers: BoardApproval | Sign | Assessment, demands: Iterable[Demand] = (), device: Device | None = None
) -> Register:
    filed = Papers(
        tuple(item for item in papers if isinstance(item, BoardApproval)),
        tuple(item for item in papers if isinstance(item, Sign)),
        tuple(item for item in papers if isinstance(item, Assessment)),
        frozenset(demands),
    )
    return replace(a_register(device or a_device(a_link("reception"))), papers=filed)


LOUD = a_device(a_link("reception"), records_audio=True)


def found(register: Register, now: datetime = NOW) -> Found:
    return {(item.key.kind, item.key.subject) for item in check_papers(register, now)}


def test_what_nobody_demands_is_not_missed() -> None:
    assert found(a_house(device=LOUD)) == set()


@pytest.mark.parametrize(
    ("demand", "expected"),
    [
        (Demand.APPROVAL, (FindingKind.APPROVAL_MISSING, "d-1")),
        (Demand.SIGN, (FindingKind.SIGN_MISSING, "reception")),
        (Demand.DPIA, (FindingKind.DPIA_MISSING, "d-1")),
    ],
)
def test_what_is_demanded_and_missing_is_a_finding(demand: Demand, expected: tuple[FindingKind, str]) -> None:
    assert found(a_house(demands=[demand])) == {expected}


@pytest.mark.parametrize("about", [HALL, About(devices=frozenset({"d-1"}))])
def test_papers_about_the_device_or_its_room_are_enough(about: About) -> None:
    register = a_house(an_approval(about=about), an_assessment(about=about), a_sign(), demands=Demand)
    assert found(register) == set()


def test_papers_about_another_device_or_room_are_not_enough() -> None:
    other = About(frozenset({"d-2"}), frozenset({"procedure-2"}))
    register = a_house(an_approval(about=other), an_assessment(about=other), demands=[Demand.APPROVAL, Demand.DPIA])
    assert found(register) == {(FindingKind.APPROVAL_MISSING, "d-1"), (FindingKind.DPIA_MISSING, "d-1")}


def test_a_device_that_is_not_here_needs_no_papers() -> None:
    gone = replace(a_device(a_link("reception")), life=ENDED)
    assert found(a_house(demands=Demand, device=gone)) == set()


# --- approvals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("demands", [(), (Demand.APPROVAL,)])
def test_an_approval_that_ended_is_a_finding_whether_demanded_or_not(demands: tuple[Demand, ...]) -> None:
    register = a_house(an_approval(validity=ENDED), demands=demands)
    assert found(register, NOW - TICK) == set()
    assert found(register, NOW) == {(FindingKind.APPROVAL_EXPIRED, "d-1")}


def test_one_approval_in_force_is_enough_beside_any_that_ended() -> None:
    assert found(a_house(an_approval(validity=ENDED), an_approval("B-2"), demands=[Demand.APPROVAL])) == set()


def test_the_finding_names_the_approval_that_ended_last() -> None:
    older = an_approval("B-0", validity=valid(until=NOW - TICK))
    (item,) = check_papers(a_house(an_approval(validity=ENDED), older), NOW)
    assert "'B-1' ended on 2026-03-31 12:00Z" in item.message


def test_an_approval_to_come_allows_nothing_yet() -> None:
    to_come = an_approval(validity=valid(since=NOW + TICK))
    assert found(a_house(to_come)) == set()
    assert found(a_house(to_come, demands=[Demand.APPROVAL])) == {(FindingKind.APPROVAL_MISSING, "d-1")}


def test_sound_needs_an_approval_that_allows_sound() -> None:
    assert found(a_house(an_approval(), device=LOUD)) == {(FindingKind.APPROVAL_MISSING, "d-1 / sound")}
    assert found(a_house(an_approval(audio=True), device=LOUD)) == set()
    ended = an_approval("B-2", audio=True, validity=ENDED)
    assert found(a_house(an_approval(), ended, device=LOUD)) == {(FindingKind.APPROVAL_EXPIRED, "d-1 / sound")}


def test_a_microphone_needs_an_approval_that_allows_sound() -> None:
    microphone = a_device(a_link("reception"), kind=DeviceKind.MICROPHONE, records_audio=True)
    assert found(a_house(an_approval(), device=microphone)) == {(FindingKind.APPROVAL_MISSING, "d-1 / sound")}


# --- signs and assessments ----------------------------------------------------------------------------------------


def test_a_room_without_a_device_needs_no_sign() -> None:
    assert found(a_house(a_sign(), demands=[Demand.SIGN])) == set()  # none for procedure-2, where no device is


def test_where_sound_is_recorded_the_sign_says_so() -> None:
    assert found(a_house(a_sign(), demands=[Demand.SIGN], device=LOUD)) == {
        (FindingKind.SIGN_MISSING, "reception / sound")
    }
    assert found(a_house(a_sign(audio=True), demands=[Demand.SIGN], device=LOUD)) == set()


def test_a_sign_that_was_taken_down_is_missing() -> None:
    register = a_house(a_sign(validity=ENDED), demands=[Demand.SIGN])
    assert found(register, NOW - TICK) == set()
    assert found(register, NOW) == {(FindingKind.SIGN_MISSING, "reception")}


def test_reviews_are_due_on_their_day() -> None:
    register = a_house(a_sign(review=NOW), an_assessment(review=NOW))
    assert found(register, NOW - TICK) == set()
    assert found(register, NOW) == {(FindingKind.SIGN_REVIEW_DUE, "s-1"), (FindingKind.DPIA_REVIEW_DUE, "D-1")}


def test_what_is_no_longer_in_force_needs_no_review() -> None:
    assert found(a_house(a_sign(review=NOW, validity=ENDED), an_assessment(review=NOW, validity=ENDED))) == set()


def test_an_assessment_that_ended_is_none() -> None:
    register = a_house(an_assessment(validity=ENDED), demands=[Demand.DPIA])
    assert found(register, NOW - TICK) == set()
    assert found(register, NOW) == {(FindingKind.DPIA_MISSING, "d-1")}
