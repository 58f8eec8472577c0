"""While the trail cannot be written: what is noted beside it, and how the trail comes to know (rule 7)."""

import hashlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from retentiond.audit.journald import MESSAGE_ID, Journald
from retentiond.audit.spool import MOST_HELD, Gap, Spool
from retentiond.audit.verify import verify_trail
from retentiond.domain.audit_failure import OnAuditFailure
from retentiond.domain.decisions import Decisions
from retentiond.domain.errors import StorageError
from retentiond.domain.event import Event, EventType, intents, not_deleted, recording_deleted
from retentiond.ports import AuditTrail
from retentiond.services.journal import Journal as Services
from tests.builders import NOW, STORE, a_due, a_recording, an_event, an_intended
from tests.fakes.trail import MemoryTrail
from tests.integration.audit.disk_trail import DiskTrail, beats, fill_disk, needs, small_disk

BROKEN = StorageError("log: cannot be written; make room")


class Journal:
    """What journald is to a sender: a datagram socket that somebody reads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(0)

    def entries(self) -> list[dict[str, str]]:
        """Return the entries that came in since the last call, taken apart as journald does."""
        found: list[dict[str, str]] = []
        while True:
            try:
                datagram = self.socket.recv(1 << 20)
            except BlockingIOError:
                return found
            assert datagram.endswith(b"\n")
            rows = [row.partition(b"=") for row in datagram[:-1].split(b"\n")]
            assert all(separator for _, separator, _ in rows)
            found.append({name.decode(): value.decode() for name, _, value in rows})

    def lines(self) -> list[str]:
        return [entry["RETENTIOND_RECORD"] for entry in self.entries()]


class NoCache:
    """`DecisionCache` that keeps nothing."""

    def load(self, trail: AuditTrail) -> Decisions:
        decisions = Decisions()
        decisions.apply_all(trail.records())
        return decisions

    def save(self, decisions: Decisions) -> None:
        pass


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal.sock")
    yield journal
    journal.socket.close()


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "gap.jsonl"


def a_spool(path: Path, *devices: Journald) -> Spool:
    spool = Spool(str(path), devices, Clock())
    spool.open()
    return spool


def a_deletion(spool: Spool, number: int, size: int = 5) -> None:
    """Delete one recording as a service does whose trail is out of order."""
    claim = f"run-1-{number}"
    (intent,) = spool.take(intents(STORE, "run-1", [an_intended(claim)]), size=size, why=str(BROKEN))
    assert intent.seq < 0
    outcome = recording_deleted(intent.seq, claim, a_due(), {"bytes": 42}, now=NOW)
    spool.take([outcome], size=size, why=str(BROKEN))


def given(trail: MemoryTrail, since: int = 0) -> list[tuple[str, Any]]:
    return [(record.type, record.fields.get("claim")) for record in trail.records(since)]


def test_an_outcome_of_what_was_only_noted_names_the_number_that_the_trail_gave_to_it(path: Path) -> None:
    trail, spool = MemoryTrail(), a_spool(path)
    trail.append(beats(5))
    decisions = Decisions()
    decisions.apply_all(trail.records())
    journal = Services(trail, NoCache(), decisions, spool, on_failure=OnAuditFailure.PROCEED)
    trail.broken = BROKEN
    (intent,) = journal.write_or_note(intents(STORE, "run-1", [an_intended("run-1-1")]))
    trail.broken = None
    journal.write([recording_deleted(intent.seq, "run-1-1", a_due(), {"bytes": 42}, now=NOW)])
    gap, noted, outcome = trail.records(5)
    assert (gap.type, noted.type, outcome.type) == ("audit.gap", "deletion.intent", "recording.deleted")
    assert intent.seq < 0 <= outcome.fields["intent"] == noted.seq
    assert decisions.intents == {}


# --- noting and giving back ---------------------------------------------------------------------------------------


def test_a_gap_is_on_the_record_with_everything_that_was_done_in_it(path: Path, journal: Journal) -> None:
    trail, spool = MemoryTrail(), a_spool(path, Journald(str(journal.path)))
    trail.append(beats(5))
    for number in range(3):
        a_deletion(spool, number)
    lines = journal.lines()
    records = spool.give_back(trail)
    assert records == list(trail.records(5))
    gap, *rest = records
    assert gap.type == "audit.gap"
    assert {key: gap.fields[key] for key in ("noted", "deleted", "lost", "devices")} == {
        "noted": 6,
        "deleted": 3,
        "lost": 0,
        "devices": [{"name": "journald", "lines": 6}],
    }
    assert (gap.fields["since"], gap.fields["until"]) == ("2026-03-31T12:00:01.000Z", "2026-03-31T12:00:06.000Z")
    assert gap.fields["why"] == "log: cannot be written; make room"
    assert gap.fields["sha256"] == hashlib.sha256("".join(line + "\n" for line in lines).encode()).hexdigest()
    assert [record.type for record in rest] == ["deletion.intent", "recording.deleted"] * 3
    assert {record.fields["gap"] for record in records} == {gap.fields["gap"]}
    assert rest[1].fields["noted_at"] == "2026-03-31T12:00:02.000Z"
    assert spool.gap is None
    assert spool.give_back(trail) == []


def test_outcomes_name_their_intents_by_the_numbers_of_the_trail(path: Path) -> None:
    trail, spool = MemoryTrail(), a_spool(path)
    (real,) = trail.append(intents(STORE, "run-0", [an_intended("before")]))
    spool.take([recording_deleted(real.seq, "before", a_due(), {}, now=NOW)], size=1, why="full")
    for number in range(3):
        a_deletion(spool, number)
    spool.give_back(trail)
    records = {record.seq: record for record in trail.records()}
    outcomes = [record for record in records.values() if record.type == "recording.deleted"]
    assert len(outcomes) == 4
    for outcome in outcomes:
        listed = records[outcome.fields["intent"]].fields["recordings"]
        assert [entry["claim"] for entry in listed] == [outcome.fields["claim"]]
    decisions = Decisions()
    decisions.apply_all(trail.records())
    assert decisions.intents == {}


def test_the_lines_on_the_second_device_are_entries_that_journald_makes_durable_at_once(
    path: Path, journal: Journal
) -> None:
    spool = a_spool(path, Journald(str(journal.path)))
    a_deletion(spool, 1)
    intent, outcome = journal.entries()
    for entry in (intent, outcome):
        assert (entry["PRIORITY"], entry["SYSLOG_IDENTIFIER"], entry["MESSAGE_ID"]) == ("2", "retentiond", MESSAGE_ID)
        assert entry["MESSAGE"] == "a record that the audit trail could not take"
    noted = json.loads(outcome["RETENTIOND_RECORD"])
    gap = spool.gap
    assert gap is not None
    assert (noted["gap"], noted["n"], noted["type"]) == (gap.ident, 2, "recording.deleted")
    assert noted["fields"]["intent"] == -1
    assert noted["fields"]["rec"]["path"]


def test_a_trail_that_still_takes_nothing_loses_nothing(path: Path) -> None:
    trail, spool = MemoryTrail(), a_spool(path)
    trail.broken = BROKEN
    for number in range(2):
        a_deletion(spool, number)
        with pytest.raises(StorageError):
            spool.give_back(trail)
    trail.broken = None
    spool.give_back(trail)
    assert [kind for kind, _ in given(trail)] == ["audit.gap", *["deletion.intent", "recording.deleted"] * 2]


def test_a_second_gap_is_another_one(path: Path) -> None:
    trail, spool = MemoryTrail(), a_spool(path)
    for number in range(2):
        a_deletion(spool, number)
        spool.give_back(trail)
    gaps = [record.fields for record in trail.records() if record.type == "audit.gap"]
    assert [gap["noted"] for gap in gaps] == [2, 2]
    assert gaps[0]["gap"] != gaps[1]["gap"]


def test_many_events_are_given_back_in_order(path: Path) -> None:
    trail, spool = MemoryTrail(), a_spool(path)
    claims = [f"run-1-{number}" for number in range(1200)]
    (intent, *_) = spool.take(intents(STORE, "run-1", [an_intended(claim) for claim in claims]), size=0, why="full")
    spool.take([recording_deleted(intent.seq, claim, a_due(), {}, now=NOW) for claim in claims], size=0, why="full")
    spool.give_back(trail)
    outcomes = [record for record in trail.records() if record.type == "recording.deleted"]
    assert [record.fields["claim"] for record in outcomes] == claims
    assert {record.fields["intent"] for record in outcomes} == {1}


# --- processes that end -------------------------------------------------------------------------------------------


def test_what_one_process_noted_the_next_one_gives_back(path: Path) -> None:
    trail = MemoryTrail()
    a_deletion(a_spool(path), 1)
    spool = a_spool(path)
    waiting = spool.gap
    assert isinstance(waiting, Gap)
    assert (waiting.noted, waiting.deleted, waiting.size) == (2, 1, 5)
    a_deletion(spool, 2)
    a_spool(path).give_back(trail)
    assert [claim for kind, claim in given(trail) if kind == "recording.deleted"] == ["run-1-1", "run-1-2"]
    assert a_spool(path).gap is None


@pytest.mark.parametrize("before", range(8))
def test_a_process_that_ends_while_it_gives_back_gives_everything_once(path: Path, before: int) -> None:
    """The trail got the first `before` records, and then the process died before it could forget them."""
    whole, spool = MemoryTrail(), a_spool(path)
    for number in range(3):
        a_deletion(spool, number, size=0)
    noted = path.read_bytes()
    spool.give_back(whole)
    path.write_bytes(noted)
    trail = MemoryTrail()
    trail.lines = whole.lines[:before]
    a_spool(path).give_back(trail)
    assert given(trail) == given(whole)
    assert [record.fields.get("intent") for record in trail.records()] == [None, None, 1, None, 3, None, 5]


@pytest.mark.parametrize("cut", range(0, 700, 7))
def test_whatever_a_crash_left_of_the_file_what_can_be_read_is_given_back(path: Path, cut: int) -> None:
    spool = a_spool(path)
    for number in range(2):
        a_deletion(spool, number, size=0)
    whole = path.read_bytes()
    path.write_bytes(whole[: max(len(whole) - cut, 0)])
    lines = path.read_bytes().count(b"\n")
    trail = MemoryTrail()
    a_spool(path).give_back(trail)
    assert len(trail.lines) == lines


def test_lines_that_cannot_be_read_are_counted(path: Path) -> None:
    spool = a_spool(path)
    for number in range(3):
        a_deletion(spool, number, size=0)
    lines = path.read_bytes().split(b"\n")
    lines[3] = b"\0" * 50
    path.write_bytes(b"\n".join(lines))
    trail, again = MemoryTrail(), a_spool(path)
    a_deletion(again, 7, size=0)
    again.give_back(trail)
    gap = next(trail.records())
    assert (gap.fields["noted"], gap.fields["lost"]) == (7, 1)
    claims = [claim for kind, claim in given(trail) if kind == "recording.deleted"]
    assert claims == ["run-1-0", "run-1-1", "run-1-2", "run-1-7"]
    outcome = next(record for record in trail.records() if record.fields.get("claim") == "run-1-1")
    assert outcome.fields["intent"] is None


def test_a_beginning_that_cannot_be_read_stops_nothing(path: Path) -> None:
    a_deletion(a_spool(path), 1)
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([b"{}", *lines[1:]]))
    trail = MemoryTrail()
    a_spool(path).give_back(trail)
    gap = next(trail.records())
    assert (gap.fields["noted"], gap.fields["lost"]) == (2, 1)
    assert "cannot be read" in gap.fields["why"]


def test_a_file_that_cannot_be_read_at_all_is_said(path: Path) -> None:
    path.mkdir()
    with pytest.raises(StorageError, match="cannot be read"):
        a_spool(path)


def test_a_file_that_cannot_be_read_any_more_is_said(path: Path) -> None:
    spool = a_spool(path)
    a_deletion(spool, 1)
    path.unlink()
    path.mkdir()
    with pytest.raises(StorageError, match="cannot be read"):
        spool.noted()


# --- devices that fail --------------------------------------------------------------------------------------------


def test_without_any_device_it_is_held_in_memory_and_still_given_back(tmp_path: Path) -> None:
    """Retention wins at the deadline, whatever is out of order."""
    trail = MemoryTrail()
    spool = Spool(str(tmp_path / "missing" / "gap.jsonl"), [Journald(str(tmp_path / "nobody"))], Clock())
    a_deletion(spool, 1)
    spool.give_back(trail)
    gap, intent, outcome = trail.records()
    assert gap.fields["devices"] == []
    assert outcome.fields["intent"] == intent.seq
    assert not (tmp_path / "missing").exists()


def test_a_file_that_fails_in_the_middle_keeps_the_order(path: Path, tmp_path: Path) -> None:
    trail, spool = MemoryTrail(), a_spool(path)
    a_deletion(spool, 1)
    away = tmp_path / "away"
    path.rename(away)
    path.mkdir()
    a_deletion(spool, 2)
    path.rmdir()
    away.rename(path)
    a_deletion(spool, 3)
    assert path.read_bytes().count(b"\n") == 3
    spool.give_back(trail)
    assert [claim for kind, claim in given(trail) if kind == "recording.deleted"] == ["run-1-1", "run-1-2", "run-1-3"]


def test_memory_is_bounded_and_what_is_beyond_is_counted(tmp_path: Path) -> None:
    trail, spool = MemoryTrail(), Spool(str(tmp_path / "missing" / "gap.jsonl"), [], Clock())
    event = an_event(EventType.DELETION_FAILED, claim="c", why="EIO")
    for _ in range(3):
        spool.take([event] * (MOST_HELD // 2), size=0, why="full")
    gap = spool.gap
    assert gap is not None
    assert (gap.noted, gap.lost) == (MOST_HELD // 2 * 3, MOST_HELD // 2)
    spool.give_back(trail)
    assert len(trail.lines) == MOST_HELD + 1


@pytest.mark.parametrize("wrong", ["nobody there", "nobody reads", "too long", "two lines"])
def test_a_journald_that_takes_nothing_is_said_and_never_waited_for(tmp_path: Path, wrong: str) -> None:
    socket_path = tmp_path / "journal.sock"
    device, line = Journald(str(socket_path)), b"{}"
    holder = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        if wrong != "nobody there":
            holder.bind(str(socket_path))
        if wrong == "too long":
            line = b"x" * (8 << 20)
        if wrong == "two lines":
            line = b"{}\nPRIORITY=7"
        with pytest.raises(StorageError):
            for _ in range(100_000):
                device.take(line)
    finally:
        holder.close()


def test_a_record_of_any_length_that_the_trail_takes_goes_to_journald(journal: Journal) -> None:
    line = b"x" * 65_000
    Journald(str(journal.path)).take(line)
    assert journal.lines() == [line.decode()]


REAL_JOURNALD = """
set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/log/journal
/lib/systemd/systemd-journald & journald=$!
trap 'kill $journald; wait $journald || true' EXIT
for _ in $(seq 100); do [ -S /run/systemd/journal/socket ] && break; sleep 0.1; done
"$1" -B -c "import sys; sys.path.insert(0, sys.argv[1]); from tests.integration.audit.test_gap import note_one
note_one(sys.argv[2])" "$2" "$3"
for _ in $(seq 100); do
  journalctl -D /run/log/journal --no-pager -o json MESSAGE_ID="$4" >"$3/entries"
  [ "$(wc -l <"$3/entries")" -ge 2 ] && break
  sleep 0.1
