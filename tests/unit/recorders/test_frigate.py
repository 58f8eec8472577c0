"""What Frigate's own configuration and database tell: cameras, sound, what it keeps, and what somebody marked."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from retentiond.domain.errors import StorageError
from retentiond.domain.finding import Finding, FindingKind
from retentiond.domain.period import parse_deletion_period
from retentiond.domain.recording import CameraName, Category, Place, Recording, StoreName, Stream
from retentiond.domain.register import Register
from retentiond.domain.rule import DeletionRule, Policy
from retentiond.recorders.configured import ConfiguredRecorder, Setup
from retentiond.recorders.frigate import BOOKS_EVERY_S, FrigateSource, build_frigate
from retentiond.recorders.frigate_layouts import frigate_classifier
from retentiond.services.check_recorders import check_recorders
from retentiond.services.rulebook import RuleBook
from tests.frigate_tree import CAMERAS, Frigate

STORE = StoreName("main")
EVENT = "1789717270.512345-k3x9ab"


@pytest.fixture
def frigate(tmp_path: Path) -> Frigate:
    made = Frigate(tmp_path)
    made.configure()
    return made


def build(frigate: Frigate) -> ConfiguredRecorder:
    return build_frigate(Setup(STORE, str(frigate.media), ZoneInfo("UTC"), str(frigate.config)))


def read(frigate: Frigate) -> ConfiguredRecorder:
    recorder = build(frigate)
    recorder.devices()
    return recorder


def sound_of(frigate: Frigate, text: str) -> str:
    frigate.configure(text)
    (device,) = build(frigate).devices()
    return device.sound if device.records_audio else "none"


def a_picture(name: str, directory: str = "clips", category: Category = Category.STILL) -> Recording:
    stream = Stream(STORE, CameraName("hall"), category)
    return Recording(stream, Place(directory.encode(), name.encode()), datetime(2026, 9, 18, tzinfo=UTC))


def drift(recorder: ConfiguredRecorder, period: str = "30d") -> list[Finding]:
    rule = DeletionRule("rule-1", frozenset(Category), parse_deletion_period(period))
    book = RuleBook(Policy((rule,), parse_deletion_period("1h")), "p", Register(), "r")
    return list(check_recorders([(STORE, recorder)], (), book, datetime(2026, 9, 18, tzinfo=UTC)))


# --- sound ------------------------------------------------------------------------------------------------------


def test_sound_is_on_where_the_configuration_is_silent(frigate: Frigate) -> None:
    said = sound_of(frigate, "record: {enabled: true}\ncameras: {hall: {}}")
    assert said.startswith("ffmpeg.output_args.record is preset-record-generic-audio-aac, the default")
    assert str(frigate.config) in said


@pytest.mark.parametrize(
    ("args", "sound"),
    [
        ("preset-record-generic", False),
        ("preset-record-mjpeg", False),
        ("preset-record-jpeg", False),
        ("preset-record-generic-audio-copy", True),
        ("preset-record-ubiquiti", True),
        ("preset-record-of-tomorrow", True),
        ("-f segment -c copy -an", False),
        ("-f segment -c copy", True),
        ("[-f, segment, -c, copy, -an]", False),
        ("[-f, segment, -c, copy]", True),
        ('""', True),
    ],
)
def test_the_arguments_of_the_recording_decide_about_sound(frigate: Frigate, args: str, *, sound: bool) -> None:
    text = f"record: {{enabled: true}}\nffmpeg: {{output_args: {{record: {args}}}}}\ncameras: {{hall: {{}}}}"
    assert (sound_of(frigate, text) != "none") is sound


def test_a_camera_that_is_not_recorded_has_no_sound_and_one_that_listens_has(frigate: Frigate) -> None:
    assert sound_of(frigate, "cameras: {hall: {}}") == "none"
    assert "audio.enabled" in sound_of(frigate, "cameras: {hall: {audio: {enabled: true}}}")


def test_a_cameras_own_setting_goes_before_the_common_one(frigate: Frigate) -> None:
    sounds = {device.camera: device.records_audio for device in build(frigate).devices()}
    assert sounds == {"hall": True, "yard": False}


# --- what it keeps ----------------------------------------------------------------------------------------------


def test_the_longest_setting_decides_and_the_finding_names_it_with_the_line_to_write(frigate: Frigate) -> None:
    found = drift(read(frigate))
    longer = [item for item in found if item.key.kind is FindingKind.RECORDER_KEEPS_LONGER]
    assert [item.key.subject for item in longer] == ["main / record.alerts.retain.days / rule-1"]
    assert longer[0].message == (
        "frigate keeps video recordings of cameras 'hall', 'yard' for 45d (record.alerts.retain.days), "
        "and rule 'rule-1' for 30d: "
        "retentiond deletes them then, and the recorder still believes that it has them"
    )
    assert longer[0].remedy == f"write record.alerts.retain.days: 30 in {frigate.config}"


def test_what_frigate_deletes_earlier_is_a_notice(frigate: Frigate) -> None:
    frigate.configure("record: {enabled: true}\ncameras: {hall: {}}")
    found = drift(read(frigate), "36h")
    assert {item.key.kind for item in found} == {FindingKind.RECORDER_KEEPS_LONGER}
    assert found[0].remedy == f"write record.detections.retain.days: 1.5 in {frigate.config}"
    found = drift(read(frigate), "30d")
    assert {item.key.kind for item in found} == {FindingKind.RECORDER_KEEPS_SHORTER}
    assert drift(read(frigate), "10d") == []


@pytest.mark.parametrize(
    "text",
    [
        "record: {enabled: true, continuous: {days: 90}}",
        "record: {enabled: true, motion: {days: 90.0}}",
        'record: {enabled: true, retain: {days: "90"}}',
        "record: {enabled: true, events: {retain: {default: 90}}}",
    ],
)
def test_every_spelling_of_a_retention_counts(frigate: Frigate, text: str) -> None:
    frigate.configure(f"{text}\ncameras: {{hall: {{}}}}")
    (longer,) = [item for item in drift(read(frigate)) if item.key.kind is FindingKind.RECORDER_KEEPS_LONGER]
    assert "for 90d" in longer.message


def test_the_longest_of_the_pictures_counts_and_nonsense_does_not(frigate: Frigate) -> None:
    frigate.configure(
        "snapshots: {retain: {default: .inf, objects: {person: 60, cat: x}}}\nrecord: {enabled: maybe}\n"
        "cameras: {hall: 7}"
    )
    (longer,) = [item for item in drift(read(frigate)) if item.key.kind is FindingKind.RECORDER_KEEPS_LONGER]
    assert "still" in longer.message
    assert "for 60d (snapshots.retain.objects.person)" in longer.message


def test_safe_mode_deletes_nothing(frigate: Frigate) -> None:
    frigate.configure("safe_mode: true\ncameras: {hall: {}}")
    (found,) = drift(read(frigate))
    assert "without end (safe_mode)" in found.message


# --- a configuration that cannot be used --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["", "cameras", "a: [", "\x00", "- " * 5000, "&a [*a]", "\t: {", "🙂: {}", "a: !!python/x 1"]
)
def test_a_configuration_that_is_none_is_the_recorders_trouble_or_has_no_cameras(frigate: Frigate, text: str) -> None:
    frigate.configure(text)
    recorder = build(frigate)
    try:
        assert recorder.devices() == ()
    except StorageError as error:
        assert str(frigate.config) in str(error)
        assert recorder.trouble == str(error)
    assert recorder.ready


def test_what_was_read_last_stays_while_the_configuration_is_broken(frigate: Frigate) -> None:
    recorder = read(frigate)
    before = recorder.retentions
    frigate.configure("cameras: [")
    with pytest.raises(StorageError, match="no YAML in line"):
        recorder.devices()
    assert recorder.retentions == before
    frigate.configure(CAMERAS)
    recorder.devices()
    assert recorder.trouble is None


def test_keys_are_what_was_written_and_merges_are_followed(frigate: Frigate) -> None:
    frigate.configure("x: &all {record: {enabled: on}}\ncameras:\n  on: {<<: *all}\n  01: {<<: [*all]}\n  1.0: {}\n")
    found = {device.camera: device.records_audio for device in build(frigate).devices()}
    assert found == {"on": True, "01": True, "1.0": False}


def test_aliases_cannot_blow_up(frigate: Frigate) -> None:
    lines = ["a0: &a0 {k: v}"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    frigate.configure("\n".join([*lines, "cameras: {hall: {<<: *a59}}"]))
    assert [device.camera for device in build(frigate).devices()] == ["hall"]


# --- the database -------------------------------------------------------------------------------------------------


def test_cameras_that_only_the_database_knows_are_seen(frigate: Frigate) -> None:
    frigate.make_database()
    frigate.add_recording("recordings/2026-09-18/07/attic/41.10.mp4", "attic", 1789717270.5)
    assert {device.camera for device in read(frigate).devices()} == {"hall", "yard", "attic"}


def test_rows_that_say_the_same_as_their_names_are_no_finding(frigate: Frigate) -> None:
    frigate.make_database()
    frigate.add_recording("recordings/2026-09-18/07/hall/41.10.mp4", "hall", 1789717270.9)
    assert read(frigate).oddities == ()


@pytest.mark.parametrize(("camera", "start"), [("hall", 1789717270.5 + 7200), ("yard", 1789717270.5)])
def test_rows_that_say_something_else_are_a_finding(frigate: Frigate, camera: str, start: float) -> None:
    frigate.make_database()
    frigate.add_recording("recordings/2026-09-18/07/hall/41.10.mp4", camera, start)
    (found,) = read(frigate).oddities
    assert found.key.kind is FindingKind.SOURCES_DISAGREE
    assert found.message.startswith("1 of the 1 newest recordings")


def test_exports_are_a_finding_with_their_count(frigate: Frigate) -> None:
    frigate.make_database()
    frigate.add_export("hall", "abc")
    (found,) = read(frigate).oddities
    assert (found.key.kind, "Frigate has exports (1)" in found.message) == (FindingKind.RECORDER_KEEPS_LONGER, True)


def test_pictures_of_a_marked_event_are_locked_as_the_database_says_at_that_moment(frigate: Frigate) -> None:
    frigate.make_database()
    frigate.add_event(EVENT, "hall", retained=False)
    frigate.add_event("1789717270.9-zzzzzz", "hall", retained=True)
    recorder = read(frigate)
    pictures = [
        a_picture(f"hall-{EVENT}-clean.webp"),
        a_picture(f"hall-{EVENT}.jpg"),
        a_picture(f"{EVENT}.webp", "clips/thumbs/hall"),
    ]
    others = [
        a_picture("hall-1789717271.0-k3x9ab.jpg"),
        a_picture("41.10.mp4", "recordings/2026-09-18/07/hall", Category.VIDEO),
    ]
    assert list(recorder.withheld([*pictures, *others])) == []
    frigate.retain(EVENT, retained=True)
    assert list(recorder.withheld([*pictures, *others])) == pictures
    frigate.database.write_bytes(b"no database")
    assert list(recorder.withheld(pictures)) == [], "what was marked since the last look cannot be known"
    assert list(recorder.withheld([a_picture("hall-1789717270.9-zzzzzz.jpg")])) != []


def test_a_database_that_cannot_be_read_is_told_and_keeps_nothing_from_going(frigate: Frigate) -> None:
    frigate.database.write_bytes(b"x" * 4096)
    recorder = read(frigate)
    assert "the recorder's database cannot be read" in (recorder.trouble or "")
    assert list(recorder.withheld([a_picture(f"hall-{EVENT}.jpg")])) == []


def test_a_database_of_another_version_says_what_it_can(frigate: Frigate) -> None:
    import sqlite3

    with sqlite3.connect(frigate.database) as connection:
        connection.execute("CREATE TABLE recordings (id TEXT, camera TEXT, path TEXT)")
        connection.execute("INSERT INTO recordings VALUES ('1', 'attic', 'x')")
    connection.close()
    recorder = read(frigate)
    assert recorder.trouble is None
    assert "attic" in {device.camera for device in recorder.devices()}


def test_the_database_is_looked_into_only_now_and_then(frigate: Frigate) -> None:
    clock = [1000.0]
    source = FrigateSource(
        STORE, str(frigate.media), str(frigate.config), frigate_classifier(UTC), monotonic=lambda: clock[0]
    )
    source.read(None)
    frigate.make_database()
    frigate.add_export("hall", "abc")
    clock[0] += BOOKS_EVERY_S - 1
    assert source.read(None).oddities == ()
    clock[0] += 2
    assert len(source.read(None).oddities) == 1


def test_an_older_frigate_keeps_its_database_with_the_media(frigate: Frigate) -> None:
    frigate.database = frigate.media / "frigate.db"
    frigate.make_database()
    frigate.add_export("hall", "abc")
    assert len(build_frigate(Setup(STORE, str(frigate.media), UTC)).devices()) == 0
    assert len(read(frigate).oddities) == 1
