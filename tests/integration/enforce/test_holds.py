"""Rule 8 in the whole house: what somebody suspends stays, for as long as two people say, and then goes."""

import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from retentiond.domain import instants
from retentiond.domain.errors import NotPermittedError, StorageError, TryAgainError, UsageError
from retentiond.domain.finding import FindingKind
from retentiond.domain.register import Device, Relation
from retentiond.services.approve import Consent
from retentiond.services.outlook import Forecaster
from tests.builders import a_device, a_link, a_register, a_room
from tests.world import BEGIN, MAIN, World, book, start_of

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PERIOD = 30 * DAY
MARGIN = timedelta(seconds=60)
OTHER = "op-other"


@pytest.fixture
def filled(world: World) -> World:
    """A store in which two cameras have recorded ten minutes every ten minutes for a day, and the program on it."""
    world.winding_down = True  # what is made here is all that these cameras ever record
    world.start()
    world.scan()
    for camera in ("hall", "yard"):
        record(world, camera, BEGIN - DAY, 144)
    world.scan()
    return world


def record(world: World, camera: str, first: datetime, count: int, every: timedelta = timedelta(minutes=10)) -> None:
    """Write recordings that follow one another without a gap."""
    for number in range(count):
        begun = first + number * every
        path = world.record(camera, begun)
        ended = (begun + every).timestamp()
        os.utime(path, (ended, ended))


def left(world: World, camera: str) -> list[datetime]:
    return sorted(start_of(path) for path in world.files() if path.parent.parent.name == camera)


def pass_until(world: World, instant: datetime, *, look_every: timedelta = 6 * HOUR) -> None:
    world.pass_time(instant - world.clock.wall, look_every=look_every)


def put_in_force(world: World, *devices: Device) -> None:
    rooms = [a_room("ward"), a_room("lobby")]
    held = a_register(*devices, rooms=rooms)
    world.cycle.replace_book(replace(world.cycle.book, register=held, register_digest=f"register {devices!r}"))


# --- while it is in force -----------------------------------------------------------------------------------------


def test_what_is_held_stays_beyond_its_deadline_and_goes_at_once_when_it_is_released(filled: World) -> None:
    filled.hold(BEGIN - 6 * HOUR, BEGIN, cameras=["hall"])
    filled.ask("hold_approve", hold="H-1", actor=OTHER)
    pass_until(filled, BEGIN + 50 * DAY)
    assert left(filled, "yard") == []
    assert left(filled, "hall") == [BEGIN - 6 * HOUR + number * timedelta(minutes=10) for number in range(36)]
    assert filled.ask("hold_release", hold="H-1", why="the claim was withdrawn") == {"hold": "H-1", "due": 36}
    filled.cycle.tick()
    assert filled.files() == set()
    assert filled.waiting() is None
    assert [line["approval"] for line in filled.records("run.started")] == [None] * len(filled.records("run.started"))


def test_while_it_keeps_something_there_are_no_runs_about_it(filled: World) -> None:
    filled.hold(BEGIN - 2 * DAY, BEGIN)
    filled.ask("hold_approve", hold="H-1", actor=OTHER)
    pass_until(filled, BEGIN + 40 * DAY)
    assert len(filled.files()) == 288
    assert filled.records("run.started") == []


def test_it_is_no_breach_and_is_counted_apart(filled: World) -> None:
    filled.hold(BEGIN - 6 * HOUR, BEGIN, cameras=["hall"])
    filled.ask("hold_approve", hold="H-1", actor=OTHER)
    pass_until(filled, BEGIN + 35 * DAY)
    snapshot = filled.cycle.report()
    (store,) = snapshot.stores
    assert FindingKind.OVERDUE not in {item.key.kind for item in snapshot.findings}
    assert store.suspended == 36
    assert [stream.overdue_since for stream in store.streams] == [None]
    assert [hold.ident for hold in snapshot.holds] == ["H-1"]