done
"""


def note_one(directory: str) -> None:
    """Note one deletion with the journald of this host."""
    spool = a_spool(Path(directory) / "gap.jsonl", Journald())
    a_deletion(spool, 1)
    gap = spool.gap
    assert gap is not None
    assert gap.devices == {"journald": 2}


@pytest.mark.privileged
def test_a_real_journald_keeps_what_it_is_sent(tmp_path: Path) -> None:
    """One of its own, which sees none of this host's `/run`."""
    needs("unshare")
    needs("journalctl")
    if os.geteuid() != 0 or not os.path.exists("/lib/systemd/systemd-journald"):
        pytest.skip("needs root, and systemd-journald")
    root = str(Path(__file__).parents[3])
    command = ["unshare", "--mount", "bash", "-c", REAL_JOURNALD, "-", sys.executable, root, str(tmp_path), MESSAGE_ID]
    subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    entries = [json.loads(line) for line in (tmp_path / "entries").read_text().splitlines()]
    noted = [line.decode() for line in (tmp_path / "gap.jsonl").read_bytes().split(b"\n")[1:-1]]
    assert [entry["RETENTIOND_RECORD"] for entry in entries] == noted
    assert {(entry["PRIORITY"], entry["SYSLOG_IDENTIFIER"]) for entry in entries} == {("2", "retentiond")}


