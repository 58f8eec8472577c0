"""Which rule decides about which part of a stream's history (rule 1)."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from retentiond.domain.recording import Category
from retentiond.domain.register import Device
from retentiond.domain.rule import Circumstances, Coverage, DeletionRule, Policy, Term, cover
from tests.builders import a_device, a_link, a_policy, a_rule, a_stream, at

VIDEO = frozenset({Category.VIDEO})
SOUND = frozenset({Category.VIDEO, Category.AUDIO})


def covered(policy: Policy, device: Device | None, categories: frozenset[Category] = VIDEO) -> Coverage:
    """Cover the stream of a registered device, as the rule book does."""
    return cover(
        policy,
        a_stream(),
        room_changes=device.changes() if device is not None else (),
        track_changes=(),
        at=lambda instant: Circumstances(device.room_at(instant) if device is not None else None, categories),
    )


# --- selecting ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "selected"),
    [
        (a_rule(), True),
        (a_rule(categories=[Category.AUDIO]), False),
        (a_rule(stores=["main"]), True),
        (a_rule(stores=["archive"]), False),
        (a_rule(cameras=["reception"]), True),
        (a_rule(cameras=["entrance"]), False),
        (a_rule(cameras=["entrance", "reception"]), True),
        (a_rule(rooms=["lobby"]), True),
        (a_rule(rooms=["ward"]), False),
        (a_rule(stores=["main"], cameras=["reception"], rooms=["lobby"]), True),
        (a_rule(stores=["main"], cameras=["reception"], rooms=["ward"]), False),
        (a_rule(stores=["archive"], cameras=["reception"]), False),
    ],
)
def test_a_rule_selects_what_all_its_selectors_name_and_an_empty_one_names_all(
    rule: DeletionRule, selected: bool
) -> None:
    assert rule.selects(a_stream(), VIDEO, "lobby") is selected


def test_a_rule_for_rooms_never_selects_a_camera_without_a_room() -> None:
    assert not a_rule(rooms=["lobby"]).selects(a_stream(), VIDEO, None)


def test_a_recording_with_sound_is_selected_by_a_rule_for_sound() -> None:
    assert a_rule(categories=[Category.AUDIO]).selects(a_stream(), SOUND, None)


# --- the shortest wins --------------------------------------------------------------------------------------------


def test_the_shortest_of_several_periods_wins_wherever_it_stands() -> None:
    short, middle, long = (a_rule(text, period=text) for text in ("72h", "30d", "90d"))
    for rules in ((short, middle, long), (long, short, middle), (middle, long, short)):
        assert a_policy(*rules).deciding_rule(a_stream(), VIDEO, None) == short


def test_a_general_rule_is_not_overridden_by_a_longer_one_for_the_camera() -> None:
    general, special = a_rule("all", period="30d"), a_rule("special", period="60d", cameras=["reception"])
    assert a_policy(general, special).deciding_rule(a_stream(), VIDEO, None) == general


def test_a_shorter_rule_that_does_not_select_the_stream_changes_nothing() -> None:
    rule, elsewhere = a_rule("all", period="30d"), a_rule("door", period="1h", cameras=["entrance"])
    assert a_policy(elsewhere, rule).deciding_rule(a_stream(), VIDEO, None) == rule


def test_among_equal_periods_the_first_named_decides() -> None:
    first, second = a_rule("first"), a_rule("second")
    assert a_policy(first, second).deciding_rule(a_stream(), VIDEO, None) == first
    assert a_policy(second, first).deciding_rule(a_stream(), VIDEO, None) == second


def test_the_shorter_of_picture_and_sound_deletes_the_whole_file() -> None:
    picture = a_rule("picture", period="30d")
    sound = a_rule("sound", period="7d", categories=[Category.AUDIO])
    assert a_policy(picture, sound).deciding_rule(a_stream(), SOUND, None) == sound
    assert a_policy(picture, sound).deciding_rule(a_stream(), VIDEO, None) == picture


def test_where_nothing_matches_no_rule_decides() -> None:
    assert a_policy(a_rule(cameras=["entrance"])).deciding_rule(a_stream(), VIDEO, None) is None


# --- terms over time ----------------------------------------------------------------------------------------------

MOVED = at("2026-03-01")
TICK = timedelta(milliseconds=1)
WARD = a_rule("ward", period="72h", rooms=["ward"])
LOBBY = a_rule("lobby", period="30d", rooms=["lobby"])


@pytest.mark.parametrize(
    ("since", "until", "start", "holds"),
    [
        (None, None, MOVED, True),
        (MOVED, None, MOVED, True),
        (MOVED, None, MOVED - TICK, False),
        (None, MOVED, MOVED, False),
        (None, MOVED, MOVED - TICK, True),
    ],
)
def test_a_term_holds_from_its_begin_up_to_but_not_at_its_end(
    since: datetime | None, until: datetime | None, start: datetime, holds: bool
) -> None:
    assert Term(since, until, None).holds_for(start) is holds


def test_without_rules_for_rooms_one_term_covers_all_time() -> None:
    device = a_device(a_link("lobby", until=MOVED), a_link("ward", since=MOVED))
    rule = a_rule()
    assert covered(a_policy(rule), device).terms == (Term(None, None, rule),)


def test_a_camera_that_moves_is_judged_by_the_room_it_hung_in_at_the_start_of_each_recording() -> None:
    first = at("2026-01-01")
    device = a_device(a_link("lobby", since=first, until=MOVED), a_link("ward", since=MOVED))
    coverage = covered(a_policy(LOBBY, WARD), device)
    assert coverage.rule_for(first) == LOBBY
    assert coverage.rule_for(MOVED - TICK) == LOBBY
    assert coverage.rule_for(MOVED) == WARD
    assert coverage.rule_for(at("2040-01-01")) == WARD


def test_before_its_first_and_after_its_last_assignment_no_rule_for_rooms_decides() -> None:
    left = at("2026-04-01")
    coverage = covered(a_policy(WARD), a_device(a_link("ward", since=MOVED, until=left)))
    assert coverage.rule_for(MOVED - TICK) is None
    assert coverage.rule_for(left - TICK) == WARD
    assert coverage.rule_for(left) is None


def test_in_a_gap_between_two_rooms_a_general_rule_still_decides() -> None:
    general = a_rule("all", period="30d")
    back = at("2026-03-10")
    device = a_device(a_link("ward", since=at("2026-01-01"), until=MOVED), a_link("ward", since=back))
    coverage = covered(a_policy(general, WARD), device)
    assert coverage.rule_for(MOVED) == general
    assert coverage.rule_for(back - TICK) == general
    assert coverage.rule_for(back) == WARD


def test_a_camera_that_the_register_does_not_know_has_no_room() -> None:
    general = a_rule("all", period="30d")
    assert covered(a_policy(general, WARD), None).terms == (Term(None, None, general),)


def test_terms_follow_one_another_without_gaps_whatever_the_order_of_the_changes() -> None:
    changes = [at("2026-03-01"), at("2026-01-01"), at("2026-03-01"), at("2026-02-01")]
    coverage = cover(
        a_policy(WARD), a_stream(), room_changes=changes, track_changes=(), at=lambda _: Circumstances(None, VIDEO)
    )
    assert coverage.terms[0].since is None
    assert coverage.terms[-1].until is None
    assert all(term.until == following.since for term, following in pairwise(coverage.terms))
    assert len(coverage.terms) == 4


def test_a_camera_that_has_always_hung_in_one_room_is_covered_by_the_rule_for_that_room() -> None:
    coverage = covered(a_policy(WARD), a_device(a_link("ward")))
    assert coverage.rule_for(at("2026-03-01")) == WARD


def test_an_assignment_without_a_begin_counts_up_to_its_end() -> None:
    device = a_device(a_link("ward", until=MOVED), a_link("lobby", since=MOVED))
    coverage = covered(a_policy(LOBBY, WARD), device)
    assert coverage.rule_for(MOVED - TICK) == WARD


def test_sound_counts_for_the_recordings_that_start_while_the_camera_may_record_it() -> None:
    picture, sound = a_rule("picture", period="30d"), a_rule("sound", period="7d", categories=[Category.AUDIO])
    coverage = cover(
        a_policy(picture, sound),
        a_stream(),
        room_changes=(),
        track_changes=[MOVED],
        at=lambda instant: Circumstances(None, SOUND if instant >= MOVED else VIDEO),
    )
    assert coverage.terms == (Term(None, MOVED, picture), Term(MOVED, None, sound))


# --- the text that goes on the record -----------------------------------------------------------------------------


def test_equal_policies_have_one_canonical_text_whatever_the_order_inside_a_selector() -> None:
    one = a_policy(a_rule(cameras=["a", "b"], categories=[Category.VIDEO, Category.AUDIO]))
    other = a_policy(a_rule(cameras=["b", "a"], categories=[Category.AUDIO, Category.VIDEO]))
    assert one.canonical() == other.canonical()


@pytest.mark.parametrize(
    "other",
    [
        a_policy(a_rule(), margin="61s"),
        a_policy(a_rule(period="31d")),
        a_policy(a_rule(categories=[Category.AUDIO])),
        a_policy(a_rule(stores=["main"])),
        a_policy(a_rule(cameras=["main"])),
        a_policy(a_rule(rooms=["main"])),
        a_policy(a_rule(), a_rule("second", period="1h")),
    ],
    ids=["margin", "period", "category", "store", "camera", "room", "one more rule"],
)
def test_a_policy_that_decides_otherwise_has_another_text(other: Policy) -> None:
    assert other.canonical() != a_policy(a_rule()).canonical()


def test_the_same_word_as_a_store_a_camera_or_a_room_gives_three_texts() -> None:
    texts = {
        a_policy(a_rule(stores=["x"])).canonical(),
        a_policy(a_rule(cameras=["x"])).canonical(),
        a_policy(a_rule(rooms=["x"])).canonical(),
    }
    assert len(texts) == 3


def test_no_camera_name_makes_two_policies_read_alike() -> None:
    one, other = a_policy(a_rule(cameras=["a,b"])), a_policy(a_rule(cameras=["a", "b"]))
    assert one.canonical() != other.canonical()


def test_the_canonical_text_of_names_beyond_ascii_is_the_same_in_every_release() -> None:
    """Its digest is on the record, and tells whether the rules are others now."""
    assert '["приёмная"]' in a_policy(a_rule(cameras=["приёмная"])).canonical()
