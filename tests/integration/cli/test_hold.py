"""Holds as people type them: two users of one machine, with a daemon and without."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.cli.place import NOBODY, Place

NOW = datetime.now(UTC).replace(microsecond=0)
PLACE = (
    *("hold", "place", "--camera", "hall", "--from", f"{NOW - timedelta(days=41):%Y-%m-%d}"),
    *("--to", f"{NOW:%Y-%m-%d}", "--ground", "JustificationA17LegalClaims", "--reason", "a claim is expected"),
    *("--reference", "2026/17", "--requested-by", "legal department", "--until", "90d"),
)


@pytest.fixture
def settled(make: Callable[[], Place]) -> Place:
    """A store that a daemon has adopted and scanned; a plan with the two oldest recordings waits."""
    place = make()
    with place.running():
        place.accept_clock()
        place.wait(place.is_waiting, "a plan")
    return place


def open_to_all(place: Place) -> None:
    """Let every user of this machine decide, as a group of administrators may."""
    socket = place.state / "run" / "control.sock"
    for path in (place.state, socket.parent):
        path.chmod(0o755)
    socket.chmod(0o666)


def test_one_places_it_another_approves_it_and_what_it_keeps_stays(settled: Place) -> None:
    place = settled
    with place.running():
        placed = place.call(*PLACE)
        assert placed.status == 0, placed
        first, *_ = placed.out.splitlines()
        assert first == "in force: hold H-1"
        assert "covers     2 recordings, 22 bytes" in placed.out
        assert placed.out.rstrip().endswith("retentiond hold approve H-1")
        refused = place.call("hold", "approve", "H-1")
        assert refused.status == 77
        assert "another person has to approve it" in refused.err
        if os.getuid() == 0:
            open_to_all(place)
            approved = place.call("hold", "approve", "H-1", user=NOBODY)
            assert (approved.status, approved.err) == (0, "")
            assert approved.out.startswith("approved: hold H-1, until ")
        place.wait(lambda: place.call_json("plan")["runs"][0]["count"] == 1, "a plan without what is held", 90)
        place.approve_all()
        place.wait(lambda: len(place.files("*.mp4")) == 5, "the other to go")
        shown = place.call_json("hold", "list")["holds"]
        assert [(hold["hold"], hold["recordings"], hold["reason"]) for hold in shown] == [
            ("H-1", 2, "a claim is expected")
        ]
        assert place.metric("retentiond_holds") == 1
        assert place.metric("retentiond_held_recordings") == 1
        status = place.call("status").out
        assert "1 recording past their deadline are kept by holds" in status
        found = [row for row in place.call_json("find", "--camera", "hall")["recordings"] if row["holds"]]
        assert len(found) == 2
        released = place.call("hold", "release", "H-1", "--why", "no claim came")
        assert released.out == "released: hold H-1; 1 recording due because of it\n"


def test_without_a_daemon_a_hold_is_in_force_for_the_next_one(settled: Place) -> None:
    place = settled
    assert place.call("hold", "list").out == "no hold is in force\n"
    assert place.call(*PLACE).status == 0
    assert "hold H-1" in place.call("plan").out
    with place.running():
        place.wait(lambda: place.call_json("status")["holds"], "the hold in the status")
        assert [hold["hold"] for hold in place.call_json("status")["holds"]] == ["H-1"]
    assert place.call("hold", "release", "H-1", "--why", "a mistake").status == 0
    assert place.call("hold", "list").out == "no hold is in force\n"
    shown = place.call("audit", "show", "--type", "hold.released").out
    assert "a mistake" in shown
    placed = place.call("audit", "show", "--type", "hold.placed").out
    assert "H-1: hall, " in placed


def test_a_hold_list_says_everything_that_was_asked_for(settled: Place) -> None:
    assert settled.call(*PLACE).status == 0
    out = settled.call("hold", "list").out
    for text in (
        "H-1   everything of camera hall",
        "2 recordings on the disk",
        "eu-gdpr:JustificationA17LegalClaims: a claim is expected",
        "by legal department",
        "reference 2026/17",
        "not yet: another person has to type: retentiond hold approve H-1",
    ):
        assert text in out


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        (("--camera", "hal"), "no camera 'hal' is known here"),
        (("--until", "2y"), "--until '2y'"),
        (("--from", "yesterday"), "--from 'yesterday'"),
        (("--ground", "curiosity"), "no ground 'curiosity'"),
    ],
)
def test_what_makes_no_sense_is_refused_with_what_would(
    settled: Place, changed: tuple[str, str], complaint: str
) -> None:
    option, value = changed
    words = list(PLACE)
    words[words.index(option) + 1] = value
    done = settled.call(*words)
    assert done.status == 2
    (line,) = done.complaints
    assert complaint in line