def test_two_holds_on_one_recording_keep_it_until_the_last_is_over(filled: World) -> None:
    for _ in range(2):
        filled.hold(BEGIN - HOUR, BEGIN, cameras=["hall"])
    for ident in ("H-1", "H-2"):
        filled.ask("hold_approve", hold=ident, actor=OTHER)
    pass_until(filled, BEGIN + 40 * DAY)
    assert filled.ask("hold_release", hold="H-1", why="settled")["due"] == 0
    filled.cycle.tick()
    assert len(left(filled, "hall")) == 6
    assert filled.ask("hold_release", hold="H-2", why="settled")["due"] == 6
    filled.cycle.tick()
    assert filled.files() == set()


@pytest.mark.parametrize("without_catalogue", [False, True])
def test_a_restart_forgets_no_hold(filled: World, without_catalogue: bool) -> None:
    filled.hold(BEGIN - HOUR, BEGIN, cameras=["hall"])
    filled.ask("hold_approve", hold="H-1", actor=OTHER)
    filled.crash()
    (filled.state / "decisions.json").unlink(missing_ok=True)
    filled.start()
    filled.restart(away=20 * DAY, without_catalogue=without_catalogue)
    pass_until(filled, BEGIN + 40 * DAY)
    filled.approve()
    assert len(left(filled, "hall")) == 6
    filled.ask("hold_release", hold="H-1", why="settled")
    filled.cycle.tick()
    assert filled.files() == set(), "it fell due while it was held, and that explains it without a catalogue too"


def test_a_hold_on_what_waits_makes_another_plan_of_the_rest(world: World) -> None:
    record(world, "hall", BEGIN - 60 * DAY, 120)
    world.start()
    world.scan()
    seen = world.waiting()
    assert seen is not None
    world.hold(BEGIN - 60 * DAY, BEGIN - 60 * DAY + 10 * HOUR)
    with pytest.raises(UsageError, match="no plan"):
        world.cycle.approve(Consent(seen.run, seen.count, seen.digest, "op-test"))
    world.cycle.tick()
    plan = world.waiting()
    assert plan is not None
    assert (plan.count, plan.digest == seen.digest) == (60, False)


def test_what_is_held_is_not_deleted_by_an_approval_that_was_given_before(world: World) -> None:
    record(world, "hall", BEGIN - 60 * DAY, 120)
    record(world, "hall", BEGIN - 2 * DAY, 288)
    world.start()
    world.scan()
    plan = world.waiting()
    assert plan is not None
    assert plan.count == 120
    world.cycle.approve(Consent(plan.run, plan.count, plan.digest, "op-test"))
    world.hold(BEGIN - 60 * DAY, BEGIN - 60 * DAY + 10 * HOUR)
    world.cycle.tick()
    assert len(world.files()) == 60 + 288
    world.pass_time(26 * HOUR)
    assert len(world.files()) == 60 + 288
    assert world.waiting() is None
    runs = len(world.records("run.started"))
    world.pass_time(26 * HOUR)
    assert len(world.records("run.started")) == runs
    world.ask("hold_release", hold="H-1", why="settled")
    world.cycle.tick()
    plan = world.waiting()
    assert plan is not None, "they were over before anybody held them, and wait as they did"
    assert plan.count == 60


# --- its end ------------------------------------------------------------------------------------------------------


def test_on_one_persons_word_it_lapses_at_72_hours(filled: World) -> None:
    pass_until(filled, BEGIN + PERIOD - DAY - MARGIN - timedelta(seconds=1), look_every=DAY)
    placed = filled.clock.wall
    filled.hold(BEGIN - DAY, BEGIN, cameras=["hall"])
    pass_until(filled, placed + timedelta(hours=72) - timedelta(seconds=1))
    assert len(left(filled, "hall")) == 144
    assert left(filled, "yard") == []
    assert filled.cycle.tick() <= timedelta(seconds=1), "it wakes up for the end"
    pass_until(filled, placed + timedelta(hours=72))
    assert left(filled, "hall") == []
    (lapsed,) = filled.records("hold.lapsed")
    assert (lapsed["hold"], lapsed["why"]) == ("H-1", "not_approved")
    assert lapsed["at"] == instants.to_text(placed + timedelta(hours=72))
    first = min(line["seq"] for line in filled.records("deletion.intent") if line["seq"] > lapsed["seq"])
    assert lapsed["seq"] < first