# --- on a real trail ----------------------------------------------------------------------------------------------


@pytest.mark.privileged
def test_on_a_disk_without_any_room_the_gap_is_on_the_record_when_there_is_room(
    tmp_path: Path, journal: Journal
) -> None:
    """The trail's disk is full to its last block, and the reserve is used up; then somebody makes room."""
    with small_disk(tmp_path / "disk", "-t", "tmpfs", "-o", "size=256k", "tmpfs") as small:
        disk = DiskTrail(small / "audit")
        spool = a_spool(tmp_path / "gap.jsonl", Journald(str(journal.path)))
        with disk.open() as trail:
            stuff = fill_disk(small)
            with pytest.raises(StorageError) as caught:
                for _ in range(10_000):
                    trail.append(beats())
            for number in range(4):
                a_deletion(spool, number, size=trail.head().size)
            with pytest.raises(StorageError):
                spool.give_back(trail)
            assert "No space left" in str(caught.value)
            stuff.unlink()
            records = spool.give_back(trail)
            assert len(records) == 9
            assert trail.append(beats())[0].seq == records[-1].seq + 1
        assert verify_trail(str(disk.path)).size == trail.head().size
        gap = next(fields for fields in disk.fields() if fields["type"] == "audit.gap")
        assert (gap["deleted"], gap["devices"]) == (4, [{"name": "journald", "lines": 8}])


