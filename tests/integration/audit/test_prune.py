"""The trail's own retention: what goes, what stays, what is kept of it, and what a crash leaves."""

import base64
import hashlib
import json
import os
import shutil
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import rfc8785

from retentiond.audit.cache import DecisionFile
from retentiond.audit.kept import read_base
from retentiond.audit.leaves import read_tree
from retentiond.audit.prune import PrunePlan, months_before, plan_pruning
from retentiond.audit.reader import TrailOnDisk, records_since
from retentiond.audit.trail import Trail
from retentiond.audit.verify import PROGRESS_EVERY, verify_trail
from retentiond.domain.decisions import Decisions
from retentiond.domain.errors import AuditDamagedError, StorageError, TryAgainError, UsageError
from retentiond.domain.event import Event, EventType, finding_opened, intents, not_deleted
from retentiond.domain.hold_event import hold_approved, hold_extended, hold_placed
from retentiond.domain.incident_event import Footage, incident_opened
from retentiond.tlog.errors import ProofError
from retentiond.tlog.proof import consistency_proof, inclusion_proof, verify_consistency, verify_inclusion
from retentiond.tlog.tree import Frontier
from tests.builders import STORE, a_finding, a_recording, a_suspension, an_event, an_incident, an_intended, at
from tests.integration.audit.disk_trail import SIGNER, DiskTrail, beats, leaf, root_by_definition

MONTHS = 6


@pytest.fixture
def disk(tmp_path: Path) -> DiskTrail:
    """Return a trail of six segments, one a month from January on, with decisions in the first."""
    disk = DiskTrail(tmp_path / "audit", now=at("2026-01-10"), signer=SIGNER)
    with disk.open() as trail:
        trail.append(
            [
                an_event(EventType.POLICY_LOADED, digest="p1"),
                an_event(EventType.STORE_ADOPTED, store="main", inode=5),
                finding_opened(a_finding()),
            ]
        )
    for month in range(1, MONTHS + 1):
        disk.now = at(f"2026-{month:02d}-10")
        disk.fill(2, each=5)
    return disk


def cache_of(disk: DiskTrail) -> DecisionFile:
    return DecisionFile(str(disk.path.parent / "decisions.json"), str(disk.log))


def replayed(disk: DiskTrail) -> Decisions:
    """Return the fold without any cache."""
    return DecisionFile(str(disk.path.parent / "no cache"), str(disk.log)).load(TrailOnDisk(str(disk.log)))


def plan(disk: DiskTrail, before: str = "2026-04-11", **changed: Any) -> PrunePlan:
    return plan_pruning(str(disk.path), at(before), changed.get("decisions") or replayed(disk))


def prune(disk: DiskTrail, before: str = "2026-04-11") -> None:
    made = plan(disk, before)
    with disk.open() as trail:
        trail.prune(made, replayed(disk))


# --- what goes ----------------------------------------------------------------------------------------------------


def test_a_plan_names_whole_segments_and_changes_nothing(disk: DiskTrail) -> None:
    before = {path: path.read_bytes() for path in disk.path.rglob("*") if path.is_file()}
    made = plan(disk)
    first, second, third, *_ = disk.files()
    assert [segment.name for segment in made.segments] == [first.name, second.name, third.name]
    assert made.base.first == int(disk.files()[3].stem)
    assert made.records == made.base.first
    assert [segment.size_bytes for segment in made.segments] == [path.stat().st_size for path in (first, second, third)]
    assert made.segments[0].written_until == at("2026-02-10")
    assert {path: path.read_bytes() for path in disk.path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("before", "gone"),
    [
        ("2025-01-01", 0),
        ("2026-02-10 00:00:00.000", 0),
        ("2026-02-10 00:00:00.001", 1),
        ("2026-03-10", 1),
        ("2026-06-10", 4),
        ("2026-06-10 00:00:00.001", 5),
        ("2099-01-01", 5),
    ],
)
def test_a_segment_goes_when_all_in_it_and_the_first_record_after_it_are_old_enough(
    disk: DiskTrail, before: str, gone: int
) -> None:
    assert len(plan(disk, before).segments) == gone


def test_what_is_pruned_is_gone_and_what_stays_is_whole(disk: DiskTrail) -> None:
    lines, files = disk.lines(), disk.files()
    prune(disk)
    assert disk.files() == files[3:]
    first = int(files[3].stem)
    assert disk.lines()[: len(lines) - first] == lines[first:]
    assert not [path for path in disk.log.iterdir() if int(path.stem) < first]
    everything = lines[:first] + disk.lines()
    result = verify_trail(str(disk.path))
    assert (result.first, result.size, result.signed) == (first, len(everything), True)
    assert result.root == root_by_definition([leaf(line) for line in everything])


