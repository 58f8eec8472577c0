"""The fold kept beside the trail: believed where the trail vouches for it, made anew where not."""

import json
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from retentiond.audit.cache import DecisionFile
from retentiond.audit.reader import TrailOnDisk
from retentiond.domain.decisions import Decisions
from retentiond.domain.event import (
    Event,
    EventType,
    approval_given,
    finding_acknowledged,
    finding_closed,
    finding_opened,
    intents,
    not_deleted,
)
from retentiond.domain.finding import FindingKind
from retentiond.domain.hold_event import (
    Widening,
    hold_approved,
    hold_extended,
    hold_placed,
    hold_released,
    hold_widened,
)
from retentiond.domain.incident import Change, Incident, Ruling, Verdict
from retentiond.domain.incident_event import (
    Footage,
    incident_approved,
    incident_changed,
    incident_closed,
    incident_decided,
    incident_lapsed,
    incident_opened,
)
from retentiond.domain.recording import Category
from retentiond.domain.suspension import Reach
from retentiond.domain.violation import Violation
from tests.builders import CAMERA, NOW, STORE, a_finding, a_plan, a_recording, a_suspension, an_event, an_intended, at
from tests.integration.audit.disk_trail import DiskTrail


@pytest.fixture
def disk(tmp_path: Path) -> DiskTrail:
    disk = DiskTrail(tmp_path / "audit")
    with disk.open() as trail:
        trail.append(everything())
    return disk


def everything() -> list[Event]:
    """Return events of every kind that decides something, and some that were overtaken."""
    name = b"caf\xc3\xa9/\xff\x0a\\.mp4"
    three = [an_intended("c-1"), an_intended("c-2"), an_intended("c-3", recording=a_recording(path=name))]
    later = NOW + timedelta(hours=5)
    kept, gone = a_finding(), a_finding(FindingKind.OVERDUE, "other")
    return [
        an_event(EventType.POLICY_LOADED, digest="p1"),
        an_event(EventType.REGISTER_LOADED, digest="r1", added=["room hall: there"]),
        an_event(EventType.STORE_ADOPTED, store="main", inode=5, file_system="ext4"),
        an_event(EventType.AUDIT_FORKED, lost=2),
        *intents(STORE, "run-1", three),
        not_deleted(EventType.DELETION_VOID, 4, "c-1", a_recording(), "changed"),
        approval_given(a_plan("ab" * 32), "op-1", later),
        approval_given(a_plan("cd" * 32), "op-1", later),
        an_event(EventType.RUN_COMPLETED, approval="ab" * 32),
        finding_opened(kept),
        finding_opened(gone),
        finding_acknowledged(kept.key, "op-1", "known", later),
        finding_closed(gone.key),
        finding_acknowledged(gone.key, "op-1", "too late", later),
        *holds(),
        *incidents(),
        *doubts(),
    ]


def doubts() -> list[Event]:
    """Return a clock that was behind for a while, and is in doubt again."""
    told = {"state": "behind", "ahead_s": -360_000, "unsettled_s": -360_000, "leap_s": None}
    times = {"from": "2026-03-01T00:00:00.000Z", "last": "2026-03-05T04:00:00.000Z"}
    over = {"unsettled_s": None, "from": None, "leap_s": 0, "last": "2026-03-05T08:00:00.000Z"}
    return [an_event(EventType.CLOCK_STATE, **{**told, **more}) for more in (times, over, times)]


def holds() -> list[Event]:
    """Return a hold in each state: on one person's word, approved and to be extended, and ended."""
    first, second, third = (a_suspension(f"H-{number}") for number in (1, 2, 3))
    reach = Reach(STORE, CAMERA, frozenset({Category.VIDEO}), NOW, NOW + timedelta(hours=1))
    return [
        hold_placed(replace(first, longest_period=timedelta(days=30)), {"recordings": 3}),
        *hold_widened("H-1", [reach], Widening.RUNNING, NOW),
        hold_placed(second, {}),
        hold_approved(second, "op-2", NOW),
        hold_extended(second, "op-1", NOW, until=at("2027-06-01"), review=at("2026-06-01")),
        hold_placed(third, {}),
        hold_released(third, "op-1", "not needed", NOW, due=4),
    ]


def incidents() -> list[Event]:
    """Return an incident in each state: open, decided by one, being deleted, lapsed, and dismissed."""
    reach = Reach(STORE, CAMERA, frozenset(), NOW, NOW + timedelta(hours=1))
    part = Violation("room-2", "d-1", reach, NOW)
    ended = replace(part, reach=replace(reach, until=NOW + timedelta(minutes=1)))
    opened = [Incident(f"I-{number}", "room-2", NOW, at("2026-05-01"), (part,)) for number in range(1, 6)]
    ruling = Ruling(Verdict.DELETE, "why", "no. 12", "op-1", NOW, 3, "ab", (reach,))
    dismissal = replace(ruling, verdict=Verdict.DISMISS, at=at("2026-05-01"))
    decided = [replace(item, ruling=dismissal if item.ident == "I-5" else ruling) for item in opened]
    footage = Footage(3, NOW, NOW, "ab")
    return [
        *(event for item in opened for event in incident_opened(item, footage)),
        *incident_changed("I-1", Change.RUNNING, [replace(part, device="d-2")], [ended], NOW),
        *(event for item in decided[1:] for event in incident_decided(item, item.ruling or ruling)),
        incident_approved(opened[2], ruling, "op-2", NOW),
        incident_lapsed(opened[3], 3),
        incident_approved(opened[4], dismissal, "op-2", NOW),
        incident_closed(replace(decided[4], approved_at=NOW), NOW),
    ]