@pytest.mark.privileged
def test_a_start_on_a_disk_without_any_room_opens_the_trail_all_the_same(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "-t", "tmpfs", "-o", "size=256k", "tmpfs") as small:
        disk = DiskTrail(small / "audit")
        disk.fill(2)
        stuff = fill_disk(small)
        with suppress(StorageError), disk.open() as trail:
            for _ in range(10_000):
                trail.append(beats())
        before = disk.lines()
        with disk.open(opening=(("version", "x" * 400),)) as trail:
            assert trail.head().size == len(before)
            assert len(list(trail.records())) == len(before)
            with pytest.raises(StorageError):
                trail.append(beats())
            stuff.unlink()
            assert trail.append(beats())[0].seq == len(before) + 1
        assert disk.types()[len(before) :] == ["audit.open", "heartbeat"]
        assert verify_trail(str(disk.path)).size == len(before) + 2


WRITER = """
import sys
sys.path.insert(0, sys.argv[2])
from tests.builders import NOW
from tests.integration.audit.test_gap import a_deletion
from retentiond.audit.spool import Spool
spool = Spool(sys.argv[1], [], lambda: NOW)
spool.open()
for number in range(1000):
    a_deletion(spool, number)
    print(number, flush=True)
"""


def test_what_was_noted_when_the_process_is_killed_is_there(path: Path) -> None:
    root = str(Path(__file__).parents[3])
    command = [sys.executable, "-B", "-c", WRITER, str(path), root]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [int(process.stdout.readline()) for _ in range(20)]
        process.kill()
    trail = MemoryTrail()
    a_spool(path).give_back(trail)
    claims = [claim for kind, claim in given(trail) if kind == "recording.deleted"]
    assert claims[: len(said)] == [f"run-1-{number}" for number in said]


def test_an_event_that_is_no_deletion_is_noted_like_any(path: Path) -> None:
    trail, spool = MemoryTrail(), a_spool(path)
    events: list[Event] = [
        not_deleted(EventType.DELETION_FAILED, 3, "c-9", a_recording(), "EPERM"),
        an_event(EventType.RUN_COMPLETED, store="main", deletion_run="r", approval=None, deleted=0),
    ]
    records = spool.take(events, size=0, why="full")
    assert [record.seq for record in records] == [-1, -2]
    assert [dict(record.fields) for record in records] == [dict(event.fields) for event in events]
    spool.give_back(trail)
    gap, failed, completed = trail.records()
    assert gap.fields["deleted"] == 0
    assert (failed.fields["intent"], completed.fields["approval"]) == (3, None)