def test_the_record_and_the_file_say_what_was_pruned(disk: DiskTrail) -> None:
    lines = disk.lines()
    prune(disk)
    (record,) = (item for item in disk.fields() if item["type"] == "audit.pruned")
    kept = json.loads((disk.path / "pruned.json").read_text())
    first = kept["min_index"]
    leaves = [leaf(line) for line in lines[:first]]
    frontier = list(Frontier().extend(leaves).hashes)
    assert [base64.b64decode(item) for item in kept["frontier"]] == frontier
    assert record["frontier"] == [item.hex() for item in frontier]
    assert (record["min_index"], record["root"]) == (first, root_by_definition(leaves).hex())
    assert record["segments"] == [f"{int(number):020d}.jsonl" for number in (0, 15, 27)]
    assert record["before"] == "2026-04-11T00:00:00.000Z"
    assert kept["record"] == record["seq"]
    assert kept["prev"] == leaves[-1].hex()
    origin, size, root, _, signature, _ = kept["note"].split("\n")
    assert (origin, size) == ("nvr.example/retentiond", str(first))
    assert base64.b64decode(root) == root_by_definition(leaves)
    assert signature.startswith("— nvr.example/retentiond ")


def test_the_state_is_vouched_for_by_the_record_in_the_form_that_anybody_can_compute(disk: DiskTrail) -> None:
    prune(disk)
    (record,) = (item for item in disk.fields() if item["type"] == "audit.pruned")
    kept = json.loads((disk.path / "pruned.json").read_text())
    assert hashlib.sha256(rfc8785.dumps(kept["state"])).hexdigest() == record["state"]
    assert kept["state"]["policy_digest"] == "p1"


# --- what stays ---------------------------------------------------------------------------------------------------


def test_what_was_decided_in_pruned_records_is_still_decided(disk: DiskTrail) -> None:
    before = replayed(disk)
    prune(disk)
    after = replayed(disk)
    assert after.seq == len(disk.lines()) + plan(disk, "2000-01-01").base.first
    after.seq = before.seq
    assert after == before
    assert after.findings
    assert after.adopted == {STORE: {"store": "main", "inode": 5}}


def test_the_state_survives_any_number_of_prunings_and_restarts(disk: DiskTrail) -> None:
    before = replayed(disk)
    for month in (3, 4, 5, 6):
        prune(disk, f"2026-{month:02d}-11")
        disk.fill(1)
        assert verify_trail(str(disk.path)).size > before.seq
        cache_of(disk).save(replayed(disk))
        for after in (replayed(disk), cache_of(disk).load(TrailOnDisk(str(disk.log)))):
            after.seq = before.seq
            assert after == before
    assert len(disk.files()) == 1


def test_an_intent_without_outcome_keeps_its_segment_and_all_after_it(disk: DiskTrail) -> None:
    path = disk.files()[1]
    decisions = replayed(disk)
    with DiskTrail(disk.path.parent / "other", now=disk.now).open() as trail:
        (record,) = trail.append(intents(STORE, "run-1", [an_intended("c-1")]))
    decisions.apply(record)
    open_intent = decisions.intents["c-1"]
    for seq, gone in ((0, 0), (14, 0), (15, 1), (26, 1), (27, 2)):
        decisions.intents["c-1"] = replace(open_intent, seq=seq)
        made = plan(disk, decisions=decisions)
        assert len(made.segments) == gone
        assert "a deletion that was begun in it, or before it, is not settled" in made.held_by
    assert path.name == "00000000000000000015.jsonl"


def test_a_settled_intent_keeps_nothing(tmp_path: Path) -> None:
    disk = DiskTrail(tmp_path / "audit", now=at("2026-01-10"))
    with disk.open() as trail:
        (intent,) = trail.append(intents(STORE, "run-1", [an_intended("c-1")]))
        disk.now = at("2026-02-10")
        trail.append(beats())
        assert plan(disk, "2026-03-01").held_by
        trail.append([not_deleted(EventType.DELETION_VOID, intent.seq, "c-1", a_recording(), "changed")])
    assert not plan(disk, "2026-03-01").held_by
    assert len(plan(disk, "2026-03-01").segments) == 1


