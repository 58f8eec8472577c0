"""The limit on a run (rule 4) and the digest that an approval is bound to."""

from dataclasses import replace
from datetime import timedelta

import pytest

from retentiond.domain.recording import Category, Recording, Unit
from retentiond.domain.run import (
    APPROVAL_LIFETIME,
    CHUNK,
    WAIT_TEXT,
    DueRecording,
    Sorted,
    StoreCensus,
    WaitReason,
    apply_limit,
    digest_of,
)
from tests.builders import (
    NOW,
    STORE_UUID,
    a_census,
    a_due,
    a_place,
    a_plan,
    a_recording,
    a_rule,
    a_stream,
    at,
    dues,
    recordings,
)

STALE = NOW - timedelta(hours=24, microseconds=1)


def limited(
    *,
    explained: list[DueRecording] | int = 0,
    unexplained: list[DueRecording] | int = 0,
    census: StoreCensus,
    adopting: bool = False,
    clock_proven: bool = True,
) -> Sorted:
    first = dues(explained, first=at("2026-01-01")) if isinstance(explained, int) else explained
    second = dues(unexplained, first=at("2026-02-01")) if isinstance(unexplained, int) else unexplained
    return apply_limit(first, second, census, adopting=adopting, clock_proven=clock_proven, now=NOW)


def summary(result: Sorted) -> tuple[int, int, WaitReason | None]:
    return len(result.go), len(result.waiting), result.why


# --- explained ----------------------------------------------------------------------------------------------------


def test_where_nothing_is_due_nothing_waits() -> None:
    for adopting in (True, False):
        for proven in (True, False):
            census = a_census(0, newest=None)
            assert summary(limited(census=census, adopting=adopting, clock_proven=proven)) == (0, 0, None)


@pytest.mark.parametrize("count", [1, 51, 5_000])
def test_what_the_passing_of_time_explains_goes_at_once_however_many(count: int) -> None:
    assert summary(limited(explained=count, census=a_census(20_000))) == (count, 0, None)


# --- L1 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unexplained", "stored", "waits"),
    [
        (50, 1_000, False),
        (51, 1_000, True),
        (50, 5_099, False),
        (51, 5_099, True),
        (51, 5_100, False),
        (52, 5_100, True),
        (100, 10_000, False),
        (101, 10_000, True),
        (101, 10_099, True),
        (101, 10_100, False),
    ],
)
def test_l1_unexplained_beyond_fifty_and_one_per_cent_of_the_store_waits(
    unexplained: int, stored: int, waits: bool
) -> None:
    expected = (0, unexplained, WaitReason.UNEXPLAINED) if waits else (unexplained, 0, None)
    assert summary(limited(unexplained=unexplained, census=a_census(stored))) == expected


def test_l1_the_explained_part_goes_on_while_the_other_waits() -> None:
    explained, unexplained = dues(30, first=at("2026-01-01")), dues(51, first=at("2026-02-01"))
    result = limited(explained=explained, unexplained=unexplained, census=a_census(1_000))
    assert set(result.go) == set(explained)
    assert set(result.waiting) == set(unexplained)
    assert result.why is WaitReason.UNEXPLAINED


def test_l1_counts_the_unexplained_only() -> None:
    assert summary(limited(explained=100, unexplained=50, census=a_census(1_000))) == (150, 0, None)


def test_the_figures_are_those_of_rule_4() -> None:
    assert CHUNK == 500
    assert timedelta(hours=24) == APPROVAL_LIFETIME


# --- adoption -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 20, 50, 51])
@pytest.mark.parametrize("winding_down", [False, True])
def test_a_first_adoption_always_waits_however_few_are_due(count: int, winding_down: bool) -> None:
    census = a_census(1_000, winding_down=winding_down)
    assert summary(limited(unexplained=count, census=census, adopting=True)) == (0, count, WaitReason.ADOPTION)


def test_a_first_adoption_of_a_small_store_waits_too() -> None:
    assert summary(limited(unexplained=1, census=a_census(1), adopting=True)) == (0, 1, WaitReason.ADOPTION)


def test_what_is_explained_already_goes_on_during_an_adoption() -> None:
    result = limited(explained=5, unexplained=1, census=a_census(1_000), adopting=True)
    assert summary(result) == (5, 1, WaitReason.ADOPTION)


@pytest.mark.parametrize(
    ("explained", "adopting", "why"),
    [
        (0, True, WaitReason.ADOPTION),
        (0, False, WaitReason.CLOCK_UNPROVEN),
        (5, True, WaitReason.CLOCK_UNPROVEN),
        (5, False, WaitReason.CLOCK_UNPROVEN),
    ],
)
def test_under_an_unproven_clock_only_a_bare_adoption_is_told_as_an_adoption(
    explained: int, adopting: bool, why: WaitReason
) -> None:
    census = replace(a_census(1_000), newest=STALE)
    result = limited(explained=explained, unexplained=3, census=census, adopting=adopting, clock_proven=False)
    assert summary(result) == (0, explained + 3, why)


