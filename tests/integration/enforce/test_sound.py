"""Real films in a real store: what has sound that the register forbids is found, by the worker, and goes again."""

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from retentiond.domain.finding import Finding, FindingKind
from retentiond.probe.memory import SampleFile
from retentiond.settings.parse_register import parse_register
from tests.clips import make_clip
from tests.world import BEGIN, World, book

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
REGISTER = """\
rooms: [{id: hall, name: Hall, class: public}]
devices:
  - {id: d-1, name: hall, kind: camera, tracks: {video: true, audio: AUDIO}, known_as: {main: hall},
     assignments: [{room: hall}]}
"""


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    directory = tmp_path_factory.mktemp("films")
    make_clip(directory / "loud", "fragmented.mp4", sound=True)
    make_clip(directory / "silent", "plain.mp4", sound=False)
    return directory


def register(world: World, *, audio: bool) -> None:
    text = REGISTER.replace("AUDIO", str(audio).lower())
    rules = book()
    world.book = type(rules)(rules.policy, rules.policy_digest, parse_register(text.encode(), "register.yml"), text)


def write(world: World, start: datetime, film: Path) -> Path:
    path = world.record("hall", start)
    path.write_bytes(film.read_bytes())
    return path


def look(world: World) -> bool:
    """Do what the daemon does each minute; tell whether anything was looked into."""
    work = world.cycle.samples_wanted()
    if work is not None:
        world.cycle.take_samples(work())
    return work is not None


def told(world: World) -> list[Finding]:
    return [item for item in world.cycle.report().findings if item.key.kind is FindingKind.UNEXPECTED_AUDIO]


def test_sound_that_is_not_allowed_is_found_until_the_footage_is_gone(world: World, films: Path) -> None:
    register(world, audio=False)
    world.start()
    write(world, BEGIN - HOUR, films / "silent")
    world.scan()
    assert look(world)
    assert told(world) == []
    assert not look(world), "nothing is new"
    write(world, BEGIN + HOUR, films / "loud")
    write(world, BEGIN + HOUR + timedelta(minutes=1), films / "silent").write_bytes(b"")  # still being written
    world.pass_time(2 * HOUR)
    world.scan()
    assert look(world)
    (item,) = told(world)
    assert item.key.subject == "main / hall"
    (opened,) = [line for line in world.records("finding.opened") if line["kind"] == "unexpected_audio"]
    assert "hall" in opened["subject"]
    world.restart()
    assert [again.key for again in told(world)] == [item.key], "it is remembered"
    write(world, BEGIN + 3 * HOUR, films / "silent")
    world.scan()
    world.pass_time(HOUR)
    assert look(world)
    assert "has none" in told(world)[0].message
    world.pass_time(30 * DAY, look_every=DAY)
    world.approve()
    world.pass_time(DAY)
    assert told(world) == []
    assert [line for line in world.records("finding.closed") if line["kind"] == "unexpected_audio"]


def test_a_camera_that_records_nothing_new_is_looked_into_every_day_each_time_elsewhere(
    world: World, films: Path
) -> None:
    register(world, audio=False)
    world.start()
    for number in range(12):
        write(world, BEGIN - (12 - number) * HOUR, films / ("loud" if number == 6 else "silent"))
    world.scan()
    assert look(world)
    assert told(world) == [], "neither the first nor the last has sound"
    days = 0
    while not told(world):
        world.pass_time(DAY, look_every=DAY)
        assert look(world), "once a day"
        assert not look(world)
        days += 1
        assert days < 25, "twelve recordings, and each day another one"
    assert f"begins {BEGIN - 6 * HOUR:%Y-%m-%dT%H}" in told(world)[0].message


def test_the_finding_has_a_number_on_the_record_and_keeps_it_when_it_is_said_again(world: World, films: Path) -> None:
    register(world, audio=False)
    world.start()
    write(world, BEGIN - HOUR, films / "loud")
    world.scan()
    look(world)
    (item,) = told(world)
    (opened,) = [line for line in world.records("finding.opened") if line["kind"] == "unexpected_audio"]
    assert world.journal.decisions.opened_in[item.key] == opened["seq"]
    world.restart()
    assert world.journal.decisions.opened_in[item.key] == opened["seq"]


def test_a_word_in_the_register_is_enough_to_look_again(world: World, films: Path) -> None:
    register(world, audio=True)
    world.start()
    write(world, BEGIN - HOUR, films / "loud")
    world.scan()
    assert look(world)
    assert told(world) == []
    register(world, audio=False)
    world.cycle.replace_book(world.book)
    assert look(world)
    assert len(told(world)) == 1


def test_a_camera_of_which_nothing_can_be_told_is_a_finding(world: World) -> None:
    register(world, audio=False)
    world.start()
    for number in range(4):
        world.record("hall", BEGIN + number * 2 * HOUR).write_bytes(b"no film at all")
        world.scan()
        look(world)
        world.pass_time(2 * HOUR)
    assert FindingKind.SOURCE_UNREACHABLE in world.findings()


@pytest.mark.parametrize(
    "held", [b"", b"[", b"[]", b'{"schema": "x"}', b'{"schema": "retentiond.samples/1"}', b"[" * 9999]
)
def test_what_was_remembered_may_be_lost_or_broken(held: bytes, tmp_path: Path) -> None:
    path = tmp_path / "samples.json"
    assert SampleFile(str(path), writes=True).load() == ()
    path.write_bytes(held)
    assert SampleFile(str(path), writes=True).load() == ()