def test_an_incident_that_is_not_closed_keeps_the_record_that_says_why(tmp_path: Path) -> None:
    disk = DiskTrail(tmp_path / "audit", now=at("2026-01-10"))
    disk.fill(1)
    disk.now = at("2026-02-10")
    with disk.open() as trail:
        trail.append(incident_opened(an_incident(), Footage(3, None, None, "ab")))
    for month in (3, 4):
        disk.now = at(f"2026-{month:02d}-10")
        disk.fill(1)
    made = plan(disk, "2026-05-01", decisions=replayed(disk))
    assert len(made.segments) == 1
    assert "incident I-1 is not closed" in made.held_by
    closed = replace(replayed(disk), incidents={})
    assert len(plan(disk, "2026-05-01", decisions=closed).segments) == 3


@pytest.mark.parametrize(
    "event",
    [
        hold_placed(a_suspension(), {}),
        hold_approved(a_suspension(), "op-2", at("2026-02-10")),
        hold_extended(a_suspension(), "op-2", at("2026-02-10"), until=None, review=at("2026-03-10")),
    ],
    ids=lambda event: event.type,
)
def test_a_hold_in_force_keeps_the_record_that_says_why(tmp_path: Path, event: Event) -> None:
    disk = DiskTrail(tmp_path / "audit", now=at("2026-01-10"))
    disk.fill(1)
    disk.now = at("2026-02-10")
    with disk.open() as trail:
        trail.append([event])
    for month in (3, 4):
        disk.now = at(f"2026-{month:02d}-10")
        disk.fill(1)
    decisions = replayed(disk)
    decisions.suspensions = {}
    assert len(plan(disk, "2026-05-01", decisions=decisions).segments) == 3
    suspension = a_suspension()
    decisions.suspensions[suspension.ident] = suspension
    made = plan(disk, "2026-05-01", decisions=decisions)
    assert len(made.segments) == 1
    assert "hold H-1 is in force" in made.held_by
    decisions.suspensions = {"H-2": replace(suspension, ident="H-2")}
    assert len(plan(disk, "2026-05-01", decisions=decisions).segments) == 3


@pytest.mark.parametrize("wrong", ["1970-01-01", "2001-05-05"])
def test_a_clock_that_was_behind_makes_no_record_go_early(tmp_path: Path, wrong: str) -> None:
    """At the first start the clock was dead: its records look as if they were half a century old."""
    disk = DiskTrail(tmp_path / "audit", now=at(wrong))
    disk.fill(3)
    disk.now = at("2026-01-10")
    disk.fill(3)
    disk.now = at(wrong)
    disk.fill(3)
    disk.now = at("2026-02-10")
    disk.fill(1)
    assert len(disk.files()) == 4
    assert plan(disk, "2026-01-10").segments == ()
    assert len(plan(disk, "2026-01-11").segments) == 2
    assert len(plan(disk, "2026-02-11").segments) == 3


def test_a_record_with_a_late_time_in_the_middle_keeps_its_segment(tmp_path: Path) -> None:
    disk = DiskTrail(tmp_path / "audit", now=at("2026-01-10"))
    with disk.open() as trail:
        trail.append(beats())
        disk.now = at("2026-01-31 23:59")
        trail.append(beats())
        disk.now = at("2026-01-12")
        trail.append(beats())
        disk.now = at("2025-12-12")
        trail.append(beats())
    assert len(disk.files()) == 2
    assert plan(disk, "2026-01-31").segments == ()
    assert len(plan(disk, "2026-02-01").segments) == 1


def test_the_last_segment_never_goes(disk: DiskTrail) -> None:
    prune(disk, "2099-01-01")
    assert len(disk.files()) == 1
    with disk.open() as trail, pytest.raises(TryAgainError, match="nothing can be pruned: no segment is old enough"):
        trail.prune(plan(disk, "2099-01-01"), replayed(disk))


def test_what_was_torn_off_a_pruned_segment_goes_with_it(disk: DiskTrail) -> None:
    torn = disk.path / "torn"
    torn.mkdir()
    (torn / "00000000000000000015-300-20260210T000000Z").write_bytes(b"half a line with a path")
    (torn / f"{disk.files()[4].stem}-300-20260510T000000Z").write_bytes(b"another")
    (torn / "notes.txt").write_bytes(b"somebody's")
    prune(disk)
    assert sorted(path.name for path in torn.iterdir()) == [f"{disk.files()[1].stem}-300-20260510T000000Z", "notes.txt"]


