"""What is printed says enough to go on: what to type next can be typed, and it does what was said."""

import re
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from tests.clips import make_clip
from tests.integration.cli.conftest import Make
from tests.integration.cli.place import OFFSET, Place
from tests.integration.cli.test_standard_streams import on_a_terminal

INSTANT = re.compile(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d {re.escape(OFFSET)}")


def commands_in(text: str) -> list[list[str]]:
    """Return the commands that a text tells a person to type."""
    return [shlex.split(match)[1:] for match in re.findall(r"retentiond (?:approve|findings ack)[^\n]*", text)]


def test_a_plan_says_what_to_type_and_that_releases_it(make: Make) -> None:
    place = make()
    with place.running():
        place.accept_clock()
        place.wait(place.is_waiting, "a plan")
        (typed,) = commands_in(place.call("plan").out)
        done = place.call(*typed)
        assert (done.status, done.err) == (0, "")
        assert re.fullmatch(r"approved: main-[0-9a-f]{8}, 2 recordings; the daemon deletes them now\n", done.out)
        place.wait(lambda: len(place.files("*.mp4")) == 4, "the deletion")
        again = place.call(*typed)
        assert again.status == 2
        assert "waits for approval (waiting: none); look again: retentiond plan" in again.err
        found = place.call("find", "--camera", "entrance").out.splitlines()
        assert [line.split("  ")[0][-len(OFFSET) :] for line in found[1:4]] == [OFFSET] * 3
        assert found[-1] == "2 recordings on the disk, 1 recording deleted"
        assert INSTANT.search(found[1].partition("deleted ")[2])


def test_an_approval_while_no_daemon_runs_says_when_it_takes_effect(make: Make) -> None:
    place = make()
    with place.running():
        place.accept_clock()
        place.wait(place.is_waiting, "a plan")
        (typed,) = commands_in(place.call("plan").out)
    done = place.call(*typed)
    assert (done.status, done.err) == (0, "")
    assert done.out.endswith("2 recordings; the daemon deletes them when it is started, within 24 hours\n")
    assert len(place.files("*.mp4")) == 6
    with place.running():
        place.wait(lambda: len(place.files("*.mp4")) == 4, "the deletion")


def test_a_finding_says_how_to_note_it_and_that_notes_it(make: Make) -> None:
    place = make()
    with place.running():
        place.accept_clock()
        place.wait(place.is_waiting, "a plan")
        listed = place.call("findings", "list").out
        assert "retentiond findings show KIND" in listed
        shown = place.call("findings", "show", "audit_unsigned").out
        assert re.search(rf"subject audit trail, open since {INSTANT.pattern}", shown)
        (typed,) = commands_in(shown)
        assert typed[:4] == ["findings", "acknowledge", "audit_unsigned", "audit trail"]
        assert place.call(*typed).status == 0
        listed = place.call("findings", "list").out
        assert "NOTED   audit_unsigned" in listed
        assert re.search(rf"noted by op-[0-9a-f]{{8}} until {INSTANT.pattern}: …", listed)
    other = place.call("findings", "show", "overdue", "none / of / them")
    assert other.complaints == [
        "retentiond: no open finding of kind 'overdue' about 'none / of / them'; see: retentiond findings list"
    ]


def test_an_empty_directory_is_no_camera_until_something_is_recorded_into_it(fresh: Place) -> None:
    (fresh.store / "cellar" / "2026-03-01").mkdir(parents=True)
    assert "cellar" not in fresh.call("check").out
    fresh.record("cellar", datetime.now(UTC) - timedelta(days=1))
    assert "unregistered_device: camera 'cellar'" in fresh.call("check").out


def test_a_check_says_what_somebody_knows_of_and_still_finds_it(make: Make) -> None:
    place = make()
    place.record("stray", datetime.now(UTC) - timedelta(days=1))
    place.accept_clock()
    place.call("run", "--once")
    assert "BREACH  unregistered_device" in place.call("check").out
    note = ("findings", "acknowledge", "unregistered_device", "main / stray", "--why", "being looked into", "--for")
    assert place.call(*note, "14d").status == 0
    again = place.call("check")
    assert "NOTED   unregistered_device" in again.out
    assert again.status == 1


def test_without_a_record_nothing_is_called_fine(fresh: Place) -> None:
    for command in ("findings list", "findings show overdue", "audit show", "audit verify"):
        done = fresh.call(*command.split())
        assert done.status == 74
        assert "there is no audit trail yet; the daemon makes one at its first start" in done.err


def test_once_says_how_things_stand(make: Make) -> None:
    place = make()
    done = place.call("run", "--once")
    assert done.status == 1
    assert re.match(r"mode      enforce, running since ", done.out)
    assert "clock_not_credible" in done.out
    assert place.call_json("run", "--once")["schema"] == "retentiond.status/1"


def test_the_clock_says_how_far_it_is_off(left: Place) -> None:
    shown = left.call("clock", "status").out
    assert re.search(r"^difference     the system clock is equal to trusted time$", shown, re.MULTILINE)
    assert abs(left.call_json("clock", "status")["ahead_s"]) < 2
    fresh_words = left.call("clock", "accept", "--wall", "2020-01-01T00:00:00Z")
    assert fresh_words.status == 75


def test_an_unanchored_clock_says_what_to_type_and_that_is_taken(fresh: Place) -> None:
    shown = fresh.call("clock", "status").out
    assert "state          unanchored" in shown
    typed = shlex.split(shown.splitlines()[-1])
    assert typed[:4] == ["retentiond", "clock", "accept", "--wall"]
    assert typed[4].endswith(OFFSET)
    assert fresh.call(*typed[1:]).status == 0
    assert "state          trusted" in fresh.call("clock", "status").out


def test_the_register_says_of_when_it_speaks(left: Place) -> None:
    for command in (("register", "show", "--at", "2026-03-01"), ("register", "at", "2026-03-01")):
        assert left.call(*command).out.startswith(f"at 2026-03-01 00:00:00 {OFFSET}\n")
    assert left.call_json("register", "at", "2026-03-01")["at"] == "2026-02-28T18:30:00.000Z"


def test_registers_are_compared_fact_by_fact(left: Place) -> None:
    other = left.register.with_name("other.yml")
    other.write_text(left.register.read_text().replace("name: Hall, class: public", "name: Hall, class: intimate-care"))
    other.chmod(0o644)
    done = left.call("register", "diff", str(other))
    assert (done.status, done.err) == (1, "")
    assert done.out == "- room hall: class public, always to open\n+ room hall: class intimate-care, always to open\n"
    assert left.call("register", "diff", str(left.register)).out == "the registers say the same\n"
    other.write_text(left.register.read_text().replace("name: Hall", "name: Great hall"))
    renamed = left.call("register", "diff", str(other))
    assert (renamed.status, renamed.out) == (1, "- room hall: called 'Hall'\n+ room hall: called 'Great hall'\n")
    gone = left.call("register", "diff", str(other) + "x")
    assert gone.status == 78


@pytest.mark.parametrize(
    ("filters", "types"),
    [
        (("--type", "store.adopted"), {"store.adopted"}),
        (("--type", "recording.deleted", "--camera", "hall"), {"recording.deleted"}),
        (("--camera", "hall"), {"recording.deleted", "deletion.intent"}),
        (("--camera", "nobody"), set()),
        (("--run", "none"), set()),
        (("--since", "2999-01-01"), set()),
        (("--until", "2020-01-01"), set()),
    ],
)
def test_the_record_is_filtered(deleted: Place, filters: tuple[str, ...], types: set[str]) -> None:
    people, programs = deleted.call("audit", "show", *filters), deleted.call("audit", "show", *filters, "--json")
    assert (people.status, programs.status) == (0, 0)
    shown = {line.split()[4] for line in people.out.splitlines()}
    assert shown == types or (types == {"recording.deleted", "deletion.intent"} and types <= shown)
    assert len(people.out.splitlines()) == len(programs.out.splitlines())
    strange = "no record is about camera 'nobody'; on the record are, as recorders call them: entrance, hall"
    told = [] if types else [f"retentiond: {strange if 'nobody' in filters else 'no record is like that'}"]
    assert people.complaints == programs.complaints == told


@pytest.fixture(scope="module")
def deleted(make: Make) -> Place:
    place = make()
    assert place.call("store", "adopt", "main").status == 0
    place.accept_clock()
    place.call("run", "--once")
    assert place.approve_all() == 2
    place.call("run", "--once")
    assert len(place.files("*.mp4")) == 4
    return place


def test_the_record_is_told_in_words_and_in_the_local_zone(deleted: Place) -> None:
    shown = deleted.call("audit", "show").out
    run = re.search(r"main: run ([0-9a-f]{16}), 2 recordings, as approved", shown)
    assert run is not None
    for words in (
        r"policy\.loaded +mode enforce, [0-9a-f]{8}…: margin 1min; categories \[\"audio\",\"video\"\] period 30d; ",
        r"register\.loaded +1 room, 2 devices, [0-9a-f]{8}…: \d+ facts added, 0 removed; which, says --json",
        r"store\.adopted +main: adopted by op-[0-9a-f]{8}, \w+, ",
        rf"clock\.accepted +{INSTANT.pattern}, typed as {INSTANT.pattern} by op-",
        rf"scan\.completed +main: 6 recordings, oldest {INSTANT.pattern}, 2 overdue",
        rf"approval\.given +main-[0-9a-f]{{8}}: 2 recordings, approved by op-[0-9a-f]{{8}} until {INSTANT.pattern}",
        rf"deletion\.intent +main: run {run[1]}, 2 recordings to be deleted",
        rf"recording\.deleted +main/hall/\S+\.mp4 of {INSTANT.pattern}, deadline {INSTANT.pattern}",
        rf"run\.completed +main: run {run[1]}, 2 deleted, 0 failed, 0 void, 0 skipped",
        r"heartbeat +mode enforce, \d+ findings?; main present, 4 recordings, 0 overdue",
    ):
        assert re.search(words, shown), words
    ours = deleted.call("audit", "show", "--run", run[1], "--json").out.splitlines()
    assert len(ours) == 5


def test_another_policy_is_compared_with_the_one_in_force(deleted: Place) -> None:
    other = deleted.config.with_name("other.yml")
    text = deleted.config.read_text().replace("deletion_period: 30d", "deletion_period: 5d")
    other.write_text(text)
    other.chmod(0o644)
    good, deleted.config = deleted.config, other
    try:
        shown = deleted.call("plan").out
        change = deleted.call_json("plan")["stores"][0]["changes"]
    finally:
        deleted.config = good
    assert "under rules that are not in force" in shown
    rows = [line.split() for line in shown.splitlines() if line.startswith("    ") and " 30d " in line]
    assert rows == [[camera, "video", "2", "30d", "5d", "1", "0"] for camera in ("entrance", "hall")]
    assert [(item["before_s"], item["after_s"]) for item in change] == [([30 * 86_400], [5 * 86_400])] * 2
    assert len(deleted.files("*.mp4")) == 4
    assert "under rules" not in deleted.call("plan").out


def test_a_later_day_shows_what_goes_until_then(deleted: Place) -> None:
    later = (datetime.now(UTC) + timedelta(days=25)).strftime("%Y-%m-%d")
    assert (
        "go by themselves   2 recordings, explained by the passing of time" in deleted.call("plan", "--at", later).out
    )
    assert deleted.call_json("plan", "--at", later)["runs"][0]["count"] == 2


def test_columns_stand_under_their_heads(deleted: Place) -> None:
    for command, last in (("find --camera hall", "path"), ("store list", "last scan"), ("store show main", "overdue")):
        head, *rows = deleted.call(*command.split()).out.splitlines()
        column = head.index(last)
        for row in rows:
            if "  " in row:
                assert row[column - 1] == " "
                assert row[column] != " "


def test_a_long_scan_is_counted_where_a_person_watches(fresh: Place) -> None:
    for number in range(50):
        (fresh.store / "entrance" / f"2026-01-{number:03}").mkdir()
    assert "scanning: " in on_a_terminal(fresh, "check")
    assert "scanning: " not in fresh.call("check").err


def test_what_was_not_scanned_whole_is_never_called_all_there_is(make: Make) -> None:
    place = make()
    assert place.call("store", "adopt", "main").status == 0  # which makes a catalogue, and scans nothing
    words = "store main has not been scanned whole yet: there may be more on its disk"
    for command in ("check", "find --camera hall", "store show main"):
        done = place.call(*command.split())
        assert done.out.splitlines()[-1 if command != "check" else -2] == words
        assert place.call_json(*command.split())["incomplete"] == [
            {"store": "main", "condition": "present", "last_scan": None}
        ]
    assert "no findings\n" not in place.call("check").out
    place.accept_clock()
    place.call("run", "--once")
    for command in ("check", "find --camera hall", "store show main"):
        assert words not in place.call(*command.split()).out
        assert place.call_json(*command.split())["incomplete"] == []


def test_what_is_said_of_a_disk_that_is_away_is_said_to_be_old(make: Make) -> None:
    place = make()
    assert place.call("store", "adopt", "main").status == 0
    place.accept_clock()
    place.call("run", "--once")
    place.store.rename(place.store.with_name("away"))
    for command in ("check", "find --camera hall", "store show main"):
        done = place.call(*command.split())
        assert re.search(
            rf"^store main is absent: what is said to be on its disk is what the scan at {INSTANT.pattern} saw$",
            done.out,
            re.MULTILINE,
        )
    (item,) = place.call_json("find", "--camera", "hall")["incomplete"]
    assert (item["store"], item["condition"]) == ("main", "absent")


@pytest.mark.parametrize(
    "command",
    [
        "find --camera hall --from 2026-03-02 --to 2026-03-01",
        "find --camera hall --from 2026-03-01 --to 2026-03-01",
        "audit show --since 2026-03-02 --until 2026-03-01",
    ],
)
def test_a_time_that_ends_before_it_begins_is_no_empty_answer(left: Place, command: str) -> None:
    done = left.call(*command.split())
    assert (done.status, done.out) == (2, "")
    assert re.search(rf" {INSTANT.pattern} is no earlier than --(to|until) {INSTANT.pattern}; exchange them$", done.err)


def test_sound_in_a_film_that_the_register_forbids_reaches_whoever_asks(make: Make) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not installed")
    place = make()
    text = place.config.read_text()
    place.config.write_text(text.replace("    recorder:", '    copies: ["nightly to backup1"]\n    recorder:', 1))
    film = make_clip(place.root / "loud", "fragmented.mp4", sound=True)
    newest = max(place.files("hall/**/*.mp4"), key=str)
    newest.write_bytes(film.read_bytes())

    def told() -> set[tuple[str, str]]:
        return {(item["kind"], item["subject"]) for item in place.call_json("findings", "list")["findings"]}

    with place.running():
        place.accept_clock()
        place.wait(lambda: ("unexpected_audio", "main / hall") in told(), "the sound to be found")
        assert ("second_copy", "main / nightly to backup1") in told()
    checked = {(item["kind"], item["subject"]) for item in place.call_json("check")["findings"]}
    assert {("unexpected_audio", "main / hall"), ("second_copy", "main / nightly to backup1")} <= checked


def test_who_waits_for_a_camera_that_is_not_on_the_record_is_told_so(deleted: Place) -> None:
    command = (sys.executable, "-m", "retentiond", "audit", "show", "--follow", "--camera", "nobody")
    with subprocess.Popen([*command, "--config", str(deleted.config)], stderr=subprocess.PIPE, text=True) as waiting:
        assert waiting.stderr is not None
        told = waiting.stderr.readline()
        waiting.terminate()
    strange = "no record is about camera 'nobody'; on the record are, as recorders call them: entrance, hall"
    assert told == f"retentiond: {strange}; waiting for one\n"