def test_it_ends_at_its_mandatory_end(filled: World) -> None:
    answer = filled.hold(BEGIN - DAY, BEGIN, cameras=["hall"], until="40d")
    filled.ask("hold_approve", hold="H-1", actor=OTHER)
    end = instants.from_text(answer["until"])
    pass_until(filled, end - timedelta(seconds=1))
    assert len(left(filled, "hall")) == 144
    pass_until(filled, end)
    assert left(filled, "hall") == []
    assert [line["why"] for line in filled.records("hold.lapsed")] == ["ended"]


def test_it_ends_while_the_daemon_is_down(filled: World) -> None:
    filled.hold(BEGIN - DAY, BEGIN, cameras=["hall"], until="35d")
    filled.ask("hold_approve", hold="H-1", actor=OTHER)
    pass_until(filled, BEGIN + 34 * DAY)
    record(filled, "hall", filled.clock.wall - 2 * DAY, 288)
    filled.scan()
    filled.restart(away=5 * DAY)
    assert all(start > BEGIN for start in left(filled, "hall"))
    (lapsed,) = filled.records("hold.lapsed")
    assert lapsed["at"] == instants.to_text(BEGIN + 35 * DAY)
    assert filled.waiting() is None


def test_an_extension_has_to_be_approved_by_another(filled: World) -> None:
    filled.hold(BEGIN - DAY, BEGIN, cameras=["hall"], until="35d")
    filled.ask("hold_approve", hold="H-1", actor=OTHER)
    pass_until(filled, BEGIN + 34 * DAY)
    filled.ask("hold_extend", hold="H-1", until="100d", actor=OTHER)
    with pytest.raises(NotPermittedError, match="another person"):
        filled.ask("hold_approve", hold="H-1", actor=OTHER)
    assert FindingKind.HOLD_UNAPPROVED in filled.findings()
    pass_until(filled, BEGIN + 36 * DAY)
    assert len(left(filled, "hall")) == 144, "it carries the hold over its end for 72 hours"
    filled.ask("hold_approve", hold="H-1")
    pass_until(filled, BEGIN + 134 * DAY - timedelta(seconds=1), look_every=10 * DAY)
    assert len(left(filled, "hall")) == 144
    pass_until(filled, BEGIN + 134 * DAY)
    assert left(filled, "hall") == []


def test_an_extension_that_nobody_approves_leaves_the_former_end(filled: World) -> None:
    filled.hold(BEGIN - DAY, BEGIN, cameras=["hall"], until="50d")
    filled.ask("hold_approve", hold="H-1", actor=OTHER)
    filled.ask("hold_extend", hold="H-1", until="100d")
    pass_until(filled, BEGIN + 4 * DAY)
    assert [line["why"] for line in filled.records("hold.lapsed")] == ["extension_not_approved"]
    pass_until(filled, BEGIN + 50 * DAY - HOUR)
    assert len(left(filled, "hall")) == 144
    pass_until(filled, BEGIN + 50 * DAY)
    assert left(filled, "hall") == []


def test_a_review_date_that_is_past_is_a_finding_until_somebody_looks_again(filled: World) -> None:
    filled.hold(BEGIN - DAY, BEGIN, until="200d", review="20d")
    filled.ask("hold_approve", hold="H-1", actor=OTHER)
    pass_until(filled, BEGIN + 20 * DAY - HOUR)
    assert FindingKind.HOLD_REVIEW_DUE not in filled.findings()
    pass_until(filled, BEGIN + 20 * DAY)
    assert FindingKind.HOLD_REVIEW_DUE in filled.findings()
    filled.ask("hold_extend", hold="H-1", review="20d")
    assert FindingKind.HOLD_REVIEW_DUE not in filled.findings()
    assert filled.records("hold.extended")[-1]["until"] is None