def test_heads_and_keys_stay(disk: DiskTrail) -> None:
    (disk.path / "anchors").mkdir()
    (disk.path / "anchors" / "00000000000000000005.note").write_bytes(b"x")
    keys = (disk.path / "keys").read_bytes()
    prune(disk)
    assert (disk.path / "anchors" / "00000000000000000005.note").exists()
    assert (disk.path / "keys").read_bytes() == keys


# --- proofs -------------------------------------------------------------------------------------------------------


def test_every_proof_of_what_stays_can_be_made_and_none_of_what_went(disk: DiskTrail) -> None:
    leaves = [leaf(line) for line in disk.lines()]
    prune(disk)
    first = plan(disk, "2000-01-01").base.first
    subtrees, head = read_tree(str(disk.path))
    leaves = leaves[:first] + [leaf(line) for line in disk.lines()]
    assert head.root == root_by_definition(leaves)
    for index in range(first, head.size):
        verify_inclusion(leaves[index], index, head, inclusion_proof(subtrees, index, head.size))
        old = type(head)(index, root_by_definition(leaves[:index]))
        verify_consistency(old, head, consistency_proof(subtrees, index, head.size))
    for index in range(first - first % 2):  # of an odd number the edge holds the last one, salted as it is
        with pytest.raises(ProofError, match="pruned"):
            inclusion_proof(subtrees, index, head.size)


# --- reading ------------------------------------------------------------------------------------------------------


def test_reading_from_before_the_first_record_begins_at_it(disk: DiskTrail) -> None:
    prune(disk)
    first = plan(disk, "2000-01-01").base.first
    for since in (0, 1, first - 1, first):
        assert next(records_since(str(disk.log), since)).seq == first
    assert next(records_since(str(disk.log), first + 1)).seq == first + 1


def test_a_reader_goes_on_over_a_pruning(disk: DiskTrail) -> None:
    reading = records_since(str(disk.log))
    read = [next(reading).seq for _ in range(20)]
    prune(disk)
    read += [record.seq for record in reading]
    first = plan(disk, "2000-01-01").base.first
    assert read == [*range(27), *range(first, len(disk.lines()) + first)]


def test_verifying_goes_on_over_a_pruning(tmp_path: Path) -> None:
    """The check is in the first segment when the first two are pruned."""
    disk = DiskTrail(tmp_path / "audit", now=at("2026-01-10"))
    disk.fill(1, each=PROGRESS_EVERY)
    for month in (2, 3):
        disk.now = at(f"2026-{month:02d}-10")
        disk.fill(1)
    with disk.open() as trail:
        made, decisions, told = plan(disk), replayed(disk), []

        def when_read(size: int, _share: float) -> None:
            told.append(size)
            if len(told) == 1:
                trail.prune(made, decisions)

        result = verify_trail(str(disk.path), progress=when_read)
        assert (result.first, result.size) == (made.base.first, trail.head().size)
    assert told == [PROGRESS_EVERY, result.size]


def test_a_missing_segment_that_was_not_pruned_is_not_passed_over(disk: DiskTrail) -> None:
    prune(disk)
    disk.files()[0].unlink()
    with pytest.raises(AuditDamagedError, match="begins at record"):
        list(records_since(str(disk.log)))
    with pytest.raises(AuditDamagedError, match="begins at record"):
        verify_trail(str(disk.path))
    with pytest.raises(AuditDamagedError, match="begins at record"):
        read_tree(str(disk.path))


# --- what changed meanwhile ---------------------------------------------------------------------------------------


def test_a_plan_that_is_not_good_any_more_is_refused(disk: DiskTrail) -> None:
    made = plan(disk)
    prune(disk, "2026-03-01")
    with disk.open() as trail, pytest.raises(TryAgainError, match="other segments are there"):
        trail.prune(made, replayed(disk))
    made, decisions = plan(disk), replayed(disk)
    with disk.open() as trail, pytest.raises(TryAgainError, match="went on meanwhile"):
        trail.prune(made, decisions)
    with disk.open() as trail:
        trail.append(intents(STORE, "run-1", [an_intended("c-1")]))
        decisions = replayed(disk)
        decisions.intents["c-1"] = replace(decisions.intents["c-1"], seq=made.base.first - 1)
        with pytest.raises(TryAgainError, match="a deletion was begun meanwhile"):
            trail.prune(made, decisions)
    assert len(disk.files()) == MONTHS - 1


