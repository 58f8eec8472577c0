"""Moonfire: nothing of it is ever deleted here, and its database tells what is overdue."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from retentiond.domain.errors import StorageError
from retentiond.domain.finding import Finding, FindingKind
from retentiond.domain.period import parse_deletion_period
from retentiond.domain.recording import Category, Kept, StoreName, Unclassified
from retentiond.domain.register import Register
from retentiond.domain.rule import DeletionRule, Policy
from retentiond.ports import Entry, EntryKind
from retentiond.recorders.configured import ConfiguredRecorder, Setup
from retentiond.recorders.moonfire import build_moonfire
from retentiond.services.check_recorders import check_recorders, observed_status
from retentiond.services.rulebook import RuleBook
from tests.moonfire_tree import Moonfire

STORE = StoreName("main")
NOW = datetime(2026, 9, 18, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(params=[False, True], ids=["schema 7", "schema 6"])
def moonfire(request: pytest.FixtureRequest, tmp_path: Path) -> Moonfire:
    return Moonfire(tmp_path / "db" / "db", tmp_path / "sample", old=request.param)


def build(moonfire: Moonfire, config: Path | None = None) -> ConfiguredRecorder:
    named = str(config or moonfire.database.parent)
    return build_moonfire(Setup(STORE, str(moonfire.store), UTC, named))


def check(recorder: ConfiguredRecorder, *categories: Category, now: datetime = NOW) -> dict[FindingKind, Finding]:
    recorder.devices()
    rule = DeletionRule("rule-1", frozenset(categories or (Category.VIDEO,)), parse_deletion_period("30d"))
    book = RuleBook(Policy((rule,), timedelta(seconds=60)), "p", Register(), "r")
    return {item.key.kind: item for item in check_recorders([(STORE, recorder)], (), book, now)}


def test_its_files_are_never_recordings(moonfire: Moonfire) -> None:
    recorder = build(moonfire)
    names = [b"meta", b"0000000100000001", b"000000010000000g", b"notes.txt"]
    seen = recorder.classify(b"", [Entry(name, EntryKind.FILE) for name in names])
    assert [type(item) for item in seen] == [Kept, Kept, Unclassified, Unclassified]


def test_what_is_overdue_is_told_with_what_to_set(moonfire: Moonfire) -> None:
    main, sub = moonfire.add_stream("hall"), moonfire.add_stream("hall", "sub")
    moonfire.record(main, NOW - 29 * DAY)
    moonfire.record(sub, NOW - 30 * DAY)
    assert FindingKind.OVERDUE not in check(build(moonfire))
    late = check(build(moonfire), now=NOW + timedelta(seconds=1))[FindingKind.OVERDUE]
    assert late.key.subject == "main / hall / video"
    assert "2026-08-19T00:00:00.000Z" in late.message
    assert "stream sub" in late.remedy
    assert "retain_bytes" in late.remedy


def test_what_is_overdue_is_counted_over_all_streams(moonfire: Moonfire) -> None:
    main, sub = moonfire.add_stream("hall"), moonfire.add_stream("hall", "sub")
    for stream in (main, sub):
        for age in (40, 31, 30, 29, 0):
            moonfire.record(stream, NOW - age * DAY)
    recorder = build(moonfire)
    recorder.devices()
    rule = DeletionRule("rule-1", frozenset(Category), parse_deletion_period("30d"))
    book = RuleBook(Policy((rule,), timedelta(seconds=60)), "p", Register(), "r")
    (status,) = observed_status(STORE, recorder, book, NOW)
    assert (status.recordings, status.overdue) == (10, 4)
    assert (status.oldest, status.newest) == (NOW - 40 * DAY, NOW)
    assert status.overdue_since == NOW - 10 * DAY
    assert status.period_s == 30 * 86_400
    (uncovered,) = observed_status(STORE, recorder, replace(book, policy=Policy((), timedelta(seconds=60))), NOW)
    assert (uncovered.overdue, uncovered.overdue_since, uncovered.period_s) == (0, None, None)


def test_what_no_rule_covers_is_told(moonfire: Moonfire) -> None:
    moonfire.record(moonfire.add_stream("hall"), NOW - DAY)
    assert check(build(moonfire), Category.STILL)[FindingKind.UNCOVERED].key.subject == "main / hall / video"


@pytest.mark.parametrize(
    ("retain", "kind"),
    [
        (31_000, FindingKind.RECORDER_KEEPS_LONGER),
        (29_000, FindingKind.RECORDER_KEEPS_SHORTER),
        (30_000, None),
    ],
)
def test_bytes_are_held_against_days_at_the_rate_of_the_last_day(
    moonfire: Moonfire, retain: int, kind: FindingKind | None
) -> None:
    stream = moonfire.add_stream("hall", retain=retain)
    moonfire.record(stream, NOW - 3 * DAY, size=10**6)
    moonfire.record(stream, NOW - timedelta(hours=12), size=600)
    moonfire.record(stream, NOW, size=400)
    found = check(build(moonfire))
    assert set(found) == (set() if kind is None else {kind})
    if kind is FindingKind.RECORDER_KEEPS_LONGER:
        assert "only the recorder itself may" in found[kind].message
        assert "to 30 times what it records in a day, now 1,000 bytes" in found[kind].remedy


def test_its_cameras_have_no_sound(moonfire: Moonfire) -> None:
    moonfire.add_stream("hall")
    moonfire.add_stream("hall", "sub")
    moonfire.add_stream("yard")
    seen = [(item.camera, item.records_audio) for item in build(moonfire).devices()]
    assert seen == [
        ("hall", False),
        ("yard", False),
    ]


def test_the_directory_is_known_by_its_mark_where_a_container_calls_it_otherwise(tmp_path: Path) -> None:
    moonfire = Moonfire(tmp_path / "db", tmp_path / "sample", told="/media/nvr")
    moonfire.add_stream("hall")
    assert len(build(moonfire, tmp_path / "db").devices()) == 1
    (moonfire.store / "meta").write_bytes(bytes(512))
    with pytest.raises(StorageError, match="keeps nothing below"):
        build(moonfire, tmp_path / "db").devices()


def test_a_database_that_is_none_is_trouble_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "db").write_bytes(b"no database" * 100)
    recorder = build_moonfire(Setup(STORE, str(tmp_path), UTC, str(tmp_path)))
    with pytest.raises(StorageError, match="cannot be read"):
        recorder.devices()
    assert recorder.ready
    moonfire = Moonfire(tmp_path / "x" / "db", tmp_path / "s")
    moonfire.record(moonfire.add_stream("hall"), datetime(9000, 1, 1, tzinfo=UTC))
    assert build(moonfire).devices()