def cache_of(disk: DiskTrail) -> DecisionFile:
    return DecisionFile(str(disk.path.parent / "decisions.json"), str(disk.log))


def replayed(disk: DiskTrail) -> Decisions:
    decisions = Decisions()
    decisions.apply_all(TrailOnDisk(str(disk.log)).records())
    return decisions


def load(disk: DiskTrail) -> Decisions:
    return cache_of(disk).load(TrailOnDisk(str(disk.log)))


def spoil(disk: DiskTrail, **changed: Any) -> None:
    path = disk.path.parent / "decisions.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


def mark(disk: DiskTrail) -> None:
    """Make it visible whether the cache is believed."""
    cache_of(disk).save(replayed(disk))
    spoil(disk, policy_digest="from the cache")


def believed(disk: DiskTrail) -> bool:
    return load(disk).policy_digest == "from the cache"


def test_what_is_loaded_is_what_a_replay_gives(disk: DiskTrail) -> None:
    assert load(disk) == replayed(disk)
    cache_of(disk).save(replayed(disk))
    assert load(disk) == replayed(disk)
    disk.fill(2)
    assert load(disk) == replayed(disk)


def test_the_whole_fold_is_kept(disk: DiskTrail) -> None:
    decisions = replayed(disk)
    empty = [item.name for item in fields(Decisions) if not getattr(decisions, item.name)]
    assert empty == []
    cache_of(disk).save(decisions)
    assert load(disk) == decisions


def test_only_what_came_after_the_cache_is_read_again(disk: DiskTrail) -> None:
    mark(disk)
    assert believed(disk)
    disk.fill(3)
    assert believed(disk)
    assert load(disk).seq == len(disk.lines())


def test_later_records_are_folded_in_over_the_cache(disk: DiskTrail) -> None:
    mark(disk)
    with disk.open() as trail:
        trail.append([an_event(EventType.POLICY_LOADED, digest="p2")])
    assert load(disk).policy_digest == "p2"


def test_a_cache_is_believed_over_segments(disk: DiskTrail) -> None:
    mark(disk)
    disk.now += timedelta(days=31)
    disk.fill(2)
    assert len(disk.files()) == 2
    assert believed(disk)
    mark(disk)
    disk.now += timedelta(days=31)
    disk.fill(2)
    assert believed(disk)


def test_a_cache_of_another_trail_is_not_believed(disk: DiskTrail, tmp_path: Path) -> None:
    mark(disk)
    for path in [*disk.files(), disk.path / "checkpoint"]:
        path.unlink()
    with disk.open() as trail:
        trail.append(everything())
    assert not believed(disk)
    assert load(disk) == replayed(disk)


def test_a_cache_that_is_ahead_of_the_trail_is_not_believed(disk: DiskTrail) -> None:
    disk.fill(3)
    mark(disk)
    (path,) = disk.files()
    path.write_bytes(b"".join(line + b"\n" for line in disk.lines()[:-2]))
    assert not believed(disk)


@pytest.mark.parametrize(
    "changed",
    [
        {"schema": "retentiond.decisions/0"},
        {"leaf": "00" * 32},
        {"leaf": None},
        {"seq": 0},
        {"seq": 0, "leaf": None},
        {"seq": -1},
        {"seq": 10_000},
        {"seq": 10_000, "leaf": None},
        {"seq": "5"},
        {"findings": [{"kind": "no_such_kind"}]},
        {"findings": 5},
        {"intents": [{}]},
        {"approvals": [{"digest": "x", "store": "main", "count": 1, "expires": "never"}]},
        {"adopted": []},
    ],
    ids=str,
)
def test_a_damaged_cache_is_not_believed(disk: DiskTrail, changed: dict[str, Any]) -> None:
    mark(disk)
    spoil(disk, **changed)
    assert not believed(disk)
    assert load(disk) == replayed(disk)


@pytest.mark.parametrize("data", [b"", b"\xff", b"null", b"[]", b"5", b"{", b"{}", b"[" * 100_000])
def test_a_cache_that_is_none_is_not_believed(disk: DiskTrail, data: bytes) -> None:
    (disk.path.parent / "decisions.json").write_bytes(data)
    assert load(disk) == replayed(disk)


def test_saving_never_raises(disk: DiskTrail) -> None:
    (disk.path.parent / "decisions.json").mkdir()
    cache_of(disk).save(replayed(disk))
    assert load(disk) == replayed(disk)
    DecisionFile(str(disk.path / "missing" / "x"), str(disk.log)).save(replayed(disk))
    DecisionFile(str(disk.path / "x"), str(disk.path / "missing")).save(replayed(disk))
    assert not (disk.path / "x").exists()


def test_a_fold_that_the_trail_does_not_vouch_for_is_not_kept(disk: DiskTrail) -> None:
    cache_of(disk).save(Decisions(seq=99))
    cache_of(disk).save(Decisions())
    assert not (disk.path.parent / "decisions.json").exists()


def test_a_cache_of_any_length_is_believed(disk: DiskTrail) -> None:
    for size in range(1, len(disk.lines()) + 1):
        decisions = Decisions()
        decisions.apply_all(record for record in TrailOnDisk(str(disk.log)).records() if record.seq < size)
        cache_of(disk).save(decisions)
        spoil(disk, adopted={"from the cache": {}})
        assert "from the cache" in load(disk).adopted