def test_a_pruning_in_a_new_month_begins_a_segment_first(disk: DiskTrail) -> None:
    with disk.open() as trail:
        made, decisions = plan(disk), replayed(disk)
        disk.now = at("2026-07-01")
        record = trail.prune(made, decisions)
    assert disk.types()[-2:] == ["audit.segment", "audit.pruned"]
    assert read_base(str(disk.path)).record == record.seq
    assert replayed(disk).seq == record.seq + 1
    assert verify_trail(str(disk.path)).size == record.seq + 1


def test_a_damaged_segment_is_evidence_and_stays(disk: DiskTrail) -> None:
    path = disk.files()[1]
    whole = path.read_bytes()
    for broken, why in (
        (whole.replace(b"number 1", b"number 7", 1), "does not follow from the line before"),
        (whole[:-1], "bytes stand after its last line"),
        (whole[: whole.rindex(b"\n", 0, -1) + 1], "ends at record 26, and 00000000000000000027.jsonl follows it"),
    ):
        path.write_bytes(broken)
        with pytest.raises(AuditDamagedError, match=rf"0015\.jsonl.*{why}"):
            plan(disk, decisions=Decisions())
        assert path.read_bytes() == broken


# --- what vouches -------------------------------------------------------------------------------------------------


def spoil(disk: DiskTrail, **changed: Any) -> None:
    path = disk.path / "pruned.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))


@pytest.mark.parametrize(
    "changed",
    [
        {"state": {}},
        {"state": None},
        {"state": {"seq": 5}},
        {"record": 60},
        {"record": None},
        {"schema": "other"},
        {"min_index": 27},
        {"min_index": "39"},
        {"frontier": []},
        {"frontier": ["AAAA"]},
        {"prev": "00" * 32},
        {"note": "x"},
        {"note": "nvr.example/retentiond\n39\nAAAA\n"},
    ],
    ids=str,
)
def test_what_is_kept_is_not_believed_without_the_record(disk: DiskTrail, changed: dict[str, Any]) -> None:
    prune(disk)
    verify_trail(str(disk.path))
    spoil(disk, **changed)
    with pytest.raises(AuditDamagedError):
        verify_trail(str(disk.path))


def test_a_forged_state_is_not_taken_up(disk: DiskTrail) -> None:
    prune(disk)
    state = json.loads((disk.path / "pruned.json").read_text())["state"]
    spoil(disk, state={**state, "policy_digest": "another"})
    with pytest.raises(AuditDamagedError, match="is not what record 76 vouches for"):
        replayed(disk)


def test_segments_that_somebody_removed_are_missing_also_with_a_file_that_says_pruned(disk: DiskTrail) -> None:
    """Whoever cuts off the past by hand would need the record, and that needs the key."""
    prune(disk)
    kept = json.loads((disk.path / "pruned.json").read_text())
    gone = disk.files()[0]
    second = disk.files()[1]
    rows = second.with_suffix(".frontier").read_text().splitlines()
    gone.unlink()
    frontier = [base64.b64encode(bytes.fromhex(row)).decode() for row in rows[1:]]
    spoil(disk, min_index=int(second.stem), prev=rows[0], frontier=frontier, note="")
    with pytest.raises(AuditDamagedError, match=f"record {kept['record']} does not vouch for the min_index"):
        verify_trail(str(disk.path))


def test_a_boundary_head_by_a_stranger_is_found(disk: DiskTrail) -> None:
    prune(disk)
    kept = json.loads((disk.path / "pruned.json").read_text())
    first, _, signature = kept["note"].rpartition(" ")
    forged = bytearray(base64.b64decode(signature))
    forged[-1] ^= 1
    spoil(disk, note=f"{first} {base64.b64encode(forged).decode()}\n")
    with pytest.raises(AuditDamagedError, match="the head in it does not verify"):
        verify_trail(str(disk.path))


def test_a_genuine_head_of_another_size_is_not_that_of_the_boundary(disk: DiskTrail) -> None:
    prune(disk)
    spoil(disk, note=(disk.path / "checkpoint").read_text())
    with pytest.raises(AuditDamagedError, match="the head in it is not that of the edge beside it"):
        verify_trail(str(disk.path))


def test_every_bit_of_what_is_kept_is_checked_or_changes_nothing(disk: DiskTrail) -> None:
    prune(disk)
    path = disk.path / "pruned.json"
    data, whole, decisions = path.read_bytes(), verify_trail(str(disk.path)), replayed(disk)
    for bit in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with suppress(AuditDamagedError):
            assert (verify_trail(str(disk.path)), replayed(disk)) == (whole, decisions)


