"""`register who`: one answer to a patient's question, from the register, the disk and the record."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.cli.conftest import Make
from tests.integration.cli.place import Place

REGISTER = """\
timezone: UTC
rooms:
  - {{id: hall, class: public}}
  - {{id: care, class: office}}
  - {{id: lab, class: office}}
devices:
  - id: d-1
    name: Entrance
    kind: camera
    tracks: {{video: true}}
    known_as: {{main: entrance}}
    assignments: [{{room: hall}}]
    sees: [{{room: care, from: {seen_from}}}]
"""


def day(ago: float) -> str:
    return (datetime.now(UTC) - timedelta(days=ago)).isoformat(timespec="seconds").replace("+00:00", "Z")


@pytest.fixture(scope="module")
def clinic(make: Make) -> Iterator[Place]:
    """A camera that sees into a room since three weeks, another that nobody registered, and a deletion."""
    place = make()
    place.register.write_text(REGISTER.format(seen_from=day(21)))
    with place.running():
        place.accept_clock()
        place.wait(place.is_waiting, "a plan")
        (run,) = place.call_json("plan")["runs"]
        done = place.call("approve", run["run"], "--count", str(run["count"]), "--digest", run["digest"])
        assert done.status == 0, done
        place.wait(lambda: len(place.files("*.mp4")) == 4, "the deletion")
    yield place


def ask(place: Place, room: str, begin: str, end: str) -> Any:
    return place.call_json("register", "who", "--room", room, "--from", begin, "--to", end)


def test_it_says_which_device_reached_the_room_and_since_when(clinic: Place) -> None:
    found = ask(clinic, "care", day(30), day(0))
    assert found["schema"] == "retentiond.register.who/1"
    (device,) = found["devices"]
    assert (device["id"], device["relation"]) == ("d-1", "sees")
    assert device["from"] > day(22)
    assert [item["class"] for item in found["classes"]] == ["office"]


def test_a_room_may_be_asked_for_by_its_name(clinic: Place) -> None:
    begin, end = day(30), day(0)
    found = ask(clinic, "CARE", begin, end)
    assert found["room"] == "care"
    assert found == ask(clinic, "care", begin, end)


def test_it_says_what_was_recorded_then_and_is_still_there(clinic: Place) -> None:
    found = ask(clinic, "care", day(30), day(0))
    placed = [item for item in found["recordings"] if item["device"] == "d-1"]
    assert [item["deleted_at"] for item in placed] == [None, None]  # 10 days and an hour old


def test_what_was_recorded_before_the_device_reached_the_room_is_not_told(clinic: Place) -> None:
    placed = [item for item in ask(clinic, "care", day(41), day(0))["recordings"] if item["device"] == "d-1"]
    assert len(placed) == 2
    assert all(item["start"] > day(21) for item in placed)


def test_it_says_what_was_deleted_with_the_record_that_says_so(clinic: Place) -> None:
    found = ask(clinic, "hall", day(41), day(39))
    (gone,) = [item for item in found["recordings"] if item["device"] == "d-1"]
    assert gone["deleted_at"] is not None
    (record,) = [line for line in clinic.lines() if line["seq"] == gone["seq"]]
    assert (record["type"], record["rec"]["path"]) == ("recording.deleted", gone["path"])


def test_what_began_before_may_reach_into_it(clinic: Place) -> None:
    found = ask(clinic, "hall", day(9.9), day(9.8))
    (before,) = [item for item in found["recordings"] if item["device"] == "d-1"]
    assert before["began_before"] is True


def test_a_camera_that_nobody_registered_may_have_been_anywhere(clinic: Place) -> None:
    found = ask(clinic, "lab", day(11), day(0))
    assert found["devices"] == []
    assert {item["camera"] for item in found["recordings"] if item["device"] is None} == {"hall"}
    shown = clinic.call("register", "who", "--room", "lab", "--from", day(11), "--to", day(0)).out
    assert "no registered device hung in it, saw or heard into it in that time" in shown
    assert "2 recordings of that time by cameras that no room is known of:" in shown
    assert "is not in this answer" in shown


def test_what_the_register_said_once_is_not_forgotten(clinic: Place) -> None:
    clinic.register.write_text(REGISTER.format(seen_from=day(3)))
    clinic.call("run", "--once")
    found = ask(clinic, "care", day(30), day(0))
    (fact,) = found["no_longer_registered"]
    assert "device d-1: sees room care" in fact["fact"]
    shown = clinic.call("register", "who", "--room", "care", "--from", day(30), "--to", day(0)).out
    assert "What the register said of the room once and says no longer:" in shown


@pytest.mark.parametrize(
    ("room", "begin", "end", "complaint"),
    [
        ("attic", "2026-01-01", "2026-01-02", "the register has no room 'attic'; there are: hall, care, lab"),
        ("care", "2026-01-02", "2026-01-01", "--to has to be later than --from"),
        ("care", "then", "2026-01-01", "--from 'then': is no time"),
    ],
)
def test_what_makes_no_sense_is_one_line(clinic: Place, room: str, begin: str, end: str, complaint: str) -> None:
    done = clinic.call("register", "who", "--room", room, "--from", begin, "--to", end)
    assert done.status == 2
    assert complaint in done.complaints[0]
