"""What a suspension covers, and until when (rule 8, ADR 0016)."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from retentiond.domain.recording import CameraName, Category, StoreName
from retentiond.domain.register import Relation
from retentiond.domain.suspension import (
    APPROVE_WITHIN,
    ENDS_SOON,
    Ended,
    Extension,
    Reach,
    Suspension,
    a_year_after,
    in_force,
    only,
    reach_of,
)
from tests.builders import (
    NOW,
    STORE,
    a_device,
    a_link,
    a_recording,
    a_register,
    a_scope,
    a_stream,
    a_suspension,
    at,
    valid,
)

TICK = timedelta(milliseconds=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


# --- what it covers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "covered"),
    [
        ("2026-02-28 23:59:59.999", False),
        ("2026-03-01 00:00", True),
        ("2026-03-01 23:59:59.999", True),
        ("2026-03-02 00:00", False),
    ],
)
def test_it_covers_starts_from_its_begin_up_to_but_not_at_its_end(start: str, covered: bool) -> None:
    assert a_suspension().covers(a_recording(at(start)), NOW) is covered


def test_it_covers_only_the_cameras_and_categories_it_names() -> None:
    suspension = a_suspension(cameras=["reception"], categories=[Category.VIDEO])
    assert suspension.covers(a_recording(), NOW)
    assert not suspension.covers(a_recording(camera="entrance"), NOW)
    assert not suspension.covers(a_recording(stream=a_stream(category=Category.STILL)), NOW)


def test_without_names_it_covers_every_camera_and_category() -> None:
    everything = a_suspension(cameras=(), categories=())
    assert everything.covers(a_recording(camera="entrance"), NOW)
    assert everything.covers(a_recording(stream=a_stream(category=Category.DERIVED)), NOW)


def test_a_camera_is_meant_in_every_store() -> None:
    assert a_suspension().covers(a_recording(stream=a_stream(store="archive")), NOW)


def test_sound_is_in_the_files_of_the_video() -> None:
    sound = a_suspension(categories=[Category.AUDIO])
    assert sound.covers(a_recording(), NOW)
    assert sound.covers(a_recording(stream=a_stream(category=Category.AUDIO)), NOW)
    assert not sound.covers(a_recording(stream=a_stream(category=Category.STILL)), NOW)
    assert a_suspension(categories=[Category.AUDIO, Category.VIDEO]).covers(a_recording(), NOW)


def test_images_alone_are_only_images() -> None:
    assert not a_suspension(categories=[Category.STILL]).covers(a_recording(), NOW)


# --- rooms and names of the register ------------------------------------------------------------------------------

ROOM_ONLY = a_scope(cameras=(), rooms=["reception"])


def test_a_room_covers_a_camera_while_it_hung_there() -> None:
    device = a_device(a_link(since=at("2026-03-01 08:00"), until=at("2026-03-01 16:00")))
    (reach,) = ROOM_ONLY.reach_in(a_register(device))
    assert reach == Reach(STORE, CameraName("reception"), frozenset(), at("2026-03-01 08:00"), at("2026-03-01 16:00"))
    assert ROOM_ONLY.reach() == ()


def test_a_room_covers_nothing_of_a_camera_that_came_later_or_left_before() -> None:
    later, before = a_link(since=at("2026-03-02")), a_link(until=at("2026-03-01"))
    assert ROOM_ONLY.reach_in(a_register(a_device(later, before))) == ()


@pytest.mark.parametrize("relation", [Relation.SEES, Relation.HEARS])
def test_a_room_covers_a_camera_elsewhere_that_reaches_into_it(relation: Relation) -> None:
    device = a_device(a_link("corridor"), a_link("reception", relation))
    (reach,) = ROOM_ONLY.reach_in(a_register(device))
    assert (reach.since, reach.until) == (ROOM_ONLY.begin, ROOM_ONLY.end)


def test_a_room_covers_no_camera_of_another_room() -> None:
    assert ROOM_ONLY.reach_in(a_register(a_device(a_link("corridor")))) == ()


@pytest.mark.parametrize("named", ["front desk", "d-1"])
def test_a_name_or_id_of_the_register_means_its_names_in_all_recorders(named: str) -> None:
    device = a_device(a_link(), name="front desk", known_as=[("main", "cam1"), ("archive", "7")])
    reach = a_scope(cameras=[named]).reach_in(a_register(device))
    assert [(part.store, part.camera) for part in reach] == [("main", "cam1"), ("archive", "7")]


def test_a_name_that_passed_to_another_device_means_the_one_that_had_it_at_the_time() -> None:
    noon = at("2026-03-01 12:00")
    old = a_device(a_link(), ident="d-1", name="old", life=valid(until=noon))
    new = a_device(a_link(), ident="d-2", name="new", life=valid(since=noon))
    (reach,) = a_scope(cameras=["new"]).reach_in(a_register(old, new))
    assert (reach.camera, reach.since, reach.until) == ("reception", noon, ROOM_ONLY.end)


def test_a_scope_of_all_cameras_needs_no_register() -> None:
    (reach,) = a_scope(cameras=()).reach()
    assert (reach.store, reach.camera) == (None, None)


# --- recordings that were running when it began -------------------------------------------------------------------

BEGIN = at("2026-03-01")


@pytest.mark.parametrize(
    ("start", "written", "runs_into"),
    [
        (BEGIN - HOUR, BEGIN + TICK, True),
        (BEGIN - HOUR, BEGIN, False),
        (BEGIN - HOUR, BEGIN - TICK, False),
        (BEGIN - HOUR, NOW, True),
        (BEGIN - DAY + TICK, NOW, True),
        (BEGIN - DAY, NOW, False),
        (BEGIN, NOW, False),
        (BEGIN - HOUR, None, False),
    ],
)
def test_a_recording_that_was_running_when_it_began_is_known_by_its_last_write(
    start: datetime, written: datetime | None, runs_into: bool
) -> None:
    assert a_suspension().runs_into(a_recording(start), written, NOW) is runs_into


def test_a_recording_of_another_camera_runs_into_nothing() -> None:
    assert not a_suspension().runs_into(a_recording(BEGIN - HOUR, camera="entrance"), NOW, NOW)


def test_nothing_runs_into_a_suspension_that_is_over() -> None:
    over = a_suspension(effective_until=NOW)
    assert not over.runs_into(a_recording(BEGIN - HOUR), NOW, NOW)


def test_only_one_start_of_one_stream_is_reached() -> None:
    recording = a_recording(BEGIN)
    reach = only(recording)
    assert reach.covers(recording)
    assert not reach.covers(a_recording(BEGIN + TICK))
    assert not reach.covers(a_recording(BEGIN - TICK))
    assert not reach.covers(a_recording(BEGIN, stream=a_stream(category=Category.STILL)))
    assert not reach.covers(a_recording(BEGIN, stream=a_stream(store="archive")))


# --- until when ---------------------------------------------------------------------------------------------------

PLACED = at("2026-03-05")
UNAPPROVED = replace(a_suspension(), approved_by=None)
END = at("2027-03-01")


def covers_at(suspension: Suspension, now: datetime) -> bool:
    return suspension.covers(a_recording(), now)


def test_it_covers_nothing_from_its_mandatory_end_on() -> None:
    assert covers_at(a_suspension(), END - TICK)
    assert not covers_at(a_suspension(), END)
    assert not covers_at(a_suspension(), at("2030-01-01"))


def test_on_one_persons_word_it_lapses_at_72_hours_to_the_instant() -> None:
    assert covers_at(UNAPPROVED, PLACED)
    assert covers_at(UNAPPROVED, PLACED + timedelta(hours=72) - TICK)
    assert not covers_at(UNAPPROVED, PLACED + timedelta(hours=72))
    assert covers_at(a_suspension(), PLACED + timedelta(hours=72))


def test_it_never_outlasts_its_end_while_it_is_not_approved() -> None:
    short = replace(UNAPPROVED, ends_at=PLACED + HOUR)
    assert short.effective_until == PLACED + HOUR


def extended(until: datetime, asked: datetime) -> Suspension:
    return replace(a_suspension(effective_until=END), extension=Extension(until, "op-1", asked))


def test_an_extension_that_nobody_approved_carries_it_72_hours_and_no_longer() -> None:
    asked = END - HOUR
    item = extended(END + 100 * DAY, asked)
    assert item.effective_until == asked + APPROVE_WITHIN
    assert covers_at(item, asked + APPROVE_WITHIN - TICK)
    assert not covers_at(item, asked + APPROVE_WITHIN)


def test_an_extension_never_makes_it_shorter_nor_longer_than_asked() -> None:
    assert extended(END + DAY, END - 30 * DAY).effective_until == END
    assert extended(END + DAY, END - HOUR).effective_until == END + DAY


def test_who_asked_may_not_approve() -> None:
    assert UNAPPROVED.awaits == "op-1"
    assert a_suspension().awaits is None
    assert replace(extended(END + DAY, NOW), extension=Extension(END + DAY, "op-3", NOW)).awaits == "op-3"


def test_only_those_in_force_reach_anything() -> None:
    over, standing = a_suspension("H-1", effective_until=NOW), a_suspension("H-2")
    assert in_force([over, standing], NOW) == (standing,)
    assert reach_of([over, standing], NOW) == standing.reach


@pytest.mark.parametrize(
    ("placed", "latest"),
    [
        ("2026-03-05 10:00", "2027-03-05 10:00"),
        ("2027-03-05 10:00", "2028-03-05 10:00"),
        ("2028-02-29 12:00", "2029-02-28 12:00"),
    ],
)
def test_a_year_is_the_same_day_of_the_next(placed: str, latest: str) -> None:
    assert a_year_after(at(placed)) == at(latest)


# --- what it explains when it is over -----------------------------------------------------------------------------

MARGIN = timedelta(seconds=60)
PERIOD = 30 * DAY


def ended(**changes: object) -> Ended:
    item = Ended("H-1", a_scope(begin=at("2026-01-01"), end=at("2027-12-01")).reach(), PLACED, END, None)
    return replace(item, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fell_due", "explained"),
    [(PLACED, False), (PLACED + TICK, True), (PLACED + 100 * DAY, True), (END, True), (END + TICK, False)],
)
def test_it_explains_what_fell_due_while_it_was_in_force(fell_due: datetime, explained: bool) -> None:
    recording = a_recording(fell_due - PERIOD + MARGIN)
    assert ended().explains(recording, PERIOD, MARGIN) is explained


def test_it_explains_what_fell_due_under_the_period_of_when_it_was_placed() -> None:
    """The period was 30 days, and is 3 now: by today's rule it was over before the suspension began."""
    recording = a_recording(PLACED - 10 * DAY)
    assert not ended().explains(recording, 3 * DAY, MARGIN)
    assert ended(longest_period=PERIOD).explains(recording, 3 * DAY, MARGIN)


def test_it_explains_nothing_that_it_did_not_cover() -> None:
    assert not ended().explains(a_recording(PLACED, camera="entrance"), PERIOD, MARGIN)
    assert not ended(reach=()).explains(a_recording(PLACED, stream=a_stream(store=StoreName("x"))), PERIOD, MARGIN)


@pytest.mark.parametrize("other", ["0", "zz"])
def test_a_reach_selects_one_name_and_none_before_or_after_it(other: str) -> None:
    (reach,) = a_suspension(cameras=["reception"]).reach
    reach = replace(reach, store=STORE)
    assert reach.selects(a_stream())
    assert not reach.selects(a_stream(store=other))
    assert not reach.selects(a_stream(camera=other))


def test_people_are_told_a_week_before_a_hold_ends() -> None:
    assert timedelta(days=7) == ENDS_SOON