def test_a_week_before_its_end_somebody_is_told(filled: World) -> None:
    filled.hold(BEGIN - DAY, BEGIN, until="100d")
    assert filled.findings() >= {FindingKind.HOLD_UNAPPROVED}
    filled.ask("hold_approve", hold="H-1", actor=OTHER)
    assert not filled.findings() & {FindingKind.HOLD_UNAPPROVED, FindingKind.HOLD_ENDING}
    pass_until(filled, BEGIN + 93 * DAY, look_every=10 * DAY)
    assert FindingKind.HOLD_ENDING in filled.findings()


def test_a_shorter_period_meanwhile_does_not_make_its_release_unexplained(world: World) -> None:
    world.start()
    world.scan()
    record(world, "hall", BEGIN - 25 * DAY, 144)
    record(world, "hall", BEGIN - DAY, 144)
    world.scan()
    world.hold(BEGIN - 26 * DAY, BEGIN - 20 * DAY)
    world.ask("hold_approve", hold="H-1", actor=OTHER)
    world.cycle.replace_book(book("20d"))
    world.pass_time(10 * DAY, look_every=DAY)
    assert len(world.files()) == 288
    world.ask("hold_release", hold="H-1", why="settled")
    world.cycle.tick()
    assert len(world.files()) == 144
    assert world.waiting() is None


# --- four eyes ----------------------------------------------------------------------------------------------------


def test_who_placed_it_cannot_approve_it(filled: World) -> None:
    filled.hold(BEGIN - DAY, BEGIN)
    with pytest.raises(NotPermittedError, match="another person"):
        filled.ask("hold_approve", hold="H-1")
    assert filled.records("hold.approved") == []
    assert filled.ask("hold_approve", hold="H-1", actor=OTHER)["approved"] is True


def test_it_is_approved_once(filled: World) -> None:
    filled.hold(BEGIN - DAY, BEGIN)
    filled.ask("hold_approve", hold="H-1", actor=OTHER)
    with pytest.raises(UsageError, match="approved already"):
        filled.ask("hold_approve", hold="H-1", actor="op-third")


def test_after_72_hours_an_approval_comes_too_late(filled: World) -> None:
    filled.hold(BEGIN - DAY, BEGIN)
    filled.clock.pass_time(timedelta(hours=72))
    with pytest.raises(UsageError, match="no hold 'H-1' is in force"):
        filled.ask("hold_approve", hold="H-1", actor=OTHER)
    assert [line["why"] for line in filled.records("hold.lapsed")] == ["not_approved"]


