"""Incidents as people type them: two users of one machine, a daemon, and lists that name nothing of them."""

import os
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.cli.place import NOBODY, Place
from tests.integration.cli.test_hold import open_to_all

NOW = datetime.now(UTC).replace(microsecond=0)
SINCE = f"{NOW - timedelta(days=20):%Y-%m-%dT%H:%M:%SZ}"
DECIDE = (
    *("incident", "decide", "I-1", "--decision", "delete", "--why", "a camera in a treatment room"),
    *("--notification", "told the authority, no. 12"),
)
OVER_ALL_TIME = ("--from", "2020-01-01", "--to", "2035-01-01")


@pytest.fixture
def found(make: Callable[[], Place]) -> Place:
    """A daemon has adopted the store; then the register says that the hall has been prohibited for twenty days."""
    place = make()
    with place.running():
        place.accept_clock()
        place.wait(place.is_waiting, "a plan")
    text = place.register.read_text()
    classes = f"classes: [{{class: public, until: {SINCE}}}, {{class: intimate-care, since: {SINCE}}}]"
    assert "class: public" in text
    text = text.replace("class: public", classes)
    place.register.write_text(text.replace("rooms:\n", "rooms:\n  - {id: yard, class: outdoor}\n"))
    return place


def told(place: Place) -> list[dict[str, object]]:
    incidents: list[dict[str, object]] = place.call_json("incident", "list")["incidents"]
    return incidents


def everything_that_is_listed(place: Place) -> str:
    """Return what all commands and pages say that could list recordings."""
    asked = [
        ("find", "--camera", "hall"),
        ("find", "--camera", "entrance", "--json"),
        ("register", "who", "--room", "hall", *OVER_ALL_TIME),
        ("register", "who", "--room", "hall", *OVER_ALL_TIME, "--json"),
        ("plan",),
        ("plan", "--json"),
        ("status", "--json"),
        ("findings", "list", "--json"),
        ("store", "show", "main", "--json"),
        ("incident", "list"),
        ("incident", "list", "--json"),
        ("incident", "show", "I-1"),
        ("incident", "show", "I-1", "--json"),
        ("incident", "earlier", "hall", "--json"),
        ("audit", "show", "--json"),
    ]
    said = [place.call(*words).out for words in asked]
    for path in ("/", "/api/status", "/metrics"):
        with urllib.request.urlopen(f"http://127.0.0.1:{place.port}{path}", timeout=60) as answer:
            said.append(answer.read().decode())
    return "\n".join(said)


def test_one_decides_another_agrees_and_nothing_of_it_was_ever_listed(found: Place) -> None:
    place = found
    young = [path for path in place.files("*.mp4") if _young(path.name, path.parent.name)]
    files = [f"{path.parent.parent.name}/{path.parent.name}/{path.name}" for path in young]
    assert len(files) == 4
    with place.running():
        place.wait(lambda: told(place), "an incident")
        (incident,) = told(place)
        assert (incident["incident"], incident["stage"], incident["recordings"]) == ("I-1", "open", 4)
        out = place.call("incident", "list").out
        assert "4 recordings, listed nowhere" in out
        assert "71 h are left of the 72 h of article 33 GDPR" in out
        listed = everything_that_is_listed(place)
        assert [name for name in files if name in listed] == []
        assert "2 recordings more, in an incident and listed nowhere" in place.call("find", "--camera", "hall").out
        assert len(place.call_json("incident", "earlier", "hall")["recordings"]) == 2
        assert len(place.call_json("incident", "earlier", "HALL")["recordings"]) == 2
        place.wait(lambda: place.metric("retentiond_incident_recordings") == 4, "the metric")
        assert place.call("check").status == 1
        decided = place.call(*DECIDE)
        assert decided.status == 0, decided
        assert "Nothing is done until another person types" in decided.out
        refused = place.call("incident", "approve", "I-1")
        assert refused.status == 77
        assert "another person has to approve it" in refused.err
        if os.getuid() != 0:
            return
        open_to_all(place)
        approved = place.call("incident", "approve", "I-1", user=NOBODY)
        assert (approved.status, approved.err) == (0, "")
        place.wait(lambda: len(place.files("*.mp4")) == 2, "the footage to go")
        place.wait(lambda: not told(place), "the incident to be closed")
        found_again = place.call_json("find", "--camera", "hall")["recordings"]
        assert sum(row["deleted_at"] is not None for row in found_again) == 2
        shown = place.call("audit", "show", "--type", "incident.decided").out
        assert "a camera in a treatment room" in shown
        assert place.call("audit", "verify").status == 0


def _young(name: str, day: str) -> bool:
    begun = datetime.strptime(f"{day} {name}", "%Y-%m-%d %H-%M-%S.mp4").replace(tzinfo=UTC)
    return begun > NOW - timedelta(days=20)


def test_before_a_daemon_has_looked_nothing_is_listed_either(found: Place) -> None:
    rows = found.call_json("find", "--camera", "hall")
    assert (len(rows["recordings"]), rows["unlisted"]) == (1, 2)
    assert told(found) == []
    (unopened,) = [item for item in found.call_json("check")["findings"] if item["kind"] == "incident_open"]
    assert unopened["subject"] == "room hall"
    assert "4 recordings of room 'hall'" in unopened["message"]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("incident", "show", "I-7"), "no incident 'I-7' is open"),
        (("incident", "earlier", "lobby"), "the register has no room 'lobby'; there are: yard, hall"),
        (("incident", "earlier", "yard"), "is not prohibited by the register"),
        (("incident", "decide", "I-1", "--decision", "keep", "--why", "x", "--notification", "x"), "--decision"),
        (("incident", "decide", "I-1", "--decision", "delete", "--why", "x"), "--notification"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(found: Place, words: tuple[str, ...], complaint: str) -> None:
    done = found.call(*words)
    assert done.status == 2
    assert complaint in done.err