def test_a_lost_file_is_noticed(disk: DiskTrail) -> None:
    prune(disk)
    (disk.path / "pruned.json").unlink()
    with pytest.raises(AuditDamagedError, match="begins at record 39, and 0 are before it"):
        verify_trail(str(disk.path))
    with pytest.raises(AuditDamagedError, match="begins at record 39"):
        replayed(disk)
    with pytest.raises(AuditDamagedError, match="its number is 39, and 0 comes next"):
        plan(disk, "2026-06-11", decisions=Decisions())


def test_a_head_kept_elsewhere_has_to_be_younger_than_what_was_pruned(disk: DiskTrail) -> None:
    leaves = [leaf(line) for line in disk.lines()]
    prune(disk)
    first = plan(disk, "2000-01-01").base.first
    with pytest.raises(UsageError, match=f"is of 5 records, and those before {first} were pruned"):
        verify_trail(str(disk.path), external=(5, root_by_definition(leaves[:5])))
    for size in range(first, len(leaves) + 1):
        assert verify_trail(str(disk.path), external=(size, root_by_definition(leaves[:size]))).first == first
        with pytest.raises(AuditDamagedError, match="kept elsewhere"):
            verify_trail(str(disk.path), external=(size, bytes(32)))


# --- crashes ------------------------------------------------------------------------------------------------------


def test_a_crash_after_the_record_leaves_everything_and_it_can_be_done_again(disk: DiskTrail) -> None:
    made, files = plan(disk), disk.files()
    draft = disk.path / f"pruned.json.new-{os.getpid()}"
    draft.mkdir()
    with disk.open() as trail, pytest.raises(StorageError, match=r"pruned\.json: cannot be written"):
        trail.prune(made, replayed(disk))
    draft.rmdir()
    assert disk.files() == files
    assert "audit.pruned" in disk.types()
    assert verify_trail(str(disk.path)).first == 0
    prune(disk)
    assert disk.files() == files[3:]
    assert verify_trail(str(disk.path)).first > 0


@pytest.mark.parametrize("gone", [0, 1, 2])
def test_a_crash_before_the_files_are_gone_is_finished_at_the_next_start(disk: DiskTrail, gone: int) -> None:
    copies = {path: path.read_bytes() for path in disk.log.iterdir()}
    prune(disk)
    for path in sorted(copies)[gone:]:
        if not path.exists():
            path.write_bytes(copies[path])
    first = verify_trail(str(disk.path)).first
    assert next(records_since(str(disk.log))).seq == first
    replayed(disk)
    disk.fill(1)
    assert min(int(path.stem) for path in disk.log.iterdir()) == first
    assert verify_trail(str(disk.path)).first == first


def test_certificates_and_copies_from_before_are_as_good_as_ever(disk: DiskTrail, tmp_path: Path) -> None:
    """Somebody has a copy of the trail from before: it is consistent with what is left."""
    shutil.copytree(disk.path, tmp_path / "copy")
    prune(disk)
    disk.fill(3)
    old, new = read_tree(str(tmp_path / "copy")), read_tree(str(disk.path))
    verify_consistency(old[1], new[1], consistency_proof(new[0], old[1].size, new[1].size))


def test_files_are_for_the_group_only(disk: DiskTrail) -> None:
    prune(disk)
    assert (disk.path / "pruned.json").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("now", "months", "then"),
    [
        ("2026-03-31 12:00", 1, "2026-02-28 12:00"),
        ("2024-03-31", 1, "2024-02-29"),
        ("2026-03-31", 24, "2024-03-31"),
        ("2026-01-15", 1, "2025-12-15"),
        ("2026-12-31", 12, "2025-12-31"),
        ("2026-02-28", 12, "2025-02-28"),
    ],
)
def test_months_are_those_of_the_calendar(now: str, months: int, then: str) -> None:
    assert months_before(at(now), months) == at(then)


def test_what_lies_before_the_first_year_is_no_instant() -> None:
    with pytest.raises(ValueError, match="no month lies"):
        months_before(datetime(1, 1, 1, tzinfo=UTC) + timedelta(days=3), 1)


def test_a_plan_reads_beside_a_writer(disk: DiskTrail) -> None:
    with disk.open() as trail:
        assert isinstance(trail, Trail)
        trail.append([Event(EventType.HEARTBEAT, {})])
        assert len(plan(disk).segments) == 3