def test_a_number_is_never_used_again(filled: World) -> None:
    assert filled.hold(BEGIN - DAY, BEGIN)["hold"] == "H-1"
    filled.ask("hold_release", hold="H-1", why="a mistake")
    filled.restart()
    assert filled.hold(BEGIN - DAY, BEGIN)["hold"] == "H-2"


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"cameras": ["hal"]}, "known are: hall, yard"),
        ({"rooms": ["ward 3"]}, "no room 'ward 3'"),
        ({"all_cameras": False}, "name what is to be kept"),
        ({"until": "366d"}, "within a year"),
        ({"until": "2026-02-28T23:00:00Z"}, "future"),
        ({"until": "never"}, "no instant"),
        ({"until": ""}, "no text 'until'"),
        ({"review": "301d"}, "review"),
        ({"review": "2026-02-28T23:00:00Z"}, "review"),
        ({"to": "2026-02-28T00:00:00Z"}, "later than its begin"),
        ({"ground": "because"}, "eu-gdpr:JustificationA17LegalClaims"),
        ({"ground": "eu-gdpr:A17"}, "no ground"),
        ({"reason": ""}, "no text 'reason'"),
        ({"reason": "a" * 501}, "at most 500"),
        ({"reason": "two\nlines"}, "one line"),
        ({"reference": None}, "no text 'reference'"),
        ({"requested_by": " "}, "no text 'requested_by'"),
        ({"requested_at": "2026-03-02T00:00:00Z"}, "future"),
        ({"categories": ["films"]}, "no such category"),
        ({"cameras": "hall"}, "no list of names"),
        ({"cameras": [f"c{number}" for number in range(65)]}, "64 cameras"),
        ({"from": "0001-01-01T00:00:00Z"}, "beyond what recordings can be from"),
    ],
)
def test_a_hold_that_says_too_little_or_too_much_is_refused(filled: World, fields: dict[str, Any], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        filled.hold(BEGIN - DAY, BEGIN, **fields)
    assert filled.records("hold.placed") == []


def test_a_year_to_the_day_is_not_too_long(filled: World) -> None:
    assert filled.hold(BEGIN - DAY, BEGIN, until="2027-03-01T00:00:00Z")["until"] == "2027-03-01T00:00:00.000Z"


@pytest.mark.parametrize("ground", ["eu-gdpr:JustificationA17LegalClaims", "JustificationA17LegalClaims", "A15"])
def test_a_ground_is_a_code_with_or_without_its_prefix(filled: World, ground: str) -> None:
    filled.hold(BEGIN - DAY, BEGIN, ground=ground)
    (placed,) = filled.records("hold.placed")
    assert placed["ground"] == f"eu-gdpr:{ground.removeprefix('eu-gdpr:')}"


@pytest.mark.parametrize(
    ("verb", "fields", "match"),
    [
        ("hold_extend", {"hold": "H-1", "until": "310d"}, "not approved yet"),
        ("hold_extend", {"hold": "H-1"}, "name a later end"),
        ("hold_extend", {"hold": "H-9", "until": "310d"}, "no hold 'H-9'"),
        ("hold_release", {"hold": "H-1"}, "no text 'why'"),
        ("hold_release", {"hold": "H-9", "why": "x"}, "no hold 'H-9'"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused(filled: World, verb: str, fields: dict[str, Any], match: str) -> None:
    filled.hold(BEGIN - DAY, BEGIN)
    with pytest.raises(UsageError, match=match):
        filled.ask(verb, **fields)


@pytest.mark.parametrize(("until", "match"), [("300d", "no earlier"), ("366d", "within a year"), ("1d", "no earlier")])
def test_an_extension_is_later_than_the_end_and_within_a_year_of_today(filled: World, until: str, match: str) -> None:
    filled.hold(BEGIN - DAY, BEGIN)
    filled.ask("hold_approve", hold="H-1", actor=OTHER)
    with pytest.raises(UsageError, match=match):
        filled.ask("hold_extend", hold="H-1", until=until)
    pass_until(filled, BEGIN + DAY)
    filled.ask("hold_extend", hold="H-1", until="365d")


def test_without_a_credible_clock_no_hold_is_placed_and_nothing_is_deleted_either(world: World) -> None:
    world.memory.anchor = None
    world.clock.synchronised = False
    world.start()
    with pytest.raises(TryAgainError, match="clock accept"):
        world.hold(BEGIN - DAY, BEGIN)


def test_what_cannot_be_put_on_the_record_is_not_in_force(filled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(events: Sequence[object]) -> object:
        raise StorageError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(filled.parts.trail, "append", refuse)
        with pytest.raises(StorageError):
            filled.hold(BEGIN - DAY, BEGIN)
    assert filled.journal.decisions.suspensions == {}


# --- rooms and names ----------------------------------------------------------------------------------------------


def test_a_room_is_what_hung_in_it_then(filled: World) -> None:
    moved = BEGIN - 12 * HOUR
    hall = a_device(a_link("ward", until=moved), a_link("lobby", since=moved), known_as=[("main", "hall")])
    yard = a_device(a_link("lobby"), ident="d-2", name="yard", known_as=[("main", "yard")])
    put_in_force(filled, hall, yard)
    filled.hold(BEGIN - DAY, BEGIN, rooms=["ward"])
    filled.ask("hold_approve", hold="H-1", actor=OTHER)
    pass_until(filled, BEGIN + 40 * DAY)
    assert left(filled, "yard") == []
    assert (min(left(filled, "hall")), max(left(filled, "hall"))) == (BEGIN - DAY, moved - timedelta(minutes=10))


def test_a_corrected_register_widens_a_hold_and_never_narrows_it(filled: World) -> None:
    put_in_force(filled, a_device(a_link("ward"), known_as=[("main", "hall")]))
    filled.hold(BEGIN - DAY, BEGIN, rooms=["ward"])
    filled.ask("hold_approve", hold="H-1", actor=OTHER)
    put_in_force(filled, a_device(a_link("lobby"), a_link("ward", Relation.SEES), known_as=[("main", "yard")]))
    widened = filled.records("hold.extended")[-1]
    assert (widened["why"], widened["reach"][0]["camera"]) == ("register", "yard")
    put_in_force(filled)
    pass_until(filled, BEGIN + 40 * DAY)
    assert (len(left(filled, "hall")), len(left(filled, "yard"))) == (144, 144)


def test_a_register_that_changed_while_the_daemon_was_down_is_followed_at_the_start(filled: World) -> None:
    put_in_force(filled, a_device(a_link("ward"), known_as=[("main", "hall")]))
    filled.hold(BEGIN - DAY, BEGIN, rooms=["ward"])
    filled.ask("hold_approve", hold="H-1", actor=OTHER)
    both = a_device(a_link("ward"), known_as=[("main", "hall"), ("main", "yard")])
    filled.book = replace(filled.book, register=a_register(both, rooms=[a_room("ward")]), register_digest="later")
    filled.restart(away=40 * DAY)
    assert (len(left(filled, "hall")), len(left(filled, "yard"))) == (144, 144)


# --- what is covered ----------------------------------------------------------------------------------------------


def test_a_recording_that_was_running_when_the_time_began_is_kept_as_a_whole(filled: World) -> None:
    answer = filled.hold(BEGIN - HOUR - timedelta(minutes=3), BEGIN, cameras=["hall"])
    filled.ask("hold_approve", hold="H-1", actor=OTHER)
    assert answer["covered"]["recordings"] == 7
    assert answer["covered"]["first"] == instants.to_text(BEGIN - HOUR - timedelta(minutes=10))
    assert answer["covered"]["overshoot_s"] == 7 * 60
    pass_until(filled, BEGIN + 40 * DAY)
    assert len(left(filled, "hall")) == 7


def test_one_that_nobody_knew_of_at_placing_is_kept_when_its_turn_comes(filled: World) -> None:
    """The time to keep lies in the future, so nobody can know yet what runs when it begins."""
    begin = BEGIN + timedelta(minutes=5)
    filled.hold(begin, begin + HOUR, cameras=["hall"])
    filled.ask("hold_approve", hold="H-1", actor=OTHER)
    filled.pass_time(2 * HOUR)
    record(filled, "hall", BEGIN, 12)
    filled.scan()
    pass_until(filled, BEGIN + 40 * DAY)
    assert left(filled, "hall") == [BEGIN + number * timedelta(minutes=10) for number in range(7)]
    (widened,) = filled.records("hold.extended")
    assert widened["why"] == "running"
    assert filled.cycle.report().stores[0].suspended == 7


def test_placing_says_how_much_is_covered_and_what_is_missing(filled: World) -> None:
    for number in (10, 11, 12, 30):
        os.remove(filled.path("hall", BEGIN - DAY + number * timedelta(minutes=10)))
    filled.scan()
    answer = filled.hold(BEGIN - DAY - HOUR, BEGIN - 12 * HOUR, cameras=["hall"])
    covered = answer["covered"]
    assert (covered["recordings"], covered["looked_at"], covered["bytes"]) == (68, 68, 68)
    assert covered["overshoot_s"] == 0
    assert [(gap["camera"], gap["from"], gap["to"]) for gap in covered["missing"]] == [
        ("hall", instants.to_text(since), instants.to_text(until))
        for since, until in [
            (BEGIN - DAY - HOUR, BEGIN - DAY),
            (BEGIN - DAY + timedelta(minutes=100), BEGIN - DAY + timedelta(minutes=130)),
            (BEGIN - DAY + timedelta(minutes=300), BEGIN - DAY + timedelta(minutes=310)),
        ]
    ]
    assert (covered["gaps"], covered["missing_s"]) == (3, 3600 + 1800 + 600)
    (placed,) = filled.records("hold.placed")
    assert placed["covered"] == covered
    assert len(covered["digest"]) == 64


def test_a_camera_without_a_recording_is_missing_as_a_whole(filled: World) -> None:
    put_in_force(filled, a_device(a_link("ward"), name="new", known_as=[("main", "new")]))
    covered = filled.hold(BEGIN - DAY, BEGIN + DAY, rooms=["ward"])["covered"]
    assert (covered["recordings"], covered["digest"] is None) == (0, False)
    (gap,) = covered["missing"]
    assert (gap["camera"], gap["from"], gap["to"]) == ("new", instants.to_text(BEGIN - DAY), instants.to_text(BEGIN))


def test_a_hold_says_who_asked_for_what_and_on_which_ground(filled: World) -> None:
    filled.hold(BEGIN - DAY, BEGIN, cameras=["hall"], categories=["audio"], requested_at="2026-02-28T10:00:00Z")
    (placed,) = filled.records("hold.placed")
    expected = {
        "hold": "H-1",
        "actor": "op-test",
        "at": "2026-03-01T00:00:00.000Z",
        "cameras": ["hall"],
        "rooms": [],
        "categories": ["audio"],
        "from": "2026-02-28T00:00:00.000Z",
        "to": "2026-03-01T00:00:00.000Z",
        "ground": "eu-gdpr:JustificationA17LegalClaims",
        "reason": "a claim",
        "reference": "case 7",
        "requested_by": "the lawyer",
        "requested_at": "2026-02-28T10:00:00.000Z",
        "until": "2026-12-26T00:00:00.000Z",
        "review": "2026-03-31T00:00:00.000Z",
        "lapses": "2026-03-04T00:00:00.000Z",
        "longest_period_s": 30 * 86_400,
    }
    assert {key: placed[key] for key in expected} == expected


def test_a_plan_says_what_is_kept_and_by_which_hold(filled: World) -> None:
    filled.hold(BEGIN - DAY, BEGIN, cameras=["hall"])
    filled.ask("hold_approve", hold="H-1", actor=OTHER)
    pass_until(filled, BEGIN + 40 * DAY)
    forecaster = Forecaster(
        filled.catalogue, filled.journal, filled.parts.planner, filled.parts.weigher, clock_proven=True
    )
    outlook = forecaster.outlook(MAIN, filled.keeper.condition, filled.cycle.book, filled.clock.wall)
    (kept,) = outlook.held
    assert (kept.hold, kept.count, outlook.going, outlook.waiting) == ("H-1", 144, 0, None)


def test_what_cannot_be_seen_now_is_held_all_the_same(filled: World) -> None:
    away = filled.root / "unmounted"
    filled.store_path.rename(away)
    filled.store_path.mkdir()
    filled.cycle.tick()
    covered = filled.hold(BEGIN - DAY, BEGIN, cameras=["hall"])["covered"]
    assert (covered["recordings"], covered["bytes"]) == (144, 0)
    filled.ask("hold_approve", hold="H-1", actor=OTHER)
    filled.pass_time(40 * DAY, look_every=DAY)
    filled.store_path.rmdir()
    away.rename(filled.store_path)
    filled.pass_time(DAY)
    assert (len(left(filled, "hall")), len(left(filled, "yard"))) == (144, 0)


def test_before_a_store_is_known_any_camera_may_be_held(world: World) -> None:
    record(world, "hall", BEGIN - DAY, 12)
    world.start()
    assert world.hold(BEGIN - DAY, BEGIN, cameras=["hall"])["covered"]["recordings"] == 0
    world.scan()
    with pytest.raises(UsageError, match="known are: hall"):
        world.hold(BEGIN - DAY, BEGIN, cameras=["hal"])
    world.ask("hold_approve", hold="H-1", actor=OTHER)
    world.pass_time(40 * DAY, look_every=DAY)
    world.approve()
    assert len(left(world, "hall")) == 12