def test_an_adoption_of_more_than_half_is_told_as_an_adoption() -> None:
    assert summary(limited(unexplained=60, census=a_census(100), adopting=True)) == (0, 60, WaitReason.ADOPTION)


# --- L2 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "stored", "waits"),
    [
        (50, 100, False),
        (51, 100, True),
        (50, 101, False),
        (51, 101, True),
        (10, 20, False),
        (20, 20, False),
        (10, 21, False),
        (11, 21, True),
        (21, 21, True),
    ],
)
def test_l2_more_than_half_of_a_store_of_more_than_twenty_waits_though_explained(
    due: int, stored: int, waits: bool
) -> None:
    expected = (0, due, WaitReason.HALF_OF_STORE) if waits else (due, 0, None)
    assert summary(limited(explained=due, census=a_census(stored))) == expected


def test_l2_explained_and_unexplained_count_together_for_the_unexplained() -> None:
    result = limited(explained=30, unexplained=21, census=a_census(100))
    assert summary(result) == (30, 21, WaitReason.HALF_OF_STORE)


@pytest.mark.parametrize(
    ("due", "held", "waits"), [(20, 20, False), (20, 21, False), (21, 21, True), (500, 501, False), (501, 501, True)]
)
def test_l2_all_of_a_camera_with_more_than_twenty_waits(due: int, held: int, waits: bool) -> None:
    census = a_census(10_000, by_camera={"reception": held, "entrance": 10_000 - held})
    expected = (0, due, WaitReason.ALL_OF_CAMERA) if waits else (due, 0, None)
    assert summary(limited(explained=due, census=census)) == expected


def test_l2_one_whole_camera_holds_back_the_others_of_the_store_too() -> None:
    census = a_census(10_000, by_camera={"reception": 21, "entrance": 9_979})
    due = [*dues(21), *dues(5, camera="entrance")]
    assert summary(limited(explained=due, census=census)) == (0, 26, WaitReason.ALL_OF_CAMERA)


def test_l2_the_categories_of_a_camera_count_together() -> None:
    still = a_stream(category=Category.STILL)
    due = [*dues(11), *(a_due(a_recording(item.start, stream=still)) for item in recordings(10))]
    census = a_census(1_000, by_camera={"reception": 21})
    assert summary(limited(explained=due, census=census)) == (0, 21, WaitReason.ALL_OF_CAMERA)


def test_l2_says_nothing_of_a_store_of_up_to_twenty_recordings() -> None:
    for held in (1, 10, 20):
        assert summary(limited(explained=held, census=a_census(held, by_camera={"reception": held}))) == (held, 0, None)
    assert summary(limited(explained=21, census=a_census(21))) == (0, 21, WaitReason.HALF_OF_STORE)


def test_l2_more_due_of_a_camera_than_was_counted_waits_too() -> None:
    due = [a_due(a_recording(item.start, camera="reception")) for item in recordings(22)]
    census = a_census(1_000, by_camera={"reception": 21})
    assert summary(limited(explained=due, census=census)) == (0, 22, WaitReason.ALL_OF_CAMERA)


def test_l2_a_store_is_not_winding_down_unless_somebody_says_so() -> None:
    assert summary(limited(explained=51, census=StoreCensus(100, {}, NOW))) == (0, 51, WaitReason.HALF_OF_STORE)


def test_l2_a_store_that_is_winding_down_goes_to_its_last_recording() -> None:
    census = a_census(100, by_camera={"reception": 100}, winding_down=True)
    assert summary(limited(explained=100, census=census)) == (100, 0, None)


def test_winding_down_does_not_lift_l1_or_l3() -> None:
    census = a_census(1_000, winding_down=True)
    assert summary(limited(unexplained=51, census=census)) == (0, 51, WaitReason.UNEXPLAINED)
    old = replace(census, newest=STALE)
    assert summary(limited(explained=1, census=old, clock_proven=False)) == (0, 1, WaitReason.CLOCK_UNPROVEN)


# --- L3 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "proven", "waits"),
    [
        (timedelta(hours=24), False, False),
        (timedelta(hours=24, microseconds=1), False, True),
        (timedelta(days=400), False, True),
        (timedelta(days=400), True, False),
        (timedelta(0), False, False),
        (timedelta(hours=-1), False, False),
    ],
)
def test_l3_a_store_without_a_recording_of_the_last_day_waits_while_the_clock_is_unproven(
    age: timedelta, proven: bool, waits: bool
) -> None:
    census = a_census(1_000, newest=NOW - age)
    expected = (0, 3, WaitReason.CLOCK_UNPROVEN) if waits else (3, 0, None)
    assert summary(limited(explained=3, census=census, clock_proven=proven)) == expected


# --- the result ---------------------------------------------------------------------------------------------------


def test_every_due_recording_either_goes_or_waits_and_the_oldest_come_first() -> None:
    explained, unexplained = dues(10, first=at("2026-02-01")), dues(60, first=at("2026-01-01"))
    for stored in (1_000, 100, 10_000):
        result = limited(explained=explained[::-1], unexplained=unexplained[::-1], census=a_census(stored))
        assert {*result.go, *result.waiting} == {*explained, *unexplained}
        assert len(result.go) + len(result.waiting) == 70
        for part in (result.go, result.waiting):
            starts = [item.recording.start for item in part]
            assert starts == sorted(starts)


@pytest.mark.parametrize("why", WaitReason)
def test_every_reason_to_wait_can_be_told(why: WaitReason) -> None:
    assert WAIT_TEXT[why]


def test_the_deadline_of_a_due_recording_follows_its_rule() -> None:
    due = a_due(a_recording(at("2026-03-01")), rule=a_rule(period="72h"))
    assert due.deadline == at("2026-03-04")


def test_a_plan_is_named_after_its_store_and_digest() -> None:
    assert a_plan("0123456789abcdef").run == "main-01234567"


# --- the digest ---------------------------------------------------------------------------------------------------

MEMBERS = recordings(3)


def test_the_order_of_the_list_does_not_matter() -> None:
    assert digest_of(STORE_UUID, MEMBERS) == digest_of(STORE_UUID, MEMBERS[::-1])
    assert digest_of(STORE_UUID, iter(MEMBERS)) == digest_of(STORE_UUID, MEMBERS)


def test_another_store_has_another_digest() -> None:
    assert digest_of(STORE_UUID, MEMBERS) != digest_of(STORE_UUID.replace("0", "1"), MEMBERS)


@pytest.mark.parametrize(
    "other",
    [
        MEMBERS[:-1],
        [*MEMBERS, a_recording(at("2026-02-02"))],
        [*MEMBERS[:-1], a_recording(at("2026-02-02"))],
        [*MEMBERS[:-1], replace(MEMBERS[-1], start=MEMBERS[-1].start + timedelta(milliseconds=1))],
        [*MEMBERS[:-1], replace(MEMBERS[-1], place=a_place(b"reception/other.mp4"))],
        [*MEMBERS, MEMBERS[-1]],
        [],
    ],
    ids=["one less", "one more", "another one", "another start", "another place", "one twice", "none"],
)
def test_any_change_of_the_list_changes_the_digest(other: list[Recording]) -> None:
    assert digest_of(STORE_UUID, other) != digest_of(STORE_UUID, MEMBERS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([b"a\n5 b"], [b"a", b"b"]),
        ([b"a\nb"], [b"a\\nb"]),
        ([b"a\\\nb"], [b"a\\\\nb"]),
        ([b"a\\"], [b"a\\\\"]),
    ],
)
def test_a_name_with_a_newline_or_a_backslash_forges_no_other_list(one: list[bytes], other: list[bytes]) -> None:
    start = at("1970-01-01 00:00:00.005")
    first, second = ([a_recording(start, path=path) for path in paths] for paths in (one, other))
    assert digest_of(STORE_UUID, first) != digest_of(STORE_UUID, second)


def test_two_recordings_that_swap_their_starts_are_another_list() -> None:
    first, second = MEMBERS[:2]
    swapped = [replace(first, start=second.start), replace(second, start=first.start)]
    assert digest_of(STORE_UUID, swapped) != digest_of(STORE_UUID, [first, second])


@pytest.mark.parametrize(
    "other",
    [
        replace(MEMBERS[0], unit=Unit.DIRECTORY),
        replace(MEMBERS[0], stream=a_stream(camera="entrance")),
        replace(MEMBERS[0], stream=a_stream(category=Category.STILL)),
    ],
    ids=["unit", "camera", "category"],
)
def test_what_a_person_was_shown_about_a_recording_is_bound_too(other: Recording) -> None:
    assert digest_of(STORE_UUID, [other]) != digest_of(STORE_UUID, [MEMBERS[0]])


def test_the_digest_of_a_list_is_the_same_in_every_release() -> None:
    """An approval names it, and outlives an upgrade."""
    members = [a_recording(at("2026-02-01"), path="приёмная/é.mp4".encode(), camera="приёмная")]
    assert digest_of(STORE_UUID, members) == "f23bdfbbb8aa56b72427c6d774d2b9424773df958fb4ec6775e37d7595823b9f"
